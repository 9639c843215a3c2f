"""What all benches print alike: how they were run, and what they leave out."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from pathlib import Path

from tests.shared import find_shared


def begin(*about: str) -> None:
    """Print the command and the machine, and what else the figures depend on."""
    script = f"tests/bench/{Path(sys.argv[0]).name}"
    machine = [platform.processor() or platform.machine(), f"{os.cpu_count()} cores"]
    python = f"Python {platform.python_version()}"
    print(f"$ python {shlex.join([script, *sys.argv[1:]])}")
    print("#", ", ".join([*machine, python, *about]), flush=True)


def shared(name: str) -> Path | None:
    """Return a file or folder of the shared data, or None after saying so."""
    path = find_shared(name)
    if path is None:
        print(
            f"SKIPPED: {name} is not on this machine (MOODCAM_SHARED;"
            " training/README.md says what it is)."
        )
    return path
