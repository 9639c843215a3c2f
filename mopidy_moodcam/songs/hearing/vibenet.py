"""VibeNet, by choice: four features from the network that our heads imitate.

The package (PyPI `vibenet`, GPL-3.0) brings librosa and numba along, so it is an
extra, loaded in the scan's workers only, and only by `scan --vibenet`.

Its values lie on the scale of our own analysis, whose heads for these four were
fitted to its estimates; tracks scanned with and without it mix. Its energy,
valence and instrumentalness are left alone: ours were fitted to listeners'
ratings and repeat them better (`models/README.md`).
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np

from mopidy_moodcam import onnx
from mopidy_moodcam.songs.hearing.decode import RATE

if TYPE_CHECKING:
    from mopidy_moodcam.songs.hearing.decode import Sound

TAKEN = ("danceability", "acousticness", "speechiness", "liveness")
"""What is taken from VibeNet, each 0 to 1 as in `features.RANGES`."""


class VibeNet:
    """The network, loaded once."""

    def __init__(self) -> None:
        """Load it; raises `ModuleNotFoundError` where it is not installed."""
        onnx.switch_telemetry_off()  # it runs by ONNX Runtime, too
        self._model: Any = importlib.import_module("vibenet").load_model()

    def __call__(self, sound: Sound) -> dict[str, float]:
        """Return the features `TAKEN` of a sound, its windows heard as one."""
        (found,) = self._model.predict(np.concatenate(sound.windows), sr=RATE)
        return {name: float(getattr(found, name)) for name in TAKEN}


def require() -> None:
    """Raise `ModuleNotFoundError` where VibeNet is not installed; loads nothing."""
    if importlib.util.find_spec("vibenet") is None:
        raise ModuleNotFoundError(name="vibenet")
