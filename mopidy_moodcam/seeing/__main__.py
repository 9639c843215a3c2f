"""The eye: `python -m mopidy_moodcam.seeing --camera SOURCE`.

It runs in a process of its own and prints one JSON object a line: readings, its
state, and a beat before each thing that may hang. Commands come in as JSON lines.
Frames never leave it: it may write no file (a limit of zero, held by the kernel),
and what it prints are numbers and its own sentences.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import json
import logging
import os
import queue
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

from mopidy_moodcam.resources import PACKAGES, install
from mopidy_moodcam.seeing.beats import HANGING, Watchdog, message_of
from mopidy_moodcam.seeing.clock import Clock, FastClock
from mopidy_moodcam.seeing.devices import (
    SOURCE,
    CameraError,
    video_devices,
    without_secrets,
)
from mopidy_moodcam.seeing.post import Poster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mopidy_moodcam.glossary import NoReading, Reading
    from mopidy_moodcam.seeing.beats import Beat
    from mopidy_moodcam.seeing.burst import Model

logger = logging.getLogger("mopidy_moodcam.seeing")

LONGEST_PAUSE = {"busy": 120.0, "gone": 60.0}
"""Seconds: while another program uses the camera, or it is unplugged, ask rarely."""
SERVER_SECONDS = 60.0
"""What talking to a server may take, which may be off; no camera hangs then."""
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4  # linux/prctl.h
CANNOT_START = 3  # exit status where something must be installed first
HUNG = 4  # exit status of an eye that nobody keeps, to be started again


class Eye:
    """Takes a burst every `interval` seconds and hands the readings to `say`.

    `take` takes one burst with a function to call before each step that may hang;
    it raises `CameraError`. `commands` is what came in meanwhile. `beat` gets what it
    does before each such step, and for how many seconds it rests. Where `wanted`
    says no, it does not look. `note` is said while it is ready: what it has to do
    without.
    """

    def __init__(
        self,
        take: Callable[[Beat], Reading],
        say: Callable[[dict[str, Any]], None],
        *,
        clock: Clock,
        interval: float,
        commands: queue.SimpleQueue[dict[str, Any]],
        room: str = "",
        beat: Callable[[str, float], None] = lambda _doing, _seconds: None,
        wanted: Callable[[], bool] = lambda: True,
        note: str = "",
    ) -> None:
        self._take = take
        self._say = say
        self._clock = clock
        self._interval = interval
        self._commands = commands
        self._room = room
        self._tell_beat = beat
        self._wanted = wanted
        self._note = note
        self._failures = 0
        self._state = ("", "")

    def run(self, count: int | None = None) -> None:
        """Take `count` bursts, or go on for ever."""
        turn = 0
        while count is None or turn < count:
            began = self._clock.elapsed
            self._beat("rest", SERVER_SECONDS)
            reason = self._burst().reason if self._wanted() else None
            turn += 1
            if turn != count:
                self._rest(began, reason)

    def _burst(self) -> Reading:
        from mopidy_moodcam.glossary import Reading  # noqa: PLC0415

        start = time.process_time()
        why = ""
        try:
            reading = self._take(self._beat)
        except CameraError as error:
            why = error.sentence
            reading = Reading(
                time=self._clock.now, reason=error.reason, room=self._room
            )
        self._beat("rest", SERVER_SECONDS)
        cost = round(1000 * (time.process_time() - start), 1)
        self._tell_state(reading.reason, why)
        numbers = rounded(reading.to_json())
        self._say({"type": "reading", **numbers, "milliseconds": cost})
        return reading

    def _beat(self, doing: str, seconds: float = 0.0) -> None:
        self._tell_beat(doing, seconds)

    def _tell_state(self, reason: NoReading | None, why: str) -> None:
        sentence = why or TROUBLES.get(reason or "", "")
        state = ("trouble", sentence) if sentence else ("ready", self._note)
        if state != self._state:
            self._state = state
            self._say({"type": "state", "word": state[0], "why": state[1]})

    def _rest(self, began: float, reason: str | None) -> None:
        """Wait for the next turn; a new interval counts at once."""
        if reason in LONGEST_PAUSE:
            self._failures += 1
        else:
            self._failures = 0
        while True:
            due = began + self._pause(reason or "")
            left = due - self._clock.elapsed
            self._beat("rest", max(0.0, left))
            try:
                if isinstance(self._clock, FastClock):
                    command = self._commands.get_nowait()
                else:
                    command = self._commands.get(timeout=max(0.0, left))
            except queue.Empty:
                self._clock.wait(due - self._clock.elapsed)
                return
            self._obey(command)

    def _pause(self, reason: str) -> float:
        longest = LONGEST_PAUSE.get(reason, 0.0)
        longer = self._interval * 2.0 ** min(10, max(0, self._failures - 1))
        return max(self._interval, min(longest, longer))

    def _obey(self, command: dict[str, Any]) -> None:
        if command.get("do") == "interval":
            with contextlib.suppress(KeyError, TypeError, ValueError):
                self._interval = seconds(command["seconds"])


TROUBLES = {
    "gone": "The camera gave no frame; it may be unplugged.",
    "stuck": "The camera repeats one picture; unplug it and plug it in.",
}
"""Of the other reasons the reading itself says enough: nobody is no trouble."""


def rounded(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a JSON value with its numbers as exact as they are worth."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the eye and return its exit status."""
    chosen = parser().parse_args(arguments)
    _be_modest()
    if chosen.leash:
        _die_with_parent()
    out = _writer()
    poster = None if chosen.post is None else Poster(chosen.post, chosen.token)
    say = _printer(out, poster, readings=chosen.print or poster is None)
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    count = 1 if chosen.once else chosen.count
    _listen(commands, leash=count is None and not chosen.post)
    say(
        {
            "type": "state",
            "word": "starting",
            "why": "",
            "source": without_secrets(chosen.camera),
        }
    )
    clock = FastClock() if chosen.fast else Clock()
    try:
        take, note = _eyesight(chosen, clock, say)
    except Exception as error:  # noqa: BLE001 (the edge: runtimes raise anything)
        say({"type": "state", "word": "trouble", "why": _in_words(error)})
        return CANNOT_START
    eye = Eye(
        take,
        say,
        clock=clock,
        interval=chosen.interval,
        commands=commands,
        room=chosen.room,
        beat=_teller(say) if chosen.leash else Watchdog(_biter(say)).beat,
        wanted=(lambda: True) if poster is None else poster.wanted,
        note=note,
    )
    eye.run(count)
    return 0


def _teller(say: Callable[[dict[str, Any]], None]) -> Callable[[str, float], None]:
    """Return what tells the keeper of a beat."""

    def beat(doing: str, seconds: float) -> None:
        say({"type": "beat", "doing": doing, "seconds": round(seconds, 1)})

    return beat


def _biter(say: Callable[[dict[str, Any]], None]) -> Callable[[str], NoReturn]:
    """Return what ends an eye without a keeper that hangs."""

    def bite(doing: str) -> NoReturn:
        say({"type": "state", "word": "trouble", "why": HANGING[doing]})
        _leave(HUNG)

    return bite


def parser() -> argparse.ArgumentParser:
    """Return the eye's command line."""
    parser = argparse.ArgumentParser(
        prog="python -m mopidy_moodcam.seeing",
        description="Watch a camera and print readings, numbers only, as JSON lines.",
    )
    parser.add_argument(
        "--camera",
        default=os.environ.get(SOURCE, "auto"),
        help="auto, a number, a device, a URL, a video file, a folder of images, "
        f"demo (demo:10: ten times as fast); a URL with a password better as {SOURCE} "
        "in the environment, which other users of this machine cannot read",
    )
    parser.add_argument(
        "--hung",
        type=int,
        default=0,
        metavar="TIMES",
        help="how often a camera hung: so many of those of auto are tried last",
    )
    parser.add_argument("--interval", type=seconds, default=20.0, metavar="SECONDS")
    parser.add_argument("--frames", type=number, default=5, help="frames of a burst")
    parser.add_argument(
        "--runtime", choices=("auto", "torchscript", "onnx"), default="auto"
    )
    parser.add_argument("--once", action="store_true", help="one burst only")
    parser.add_argument("--count", type=number, help="so many bursts only")
    parser.add_argument("--room", default="", help="this room's name in the readings")
    parser.add_argument("--post", metavar="URL", help="send the readings to a server")
    parser.add_argument(
        "--print", action="store_true", help="with --post: print the readings as well"
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("MOODCAM_TOKEN", ""),
        help="the server's moodcam/token; better given as MOODCAM_TOKEN in the "
        "environment, which other users of this machine cannot read",
    )
    parser.add_argument(
        "--leash", action="store_true", help="die with the program that started it"
    )
    parser.add_argument(
        "--about", action="store_true", help="test the network, say what is in use"
    )
    parser.add_argument(
        "--fast", action="store_true", help="go through a file as fast as possible"
    )
    return parser


def seconds(text: str | float) -> float:
    """Read seconds above 0, at most a day; raises `ValueError`."""
    value = float(text)
    if not 0 < value <= 86400:  # NaN is not
        raise ValueError(f"{text!r} is no number of seconds above 0")
    return value


def number(text: str) -> int:
    """Read a number of at least 1; raises `ValueError`."""
    value = int(text)
    if value < 1:
        raise ValueError(f"{text!r} is not at least 1")
    return value


def _be_modest() -> None:
    """Take little of the machine, and no right to write any file."""
    sys.dont_write_bytecode = True
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    # OpenCV talks on stderr about every device that is missing.
    os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    # A device without frames is given up before the eye counts as hanging.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "5")  # seconds
    # Setting these switches off OpenCV's own default for RTSP, which is TCP: over
    # UDP lost packets smear frames, and firewalls let none through.
    options = "rtsp_flags;prefer_tcp|threads;1"
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", options)
    with contextlib.suppress(OSError):
        os.nice(10)


def _die_with_parent() -> None:
    """Let Linux kill the eye when its keeper is gone, even while it hangs."""
    _control(PR_SET_PDEATHSIG, signal.SIGKILL)


def _control(option: int, value: int) -> None:
    """Call Linux's prctl; other systems have none."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value)


def _writer() -> int:
    """Return where to print, then forbid this process to write any file.

    Where the output was sent to a file, `cat` holds the pen: numbers go through
    a pipe even then.
    """
    for descriptor in (1, 2):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            _through_cat(descriptor)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # A dump of a crashed eye would hold its last frames; where another program takes
    # dumps in, only the second of these keeps the kernel from making one.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _control(PR_SET_DUMPABLE, 0)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    return 1


def _through_cat(descriptor: int) -> None:
    reading, writing = os.pipe()
    command = ["cat"]
    cat = subprocess.Popen(command, stdin=reading, stdout=descriptor)
    os.dup2(writing, descriptor)
    os.close(reading)
    os.close(writing)
    _helpers.append((descriptor, cat))


_helpers: list[tuple[int, subprocess.Popen[bytes]]] = []


def _printer(
    out: int, poster: Poster | None, *, readings: bool
) -> Callable[[dict[str, Any]], None]:
    """Return what prints and posts; printed `readings` may end up in a log."""
    lock = threading.Lock()

    def write(message: dict[str, Any]) -> None:
        line = json.dumps(message, separators=(",", ":")) + "\n"
        try:
            with lock:
                os.write(out, line.encode())
        except OSError:  # nobody listens any more
            _leave(0)

    def say(message: dict[str, Any]) -> None:
        is_reading = message["type"] == "reading"
        if readings or not is_reading:
            write(message)
        if poster is not None and is_reading:
            poster.post(message)

    return say


def _listen(commands: queue.SimpleQueue[dict[str, Any]], *, leash: bool) -> None:
    """Take commands from stdin in a thread; its end is the eye's end, on a leash.

    Only a pipe is a leash: a terminal or /dev/null is nobody who could die.
    """
    mode = os.fstat(0).st_mode
    leash = leash and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))

    def listen() -> None:
        for line in sys.stdin:
            command = message_of(line)
            if command.get("do") == "quit":
                _leave(0)
            commands.put(command)
        if leash:
            _leave(0)

    threading.Thread(target=listen, name="commands", daemon=True).start()


def _leave(status: int) -> NoReturn:
    """End at once, even while a camera hangs; the kernel closes the device."""
    os._exit(status)


def _eyesight(
    chosen: argparse.Namespace, clock: Clock, say: Callable[[dict[str, Any]], None]
) -> tuple[Callable[[Beat], Reading], str]:
    """Load detector and network, once; return what takes a burst, and a note."""
    from mopidy_moodcam.seeing import burst, expression, faces, light  # noqa: PLC0415
    from mopidy_moodcam.seeing.camera import open_camera  # noqa: PLC0415

    faces.cv2.setNumThreads(1)
    finder, note = faces.open_finder()
    network = expression.load(runtime=chosen.runtime)
    if chosen.about:
        network.self_test()
        say(
            {
                "type": "about",
                "opencv": faces.cv2.__version__,
                "finder": type(finder).__name__,
                "runtime": network.runtime,
                "labels": list(network.labels),
            }
        )
    model: Model = network
    seen = light.LastSeen()
    list_devices = functools.partial(video_devices, hung=chosen.hung)

    def take(beat: Beat) -> Reading:
        beat("open")
        try:
            with open_camera(
                chosen.camera, clock=clock, beat=beat, list_devices=list_devices
            ) as camera:
                return burst.look(
                    camera,
                    finder,
                    model,
                    clock=clock,
                    room=chosen.room,
                    frames=chosen.frames,
                    gap=min(burst.GAP, chosen.interval / chosen.frames),
                    seen=seen,
                    beat=beat,
                )
        except OSError as error:  # a folder that this user may not enter, for one
            camera_name = without_secrets(chosen.camera)
            raise CameraError(
                "gone",
                f"The camera {camera_name!r} cannot be read "
                f"({error.strerror or error}).",
            ) from error

    return take, note


def _in_words(error: Exception) -> str:
    if isinstance(error, ImportError):
        module = (error.name or "").partition(".")[0]
        if module in PACKAGES:
            return f"The eye needs {module!r} ({error}); run: {install(module)}"
    return str(error) or type(error).__name__


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: _leave(0))
    signal.signal(signal.SIGINT, lambda *_: _leave(0))
    code = main()
    for descriptor, helper in _helpers:
        os.close(descriptor)
        helper.wait()
    _leave(code)
