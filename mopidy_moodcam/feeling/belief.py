"""The filter: a hidden Markov model in continuous time over the seven moods.

Hidden is which expression the room's mood is; seen are probability vectors of
the classifier, one a reading, at uneven times.

**Transition.** Moods last; when one ends, the next is drawn from `REST`. With
an ending rate of 1 / `STAY` the transition matrix over `t` seconds has a closed
form, `exp(−t/STAY) · I + (1 − exp(−t/STAY)) · 1 RESTᵀ`, so uneven readings and
gaps of any length need no steps. `REST` gives neutral the largest share: a face
at rest is what most moods come from and go to.

**Evidence.** A classifier that was trained where happy is common says happy too
readily, so its probability is divided by the share `PRIOR` it was trained with
(Bayes: p(face | mood) ∝ p(mood | face) / p(mood)), softened by `DIVIDE` because
one misread frame must not make the rarest expression win. A share `STRAY` of
readings shows something else than the mood (talking, looking away, a misread
face), which bounds what one reading can say:
`L = (1 − STRAY) · p / PRIOR^DIVIDE + STRAY`. The likelihood is raised to a
weight 0 … 1: the reading's quality, and less for readings in quick succession,
which see nearly the same picture.

`tests/bench/bench_feeling.py --sweep` prints what other values would do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

Probabilities = tuple[float, ...]
"""Seven numbers in the order of `EXPRESSIONS` that sum to 1."""

# Mean prediction over PublicTest, which for a calibrated network is the share
# of each FER+ majority there.
PRIOR: Probabilities = (0.094, 0.008, 0.029, 0.267, 0.120, 0.126, 0.356)

REST: Probabilities = (0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4)
STAY = 1200.0  # seconds; scripted moods of 5 to 40 minutes last 22 on average
STRAY = 0.15
DIVIDE = 0.75
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


def weigh(belief: Probabilities, seen: Probabilities, weight: float) -> Probabilities:
    """Return the belief after a reading `seen` that counts `weight`, 0 … 1."""
    return normalised(
        [
            b * likelihood**weight
            for b, likelihood in zip(belief, _likelihoods(seen), strict=True)
        ]
    )


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


def _likelihoods(seen: Probabilities) -> list[float]:
    ratios = [p / prior**DIVIDE for p, prior in zip(seen, PRIOR, strict=True)]
    return [(1 - STRAY) * ratio + STRAY for ratio in ratios]
