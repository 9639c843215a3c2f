"""From what was heard to what it means: ridge heads, kept as plain numbers.

`models/song_heads.json` is written by `training/song_heads.py`; its model card
is in `models/README.md`. Each head is a line through named inputs. There is one
set for embeddings and descriptors together and one for descriptors alone.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mopidy_moodcam.songs.features import RANGES, Features, FeatureSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mopidy_moodcam.songs.hearing.descriptors import Numbers

    Array = NDArray[np.floating]

LEARNED, PLAIN = "learned", "plain"
"""The two sets of heads: with musicnn's embedding and without."""


@dataclasses.dataclass(frozen=True)
class Head:
    """A line: `bias + weights · inputs`, on a scale or through a logistic curve."""

    weights: Array
    bias: float
    logistic: bool

    def __call__(self, inputs: Array) -> float:
        """Return the value for one row of inputs."""
        value = self.bias + float(self.weights @ inputs)
        return 1 / (1 + math.exp(-value)) if self.logistic else value


@dataclasses.dataclass(frozen=True)
class Heads:
    """All heads that read the same inputs."""

    inputs: tuple[str, ...]
    heads: Mapping[str, Head]

    def features(self, heard: Numbers) -> Features:
        """Return the track's features; `heard` holds all inputs by name.

        Loudness stays unknown: it says how loud a file was mastered, not its mood.
        """
        row = np.clip([heard[name] for name in self.inputs], -1e3, 1e3)
        values = {name: head(row) for name, head in self.heads.items()}
        values |= {
            "tempo": heard["tempo"],
            "key": heard["key"],
            "mode": heard["mode"],
        }
        return Features.checked(
            {
                name: float(np.clip(value, *RANGES[name]))
                for name, value in values.items()
            },
            FeatureSource.AUDIO,
        )


def load_heads(path: Path) -> dict[str, Heads]:
    """Read both sets of heads from the JSON file at `path`."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return {name: _heads(data[name]) for name in (LEARNED, PLAIN)}


def _heads(data: dict[str, Any]) -> Heads:
    return Heads(
        tuple(data["inputs"]),
        {
            name: Head(np.array(head["weights"]), head["bias"], head["logistic"])
            for name, head in data["heads"].items()
        },
    )


def embedding_inputs(embeddings: Array) -> Numbers:
    """Name the mean and the spread of a track's patches [P, 200]."""
    means, spreads = embeddings.mean(axis=0), embeddings.std(axis=0)
    return {
        **{f"musicnn_{i}": float(value) for i, value in enumerate(means)},
        **{f"musicnn_{i}_spread": float(value) for i, value in enumerate(spreads)},
    }
