"""What a server says, and goes on doing, when its surroundings are in disorder."""

from __future__ import annotations

import urllib.request

import pytest

from tests.server.conftest import copy_home
from tests.server.videos import write_face

QUICK = {"interval": 2, "dwell": 2}


@pytest.fixture
def folder(home, tmp_path):
    return copy_home(home, tmp_path / "server")


def test_a_setting_out_of_range_is_named_and_mopidy_goes_on(serve):
    server = serve(has_songs=False, dwell="-5")
    assert "moodcam/dwell" in server.log
    assert "Traceback" not in server.log
    server.client.ping()
    with pytest.raises(urllib.request.HTTPError):
        server.status()


def test_a_missing_video_is_named_once_and_playing_goes_on(serve, tmp_path):
    missing = tmp_path / "nowhere.avi"
    server = serve(camera=missing, **QUICK)
    server.wait_for(lambda: in_trouble(server), "trouble")
    assert str(missing) in server.status()["camera"]["why"]
    assert server.log.count(str(missing)) == 1
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "picks without a camera")


def test_a_video_that_appears_later_is_used_without_a_restart(serve, tmp_path):
    camera = tmp_path / "later.avi"
    server = serve(camera=camera, **QUICK)
    server.wait_for(lambda: in_trouble(server), "trouble")
    write_face(camera, "happy")
    server.wait_for_queue(lambda q: len(q) == 2, "picks")


def test_a_broken_video_is_named_and_nothing_is_queued(serve, tmp_path):
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"RIFF no video at all" * 50)
    server = serve(camera=broken, **QUICK)
    server.wait_for(lambda: in_trouble(server), "trouble")
    assert "broken.avi" in server.status()["camera"]["why"]
    assert server.queue() == []


def test_a_corrupt_catalogue_is_named_once_and_mopidy_goes_on(serve, folder):
    catalogue = folder / "data" / "moodcam" / "catalogue.sqlite"
    for path in catalogue.parent.glob("catalogue.sqlite*"):
        path.unlink()
    catalogue.write_bytes(b"no database " * 1000)
    server = serve(folder=folder, has_songs=False)
    server.wait_for(lambda: server.status()["songs"]["why"], "a word on the songs")
    assert str(catalogue) in server.status()["songs"]["why"]
    server.feel("happy")
    server.client.ping()
    assert server.log.count("catalogue.sqlite") == 1


def test_a_corrupt_state_file_is_set_aside_and_mopidy_goes_on(serve, folder):
    state = folder / "data" / "moodcam" / "state.json"
    state.write_text("{")
    server = serve(folder=folder)
    assert "state.json" in server.log
    assert state.with_suffix(".broken").exists()
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "picks")


def test_without_any_songs_the_status_says_what_to_do(serve, folder):
    for path in (folder / "data" / "moodcam").glob("catalogue.sqlite*"):
        path.unlink()
    server = serve(folder=folder, has_songs=False)
    server.feel("happy")
    server.wait_for(lambda: server.status()["mood"]["label"] == "happy", "the mood")
    server.wait_for(
        lambda: "mopidy moodcam scan" in server.status()["songs"]["why"],
        "a word on the songs",
    )
    assert server.queue() == []


def in_trouble(server):
    return server.status()["camera"]["state"] == "trouble"
