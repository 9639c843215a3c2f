"""The immutable snapshot of everything a person may want to know.

Written by the frontend only, read by the page, the MPD outputs and folders,
and the command line. It holds plain values, so readers share it without locks.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from mopidy_moodcam.glossary import (
    EXPRESSIONS,
    UNKNOWN,
    Affect,
    Goal,
    Mood,
    Pick,
    Reading,
    Target,
)

NO_MOOD = Mood(
    label=UNKNOWN,
    affect=Affect(0.0, 0.0),
    confidence=0.0,
    since=0.0,
    probabilities=(1 / len(EXPRESSIONS),) * len(EXPRESSIONS),
    why="nothing was seen yet",
)


class CameraState(enum.StrEnum):
    """What the camera is doing, in one word."""

    OFF = "off"
    NEEDS_CONSENT = "needs consent"
    STARTING = "starting"
    WATCHING = "watching"
    RESTING = "resting"  # switched on, but not needed now
    GUESTS = "guests"
    PAUSED = "paused"
    TROUBLE = "trouble"


@dataclasses.dataclass(frozen=True, slots=True)
class CameraStatus:
    """The camera's switch, its state and, in words, why.

    `elsewhere` says whether cameras on other machines should look; `looking` names
    the rooms where any camera does, '' for this machine's and for one without a name.
    """

    on: bool = False
    source: str = ""
    state: CameraState = CameraState.OFF
    why: str = ""
    milliseconds: float | None = None
    elsewhere: bool = False
    looking: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class SongsStatus:
    """The catalogue in numbers: all tracks, and songs by song mood."""

    tracks: int = 0
    analysed: int = 0
    waiting: int = 0
    by_song_mood: tuple[tuple[str, int], ...] = ()
    borrowed: tuple[str, ...] = ()
    why: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Counters:
    """What privacy means in numbers; nothing here can ever store or send a frame."""

    frames_seen: int = 0
    frames_stored: int = 0
    frames_sent: int = 0
    readings: int = 0
    mood_changes: int = 0
    picks: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Learnt:
    """What the listener has taught: corrections and a baseline, in words."""

    corrections: tuple[str, ...] = ()
    baseline: tuple[float, ...] | None = None
    baseline_until: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """One moment of the whole extension."""

    version: str = ""
    time: float = 0.0
    started: float = 0.0
    playback: str = "stopped"
    camera: CameraStatus = CameraStatus()
    reading: Reading | None = None
    mood: Mood = NO_MOOD
    goal: Goal = Goal.MATCH
    target: Target | None = None
    override: bool = False
    paused_until: float | None = None
    hands_off_until: float | None = None
    quiet: bool = False
    dry_run: bool = False
    songs: SongsStatus = SongsStatus()
    next_picks: tuple[Pick, ...] = ()
    playing_pick: Pick | None = None
    last_picks: tuple[Pick, ...] = ()
    history: tuple[Mood, ...] = ()
    learnt: Learnt = Learnt()
    counters: Counters = Counters()
    notices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the snapshot as JSON-ready values."""
        return dataclasses.asdict(self)
