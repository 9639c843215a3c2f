"""Quiet hours: times of day in which the mood changes nothing."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

DAY = 24 * 60

_RANGE = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class QuietHours:
    """Ranges of the day as (first, end) in minutes after midnight, `end` excluded.

    A range whose end is not after its start runs over midnight.
    """

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read ranges such as `22:00-07:00, 13:00-14:30`; empty text gives none.

        Raises `ValueError` with one sentence that names the setting.
        """
        return cls(tuple(_range(part) for part in text.split(",") if part.strip()))

    def contains(self, time: dt.time) -> bool:
        """Whether the local time of day `time` is quiet."""
        minute = time.hour * 60 + time.minute
        return any(_holds(start, end, minute) for start, end in self.ranges)


def _holds(start: int, end: int, minute: int) -> bool:
    if start < end:
        return start <= minute < end
    return minute >= start or minute < end


def _range(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match:
        h1, m1, h2, m2 = (int(group) for group in match.groups())
        start, end = h1 * 60 + m1, h2 * 60 + m2
        if max(m1, m2) < 60 and start < DAY and end <= DAY and start != end:
            return start, end
    raise ValueError(
        f"moodcam/quiet_hours: {text.strip()!r} is no range of hours; "
        "write it like 22:00-07:00, several with commas between."
    )
