"""Learn what a classifier's answer says of the face: `learn_evidence.py`.

`python tests/bench/learn_evidence.py` reads the stored probabilities
(`make_probabilities.py`) and writes `mopidy_moodcam/feeling/evidence.csv`. Run it
after the network was trained anew.

The filter needs p(answer | expression) up to a factor. Dividing the answer by
the classes' shares gives that only for a network whose probabilities are those
of the majority label; ours learned from votes, in which disgust and fear hardly
ever win. So a multinomial logistic regression on the log-probabilities, in which
every class counts the same, is fitted to the frames of PrivateTest: its output
under equal shares is proportional to the likelihood. It is pulled towards taking
the answer as it is (`PULL`); the printed table shows the loss on PublicTest, from
which nothing is learned, for this and other pulls.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.feeling.evidence import FILE, LEAST
from mopidy_moodcam.glossary import EXPRESSIONS
from tests.bench.simulated_room import STORED

N = len(EXPRESSIONS)
PULL = 0.03
PULLS = (0.001, 0.003, 0.01, 0.03, 0.1, 1.0)


def centred_logs(probabilities: np.ndarray) -> np.ndarray:
    """Return log-probabilities [n, 7], bounded below, each row of mean 0."""
    logs = np.log(np.maximum(probabilities, LEAST))
    return logs - logs.mean(axis=1, keepdims=True)


def loss(values: np.ndarray, x: np.ndarray, truth: np.ndarray, pull: float):
    """Return the balanced log loss with its gradient; `values` are [7, 8] flat."""
    table = values.reshape(N, N + 1)
    scores = x @ table[:, 1:].T + table[:, 0]
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    rows = np.arange(len(truth))
    weight = 1 / (N * np.bincount(truth, minlength=N)[truth])
    away = table[:, 1:] - np.eye(N)
    slope = weight[:, None] * (shares - np.eye(N)[truth])
    gradient = np.column_stack([slope.sum(axis=0), slope.T @ x + 2 * pull * away])
    value = -(weight * np.log(shares[rows, truth])).sum() + pull * (away**2).sum()
    return value, gradient.ravel()


def learn(x: np.ndarray, truth: np.ndarray, pull: float) -> np.ndarray:
    """Return the table [7, 8]: a bias and seven weights for each expression."""
    begin = np.column_stack([np.zeros(N), np.eye(N)]).ravel()
    found = minimize(loss, begin, (x, truth, pull), jac=True, method="L-BFGS-B")
    table = found.x.reshape(N, N + 1)
    table[:, 0] -= table[:, 0].mean()
    return table


def write(table: np.ndarray, usual: np.ndarray) -> None:
    """Write the table and the usual neutral face."""
    with FILE.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["expression", "bias", *EXPRESSIONS, "neutral_face"])
        for name, row, rest in zip(EXPRESSIONS, table, usual, strict=True):
            rows.writerow([name, *(f"{value:.4f}" for value in (*row, rest))])


def main() -> None:
    """Fit, print what was tried, and write."""
    with np.load(STORED) as data:
        x = centred_logs(data["probabilities"].astype(float))
        truth, public = data["truth"].astype(int), data["public"]
    mine, others = (x[~public], truth[~public]), (x[public], truth[public])
    print("pull    loss on PrivateTest and on PublicTest")
    for pull in PULLS:
        values = learn(*mine, pull).ravel()
        seen, unseen = (loss(values, *part, 0.0)[0] for part in (mine, others))
        print(f"{pull:<8g}{seen:.3f} {unseen:.3f}{' *' if pull == PULL else ''}")
    neutral = x[~public & (truth == EXPRESSIONS.index("neutral"))]
    write(learn(*mine, PULL), neutral.mean(axis=0))
    print(f"wrote {FILE.name}")


if __name__ == "__main__":
    main()
