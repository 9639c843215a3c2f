"""VibeNet gives four features where a listener asks for it, and only then."""

from __future__ import annotations

import importlib.util
import os

import pytest

from mopidy_moodcam.songs.hearing.vibenet import TAKEN
from mopidy_moodcam.songs.hearing.workers import WITH_VIBENET, Worker, WorkerTrouble
from tests.songs import sound_files

STAND_IN = """
import types
SAID = dict.fromkeys(("danceability", "acousticness"), 0.125)
SAID |= dict.fromkeys(("speechiness", "liveness"), 0.875)
SAID |= dict.fromkeys(("energy", "valence", "instrumentalness"), 7.0)
class Model:
    def predict(self, samples, sr):
        assert samples.ndim == 1 and len(samples) == 4 * sr, samples.shape
        assert sr == 16000 and samples.dtype == "float32"
        return [types.SimpleNamespace(**SAID)]
load_model = Model
"""


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    return sound_files.write(path, sound_files.song(seconds=4)).as_uri()


@pytest.fixture
def as_vibenet(tmp_path, monkeypatch):
    """Make the workers find this source text as the package vibenet."""

    def install(source):
        (tmp_path / "vibenet.py").write_text(source)
        paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

    return install


def heard_by(song, *command):
    worker = Worker(*command)
    try:
        return worker.analyse(song)["features"]
    finally:
        worker.stop()


def test_its_four_features_replace_ours_and_all_others_stay(as_vibenet, song):
    as_vibenet(STAND_IN)
    ours, both = heard_by(song), heard_by(song, WITH_VIBENET)
    assert [both[name] for name in TAKEN] == [0.125, 0.125, 0.875, 0.875]
    rest = ours.keys() - set(TAKEN)
    assert {name: both[name] for name in rest} == {name: ours[name] for name in rest}


def test_a_scan_that_was_not_asked_to_does_not_load_it(as_vibenet, song):
    as_vibenet("raise RuntimeError('loaded')")
    assert 0 < heard_by(song)["danceability"] < 1
    with pytest.raises(WorkerTrouble, match=r"^loaded$"):
        heard_by(song, WITH_VIBENET)


@pytest.mark.skipif(
    importlib.util.find_spec("vibenet") is None,
    reason="the package vibenet is not installed (the extra vibenet)",
)
def test_the_real_package_gives_its_own_four_and_leaves_valence(song):
    ours, both = heard_by(song), heard_by(song, WITH_VIBENET)
    assert [both[name] for name in TAKEN] != [ours[name] for name in TAKEN]
    assert all(0 <= both[name] <= 1 for name in TAKEN)
    assert both["valence"] == ours["valence"]
