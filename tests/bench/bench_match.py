"""How alike rows of one name sound, by how far their lengths lie apart:
`python tests/bench/bench_match.py`.

On the shared catalogue of songs; `match.SAME_SONG_MS` was chosen on this table.
"""

from __future__ import annotations

import collections
import csv
import gzip
import itertools
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.songs.match import match_key
from tests.bench import benches

BORDERS_MS = (-1, 3000, 5000, 15_000, float("inf"))
GREAT = 0.2
"""A gap in valence or energy that makes another mood."""


def pairs(path: Path) -> np.ndarray:
    """Return [n, 2]: for two rows of one name, ms between lengths, and their gap."""
    songs = collections.defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sound = [float(row[n]) for n in ("duration_ms", "valence", "energy")]
            songs[match_key(row["title"], row["artist"])].append(sound)
    songs.pop(None, None)
    apart = [
        np.abs(np.subtract(other, alike[0]))
        for alike in songs.values()
        for other in alike[1:]
    ]
    return np.array([(length, max(gaps)) for length, *gaps in apart])


def main() -> None:
    """Print one line for each range of lengths."""
    benches.begin()
    path = benches.shared("music/catalogue.csv.gz")
    if path is None:
        return
    length, gap = pairs(path).T
    print(f"{len(gap)} pairs of rows with one title and artist")
    for low, high in itertools.pairwise(BORDERS_MS):
        some = gap[(length > low) & (length <= high)]
        print(
            f"lengths {max(low, 0) / 1000:g} to {high / 1000:g} s apart:"
            f" {len(some)} pairs, mean gap {some.mean():.2f},"
            f" over {GREAT}: {(some > GREAT).mean():.0%}"
        )


if __name__ == "__main__":
    main()
