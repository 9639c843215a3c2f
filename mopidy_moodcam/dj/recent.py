"""What was on lately or stands in the queue: freshness is measured against it."""

from __future__ import annotations

import collections
import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ROW_OF = 10
"""In a row of this many songs an artist is heard at most `artist_cap` times."""

UNKNOWN_ARTIST = 0
"""The shelf's code for tracks without an artist; they are not one artist."""

REST_S = 14 * 86_400.0
"""After two weeks a song is as welcome again as one never heard."""


class Recent:
    """The songs played or queued lately, in the order they come.

    Note a pick when it is queued, and take it back when it leaves the queue
    unheard. People's tracks are noted too where they are on the shelf, so that
    the DJ does not repeat them. After a start, fill it with the plays of the last
    `REST_S` from the catalogue.
    """

    def __init__(
        self, heard: Iterable[tuple[int, int, float]] = (), *, limit: int = 20_000
    ) -> None:
        """`heard`: (track number, artist code, seconds since the epoch), in order."""
        self._limit = limit
        self._songs: collections.deque[tuple[int, int, float]] = collections.deque()
        self._times: dict[int, list[float]] = {}
        for track_id, artist, time in heard:
            self.note(track_id, artist, time)

    def note(self, track_id: int, artist: int, time: float) -> None:
        """Note that a song was queued or has begun at `time`."""
        self._songs.append((track_id, artist, time))
        self._times.setdefault(track_id, []).append(time)
        if len(self._songs) > self._limit:
            self._drop(self._songs.popleft()[0], first=True)

    def note_before(
        self, others: Collection[int], track_id: int, artist: int, time: float
    ) -> None:
        """Note a song that comes before `others`, which were noted last."""
        place = len(self._songs)
        while place and self._songs[place - 1][0] in others:
            place -= 1
        self._songs.insert(place, (track_id, artist, time))
        self._times.setdefault(track_id, []).append(time)

    def take_back(self, track_id: int) -> None:
        """Forget the last note of a song: it left the queue unheard."""
        if track_id not in self._times:
            return
        for place in range(len(self._songs) - 1, -1, -1):
            if self._songs[place][0] == track_id:
                del self._songs[place]
                self._drop(track_id, first=False)
                return

    def fresh(self, track_ids: np.ndarray, since: float) -> np.ndarray:
        """Return which tracks were not noted after `since`, bool [k]."""
        return self._last(track_ids) <= since

    def rested(self, track_ids: np.ndarray, now: float) -> np.ndarray:
        """Return how far each track is welcome again, float64 [k], 0 (just on) … 1."""
        return np.clip((now - self._last(track_ids)) / REST_S, 0.0, 1.0)

    def longest_ago(self, track_ids: np.ndarray) -> int:
        """Return the place in `track_ids` of the one noted longest ago, or never."""
        place = {number: i for i, (number, _, _) in enumerate(self._songs)}
        return int(np.argmin([place.get(i, -1) for i in track_ids.tolist()]))

    def tired_artists(self, cap: int) -> np.ndarray:
        """Return the artists that would be heard too often in a row of ten, int32."""
        newest = itertools.islice(reversed(self._songs), ROW_OF - 1)
        times = collections.Counter(a for _, a, _ in newest if a != UNKNOWN_ARTIST)
        return np.array([a for a, n in times.items() if n >= cap], np.int32)

    def _last(self, track_ids: np.ndarray) -> np.ndarray:
        never = (-np.inf,)
        return np.array([self._times.get(i, never)[-1] for i in track_ids.tolist()])

    def _drop(self, track_id: int, *, first: bool) -> None:
        times = self._times[track_id]
        del times[0 if first else -1]
        if not times:
            del self._times[track_id]
