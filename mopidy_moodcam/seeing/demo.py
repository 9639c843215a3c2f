"""A camera for those without one: drawn faces of nobody.

The frames are drawn here, stroke by stroke, and go through the same detector and
the same network as any camera's. Every ninety seconds the face takes another
expression; then the chair is empty for a while, and another drawn person sits down.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480
SHOW_SECONDS = 90.0  # each expression; about four bursts at default settings
BLEND_SECONDS = 1.5  # from one expression to the next
PATCH = 400  # the head is drawn on a square of this side, in pixels
SMOOTH = 24  # points of a curve

Colour = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What the muscles of a drawn face do; 0 is at rest, most reach −1 … 1.

    Names follow the Facial Action Coding System (Ekman and Friesen 1978) where
    it has one: `inner_brow` AU 1, `outer_brow` AU 2, `frown` AU 4, `lid` AU 5,
    `squint` AU 6 and 7, `nose` AU 9, `smile` AU 12 (negative: AU 15, corners
    down), `jaw` AU 26 and 27, `stretch` AU 20 (negative: AU 18, puckered),
    `upper_lip` AU 10, `press` AU 24, `chin` AU 17.
    """

    inner_brow: float = 0.0
    outer_brow: float = 0.0
    frown: float = 0.0
    lid: float = 0.0
    squint: float = 0.0
    nose: float = 0.0
    smile: float = 0.0
    jaw: float = 0.0
    stretch: float = 0.0
    upper_lip: float = 0.0
    press: float = 0.0
    chin: float = 0.0

    def towards(self, other: Look, share: float) -> Look:
        """Return the look `share` (0 … 1) of the way to another."""
        mine, its = dataclasses.astuple(self), dataclasses.astuple(other)
        mixed = ((1 - share) * a + share * b for a, b in zip(mine, its, strict=True))
        return Look(*mixed)


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """A drawn person: colours are blue, green, red, 0 … 255."""

    skin: Colour
    hair: Colour
    shirt: Colour
    long_hair: bool
    width: float = 1.0


LOOKS = {
    "happy": Look(smile=1.0, jaw=0.35, squint=0.6, stretch=0.5, upper_lip=0.5),
    "sad": Look(
        inner_brow=1.0,
        outer_brow=-0.95,
        lid=-1.0,
        squint=0.1,
        smile=-0.8,
        stretch=0.4,
        upper_lip=0.4,
        chin=0.3,
    ),
    "surprise": Look(
        inner_brow=0.9, outer_brow=1.1, lid=1.05, smile=-0.55, jaw=1.0, stretch=-0.8
    ),
    "angry": Look(
        inner_brow=-1.1,
        outer_brow=0.15,
        frown=0.75,
        lid=0.4,
        squint=0.15,
        nose=1.1,
        smile=-1.05,
        jaw=0.6,
        stretch=-0.95,
        upper_lip=0.45,
        chin=1.0,
    ),
    "neutral": Look(
        inner_brow=-0.45, lid=-0.5, smile=-0.03, stretch=-0.35, press=0.4, chin=0.6
    ),
}
"""Drawn after the action units of each expression, then moved towards what networks
trained on photographs read most surely, as long as a person reads it too."""

PEOPLE = (
    Person((150, 185, 228), (35, 50, 70), (120, 80, 50), long_hair=False),
    Person((95, 130, 180), (25, 25, 30), (60, 60, 140), long_hair=True, width=0.95),
)
PLAY = ("happy", "sad", "surprise", "angry", "neutral", None)
"""What is shown in turn; None is the empty chair."""


class Demo:
    """The demo's frames as a function of time; `speed` makes its hours shorter."""

    def __init__(self, speed: float = 1.0, seed: int = 1) -> None:
        self._speed = speed
        self._seed = seed

    def frame(self, seconds: float) -> np.ndarray:
        """Return the frame at a time since the start, uint8 [480, 640, 3] BGR."""
        frame = _room().copy()
        look = self.look(seconds)
        if look is not None:
            _lay(frame, draw(look, self.person(seconds)), _pose(seconds))
        grain = np.roll(_noise(self._seed), int(seconds * 997) % (WIDTH * HEIGHT))
        return cv2.add(frame, cv2.merge([grain] * 3), dtype=cv2.CV_8U)

    def shown(self, seconds: float) -> str | None:
        """Return the expression shown at a time; None for the empty chair."""
        return PLAY[int(seconds * self._speed / SHOW_SECONDS) % len(PLAY)]

    def person(self, seconds: float) -> Person:
        """Return who sits there at a time."""
        turn = int(seconds * self._speed / SHOW_SECONDS / len(PLAY))
        return PEOPLE[turn % len(PEOPLE)]

    def look(self, seconds: float) -> Look | None:
        """Return the face's look at a time, just after a change a mixture."""
        now = self.shown(seconds)
        if now is None:
            return None
        length = SHOW_SECONDS / self._speed
        before = self.shown(seconds - length) if seconds >= length else now
        share = min(1.0, math.fmod(seconds, length) / min(BLEND_SECONDS, length / 4))
        return LOOKS[before or "neutral"].towards(LOOKS[now], round(share, 1))


@functools.lru_cache(maxsize=2)  # a look stays for a while, and drawing takes 40 ms
def draw(look: Look, person: Person) -> np.ndarray:
    """Draw a head and shoulders, uint8 [400, 400, 4]: blue, green, red, cover."""
    canvas = np.zeros((PATCH, PATCH, 4), np.uint8)
    _hair_behind(canvas, person)
    _body(canvas, person)
    _head(canvas, look, person)
    _shade(canvas, look)
    for side in (-1, 1):
        _eye(canvas, look, person, side)
        _brow(canvas, look, person, side)
    _nose(canvas, look, person)
    _mouth(canvas, look, person)
    _hair_front(canvas, person)
    canvas.flags.writeable = False
    return canvas


def _at(x: float, y: float) -> tuple[float, float]:
    """From face units (the eyes' distance is about 1) to the patch's pixels."""
    return PATCH / 2 + 78 * x, PATCH * 0.47 + 78 * y


def _fill(canvas: np.ndarray, points: object, colour: Colour) -> None:
    """Fill a polygon given in face units, with smooth edges."""
    table = np.array([_at(x, y) for x, y in np.asarray(points, float)])
    fixed = np.round(table * 16).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], (*colour, 255), cv2.LINE_AA, 4)


def _stroke(canvas: np.ndarray, points: object, colour: Colour, width: float) -> None:
    table = np.array([_at(x, y) for x, y in np.asarray(points, float)])
    fixed = np.round(table * 16).astype(np.int32)
    thick = max(1, round(width * 78))
    cv2.polylines(canvas, [fixed], False, (*colour, 255), thick, cv2.LINE_AA, 4)


def _oval(x: float, y: float, wide: float, high: float, power: float = 2) -> np.ndarray:
    """Return a (super-)ellipse as points [n, 2]."""
    turn = np.linspace(0, 2 * np.pi, 3 * SMOOTH, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    edge = 2 / power
    return np.stack(
        [
            x + wide * np.sign(c) * np.abs(c) ** edge,
            y + high * np.sign(s) * np.abs(s) ** edge,
        ],
        axis=1,
    )


def _bow(
    start: tuple[float, float], middle: tuple[float, float], end: tuple[float, float]
) -> np.ndarray:
    """Return a quadratic curve through three points as points [n, 2]."""
    t = np.linspace(0, 1, SMOOTH)[:, None]
    p0, p1, p2 = (np.asarray(p, float) for p in (start, middle, end))
    control = 2 * p1 - (p0 + p2) / 2
    return (1 - t) ** 2 * p0 + 2 * t * (1 - t) * control + t**2 * p2


def _tint(colour: Colour, factor: float, red: float = 0.0) -> Colour:
    blue, green, red_part = (min(255.0, c * factor) for c in colour)
    return blue, green, min(255.0, red_part + red)


def _grey(level: float) -> Colour:
    return level, level, level


def _body(canvas: np.ndarray, person: Person) -> None:
    _fill(canvas, _oval(0, 3.3, 2.2, 1.25, 2.6), person.shirt)
    neck = [(-0.5, 1.2), (0.5, 1.2), (0.56, 2.3), (0, 2.55), (-0.56, 2.3)]
    _fill(canvas, neck, _tint(person.skin, 0.78))


def _head(canvas: np.ndarray, look: Look, person: Person) -> None:
    drop = 0.12 * max(0.0, look.jaw)
    wide = 1.08 * person.width
    for side in (-1, 1):
        ear = _oval(side * wide, 0.2, 0.15, 0.3)
        _fill(canvas, ear, _tint(person.skin, 0.86))
    turn = np.linspace(0, 2 * np.pi, 4 * SMOOTH, endpoint=False)
    x, y = np.cos(turn), np.sin(turn)
    narrow = 1 - 0.24 * np.clip(y, 0, 1) ** 2
    high = np.where(y > 0, 1.5 + drop, 1.4)
    head = np.stack([wide * x * narrow, 0.1 + high * y], axis=1)
    _fill(canvas, head, person.skin)


def _shade(canvas: np.ndarray, look: Look) -> None:
    """Model the head: light from above left, sockets, cheeks and folds."""
    dark = np.zeros(canvas.shape[:2], np.uint8)
    rim = np.zeros_like(dark)
    layer = cv2.merge([dark] * 4)
    for side in (-1, 1):
        _fill(layer, _oval(side * 0.5, -0.1, 0.36, 0.24), _grey(70))
        _fill(layer, _oval(side * 0.95, 0.75, 0.2, 0.75), _grey(60))
    _fill(layer, _oval(0.16, 0.45, 0.1, 0.25), _grey(60))
    _fill(layer, _oval(0, 1.33, 0.3, 0.1), _grey(60))
    dark = cv2.GaussianBlur(layer[:, :, 0], (0, 0), 9)
    folds = cv2.merge([rim] * 4)
    _folds(folds, look)
    dark = cv2.add(dark, cv2.GaussianBlur(folds[:, :, 0], (0, 0), 2.2))
    light = cv2.merge([rim] * 4)
    for side in (-1, 1):
        high = 0.62 - 0.16 * max(0.0, look.smile)
        cheek = 60 + 50 * max(0.0, look.smile)
        _fill(light, _oval(side * 0.62, high, 0.24, 0.18), _grey(cheek))
    _fill(light, _oval(-0.1, -0.9, 0.6, 0.25), _grey(50))
    _fill(light, _oval(-0.03, 0.3, 0.06, 0.4), _grey(90))
    bright = cv2.GaussianBlur(light[:, :, 0], (0, 0), 8)
    change = 1 - dark.astype(np.float32) / 255 + 0.35 * bright / 255
    inside = canvas[:, :, 3:] > 0
    shaded = np.clip(canvas[:, :, :3] * change[:, :, None], 0, 255)
    canvas[:, :, :3] = np.where(inside, shaded, canvas[:, :, :3]).astype(np.uint8)


def _folds(layer: np.ndarray, look: Look) -> None:
    """Draw the lines that an expression cuts into the skin, as darkness."""
    for side in (-1, 1):
        cut = 40 + 110 * max(0.0, look.smile, look.nose, look.upper_lip)
        out = 0.62 + 0.1 * look.smile
        line = _bow((side * 0.26, 0.5), (side * 0.48, 0.66), (side * out, 0.98))
        _stroke(layer, line, _grey(cut), 0.04)
        cut = 160 * max(0.0, look.frown)
        line = _bow((side * 0.1, -0.42), (side * 0.08, -0.3), (side * 0.13, -0.16))
        _stroke(layer, line, _grey(cut), 0.045)
        cut = 150 * max(0.0, look.nose)
        line = _bow((side * 0.2, 0.02), (side * 0.1, 0.12), (side * 0.22, 0.2))
        _stroke(layer, line, _grey(cut), 0.035)
        cut = 90 * max(0.0, look.squint) + 30
        line = _bow((side * 0.26, 0.2), (side * 0.5, 0.27), (side * 0.76, 0.16))
        _stroke(layer, line, _grey(cut), 0.035)
        cut = 110 * max(0.0, -look.smile)
        line = _bow((side * 0.48, 1.08), (side * 0.53, 1.16), (side * 0.52, 1.26))
        _stroke(layer, line, _grey(cut), 0.04)
    for turn, high in enumerate((-0.72, -0.9)):
        cut = (110 - 30 * turn) * max(0.0, look.inner_brow)
        line = _bow((-0.45, high), (0, high - 0.05), (0.45, high))
        _stroke(layer, line, _grey(cut), 0.035)
    cut = 90 * max(0.0, look.chin)
    _stroke(layer, _bow((-0.2, 1.3), (0, 1.24), (0.2, 1.3)), _grey(cut), 0.05)


def _eye(canvas: np.ndarray, look: Look, person: Person, side: int) -> None:
    x, y = side * 0.5, 0.02
    up = max(0.03, 0.118 + 0.075 * look.lid - 0.05 * look.squint)
    down = max(0.015, 0.085 + 0.02 * look.lid - 0.06 * look.squint)
    slant = 0.03 * look.inner_brow - 0.03 * look.frown
    inner, outer = (x - side * 0.25, y + 0.035 - slant), (x + side * 0.26, y + slant)
    top = _bow(inner, (x, y - up), outer)
    bottom = _bow(outer, (x, y + down), inner)
    shape = np.concatenate([top, bottom])
    layer = np.zeros_like(canvas)
    _fill(layer, shape, _grey(255))
    ball = canvas.copy()
    _fill(ball, _oval(x, y, 0.4, 0.4), (225, 232, 238))
    _fill(ball, _oval(x, y - 0.01, 0.125, 0.125), (55, 70, 90))
    _fill(ball, _oval(x, y - 0.01, 0.065, 0.065), (15, 15, 18))
    _fill(ball, _oval(x - 0.045, y - 0.055, 0.026, 0.026), _grey(250))
    cover = layer[:, :, 3:].astype(np.float32) / 255
    canvas[:] = (ball * cover + canvas * (1 - cover)).astype(np.uint8)
    _stroke(canvas, top, _tint(person.skin, 0.22), 0.05)
    _stroke(canvas, bottom, _tint(person.skin, 0.55), 0.02)
    crease = _bow(
        (inner[0], inner[1] - 0.07), (x, y - up - 0.09), (outer[0], outer[1] - 0.06)
    )
    _stroke(canvas, crease, _tint(person.skin, 0.68), 0.02)


def _brow(canvas: np.ndarray, look: Look, person: Person, side: int) -> None:
    base = -0.33
    inner = base - 0.2 * look.inner_brow + 0.17 * max(0.0, look.frown)
    outer = base + 0.03 - 0.17 * look.outer_brow
    middle = (inner + outer) / 2 - 0.07
    near = 0.2 - 0.06 * max(0.0, look.frown)
    over = _bow(
        (side * near, inner - 0.06), (side * 0.52, middle - 0.05), (side * 0.86, outer)
    )
    under = _bow(
        (side * 0.86, outer), (side * 0.52, middle + 0.05), (side * near, inner + 0.06)
    )
    _fill(canvas, np.concatenate([over, under]), _tint(person.hair, 0.9))


def _nose(canvas: np.ndarray, look: Look, person: Person) -> None:
    lift = 0.05 * max(0.0, look.nose)
    wing = 0.2 + 0.03 * max(0.0, look.nose, look.smile)
    dark = _tint(person.skin, 0.62)
    _stroke(
        canvas,
        _bow((-wing, 0.46 - lift), (0, 0.6 - lift), (wing, 0.46 - lift)),
        dark,
        0.025,
    )
    for side in (-1, 1):
        hole = _oval(side * 0.09, 0.53 - lift, 0.045, 0.025)
        _fill(canvas, hole, _tint(person.skin, 0.35))
        rim = _bow(
            (side * wing, 0.36 - lift),
            (side * (wing + 0.03), 0.43 - lift),
            (side * wing, 0.5 - lift),
        )
        _stroke(canvas, rim, dark, 0.02)


def _mouth(canvas: np.ndarray, look: Look, person: Person) -> None:
    half = 0.42 + 0.13 * look.stretch + 0.1 * max(0.0, look.smile)
    corner = 0.92 - 0.14 * look.smile
    rise = 0.05 * max(0.0, look.upper_lip) + 0.03 * max(0.0, look.jaw)
    gap = max(0.0, look.jaw)
    top = 0.92 - rise + 0.04 * max(0.0, look.smile)
    bottom = top + 0.5 * gap + 0.035 * max(0.0, look.smile) + 0.015
    bottom -= 0.05 * max(0.0, look.chin)
    thick = 0.085 * (1 - 0.65 * max(0.0, look.press))
    lips = (
        0.72 * person.skin[0] * 0.85,
        0.60 * person.skin[1],
        min(255.0, 0.80 * person.skin[2]),
    )
    left, right = (-half, corner), (half, corner)
    upper, lower = _bow(left, (0, top), right), _bow(right, (0, bottom), left)
    rim_up = _bow(left, (0, top - thick), right)
    rim_down = _bow(right, (0, bottom + 1.25 * thick), left)
    _fill(canvas, np.concatenate([rim_up, rim_down]), lips)
    _fill(canvas, np.concatenate([upper, lower]), (30, 25, 60))
    if gap > 0.05:
        _teeth(canvas, upper, lower, half)
    line = _bow(left, (0, (top + min(bottom, top + 0.04)) / 2), right)
    _stroke(canvas, line if gap <= 0.05 else upper, (35, 30, 70), 0.03)
    for side in (-1, 1):
        _fill(canvas, _oval(side * half, corner, 0.035, 0.03), (40, 40, 80))


def _teeth(
    canvas: np.ndarray, upper: np.ndarray, lower: np.ndarray, half: float
) -> None:
    """Draw the upper teeth between the lips, and the tongue where it is wide open."""
    inside = np.zeros_like(canvas)
    _fill(inside, np.concatenate([upper, lower]), _grey(255))
    mouth = canvas.copy()
    edge = upper + np.array([0, 0.15])
    _fill(mouth, np.concatenate([upper, edge[::-1]]), (225, 235, 240))
    low = float(lower[:, 1].max())
    _fill(mouth, _oval(0, low + 0.05, half * 0.55, 0.16), (85, 80, 170))
    cover = inside[:, :, 3:].astype(np.float32) / 255
    canvas[:] = (mouth * cover + canvas * (1 - cover)).astype(np.uint8)


def _hair_behind(canvas: np.ndarray, person: Person) -> None:
    long = 1.6 if person.long_hair else 0.2
    shape = _oval(0, -0.25 + long / 3, 1.3 * person.width, 1.3 + long / 2, 2.4)
    _fill(canvas, shape, _tint(person.hair, 0.8))


def _hair_front(canvas: np.ndarray, person: Person) -> None:
    wide = 1.16 * person.width
    over = _bow((-wide, 0.05), (0, -1.62), (wide, 0.05))
    turn = np.linspace(np.pi, 2 * np.pi, 2 * SMOOTH)
    over = np.stack([wide * np.cos(turn), 0.0 + 1.55 * np.sin(turn)], axis=1)
    under = _bow((wide * 0.93, 0.05), (0.25, -1.02), (-wide * 0.93, 0.05))
    _fill(canvas, np.concatenate([over, under]), person.hair)


def _pose(seconds: float) -> tuple[float, float, float, float]:
    """Return where the head is: x, y in pixels, size, degrees; it sways a little."""
    x = WIDTH / 2 + 18 * math.sin(seconds * 0.31) + 3 * math.sin(seconds * 2.3)
    y = HEIGHT * 0.53 + 8 * math.sin(seconds * 0.23)
    return x, y, 1 + 0.05 * math.sin(seconds * 0.17), 4 * math.sin(seconds * 0.41)


def _lay(
    frame: np.ndarray, patch: np.ndarray, pose: tuple[float, float, float, float]
) -> None:
    """Lay the drawn head over the frame, a little out of focus as lenses are."""
    x, y, scale, degrees = pose
    turn = cv2.getRotationMatrix2D((PATCH / 2, PATCH / 2), degrees, scale)
    left, top = max(0, round(x - PATCH * 0.6)), max(0, round(y - PATCH * 0.6))
    part = frame[top:, left : round(x + PATCH * 0.6)]
    turn[:, 2] += np.array([x - left - PATCH / 2, y - top - PATCH / 2])
    laid = cv2.warpAffine(patch, turn, (part.shape[1], part.shape[0]))
    laid = cv2.GaussianBlur(laid, (0, 0), 0.9)
    cover = laid[:, :, 3].astype(np.float32) / 255
    part[:] = cv2.blendLinear(laid[:, :, :3].copy(), part.copy(), cover, 1 - cover)


@functools.lru_cache(maxsize=1)
def _noise(seed: int) -> np.ndarray:
    """Return a sensor's noise, int16 [480, 640], coarse as after a webcam's codec."""
    coarse = np.random.default_rng(seed).normal(0, 3.5, (HEIGHT // 2, WIDTH // 2))
    return np.round(cv2.resize(coarse, (WIDTH, HEIGHT))).astype(np.int16)


@functools.lru_cache(maxsize=1)
def _room() -> np.ndarray:
    """Draw a wall with a window and a shelf, uint8 [480, 640, 3]."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wall = 165 - 0.09 * x - 0.03 * y
    room = np.stack([wall * 0.95, wall, wall * 1.03], axis=2)
    cv2.rectangle(room, (30, 40), (170, 230), (225, 215, 200), -1)
    cv2.rectangle(room, (30, 40), (170, 230), (110, 120, 130), 5)
    cv2.line(room, (100, 40), (100, 230), (110, 120, 130), 4)
    cv2.rectangle(room, (480, 150), (640, 160), (60, 80, 105), -1)
    for turn, colour in enumerate(((60, 60, 120), (110, 90, 50), (60, 110, 90))):
        left = 500 + 34 * turn
        cv2.rectangle(room, (left, 70 + 8 * turn), (left + 26, 149), colour, -1)
    return cv2.GaussianBlur(room, (0, 0), 1.5).astype(np.uint8)
