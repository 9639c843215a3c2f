from __future__ import annotations

import json

import numpy as np
import pytest

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.resources import model_path
from mopidy_moodcam.songs.features import FeatureSource
from mopidy_moodcam.songs.hearing.descriptors import describe
from mopidy_moodcam.songs.hearing.heads import (
    LEARNED,
    PLAIN,
    embedding_inputs,
    load_heads,
)
from mopidy_moodcam.songs.hearing.spectrum import spectrum
from tests.songs import sound_files

HEADS = load_heads(model_path("song_heads.json"))
PREDICTED = {
    "arousal",
    "energy",
    "valence",
    "danceability",
    "acousticness",
    "instrumentalness",
    "speechiness",
    "liveness",
}


def inputs(sound):
    heard = describe([spectrum(sound.astype(np.float32))])
    return heard | embedding_inputs(np.zeros((2, 200), np.float32))


@pytest.mark.parametrize("kind", [LEARNED, PLAIN])
def test_each_set_of_heads_fills_the_same_columns(kind):
    assert set(HEADS[kind].heads) == PREDICTED
    for head in HEADS[kind].heads.values():
        assert len(head.weights) == len(HEADS[kind].inputs)
        assert np.isfinite(head.weights).all()


def test_the_plain_heads_need_no_network():
    assert not [name for name in HEADS[PLAIN].inputs if "musicnn" in name]


@pytest.mark.parametrize("kind", [LEARNED, PLAIN])
@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(80_000),
        np.random.default_rng(1).normal(0, 3, 80_000),
        np.full(80_000, 8.0),
    ],
    ids=["silence", "loud noise", "one value"],
)
def test_whatever_is_heard_the_features_stay_in_their_ranges(kind, sound):
    features = HEADS[kind].features(inputs(sound))  # raises where one does not
    assert features.source is FeatureSource.AUDIO
    assert features.enough
    assert features.loudness is None


def test_louder_faster_sound_has_more_arousal():
    time = np.arange(160_000) / 16_000
    slow = 0.02 * np.sin(2 * np.pi * 220 * time)
    noise = np.random.default_rng(2).normal(0, 0.3, len(time))
    fast = noise * (np.sin(2 * np.pi * 4 * time) > 0)
    heads = HEADS[PLAIN]
    assert heads.features(inputs(fast)).arousal > heads.features(inputs(slow)).arousal


def test_how_loud_a_song_was_mastered_hardly_matters():
    songs = [sound_files.song(mood)[:, 0] for mood in SongMood]
    loud, quiet = (
        np.array([HEADS[PLAIN].features(inputs(song * by)).arousal for song in songs])
        for by in (1, 0.25)
    )
    assert np.abs(loud - quiet).mean() < 0.1


def test_the_model_is_plain_numbers():
    text = model_path("song_heads.json").read_text(encoding="utf-8")
    assert set(json.loads(text)) == {LEARNED, PLAIN}
    assert len(text) < 200_000
