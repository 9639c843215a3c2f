"""Time that only runs forwards, whatever the clock does."""

from __future__ import annotations

import math

LATE = 60.0  # seconds; a reading older than that means the clock was set back
LONGEST = 86400.0  # seconds; a longer gap says no more than a day does


class Timeline:
    """Turns wall-clock times into `now`, seconds that never run backwards.

    A time up to a minute in the past is a late reading and happens now. One
    further back means that the clock was set: time goes on from there. What is
    no number passes no time.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._offset: float | None = None

    def advance(self, wall: float) -> float:
        """Go on to `wall` (seconds since the epoch); return the seconds passed."""
        if not math.isfinite(wall):
            return 0.0
        if self._offset is None:
            self._offset = wall - self.now
            return 0.0
        step = wall - self._offset - self.now
        if -LATE <= step <= 0:
            return 0.0
        passed = min(max(step, 0.0), LONGEST)
        self.now += passed
        self._offset = wall - self.now
        return passed

    def wall(self, moment: float) -> float:
        """Return the wall-clock time of `moment`, a former `now`."""
        return moment + (self._offset or 0.0)
