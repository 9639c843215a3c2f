import contextlib
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mopidy_moodcam.songs.catalogue import TrackRow
from mopidy_moodcam.songs.cells import Rejected
from mopidy_moodcam.songs.features import FEATURES
from mopidy_moodcam.songs.spotify.items import features_of, track_of
from tests.songs import faults
from tests.songs.libraries import spotify_id
from tests.songs.spotify.fake_spotify import (
    Fault,
    features,
    in_playlist,
    saved_song,
    song,
)
from tests.songs.spotify.listener import kill_at


def test_playlists_and_saved_songs_come_with_all_that_is_known_of_them(member):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(120)])
    member.fake.saved = [saved_song(n) for n in range(130, 100, -1)]
    assert member() == 0
    assert "131 songs added, 19 known before, 2 lists read" in member.said
    assert member.catalogue.counts()["tracks"] == 131
    row = member.catalogue.find(f"spotify:track:{spotify_id(7)}")
    assert row == TrackRow(
        uri=f"spotify:track:{spotify_id(7)}",
        title="Song 7",
        artist="Artist 7; Guest",
        album="Album 7",
        year=2019,
        duration_ms=200_007,
        spotify_id=spotify_id(7),
        isrc="DEABC1900007",
        track_id=row.track_id,
    )
    assert member.fake.offsets("/items") == ["0", "50", "100"]


def test_only_the_paths_that_are_left_are_asked_for(member):
    playlist = member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.finds = [song(2)]
    assert member(playlists=[""], saved=True, searches=["blue"]) == 0
    assert set(member.fake.paths()) == {
        "/v1/me",
        "/v1/me/playlists",
        "/v1/me/tracks",
        "/v1/search",
        f"/v1/playlists/{playlist}/items",
    }


def test_what_is_no_song_is_counted_with_its_reason(member):
    old = {"is_local": False, "track": song(2)}  # with extended quota
    member.fake.add_playlist(
        "Mixed",
        [
            in_playlist(1),
            old,
            None,
            "nonsense",
            {"is_local": False, "item": None},
            {"is_local": True, "item": song(3, id=None, is_local=True)},
            {"is_local": False, "item": song(4, type="episode")},
            {"is_local": False, "item": song(5, id="short")},
            {"is_local": False, "item": song(6, is_playable=False)},
            {"is_local": False, "item": song(7, name="")},
        ],
    )
    assert member(playlists=[""]) == 0
    assert member.catalogue.counts()["tracks"] == 2
    for words in (
        "2 songs added",
        "2 left out: an empty entry",
        "1 left out: no longer on Spotify",
        "1 left out: a file on your own computer, which only Spotify's program has",
        "1 left out: an episode, not a song",
        "1 left out: without a Spotify id",
        "1 left out: not to be played in your country",
        "1 left out: without a title",
    ):
        assert words in member.said


KEYS = ("item", "track", "type", "id", "name", "artists", "album", "is_local")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from((*KEYS, *FEATURES)), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.dictionaries(st.sampled_from((*KEYS, *FEATURES)), JSON))
def test_any_json_is_a_song_or_has_a_reason(entry, changes):
    for item in (entry, {"item": entry}, song(1) | changes):
        with contextlib.suppress(Rejected):
            assert track_of(item).uri.startswith("spotify:track:")
    for item in (entry, features(1) | changes):
        found = features_of(item)
        assert found is None or found[1].enough


@pytest.mark.parametrize(
    "changes",
    [
        {"artists": None, "album": None, "external_ids": None, "duration_ms": None},
        {"artists": [None, 5, {"name": None}], "album": {"release_date": 1999}},
        {"duration_ms": 10**400, "external_ids": {"isrc": ["x"]}},
        {"duration_ms": True, "album": {"name": {}, "release_date": "0000"}},
    ],
)
def test_a_song_with_parts_in_no_known_form_is_taken_without_them(member, changes):
    member.fake.finds = [song(1, **changes)]
    assert member(searches=["one"]) == 0
    row = member.catalogue.find(f"spotify:track:{spotify_id(1)}")
    assert (row.title, row.album, row.year, row.duration_ms) in {
        ("Song 1", "", None, None),
        ("Song 1", "", None, 200_001),
        ("Song 1", "Album 1", 2019, None),
    }


def test_names_that_look_like_markup_or_terminal_codes_do_no_harm(member):
    name = "[red]\x1b[31m[/nothing]"
    member.fake.add_playlist(name, [in_playlist(1)], owner={"id": "other"})
    assert member(playlists=[""]) == 0
    assert "\x1b" not in member.said
    assert "[red] [31m[/nothing]" in member.said


def test_progress_shows_such_names_as_they_are(member):
    member.terminal = True
    member.fake.add_playlist("[red]Mine[/nothing]", [in_playlist(1)])
    assert member(playlists=[""]) == 0
    assert "Playlist [red]Mine[/nothing]" in member.said


def test_playlists_of_others_are_named_and_not_asked_for(member):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.add_playlist("Theirs", [in_playlist(2)], owner={"id": "other"})
    member.fake.playlists.append(None)  # as Spotify has been seen to answer
    assert member(playlists=[""]) == 0
    assert "only playlists of your own, so 1 could not be read: 'Theirs'" in member.said
    assert member.fake.offsets("/items") == ["0"]


def test_a_playlist_that_spotify_keeps_back_does_not_stop_the_others(member):
    shared = {"owner": {"id": "other"}, "collaborative": True}
    member.fake.add_playlist("Shared", [in_playlist(1)], **shared)
    member.fake.add_playlist("Mine", [in_playlist(2)])
    assert member(playlists=[""]) == 0
    assert "'Shared'" in member.said
    assert member.catalogue.find(f"spotify:track:{spotify_id(2)}")


NOTHING = '{"items": null}'
USED_UP = '{"error": {"status": 429, "message": "no", "reason": "QUOTA_EXCEEDED"}}'


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 200, "body": NOTHING}])
def test_a_playlist_with_trouble_is_told_and_does_not_stop_the_others(member, fault):
    broken = member.fake.add_playlist("Broken", [in_playlist(1)])
    member.fake.add_playlist("Fine", [in_playlist(2)])
    member.fake.saved = [saved_song(3)]
    member.fake.faults.append(Fault(f"{broken}/items", times=5, **fault))
    assert member() == 1
    assert "2 songs added" in member.said
    assert member.sentence().startswith("Spotify ")
    assert member.sentence().endswith("Not read: 'Broken'.")
    member.fake.faults.clear()
    assert member() == 0
    assert "1 song added" in member.said


@pytest.mark.parametrize("fault", [{"status": 401}, {"status": 429, "body": USED_UP}])
def test_where_no_other_request_would_go_better_the_run_stops(member, fault):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.add_playlist("Too", [in_playlist(2)])
    member.fake.faults.append(Fault("/items", times=99, **fault))
    assert member() == 1
    assert len(set(member.fake.paths()) - {"/api/token"}) == 3  # me, lists, the first


def test_a_playlist_deleted_just_now_is_told_so(member):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.faults.append(Fault("/items", 404))
    assert member() == 0
    assert "Spotify no longer has 'Mine'." in member.said
    assert "of your own" not in member.said


def test_an_unchanged_playlist_is_not_read_again_and_a_changed_one_is(member):
    playlist = member.fake.add_playlist("Mine", [in_playlist(1)])
    member(playlists=[""])
    version = member.catalogue.version()
    assert member(playlists=[""]) == 0
    assert member.fake.offsets("/items") == ["0"]
    assert "1 unchanged" in member.said
    assert member.catalogue.version() == version
    member.fake.entries[playlist].append(in_playlist(2))
    member.fake.playlists[0]["snapshot_id"] = "Mine 2"
    assert member(playlists=[""]) == 0
    assert member.catalogue.counts()["tracks"] == 2


def test_one_playlist_can_be_named_or_linked(member):
    first = member.fake.add_playlist("Quiet evening", [in_playlist(1)])
    second = member.fake.add_playlist("Party", [in_playlist(2)])
    assert member(playlists=["quiet EVENING"]) == 0
    assert member.fake.paths()[-1] == f"/v1/playlists/{first}/items"
    link = f"https://open.spotify.com/playlist/{second}?si=abc"
    assert member(playlists=[link]) == 0
    assert member.fake.paths()[-1] == f"/v1/playlists/{second}/items"
    assert member(playlists=["Work"]) == 1
    assert member.sentence().startswith("None of your playlists is 'Work'")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("👩\u200d🚀 Mix", "👩\u200d🚀 mix"),
        ("Soft\u00a0rock", "Soft\u00a0rock"),
        ("Soft\u00a0rock", "soft rock"),
        ("Cafe\u0301", "caf\u00e9"),
    ],
)
def test_a_playlist_can_be_named_as_it_is_shown(member, name, asked):
    member.fake.add_playlist(name, [in_playlist(1)])
    assert member(playlists=[asked]) == 0
    assert member.catalogue.counts()["tracks"] == 1


def test_saved_songs_are_read_only_as_far_as_they_are_new(member):
    member.fake.saved = [saved_song(n) for n in range(200, 0, -1)]
    assert member(saved=True) == 0
    assert member.catalogue.counts()["tracks"] == 200
    member.fake.asked.clear()
    assert member(saved=True) == 0
    assert member.fake.paths() == ["/v1/me", "/v1/me/tracks"]
    assert "1 unchanged" in member.said
    member.fake.saved = [saved_song(n) for n in range(203, 200, -1)] + member.fake.saved
    member.fake.asked.clear()
    assert member(saved=True) == 0
    assert len(member.fake.asked) == 3  # who, the newest, one page
    assert member.catalogue.counts()["tracks"] == 203


def test_saved_songs_are_read_in_full_where_the_order_is_not_as_before(member):
    member.fake.saved = [saved_song(n) for n in range(200, 0, -1)]
    assert member(saved=True) == 0
    # One was taken out, and one was saved as if it were an old one.
    del member.fake.saved[0]
    member.fake.saved.insert(120, saved_song(300) | {"added_at": "2026-01-03"})
    assert member(saved=True) == 0
    assert member.catalogue.find(f"spotify:track:{spotify_id(300)}")


def test_a_search_goes_ten_by_ten_to_the_first_fifty(member):
    member.fake.finds = [song(n) for n in range(75)]
    assert member(searches=["blue songs"]) == 0
    assert member.fake.offsets("/search") == ["0", "10", "20", "30", "40"]
    assert member.catalogue.counts()["tracks"] == 50


# Kills and interruptions


@pytest.mark.parametrize("what", ["playlist", "saved"])
def test_a_kill_loses_at_most_a_page_and_the_next_run_goes_on_there(member, what):
    end = {"playlist": "/items", "saved": "/me/tracks"}[what]
    if what == "playlist":
        member.fake.add_playlist("Mine", [in_playlist(n) for n in range(130)])
    else:
        member.fake.saved = [saved_song(n) for n in range(130, 0, -1)]
    kill_at(member, end, "100")

    assert member.catalogue.counts()["tracks"] == 100
    member.fake.asked.clear()
    assert member() == 0
    assert "100" in member.fake.offsets(end)
    assert "50" not in member.fake.offsets(end)
    assert member.catalogue.counts()["tracks"] == 130
    assert "30 songs added, 0 known before" in member.said
    assert faults.wounds(member.catalogue.path) == []


def test_what_was_read_before_an_interruption_stays(member):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(80)])
    member.fake.faults.append(Fault("/me/tracks", 503, times=99))

    def interrupt(_):
        raise KeyboardInterrupt

    member.slept = types.SimpleNamespace(append=interrupt)
    assert member() == 130
    assert "80 songs added" in member.said
    assert member.catalogue.counts()["tracks"] == 80
