"""Imports under fire: kills at random moments, hostile tables, and how fast they are.

`python tests/bench/bench_imports.py`; `--kills 50` and `--tables 200` say how many.

**Kills.** An import of 40,000 rows in a process of its own is ended by SIGKILL at a
random moment, 50 times on the same catalogue, then run to its end. After each kill
SQLite's own integrity check runs, and no song may be lost, doubled or half stored.

**Tables.** 200 tables gnawed from good ones (cut, bits flipped, quotes left open,
wild numbers, other encodings, noise …; `tests/songs/faults.py`). Each must be taken
row by row, with a reason for every row left out, or refused in one sentence.

**Speed.** 100,000 rows into an empty catalogue, and again into the full one.
"""

from __future__ import annotations

import argparse
import collections
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.tables import TableError, import_file
from tests.bench import benches
from tests.songs import faults
from tests.songs.libraries import table

ROWS = 40_000
LARGE = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    benches.begin()
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder))
        kills(Path(folder), options.kills, random.Random(options.seed))
        gnaw(Path(folder), options.tables, random.Random(options.seed))


IMPORT = """
import pathlib, sys, time
from mopidy_moodcam.songs import catalogue, tables

def peak():  # not ru_maxrss, which begins with the peak of the parent
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000

opened = catalogue.Catalogue.open(sys.argv[1])
before, wall, cpu = peak(), time.perf_counter(), time.process_time()
tables.import_file(opened, pathlib.Path(sys.argv[2]))
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(f"{wall:.1f} s ({cpu:.1f} s of processor time),", end=" ")
print(f"memory grew by {peak() - before:.0f} MB")
"""


def speed(folder: Path) -> None:
    source = folder / "large.csv"
    source.write_text(table(LARGE))
    command = [sys.executable, "-W", "ignore", "-c", IMPORT]
    command += [str(folder / "large.sqlite"), str(source)]
    for words in ("into an empty catalogue", "again"):
        print(f"{LARGE:,} rows {words}: ", end="", flush=True)
        subprocess.run(command, check=True)


def kills(folder: Path, count: int, rng: random.Random) -> None:
    path, source = folder / "killed.sqlite", folder / "killed.csv"
    source.write_text(table(ROWS))
    wounds: list[str] = []
    stored = interrupted = 0
    for _ in range(count):
        interrupted += faults.killed_import(path, source, rng.expovariate(1 / 0.5))
        wounds += faults.wounds(path)
        now = songs_in(path)
        if now < stored:
            wounds.append(f"lost: {stored} songs became {now}")
        stored = now
    with Catalogue.open(path) as catalogue:
        import_file(catalogue, source)
    wounds += faults.wounds(path)
    if songs_in(path) != ROWS:
        wounds.append(f"{songs_in(path)} songs at the end instead of {ROWS}")
    print(f"{count} kills, {interrupted} of them in mid-import: {len(wounds)} wounds")
    print(*(f"    {wound}" for wound in wounds[:10]), sep="\n", end="")


def songs_in(path: Path) -> int:
    with Catalogue.open(path) as catalogue:
        return catalogue.counts()["analysed"]


def gnaw(folder: Path, count: int, rng: random.Random) -> None:
    outcomes: collections.Counter[str] = collections.Counter()
    for number in range(count):
        source = folder / f"gnawed{number}.csv"
        source.write_bytes(faults.gnawed(table(200, seed=number).encode(), rng))
        outcomes[outcome(folder / f"gnawed{number}.sqlite", source)] += 1
    print(f"{count} gnawed tables:")
    for words, times in outcomes.most_common():
        print(f"    {times:4} {words}")


def outcome(path: Path, source: Path) -> str:
    with Catalogue.open(path) as catalogue:
        try:
            report = import_file(catalogue, source)
        except TableError as error:
            return "refused in a sentence" if "\n" not in str(error) else "BAD SENTENCE"
        except Exception as error:  # noqa: BLE001  this is what is looked for
            return f"CRASHED: {error!r}"
    if faults.nonsense_in(path):
        return "NONSENSE STORED"
    if report.rejected:
        return "taken in part, each row left out with its reason"
    return "taken whole"


if __name__ == "__main__":
    main()
