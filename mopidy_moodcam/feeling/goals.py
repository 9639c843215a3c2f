"""Mood → target: what to play for the mood and the listener's goal.

`match` plays the mood's own songs by a table. `lift` and `calm` are paths after
the iso principle (Altshuler 1948: begin with music like the patient's mood and
lead away from it in steps; the evidence is mixed, so it is the listener's
choice and nothing medical is claimed). `hold` changes nothing.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from mopidy_moodcam.feeling.affect import (
    between,
    distance,
    from_way,
    nearest_song_mood,
)
from mopidy_moodcam.glossary import (
    SONG_MOOD_AFFECT,
    UNKNOWN,
    Affect,
    Goal,
    Mood,
    SongMood,
    Step,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MATCH: Mapping[str, SongMood | None] = MappingProxyType(
    {
        "happy": SongMood.HAPPY,
        "surprise": SongMood.ENERGETIC,
        "sad": SongMood.SAD,
        "angry": SongMood.INTENSE,
        "fear": SongMood.CALM,
        "disgust": None,
        "neutral": None,
    }
)
"""Our own table: like goes with like, by quadrant of the plane (Russell 1980).

Fear is answered, not matched: nobody queues frightening music for themselves.
Disgust and neutral (None) keep what is playing: on the FER+ test faces disgust
is misread more often than read, and a neutral face says nothing of music.
"""

ORIGINAL: Mapping[str, SongMood | None] = MappingProxyType(
    {
        "angry": SongMood.CALM,
        "disgust": SongMood.CALM,
        "fear": SongMood.CALM,
        "happy": SongMood.ENERGETIC,
        "neutral": SongMood.ENERGETIC,
        "sad": SongMood.HAPPY,
        "surprise": SongMood.ROMANTIC,
    }
)
"""The table of the system that this one follows, as it was."""

PRESETS = MappingProxyType({"default": MATCH, "original": ORIGINAL})

ENDS = MappingProxyType({Goal.LIFT: SongMood.HAPPY, Goal.CALM: SongMood.CALM})
"""Where the paths lead."""

# On the plane; neighbouring expressions (angry and fear) lie closer together,
# any change of quadrant or from neutral lies further apart.
JUMP = 0.4
LASTING = 1800.0  # seconds; a room that was ahead for less goes on where it is

Neutral = Literal["keep", "calm", "any"]


@dataclasses.dataclass(frozen=True, slots=True)
class Path:
    """A way of `songs` songs from the room's affect to the goal's.

    `origin` is the mood it began with; `ahead_since` (seconds) says since when the room
    has been further on than that.
    """

    origin: str
    start: Affect
    end: SongMood
    songs: int
    played: int = 0
    ahead_since: float | None = None

    @property
    def here(self) -> Affect:
        """Where the next song should lie; the last one lies at the end."""
        share = 1.0 if self.at_end else self.played / (self.songs - 1)
        return between(self.start, SONG_MOOD_AFFECT[self.end], share)

    @property
    def at_end(self) -> bool:
        """Whether the next song is the last one, or comes after it."""
        return self.played >= self.songs - 1

    def step(self) -> Path:
        """Return the path after one more song."""
        return dataclasses.replace(self, played=min(self.played + 1, self.songs))

    def seen(self, mood: Mood, now: float) -> Path | None:
        """Return the path after a look at the room; None where it no longer serves.

        It serves wherever the mood lies on the way; a neutral face, which says
        nothing of music, is never off it. Only a room that was ahead for a while and
        fell back begins anew: who smiles at a joke goes on.
        """
        end = SONG_MOOD_AFFECT[self.end]
        if mood.label != "neutral" and from_way(mood.affect, self.start, end) > JUMP:
            return None
        if distance(mood.affect, end) < distance(self.start, end) - JUMP:
            since = now if self.ahead_since is None else self.ahead_since
            return dataclasses.replace(self, ahead_since=since)
        if self.ahead_since is not None and now - self.ahead_since >= LASTING:
            return None
        return dataclasses.replace(self, ahead_since=None)


class Planner:
    """Turns moods into targets; keeps where on a path the room is.

    `goal` may be set at any time and begins a new path. `neutral` says what a
    neutral face asks for: `keep` what is playing, `calm` songs, or `any` song
    mood in turn. `lift_songs` is the length of a path in songs, 1 … 50.
    """

    def __init__(
        self,
        goal: Goal,
        *,
        preset: str = "default",
        neutral: Neutral = "keep",
        lift_songs: int = 5,
    ) -> None:
        self._goal = goal
        self._table = PRESETS[preset]
        self._neutral = neutral if preset == "default" else "keep"
        self._songs = lift_songs
        self._path: Path | None = None
        self._turn = 0
        self._unknown = True

    @property
    def goal(self) -> Goal:
        """What the listener wants done with the mood."""
        return self._goal

    @goal.setter
    def goal(self, goal: Goal) -> None:
        if goal != self._goal:
            self.begin_anew()
        self._goal = goal

    def target(
        self,
        mood: Mood,
        now: float,
        *,
        anything_queued: bool,
        previous: Target | None = None,
    ) -> Target | None:
        """Return what to play next at `now` (seconds), or None to keep things so.

        The same mood gives an equal target until a song was played. `previous`
        is the target that holds; where there is one, keeping means keeping it.
        """
        self._unknown = mood.label == UNKNOWN
        if self._unknown or self._goal is Goal.HOLD:
            return None
        if self._goal is Goal.MATCH:
            return self._match(mood, kept=anything_queued or previous is not None)
        return self._lead(mood, ENDS[self._goal], now)

    def begin_anew(self) -> None:
        """Forget where on a path the room is."""
        self._path = None

    def song_played(self) -> None:
        """Take the next step of a path; stands still while the mood is unknown."""
        if self._unknown:
            return
        self._turn += 1
        if self._path is not None:
            self._path = self._path.step()

    def _match(self, mood: Mood, *, kept: bool) -> Target | None:
        song_mood = self._table[mood.label]
        if song_mood is not None:
            why = f"the room is {mood.label}"
        elif mood.label == "neutral" and self._neutral != "keep":
            song_mood, why = self._for_neutral()
        elif kept:
            return None
        else:
            song_mood = SongMood.CALM
            why = f"the room is {mood.label} and nothing else was queued"
        return Target(song_mood, SONG_MOOD_AFFECT[song_mood], why)

    def _for_neutral(self) -> tuple[SongMood, str]:
        if self._neutral == "calm":
            return SongMood.CALM, "the room is neutral"
        moods = list(SongMood)
        return moods[self._turn % len(moods)], "the room is neutral: any mood in turn"

    def _lead(self, mood: Mood, end: SongMood, now: float) -> Target:
        path = self._path and self._path.seen(mood, now)
        if path is None:
            path = Path(mood.label, mood.affect, end, self._songs)
        self._path = path
        # The plane alone does not tell calm songs from sad and romantic ones.
        kind = Target if path.at_end else Step
        return kind(nearest_song_mood(path.here), path.here, _words(path))


def _words(path: Path) -> str:
    song = min(path.played + 1, path.songs)
    return f"song {song} of {path.songs} on the way from {path.origin} to {path.end}"
