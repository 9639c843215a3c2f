"""Quiet hours: times of day in which the mood changes nothing."""

from __future__ import annotations

import dataclasses
import re

_RANGE = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class Hours:
    """A range of the day in minutes after midnight; `end` is not in it.

    A range whose end is not after its start runs over midnight.
    """

    start: int
    end: int

    def holds(self, minute: int) -> bool:
        """Whether `minute` of the day, 0 … 1439, lies in the range."""
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def parse_hours(text: str) -> tuple[Hours, ...]:
    """Read ranges such as `22:00-07:00, 13:00-14:30`; empty text gives none.

    Raises `ValueError` with one sentence that names the setting.
    """
    return tuple(_range(part) for part in text.split(",") if part.strip())


def is_quiet(hours: tuple[Hours, ...], hour: int, minute: int) -> bool:
    """Whether the local time of day lies in one of `hours`."""
    return any(range_.holds(hour * 60 + minute) for range_ in hours)


def _range(text: str) -> Hours:
    match = _RANGE.fullmatch(text)
    if match:
        first, last = match.group(1, 2), match.group(3, 4)
        start, end = (int(h) * 60 + int(m) for h, m in (first, last))
        whole = all(int(minutes) < 60 for _, minutes in (first, last))
        if whole and start < 1440 and end <= 1440 and start != end:
            return Hours(start, end)
    raise ValueError(
        f"moodcam/quiet_hours: {text.strip()!r} is no range of hours; "
        "write it like 22:00-07:00, several with commas between."
    )
