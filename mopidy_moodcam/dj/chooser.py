"""Target → pick: one song from the shelf, and why.

A pick never looks at the whole catalogue. For each song mood the rows lie sorted
by their place on the plane (`places.Plane`), made once for a shelf. A pick takes
the rows about the target's point (of its song mood; for a step of a path, of all), a
share of them so that a large library does not shrink to its few nearest songs, draws
`CANDIDATES` of them at random, drops those that are not fresh, and takes the best by

    closeness + smoothness after the song before + liking + love + rest + chance

each 0 … 1 with the weights below. Where nothing fresh is left, rules give way in
an order (`Chooser._stages`), and the reason says which.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.dj import reasons
from mopidy_moodcam.dj.places import Plane, sample
from mopidy_moodcam.dj.recent import REST_S
from mopidy_moodcam.dj.smooth import smoothness
from mopidy_moodcam.glossary import SongMood, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from mopidy_moodcam.dj.feedback import Feedback
    from mopidy_moodcam.dj.recent import Recent
    from mopidy_moodcam.glossary import Affect, Target
    from mopidy_moodcam.songs.shelf import Shelf

CANDIDATES = 512
"""Rows compared in one pick: enough for taste to choose from, and quick."""

FINALISTS = 4
"""The rows best by what is expected of them; Thompson's draw decides among these.

Of 512 draws for songs never heard the highest is close to 1 whatever is known, so
a draw over all candidates would explore for ever.
"""

AT_LARGE = 8192
"""Rows looked through where the nearest hold nothing fresh."""

RINGS = (32, 128, 512, 2048, 8192)
"""Rows about the target where nothing that fits is fresh: the nearest first."""

WIDEST = 1.0
"""How far from the target a song of another song mood may lie.

Beyond it a repeated song fits better than a fresh one: from happy this reaches
energetic and romantic songs, but not calm or sad ones. A path's steps, which ask
for no song mood, take the nearest fresh songs even beyond it.
"""

NEAR_SHARE, NEAR_LEAST = 0.15, 4096
"""The share of a song mood's rows that counts as near the target, and at least."""

CLOSE = 1.0
SMOOTH = 0.5
LIKING = 10.0
LOVE = 0.25
RESTED = 1.0
CHANCE = 0.1
"""Weights. Liking is the heaviest: a smooth song that one skips is no pleasure.

Love is no part of it, since who never skips likes all songs alike; a loved song comes
back as if it had rested three and a half days longer.
"""

APPETITE_S = 4 * 86_400.0
"""Seconds after which a well-liked song is wanted again as much as before.

Until then it counts little more than others: else the same few songs would come back
as soon as they may, day after day.
"""

CLOSE_REACH = 0.5
"""Distance on the plane at which closeness has fallen to a third (1/e).

Squared, so that the nearest songs count as about equally close: features place a
song no more exactly than that.
"""

FURTHER = "no song close to this step is fresh"
AGAIN = "the one heard longest ago, since all that fit were on lately"


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A song chosen: its row on the shelf, its number, what for, and why.

    `song_mood` is the target's, under which feedback counts; for want of fresh
    ones the song itself may be of another.
    """

    row: int
    track_id: int
    song_mood: SongMood
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Stage:
    """Rows to look through, which rules hold, and what to say of it."""

    rows: np.ndarray
    fresh: bool = True
    capped: bool = True
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
        self._moods = {
            mood: Plane(shelf.plane, shelf.members.get(mood, np.empty(0, np.int32)))
            for mood in SongMood
        }
        self._all = Plane(shelf.plane, np.arange(len(shelf), dtype=np.int32))

    def row(self, track_id: int) -> int | None:
        """Return the row of a track, or None where it is not on the shelf."""
        return self._shelf.row(track_id)

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
        for stage in self._stages(target, recent, never):
            rows = self._allowed(stage, recent, never)
            if len(rows):
                row = self._best(rows, target, before, recent, feedback)
                return self._choice(row, stage, target, before, feedback)
        return None

    def _stages(
        self, target: Target, recent: Recent, never: np.ndarray
    ) -> Iterator[_Stage]:
        if isinstance(target, Step):
            yield from self._for_step(target.affect)
        else:
            yield from self._for_song_mood(target, recent, never)
        at, members = target.affect, self._at_large(self._moods[target.song_mood])
        near = self._within_reach(self._all.around(at, AT_LARGE), at)
        for rows in (np.union1d(members, near), self._at_large(self._all)):
            yield _Stage(rows, fresh=False, capped=False, remark=AGAIN)

    def _for_step(self, at: Affect) -> Iterator[_Stage]:
        rows = self._few(self._within_reach(self._near(self._all, at), at))
        often = "no other song so near is fresh but by artists heard a moment ago"
        yield _Stage(rows)
        yield _Stage(rows, capped=False, remark=often)
        for capped in (True, False):
            for ring in self._rings(at, (8, *RINGS)):
                yield _Stage(self._few(ring), capped=capped, remark=FURTHER)

    def _for_song_mood(
        self, target: Target, recent: Recent, never: np.ndarray
    ) -> Iterator[_Stage]:
        at, members = target.affect, self._moods[target.song_mood]
        yield _Stage(self._few(self._near(members, at)))
        rows = self._at_large(members)
        yield _Stage(rows)
        short = f"no other {target.song_mood} song is fresh"
        often = f"{short} but by artists heard a moment ago"
        held_back = _Stage(rows, capped=False, remark=often)
        remark = often if len(self._allowed(held_back, recent, never)) else short
        for rows in self._neighbours(at):
            yield _Stage(rows, remark=remark)
        yield held_back
        for rows in self._neighbours(at):
            yield _Stage(rows, capped=False, remark=remark)

    def _neighbours(self, at: Affect) -> Iterator[np.ndarray]:
        """Yield rows of all song moods within reach of `at`, the nearest first."""
        for rows in self._rings(at, RINGS):
            yield self._few(self._within_reach(rows, at))

    def _rings(self, at: Affect, counts: tuple[int, ...]) -> Iterator[np.ndarray]:
        for count in counts:
            yield self._all.around(at, count)
            if count >= len(self._all):
                return

    def _within_reach(self, rows: np.ndarray, at: Affect) -> np.ndarray:
        return rows[self._apart(rows, at) <= WIDEST]

    def _near(self, plane: Plane, at: Affect) -> np.ndarray:
        return plane.around(at, max(NEAR_LEAST, int(NEAR_SHARE * len(plane))))

    def _few(self, rows: np.ndarray) -> np.ndarray:
        return sample(rows, CANDIDATES, self._rng)

    def _at_large(self, plane: Plane) -> np.ndarray:
        return sample(plane.rows, AT_LARGE, self._rng)

    def _allowed(self, stage: _Stage, recent: Recent, never: np.ndarray) -> np.ndarray:
        rows = stage.rows[~np.isin(self._shelf.track_id[stage.rows], never)]
        if stage.capped:
            tired = recent.tired_artists(self._artist_cap)
            rows = rows[~np.isin(self._shelf.artist[rows], tired)]
        if stage.fresh:
            since = self._clock() - self._repeat_after_s
            return rows[recent.fresh(self._shelf.track_id[rows], since)]
        if not len(rows):
            return rows
        return rows[[recent.longest_ago(self._shelf.track_id[rows])]]

    def _best(
        self,
        rows: np.ndarray,
        target: Target,
        before: int | None,
        recent: Recent,
        feedback: Feedback,
    ) -> int:
        score = CLOSE * self._closeness(rows, target.affect)
        rested = recent.rested(self._shelf.track_id[rows], self._clock())
        score += RESTED * rested
        score += LOVE * feedback.loved(rows)
        score += CHANCE * self._rng.random(len(rows))
        if before is not None:
            score += SMOOTH * smoothness(self._shelf, before, rows)
        usual = feedback.usual(target.song_mood)
        appetite = np.minimum(1.0, rested * (REST_S / APPETITE_S))
        expected = feedback.expect(rows, target.song_mood)
        liking = _wanted(expected, usual, appetite)
        last = np.argsort(-(score + LIKING * liking))[:FINALISTS]
        drawn = feedback.draw(rows[last], target.song_mood, self._rng)
        liking = _wanted(drawn, usual, appetite[last])
        return int(rows[last[np.argmax(score[last] + LIKING * liking)]])

    def _closeness(self, rows: np.ndarray, at: Affect) -> np.ndarray:
        return np.exp(-((self._apart(rows, at) / CLOSE_REACH) ** 2))

    def _apart(self, rows: np.ndarray, at: Affect) -> np.ndarray:
        plane = self._shelf.plane[rows]
        return np.hypot(plane[:, 0] - at.valence, plane[:, 1] - at.arousal)

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
        return Choice(row, number, target.song_mood, words)


def _wanted(liking: np.ndarray, usual: float, appetite: np.ndarray) -> np.ndarray:
    """Return what is left of liking, float64 [k], with an appetite of 0 … 1.

    Only what is above the `usual` share is lost: a bad song is no better for being
    just on.
    """
    return liking - np.maximum(liking - usual, 0.0) * (1.0 - appetite)
