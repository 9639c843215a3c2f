"""The brake: where no song begins, no song after song is queued.

Else another extension that answers each change of the queue with one of its own
would let the DJ fill the whole tracklist within seconds.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES_AHEAD = 30
"""So many times the songs kept ahead are too many without one that begins.

Where none of the DJ's songs can be played, it tries a sixth of that. Who adds songs
one at a time has the picks put behind each, so that they count each time.
"""

SECONDS = 300.0
"""What was queued longer ago counts no more."""


class Brake:
    """Holds while too many songs were queued lately, or until it is let go.

    An edit of the queue does not let it go: it may be another extension's.
    `ahead`: the songs kept ahead; `clock` gives seconds since the epoch.
    """

    def __init__(self, ahead: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._most = TIMES_AHEAD * ahead
        self._queued: collections.deque[float] = collections.deque(maxlen=self._most)

    @property
    def holds(self) -> bool:
        """Whether no more songs are to be queued."""
        full = len(self._queued) == self._most
        return full and 0 <= self._clock() - self._queued[0] < SECONDS

    def queued(self) -> None:
        """Note that a song was queued."""
        self._queued.append(self._clock())

    def let_go(self) -> None:
        """Note that a song has begun, or that a person asks for something."""
        self._queued.clear()
