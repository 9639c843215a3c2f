"""How long the eye may be silent before it counts as hanging, and who notices.

OpenCV hangs where a device is busy or a network camera has gone. Before each such step
the eye tells a beat: to its keeper in Mopidy, which kills it, or where it has none, to
a watchdog of its own.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds until the eye must have said its next word.

    `start` covers loading the network (a Raspberry Pi needs half a minute for
    torch), `open` and `read` one step of the camera, `rest` what a pause may last
    longer than it was announced.
    """

    start: float = 90.0
    open: float = 15.0
    read: float = 10.0
    rest: float = 15.0

    def after(self, beat: str, seconds: float) -> float:
        """Return how long the eye may be silent after a beat."""
        if beat == "rest":
            return seconds + self.rest
        return self.open if beat == "open" else self.read


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
        """Note that the eye begins with something; `seconds`: how long a rest is."""
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
