"""The frontend: the actor that Mopidy starts, and the edge of everything in it.

Everything happens in its one thread, one message after the other: core's
events, readings from the eye, commands from the desk (out of a tray, where those
wait that were handed in meanwhile) and a tick every second.
Nobody may wait for this actor: it waits for core. A failure at one message is
logged and the next is taken.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pykka
from mopidy.core import CoreListener

from mopidy_moodcam import mpd
from mopidy_moodcam.desk import Tray
from mopidy_moodcam.logs import OnChange, plain
from mopidy_moodcam.loop import TICK, Loop
from mopidy_moodcam.memory import held
from mopidy_moodcam.player import Player, PlayerAwayError
from mopidy_moodcam.resources import data_dir
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.status import CameraState, CameraStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.desk import Command, Desk

logger = plain(__name__)

TICK_SECONDS = 1.0

COMMAND = object()
"""The message that says that a command was put into the tray."""


class MoodCamFrontend(pykka.ThreadingActor, CoreListener):
    """Mopidy's handle on the extension; made with `at(desk)`."""

    desk: ClassVar[Desk]

    @classmethod
    def at(cls, desk: Desk) -> type[MoodCamFrontend]:
        """Return a frontend class for Mopidy to start that works at `desk`."""
        return type("MoodCamFrontend", (cls,), {"desk": desk})

    def __init__(self, config: dict[str, Any], core: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._config = config
        self._core = core
        self._loop: Loop | None = None
        self._held = contextlib.ExitStack()
        self._tray = Tray()
        self._quit = threading.Event()
        self._tick_taken = threading.Event()
        self._notes = OnChange(logger)

    def on_start(self) -> None:
        """Build everything; a failure leaves Mopidy running without MoodCam."""
        try:
            self._begin()
        except Exception as error:  # the edge
            logger.error("MoodCam is off: %s", error)  # noqa: TRY400  (one sentence)
            logger.debug("MoodCam could not start", exc_info=True)
            self._give_up(f"MoodCam is off: {error}")

    def on_stop(self) -> None:
        """Switch the eye off, stop ticking and free the folder, within a second."""
        self.desk.receive_with(None)
        self._quit.set()
        if self._loop:
            self._loop.close()
        self._held.close()

    def on_failure(self, *args: object, **kwargs: object) -> None:
        """Leave nothing running where the actor dies."""
        del args, kwargs
        self.on_stop()
        self._give_up("MoodCam has failed; Mopidy's log says why")

    def on_receive(self, message: Any) -> None:  # noqa: ANN401
        """Take a tick, a reading, the eye's state or a command."""
        if message is COMMAND:
            message = self._tray.take()
            if message is None:
                return
        self._guarded(lambda loop: loop.take(message))
        if message is TICK:
            self._tick_taken.set()

    def track_playback_started(self, tl_track: Any) -> None:  # noqa: ANN401
        """Core plays another track."""
        self._guarded(
            lambda loop: loop.track_started(tl_track.tlid, tl_track.track.uri)
        )

    def track_playback_ended(self, tl_track: Any, time_position: int) -> None:  # noqa: ANN401
        """Core has stopped playing a track."""
        length = tl_track.track.length
        self._guarded(
            lambda loop: loop.track_ended(tl_track.tlid, time_position, length)
        )

    def playback_state_changed(self, old_state: str, new_state: str) -> None:
        """Core plays, pauses or stops."""
        del old_state, new_state
        self._queue_changed()

    def tracklist_changed(self) -> None:
        """Somebody edited the queue: a person, another client or the DJ."""
        self._queue_changed()

    def options_changed(self) -> None:
        """Somebody switched random, repeat, single or consume."""
        self._queue_changed()

    def _begin(self) -> None:
        settings = Settings.from_config(self._config["moodcam"])
        folder = data_dir(self._config)
        self._held.enter_context(held(folder))
        tell = self.actor_ref.tell
        self._loop = Loop(
            settings,
            folder,
            Player(self._core, max_length=self._config["core"]["max_tracklist_length"]),
            self.desk,
            tell=tell,
        )
        if settings.outputs and self._config.get("mpd", {}).get("enabled"):
            mpd.install_outputs(self.desk)
        self.desk.receive_with(self._hand_in)
        threading.Thread(
            target=_tick_until,
            args=(self._quit, self._tick_taken, tell),
            name="MoodCamTick",
            daemon=True,
        ).start()

    def _hand_in(self, command: Command) -> None:
        self._tray.put(command)
        self.actor_ref.tell(COMMAND)

    def _give_up(self, why: str) -> None:
        """Say it where people look; eyes elsewhere need not look either."""
        old, now = self.desk.status, time.time()
        camera = CameraStatus(
            source=old.camera.source, state=CameraState.TROUBLE, why=why
        )
        started = old.started or now
        self.desk.publish(
            dataclasses.replace(
                old, time=now, started=started, camera=camera, notices=(why,)
            )
        )

    def _queue_changed(self) -> None:
        if self._loop:
            self._loop.queue_changed()

    def _guarded(self, work: Callable[[Loop], None]) -> None:
        if self._loop is None:
            return
        try:
            work(self._loop)
        except PlayerAwayError:
            self._notes.warn(
                "core", "Mopidy does not answer in time; MoodCam waits and tries again"
            )
        except Exception as error:  # the edge
            self._notes.warn("step", f"MoodCam failed at one step and goes on: {error}")
            logger.debug("The step that failed", exc_info=True)
        else:
            self._settle(self._loop)

    def _settle(self, loop: Loop) -> None:
        """Let the same trouble be named again when it comes back."""
        self._notes.settle("step")
        if not loop.core_is_away:
            self._notes.settle("core")


def _tick_until(
    quit_now: threading.Event, taken: threading.Event, tell: Callable[[Any], None]
) -> None:
    """Tell a tick each second, but none before the last was `taken`.

    While the actor waits for core, ticks would pile up before every command.
    """
    taken.set()
    while not quit_now.wait(TICK_SECONDS):
        if not taken.is_set():
            continue
        taken.clear()
        try:
            tell(TICK)
        except pykka.ActorDeadError:
            return
