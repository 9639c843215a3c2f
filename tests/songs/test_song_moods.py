import importlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import clusters, fitting, moods
from mopidy_moodcam.songs.catalogue import Catalogue
from tests.bench import bench_clusters
from tests.shared import shared_data
from tests.songs.libraries import songs

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["02_song_moods", "03_your_library"])
def test_the_notebook_runs_on_made_up_songs(name):
    pytest.importorskip("nbmake", reason="nbmake is not installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--nbmake", "--override-ini", "addopts=", "--timeout=110"),
            f"training/{name}.ipynb",
        ],
        check=True,
        cwd=ROOT,
        env=os.environ | {"MOODCAM_QUICK": "1"},
    )


def test_the_notebook_s_stored_figures_are_those_of_the_model_card():
    notebook = json.loads((ROOT / "training/02_song_moods.ipynb").read_text("utf-8"))
    printed = [
        line
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        for line in output.get("text", [])
        if line.startswith(("  our descriptors", "  ours, all"))
    ]
    card = (ROOT / "models/README.md").read_text("utf-8")

    figures = re.findall(r"(\S+ \S+ \S+ \S+) / (\S+)", "".join(printed))

    assert len(figures) == 4
    for levels, genre in figures:
        assert f"R² {levels.replace(' ', ', ')} | {genre} |" in card


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "own").mkdir()
    with Catalogue.open(tmp_path / "own/catalogue.sqlite") as catalogue:
        catalogue.upsert_tracks(songs(200))
        yield catalogue


@pytest.fixture
def your_library(monkeypatch):
    """Run the notebook's cells on the catalogue at a path; return their names."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    pytest.importorskip("IPython", reason="jupyter is not installed")
    pytest.importorskip("pandas", reason="pandas is not installed")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(ROOT)

    def run(path):
        monkeypatch.setenv("MOODCAM_CATALOGUE", str(path))
        names = {}
        notebook = json.loads(Path("training/03_your_library.ipynb").read_text("utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)  # noqa: S102 (this project's own)
        return names

    return run


@pytest.mark.slow
def test_the_notebook_compares_with_the_library_before_any_correction(
    catalogue, your_library
):
    untouched = your_library(catalogue.path)["counts"]
    for number in range(20):
        catalogue.judge(f"local:track:{number}.mp3", Verdict.BANNED)
        catalogue.move(f"local:track:{number + 20}.mp3", SongMood.CALM)
    catalogue.exclude("artist", "Artist 8")
    moods.bind(catalogue, "happy", "intense")

    corrected = your_library(catalogue.path)["counts"]

    assert untouched["before"].tolist() == untouched["after"].tolist()
    assert corrected["before"].tolist() == untouched["before"].tolist()
    assert corrected["after"].sum() == 200 - 20 - 5
    assert corrected["after"]["happy"] == 0


@pytest.mark.slow
def test_the_notebook_writes_nothing_to_the_catalogue(catalogue, your_library):
    path = catalogue.path
    catalogue.close()
    with sqlite3.connect(path) as connection:  # one that Mopidy would migrate
        connection.execute("DROP TABLE listed")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = path.read_bytes()

    your_library(path)

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_notebook_names_a_catalogue_that_is_not_there(tmp_path, your_library):
    with pytest.raises(SystemExit, match=r"none\.sqlite, which is no file"):
        your_library(tmp_path / "none.sqlite")


@pytest.mark.parametrize("kind", ["default", "own"])
def test_named_clusters_find_the_moods_of_real_playlists(kind):
    table = shared_data("music/moods_playlists.csv")
    sounds, _ = bench_clusters.imported(table)
    model = bench_clusters.chosen(kind, sounds)
    assert bench_clusters.accuracy(table, model) >= 0.73


@pytest.mark.parametrize("kind", ["default", "own"])
def test_clusters_tell_valence_and_arousal_apart_as_listeners_do(kind):
    table = shared_data("music/moods_tag_valence_arousal.csv.gz")
    sounds, _ = bench_clusters.imported(table)
    model = bench_clusters.chosen(kind, sounds)
    assert min(bench_clusters.separations(table, model)) >= 0.5


@pytest.mark.parametrize("script", ["song_heads", "song_moods"])
def test_training_finds_the_data_beside_the_checkout_by_default(monkeypatch, script):
    monkeypatch.setenv("MOODCAM_SHARED", "")
    monkeypatch.syspath_prepend(ROOT / "training")
    monkeypatch.delitem(sys.modules, script, raising=False)
    shared = importlib.import_module(script).SHARED
    assert shared == ROOT.parent / "shared"


def test_the_training_script_makes_what_is_shipped():
    table = shared_data("music/catalogue.csv.gz")
    sys.path.insert(0, str(ROOT / "training"))
    try:
        import song_moods
    finally:
        sys.path.pop(0)
    shipped = clusters.default_model()
    learnt = song_moods.learn(song_moods.read_sounds(table))
    pairs = zip(learnt.clusters, shipped.clusters, strict=True)
    assert len(shipped.clusters) == fitting.CLUSTERS
    for new, old in pairs:
        assert (new.name, new.song_mood) == (old.name, old.song_mood)
        assert new.centre == pytest.approx(old.centre, abs=1e-3)
