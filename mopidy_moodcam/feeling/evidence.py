"""What a classifier's answer says of the face: likelihoods instead of labels.

`evidence.csv` holds the expression network's habits in numbers, learned by
`tests/bench/learn_evidence.py` from faces whose expression ten people voted on:
a table of a multinomial logistic regression on log-probabilities, in which every
expression counted the same, so that its output is proportional to
p(answer | expression). Its last column is the network's usual answer to a
neutral face.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

Probabilities = tuple[float, ...]
"""Seven numbers in the order of `EXPRESSIONS` that sum to 1."""

FILE = Path(__file__).with_name("evidence.csv")

LEAST = 0.003  # probabilities below are the network's noise, not the face


def centred_logs(probabilities: Sequence[float]) -> list[float]:
    """Return the logs of seven probabilities, bounded below, with mean 0."""
    total = math.fsum(probabilities)
    logs = [math.log(max(value / total, LEAST)) for value in probabilities]
    mean = math.fsum(logs) / len(logs)
    return [value - mean for value in logs]


def likelihoods(probabilities: Sequence[float]) -> list[float]:
    """Return p(answer | expression) for each of the seven, scaled to mean 1."""
    logs = centred_logs(probabilities)
    scores = [
        bias + math.fsum(w * x for w, x in zip(weights, logs, strict=True))
        for bias, weights in zip(BIASES, WEIGHTS, strict=True)
    ]
    top = max(scores)
    values = [math.exp(score - top) for score in scores]
    mean = math.fsum(values) / len(values)
    return [value / mean for value in values]


def _read(file: Path) -> dict[str, dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return {row["expression"]: row for row in csv.DictReader(lines)}


_ROWS = _read(FILE)
BIASES = tuple(float(_ROWS[name]["bias"]) for name in EXPRESSIONS)
WEIGHTS = tuple(
    tuple(float(_ROWS[name][other]) for other in EXPRESSIONS) for name in EXPRESSIONS
)
NEUTRAL_FACE = tuple(float(_ROWS[name]["neutral_face"]) for name in EXPRESSIONS)
