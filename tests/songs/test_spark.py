"""Spark in local mode finds what a scan finds, and `import` reads it."""

from __future__ import annotations

import dataclasses
import io
import shutil
import sys

import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs import tables
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.features import FEATURES
from mopidy_moodcam.songs.hearing import spark
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.survey import WalkedTrack
from tests.songs import sound_files

pytestmark = pytest.mark.slow


@pytest.fixture
def session(monkeypatch):
    sql = pytest.importorskip("pyspark.sql", reason="the extra spark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs a Java runtime")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2]")
    builder = builder.config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    yield session
    session.stop()


def test_spark_and_scan_find_the_same(session, tmp_path):
    pytest.importorskip("pyarrow")
    paths = [
        sound_files.write(tmp_path / f"{mood} song.ogg", sound_files.song(mood, 4))
        for mood in (SongMood.CALM, SongMood.INTENSE, SongMood.HAPPY)
    ]
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"no song")
    tracks = [WalkedTrack(path.as_uri(), path) for path in [*paths, broken]]
    console = Console(file=io.StringIO())
    scanned = Catalogue.open(tmp_path / "scanned.sqlite")
    scan(scanned, tracks, console=console)

    folder = tmp_path / "rows"
    spark.analyse(session, [track.uri for track in tracks], folder, 2)
    imported = Catalogue.open(tmp_path / "imported.sqlite")
    tables.import_files(imported, sorted(folder.glob("*.parquet")), console)
    for path in paths:
        ours, theirs = (c.find(path.as_uri()) for c in (scanned, imported))
        for name in FEATURES:
            wanted = getattr(ours.features, name)
            assert getattr(theirs.features, name) == pytest.approx(wanted), name
        assert theirs.features.source == dataclasses.asdict(ours.features)["source"]
    failed = session.read.parquet(str(folder)).where("failed is not null").collect()
    assert [(row.title, row.failed) for row in failed] == [
        ("broken", scanned.find(broken.as_uri()).failed)
    ]
