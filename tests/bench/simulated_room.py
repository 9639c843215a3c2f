"""A simulated room: scripted moods, seen through real probabilities of faces.

What is real: every face in a reading has the probabilities that the expression
network gave one frame of FER2013's PublicTest (`expression_probabilities.npz`,
made by `make_probabilities.py`), drawn among the frames whose FER+ majority is
the expression shown. Frames that the network misreads are among them in their
true share.

What is assumed, and why:

- Moods last 5 to 40 minutes, evenly spread. From neutral every other expression
  follows equally often, from another one neutral every second time. So rare and
  badly read expressions (disgust, fear) come as often as happy: harder than life.
- A burst is one picture: its five frames are one draw. A face held still looks
  the same again, so a reading repeats the picture of the one before with
  probability exp(−gap / 5 s): looking more often brings less news.
- Talking, every 3 minutes for 5 to 25 s: frames of surprise, happy and neutral
  faces instead of the mood's.
- Looking away, every 4 minutes for 5 to 30 s: half of the readings find nobody,
  half a small blurred face with a frame of any expression.
- Pauses, every 30 minutes for 1 to 12: nobody is in the room.
- Light, every 40 minutes for 2 to 8: half of the time too dark to read, half so
  dim that probabilities are flattened (square root) and the light is low.
- Faces are 40 to 160 pixels wide and of sharpness 0.5 to 1, new in each mood.

What counts: a mood is right where it equals the script's, from one minute after
each true change until the next. A change in an empty or dark room counts from
when somebody can be seen again; so does coming back after more than five
minutes, when `unknown` is right. Time in an empty room is not counted; time in
a dark one is. A change is false where its label is not the script's while
somebody could be seen, `unknown` included.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN, Face, Reading

STORED = Path(__file__).with_name("expression_probabilities.npz")
BEGIN = 1.6e9  # seconds since the epoch; any time will do
GRACE = 60.0
LONG_ABSENCE = 300.0
SAME_PICTURE = 5.0
HOUR = 3600.0


class Follower(Protocol):
    """Whatever turns readings into a label."""

    def update(self, reading: Reading) -> str:
        """Take a reading and return the label."""
        ...

    def pace(self) -> float:
        """Return the seconds until the next reading."""
        ...


class Span(NamedTuple):
    """A stretch of time with what it is, in seconds from the start."""

    start: float
    end: float
    what: str


class Pictures:
    """Frames by true expression: `of[i]` is float [n, 7] for expression i."""

    def __init__(self, probabilities, truth) -> None:
        self.of = [probabilities[truth == i] for i in range(len(EXPRESSIONS))]

    @classmethod
    def stored(cls, path: Path = STORED, *, public: bool = True):
        """Load the stored frames of PublicTest, or those of PrivateTest."""
        with np.load(path) as data:
            kept = data["public"] == public
            probabilities = data["probabilities"][kept].astype(float)
            truth = data["truth"][kept]
        return cls(probabilities / probabilities.sum(axis=1, keepdims=True), truth)

    def draw(self, expression: str, rng) -> tuple[float, ...]:
        """Return the probabilities of a frame of `expression`, drawn at random."""
        frames = self.of[EXPRESSIONS.index(expression)]
        return tuple(frames[rng.integers(len(frames))].tolist())


@dataclasses.dataclass(frozen=True)
class Script:
    """What truly happens in a room for `length` seconds."""

    length: float
    moods: tuple[Span, ...]
    bouts: dict[str, tuple[Span, ...]]

    def mood(self, time: float) -> str:
        """Return the true mood at `time`."""
        return _at(self.moods, time).what

    def during(self, kind: str, time: float) -> Span | None:
        """Return the bout of `kind` that `time` lies in, if any."""
        return _at(self.bouts[kind], time)

    def visible(self, time: float) -> bool:
        """Whether somebody is there and can be read."""
        return not self.during("pause", time) and not self.during("dark", time)


def write_script(rng, hours: float) -> Script:
    """Write a script of `hours` hours; the same rng state gives the same script."""
    length = hours * HOUR
    bouts = {
        "talk": _bouts(rng, length, 180, 5, 25),
        "away": _bouts(rng, length, 240, 5, 30),
        "pause": _bouts(rng, length, 1800, 60, 720),
        "dark": _bouts(rng, length, 4800, 120, 480),
        "dim": _bouts(rng, length, 4800, 120, 480),
    }
    return Script(length, _moods(rng, length), bouts)


def _moods(rng, length: float) -> tuple[Span, ...]:
    spans, time, mood = [], 0.0, "neutral"
    while time < length:
        end = time + rng.uniform(300, 2400)
        spans.append(Span(time, min(end, length), mood))
        time, mood = end, _next_mood(rng, mood)
    return tuple(spans)


def _next_mood(rng, mood: str) -> str:
    if mood != "neutral" and rng.random() < 0.5:
        return "neutral"
    return str(rng.choice([e for e in EXPRESSIONS if e not in {mood, "neutral"}]))


def _bouts(rng, length: float, every: float, shortest: float, longest: float):
    spans, time = [], rng.exponential(every)
    while time < length:
        end = time + rng.uniform(shortest, longest)
        spans.append(Span(time, end, ""))
        time = end + rng.exponential(every)
    return tuple(spans)


def _at(spans, time: float) -> Span | None:
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle].start <= time:
            low = middle + 1
        else:
            high = middle
    return spans[low - 1] if low and time < spans[low - 1].end else None


class Eye:
    """Takes readings of a scripted room."""

    def __init__(self, script: Script, pictures: Pictures, seed: int) -> None:
        self._script = script
        self._pictures = pictures
        self._rng = np.random.default_rng(seed)
        self._last: tuple[float, str, tuple[float, ...]] | None = None
        self._sizes: dict[Span, tuple[float, float]] = {}

    def look(self, time: float) -> Reading:
        """Return what a burst at `time` says."""
        if self._script.during("pause", time):
            return _nothing(time, "nobody")
        if self._script.during("dark", time):
            return _nothing(time, "dark")
        if self._script.during("away", time):
            return self._averted(time)
        shown = self._script.mood(time)
        if self._script.during("talk", time):
            shown = str(self._rng.choice(["surprise", "happy", "neutral"]))
        return self._faced(time, self._picture(time, shown))

    def _picture(self, time: float, shown: str) -> tuple[float, ...]:
        if self._last is not None and self._last[1] == shown:
            gap = time - self._last[0]
            if self._rng.random() < math.exp(-gap / SAME_PICTURE):
                self._last = (time, shown, self._last[2])
                return self._last[2]
        self._last = (time, shown, self._pictures.draw(shown, self._rng))
        return self._last[2]

    def _faced(self, time: float, probabilities: tuple[float, ...]) -> Reading:
        pixels, sharpness = self._size(time)
        light = 0.4
        if self._script.during("dim", time):
            light = float(self._rng.uniform(0.05, 0.1))
            roots = [math.sqrt(p) for p in probabilities]
            probabilities = tuple(root / sum(roots) for root in roots)
        face = Face((0.4, 0.3, 0.1, 0.2), pixels, sharpness, probabilities)
        return Reading(BEGIN + time, (face,), light=light, frames=5)

    def _averted(self, time: float) -> Reading:
        if self._rng.random() < 0.5:
            return _nothing(time, "nobody")
        any_ = str(self._rng.choice(EXPRESSIONS))
        sharpness = float(self._rng.uniform(0.1, 0.5))
        pixels = self._size(time)[0] * 0.6
        drawn = self._pictures.draw(any_, self._rng)
        face = Face((0.4, 0.3, 0.1, 0.2), pixels, sharpness, drawn)
        return Reading(BEGIN + time, (face,), light=0.4, frames=5)

    def _size(self, time: float) -> tuple[float, float]:
        span = _at(self._script.moods, time)
        if span not in self._sizes:
            drawn = self._rng.uniform(40, 160), self._rng.uniform(0.5, 1.0)
            self._sizes[span] = (float(drawn[0]), float(drawn[1]))
        return self._sizes[span]


def _nothing(time: float, reason) -> Reading:
    return Reading(BEGIN + time, (), reason, frames=5)


@dataclasses.dataclass
class Score:
    """What a follower reached; times are seconds, delays are in bursts."""

    counted: float = 0.0
    right: float = 0.0
    unknown: float = 0.0
    false_changes: int = 0
    hours: float = 0.0
    bursts: int = 0
    delays: list[float] = dataclasses.field(default_factory=list)
    waits: list[float] = dataclasses.field(default_factory=list)

    @property
    def share_right(self) -> float:
        """Share of the counted time in the right state, 0 … 1."""
        return self.right / self.counted

    @property
    def false_per_hour(self) -> float:
        """False changes per simulated hour."""
        return self.false_changes / self.hours

    @property
    def median_delay(self) -> float:
        """Bursts from a true change to the right label; infinite where missed."""
        return float(np.median(self.delays))

    @property
    def median_wait(self) -> float:
        """Seconds from a true change to the right label."""
        return float(np.median(self.waits))

    @property
    def missed(self) -> int:
        """True changes that were never shown."""
        return sum(math.isinf(delay) for delay in self.delays)

    def __add__(self, other: Score) -> Score:
        """Return both together."""
        return Score(
            *(
                getattr(self, field.name) + getattr(other, field.name)
                for field in dataclasses.fields(self)
            )
        )


def follow(script: Script, eye: Eye, follower: Follower) -> Score:
    """Let `follower` watch the whole script and score it."""
    time, label = 0.0, UNKNOWN
    shown: list[tuple[float, str]] = []
    score = Score(hours=script.length / HOUR)
    while time < script.length:
        before, label = label, follower.update(eye.look(time))
        wrong = label not in {before, script.mood(time)}
        score.false_changes += wrong and script.visible(time)
        shown.append((time, label))
        time += follower.pace()
    score.bursts = len(shown)
    _score_time(score, script, shown)
    _score_delays(score, script, shown)
    return score


def _score_time(score: Score, script: Script, shown: list[tuple[float, str]]) -> None:
    seconds = np.arange(0.0, script.length) + 0.5
    truth = _codes([(span.start, span.what) for span in script.moods], seconds)
    label = _codes(shown, seconds)
    counted = np.ones(len(seconds), bool)
    for pause in script.bouts["pause"]:
        counted[_within(seconds, pause.start, pause.end)] = False
    for start in (0.0, *_returns(script), *(t for t, _, _ in _changes(script))):
        counted[_within(seconds, start, start + GRACE)] = False
    for span in script.moods[1:]:  # a change that nobody could see yet
        counted[_within(seconds, span.start, _seen_from(script, span.start))] = False
    score.counted = float(counted.sum())
    score.right = float((counted & (label == truth)).sum())
    score.unknown = float((counted & (label == len(EXPRESSIONS))).sum())


def _score_delays(score: Score, script: Script, shown: list[tuple[float, str]]) -> None:
    for start, end, mood in _changes(script):
        labels = [(time, label) for time, label in shown if start <= time < end]
        hits = [i for i, (_, label) in enumerate(labels) if label == mood]
        score.delays.append(hits[0] + 1 if hits else math.inf)
        score.waits.append(labels[hits[0]][0] - start if hits else math.inf)


def _changes(script: Script) -> list[tuple[float, float, str]]:
    """Return (seen from, until, mood) of every true change that could be seen."""
    seen = [(_seen_from(script, s.start), s.end, s.what) for s in script.moods[1:]]
    return [change for change in seen if change[0] + GRACE < change[1]]


def _returns(script: Script) -> list[float]:
    pauses = script.bouts["pause"]
    return [p.end for p in pauses if p.end - p.start > LONG_ABSENCE]


def _seen_from(script: Script, time: float) -> float:
    while not script.visible(time):
        hidden = script.during("pause", time) or script.during("dark", time)
        time = hidden.end
    return time


def _within(seconds, start: float, end: float) -> slice:
    return slice(*np.searchsorted(seconds, (start, end)))


def _codes(changes: list[tuple[float, str]], seconds):
    names = (*EXPRESSIONS, UNKNOWN)
    at = np.searchsorted([time for time, _ in changes], seconds, side="right") - 1
    return np.array([names.index(name) for _, name in changes])[at]
