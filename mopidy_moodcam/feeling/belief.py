"""The filter: a hidden Markov model in continuous time over the seven moods.

Hidden is which expression the room's mood is; seen are probability vectors of
the classifier, one a reading, at uneven times.

**Transition.** Moods last; when one ends, the next is drawn from `REST`. With
an ending rate of 1 / `STAY` the transition matrix over `t` seconds has a closed
form, `exp(−t/STAY) · I + (1 − exp(−t/STAY)) · 1 RESTᵀ`, so uneven readings and
gaps of any length need no steps. `REST` gives neutral the largest share: a face
at rest is what most moods come from and go to.

**Evidence.** `evidence.py` turns a classifier's answer into likelihoods of mean
1. A share `STRAY` of readings shows something else than the mood (talking,
looking away, a misread face), which bounds what one reading can say:
`L = (1 − STRAY) · likelihood + STRAY`. It is raised to a weight 0 … 1: the
reading's quality, and less for readings in quick succession, which see nearly
the same picture.

`tests/bench/bench_feeling.py --sweep` prints what other values would do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mopidy_moodcam.feeling.evidence import Probabilities

REST: Probabilities = (0.1, 0.05, 0.05, 0.15, 0.1, 0.1, 0.45)
STAY = 1200.0  # seconds; scripted moods of 5 to 40 minutes last 22 on average
STRAY = 0.07
ALIKE = 5.0  # seconds; within it two readings see nearly the same picture
FLOOR = 1e-3  # no mood is ever less likely: a face seen for hours can change too


def normalised(values: Sequence[float]) -> Probabilities:
    """Return `values` scaled to sum to 1, none below `FLOOR`; uniform if not finite."""
    total = math.fsum(values)
    if not math.isfinite(total) or total <= 0:
        return (1 / len(values),) * len(values)
    kept = [max(value / total, FLOOR) for value in values]
    total = math.fsum(kept)
    return tuple(value / total for value in kept)


def relax(belief: Probabilities, seconds: float) -> Probabilities:
    """Return the belief after `seconds` (≥ 0) in which nothing was seen."""
    if seconds <= 0:
        return belief
    kept = math.exp(-seconds / STAY)
    return normalised(
        [kept * b + (1 - kept) * rest for b, rest in zip(belief, REST, strict=True)]
    )


def weigh(
    belief: Probabilities, evidence: Sequence[float], weight: float
) -> Probabilities:
    """Return the belief after a reading that counts `weight`, 0 … 1.

    `evidence` are the seven likelihoods of the reading, of mean 1.
    """
    return normalised(
        [
            b * ((1 - STRAY) * likelihood + STRAY) ** weight
            for b, likelihood in zip(belief, evidence, strict=True)
        ]
    )


def news(gap: float, alike: float) -> float:
    """Return how much of a reading is new, 0 … 1, `gap` seconds after the last one.

    Within `alike` seconds, above 0, two see nearly the same picture.
    """
    return 1 - math.exp(-gap / alike)


def shifted(seen: Probabilities, offset: Sequence[float]) -> Probabilities:
    """Return `seen` with `offset` (seven logits) added: baseline and corrections."""
    return normalised([p * math.exp(o) for p, o in zip(seen, offset, strict=True)])


def usable(values: Sequence[float]) -> bool:
    """Whether `values` are seven probabilities, not all zero."""
    return (
        len(values) == len(EXPRESSIONS)
        and all(0 <= value <= 1.001 for value in values)  # NaN is in no range
        and math.fsum(values) > 0
    )
