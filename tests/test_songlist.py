"""The songs as remotes search them."""

import dataclasses
import pathlib

import pytest

from mopidy_moodcam import songlist
from mopidy_moodcam.desk import Desk
from mopidy_moodcam.songlist import SongList
from mopidy_moodcam.songs import clusters
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow

SONGS = {
    "Schrei nach Liebe": "Die Ärzte",
    "Группа крови": "Кино",
    "Jóga": "Björk",
    "Back in Black": "AC/DC",
    "100% Pure": "Nobody_",
}


@pytest.fixture
def songs(tmp_path):
    path = tmp_path / "catalogue.sqlite"
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(
            TrackRow(f"local:{title}", title=title, artist=artist)
            for title, artist in SONGS.items()
        )
    return SongList(Desk(), path)


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("ärzte", "Schrei nach Liebe"),
        ("arzte LIEBE", "Schrei nach Liebe"),
        ("кино", "Группа крови"),
        ("КРОВИ кино", "Группа крови"),
        ("bjork", "Jóga"),
        ("ac/dc", "Back in Black"),
        ("0%", "100% Pure"),
        ("nobody_", "100% Pure"),
    ],
)
def test_songs_are_found_whatever_the_case_and_the_accents(songs, words, title):
    assert [song.title for song in songs.search(words)] == [title]


@pytest.mark.parametrize("words", ["!!!", "\\", "arzte bjork", "liebe " * 8 + "bjork"])
def test_every_word_counts_and_signs_alone_find_nothing_of_their_own(songs, words):
    assert songs.search(words) == []


@pytest.fixture
def path(tmp_path):
    return tmp_path / "many.sqlite"


def test_a_search_goes_on_where_the_last_page_ended(path):
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(TrackRow(f"local:{n}", title="song") for n in range(60))
    songs = SongList(Desk(), path)
    pages = [songs.search("song", offset=n, limit=20) for n in (0, 20, 40)]
    assert len({song.uri for page in pages for song in page}) == 60


def test_a_search_that_takes_too_long_ends_empty(path, monkeypatch):
    rows = [TrackRow(f"local:{n}", title="x") for n in range(5000)]
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks([*rows, TrackRow("local:last", title="needle")])
    songs = SongList(Desk(), path)
    assert [song.uri for song in songs.search("needle")] == ["local:last"]
    monkeypatch.setattr(songlist, "QUERY_SECONDS", -1.0)
    assert songs.search("needle") == []


def test_the_listeners_own_clusters_are_shown(path):
    model = clusters.default_model()
    first = dataclasses.replace(model.clusters[0], name="Blue hour")
    own = dataclasses.replace(model, clusters=(first, *model.clusters[1:]))
    with Catalogue.open(path) as catalogue:
        clusters.keep_model(catalogue, own)
    assert SongList(Desk(), path).clusters()[0]["name"] == "Blue hour"


def test_a_catalogue_in_a_folder_that_may_not_be_entered_is_none(tmp_path, monkeypatch):
    def forbidden(_):
        raise PermissionError

    monkeypatch.setattr(pathlib.Path, "exists", forbidden)
    assert SongList(Desk(), tmp_path / "catalogue.sqlite").shelf() is None
