"""A worker: analyses files one after the other, away from everything that matters.

`python -m mopidy_moodcam.songs.hearing.worker` reads one URI a line and writes one JSON
object a line: first `{"ready": "…"}` (why only the plain heads are used, mostly
empty) or `{"trouble": "…"}`, then `{"features": {…}, "seconds": …}` or
`{"why": "…"}` for each URI. It ends with its input, so it never outlives the scan.
With `--vibenet` some features are VibeNet's (see `vibenet.py`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.songs.hearing.analysis import Analysed, Analyser

NICENESS = 15
DEADLINE = 40
"""Seconds for one file; a decoder that hangs in C is killed by the kernel then."""

VIBENET = "--vibenet"
MEMORY = 1 << 30
"""Bytes of data a worker may hold: a hostile file must not eat the machine."""


def main() -> None:
    """Run until the input ends."""
    # Decoders print what they like; our lines go where only we write.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.nice(NICENESS)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    # Ctrl-C goes to the whole group; the scan decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(
        sys.stdin,
        lambda answer: print(json.dumps(answer), file=answers),
        vibenet=VIBENET in sys.argv[1:],
    )


def serve(
    uris: Any,  # noqa: ANN401
    say: Callable[[dict[str, Any]], None],
    *,
    vibenet: bool = False,
) -> None:
    """Load the models, then answer each line of `uris`."""
    try:
        from mopidy_moodcam.songs.hearing.decode import gstreamer  # noqa: PLC0415

        gstreamer()
        analyse = _analyser(vibenet=vibenet)
    except Exception as error:  # noqa: BLE001  the scan says it in one sentence
        say({"trouble": str(error) or repr(error)})
        return
    say({"ready": analyse.why_plain})
    for line in uris:
        signal.alarm(DEADLINE)
        say(answer(line.strip(), analyse))
        signal.alarm(0)


def _analyser(*, vibenet: bool) -> Analyser:
    from mopidy_moodcam.songs.hearing.analysis import Analyser  # noqa: PLC0415

    if not vibenet:
        return Analyser()
    from mopidy_moodcam.songs.hearing.vibenet import VibeNet  # noqa: PLC0415

    return Analyser(second=VibeNet())


def answer(uri: str, analyse: Callable[[str], Analysed]) -> dict[str, Any]:
    """Return the features of one file, or why there are none."""
    from mopidy_moodcam.songs.hearing.decode import Unreadable  # noqa: PLC0415

    try:
        found = analyse(uri)
    except Unreadable as why:
        return {"why": str(why)}
    except MemoryError:
        return {"why": "reading it takes too much memory"}
    except Exception as error:  # noqa: BLE001  one odd file must not end a scan
        return {"why": f"the analysis failed on it ({type(error).__name__})"}
    return {"features": dataclasses.asdict(found.features), "seconds": found.seconds}


if __name__ == "__main__":
    main()
