"""Damage for tests and benchmarks: tables gnawed at, imports killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.features import RANGES

if TYPE_CHECKING:
    import random
    from pathlib import Path

IMPORT = (
    "import pathlib, sys;"
    "from mopidy_moodcam.songs import catalogue, tables;"
    "opened = catalogue.Catalogue.open(sys.argv[1]);"
    "print('ready', flush=True);"
    "tables.import_file(opened, pathlib.Path(sys.argv[2]))"
)


def killed_import(catalogue: Path, table: Path, seconds: float) -> bool:
    """Import `table` in a process, kill -9 it after `seconds`; was it still at it?"""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", IMPORT, str(catalogue), str(table)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def wounds(path: Path) -> list[str]:
    """Return what is wrong with a catalogue after a kill; empty if nothing is."""
    with Catalogue.open(path) as catalogue:
        found = [
            str(row)
            for row in catalogue.rows("PRAGMA integrity_check")[:5]
            if row != ("ok",)
        ]
        twice = catalogue.rows(
            "SELECT spotify_id, COUNT(*) FROM tracks GROUP BY 1 HAVING COUNT(*) > 1"
        )
        half = catalogue.rows(
            "SELECT uri FROM tracks WHERE (valence IS NULL) <> (feature_source IS NULL)"
        )
    return (
        found + [f"double: {row}" for row in twice] + [f"half: {row}" for row in half]
    )


def gnawed(data: bytes, rng: random.Random) -> bytes:
    """Return a hostile variant of a table, the same for the same state of `rng`."""
    return rng.choice(_TEETH)(data, rng)


def nonsense_in(path: Path) -> list[str]:
    """Return tracks with values that no feature can have."""
    with Catalogue.open(path) as catalogue:
        return [
            f"{name}: {row}"
            for name, (low, high) in RANGES.items()
            for row in catalogue.rows(
                f"SELECT uri, {name} FROM tracks WHERE {name} < ? OR {name} > ?",  # noqa: S608
                (low, high),
            )
        ]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 200)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _quotes(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice([b'"', b'""', b'"\n"', b",", b"\t;"]) + data[at:]


def _mixed_rows(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _numbers(data: bytes, rng: random.Random) -> bytes:
    wild = rng.choice(
        [b"nan", b"inf", b"-inf", b"1e400", b"-5", b"0x1p3", b"1_0", b"9" * 5000,
         "٣".encode(), b"=1+1", b"{'a': [", b"[" * 3000]
    )  # fmt: skip
    lines = data.split(b"\n")
    for i in range(1, len(lines)):
        cells = lines[i].split(b",")
        cells[rng.randrange(len(cells))] = wild
        lines[i] = b",".join(cells)
    return b"\n".join(lines)


def _bytes(data: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(len(data) % 5000 + 10)


def _nuls(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + b"\0" * 50 + data[at:]


def _other_encoding(data: bytes, rng: random.Random) -> bytes:
    encoding = rng.choice(["utf-16", "utf-16-le", "utf-32", "cp037"])
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _one_long_line(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", rng.choice([b"", b",", b"\r"])) + b"x" * 300_000


def _header_again(data: bytes, rng: random.Random) -> bytes:
    header, _, rest = data.partition(b"\n")
    return b"\n".join([header] * rng.randrange(2, 50)) + b"\n" + rest


def _like_gzip(data: bytes, rng: random.Random) -> bytes:
    return rng.choice([b"\x1f\x8b\x08\x00", b"PAR1"]) + data


_TEETH = (
    _cut, _flipped, _quotes, _mixed_rows, _numbers, _bytes, _nuls, _other_encoding,
    _one_long_line, _header_again, _like_gzip,
)  # fmt: skip
