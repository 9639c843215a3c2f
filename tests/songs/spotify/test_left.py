"""Songs that leave the lists they came from."""

import types

import pytest

from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.songs.catalogue import GONE, TrackRow
from tests.songs.libraries import spotify_id
from tests.songs.spotify.fake_spotify import (
    Fault,
    features,
    in_playlist,
    saved_song,
    song,
)
from tests.songs.spotify.listener import kill_at


def numbers(member):
    """Return the numbers of the songs in the catalogue."""
    return {int(uri.rpartition(":")[2]) for uri, _ in member.catalogue.uris()}


def change(fake, name, *songs):
    """Let a playlist hold these songs from now on."""
    for playlist in fake.playlists:
        if playlist["name"] == name:
            fake.entries[playlist["id"]][:] = map(in_playlist, songs)
            if playlist["snapshot_id"]:
                playlist["snapshot_id"] += "+"


def test_a_song_no_longer_saved_is_let_go(member):
    member.fake.saved = [saved_song(n) for n in range(120, 0, -1)]
    assert member() == 0
    del member.fake.saved[70]
    assert member() == 0
    assert numbers(member) == {*range(1, 121)} - {50}
    assert "in none of your lists any more, now let go: 1." in member.said
    member.fake.saved.insert(0, saved_song(121))
    assert member() == 0  # ends early: the known ones follow
    assert numbers(member) == {*range(1, 122)} - {50}
    assert "let go" not in member.said


@pytest.mark.parametrize("snapshot", ["a", None])
def test_a_song_taken_out_of_a_playlist_is_let_go_unless_another_has_it(
    member, snapshot
):
    songs = [in_playlist(n) for n in range(120)]
    member.fake.add_playlist("Mine", songs, snapshot_id=snapshot)
    member.fake.add_playlist("Too", [in_playlist(3)])
    assert member() == 0
    change(member.fake, "Mine", *range(4, 120))
    assert member() == 0
    assert numbers(member) == {*range(3, 120)}
    assert "now let go: 3." in member.said


def test_the_songs_of_a_deleted_playlist_are_let_go(member):
    member.fake.add_playlist("Mine", [in_playlist(1), in_playlist(2)])
    member.fake.add_playlist("Too", [in_playlist(2), in_playlist(3)])
    assert member() == 0
    deleted = member.fake.playlists.pop(0)
    assert member(playlists=["Too"]) == 0  # the others were not asked about
    assert numbers(member) == {1, 2, 3}
    assert member() == 0
    assert numbers(member) == {2, 3}
    member.fake.playlists.append(deleted)  # as Spotify's own page can bring it back
    assert member() == 0
    assert numbers(member) == {1, 2, 3}


def test_the_playlists_of_another_account_stay(member):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    assert member() == 0
    member.fake.playlists.clear()
    member.fake.faults.append(Fault("/v1/me", 200, '{"id": "partner"}'))
    assert member() == 0
    assert numbers(member) == {1}


def test_songs_from_a_table_or_a_search_are_in_no_list_to_leave(member):
    member.catalogue.upsert_tracks([TrackRow(f"spotify:track:{spotify_id(1)}", "Song")])
    member.fake.finds = [song(2)]
    assert member(searches=["two"]) == 0
    member.fake.finds = [song(3)]
    assert member(searches=["two"]) == 0
    assert member() == 0
    assert numbers(member) == {1, 2, 3}


def test_a_song_that_went_into_a_list_that_was_not_asked_for_stays(member):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.add_playlist("Too", [])
    assert member() == 0
    before = member.catalogue.find(f"spotify:track:{spotify_id(1)}")
    change(member.fake, "Mine")
    change(member.fake, "Too", 1)
    assert member(playlists=["Mine"]) == 0
    assert member.catalogue.find(before.uri) == before
    assert member() == 0
    assert numbers(member) == {1}


def test_a_song_that_may_not_be_played_for_now_stays(member):
    mine = member.fake.add_playlist("Mine", [in_playlist(1), in_playlist(2)])
    assert member() == 0
    change(member.fake, "Mine", 1, 2)
    member.fake.entries[mine][0]["item"]["is_playable"] = False
    assert member() == 0
    assert "not to be played in your country" in member.said
    assert numbers(member) == {1, 2}


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_playlist_that_is_refused_keeps_its_songs(member, status):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    assert member() == 0
    change(member.fake, "Mine", 2)
    member.fake.faults.append(Fault("/items", status, times=5))
    member()
    assert numbers(member) == {1}


def test_a_song_is_not_lost_on_its_way_into_a_playlist_with_trouble(member):
    member.fake.add_playlist("Mine", [in_playlist(1), in_playlist(2)])
    too = member.fake.add_playlist("Too", [])
    assert member() == 0
    before = member.catalogue.find(f"spotify:track:{spotify_id(1)}")
    change(member.fake, "Mine")
    change(member.fake, "Too", 1)
    member.fake.faults.append(Fault(f"{too}/items", 500, times=5))
    assert member() == 1
    assert numbers(member) == {1, 2}
    assert member() == 0
    assert numbers(member) == {1}
    assert member.catalogue.find(before.uri) == before


def test_a_kill_within_a_list_keeps_what_was_not_met_yet(member):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(130)])
    assert member() == 0
    change(member.fake, "Mine", *range(1, 129))
    kill_at(member, "/items", "100")
    assert numbers(member) == {*range(130)}
    member.fake.asked.clear()
    assert member() == 0
    assert member.fake.offsets("/items") == ["100"]
    assert numbers(member) == {*range(1, 129)}


def test_what_left_before_an_interruption_is_let_go_by_the_next_run(member):
    member.fake.add_playlist("Mine", [in_playlist(1), in_playlist(2)])
    assert member() == 0
    change(member.fake, "Mine", 2)
    member.fake.faults.append(Fault("/me/tracks", 503))

    def interrupt(_):
        raise KeyboardInterrupt

    slept, member.slept = member.slept, types.SimpleNamespace(append=interrupt)
    assert member() == 130
    assert numbers(member) == {1, 2}
    member.slept = slept
    assert member() == 0
    assert numbers(member) == {2}


def test_what_a_person_said_of_a_song_outlives_its_lists(member):
    member.fake.saved = [saved_song(1)]
    assert member() == 0
    uri = f"spotify:track:{spotify_id(1)}"
    member.catalogue.judge(uri, Verdict.BANNED)
    member.fake.saved = []
    member.fake.features = {spotify_id(1): features(1)}
    member.audio_features = True
    assert member() == 0
    row = member.catalogue.find(uri)
    assert (row.verdict, row.failed) == (Verdict.BANNED, GONE)
    member.fake.saved = [saved_song(1)]
    assert member() == 0
    row = member.catalogue.find(uri)
    assert (row.verdict, row.failed) == (Verdict.BANNED, None)
