"""How long the eye may be silent before it counts as hanging, and who notices.

OpenCV hangs where a device is busy or a network camera has gone. Before each such step
the eye tells a beat: to its keeper in Mopidy, which kills it, or where it has none, to
a watchdog of its own.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

HANGING = {
    "start": "The eye does not start in time; the machine may be too busy for it.",
    "open": "The camera does not open (it hangs); if that lasts, plug it in anew.",
    "read": "The camera gives no frame (it hangs); if that lasts, plug it in anew.",
    "rest": "The eye no longer answers; the machine may be too busy for it.",
}
"""What is said of an eye that hangs, by its last beat."""


class Beat(Protocol):
    """Tells that the eye begins with something that may last `seconds`, or hang."""

    def __call__(self, doing: str, seconds: float = 0.0, /) -> None: ...  # noqa: D102


@dataclasses.dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds until the eye must have said its next word.

    `start` covers loading the network (a Raspberry Pi needs half a minute for
    torch), `open` and `read` one step of the camera, `rest` a pause: each of them
    what it may last longer than its beat announced.
    """

    start: float = 90.0
    open: float = 15.0
    read: float = 10.0
    rest: float = 15.0

    def after(self, beat: str, seconds: float) -> float:
        """Return how long the eye may be silent after a beat of so many seconds."""
        slack = {"rest": self.rest, "open": self.open}.get(beat, self.read)
        return seconds + slack


class Watchdog:
    """Calls `bite` with what the eye did last where its next beat does not come.

    `bite` is called in a thread, since the eye's own hangs then.
    """

    def __init__(
        self,
        bite: Callable[[str], None],
        deadlines: Deadlines = Deadlines(),
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: float = 1.0,
    ) -> None:
        self._bite = bite
        self._deadlines = deadlines
        self._clock = clock
        self._pause = pause
        self._doing, self._due = "", 0.0
        self._thread: threading.Thread | None = None

    def beat(self, doing: str, seconds: float = 0.0) -> None:
        """Note that the eye begins with something that may last `seconds`."""
        self._due = self._clock() + self._deadlines.after(doing, seconds)
        self._doing = doing
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._watch, name="watchdog", daemon=True
            )
            self._thread.start()

    def _watch(self) -> None:
        while self._clock() < self._due:
            threading.Event().wait(self._pause)
        self._bite(self._doing)


def message_of(line: bytes | str) -> dict[str, Any]:
    """Return the object in a line to or from the eye; {} for what is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
