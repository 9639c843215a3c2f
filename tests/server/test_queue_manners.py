"""The DJ's manners in the queue, as somebody with an MPD client sees them.

Everything is real: Mopidy, its queue, and playback into a sink that nobody hears.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import itertools
import threading
import time

import numpy as np
import pytest

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from tests.server import stand_in
from tests.server.conftest import (
    SECONDS,
    SONGS_EACH,
    copy_home,
    moods_of,
    sound,
    uris,
)

OTHERS = [f"local:track:other-{i}.wav" for i in range(SONGS_EACH)]


def playing(serve, mood="happy", **settings):
    """A server that plays the DJ's songs and takes every change at once."""
    server = serve(autostart="true", hands_off=0, **settings)
    server.feel(mood)
    server.wait_for(lambda: state(server) == "play", "music")
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")
    return server


def state(server):
    return server.client.status()["state"]


def ids(server):
    return [entry["id"] for entry in server.client.playlistinfo()]


def current(server):
    return server.client.currentsong().get("id")


def coming(server):
    status = server.client.status()
    return ids(server)[int(status.get("song", -1)) + 1 :]


# Whose tracks are whose


def test_a_persons_copy_of_a_pick_is_the_persons(serve):
    server = serve(hands_off=0)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    mine = server.client.addid(uris(server)[0])
    server.feel("sad")
    server.wait_for_queue(lambda q: moods_of(q[1:]) == {"sad"}, "sad songs behind")
    assert ids(server)[0] == mine


def test_a_track_put_next_by_a_person_comes_next(serve):
    server = playing(serve)
    place = int(server.client.status()["song"]) + 1
    mine = server.client.addid(OTHERS[0], place)
    server.wait_for(lambda: coming(server)[:1] == [mine], "the person's track next")
    server.client.next()
    server.wait_for(lambda: current(server) == mine, "the person's track playing")
    server.wait_for(lambda: server.ahead() >= 2, "two picks behind it")


def test_picks_move_behind_what_a_person_appends(serve):
    server = serve()
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    for uri in OTHERS[:3]:
        server.client.add(uri)
    order = ["other-0.wav", "other-1.wav", "other-2.wav"]
    queue = server.wait_for_queue(
        lambda q: q[:3] == order and len(q) == 5, "picks behind people's tracks"
    )
    assert moods_of(queue[3:]) == {"happy"}


def test_a_pick_deleted_by_a_person_does_not_come_back(serve):
    server = serve()
    server.feel("happy")
    gone, _ = server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    server.client.delete(0)
    queue = server.wait_for_queue(lambda q: len(q) == 2, "two picks again")
    assert gone not in queue


# When a change may take effect


def test_in_the_last_five_seconds_the_next_pick_stays_and_is_played(serve):
    server = playing(serve)
    kept = coming(server)[0]
    server.client.seekcur(SECONDS - 4)
    server.feel("sad")
    server.wait_for_queue(lambda q: "sad" in moods_of(q), "sad songs")
    assert kept in ids(server)
    server.wait_for(lambda: current(server) == kept, "the kept pick playing")


def test_what_plays_always_stands_in_the_tracklist(serve):
    server = playing(serve)
    for mood, into in itertools.product(("sad", "happy"), (6.5, 8.0, 9.5)):
        server.client.seekcur(into)
        server.feel(mood)
        time.sleep(SECONDS - into + 0.5)
        server.wait_for(lambda: current(server) in ids(server), "no ghost", 3)
    assert state(server) == "play"


def test_after_a_persons_action_the_dj_tops_up_but_does_not_replan(serve):
    server = serve(hands_off=300)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    server.client.add(OTHERS[0])
    server.wait_for_queue(lambda q: q[0] == "other-0.wav" and len(q) == 3, "two picks")
    server.feel("sad")
    time.sleep(2.5)
    assert "sad" not in moods_of(server.queue())
    assert server.status()["hands_off_until"] is not None
    server.client.delete(1)
    server.wait_for_queue(lambda q: len(q) == 3, "two picks ahead again")


# Switches that belong to people


@pytest.mark.parametrize("switch", ["consume", "random", "repeat", "single"])
def test_switches_and_volume_stay_as_people_set_them(serve, switch):
    server = serve(autostart="true", hands_off=0)
    server.client.setvol(37)
    getattr(server.client, switch)(1)
    server.feel("happy")
    server.wait_for(lambda: state(server) == "play", "music")
    for mood in ("sad", "happy", "sad"):
        server.feel(mood)
        server.wait_for_queue(lambda q, m=mood: m in moods_of(q), f"{mood} songs")
        before = current(server)
        server.client.next()
        server.wait_for(lambda b=before: current(server) != b, "the next song")
        server.wait_for(lambda: len(uris(server)) >= 3, "two songs ahead")
        if switch != "random":
            server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")
    status = server.client.status()
    switches = ("consume", "random", "repeat", "single")
    assert {name for name in switches if status[name] == "1"} == {switch}
    assert status["volume"] == "37"
    assert status["state"] == "play"


def test_under_random_peoples_tracks_stay_and_the_music_never_runs_out(serve):
    server = serve(autostart="true", hands_off=0)
    server.client.random(1)
    mine = [server.client.addid(uri) for uri in OTHERS[:3]]
    server.feel("happy")
    server.wait_for(lambda: state(server) == "play", "music")
    for _ in range(8):
        server.client.next()  # under random core may draw the same one again
        time.sleep(0.6)
        assert [number for number in ids(server) if number in mine] == mine
    server.wait_for(lambda: state(server) == "play", "music")
    assert len(ids(server)) > len(mine)


# Limits


def test_a_full_tracklist_takes_what_fits_and_the_log_says_why_once(serve):
    limit = {"core": {"max_tracklist_length": "4"}}
    server = serve(sections=limit, hands_off=0)
    for uri in OTHERS[:3]:
        server.client.add(uri)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 4, "the one pick that fits")
    server.wait_for(lambda: "core/max_tracklist_length" in server.log, "a word on it")
    server.client.delete(0)
    server.wait_for_queue(lambda q: moods_of(q[2:]) == {"happy"} and len(q) == 4, "two")
    assert server.log.count("core/max_tracklist_length") == 1


def test_a_tracklist_full_of_people_and_picks_still_changes_with_the_mood(serve):
    server = serve(sections={"core": {"max_tracklist_length": "4"}}, hands_off=0)
    server.client.add(OTHERS[0])
    server.client.add(OTHERS[1])
    server.feel("happy")
    server.wait_for_queue(lambda q: moods_of(q[2:]) == {"happy"} and len(q) == 4, "two")
    server.feel("sad")
    queue = server.wait_for_queue(lambda q: moods_of(q[2:]) == {"sad"}, "sad songs")
    assert queue[:2] == ["other-0.wav", "other-1.wav"]


# When nothing plays


def test_an_emptied_queue_is_filled_but_not_started(serve):
    server = serve(hands_off=0)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    server.client.play()
    server.wait_for(lambda: state(server) == "play", "music")
    server.client.clear()
    server.wait_for_queue(lambda q: len(q) == 2, "two new picks")
    time.sleep(1.5)
    assert state(server) == "stop"


@pytest.mark.parametrize("pause", [0.05, 0.3])
def test_whoever_replaces_the_queue_and_plays_hears_their_own(serve, pause):
    server = playing(serve)
    server.client.clear()
    time.sleep(pause)
    server.client.add(OTHERS[0])
    time.sleep(pause)
    server.client.play()
    server.wait_for(lambda: state(server) == "play", "music")
    server.wait_for(lambda: server.ahead() >= 2, "two picks behind it")
    assert server.client.currentsong()["file"] == OTHERS[0]
    assert uris(server)[0] == OTHERS[0]


def test_music_that_a_person_stopped_stays_stopped(serve):
    server = playing(serve)
    server.client.stop()
    time.sleep(3)
    server.feel("sad")
    server.wait_for_queue(lambda q: "sad" in moods_of(q), "sad songs")
    assert state(server) == "stop"


# Others at the same moment


def test_shuffling_and_moods_at_the_same_moment_lose_no_track(serve):
    server = playing(serve)
    mine = {server.client.addid(uri) for uri in OTHERS}
    for mood in ("sad", "happy") * 8:
        telling = threading.Thread(target=server.feel, args=(mood,))
        telling.start()
        server.client.shuffle()
        telling.join()
        assert mine <= set(ids(server))
    server.wait_for(lambda: picks_stand_last(server, mine), "picks behind all others")
    assert state(server) == "play"


def picks_stand_last(server, mine):
    whose = [number in mine for number in coming(server)]
    return len(whose) >= 2 and whose == sorted(whose, reverse=True)


def test_clearing_and_moods_at_the_same_moment_leave_a_filled_queue(serve):
    server = playing(serve)
    for mood in ("sad", "happy") * 6:
        telling = threading.Thread(target=server.feel, args=(mood,))
        telling.start()
        server.client.clear()
        telling.join()
    server.wait_for_queue(lambda q: len(q) >= 2, "two picks")


# Other backends


def with_songs(home, folder, uri_of):
    """Data whose catalogue holds six songs a mood with the URIs given."""
    copy_home(home, folder)
    rng = np.random.default_rng(7)
    with Catalogue.open(folder / "data" / "moodcam" / "catalogue.sqlite") as catalogue:
        catalogue.forget("everything")
        for mood, i in itertools.product(SongMood, range(SONGS_EACH)):
            uri, name = uri_of(mood, i), f"{mood}-{i}"
            catalogue.upsert_tracks([TrackRow(uri=uri, title=name, artist=name)])
            catalogue.store_features(uri, sound(mood, rng))
    return folder


@pytest.fixture
def service(tmp_path, music, monkeypatch):
    return stand_in.install(tmp_path / "service", music, monkeypatch)


@pytest.fixture
def with_service(service, home, tmp_path):
    """Data whose catalogue holds songs of the service."""
    assert service.exists()
    return with_songs(home, tmp_path / "data", lambda m, i: f"spotify:track:{m}-{i}")


def test_songs_of_a_streaming_service_are_queued_and_played(serve, with_service):
    server = playing(serve, folder=with_service)
    assert moods_of(server.queue()) == {"happy"}
    before = current(server)
    server.client.next()
    server.wait_for(lambda: current(server) != before, "the next song")
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")


def test_songs_that_a_service_calls_otherwise_stay_the_djs(
    serve, service, with_service
):
    (service / "renames").touch()
    server = playing(serve, folder=with_service)
    time.sleep(3)
    assert len(server.queue()) == 3
    server.feel("sad")
    server.wait_for_queue(lambda q: moods_of(q[1:]) == {"sad"}, "sad songs")


def test_a_slow_service_keeps_nobody_waiting_and_the_music_going(
    serve, service, with_service
):
    server = playing(serve, folder=with_service)
    (service / "delay").write_text("2.5")
    server.feel("sad")
    begun = time.monotonic()
    server.status()
    assert time.monotonic() - begun < 1
    server.wait_for_queue(lambda q: "sad" in moods_of(q), "sad songs")
    for _ in range(3):
        time.sleep(1)
        assert state(server) == "play"


def test_a_service_that_is_gone_is_said_once_and_taken_up_when_it_is_back(
    serve, service, with_service
):
    (service / "away").touch()
    server = serve(folder=with_service, hands_off=0)
    server.feel("happy")
    server.wait_for(lambda: "did not take" in server.log, "a word on it")
    time.sleep(3)
    assert server.log.count("did not take") == 1
    (service / "away").unlink()
    server.wait_for_queue(lambda q: len(q) == 2, "two picks", 45)


def test_songs_that_cannot_be_played_are_passed_over(serve, service, home, tmp_path):
    assert service.exists()
    uri_of = lambda m, i: f"spotify:track:{m}-{i}{'-gone' if i % 2 else ''}"  # noqa: E731
    server = playing(serve, folder=with_songs(home, tmp_path / "data", uri_of))
    for _ in range(5):
        before = current(server)
        server.client.next()
        server.wait_for(lambda b=before: current(server) != b, "the next song")
        server.wait_for(lambda: server.ahead() >= 1, "songs ahead")
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")
    server.wait_for(lambda: state(server) == "play", "music")


@pytest.mark.parametrize("trouble", [("refused", 4), ("broken", 1)])
@pytest.mark.parametrize("consume", [0, 1])
def test_music_starts_although_the_first_picks_cannot_be_played(
    serve, service, with_service, trouble, consume
):
    what, songs = trouble
    (service / what).write_text(str(songs))
    server = serve(folder=with_service, autostart="true", hands_off=0)
    server.client.consume(consume)
    server.feel("happy")
    server.wait_for(lambda: state(server) == "play", "music")
    assert server.client.status()["song"] == "0"  # what cannot be played is gone
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")


def test_a_song_that_consume_takes_since_it_cannot_be_played_was_taken_by_nobody(
    serve, service, with_service
):
    server = serve(folder=with_service, autostart="true", hands_off=3)
    hands_off = lambda: server.status()["hands_off_until"] is not None  # noqa: E731
    server.feel("happy")
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")
    server.client.consume(1)
    server.wait_for(hands_off, "notice of the switch")
    server.wait_for(lambda: not hands_off(), "the end of the hands-off time")
    refused = coming(server)[0]
    (service / "refused").write_text("2")
    server.client.next()
    server.wait_for(lambda: refused not in ids(server), "the song passed over")
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")
    assert not hands_off()
    server.client.delete(1)
    server.wait_for(hands_off, "notice of a person's edit")


def test_next_before_the_first_song_sounds_does_not_end_the_music(serve):
    server = serve(autostart="true", hands_off=0)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) >= 2, "two picks")
    for _ in range(3):
        server.client.next()
    server.wait_for(lambda: state(server) == "play", "music")
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")


def test_songs_that_mopidy_does_not_know_are_replaced_by_others(serve, home, tmp_path):
    uri_of = lambda m, i: f"local:track:{m}-{i + 3}.wav"  # noqa: E731
    server = serve(folder=with_songs(home, tmp_path / "data", uri_of), hands_off=0)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks that exist")


def test_songs_behind_http_are_queued_and_played(serve, home, music, tmp_path):
    with serving(music) as address:
        uri_of = lambda m, i: f"{address}/{m}-{i}.wav"  # noqa: E731
        data = with_songs(home, tmp_path / "data", uri_of)
        server = playing(serve, folder=data)
        assert moods_of(server.queue()) == {"happy"}
        elapsed = lambda: float(server.client.status().get("elapsed", 0)) > 0.5  # noqa: E731
        server.wait_for(elapsed, "sound")


@contextlib.contextmanager
def serving(folder):
    """An HTTP server of one's own with the files of `folder`."""
    handler = functools.partial(_Quiet, directory=str(folder))
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{web.server_port}"
    finally:
        web.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
