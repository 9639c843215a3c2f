"""The demo songs are made of sound alone, and the real analysis hears their moods."""

from __future__ import annotations

import io

import mutagen
import numpy as np
import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.resources import MissingFile, weight_path
from mopidy_moodcam.songs import demo_songs
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.shelf import load_shelf
from mopidy_moodcam.songs.survey import WalkedTrack

# Thirty songs are made and heard, for all tests together: a minute of one core.
pytestmark = pytest.mark.timeout(400)

INTENDED = {
    title: mood for mood, style in demo_songs.STYLES.items() for title in style.titles
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    demo_songs.write(folder)
    return folder


@pytest.fixture(scope="module")
def catalogue(folder, tmp_path_factory):
    try:
        weight_path("musicnn.onnx")
    except MissingFile as missing:
        pytest.skip(str(missing))
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite"
    tracks = [
        WalkedTrack(path.as_uri(), path, title=path.stem)
        for path in sorted(folder.glob("*.ogg"))
    ]
    with Catalogue.open(path) as opened:
        assert scan(opened, tracks, console=Console(file=io.StringIO())) == 0
        yield opened


def heard(catalogue):
    """Return the intended mood and the features of each song."""
    ids = [track_id for (track_id,) in catalogue.rows("SELECT id FROM tracks")]
    return [(INTENDED[row.title], row.features) for row in catalogue.tracks(ids)]


def test_there_is_a_handful_for_each_song_mood(folder):
    assert {len(style.titles) for style in demo_songs.STYLES.values()} == {5}
    assert set(demo_songs.STYLES) == set(SongMood)
    assert {path.stem for path in folder.glob("*.ogg")} == set(INTENDED)
    assert len(list(folder.iterdir())) == 30


def test_they_carry_the_tags_that_clients_show(folder):
    file = mutagen.File(folder / "Moss.ogg")
    assert file["title"] == ["Moss"]
    assert file["artist"][0] in demo_songs.ARTISTS
    assert file["album"] == ["Demo songs"]
    wanted = demo_songs.SECONDS * demo_songs.TURNS
    assert file.info.length == pytest.approx(wanted, abs=0.1)


def test_a_song_is_the_same_whenever_it_is_made():
    (title, first), (_, second) = (
        demo_songs.compose(SongMood.SAD, 1),
        demo_songs.compose(SongMood.SAD, 1),
    )
    assert title == "Unsent Letter"
    assert np.array_equal(first, second)
    assert np.abs(first).max() <= 1.0


def test_songs_that_are_there_are_not_made_again(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    demo_songs.write(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_the_analysis_hears_arousal_as_it_was_meant(catalogue):
    high = {SongMood.ENERGETIC, SongMood.INTENSE, SongMood.HAPPY}
    arousal = {True: [], False: []}
    for mood, features in heard(catalogue):
        arousal[mood in high].append(features.arousal)
    assert min(arousal[True]) > max(arousal[False]) + 0.1


def test_the_analysis_hears_valence_as_it_was_meant(catalogue):
    means = {
        mood: np.mean([f.valence for meant, f in heard(catalogue) if meant is mood])
        for mood in SongMood
    }
    assert means[SongMood.HAPPY] > means[SongMood.ENERGETIC] > means[SongMood.INTENSE]
    assert means[SongMood.ROMANTIC] > means[SongMood.SAD] > means[SongMood.CALM]


def test_most_land_in_their_mood(catalogue):
    shelf = load_shelf(catalogue)
    moods = list(SongMood)
    meant = [INTENDED[row.title] for row in catalogue.tracks(shelf.track_id)]
    found = [moods[code] for code in shelf.song_mood]
    assert np.mean([a is b for a, b in zip(meant, found, strict=True)]) >= 0.9
    assert not shelf.borrowed
