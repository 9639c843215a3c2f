"""How smoothly one song follows another: tempo, energy and key.

What a disc jockey listens for: the beat does not break, the floor does not drop,
the keys do not clash. Unknown values count as neither good nor bad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mopidy_moodcam.songs.shelf import Shelf

TEMPO_WEIGHT, ENERGY_WEIGHT, KEY_WEIGHT = 0.4, 0.35, 0.25
UNKNOWN = 0.5

TEMPO_REACH = 0.25
"""Octaves of tempo at which two songs no longer go together (120 and 143)."""

ENERGY_REACH = 0.5
KEY_REACH = 4
"""Steps on the circle of fifths at which two keys clash."""


def smoothness(shelf: Shelf, before: int, rows: np.ndarray) -> np.ndarray:
    """Return how well each of `rows` follows row `before`, float64 [k], 0 … 1."""
    return (
        TEMPO_WEIGHT * tempo_fit(shelf.tempo[before], shelf.tempo[rows])
        + ENERGY_WEIGHT * energy_fit(shelf.energy[before], shelf.energy[rows])
        + KEY_WEIGHT
        * key_fit(
            shelf.key[before], shelf.mode[before], shelf.key[rows], shelf.mode[rows]
        )
    )


def tempo_fit(before: float, tempo: np.ndarray) -> np.ndarray:
    """Return 1 for the same tempo, its half or its double, 0 from `TEMPO_REACH` on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves = np.abs(np.log2(np.asarray(tempo, np.float64) / before))
    apart = np.where(octaves < 1.5, np.minimum(octaves, np.abs(octaves - 1.0)), octaves)
    return _fit(apart / TEMPO_REACH)


def energy_fit(before: float, energy: np.ndarray) -> np.ndarray:
    """Return 1 for the same energy, 0 from `ENERGY_REACH` on."""
    return _fit(np.abs(np.asarray(energy, np.float64) - before) / ENERGY_REACH)


def key_fit(
    key_before: int, mode_before: int, key: np.ndarray, mode: np.ndarray
) -> np.ndarray:
    """Return 1 for the same or the relative key, 0 from `KEY_REACH` fifths on.

    Keys are pitch classes 0 … 11 from C, modes 1 major and 0 minor, −1 unknown.
    """
    apart = np.abs(_fifths(key, mode) - _fifths(key_before, mode_before))
    around = np.minimum(apart, 12 - apart)
    unknown = (np.asarray(key) < 0) | (key_before < 0)
    return np.where(unknown, UNKNOWN, _fit(around / KEY_REACH))


def _fifths(key: np.ndarray | int, mode: np.ndarray | int) -> np.ndarray:
    """Return the place on the circle of fifths; minor keys stand at their relative."""
    major = np.where(np.asarray(mode) == 0, np.asarray(key, np.int64) + 3, key)
    return major * 7 % 12


def _fit(apart: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(apart), np.clip(1.0 - apart, 0.0, 1.0), UNKNOWN)
