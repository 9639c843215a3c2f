"""The songs as remotes search them."""

import pytest

from mopidy_moodcam.desk import Desk
from mopidy_moodcam.songlist import SongList
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


@pytest.mark.parametrize("words", ["!!!", "\\", "arzte bjork"])
def test_every_word_counts_and_signs_alone_find_nothing_of_their_own(songs, words):
    assert songs.search(words) == []
