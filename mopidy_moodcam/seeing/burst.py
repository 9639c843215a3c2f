"""A burst: a few frames in a row become one reading, and are gone."""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from mopidy_moodcam.glossary import Face, NoReading, Reading
from mopidy_moodcam.seeing import faces as face_tools
from mopidy_moodcam.seeing import light

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mopidy_moodcam.seeing.camera import Camera
    from mopidy_moodcam.seeing.clock import Clock
    from mopidy_moodcam.seeing.faces import FaceFinder, FoundFace

FRAMES = 5
GAP = 0.2  # seconds between the frames of a burst: five span most of a second


class Model(Protocol):
    """Grey face crops in, probabilities float32 [N, 7] out."""

    def __call__(self, crops: Sequence[np.ndarray], /) -> np.ndarray: ...  # noqa: D102


@dataclasses.dataclass(slots=True)
class Sight:
    """One person through a burst: where the face was, and its crops."""

    places: list[FoundFace]
    crops: list[np.ndarray]


def look(
    camera: Camera,
    finder: FaceFinder,
    model: Model,
    *,
    clock: Clock,
    room: str = "",
    frames: int = FRAMES,
    gap: float = GAP,
    seen: light.LastSeen | None = None,
    beat: Callable[[str], None] = lambda _: None,
) -> Reading:
    """Take a burst and say what it shows.

    `seen` knows the looks before. `beat` is called with `read` before every frame, so
    that a watchdog can tell a camera that hangs. Only numbers leave this function.
    """
    start = clock.now
    greys: list[np.ndarray] = []
    sights: list[Sight] = []
    size = (1, 1)
    for turn in range(frames):
        beat("read")
        if turn:
            camera.pass_time(gap)
        frame = camera.read()
        if frame is None:
            break
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        size = (grey.shape[1], grey.shape[0])
        note(sights, finder.find(frame, follow=turn > 0), grey)
        greys.append(grey)
        if not sights and 2 * len(greys) > frames:
            break  # whoever came now would be there for less than half of it
    stuck = camera.live and (
        light.is_stuck(greys)
        or (seen is not None and bool(greys) and seen.again(greys[-1], start))
    )
    reason, people = _judge(greys, sights, stuck=stuck)
    return Reading(
        time=start,
        faces=tuple(_face(sight, model, size) for sight in people),
        reason=reason,
        light=light.brightness(greys[-1]) if greys else None,
        frames=len(greys),
        room=room,
    )


def note(sights: list[Sight], found: Sequence[FoundFace], grey: np.ndarray) -> None:
    """Add a frame's faces to the people they belong to."""
    free = list(sights)
    for face in found:
        cut = face_tools.crop(grey, face)
        owner = min(free, key=lambda sight: _distance(sight, face), default=None)
        if owner is None or _distance(owner, face) > 1:
            sights.append(Sight([face], [cut]))
            continue
        free.remove(owner)
        owner.places.append(face)
        owner.crops.append(cut)


def _judge(
    greys: Sequence[np.ndarray], sights: Sequence[Sight], *, stuck: bool
) -> tuple[NoReading | None, list[Sight]]:
    """Return the reason why there is no reading, or else the people there."""
    if not greys:
        return "gone", []
    if stuck:
        dark = light.why_unseen(greys[0]) == "dark"
        return ("dark" if dark else "stuck"), []
    # A face in less than half of the frames is a ghost or on its way out.
    people = [sight for sight in sights if 2 * len(sight.places) >= len(greys)]
    if people:
        return None, people
    reasons: collections.Counter[NoReading] = collections.Counter(
        light.why_unseen(grey) for grey in greys
    )
    return reasons.most_common(1)[0][0], []


def _distance(sight: Sight, face: FoundFace) -> float:
    """How far a face is from where a person was last, in face widths."""
    last = sight.places[-1]
    apart = np.subtract(last.centre, face.centre)
    return float(np.hypot(*apart)) / max(last.box[2], face.box[2], 1.0)


def _face(sight: Sight, model: Model, size: tuple[int, int]) -> Face:
    chances = np.asarray(model(sight.crops), np.float64).mean(axis=0)
    chances = np.clip(np.nan_to_num(chances), 0, 1) + 1e-9
    left, top, width, height = np.median([p.box for p in sight.places], axis=0)
    return Face(
        box=(
            float(left / size[0]),
            float(top / size[1]),
            float(width / size[0]),
            float(height / size[1]),
        ),
        pixels=float(width),
        sharpness=float(np.median([light.sharpness(cut) for cut in sight.crops])),
        probabilities=tuple(float(v) for v in chances / chances.sum()),
    )
