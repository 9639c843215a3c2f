"""Waiting by a clock that somebody may set meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Wait:
    """A wait that may begin anew; one that never began is over.

    `clock` gives seconds since the epoch, and `until` is the end in the same. Where
    the clock was set back the wait is over: it would last hours too long.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = 0.0
        self.until = 0.0

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return 0 < self.until - self._clock() <= self._seconds

    def begin(self, seconds: float) -> None:
        """Wait `seconds` from now on."""
        self._seconds = seconds
        self.until = self._clock() + seconds

    def end(self) -> None:
        """Wait no longer."""
        self.until = 0.0
