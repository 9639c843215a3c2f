"""What was on lately or stands in the queue: freshness is measured against it."""

from __future__ import annotations

import collections
import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

ROW_OF = 10
"""In a row of this many songs an artist is heard at most `artist_cap` times."""

UNKNOWN_ARTIST = 0
"""The shelf's code for tracks without an artist; they are not one artist."""


class Recent:
    """The songs played or queued lately, in the order they come.

    Note a pick when it is queued, and take it back when it leaves the queue
    unheard. People's tracks are noted too where they are on the shelf, so that
    the DJ does not repeat them.
    """

    def __init__(
        self, heard: Iterable[tuple[int, int, float]] = (), *, limit: int = 20_000
    ) -> None:
        """`heard`: (track number, artist code, seconds since the epoch), in order."""
        self._songs: collections.deque[tuple[int, int, float]] = collections.deque(
            heard, maxlen=limit
        )

    def __len__(self) -> int:
        """How many songs are remembered."""
        return len(self._songs)

    def note(self, track_id: int, artist: int, time: float) -> None:
        """Note that a song was queued or has begun at `time`."""
        self._songs.append((track_id, artist, time))

    def take_back(self, track_id: int) -> None:
        """Forget the last note of a song: it left the queue unheard."""
        for place in range(len(self._songs) - 1, -1, -1):
            if self._songs[place][0] == track_id:
                del self._songs[place]
                return

    def since(self, time: float) -> np.ndarray:
        """Return the track numbers noted after `time`, int64."""
        numbers: list[int] = []
        for track_id, _, noted in reversed(self._songs):
            if noted <= time:
                break
            numbers.append(track_id)
        return np.array(numbers, np.int64)

    def last_place(self, track_ids: np.ndarray) -> np.ndarray:
        """Return each track's last place in the order, float64; −inf for none."""
        place = {number: i for i, (number, _, _) in enumerate(self._songs)}
        return np.array([place.get(int(i), -np.inf) for i in track_ids], np.float64)

    def tired_artists(self, cap: int) -> np.ndarray:
        """Return the artists that would be heard too often in a row of ten, int32."""
        newest = itertools.islice(reversed(self._songs), ROW_OF - 1)
        times = collections.Counter(a for _, a, _ in newest if a != UNKNOWN_ARTIST)
        return np.array([a for a, n in times.items() if n >= cap], np.int32)
