"""The analysis on many machines: a Spark map over a list of files into Parquet.

    python -m mopidy_moodcam.songs.hearing.spark LIST FOLDER [--partitions N]

`LIST` has one `file:` URI a line, which every machine must be able to read;
`FOLDER` gets Parquet files that `mopidy moodcam import` reads. Needs the extra
`spark` (pyspark, and a Java runtime); by default it runs on this machine alone.

A track costs about half a CPU second, whatever its length, so 100 million tracks
are some 580 core-days: a day on 600 cores. No row depends on another, so the map
needs no shuffle, and a partition that is lost is made anew.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mopidy_moodcam.songs.features import FEATURES
from mopidy_moodcam.songs.hearing.workers import Worker, analyse_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SCHEMA = ", ".join(
    [
        "uri string",
        "title string",
        "duration_ms int",
        *(f"{name} double" for name in FEATURES),
        "feature_source string",
        "failed string",
    ]
)
"""The columns, by names that `import` knows; `failed` is why there are no features."""


def rows(uris: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Yield a row of `SCHEMA` for each URI; runs once for each partition.

    The work is done in a process of its own, as in a scan, so that a file that
    crashes its decoder costs one row and not the partition.
    """
    for uri, answer in analyse_all(uris, [Worker()]):
        features = answer.get("features", {})
        seconds = answer.get("seconds")
        yield (
            uri,
            Path(unquote(uri)).stem,
            None if seconds is None else round(1000 * seconds),
            *(features.get(name) for name in FEATURES),
            features.get("source"),
            answer.get("why"),
        )


def analyse(
    session: Any,  # noqa: ANN401  a SparkSession, whose package is an extra
    uris: Sequence[str],
    folder: Path,
    partitions: int,
) -> None:
    """Analyse all `uris` and write the rows to `folder` as Parquet."""
    tracks = session.sparkContext.parallelize(uris, partitions).mapPartitions(rows)
    frame = session.createDataFrame(tracks, SCHEMA)
    frame.write.mode("overwrite").parquet(str(folder))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("list", type=Path, help="a text file with one URI a line")
    parser.add_argument("folder", type=Path, help="where the Parquet files go")
    parser.add_argument("--partitions", type=int, default=2)
    options = parser.parse_args()
    # Without this, workers take the first python3 of the path, whatever it has.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = importlib.import_module("pyspark.sql").SparkSession.builder.getOrCreate()
    uris = options.list.read_text(encoding="utf-8").split()
    analyse(session, uris, options.folder, options.partitions)
    session.stop()


if __name__ == "__main__":
    main()
