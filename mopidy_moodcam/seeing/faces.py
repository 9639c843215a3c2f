"""Find faces in a frame and cut them out upright.

BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047) in OpenCV's own dnn: the
256-pixel net looks over the whole frame, the 128-pixel net confirms each find on a
zoom. Either alone is not enough: the first sees small faces and ghosts, the second
neither. Where nobody is found, the first net looks again at each end of the frame,
closer. While a face is followed, the second net on the last box is enough.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import cv2
import numpy as np

from mopidy_moodcam.resources import MissingFile, fetch_weights, weight_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]

SEARCH_SCORE = 0.4  # a candidate of the first net …
CONFIRM_SCORE = 0.7  # … is a face where the second agrees on the zoom; at 0.6 a
# clip without faces gave ghosts, with this pair none down to a search of 0.25
FOLLOW_SCORE = 0.5  # a face that was there a moment ago needs less proof
ZOOM = 2.2  # side of the zoom in face widths
SAME_FACE = 0.3  # intersection over union from which two boxes are one face
LARGEST_LOGIT = 80.0  # exp() of more overflows float32
MOST_FACES = 12  # more is a crowd: the smallest are left out

HAAR_SHARE, HAAR_DROP = 0.88, 0.19  # medians over the London set's 68 photographs
CROP_SIDE = 1.1  # side of the crop in face widths; on two sets of photographs the
# log loss was least at 1.03 to 1.1 and grew by a third towards 1.4
CROP_PIXELS = 96


@dataclasses.dataclass(frozen=True, slots=True)
class FoundFace:
    """A face in a frame.

    `box` is left, top, width, height in pixels (it may reach over the frame's
    edge), `score` 0 … 1, `eyes` the two eyes' centres in pixels, the one on the
    left of the frame first, or None where the detector gives none.
    """

    box: Box
    score: float
    eyes: tuple[Point, Point] | None = None

    @property
    def centre(self) -> Point:
        """The middle of the box in pixels."""
        left, top, width, height = self.box
        return left + width / 2, top + height / 2

    @property
    def roll(self) -> float:
        """Degrees by which the face is turned clockwise in the frame."""
        if self.eyes is None:
            return 0.0
        (x0, y0), (x1, y1) = self.eyes
        return math.degrees(math.atan2(y1 - y0, x1 - x0))


class FaceFinder(Protocol):
    """Anything that finds faces; it remembers them for following."""

    def find(self, frame: np.ndarray, *, follow: bool = False) -> list[FoundFace]:
        """Return the faces in a frame, uint8 [H, W, 3] BGR, the widest first.

        With `follow` a cheaper look around the faces of the last call is enough
        where it finds all of them again.
        """
        ...


class BlazeNet:
    """One BlazeFace network: pixels in, scored boxes with eyes out.

    `size` is the side of its square input in pixels, `strides` the cell sizes of
    its two anchor grids in pixels with the number of anchors in each cell, as in
    MediaPipe's graph (face_detection_short_range, face_detection_back).
    """

    def __init__(
        self, path: Path, size: int, strides: Sequence[tuple[int, int]]
    ) -> None:
        self._size = size
        self._anchors = _anchors(size, strides)
        self._net = _read_net(path)
        self._names = self._net.getUnconnectedOutLayersNames()

    def detect(self, image: np.ndarray, score: float) -> list[FoundFace]:
        """Return faces of at least `score` in an image uint8 [H, W, 3] BGR."""
        square, scale, (left, top) = _letterbox(image, self._size)
        blob = cv2.dnn.blobFromImage(
            _lighten(square), 1 / 127.5, mean=(127.5,) * 3, swapRB=True
        )
        self._net.setInput(blob)
        scores, boxes = sorted(
            self._net.forward(self._names), key=lambda output: output.shape[-1]
        )
        found = self._decode(scores.reshape(-1), boxes.reshape(-1, 16), score)
        return [_moved(face, left, top, 1 / scale) for face in found]

    def _decode(
        self, logits: np.ndarray, boxes: np.ndarray, score: float
    ) -> list[FoundFace]:
        """Turn raw outputs ([896], [896, 16] pixels from the anchor) into faces."""
        scores = 1 / (1 + np.exp(-np.clip(logits, -LARGEST_LOGIT, LARGEST_LOGIT)))
        good = scores >= score
        points = boxes[good].reshape(-1, 8, 2)  # centre, size, six key points
        sizes = points[:, 1]
        places = np.delete(points, 1, axis=1) + self._anchors[good][:, None]
        corners = places[:, 0] - sizes / 2
        table = np.concatenate(
            [corners, sizes, places[:, 1], places[:, 2]], axis=1
        )  # left, top, width, height, x, y of one eye and of the other
        return _merge(table[(sizes > 1).all(1)], scores[good][(sizes > 1).all(1)])


class BlazeFaceFinder:
    """Finds faces with the two nets; see the module's first lines."""

    def __init__(self, search: BlazeNet, confirm: BlazeNet) -> None:
        self._search = search
        self._confirm = confirm
        self._last: list[FoundFace] = []

    def find(self, frame: np.ndarray, *, follow: bool = False) -> list[FoundFace]:
        """Return the faces in a frame; see `FaceFinder.find`."""
        if follow and self._last:
            again = self._zoomed(frame, self._last, FOLLOW_SCORE)
            if len(again) == len(self._last):
                self._last = again
                return again
        self._last = self._searched(frame, 0, 0)
        if not self._last and not follow:
            self._last = _distinct(
                [face for part in _halves(frame) for face in self._searched(*part)]
            )
        return self._last

    def _searched(self, part: np.ndarray, left: int, top: int) -> list[FoundFace]:
        """Search a part of a frame; `left` and `top` say where it was cut out."""
        candidates = self._search.detect(part, SEARCH_SCORE)
        found = self._zoomed(part, candidates, CONFIRM_SCORE)
        return [_moved(face, -left, -top, 1.0) for face in found]

    def _zoomed(
        self, frame: np.ndarray, faces: list[FoundFace], score: float
    ) -> list[FoundFace]:
        """Look closely at each place; keep the face nearest to the zoom's middle."""
        found: list[FoundFace] = []
        for face in sorted(faces, key=_width, reverse=True)[:MOST_FACES]:
            zoom, left, top = _cut_square(frame, face.centre, ZOOM * face.box[2])
            near = [
                _moved(seen, -left, -top, 1.0)
                for seen in self._confirm.detect(zoom, score)
            ]
            near = [seen for seen in near if _overlap(seen.box, face.box) > SAME_FACE]
            found += near[:1]
        return _distinct(found)


class HaarFinder:
    """OpenCV's old cascade, where BlazeFace's weights are missing.

    It sees no tilted, dim or distant face; OpenCV 5 no longer has it.
    """

    def __init__(self) -> None:
        folder = Path(cv2.__file__).parent / "data"
        self._cascade = cv2.CascadeClassifier(
            str(folder / "haarcascade_frontalface_default.xml")
        )

    def find(self, frame: np.ndarray, *, follow: bool = False) -> list[FoundFace]:  # noqa: ARG002 (it has no cheaper way)
        """Return the faces in a frame; see `FaceFinder.find`."""
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(grey, 1.1, 5, minSize=(24, 24))
        return _distinct([FoundFace(_as_blazeface(box), 1.0) for box in boxes])


def open_finder(
    weights: Callable[[str], Path] = weight_path,
) -> tuple[FaceFinder, str]:
    """Return the best finder there is on this machine.

    With it comes what a listener should know of it: a sentence, or nothing. Raises
    `MissingFile` where there is neither BlazeFace nor Haar.
    """
    try:
        return _blazeface(weights), ""
    except MissingFile as missing:
        if not hasattr(cv2, "CascadeClassifier"):
            raise
        sentence = str(missing).rstrip(".")
        note = f"{sentence}; until then only frontal faces in good light count."
        return HaarFinder(), note


def crop(grey: np.ndarray, face: FoundFace, size: int = CROP_PIXELS) -> np.ndarray:
    """Cut a face out of a grey frame uint8 [H, W], rolled upright.

    Returns uint8 [size, size]; beyond the frame its edge is repeated.
    """
    side = CROP_SIDE * face.box[2]
    patch, left, top = _cut_square(grey, face.centre, side * math.sqrt(2))
    scale = size / side
    if scale < 1:  # first by areas: the rotation below would skip pixels
        shrunk = max(1, round(patch.shape[0] * scale))
        scale *= patch.shape[0] / shrunk
        patch = cv2.resize(patch, (shrunk, shrunk), interpolation=cv2.INTER_AREA)
    shrink = patch.shape[0] / max(1.0, side * math.sqrt(2))
    middle = ((face.centre[0] - left) * shrink, (face.centre[1] - top) * shrink)
    turn = cv2.getRotationMatrix2D(middle, face.roll, size / (side * shrink))
    turn[:, 2] += np.array([size / 2, size / 2]) - middle
    return cv2.warpAffine(patch, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)


def _blazeface(weights: Callable[[str], Path]) -> BlazeFaceFinder:
    back, short = weights("blazeface_back.tflite"), weights("blazeface_short.tflite")
    if not hasattr(cv2.dnn, "readNetFromTFLite"):
        raise MissingFile(
            f"OpenCV {cv2.__version__} is too old for the face detector; "
            "run: pip install --upgrade opencv-python-headless."
        )
    try:
        return BlazeFaceFinder(
            BlazeNet(back, 256, ((16, 2), (32, 6))),
            BlazeNet(short, 128, ((8, 2), (16, 6))),
        )
    except cv2.error as error:
        raise MissingFile(
            f"The face detector's weights cannot be read; run: {fetch_weights()}"
        ) from error


def _read_net(path: Path) -> cv2.dnn.Net:
    # OpenCV 5's new engine does not know these layers; the classic one does.
    engine = getattr(cv2.dnn, "ENGINE_CLASSIC", None)
    if engine is None:
        return cv2.dnn.readNetFromTFLite(str(path))
    return cv2.dnn.readNetFromTFLite(str(path), engine)  # pyright: ignore[reportCallIssue]


def _anchors(size: int, strides: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the anchors' centres in input pixels, float32 [896, 2]."""
    grids = []
    for stride, repeats in strides:
        middles = np.arange(size // stride) * stride + stride / 2
        x, y = np.meshgrid(middles, middles)
        cells = np.stack([x.ravel(), y.ravel()], axis=1)
        grids.append(np.repeat(cells, repeats, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _letterbox(
    image: np.ndarray, size: int
) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Shrink into a black square; returns it, the scale and the shift in it."""
    height, width = image.shape[:2]
    scale = size / max(height, width)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, top = (size - small[0]) // 2, (size - small[1]) // 2
    square = np.zeros((size, size, 3), np.uint8)
    # Averaging all pixels of a large frame takes longer than the net itself.
    image = image[:: (step := max(1, max(height, width) // (2 * size))), ::step]
    square[top : top + small[1], left : left + small[0]] = cv2.resize(
        image, small, interpolation=way
    )
    return square, scale, (float(left), float(top))


def _lighten(square: np.ndarray) -> np.ndarray:
    """Stretch a dim image: the nets were trained on well-lit ones."""
    bright = float(np.percentile(square[::4, ::4], 99))
    if not 4 < bright < 160:
        return square
    return cv2.convertScaleAbs(square, alpha=200 / bright)


def _merge(table: np.ndarray, scores: np.ndarray) -> list[FoundFace]:
    """Blend overlapping finds, weighted by score (BlazeFace's own way)."""
    found: list[FoundFace] = []
    rest = np.argsort(-scores)
    while rest.size:
        best = rest[0]
        same = np.array([_overlap(table[i], table[best]) >= SAME_FACE for i in rest])
        same[0] = True
        group = rest[same]
        values = np.average(table[group], axis=0, weights=scores[group])
        left, top, width, height, x0, y0, x1, y1 = (float(v) for v in values)
        eyes = ((x0, y0), (x1, y1)) if x0 < x1 else ((x1, y1), (x0, y0))
        found.append(FoundFace((left, top, width, height), float(scores[best]), eyes))
        rest = rest[~same]
    return found


def _halves(frame: np.ndarray) -> list[tuple[np.ndarray, int, int]]:
    """Return the squares at both ends of a frame, with left and top.

    In them a face is larger for the net: at 1280×720 nearly twice as large.
    """
    height, width = frame.shape[:2]
    side = min(height, width)
    if max(height, width) < 1.2 * side:
        return []
    left, top = width - side, height - side
    return [(frame[:side, :side], 0, 0), (frame[top:, left:], left, top)]


def _distinct(faces: list[FoundFace]) -> list[FoundFace]:
    """Leave out repeats of a face; the widest first."""
    kept: list[FoundFace] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(_overlap(face.box, other.box) < SAME_FACE for other in kept):
            kept.append(face)
    return sorted(kept, key=_width, reverse=True)


def _overlap(one: Box | np.ndarray, other: Box | np.ndarray) -> float:
    """Intersection over union of two boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    return common / max(1e-9, one[2] * one[3] + other[2] * other[3] - common)


def _as_blazeface(box: Sequence[float]) -> Box:
    """Return a Haar box, which is wider, as BlazeFace would draw it."""
    left, top, width, height = (float(value) for value in box)
    return (
        left + (1 - HAAR_SHARE) / 2 * width,
        top + HAAR_DROP * height,
        HAAR_SHARE * width,
        HAAR_SHARE * height,
    )


def _width(face: FoundFace) -> float:
    return face.box[2]


def _moved(face: FoundFace, left: float, top: float, scale: float) -> FoundFace:
    """Undo a shift and a scaling of the image the face was found in."""

    def back(point: Point) -> Point:
        return (point[0] - left) * scale, (point[1] - top) * scale

    x, y, width, height = face.box
    box = (*back((x, y)), width * scale, height * scale)
    eyes = face.eyes and (back(face.eyes[0]), back(face.eyes[1]))
    return FoundFace(box, face.score, eyes)


def _cut_square(
    image: np.ndarray, centre: Point, side: float
) -> tuple[np.ndarray, int, int]:
    """Cut a square out, its edge repeated beyond the image; with left and top."""
    height, width = image.shape[:2]
    length = max(2, round(side))
    left = min(max(round(centre[0] - length / 2), 1 - length), width - 1)
    top = min(max(round(centre[1] - length / 2), 1 - length), height - 1)
    right, bottom = left + length, top + length
    inside = image[max(0, top) : bottom, max(0, left) : right]
    over = (-top, bottom - height, -left, right - width)
    if max(over) <= 0:
        return inside, left, top
    a, b, c, d = (max(0, pixels) for pixels in over)
    return cv2.copyMakeBorder(inside, a, b, c, d, cv2.BORDER_REPLICATE), left, top
