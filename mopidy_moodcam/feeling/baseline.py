"""A person's resting face, so that afterwards only the change from it counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.feeling.belief import Probabilities, usable
from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 120.0
LIMIT = 2.5  # logits; a face may not be explained away altogether
SHRINK = 4.0  # readings; at four seen, half of the difference is believed
LEAST = 0.005  # probabilities below are the network's noise, not the face

# What the network says, on average, of frames whose FER+ majority is neutral:
# mean log-probability over PublicTest, centred.
NEUTRAL_FACE = (-0.67, -2.04, -1.72, -0.62, 0.60, -0.40, 4.85)


class Baseline:
    """Seven logits that turn the listener's resting face into a neutral one.

    `value` is None until two minutes were collected, and again after `forget`.
    The offset is the difference between an average neutral face and the one
    seen, in centred log-probabilities, times n / (n + 4) for n readings' worth
    of evidence: a shrinkage estimate that believes little of little. Each
    number lies within ±2.5.
    """

    def __init__(self, value: Sequence[float] | None = None) -> None:
        self.value: tuple[float, ...] | None = None if value is None else tuple(value)
        self._sums = [0.0] * len(EXPRESSIONS)
        self._weight = 0.0
        self._left = 0.0

    @property
    def collecting(self) -> bool:
        """Whether the two minutes are running."""
        return self._left > 0

    @property
    def seconds_left(self) -> float:
        """How long the resting face is still needed, 0 … 120."""
        return self._left

    def collect(self) -> None:
        """Start two minutes of the resting face; an old baseline holds until then."""
        self._sums = [0.0] * len(EXPRESSIONS)
        self._weight = 0.0
        self._left = SECONDS

    def see(self, probabilities: Probabilities, weight: float) -> None:
        """Take one reading's raw probabilities, worth `weight` (0 … 1) readings."""
        if not self.collecting or not usable(probabilities) or weight <= 0:
            return
        for i, value in enumerate(_centred(probabilities)):
            self._sums[i] += weight * value
        self._weight += weight

    def pass_time(self, seconds: float) -> None:
        """Let time run; when the two minutes are over the baseline is there."""
        if not self.collecting:
            return
        self._left = max(0.0, self._left - max(0.0, seconds))
        if self._left == 0 and self._weight > 0:
            self.value = self._offset()

    def forget(self) -> None:
        """Go back to faces as they are; also ends collecting."""
        self.value = None
        self._left = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the seven numbers, or None, ready for JSON."""
        return {"offset": None if self.value is None else list(self.value)}

    @classmethod
    def from_json(cls, data: object) -> Baseline:
        """Read what `to_json` wrote; anything else gives an empty baseline."""
        offset = data.get("offset") if isinstance(data, dict) else None
        if not isinstance(offset, list) or len(offset) != len(EXPRESSIONS):
            return cls()
        if not all(isinstance(v, (int, float)) and math.isfinite(v) for v in offset):
            return cls()
        return cls([_within(float(value)) for value in offset])

    def _offset(self) -> tuple[float, ...]:
        trust = self._weight / (self._weight + SHRINK)
        rest = _centred([math.exp(value) for value in NEUTRAL_FACE])
        return tuple(
            round(_within(trust * (usual - total / self._weight)), 3)
            for usual, total in zip(rest, self._sums, strict=True)
        )


def _centred(probabilities: Sequence[float]) -> list[float]:
    total = math.fsum(probabilities)
    logs = [math.log(max(value / total, LEAST)) for value in probabilities]
    mean = math.fsum(logs) / len(logs)
    return [value - mean for value in logs]


def _within(value: float) -> float:
    return min(LIMIT, max(-LIMIT, value))
