"""The scan's worker processes: started, given files, killed when they hang."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import queue
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.songs.hearing.worker import DEADLINE, VIBENET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

COMMAND = (sys.executable, "-P", "-m", "mopidy_moodcam.songs.hearing.worker")
"""Without the working folder, where a file may be named like a module."""

WITH_VIBENET = (*COMMAND, VIBENET)
START_SECONDS = 60.0
"""Loading the models takes a second; a Pi from a slow card, twenty."""

GRACE = 10.0
"""Seconds beyond a worker's own deadline after which it is killed from here."""


class WorkerTrouble(Exception):  # noqa: N818  it is a sentence for the user
    """No worker can be had; the message is one sentence."""


class Worker:
    """One worker process; it is replaced when it dies or hangs."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        deadline: float = DEADLINE + GRACE,
    ) -> None:
        self._command = tuple(command)
        self._deadline = deadline
        self._process: Any = None
        self.why_plain = ""

    def start(self) -> None:
        """Start the process; raises `WorkerTrouble` where it cannot work."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        hello = self._line(START_SECONDS) or {}
        if "ready" not in hello:
            self.stop()
            raise WorkerTrouble(
                hello.get("trouble")
                or f"The analysis does not start; run {' '.join(COMMAND)} to see why."
            )
        self.why_plain = hello["ready"]

    def analyse(self, uri: str) -> dict[str, Any]:
        """Return what the worker says of the file; a death is an answer, too."""
        if self._process is None:
            self.start()
        answer = self._ask(uri)
        if answer is None:
            return {"why": self._bury()}
        return answer

    def kill(self) -> None:
        """End the process at once; from any thread."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the process and let go of it."""
        self.kill()
        if self._process is not None:
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()
        self._process = None

    def _ask(self, uri: str) -> dict[str, Any] | None:
        try:
            self._process.stdin.write(uri + "\n")
        except OSError:
            return None
        return self._line(self._deadline)

    def _line(self, seconds: float) -> dict[str, Any] | None:
        stdout = self._process.stdout
        # A worker writes a line in one go, so a readable pipe holds a whole one.
        ready, _, _ = select.select([stdout], [], [], seconds)
        line = stdout.readline() if ready else ""
        try:
            return json.loads(line)
        except ValueError:
            return None

    def _bury(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        hung = self._process.returncode in {None, -signal.SIGALRM}
        self.stop()
        return "decoding it took too long" if hung else "the decoder crashed on it"


def analyse_all(
    uris: Iterable[str], workers: Sequence[Worker]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each URI with what was found, as it comes; the workers are ended then.

    URIs are taken one by one, so they may be endless. Raises `WorkerTrouble`.
    """
    free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in workers:
        free.put(worker)

    def analyse(uri: str) -> tuple[str, dict[str, Any]]:
        worker = free.get()
        try:
            return uri, worker.analyse(uri)
        finally:
            free.put(worker)

    try:
        with concurrent.futures.ThreadPoolExecutor(len(workers)) as pool:
            try:
                yield from _as_they_come(pool, analyse, uris, len(workers))
            finally:
                # The pool waits for its threads, and they for the workers.
                for worker in workers:
                    worker.kill()
    finally:
        for worker in workers:
            worker.stop()


def _as_they_come(
    pool: concurrent.futures.ThreadPoolExecutor,
    analyse: Callable[[str], tuple[str, dict[str, Any]]],
    uris: Iterable[str],
    jobs: int,
) -> Iterator[tuple[str, dict[str, Any]]]:
    running: set[concurrent.futures.Future[tuple[str, dict[str, Any]]]] = set()
    for uri in uris:
        running.add(pool.submit(analyse, uri))
        if len(running) >= jobs:
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                yield future.result()
    for future in concurrent.futures.as_completed(running):
        yield future.result()
