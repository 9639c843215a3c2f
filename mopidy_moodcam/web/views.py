"""What each address of the API shows of a status, as JSON-ready values."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mopidy_moodcam import words
from mopidy_moodcam.feeling.corrections import VERDICTS
from mopidy_moodcam.glossary import Goal, SongMood
from mopidy_moodcam.status import CameraState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.status import Status

    View = Callable[[Status], dict[str, Any]]


def status(now: Status) -> dict[str, Any]:
    """Show everything at once, and what matters in words."""
    return {**now.to_json(), "words": words.status_lines(now)}


def history(now: Status) -> dict[str, Any]:
    """Show the moods since the start, oldest first."""
    return {"history": [dataclasses.asdict(mood) for mood in now.history]}


def camera(now: Status) -> dict[str, Any]:
    """Show the switch, why it is as it is, the last reading and the counters."""
    return {
        "camera": dataclasses.asdict(now.camera),
        "reading": now.reading and now.reading.to_json(),
        "counters": dataclasses.asdict(now.counters),
    }


def goal(now: Status) -> dict[str, Any]:
    """Show the goal and all there are."""
    return {"goal": now.goal, "goals": list(Goal)}


def mood(now: Status) -> dict[str, Any]:
    """Show the room's mood and what is played for it."""
    return {
        "mood": dataclasses.asdict(now.mood),
        "target": now.target and dataclasses.asdict(now.target),
        "override": now.override,
        "song_moods": list(SongMood),
    }


def pause(now: Status) -> dict[str, Any]:
    """Show until when nothing is changed."""
    return {
        "paused_until": now.paused_until,
        "hands_off_until": now.hands_off_until,
        "quiet": now.quiet,
    }


def corrections(now: Status) -> dict[str, Any]:
    """Show what corrections have taught, in words."""
    return {"corrections": list(now.learnt.corrections), "verdicts": list(VERDICTS)}


def baseline(now: Status) -> dict[str, Any]:
    """Show the resting face as seven numbers, or until when it is taken."""
    return {
        "baseline": now.learnt.baseline,
        "baseline_until": now.learnt.baseline_until,
    }


def guests(now: Status) -> dict[str, Any]:
    """Show whether the camera waits because guests are there."""
    return {"waiting": now.camera.state == CameraState.GUESTS}


def readings(now: Status) -> dict[str, Any]:
    """Show the last reading, and whether more are wanted from other machines.

    Before the first status nobody knows, and an eye may try.
    """
    return {
        "reading": now.reading and now.reading.to_json(),
        "wanted": now.camera.elsewhere or not now.started,
    }
