import os
import subprocess
import sys
from pathlib import Path

import pytest

from mopidy_moodcam.songs import clusters, fitting
from tests.bench import bench_clusters
from tests.shared import shared_data

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
        env=os.environ | {"MOODCAM_QUICK": "1", "MOODCAM_CATALOGUE": "/none"},
    )


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
