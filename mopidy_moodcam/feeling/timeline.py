"""Time that only runs forwards, whatever the clocks of server and eyes do."""

from __future__ import annotations

import math

LATE = 60.0  # seconds; a time older than that means that a clock was set back
LONGEST = 86400.0  # seconds; a longer gap says no more than a day does
MOST_CLOCKS = 64  # more eyes than any house has


class Timeline:
    """Turns the times of several clocks into `now`, seconds that never run back.

    Each clock (the server's, that of an eye elsewhere) is taken to agree with
    the others when it is first heard; after that only its own progress counts. A
    time up to a minute in the past is a late one and happens now; one further
    back means that the clock was set, or that another one has run ahead: from
    there on it agrees with `now`. So clocks that differ by hours make one jump
    and do no more harm. What is no number passes no time.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._zeros: dict[str, float] = {}
        self._shown = 0.0

    def advance(self, time: float, clock: str = "") -> float:
        """Go on to `time` (seconds since the epoch) of `clock`; return seconds passed.

        The clock with the empty name is the one that `wall` answers in, where
        it was heard.
        """
        if not math.isfinite(time):
            return 0.0
        if len(self._zeros) > MOST_CLOCKS:
            self._zeros.clear()
        zero = self._zeros.get(clock, self._shown if self._zeros else time - self.now)
        step = time - zero - self.now
        passed = min(max(step, 0.0), LONGEST)
        self.now += passed
        in_step = -LATE <= step <= LONGEST
        self._zeros[clock] = zero if in_step else time - self.now
        self._shown = self._zeros.get("", self._zeros[clock])
        return passed

    def wall(self, moment: float) -> float:
        """Return the wall-clock time of `moment`, a former `now`."""
        return moment + self._shown
