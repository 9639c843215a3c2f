"""What the listener's skips have taught: a Beta–Bernoulli model with kin.

Each track has, for each song mood, an unknown chance θ of being heard through
when it is picked for that mood. A song played through counts for it, one
skipped within 30 s against it, and only in that song mood::

    θ ~ Beta(S·μ + played + K·played of kin,  S·(1 − μ) + skipped + K·skipped of kin)

μ is the listener's share of songs played through in this song mood, itself
pulled towards `TRUST`. In a library of thousands a single track seldom comes
back, so most of what is known of it comes from its kin: songs by the same
artist, and songs that sound alike (a Gaussian in valence, arousal, energy and
tempo); its own plays are among them. Kin count less than the track itself and,
however many they are, never more than `KIN_MOST` plays: a track's own history
wins in the end (partial pooling as in a hierarchical model, with fixed weights
instead of fitted ones).

The chooser draws θ for each candidate (Thompson sampling, Thompson 1933; Russo
et al. 2018, 'A tutorial on Thompson sampling'): little-known songs get their
chance, well-known bad ones seldom.

What a person says is absolute: a loved song is never less welcome than usual,
however often skipped, and a banned one is never picked.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.dj.recent import UNKNOWN_ARTIST
from mopidy_moodcam.glossary import SongMood, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mopidy_moodcam.glossary import Outcome
    from mopidy_moodcam.songs.shelf import Shelf

TRUST = (6.0, 4.0)
"""Played and skipped songs assumed before the first is heard."""

STRENGTH = 2.0
"""S: how many plays the general share μ counts for."""

ARTIST_WEIGHT = 1.0
SOUND_WEIGHT = 0.5
"""K: what a play of kin counts, where a play of the track itself counts 1."""

KIN_MOST = 8.0
"""The most plays that artist or sound may count for."""

ARTIST_HALF_S = 5 * 86_400.0
"""Seconds after which a play counts half for the artist's other songs.

A few skips are a whim more often than a verdict on all that somebody ever sang.
"""

MOST_HALVES = 500.0
"""Bounds what a clock that was set right by half a century can do to the numbers."""

SOUND_REACH = 0.3
"""Songs this far apart (see `_sound`) count 0.6 of the same sound."""

SOUND_MEMORY = 256
"""The newest judged tracks of a song mood whose sound is compared."""

Judged = tuple[int, SongMood, int, int, float]
"""A track's number, song mood, how often it was played through, and skipped, and when
last."""


class Feedback:
    """What is known of the listener's taste, over the tracks of one shelf.

    Made anew with a new shelf, from the rows the catalogue keeps. Memory grows
    with the tracks judged, not with the library.
    """

    def __init__(
        self,
        shelf: Shelf,
        rows: Iterable[Judged] = (),
        *,
        clock: Callable[[], float],
    ) -> None:
        """Take what is known, latest last, and `clock`: seconds since the epoch."""
        self._shelf = shelf
        self._clock = clock
        self._begun = clock()
        self._verdicts: dict[int, Verdict] = {}
        self._tastes = {mood: _Taste() for mood in SongMood}
        for track_id, song_mood, played, skipped, at in rows:
            self._count(track_id, song_mood, played, skipped, min(at, self._begun))

    def note(self, track_id: int, song_mood: SongMood, outcome: Outcome) -> None:
        """Count how a pick for `song_mood` ended; `neither` teaches nothing."""
        if outcome != "neither":
            played = outcome == "played"
            self._count(
                track_id, song_mood, int(played), int(not played), self._clock()
            )

    def judge(self, track_id: int, verdict: Verdict) -> None:
        """Take what a person says at once, before the shelf is loaded anew."""
        self._verdicts[track_id] = verdict

    def banned(self) -> frozenset[int]:
        """Return the numbers of tracks banned since the shelf was loaded."""
        verdicts = self._verdicts.items()
        return frozenset(i for i, verdict in verdicts if verdict is Verdict.BANNED)

    def loved(self, rows: np.ndarray) -> np.ndarray:
        """Return which of the shelf's `rows` a person loves, bool [k]."""
        loved = self._shelf.loved[rows].copy()
        for track_id, verdict in self._verdicts.items():
            loved[self._shelf.track_id[rows] == track_id] = verdict is Verdict.LOVED
        return loved

    def draw(
        self, rows: np.ndarray, song_mood: SongMood, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw the chance of being heard through, float64 [k], 0 … 1, for each row."""
        played, skipped = self.belief(rows, song_mood)
        return self._at_least_usual(rng.beta(played, skipped), rows, song_mood)

    def expect(self, rows: np.ndarray, song_mood: SongMood) -> np.ndarray:
        """Return the expected chance of being heard through, float64 [k], 0 … 1."""
        played, skipped = self.belief(rows, song_mood)
        return self._at_least_usual(played / (played + skipped), rows, song_mood)

    def usual(self, song_mood: SongMood) -> float:
        """Return the listener's share of songs heard through, 0 … 1."""
        return float(self._tastes[song_mood].share()[0])

    def _at_least_usual(
        self, chance: np.ndarray, rows: np.ndarray, song_mood: SongMood
    ) -> np.ndarray:
        least = np.where(self.loved(rows), self.usual(song_mood), 0.0)
        return np.maximum(chance, least)

    def belief(
        self, rows: np.ndarray, song_mood: SongMood
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the two parameters of each row's Beta, float64 [k], each above 0."""
        taste = self._tastes[song_mood]
        counts = STRENGTH * taste.share() + taste.own(rows)
        artists = taste.of_artists(self._shelf.artist[rows])
        counts += _kin(ARTIST_WEIGHT, artists / self._worth(self._clock()))
        counts += _kin(SOUND_WEIGHT, taste.of_sounds(self._shelf, rows))
        return counts[:, 0], counts[:, 1]

    def counts(self, track_id: int, song_mood: SongMood) -> tuple[int, int]:
        """Return how often a track was played through and skipped in a song mood."""
        row = self._shelf.row(track_id)
        tracks = self._tastes[song_mood].tracks
        played, skipped = tracks.get(row, (0, 0)) if row is not None else (0, 0)
        return int(played), int(skipped)

    def _count(
        self, track_id: int, song_mood: SongMood, played: int, skipped: int, at: float
    ) -> None:
        row = self._shelf.row(track_id)
        if row is None or not (played or skipped):
            return
        taste = self._tastes[song_mood]
        counts = np.array([played, skipped])
        taste.count(row, int(self._shelf.artist[row]), counts, self._worth(at))

    def _worth(self, at: float) -> float:
        """Return what a play at `at` is worth: the later, the more, so all fade."""
        halves = (at - self._begun) / ARTIST_HALF_S
        return 2.0 ** max(-MOST_HALVES, min(MOST_HALVES, halves))


class _Taste:
    """The counts of one song mood: by track, by artist, and of the newest sounds."""

    def __init__(self) -> None:
        nothing = lambda: np.zeros(2)  # noqa: E731
        self.tracks: dict[int, np.ndarray] = collections.defaultdict(nothing)
        self._artists: dict[int, np.ndarray] = collections.defaultdict(nothing)
        self._all = np.array(TRUST)
        self._newest: dict[int, None] = {}  # rows, the one judged last comes last
        self._stacked: tuple[np.ndarray, np.ndarray] | None = None

    def count(self, row: int, artist: int, counts: np.ndarray, worth: float) -> None:
        self.tracks[row] += counts
        self._all += counts
        if artist != UNKNOWN_ARTIST:
            self._artists[artist] += worth * counts
        self._stacked = None
        self._newest.pop(row, None)
        self._newest[row] = None
        if len(self._newest) > SOUND_MEMORY:
            del self._newest[next(iter(self._newest))]

    def share(self) -> np.ndarray:
        return self._all / self._all.sum()

    def own(self, rows: np.ndarray) -> np.ndarray:
        return _looked_up(self.tracks, rows)

    def of_artists(self, artists: np.ndarray) -> np.ndarray:
        return _looked_up(self._artists, artists)

    def of_sounds(self, shelf: Shelf, rows: np.ndarray) -> np.ndarray:
        """Return the counts of judged tracks, weighted by likeness, float32 [k, 2]."""
        if not self._newest:
            return np.zeros((len(rows), 2))
        if self._stacked is None:
            heard = [self.tracks[row] for row in self._newest]
            judged = _sound(shelf, np.array(list(self._newest)))
            self._stacked = judged, np.array(heard, np.float32)
        judged, counts = self._stacked
        sounds = _sound(shelf, rows)
        apart = (sounds**2).sum(1)[:, None] + (judged**2).sum(1) - 2 * sounds @ judged.T
        return np.exp(apart * np.float32(-0.5 / SOUND_REACH**2)) @ counts


def in_words(played: int, skipped: int) -> str:
    """Say in words how often a track was played through and skipped."""
    parts = []
    if played:
        parts.append(f"you heard it through {times(played)}")
    if skipped:
        parts.append(f"you skipped it {times(skipped)}")
    return " and ".join(parts)


def times(count: int) -> str:
    """Say a number of times: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _looked_up(counts: dict[int, np.ndarray], keys: np.ndarray) -> np.ndarray:
    found = np.zeros((len(keys), 2))
    if counts:
        for place, key in enumerate(keys.tolist()):
            if key in counts:
                found[place] = counts[key]
    return found


def _kin(weight: float, counts: np.ndarray) -> np.ndarray:
    total = counts.sum(1, keepdims=True) * weight
    return counts * weight * np.minimum(1.0, KIN_MOST / np.maximum(total, KIN_MOST))


def _sound(shelf: Shelf, rows: np.ndarray) -> np.ndarray:
    """Return valence, arousal, energy (−1 … 1) and tempo (octaves), float32 [k, 4].

    What is unknown lies in the middle.
    """
    energy = np.nan_to_num(shelf.energy[rows], nan=0.5) * 2.0 - 1.0
    tempo = np.log2(np.nan_to_num(shelf.tempo[rows], nan=120.0) / 120.0)
    return np.column_stack([shelf.plane[rows], energy, tempo]).astype(np.float32)
