"""Mopidy-MoodCam: music that follows the mood of the room.

Importing the package imports nothing else, Mopidy least of all: the eye, which
may run on a machine without Mopidy, and the workers are parts of it too.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mopidy_moodcam.extension import Extension

__all__ = ["Extension", "__version__"]

try:
    __version__ = importlib.metadata.version("Mopidy-MoodCam")
except importlib.metadata.PackageNotFoundError:  # run from an unpacked archive
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attributes are of any type)
    """Import the extension when Mopidy asks for it (PEP 562)."""
    if name == "Extension":
        from mopidy_moodcam.extension import Extension  # noqa: PLC0415

        return Extension
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
