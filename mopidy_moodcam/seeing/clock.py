"""The eye's clock: the world's, or one that runs ahead as fast as it can.

Video files, folders and the demo have a time of their own, which starts with the
eye. With `--fast` nobody waits for it: waiting only moves the clock's hands.
"""

from __future__ import annotations

import time


class Clock:
    """The world's clock, never going backwards while the eye runs."""

    def __init__(self) -> None:
        self.started = time.time()
        self._zero = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the eye started."""
        return time.monotonic() - self._zero

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.started + self.elapsed

    def wait(self, seconds: float) -> None:
        """Return after `seconds`."""
        if seconds > 0:
            time.sleep(seconds)


class FastClock(Clock):
    """A clock on which waiting takes no time."""

    def __init__(self, started: float | None = None) -> None:
        super().__init__()
        self.started = time.time() if started is None else started
        self._elapsed = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds that were waited so far."""
        return self._elapsed

    def wait(self, seconds: float) -> None:
        """Move the hands on by `seconds`."""
        self._elapsed += max(0.0, seconds)
