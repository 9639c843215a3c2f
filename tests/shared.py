"""Where the shared development data lies, for tests that can use it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def find_shared(name: str) -> Path | None:
    """Return a file or folder of the shared data, or None where it is absent.

    It is looked for in the folder that the environment variable MOODCAM_SHARED
    names, else in the folder `shared` beside the checkout.
    """
    root = Path(os.environ.get("MOODCAM_SHARED") or CHECKOUT.parent / "shared")
    for path in (root / name, root / "data" / name):
        if path.exists():
            return path
    return None


def shared_data(name: str) -> Path:
    """Return a file or folder of the shared data or skip the test."""
    path = find_shared(name)
    if path is None:
        pytest.skip(f"the shared data {name} is not on this machine (MOODCAM_SHARED)")
    return path
