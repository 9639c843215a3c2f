"""From the faces of one reading to what the room shows. Nobody is recognised."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Literal

from mopidy_moodcam.feeling.affect import EXPRESSION_AFFECT
from mopidy_moodcam.feeling.belief import normalised, usable
from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mopidy_moodcam.feeling.evidence import Probabilities
    from mopidy_moodcam.glossary import Face, Reading

RoomRule = Literal["majority", "calmest", "seat"]

# What a face is worth by what the network still reads of small, smeared and dark ones
# (`tests/bench/bench_quality.py`): nothing below the first number, everything from the
# second on. A little less than it reads: with numbers fitted to that closely, (8.5, 19)
# and (0.2, 0.44), `bench_feeling.py` misses its bar on false changes.
PIXELS = (6.0, 26.0)
SHARPNESS = (0.17, 1.0)
LIGHT = (0.03, 0.09)  # mean grey level
PIXELS_MOST = 2000.0  # no face in a camera's frame is larger
LEAST_QUALITY = 0.05

WORDS = {
    None: "nobody is in sight",
    "nobody": "nobody is in sight",
    "dark": "it is too dark to see a face",
    "blurred": "the picture is too blurred to read",
    "busy": "another program uses the camera",
    "gone": "the camera is gone",
    "stuck": "the camera repeats the same picture",
}
"""Why nothing was seen, as a clause."""


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a reading says of the room: seven probabilities worth `quality`, 0 … 1."""

    probabilities: Probabilities
    quality: float


def look_at(
    reading: Reading, rule: RoomRule = "majority", seat: Sequence[float] | None = None
) -> Seen | str:
    """Return what the room shows, or a clause that says why nothing can be told.

    `seat` is left, top, width, height as fractions of the frame; with the rule
    `seat` only faces whose middle lies in it count.
    """
    faces = [face for face in reading.faces if _readable(face)]
    if not faces:
        return WORDS.get(reading.reason, WORDS[None])
    if rule == "seat" and seat is not None and len(seat) == 4:
        faces = [face for face in faces if _sits_in(face, seat)]
        if not faces:
            return "nobody is in the seat"
    light = light_quality(reading.light)
    if light * max(quality(face) for face in faces) < LEAST_QUALITY:
        return "the faces are too small, too blurred or too dark to read"
    if rule == "calmest":
        faces = [min(faces, key=_arousal)]
    return _vote(faces, light)


def together(rooms: Sequence[Seen]) -> Seen:
    """Return what several rooms show, each by its quality."""
    whole = math.fsum(seen.quality for seen in rooms)
    if len(rooms) == 1 or whole <= 0:
        return rooms[0]
    sums = [
        math.fsum(seen.quality * seen.probabilities[i] for seen in rooms)
        for i in range(len(EXPRESSIONS))
    ]
    worth = math.fsum(seen.quality**2 for seen in rooms)
    return Seen(normalised(sums), worth / whole)


def quality(face: Face) -> float:
    """Return what a face's probabilities are worth by its size and sharpness, 0 … 1."""
    size = _share(face.pixels, *PIXELS) ** (1 / 2)
    crisp = _share(face.sharpness, *SHARPNESS) ** (1 / 3)
    return min(size, crisp)


def light_quality(light: float | None) -> float:
    """Return what is left of a face's worth in this light (0 … 1, None: unknown)."""
    return 1.0 if light is None else _share(light, *LIGHT)


def _vote(faces: Sequence[Face], light: float) -> Seen:
    weights = [min(face.pixels, PIXELS_MOST) * quality(face) for face in faces]
    sums = [
        math.fsum(w * f.probabilities[i] for w, f in zip(weights, faces, strict=True))
        for i in range(len(EXPRESSIONS))
    ]
    worth = math.fsum(w * quality(f) for w, f in zip(weights, faces, strict=True))
    return Seen(normalised(sums), light * worth / math.fsum(weights))


def _readable(face: Face) -> bool:
    return (
        usable(face.probabilities)
        and math.isfinite(face.pixels)
        and math.isfinite(face.sharpness)
        and quality(face) > 0
    )


def _share(value: float, low: float, high: float) -> float:
    if not math.isfinite(value):
        return 0.0
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _arousal(face: Face) -> float:
    total = math.fsum(face.probabilities)
    return (
        math.fsum(
            p * EXPRESSION_AFFECT[name].arousal
            for p, name in zip(face.probabilities, EXPRESSIONS, strict=True)
        )
        / total
    )


def _sits_in(face: Face, seat: Sequence[float]) -> bool:
    if len(face.box) != 4:
        return False
    left, top, width, height = face.box
    x, y = left + width / 2, top + height / 2
    return seat[0] <= x <= seat[0] + seat[2] and seat[1] <= y <= seat[1] + seat[3]
