import dataclasses
import io
import json
import socket
import types

import pytest
from rich.console import Console

from mopidy_moodcam.songs.catalogue import GONE, TrackRow
from mopidy_moodcam.songs.features import Features, FeatureSource
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.shelf import load_shelf
from mopidy_moodcam.songs.survey import WalkedTrack
from tests.songs import faults, sound_files
from tests.songs.libraries import spotify_id
from tests.songs.spotify.fake_spotify import (
    Fault,
    features,
    in_playlist,
    saved_song,
    song,
)

TOO_MANY = '{"error": {"status": 429, "message": "Too many requests"%s}}'


# Patience


def test_spotify_gets_the_pause_it_asks_for(member):
    pause = {"Retry-After": "17"}
    member.fake.faults.append(Fault("/me", 429, TOO_MANY % "", pause, times=2))
    assert member(saved=True) == 0
    assert member.slept == [17.0, 17.0]
    assert "Spotify asks for a pause of 17 seconds." in member.said


@pytest.mark.parametrize(
    ("body", "headers", "when"),
    [
        (TOO_MANY % ', "reason": "QUOTA_EXCEEDED"', {}, "later"),
        (
            TOO_MANY % ', "reason": "QUOTA_EXCEEDED"',
            {"Retry-After": "50"},
            "in a minute",
        ),
        (TOO_MANY % "", {"Retry-After": "36000"}, "in 10 hours"),
        (TOO_MANY % "", {"Retry-After": "inf"}, "later"),
    ],
)
def test_a_used_up_quota_is_said_and_not_waited_for(member, body, headers, when):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(10)])
    member.fake.faults.append(Fault("/me/tracks", 429, body, headers))
    assert member() == 1
    assert when in member.sentence()
    assert member.slept == []
    assert member.catalogue.counts()["tracks"] == 10


def test_trouble_that_passes_is_waited_out(member):
    member.fake.faults.append(Fault("/me", 500))
    member.fake.faults.append(Fault("/me", 502, "<html>Bad gateway</html>"))
    member.fake.faults.append(Fault("/me", 429, TOO_MANY % ""))
    assert member(saved=True) == 0
    assert member.slept == [1.0, 2.0, 4.0]


def test_trouble_that_stays_is_one_sentence(member):
    member.fake.faults.append(Fault("/me", 503, times=99))
    assert member(saved=True) == 1
    assert len(member.slept) == 4
    assert member.sentence().startswith("Spotify has trouble of its own just now")
    assert member.said.count("\n") == 1


def test_a_spotify_that_never_has_enough_pauses_is_left_alone(member):
    pause = {"Retry-After": "30"}
    member.fake.faults.append(Fault("/me", 429, TOO_MANY % "", pause, times=99))
    assert member(saved=True) == 1
    assert member.slept == [30.0] * 4
    assert member.sentence().startswith("Spotify asks for pauses again and again")


def test_trouble_while_a_token_is_renewed_is_waited_out_too(member):
    member.fake.expire()
    member.fake.faults.append(Fault("/api/token", 503, "upstream"))
    member.fake.faults.append(Fault("/api/token", 200, '{"access_token": "x"}'))
    assert member(saved=True) == 0
    assert member.slept == [1.0, 2.0]


def test_without_a_network_there_is_one_sentence(member):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    away = f"http://127.0.0.1:{port}/"
    member.fake = types.SimpleNamespace(
        service=type(member.fake.service)(f"{away}v1/", away)
    )
    assert member(saved=True) == 1
    assert member.sentence().startswith("Spotify cannot be reached: check")
    assert member.said.count("\n") == 1


def test_an_application_without_permission_is_told_what_is_needed(member):
    said = '{"error": {"status": 403, "message": "User not registered"}}'
    member.fake.faults.append(Fault("/v1/me", 403, said))
    assert member() == 1
    assert "(User not registered): its owner needs Premium" in member.sentence()


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "[]", "null", "{}", '{"items": {}}', '{"items": null}', "\x00"],
)
def test_an_answer_in_no_known_form_is_one_sentence(member, body):
    member.fake.faults.append(Fault("/me/tracks", 200, body, times=99))
    assert member(saved=True) == 1
    assert member.sentence().startswith("Spotify ")
    assert member.said.count("\n") == 1


@pytest.mark.parametrize("body", ["[]", '{"error": "why"}', '{"error": [1]}', "5"])
def test_a_refusal_in_no_known_form_is_one_sentence(member, body):
    member.fake.faults.append(Fault("/me/tracks", 400, body, times=99))
    assert member(saved=True) == 1
    assert member.sentence().startswith("Spotify ")


def test_the_token_is_not_sent_to_where_a_page_points_elsewhere(member):
    page = {"items": [saved_song(1)], "total": 9, "next": "http://127.0.0.1:1/v1/me"}
    body = json.dumps(page)
    member.fake.faults.append(Fault("/me/tracks", 200, body, times=2))
    assert member(saved=True) == 1
    assert "in a form unknown here" in member.sentence()
    assert member.slept == []


# Features


def test_features_are_not_asked_for_unless_the_listener_says_so(member):
    member.fake.finds = [song(1), song(2)]
    member.fake.features = {spotify_id(1): features(1)}
    assert member(searches=["x"]) == 0
    assert "/v1/audio-features" not in member.fake.paths()
    assert "2 songs from Spotify wait for features, which Spotify no" in member.said


def test_features_come_by_the_hundred_where_the_application_may(member):
    member.audio_features = True
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(250)])
    member.fake.features = {spotify_id(n): features(n) for n in range(250)}
    assert member() == 0
    assert member.fake.paths().count("/v1/audio-features") == 3
    row = member.catalogue.find(f"spotify:track:{spotify_id(249)}")
    assert row.features.source is FeatureSource.SPOTIFY
    assert (row.features.energy, row.features.key) == (0.7, 5)
    member.fake.asked.clear()
    assert member() == 0
    assert "/v1/audio-features" not in member.fake.paths()


def test_impossible_features_are_not_stored(member):
    member.audio_features = True
    member.fake.finds = [song(n) for n in range(6)]
    member.fake.features = {
        spotify_id(0): None,
        spotify_id(1): features(1, energy=5.2),
        spotify_id(2): features(2, tempo=0),
        spotify_id(3): features(3, valence=None),
        spotify_id(4): "nonsense",
        spotify_id(5): features(5),
    }
    assert member(searches=["x"]) == 0
    assert member.catalogue.counts()["spotify"] == 1
    assert "5 songs from Spotify wait for features: import a table" in member.said
    assert faults.nonsense_in(member.catalogue.path) == []


def test_a_403_for_features_is_explained_once(member):
    member.audio_features = True
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(250)])
    assert member() == 0
    assert member.said.count("Spotify does not give audio features") == 1
    assert "set moodcam/spotify_audio_features to false" in member.said
    assert member.fake.paths().count("/v1/audio-features") == 1
    assert "250 songs from Spotify wait" in member.said


AUDIO = Features(energy=0.9, valence=0.8, arousal=0.7, source=FeatureSource.AUDIO)
TABLE = Features(energy=0.1, valence=0.2, source=FeatureSource.TABLE)


@pytest.mark.parametrize(
    "file",
    [
        TrackRow("local:track:a.mp3", "Song 1 (feat. X)", "artist 1"),
        TrackRow("local:track:a.mp3", "Other", "Else", isrc="DEABC1900001"),
        TrackRow("local:track:a.mp3", spotify_id=spotify_id(1)),
    ],
)
def test_a_song_that_is_also_a_file_takes_over_its_features(member, file):
    member.catalogue.upsert_tracks([file])
    member.catalogue.store_features(file.uri, AUDIO)
    member.fake.finds = [song(1), song(2)]
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(f"spotify:track:{spotify_id(1)}").features == AUDIO
    assert member.catalogue.find(f"spotify:track:{spotify_id(2)}").features is None
    assert "1 song from Spotify wait" in member.said
    (only,) = load_shelf(member.catalogue).track_id
    assert member.catalogue.track(int(only)).uri == file.uri


def test_what_a_song_takes_over_it_gives_on(member):
    guess = dataclasses.replace(TABLE, source=FeatureSource.TAGS)
    member.catalogue.upsert_tracks(
        [
            TrackRow("jellyfin:1", "Song 1", "Artist 1", features=guess),
            TrackRow(f"spotify:track:{spotify_id(1)}", features=TABLE),
            TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=AUDIO),
        ]
    )
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    assert member.catalogue.find("jellyfin:1").features == AUDIO


def test_a_file_that_cannot_be_read_takes_over_nothing(member):
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1")
    uri = f"spotify:track:{spotify_id(1)}"
    member.catalogue.upsert_tracks([file, TrackRow(uri, features=TABLE)])
    member.catalogue.fail(file.uri, "silent", 1.5, 10)
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(file.uri).features is None


def test_a_longer_take_of_the_same_name_is_another_song(member):
    file = TrackRow(
        "local:track:a.mp3", "Song 1", "Artist 1", duration_ms=205_002, features=AUDIO
    )
    member.catalogue.upsert_tracks([file])
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    uri = f"spotify:track:{spotify_id(1)}"
    assert member.catalogue.find(uri).features is None
    member.catalogue.store_features(uri, TABLE)
    assert len(load_shelf(member.catalogue)) == 2


def test_a_file_analysed_later_gives_its_features_to_the_song_too(member):
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    uri = f"spotify:track:{spotify_id(1)}"
    member.catalogue.store_features(uri, TABLE)
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=AUDIO)
    member.catalogue.upsert_tracks([file])
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(uri).features == AUDIO


def test_a_scan_gives_the_features_of_its_files_to_such_songs(member, tmp_path):
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    path = sound_files.write(tmp_path / "1.wav", sound_files.song(seconds=3.5))
    file = WalkedTrack(path.as_uri(), path, "Song 1", "Artist 1")
    assert scan(member.catalogue, [file], console=Console(file=io.StringIO())) == 0
    row = member.catalogue.find(f"spotify:track:{spotify_id(1)}")
    assert row.features == member.catalogue.find(file.uri).features
    assert row.features.source is FeatureSource.AUDIO


def test_a_guess_from_a_files_tags_does_not_replace_a_table(member):
    guess = Features(energy=0.5, valence=0.5, source=FeatureSource.TAGS)
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=guess)
    uri = f"spotify:track:{spotify_id(1)}"
    member.catalogue.upsert_tracks([file, TrackRow(uri, features=TABLE)])
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(uri).features == TABLE


def test_a_song_that_is_also_a_file_is_on_the_shelf_once_as_the_file(member):
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=AUDIO)
    member.catalogue.upsert_tracks([file])
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    shelf = load_shelf(member.catalogue)
    assert list(shelf.track_id) == [member.catalogue.find(file.uri).track_id]
    member.catalogue.fail(file.uri, GONE, None, None)
    (left,) = load_shelf(member.catalogue).track_id
    assert member.catalogue.track(int(left)).uri.startswith("spotify:")
