"""A person's resting face, so that afterwards only the change from it counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.feeling.belief import ALIKE, news
from mopidy_moodcam.feeling.evidence import NEUTRAL_FACE, centred_logs
from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mopidy_moodcam.feeling.people import Seen

LIMIT = 2.5  # logits; a face may not be explained away altogether
SHRINK = 4.0  # readings; at four seen, half of the difference is believed
LEAST = 1.0  # readings; less says nothing of a face


class Baseline:
    """Seven logits that turn the listener's resting face into a neutral one.

    `start` it, `collect` what two minutes' readings show, `finish` it; `value` is
    None before that and after `forget`. The offset is the difference between an
    average neutral face and the one seen, in centred log-probabilities, times
    n / (n + 4) for n readings' worth of evidence: a shrinkage estimate that
    believes little of little. Each number lies within ±2.5.
    """

    def __init__(self, value: Sequence[float] | None = None) -> None:
        self.value: tuple[float, ...] | None = None if value is None else tuple(value)
        self.collecting = False
        self._clear()

    def start(self) -> None:
        """Begin to collect; an old baseline holds until `finish`."""
        self._clear()
        self.collecting = True

    def collect(self, seen: Seen, time: float) -> None:
        """Take what one reading shows of the resting face at `time` (seconds)."""
        if not self.collecting:
            return
        weight = seen.quality * news(time - self._seen_at, ALIKE)
        self._seen_at = time
        self._weight += weight
        for i, value in enumerate(centred_logs(seen.probabilities)):
            self._sums[i] += weight * value

    def finish(self) -> None:
        """End collecting; with next to nothing seen an old baseline stays."""
        if self.collecting and self._weight >= LEAST:
            self.value = self._offset()
        self.collecting = False

    def forget(self) -> None:
        """Go back to faces as they are; also ends collecting."""
        self.value = None
        self.collecting = False

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

    def _clear(self) -> None:
        self._sums = [0.0] * len(EXPRESSIONS)
        self._weight = 0.0
        self._seen_at = -math.inf

    def _offset(self) -> tuple[float, ...]:
        trust = self._weight / (self._weight + SHRINK)
        return tuple(
            round(_within(trust * (usual - total / self._weight)), 3)
            for usual, total in zip(NEUTRAL_FACE, self._sums, strict=True)
        )


def _within(value: float) -> float:
    return min(LIMIT, max(-LIMIT, value))
