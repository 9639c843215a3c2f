"""Where songs are on the shelf: around a point of the plane.

That is worked out once for a shelf, so that a pick looks at some hundred rows
and never copies or scans the catalogue: 4 bytes a row for each `Plane`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mopidy_moodcam.glossary import Affect

CELLS = 64
"""Cells along each axis: a million tracks are then some 250 a cell."""


class Plane:
    """Some rows of the shelf, sorted by their cell on the plane.

    Cells of one line are neighbours in the order, and a table of sums says how
    many rows any rectangle holds. So the smallest square around a point with
    `count` rows is found without looking at a row, and taken as some slices.
    """

    def __init__(self, plane: np.ndarray, rows: np.ndarray) -> None:
        """`plane`: float32 [n, 2], −1 … 1; `rows`: int32 [m], rows of it."""
        line = _cell(plane[rows, 1])
        cell = line * CELLS + _cell(plane[rows, 0])
        self._rows = rows[np.argsort(cell, kind="stable")].astype(np.int32)
        counts = np.bincount(cell, minlength=CELLS * CELLS)
        self._starts = np.concatenate(([0], np.cumsum(counts)))
        self._sums = np.zeros((CELLS + 1, CELLS + 1), np.int64)
        self._sums[1:, 1:] = counts.reshape(CELLS, CELLS).cumsum(0).cumsum(1)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    @property
    def rows(self) -> np.ndarray:
        """All rows, int32 [m], line by line."""
        return self._rows

    def around(self, affect: Affect, count: int) -> np.ndarray:
        """Return at least `count` rows about `affect` (all, where there are fewer)."""
        if count >= len(self._rows):
            return self._rows
        x, y = int(_cell(affect.valence)), int(_cell(affect.arousal))
        low, high = 0, CELLS
        while low < high:
            middle = (low + high) // 2
            if self._held(*_square(x, y, middle)) >= count:
                high = middle
            else:
                low = middle + 1
        return self._taken(*_square(x, y, low))

    def _held(self, left: int, right: int, bottom: int, top: int) -> int:
        sums = self._sums
        return int(
            sums[top, right]
            - sums[bottom, right]
            - sums[top, left]
            + sums[bottom, left]
        )

    def _taken(self, left: int, right: int, bottom: int, top: int) -> np.ndarray:
        slices = [
            self._rows[
                self._starts[line * CELLS + left] : self._starts[line * CELLS + right]
            ]
            for line in range(bottom, top)
        ]
        return np.concatenate(slices)


def sample(rows: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Return at most `limit` of `rows` at random, in the time of `limit` rows."""
    if len(rows) <= limit:
        return rows
    return rows[np.unique(rng.integers(len(rows), size=limit))]


def _cell(value: np.ndarray | float) -> np.ndarray:
    scaled = (np.nan_to_num(np.asarray(value)) + 1.0) * (CELLS / 2)
    return np.clip(scaled, 0, CELLS - 1).astype(np.int64)


def _square(x: int, y: int, reach: int) -> tuple[int, int, int, int]:
    return (
        max(0, x - reach),
        min(CELLS, x + reach + 1),
        max(0, y - reach),
        min(CELLS, y + reach + 1),
    )
