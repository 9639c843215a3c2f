"""The words of this project and the values that pass between its rooms.

One word per thing, here and nowhere else. The rooms `seeing`, `feeling`,
`songs` and `dj` know each other only by these values, but that `dj` chooses from
a shelf of `songs`. Nothing but the standard library is imported, so any process
may import it.

Times are seconds since the epoch (`time.time()`), unless a name says otherwise.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven expressions; a probability vector has this order everywhere."""

UNKNOWN = "unknown"
"""The mood of a room about which too little is known."""

NoReading = Literal["nobody", "dark", "blurred", "busy", "gone", "stuck"]
"""Why a burst gave no probabilities."""

NO_READING: tuple[NoReading, ...] = (
    "nobody",
    "dark",
    "blurred",
    "busy",
    "gone",
    "stuck",
)

CAMERA_TROUBLES: frozenset[NoReading] = frozenset({"busy", "gone", "stuck"})
"""Those of them that say of the camera, not of the room, what is wrong."""


class SongMood(enum.StrEnum):
    """What a song is good for; clusters are bound to these."""

    HAPPY = "happy"
    ENERGETIC = "energetic"
    ROMANTIC = "romantic"
    CALM = "calm"
    SAD = "sad"
    INTENSE = "intense"


class Goal(enum.StrEnum):
    """What the listener wants done with the mood."""

    MATCH = "match"
    LIFT = "lift"
    CALM = "calm"
    HOLD = "hold"


class Verdict(enum.StrEnum):
    """What a person says of a track; `NONE` takes it back."""

    LOVED = "loved"
    BANNED = "banned"
    NONE = "none"


Outcome = Literal["played", "skipped", "neither"]
"""How one of the DJ's songs ended: heard through, left at once, or neither of both."""


@dataclasses.dataclass(frozen=True, slots=True)
class Affect:
    """A point on the valence-arousal plane, each −1 … 1 (Russell 1980)."""

    valence: float
    arousal: float


SONG_MOOD_AFFECT: Mapping[SongMood, Affect] = MappingProxyType(
    {
        SongMood.HAPPY: Affect(0.75, 0.35),
        SongMood.ENERGETIC: Affect(0.35, 0.80),
        SongMood.ROMANTIC: Affect(0.40, -0.20),
        SongMood.CALM: Affect(0.20, -0.65),
        SongMood.SAD: Affect(-0.65, -0.40),
        SongMood.INTENSE: Affect(-0.50, 0.65),
    }
)
"""Where the song moods lie. They are placed by us in the quadrants of Russell (1980, "A
circumplex model of affect"); they are choices, not measurements."""


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """What is kept of one face in a burst: numbers only.

    `box` is left, top, width, height as fractions of the frame, 0 … 1.
    `pixels` is the width in pixels, `sharpness` 0 (smeared) … 1 (crisp),
    `probabilities` sum to 1 in the order of `EXPRESSIONS`.
    """

    box: tuple[float, float, float, float]
    pixels: float
    sharpness: float
    probabilities: tuple[float, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What one burst says: faces with their expressions, or why there are none.

    `light` is the mean grey level 0 … 1, `frames` how many frames were looked
    at, `room` the name of the eye's room. Exactly one of `faces` and `reason`
    says something: a reading with faces has no reason, one without has.
    """

    time: float
    faces: tuple[Face, ...] = ()
    reason: NoReading | None = None
    light: float | None = None
    frames: int = 0
    room: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the reading as JSON-ready numbers, strings and lists."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: object) -> Reading:
        """Read what `to_json` wrote; it may come from another machine.

        Raises `ValueError` with one sentence where a value is missing, of the
        wrong type, not finite or out of range.
        """
        if not isinstance(data, dict):
            raise ValueError("A reading must be a JSON object.")
        faces = data.get("faces", ())
        if not isinstance(faces, (list, tuple)):
            raise ValueError("The faces of a reading must be a list.")
        reason = data.get("reason")
        if reason is not None and reason not in NO_READING:
            known = ", ".join(NO_READING)
            raise ValueError(f"{reason!r} is no reason; known: {known}.")
        if bool(faces) == (reason is not None):
            raise ValueError("A reading has either faces or a reason.")
        light = data.get("light")
        return cls(
            time=_number(data, "time", 0.0, math.inf),
            faces=tuple(_face(face) for face in faces),
            reason=reason,
            light=None if light is None else _number(data, "light", 0.0, 1.0),
            frames=int(_number(data, "frames", 0.0, 1e6, default=0.0)),
            room=str(data.get("room", ""))[:64],
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Mood:
    """The room's steady state.

    `label` is one of `EXPRESSIONS` or `UNKNOWN`, `confidence` 0 … 1,
    `probabilities` the filter's belief in the order of `EXPRESSIONS` (sums to
    1, but for rounding), `since` when this label began, `why` a clause for
    people, most of all for why a mood is unknown.
    """

    label: str
    affect: Affect
    confidence: float
    since: float
    probabilities: tuple[float, ...]
    why: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What to play next: a song mood and a point on the plane, with its reason.

    `chosen_by` says who set it: the `mood` with the goal, or a `person` by hand
    (an override). `until` ends an override.
    """

    song_mood: SongMood
    affect: Affect
    why: str
    chosen_by: Literal["mood", "person"] = "mood"
    until: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Step(Target):
    """A target on the way of a path: any song near its point will do.

    `song_mood` is the one whose place on the plane is nearest. A path's end is a plain
    target, for which songs are of its song mood.
    """


@dataclasses.dataclass(frozen=True, slots=True)
class Pick:
    """A track chosen for the queue, with its reason in words."""

    uri: str
    title: str
    artist: str
    song_mood: SongMood
    reason: str
    time: float
    track_id: int = 0


def _number(
    data: Mapping[Any, Any],
    key: str,
    low: float,
    high: float,
    default: float | None = None,
) -> float:
    value = data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{key!r} must be a number.")
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{key!r} must lie between {low:g} and {high:g}.")
    return float(value)


def _face(data: object) -> Face:
    if not isinstance(data, dict):
        raise ValueError("A face must be a JSON object.")
    box = data.get("box", (0.0, 0.0, 1.0, 1.0))
    if not isinstance(box, (list, tuple)) or len(box) != 4:
        raise ValueError("A face's box must have four numbers.")
    values = dict(zip(("left", "top", "width", "height"), box, strict=True))
    return Face(
        box=(
            _number(values, "left", -1.0, 2.0),
            _number(values, "top", -1.0, 2.0),
            _number(values, "width", 0.0, 3.0),
            _number(values, "height", 0.0, 3.0),
        ),
        pixels=_number(data, "pixels", 0.0, 1e5, default=100.0),
        sharpness=_number(data, "sharpness", 0.0, 1.0, default=1.0),
        probabilities=_probabilities(data.get("probabilities")),
    )


def _probabilities(data: object) -> tuple[float, ...]:
    if not isinstance(data, (list, tuple)) or len(data) != len(EXPRESSIONS):
        raise ValueError(f"A face needs {len(EXPRESSIONS)} probabilities.")
    named = dict(zip(EXPRESSIONS, data, strict=True))
    values = [_number(named, key, 0.0, 1.0) for key in EXPRESSIONS]
    total = sum(values)
    if not 0.98 <= total <= 1.02:
        raise ValueError("The probabilities of a face must sum to 1.")
    return tuple(value / total for value in values)
