import datetime as dt
import io

import numpy as np
import pytest
from rich.console import Console

from mopidy_moodcam.feeling.affect import nearest_song_mood
from mopidy_moodcam.glossary import Affect, SongMood, Verdict
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.features import Features, FeatureSource
from mopidy_moodcam.songs.shelf import enough, load_shelf
from mopidy_moodcam.songs.tables import import_files
from tests.shared import shared_data
from tests.songs.libraries import songs

MOODS = list(SongMood)
JULY, DECEMBER = dt.date(2026, 7, 1), dt.date(2026, 12, 5)


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        yield catalogue


def uris(catalogue, shelf):
    return {catalogue.track(int(i)).uri for i in shelf.track_id}


def test_a_shelf_has_one_row_per_placeable_track_and_no_strings(catalogue):
    catalogue.upsert_tracks([*songs(200), TrackRow("local:unknown")])
    shelf = load_shelf(catalogue)
    assert len(shelf) == 200
    arrays = [getattr(shelf, name) for name in shelf.__slots__]
    arrays = [array for array in arrays if isinstance(array, np.ndarray)]
    assert all(len(array) == 200 for array in arrays)
    assert all(array.dtype.kind in "ifb" for array in arrays)
    held = sum(a.nbytes for a in [*arrays, *shelf.members.values()])
    assert held <= 40 * 200
    assert (np.abs(shelf.plane) <= 1).all()


def test_tracks_are_found_by_their_numbers_and_missing_ones_are_none(catalogue):
    catalogue.upsert_tracks(songs(5))
    catalogue.judge("local:track:2.mp3", Verdict.BANNED)
    shelf = load_shelf(catalogue)
    numbers = shelf.track_id.tolist()
    assert [shelf.row(number) for number in numbers] == [0, 1, 2, 3]
    banned = catalogue.find("local:track:2.mp3").track_id
    assert [shelf.row(i) for i in (0, banned, numbers[-1] + 1)] == [None] * 3


def test_every_song_is_a_member_of_its_own_song_mood(catalogue):
    catalogue.upsert_tracks(songs(300))
    shelf = load_shelf(catalogue)
    for number, mood in enumerate(MOODS):
        own = np.flatnonzero(shelf.song_mood == number)
        assert set(own) <= set(shelf.members[mood].tolist())
        if mood not in shelf.borrowed:
            assert set(own) == set(shelf.members[mood].tolist())


@pytest.mark.parametrize("count", [1, 2, 5, 60, 61, 100, 700])
def test_every_song_mood_ends_with_songs_whatever_the_library(catalogue, count):
    metal = Features(valence=0.2, energy=0.95, loudness=-4.0, source="table")
    catalogue.upsert_tracks(
        TrackRow(f"local:{i}", artist=f"A{i}", features=metal) for i in range(count)
    )
    shelf = load_shelf(catalogue)
    assert all(len(rows) >= enough(count) for rows in shelf.members.values())
    assert SongMood.CALM in shelf.borrowed
    assert all(len(set(r.tolist())) == len(r) for r in shelf.members.values())


def test_borrowed_songs_are_the_nearest_ones(catalogue):
    def song(uri, **values):
        return TrackRow(uri, features=Features(**values, source="table"))

    loud = [song(f"local:{i}", valence=0.5, energy=0.9) for i in range(100)]
    mild = [song(f"local:mild{i}", valence=0.3, energy=0.45) for i in range(5)]
    catalogue.upsert_tracks([*loud, *mild])
    shelf = load_shelf(catalogue)
    calm = {catalogue.track(int(shelf.track_id[r])).uri for r in shelf.members["calm"]}
    assert SongMood.CALM in shelf.borrowed
    assert calm == {f"local:mild{i}" for i in range(5)}


def test_an_empty_catalogue_gives_an_empty_shelf(catalogue):
    shelf = load_shelf(catalogue)
    assert len(shelf) == 0
    assert all(len(rows) == 0 for rows in shelf.members.values())


@pytest.mark.parametrize("source", [FeatureSource.TABLE, FeatureSource.AUDIO])
@pytest.mark.parametrize("mood", MOODS)
def test_a_song_moved_by_hand_is_where_the_person_put_it(catalogue, mood, source):
    catalogue.upsert_tracks(songs(300, source=source))
    catalogue.move("local:track:7.mp3", mood)
    shelf = load_shelf(catalogue)
    row = np.flatnonzero(shelf.track_id == catalogue.find("local:track:7.mp3").track_id)
    assert MOODS[shelf.song_mood[row[0]]] == mood
    assert row[0] in shelf.members[mood]
    assert nearest_song_mood(Affect(*shelf.plane[row[0]])) == mood


def test_a_song_of_which_nothing_is_known_can_be_given_a_mood_by_hand(catalogue):
    catalogue.upsert_tracks([*songs(100), TrackRow("http://radio/", title="Radio")])
    assert "http://radio/" not in uris(catalogue, load_shelf(catalogue))
    catalogue.move("http://radio/", SongMood.CALM)
    shelf = load_shelf(catalogue)
    track = catalogue.find("http://radio/").track_id
    row = np.flatnonzero(shelf.track_id == track)[0]
    assert row in shelf.members[SongMood.CALM]
    assert np.isfinite(shelf.plane).all()
    assert shelf.plane[row, 1] < -0.5, "it stands where calm songs are"


def test_banned_songs_are_gone_and_loved_ones_are_marked(catalogue):
    catalogue.upsert_tracks(songs(50))
    catalogue.judge("local:track:1.mp3", Verdict.BANNED)
    catalogue.judge("local:track:2.mp3", Verdict.LOVED)
    shelf = load_shelf(catalogue)
    assert "local:track:1.mp3" not in uris(catalogue, shelf)
    assert shelf.loved.sum() == 1
    catalogue.judge("local:track:1.mp3", Verdict.NONE)
    assert len(load_shelf(catalogue)) == 50


def test_a_scrap_of_a_few_seconds_is_picked_only_where_a_person_wants_it(catalogue):
    lengths = {"short": 9_999, "song": 10_000, "unknown": None}
    for kind, length in lengths.items():
        row = TrackRow(f"local:{kind}", duration_ms=length, features=features())
        catalogue.upsert_tracks([row])
    assert uris(catalogue, load_shelf(catalogue)) == {"local:song", "local:unknown"}
    catalogue.judge("local:short", Verdict.LOVED)
    assert "local:short" in uris(catalogue, load_shelf(catalogue))
    catalogue.judge("local:short", Verdict.NONE)
    catalogue.move("local:short", SongMood.CALM)
    assert "local:short" in uris(catalogue, load_shelf(catalogue))


def features():
    return Features(valence=0.5, energy=0.5, source="table")


def test_an_excluded_artist_is_left_out_by_the_whole_name_only(catalogue):
    artists = ["Air", "AIR; Beck", "Beck, Air", "The Airborne", "Fairport", "Aïr"]
    catalogue.upsert_tracks(
        TrackRow(f"local:{a}", title="T", artist=a, features=features())
        for a in artists
    )
    catalogue.exclude("artist", "Air")
    left = uris(catalogue, load_shelf(catalogue))
    assert left == {"local:The Airborne", "local:Fairport"}
    catalogue.include("artist", "Air")
    assert len(load_shelf(catalogue)) == len(artists)


@pytest.mark.parametrize(
    ("name", "first"),
    [("Queen & David Bowie", "Queen"), ("Earth, Wind & Fire", "Earth")],
)
def test_an_excluded_name_of_several_parts_is_not_the_first_of_them(
    catalogue, name, first
):
    catalogue.upsert_tracks(
        TrackRow(f"local:{a}", title="T", artist=a, features=features())
        for a in (first, name)
    )
    catalogue.exclude("artist", name)
    assert uris(catalogue, load_shelf(catalogue)) == {f"local:{first}"}


def test_an_excluded_genre_and_odd_letters_in_its_name(catalogue):
    catalogue.upsert_tracks(
        TrackRow(f"local:{i}", genre=genre, features=features())
        for i, genre in enumerate(["Black Metal", "metal", "Pop", "100%", "1000"])
    )
    catalogue.exclude("genre", "metal")
    assert len(load_shelf(catalogue)) == 3
    catalogue.exclude("genre", "100%")
    assert len(load_shelf(catalogue)) == 2


def test_christmas_songs_wait_for_december(catalogue):
    catalogue.upsert_tracks(
        [
            TrackRow("local:a", title="White Christmas", features=features()),
            TrackRow("local:b", album="Jingle Bell Rock", features=features()),
            TrackRow("local:c", title="Summertime", features=features()),
        ]
    )
    assert len(load_shelf(catalogue, JULY)) == 3, "only where a person asked for it"
    catalogue.exclude("season", "christmas")
    assert uris(catalogue, load_shelf(catalogue, JULY)) == {"local:c"}
    assert len(load_shelf(catalogue, DECEMBER)) == 3


def test_a_shelf_knows_the_version_it_was_made_of(catalogue):
    catalogue.upsert_tracks(songs(3))
    shelf = load_shelf(catalogue)
    assert shelf.version == catalogue.version()
    catalogue.upsert_tracks(songs(4))
    assert shelf.version != catalogue.version()


def test_unknown_keys_and_tempos_say_so(catalogue):
    known = Features(valence=0.5, energy=0.5, tempo=90.0, key=11.0, mode=0.0)
    catalogue.upsert_tracks(
        [TrackRow("local:a", features=features()), TrackRow("local:b", features=known)]
    )
    shelf = load_shelf(catalogue)
    assert (shelf.key.tolist(), shelf.mode.tolist()) == ([-1, 11], [-1, 0])
    assert np.isnan(shelf.tempo[0])
    assert shelf.tempo[1] == 90.0


def test_real_playlists_by_mood_land_in_the_song_mood_of_their_title(catalogue):
    path = shared_data("music/moods_playlists.csv")
    import_files(catalogue, [path], Console(file=io.StringIO()))
    shelf = load_shelf(catalogue)
    counts = {mood: len(rows) for mood, rows in shelf.members.items()}
    assert len(shelf) == 637
    assert all(count >= enough(637) for count in counts.values())
    assert not shelf.borrowed


def test_songs_of_a_backend_that_mopidy_lacks_are_not_on_the_shelf(catalogue):
    sound = Features(valence=0.5, energy=0.5, loudness=-9.0, source="table")
    known = {"spotify:track:1", "local:track:a.mp3", "file:///b.mp3"}
    catalogue.upsert_tracks(TrackRow(uri, features=sound) for uri in sorted(known))
    assert uris(catalogue, load_shelf(catalogue)) == known
    shelf = load_shelf(catalogue, schemes={"file", "local"})
    assert uris(catalogue, shelf) == known - {"spotify:track:1"}
    assert len(load_shelf(catalogue, schemes=())) == 0
