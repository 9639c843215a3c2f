"""The camera and the song moods as MPD outputs, so that any client is a remote.

Every MPD client has switches for outputs, and Mopidy-MPD has one of them
('Mute'). A small hook into its table of commands lists more: 'Mood camera',
one per song mood (on: the target now; enabling: an override; disabling:
automatic again), the goals, a pause, and buttons for corrections. The table is
no public API: where it looks different from those of Mopidy-MPD 3.3 and 4.0,
one warning says so and the rest goes on.

Nothing here waits for the frontend: Mopidy-MPD's sessions wait for core, and
the frontend does too, so a wait in the other direction hangs the server.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import time
from typing import TYPE_CHECKING, Any, Literal

import pykka
from mopidy.core import CoreListener
from pykka.messages import ProxyCall

from mopidy_moodcam.desk import Correct, Override, Pause, SetGoal, SwitchCamera
from mopidy_moodcam.glossary import Goal, SongMood
from mopidy_moodcam.logs import plain
from mopidy_moodcam.status import CameraState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.desk import Command, Desk
    from mopidy_moodcam.status import Status

    Handler = Callable[..., Any]

logger = plain(__name__)

MUTE_ID = 0
"""The only output of Mopidy-MPD's own; it stays what it was, and ours follow."""

WISH_SECONDS = 30.0  # longer than the frontend ever waits for core
_SWITCHES = ("enableoutput", "disableoutput", "toggleoutput")


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """One switch: what it shows of a status and what switching it means.

    Outputs that enable by one kind of command exclude each other. Without a `shown`
    it is a button: enabling it does something once, and it is never on.
    """

    name: str
    enable: Command
    disable: Command | None = None
    shown: Callable[[Status], bool] | None = None


def _mood_output(mood: SongMood) -> Output:
    return Output(
        name=f"Mood: {mood}",
        enable=Override(mood),
        disable=Override(None),
        shown=lambda status: (
            status.target is not None and status.target.song_mood == mood
        ),
    )


def _goal_output(goal: Goal) -> Output:
    return Output(
        name=f"Goal: {goal}",
        enable=SetGoal(goal),
        disable=None if goal == Goal.MATCH else SetGoal(Goal.MATCH),
        shown=lambda status: status.goal == goal,
    )


OUTPUTS: tuple[Output, ...] = (
    Output(
        "Mood camera",
        SwitchCamera(on=True),
        SwitchCamera(on=False),
        lambda status: status.camera.on,
    ),
    *(_mood_output(mood) for mood in SongMood),
    *(_goal_output(goal) for goal in Goal),
    Output(
        "MoodCam pause for an hour",
        Pause(3600.0),
        Pause(0.0),
        lambda status: status.paused_until is not None,
    ),
    Output("That mood is right", Correct("right")),
    Output("That mood is wrong", Correct("wrong")),
    Output("I am only concentrating", Correct("concentrating")),
)
"""Output 1, 2 …: clients remember the numbers, so only ever append."""


class Outputs:
    """What the outputs show and what their switches do; plain values in and out."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._clock = clock
        self._wished: tuple[Status, float, tuple[bool, ...]] | None = None

    def enabled(self) -> tuple[bool, ...]:
        """Return for each of `OUTPUTS` whether it is on.

        Clients list the outputs right after a switch, before the frontend had
        time, so what they wished is shown until it published something. It need not:
        a wish may change nothing.
        """
        return self._shown(self._desk.status)

    def switch(self, index: int, on: bool) -> bool:
        """Hand in what switching an output means; False where nobody took it."""
        output = OUTPUTS[index]
        status = self._desk.status  # it may be another when the command is taken
        shown = self._shown(status)
        if not on and index > 0 and not shown[index]:
            return True  # it is off already; the camera is told again, to be sure
        command = output.enable if on else output.disable
        if command is None:
            return True
        taken = self._desk.send(command)
        if taken:
            until = self._clock() + WISH_SECONDS
            self._wished = (status, until, _as_wished(command, shown))
        return taken

    def _shown(self, status: Status) -> tuple[bool, ...]:
        wished = self._wished  # each MPD session has a thread of its own
        if wished and wished[0] is status and self._clock() < wished[1]:
            return wished[2]
        return tuple(is_on(output, status) for output in OUTPUTS)

    @property
    def needs_consent(self) -> bool:
        """Whether a real camera still waits for its one consent."""
        return self._desk.status.camera.state == CameraState.NEEDS_CONSENT


def is_on(output: Output, status: Status) -> bool:
    """Say whether `output` is on in this status."""
    return output.shown is not None and output.shown(status)


def _as_wished(command: Command, before: tuple[bool, ...]) -> tuple[bool, ...]:
    """Return what is on once `command` was taken, which is one of the outputs'."""
    return tuple(
        output.enable == command if _concerns(command, output) else on
        for output, on in zip(OUTPUTS, before, strict=True)
    )


def _concerns(command: Command, output: Output) -> bool:
    return output.shown is not None and type(output.enable) is type(command)


def install_outputs(desk: Desk) -> bool:
    """Add the outputs to Mopidy-MPD; False (and one warning) where it cannot.

    Without Mopidy-MPD there is nothing to add to: False, and no warning.
    Installing again replaces the desk.
    """
    try:
        from mopidy_mpd import exceptions, protocol  # noqa: PLC0415
    except ImportError:
        logger.debug("Mopidy-MPD is not installed; no outputs")
        return False
    try:
        _hook(protocol, exceptions, Outputs(desk))
    except Exception as error:  # noqa: BLE001  (not a public API: anything may differ)
        logger.warning(
            "This Mopidy-MPD is not known to MoodCam (%s), so MPD clients have "
            "no outputs for camera and moods; folders and playlists work.",
            type(error).__name__,
        )
        return False
    return True


def wake(event: Literal["mute_changed", "playlists_loaded"]) -> None:
    """Tell idle clients that the outputs or the playlists changed.

    Playlists go to everyone, as core does it. Outputs go to Mopidy-MPD's
    sessions alone: core's `mute_changed` wakes them too, but would tell every
    other client something about the volume.
    """
    if event == "playlists_loaded":
        CoreListener.send("playlists_loaded")
        return
    try:
        from mopidy_mpd.session import MpdSession  # noqa: PLC0415
    except ImportError:
        return
    message = ProxyCall(attr_path=("on_event",), args=("output",), kwargs={})
    for session in pykka.ActorRegistry.get_by_class(MpdSession):
        with contextlib.suppress(pykka.ActorDeadError):
            session.tell(message)


def _hook(protocol: Any, exceptions: Any, outputs: Outputs) -> None:  # noqa: ANN401
    """Put our handlers before Mopidy-MPD's own, all of them or none."""
    # Without this the order in which extensions start decides who registers first.
    protocol.load_protocol_modules()
    table = protocol.commands.handlers
    ours = {"outputs": _lister(_own(table["outputs"]), outputs)}
    for name in _SWITCHES:
        ours[name] = _switcher(name, _own(table[name]), outputs, exceptions)
    table.update(ours)


def _own(handler: Handler) -> Handler:
    """Return Mopidy-MPD's own handler, also where ours is installed already."""
    return getattr(handler, "moodcam_original", handler)


def _dressed(original: Handler, handler: Handler) -> Handler:
    """Give `handler` what the dispatcher reads from a handler.

    The two flags must exist: where they do not, this is another Mopidy-MPD.
    """
    functools.update_wrapper(handler, original, updated=())
    handler.auth_required = original.auth_required  # type: ignore[attr-defined]
    handler.list_command = original.list_command  # type: ignore[attr-defined]
    handler.moodcam_original = original  # type: ignore[attr-defined]
    return handler


def _lister(original: Handler, outputs: Outputs) -> Handler:
    def list_outputs(context: Any, *args: str) -> list[tuple[str, Any]]:  # noqa: ANN401
        lines = list(original(context, *args))
        for number, on in enumerate(outputs.enabled(), start=MUTE_ID + 1):
            lines += [
                ("outputid", number),
                ("outputname", OUTPUTS[number - 1].name),
                ("outputenabled", int(on)),
            ]
        return lines

    return _dressed(original, list_outputs)


def _switcher(
    name: str,
    original: Handler,
    outputs: Outputs,
    exceptions: Any,  # noqa: ANN401
) -> Handler:
    def switch(context: Any, *args: str) -> Any:  # noqa: ANN401
        if context.session.connection.stopping:
            # Mopidy-MPD hangs up on a web page's request, yet obeys its other lines.
            return None
        index = _index(args)
        if index is None:
            return original(context, *args)
        on = (
            not outputs.enabled()[index]
            if name == "toggleoutput"
            else (name == "enableoutput")
        )
        if not outputs.switch(index, on):
            raise exceptions.MpdSystemError("MoodCam is not running")
        if index == 0 and on and outputs.needs_consent:
            raise exceptions.MpdSystemError(
                "the camera needs your consent once: open /moodcam/ in a browser, "
                "or run: mopidy moodcam on"
            )
        return None

    return _dressed(original, switch)


def _index(args: tuple[str, ...]) -> int | None:
    """Return which of `OUTPUTS` is meant; None leaves it to Mopidy-MPD itself."""
    if len(args) != 1 or not re.fullmatch("[0-9]{1,9}", args[0]):
        return None
    index = int(args[0]) - MUTE_ID - 1
    return index if 0 <= index < len(OUTPUTS) else None
