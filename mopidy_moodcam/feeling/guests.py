"""More faces than the household has: the camera waits until someone says yes."""

from __future__ import annotations

import math

GONE = 600.0  # seconds without the extra faces after which the guests have left


class Guests:
    """Whether guests are there, and whether someone allowed watching them.

    `household` is how many faces are no guests; with `rule` `ignore` nobody is.
    A yes holds until the guests have left; one said to nobody means nothing.
    """

    def __init__(self, household: int, rule: str) -> None:
        self._household = math.inf if rule == "ignore" else household
        self._seen_at: float | None = None
        self._allowed = False

    @property
    def waiting(self) -> bool:
        """Whether guests are there and nobody said yes."""
        return self._seen_at is not None and not self._allowed

    def allow(self, allowed: bool) -> None:
        """Say yes, or take it back."""
        self._allowed = allowed and self._seen_at is not None

    def count(self, faces: int, now: float) -> None:
        """Take the number of faces of a reading at `now`."""
        if faces > self._household:
            self._seen_at = now

    def pass_time(self, now: float) -> None:
        """Let the guests leave when the extra faces were gone for long enough."""
        if self._seen_at is not None and now - self._seen_at >= GONE:
            self._seen_at = None
            self._allowed = False
