from __future__ import annotations

import csv

import numpy as np
import pytest

from mopidy_moodcam.resources import MissingFile, fetch_weights, weight_path
from mopidy_moodcam.songs.hearing import analysis
from mopidy_moodcam.songs.hearing.decode import decode
from mopidy_moodcam.songs.hearing.musicnn import FRAMES, Musicnn, patches
from mopidy_moodcam.songs.hearing.spectrum import mel_filters, spectrum
from tests.shared import shared_data


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("onnxruntime")
    try:
        return Musicnn(weight_path("musicnn.onnx"))
    except MissingFile as missing:
        pytest.skip(str(missing))


def test_the_converted_network_says_what_the_original_said(network):
    """On clips, against embeddings that TensorFlow computed from better copies."""
    music = shared_data("music")
    stored = np.load(music / "musifeast17_features.npz")
    at = {clip: i for i, clip in enumerate(stored["clip"])}
    with (music / "musifeast17.csv").open() as file:
        clips = [row["clip"] for row in csv.DictReader(file) if row["audio"] == "1"]
    for clip in clips[::36]:
        path = (music / "musifeast17" / f"{clip}.mp3").resolve()
        windows = decode(path.as_uri()).windows
        embeddings, tags = network(spectrum(window).log_mel for window in windows)
        original = stored["musicnn_emb200"][at[clip]]
        assert np.corrcoef(embeddings.mean(axis=0), original)[0, 1] > 0.85
        original = stored["musicnn_tags50"][at[clip]]
        assert np.corrcoef(tags.mean(axis=0), original)[0, 1] > 0.9


def test_patches_do_not_influence_each_other(network):
    rng = np.random.default_rng(1)
    log_mel = rng.uniform(0, 3, (2 * FRAMES, 96)).astype(np.float32)
    together, _ = network([log_mel])
    alone, _ = network([log_mel[:FRAMES]])
    assert together.shape == (2, 200)
    assert np.allclose(together[0], alone[0], atol=1e-5)


def test_a_short_sound_is_repeated_to_fill_a_patch():
    (patch,) = patches(np.arange(50.0)[:, None] * np.ones(96))
    assert patch.shape == (FRAMES, 96)
    assert patch[50, 0] == 0.0


def test_a_window_is_heard_at_its_beginning_and_end():
    log_mel = np.arange(625.0)[:, None] * np.ones(96)
    assert [patch[0, 0] for patch in patches(log_mel)] == [0, 625 - FRAMES]


def test_mel_filters_are_triangles_of_area_one():
    filters = mel_filters()
    assert filters.shape == (96, 257)
    # Bins are 31.25 Hz wide; the lowest triangles lie between two of them.
    assert (filters[30:] * 31.25).sum(axis=1) == pytest.approx(1.0, abs=0.08)
    assert (np.diff(filters[30:].argmax(axis=1)) > 0).all()


def test_a_damaged_network_is_not_loaded_and_what_mends_it_is_said(
    tmp_path, monkeypatch
):
    damaged = tmp_path / "musicnn.onnx"
    damaged.write_bytes(b"half of it")
    damaged.with_name("musicnn.onnx.sha256").write_text("that of the whole")
    monkeypatch.setattr(analysis, "weight_path", lambda _: damaged)
    why = analysis.Analyser().why_plain
    assert fetch_weights() in why
