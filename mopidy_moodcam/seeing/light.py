"""How well a frame can be read: light, cover, blur, and a face's sharpness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

DARK = 0.06  # mean grey level under which no face is found any more
COVERED_LIGHT, COVERED_CONTRAST = 0.30, 0.02  # a finger or tape: dim and even
SMEARED = 0.22  # see `detail`: blurred by 2 % of the width and more
CRISP_FACE = 9.0  # grey levels; see `sharpness`
OLD_PICTURE = 60.0  # seconds; cameras and servers hand one out for less than that


def brightness(grey: np.ndarray) -> float:
    """Return the mean grey level of a frame uint8 [H, W], 0 … 1."""
    return float(grey[::4, ::4].mean()) / 255


def detail(grey: np.ndarray) -> float:
    """Return how steep the steepest edges are, in contrasts per pixel.

    Measured at 160 pixels' width, where a camera's noise has been averaged away:
    0.5 to 4 in a room, under 0.2 behind a lens so greasy that no face is seen.
    """
    small = _at_width(grey, 160).astype(np.float32)
    edges = np.abs(cv2.Laplacian(small, cv2.CV_32F))
    return float(np.percentile(edges, 99.5)) / (float(small.std()) + 1.0)


def sharpness(crop: np.ndarray) -> float:
    """Return how crisp a face crop uint8 [S, S] is, 0 (smeared) … 1."""
    small = _at_width(crop, 48).astype(np.float32)
    span = np.percentile(small, 95) - np.percentile(small, 5) + 8.0
    edges = np.abs(cv2.Laplacian(small * (100.0 / span), cv2.CV_32F)).mean()
    return float(min(1.0, edges / CRISP_FACE))


def why_unseen(grey: np.ndarray) -> Literal["dark", "blurred", "nobody"]:
    """Return why no face was found in a frame uint8 [H, W]."""
    light = brightness(grey)
    covered = light < COVERED_LIGHT and grey[::4, ::4].std() / 255 < COVERED_CONTRAST
    if light < DARK or covered:
        return "dark"
    return "blurred" if detail(grey) < SMEARED else "nobody"


def is_stuck(greys: Sequence[np.ndarray]) -> bool:
    """Whether a live camera repeats itself: a real one has noise in every frame."""
    if len(greys) < 3:
        return False
    return all(np.array_equal(greys[0], other) for other in greys[1:])


class LastSeen:
    """Knows since when looks show the same picture; keeps a number of it, no picture.

    Only what is equal to the last bit is the same: through H.264 a still room differs
    from look to look as little as a frozen picture does.
    """

    def __init__(self) -> None:
        self._number, self._since = 0, 0.0

    def again(self, grey: np.ndarray, now: float) -> bool:
        """Note a look's picture; says whether it is older than a server keeps one."""
        number = hash(grey.tobytes())
        if number != self._number:
            self._number, self._since = number, now
        return now - self._since >= OLD_PICTURE


def _at_width(grey: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(grey.shape[0] * width / grey.shape[1]))
    way = cv2.INTER_AREA if grey.shape[1] >= width else cv2.INTER_LINEAR
    return cv2.resize(grey, (width, height), interpolation=way)
