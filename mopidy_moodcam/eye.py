"""Keeps the eye: starts it, listens to it, ends it when it hangs.

Runs in Mopidy's process and imports no OpenCV. The eye is a child process that
prints one JSON object a line; before each step that may hang it prints a beat, and
where the next word does not come in time it is killed and started again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from mopidy_moodcam import logs
from mopidy_moodcam.glossary import Reading
from mopidy_moodcam.seeing.beats import HANGING, Deadlines, message_of
from mopidy_moodcam.seeing.devices import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

logger = logs.plain(__name__)

STOP_SECONDS = 0.3  # to leave by itself, and as much again after being killed
WELL_SECONDS = 180.0  # of readings, after which an eye's end is no longer one of a row
LONGEST_LINE = 1 << 20  # bytes; more than that is not the eye's talk


@dataclasses.dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between an eye's end and the next start: growing by `factor`."""

    first: float = 1.0
    factor: float = 2.0
    longest: float = 300.0

    def after(self, failures: int) -> float:
        """Return the pause after so many failures in a row, at least one."""
        return min(self.longest, self.first * self.factor ** min(failures - 1, 20))


class EyeKeeper:
    """Owns the eye's process and the thread that listens to it.

    `on_reading` gets each reading, `on_state` each change of the eye's state as
    `starting`, `ready` or `trouble` with a sentence; both are called from the
    keeper's thread and must return soon. `command` replaces the eye's program.
    """

    def __init__(
        self,
        source: str,
        *,
        runtime: str = "auto",
        interval: float = 20,
        on_reading: Callable[[Reading], None],
        on_state: Callable[[str, str], None],
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        deadlines: Deadlines | None = None,
        pauses: Pauses = Pauses(),
    ) -> None:
        self._command = list(command or eye_command(runtime))
        self._environment = os.environ | {SOURCE: source}
        self._on_reading = on_reading
        self._on_state = on_state
        self._clock = clock
        self._deadlines = deadlines or Deadlines()
        self._pauses = pauses
        self._interval = float(interval)
        self._hung = 0
        self._lock = threading.Lock()
        self._watch: _Watch | None = None
        self._said = logs.OnChange(logger)
        self.milliseconds: float | None = None

    @property
    def alive(self) -> bool:
        """Whether the eye is wanted and its keeper is at work."""
        watch = self._watch
        return watch is not None and watch.thread.is_alive()

    def start(self) -> None:
        """Start the eye and return at once; a second call changes nothing."""
        with self._lock:
            if self.alive:
                return
            self._watch = _Watch(self._run)
            self._watch.thread.start()

    def stop(self) -> None:
        """End the eye; when this returns, within a second, the lamp is off.

        No callback is called afterwards.
        """
        with self._lock:
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.end()
        self.milliseconds = None

    def interval(self, seconds: float) -> None:
        """Ask for a burst every `seconds` from now on."""
        if seconds != self._interval:
            self._interval = float(seconds)
            watch = self._watch
            if watch is not None:
                self._say_interval(watch)

    def _say_interval(self, watch: _Watch) -> None:
        watch.send({"do": "interval", "seconds": self._interval})

    def _run(self, watch: _Watch) -> None:
        while not watch.ended.is_set():
            self._tell(watch, "starting", "")
            why = self._one_life(watch)
            if watch.ended.is_set():
                return
            watch.failures += 1
            pause = self._pauses.after(watch.failures)
            self._tell(watch, "trouble", why)
            watch.ended.wait(pause)

    def _one_life(self, watch: _Watch) -> str:
        """Run one eye to its end; returns why it ended."""
        interval = self._interval
        command = [*self._command, "--hung", str(self._hung)]
        command += ["--interval", f"{interval:g}"]
        try:
            process = watch.begin(command, self._environment)
        except OSError as error:
            return f"The eye cannot be started: {error}."
        if self._interval != interval:  # asked for while no eye was there to hear it
            self._say_interval(watch)
        life = _Life()
        try:
            for message in self._messages(watch, process, life):
                self._take(watch, message, life)
        finally:
            kill(process)
            close_pipes(process)
        return life.why or f"The eye ended with status {process.returncode}."

    def _messages(
        self, watch: _Watch, process: subprocess.Popen[bytes], life: _Life
    ) -> Iterator[dict[str, Any]]:
        """Yield the eye's messages until it ends, hangs or is told to end."""
        life.deadline = self._clock() + self._deadlines.start
        for line in watch.lines(process, lambda: life.deadline - self._clock()):
            message = message_of(line)
            if message.get("type") == "beat":
                life.doing = str(message.get("doing"))
                silence = self._deadlines.after(
                    life.doing, _seconds(message.get("seconds"))
                )
                life.deadline = self._clock() + silence
            else:
                yield message
        if not watch.ended.is_set() and self._clock() >= life.deadline:
            life.why = HANGING.get(life.doing, HANGING["start"])
            self._hung += life.doing in ("open", "read")

    def _take(self, watch: _Watch, message: dict[str, Any], life: _Life) -> None:
        kind = message.get("type")
        if kind == "state" and message.get("word") != "starting":
            word, why = str(message.get("word")), str(message.get("why", ""))
            life.why = why if word == "trouble" else ""
            self._tell(watch, word, why)
        elif kind == "reading":
            self._note_sight(watch, life)
            self.milliseconds = message.get("milliseconds")
            self._hand_over(watch, message)

    def _note_sight(self, watch: _Watch, life: _Life) -> None:
        """Let an eye that is well for a while end the row of those that were not."""
        now = self._clock()
        if life.first_sight is None:
            life.first_sight = now
        if watch.failures and now - life.first_sight >= WELL_SECONDS:
            watch.failures = 0
            self._said.settle("eye")

    def _hand_over(self, watch: _Watch, message: dict[str, Any]) -> None:
        try:
            reading = Reading.from_json(message)
        except ValueError as error:
            logger.debug("A reading was not understood: %s", error)
            return
        if not watch.ended.is_set():
            self._on_reading(reading)

    def _tell(self, watch: _Watch, word: str, why: str) -> None:
        if watch.ended.is_set():
            return
        if word == "trouble":
            self._said.warn("eye", why)
        elif word == "ready" and not watch.failures:
            self._said.settle("eye")
        if (word, why) != watch.told and not (word == "starting" and watch.told[0]):
            watch.told = (word, why)
            self._on_state(word, why)


@dataclasses.dataclass(slots=True)
class _Life:
    """What is known of one eye."""

    first_sight: float | None = None
    why: str = ""
    doing: str = "start"
    deadline: float = 0.0


class _Watch:
    """One time of watching, from `start` to `stop`: a thread and its process."""

    def __init__(self, run: Callable[[_Watch], None]) -> None:
        self.ended = threading.Event()
        self.told: tuple[str, str] = ("", "")
        self.failures = 0  # lives in a row that ended before they were well
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.thread = threading.Thread(
            target=run, args=(self,), name="moodcam-eye", daemon=True
        )

    def begin(
        self, command: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self.ended.is_set():
                raise OSError("it is no longer wanted")
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a group of its own, to be killed whole
                env=environment,
            )
        return self.process

    def end(self) -> None:
        """End process and thread; safe from any thread, the watch's own too."""
        self.ended.set()
        with self._lock:
            process = self.process
        if process is not None:
            _leave_now(process)
        if threading.current_thread() is not self.thread:
            self.thread.join(STOP_SECONDS)

    def send(self, message: dict[str, Any]) -> None:
        process = self.process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError, ValueError):  # it has just gone
            os.set_blocking(process.stdin.fileno(), False)
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()

    def lines(
        self, process: subprocess.Popen[bytes], time_left: Callable[[], float]
    ) -> Iterator[bytes]:
        """Yield lines of the eye's stdout until its end or until time is over."""
        assert process.stdout is not None  # noqa: S101 (for the type checker)
        assert process.stderr is not None  # noqa: S101
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while not self.ended.is_set() and (left := time_left()) > 0:
                for key, _ in selector.select(left):
                    data = os.read(key.fd, 65536)
                    if key.fileobj is process.stderr:
                        if data:
                            _note(data)
                        else:
                            selector.unregister(process.stderr)
                        continue
                    if not data or len(rest) > LONGEST_LINE:
                        return
                    *whole, rest = (rest + data).split(b"\n")
                    yield from whole


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its group; its pipes are left to who reads them."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Close a dead process's pipes.

    Only for the thread that reads them: a number closed under a reader may be
    another file's by the time it reads.
    """
    for pipe in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError, ValueError):
            if pipe is not None:
                pipe.close()


def _leave_now(process: subprocess.Popen[bytes]) -> None:
    """Let the eye leave by itself (its stdin ends), or kill it."""
    with contextlib.suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    kill(process)


def eye_command(runtime: str) -> list[str]:
    """Return the command that starts an eye; `SOURCE` tells it its camera."""
    # -P: a stray cv2.py where Mopidy was started is not the camera library.
    return [
        *(sys.executable, "-P", "-m", "mopidy_moodcam.seeing", "--leash"),
        *("--runtime", runtime),
    ]


def _note(data: bytes) -> None:
    for line in data.decode("utf-8", "replace").splitlines():
        logger.debug("The eye says: %s", line)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return min(7200.0, max(0.0, float(value)))
