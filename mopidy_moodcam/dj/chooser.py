"""Target → pick: one song from the shelf, and why.

A pick never looks at the whole catalogue. For each song mood the rows lie sorted
by their place on the plane (`places.Plane`), made once for a shelf. A pick takes
the rows about the target's point, a share of the song mood so that a large library
does not shrink to its few nearest songs, draws `CANDIDATES` of them at random,
drops those that are not fresh, and takes the best by

    closeness on the plane + smoothness after the song before + liking + chance

each 0 … 1 with the weights below. Where nothing fresh is left, rules give way in
an order (`Chooser._stages`), and the reason says which.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.dj import reasons
from mopidy_moodcam.dj.places import Numbers, Plane, sample
from mopidy_moodcam.dj.smooth import smoothness
from mopidy_moodcam.glossary import SongMood

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mopidy_moodcam.dj.feedback import Feedback
    from mopidy_moodcam.dj.recent import Recent
    from mopidy_moodcam.glossary import Affect, Target
    from mopidy_moodcam.songs.shelf import Shelf

CANDIDATES = 512
"""Rows compared in one pick: enough for taste to choose from, and quick."""

AT_LARGE = 8192
"""Rows looked through where the nearest hold nothing fresh."""

NEAR_SHARE = 0.15
"""The share of a song mood's rows that counts as near the target."""

CLOSE = 1.0
SMOOTH = 0.5
LIKING = 1.5
CHANCE = 0.1
"""Weights. Liking is the heaviest: a smooth song that one skips is no pleasure."""

CLOSE_REACH = 0.35
"""Distance on the plane at which closeness has fallen to a third (1/e)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A song chosen: its row on the shelf, its number, what for, and why.

    `song_mood` is the target's, under which feedback counts; `widened` says
    that the song itself is of another song mood, for want of fresh ones.
    """

    row: int
    track_id: int
    song_mood: SongMood
    reason: str
    widened: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _Stage:
    """Rows to look through, which rules hold, and what to say of it."""

    rows: np.ndarray
    fresh: bool = True
    capped: bool = True
    widened: bool = False
    remark: str = ""


class Chooser:
    """Chooses songs from one shelf; make a new one for a new shelf.

    Making it sorts the rows once (a million: some 0.3 s); choosing is under the
    milliseconds that `tests/bench/bench_dj.py` prints.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        repeat_after_s: float,
        artist_cap: int,
        rng: np.random.Generator,
        clock: Callable[[], float],
    ) -> None:
        """`clock` returns seconds since the epoch; `rng` is all the chance there is."""
        self._shelf = shelf
        self._repeat_after_s = repeat_after_s
        self._artist_cap = artist_cap
        self._rng = rng
        self._clock = clock
        self._numbers = Numbers(shelf.track_id)
        self._moods = {
            mood: Plane(shelf.plane, shelf.members.get(mood, np.empty(0, np.int32)))
            for mood in SongMood
        }
        self._all = Plane(shelf.plane, np.arange(len(shelf), dtype=np.int32))

    def row(self, track_id: int) -> int | None:
        """Return the row of a track, or None where it is not on the shelf."""
        return self._numbers.row(track_id)

    @property
    def why_nothing(self) -> str:
        """Why `choose` returned None, as a clause with the remedy."""
        return reasons.NOTHING_LEFT if len(self._shelf) else reasons.NOTHING_SCANNED

    def choose(
        self,
        target: Target,
        *,
        before: int | None,
        recent: Recent,
        feedback: Feedback,
        exclude: Collection[int] = frozenset(),
    ) -> Choice | None:
        """Choose a song for `target`; None only where no song may be chosen at all.

        `before` is the row of the song it will follow. `exclude` holds the
        numbers of tracks that must not be chosen whatever else is left (they
        cannot be played); what stands in the queue belongs in `recent`, so that
        a library of three songs still plays on.
        """
        never = np.array([*exclude, *feedback.banned()], np.int64)
        for stage in self._stages(target):
            rows = self._allowed(stage, recent, never)
            if len(rows):
                row = self._best(rows, target, before, feedback)
                return self._choice(row, stage, target, before, feedback)
        return None

    def _stages(self, target: Target) -> Iterator[_Stage]:
        mood, at = target.song_mood, target.affect
        members = self._moods[mood]
        yield _Stage(self._near(members, at))
        yield _Stage(self._at_large(members))
        short = f"no other {mood} song is fresh"
        yield _Stage(self._near(self._all, at), widened=True, remark=short)
        yield _Stage(self._at_large(self._all), widened=True, remark=short)
        often = f"{short} but by artists heard a moment ago"
        yield _Stage(self._at_large(members), capped=False, remark=often)
        yield _Stage(
            self._at_large(self._all), capped=False, widened=True, remark=often
        )
        again = "the one heard longest ago, since all that fit were on lately"
        for rows in (self._at_large(members), self._at_large(self._all)):
            yield _Stage(rows, fresh=False, capped=False, remark=again)

    def _near(self, plane: Plane, at: Affect) -> np.ndarray:
        count = max(CANDIDATES, int(NEAR_SHARE * len(plane)))
        return sample(plane.around(at, count), CANDIDATES, self._rng)

    def _at_large(self, plane: Plane) -> np.ndarray:
        return sample(plane.rows, AT_LARGE, self._rng)

    def _allowed(self, stage: _Stage, recent: Recent, never: np.ndarray) -> np.ndarray:
        rows = stage.rows[~np.isin(self._shelf.track_id[stage.rows], never)]
        if stage.capped:
            tired = recent.tired_artists(self._artist_cap)
            rows = rows[~np.isin(self._shelf.artist[rows], tired)]
        if stage.fresh:
            known = recent.since(self._clock() - self._repeat_after_s)
            return rows[~np.isin(self._shelf.track_id[rows], known)]
        return self._longest_ago(rows, recent)

    def _longest_ago(self, rows: np.ndarray, recent: Recent) -> np.ndarray:
        if not len(rows):
            return rows
        return rows[[np.argmin(recent.last_place(self._shelf.track_id[rows]))]]

    def _best(
        self, rows: np.ndarray, target: Target, before: int | None, feedback: Feedback
    ) -> int:
        score = CLOSE * self._closeness(rows, target.affect)
        score += LIKING * feedback.draw(rows, target.song_mood, self._rng)
        score += CHANCE * self._rng.random(len(rows))
        if before is not None:
            score += SMOOTH * smoothness(self._shelf, before, rows)
        return int(rows[np.argmax(score)])

    def _closeness(self, rows: np.ndarray, at: Affect) -> np.ndarray:
        apart = np.hypot(
            self._shelf.plane[rows, 0] - at.valence,
            self._shelf.plane[rows, 1] - at.arousal,
        )
        return np.exp(-apart / CLOSE_REACH)

    def _choice(
        self,
        row: int,
        stage: _Stage,
        target: Target,
        before: int | None,
        feedback: Feedback,
    ) -> Choice:
        remarks = (stage.remark,) if stage.remark else ()
        words = reasons.reason(
            self._shelf, row, target, feedback, before=before, remarks=remarks
        )
        number = int(self._shelf.track_id[row])
        return Choice(row, number, target.song_mood, words, stage.widened)
