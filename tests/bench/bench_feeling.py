"""How steady, quick and right the mood is: `python tests/bench/bench_feeling.py`.

Prints, for the tracker with default settings and for three plain rules, the
figures of a simulated room (`simulated_room.py` says what is real in it and
what is assumed): share of time in the right state from one minute after each
true change, bursts and seconds to a true change, false changes per hour. All
watch the same scripts; the three rules look every 20 s. The frames are PublicTest's,
which the network did not learn from, but which chose it among its epochs.

`--sweep` shows instead what other values of the tracker's parameters would do,
on other scripts and the frames of PrivateTest, which the table does not use: the
parameters were chosen there.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.feeling import belief, tracker
from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN
from tests.bench import benches
from tests.bench import simulated_room as room

if TYPE_CHECKING:
    from collections.abc import Callable

LEARNING_SEED, TESTING_SEED = 1000, 2000
HOURS_A_SCRIPT = 10.0

BARS = {"share_right": 0.95, "median_delay": 4.0, "false_per_hour": 1.0}


class Tracked:
    """The tracker as it is, or with a fixed pace."""

    def __init__(self, settings=None, every=None) -> None:
        self._tracker = tracker.Tracker(settings)
        self._every = every

    def update(self, reading):
        return self._tracker.update(reading).label

    def pace(self):
        return self._every or self._tracker.pace()


class LastLabel:
    """Shows what the last face looked like."""

    def __init__(self) -> None:
        self._label = UNKNOWN

    def update(self, reading):
        if reading.faces:
            self._label = self._take(np.array(reading.faces[0].probabilities))
        return self._label

    def _take(self, probabilities):
        return EXPRESSIONS[probabilities.argmax()]

    def pace(self):
        return 20.0


class MajorityVote(LastLabel):
    """Shows the commonest label of the last ten readings."""

    def __init__(self) -> None:
        super().__init__()
        self._labels = collections.deque(maxlen=10)

    def _take(self, probabilities):
        self._labels.append(super()._take(probabilities))
        return collections.Counter(self._labels).most_common(1)[0][0]


class Smoothed(LastLabel):
    """Shows the largest of exponentially smoothed probabilities, α = 0.3."""

    def __init__(self) -> None:
        super().__init__()
        self._mean = np.full(len(EXPRESSIONS), 1 / len(EXPRESSIONS))

    def _take(self, probabilities):
        self._mean += 0.3 * (probabilities - self._mean)
        return super()._take(self._mean)


FOLLOWERS = {
    "tracker": Tracked,
    "tracker, every 20 s": lambda: Tracked(every=20.0),
    "last label": LastLabel,
    "majority of 10": MajorityVote,
    "exponential smoothing": Smoothed,
}


def measure(
    follower: Callable[[], room.Follower],
    pictures: room.Pictures,
    *,
    hours: float,
    seed: int = TESTING_SEED,
) -> room.Score:
    """Score what `follower` makes over scripts of `hours` hours in all."""
    total = room.Score()
    for i in range(max(1, round(hours / HOURS_A_SCRIPT))):
        rng = np.random.default_rng(seed + i)
        script = room.write_script(rng, min(hours, HOURS_A_SCRIPT))
        eye = room.Eye(script, pictures, seed + i)
        total += room.follow(script, eye, follower())
    return total


def print_table(hours: float) -> bool:
    """Print the comparison; return whether the tracker reached its bars."""
    print(
        f"{'':24}{'right':>8}{'unknown':>9}{'delay':>9}{'':>9}{'false':>10}"
        f"{'missed':>8}{'bursts':>8}"
    )
    print(
        f"{'':24}{'%':>8}{'%':>9}{'bursts':>9}{'seconds':>9}{'per hour':>10}"
        f"{'%':>8}{'per hour':>8}"
    )
    pictures = room.Pictures.stored()
    scores = {}
    for name, follower in FOLLOWERS.items():
        score = scores[name] = measure(follower, pictures, hours=hours)
        print(_row(name, score))
    mine = scores["tracker"]
    print(f"\n{hours:g} simulated hours, {len(mine.delays)} true changes.")
    return reached(mine)


def reached(score: room.Score) -> bool:
    """Say whether the three bars are met, and print each."""
    met = {
        "share_right": score.share_right >= BARS["share_right"],
        "median_delay": score.median_delay <= BARS["median_delay"],
        "false_per_hour": score.false_per_hour <= BARS["false_per_hour"],
    }
    for name, good in met.items():
        print(
            f"{name} {getattr(score, name):.3f}, bar {BARS[name]:g}:"
            f" {'met' if good else 'NOT MET'}"
        )
    return all(met.values())


def _row(name: str, score: room.Score) -> str:
    missed = score.missed / max(1, len(score.delays))
    unknown = score.unknown / score.counted
    return (
        f"{name:24}{score.share_right:8.1%}{unknown:9.1%}{score.median_delay:9.1f}"
        f"{score.median_wait:9.0f}{score.false_per_hour:10.2f}{missed:8.1%}"
        f"{score.bursts / score.hours:8.0f}"
    )


INTERVALS = (2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0)
SWEEPS = {
    (belief, "STRAY"): (0.02, 0.05, 0.1, 0.15, 0.2, 0.3),
    (belief, "STAY"): (300.0, 600.0, 1200.0, 2400.0, 4800.0),
    (belief, "FLOOR"): (1e-5, 1e-4, 1e-3, 5e-3),
    (tracker, "ENTER"): (0.6, 0.7, 0.8, 0.85, 0.9, 0.95),
    (tracker, "LEAVE"): (0.05, 0.1, 0.2, 0.3),
    (tracker, "CONFLICT"): (60.0, 120.0, 240.0),
    (belief, "ALIKE"): (1.0, 2.5, 5.0, 10.0, 20.0),
    (tracker, "SOONER"): (0.25, 0.5, 1.0),
    (tracker, "PATIENCE"): (180.0, 300.0, 600.0),
}


@contextlib.contextmanager
def changed(module, name: str, value: float):
    """Set a module's constant for the time of the block."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def sweep(hours: float, only: str) -> None:
    """Print one table for each parameter, the rest as they are."""
    pictures = room.Pictures.stored(public=False)
    for (module, name), values in SWEEPS.items():
        if only not in name:
            continue
        for value in values:
            with changed(module, name, value):
                score = measure(Tracked, pictures, hours=hours, seed=LEARNING_SEED)
            mark = " *" if getattr(module, name) == value else ""
            print(_row(f"{name} {value:g}{mark}", score))
        print()
    if only in "interval":
        sweep_interval(pictures, hours)


def sweep_interval(pictures: room.Pictures, hours: float) -> None:
    """Print what the setting `interval` does."""
    for interval in INTERVALS:
        settings = tracker.TrackerSettings(interval=interval)
        follower = functools.partial(Tracked, settings)
        score = measure(follower, pictures, hours=hours, seed=LEARNING_SEED)
        print(_row(f"interval {interval:g}", score))


def main() -> int:
    """Print the table or the sweep."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--hours", type=float, default=200.0)
    parser.add_argument("--sweep", nargs="?", const="", metavar="NAME")
    args = parser.parse_args()
    benches.begin()
    if args.sweep is not None:
        sweep(args.hours, args.sweep)
        return 0
    return 0 if print_table(args.hours) else 1


if __name__ == "__main__":
    sys.exit(main())
