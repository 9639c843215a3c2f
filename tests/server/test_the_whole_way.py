"""From a face to songs in the queue, as people with MPD and HTTP clients see it."""

from __future__ import annotations

import os
import pathlib
import time

import pytest

from mopidy_moodcam.glossary import SongMood
from tests.server.conftest import moods_of, name_of, uris
from tests.server.videos import frames_of, write, write_empty_room, write_face
from tests.shared import shared_data

QUICK = {"interval": 2, "dwell": 2}


def test_a_smiling_face_brings_happy_songs_into_the_queue(serve, tmp_path):
    video = write_face(tmp_path / "smile.avi", "happy")
    server = serve(camera=video, **QUICK)
    queue = server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    assert moods_of(queue) == {"happy"}
    server.wait_for(lambda: mood_of(server) == "happy", "a happy room")
    status = server.status()
    assert status["counters"]["frames_seen"] >= 5
    assert [pick["uri"] for pick in status["next_picks"]] == uris(server)


def test_another_expression_brings_other_songs(serve, tmp_path):
    smile = write_face(tmp_path / "smile.avi", "happy", 14)
    surprise = write_face(tmp_path / "surprise.avi", "surprise", 14)
    both = write(tmp_path / "both.avi", [*frames_of(smile), *frames_of(surprise)])
    server = serve(camera=both, **QUICK)
    server.wait_for_queue(lambda q: moods_of(q) == {"happy"}, "happy songs")
    server.wait_for_queue(lambda q: moods_of(q) == {"energetic"}, "energetic songs")
    labels = lambda: {mood["label"] for mood in server.status()["history"]}  # noqa: E731
    server.wait_for(lambda: {"happy", "surprise"} <= labels(), "both moods")


def test_the_log_names_every_pick_and_the_status_its_reason(serve):
    server = serve()
    server.feel("sad")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    picks = server.wait_for(lambda: server.status()["next_picks"], "picks to come")
    log = " ".join(server.log.split())
    for pick in picks:
        assert "sad" in pick["reason"]
        assert f"{pick['title']} by {pick['artist']}" in log


def test_an_empty_room_queues_nothing(serve, tmp_path):
    server = serve(camera=write_empty_room(tmp_path / "room.avi"), **QUICK)
    readings = lambda: server.status()["counters"]["readings"] >= 4  # noqa: E731
    server.wait_for(readings, "four readings")
    assert server.status()["mood"]["label"] == "unknown"
    assert server.status()["reading"]["reason"] == "nobody"
    assert server.queue() == []


def test_songs_queued_by_people_stay_first_and_untouched(serve):
    server = serve()
    people = ["local:track:other-0.wav", "local:track:other-1.wav"]
    for uri in people:
        server.client.add(uri)
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 4, "picks behind people's tracks")
    server.client.add("local:track:other-2.wav")
    server.feel("fear")
    server.post("mood", {"song_mood": "calm"})
    queue = server.wait_for_queue(
        lambda q: moods_of(q[3:]) == {"calm"}, "calm songs behind all people's tracks"
    )
    assert queue[:3] == ["other-0.wav", "other-1.wav", "other-2.wav"]


def test_a_mood_change_replaces_the_picks_to_come(serve):
    server = serve()
    server.feel("happy")
    server.wait_for_queue(lambda q: moods_of(q) == {"happy"}, "happy songs")
    server.feel("sad")
    queue = server.wait_for_queue(lambda q: moods_of(q) == {"sad"}, "sad songs")
    assert len(queue) == 2


def test_autostart_starts_the_music_and_keeps_two_songs_ahead(serve):
    server = serve(autostart="true")
    server.feel("happy")
    state = lambda: server.client.status().get("state") == "play"  # noqa: E731
    server.wait_for(state, "music")
    first = server.client.currentsong()["file"]
    server.wait_for(
        lambda: server.client.currentsong().get("file") != first, "the next song", 30
    )
    server.wait_for(lambda: server.ahead() >= 2, "two songs ahead")


def test_without_autostart_nothing_starts_by_itself(serve):
    server = serve()
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    time.sleep(1.5)
    assert server.client.status()["state"] == "stop"


def test_a_mood_chosen_in_an_mpd_client_begins_the_music(serve):
    server = serve()
    outputs = {o["outputname"]: o["outputid"] for o in server.client.outputs()}
    server.client.enableoutput(outputs["Mood: sad"])
    playing = lambda: server.client.status().get("state") == "play"  # noqa: E731
    server.wait_for(playing, "music")
    assert "sad" in server.client.currentsong()["file"]


def test_the_mood_waits_for_the_song_that_plays(serve):
    server = serve(autostart="true")
    server.feel("happy")
    server.wait_for(
        lambda: server.client.status().get("state") == "play", "music playing"
    )
    playing = server.client.currentsong()["file"]
    server.feel("sad")
    server.wait_for_queue(lambda q: "sad" in moods_of(q), "sad songs")
    assert server.client.currentsong()["file"] == playing


def test_own_tracks_are_known_again_after_a_restart(serve):
    restore = {"core": {"restore_state": "true"}}
    server = serve(sections=restore)
    server.client.add("local:track:other-0.wav")
    server.feel("happy")
    server.wait_for_queue(lambda q: len(q) == 3, "two picks")
    server.stop()
    again = serve(folder=server.data.parents[1], sections=restore)
    assert len(again.queue()) == 3
    again.feel("sad")
    queue = again.wait_for_queue(
        lambda q: moods_of(q) == {"other", "sad"}, "sad songs instead of happy ones"
    )
    assert queue[0] == "other-0.wav"
    assert len(queue) == 3


def test_every_song_mood_is_a_playlist_and_a_folder(serve):
    server = serve()
    names = {entry["playlist"] for entry in server.client.listplaylists()}
    assert names >= {f"MoodCam {mood.capitalize()}" for mood in SongMood}
    songs = server.client.listplaylist("MoodCam Happy")
    assert moods_of(map(name_of, songs)) == {"happy"}
    assert "MoodCam" in {entry.get("directory") for entry in server.client.lsinfo("/")}


def test_the_camera_is_a_switch_among_the_outputs(serve, tmp_path):
    server = serve(camera=write_empty_room(tmp_path / "room.avi"), **QUICK)
    name, number = "Mood camera", None
    for output in server.client.outputs():
        if output["outputname"] == name:
            number = output["outputid"]
            assert output["outputenabled"] == "1"
    server.client.disableoutput(number)
    server.wait_for(lambda: not server.status()["camera"]["on"], "a camera that is off")
    server.wait_for(lambda: not eyes_of(server), "no eye")


def test_sigterm_ends_server_and_eye_within_two_seconds(serve, tmp_path):
    server = serve(camera=write_empty_room(tmp_path / "room.avi"), **QUICK)
    (eye,) = server.wait_for(lambda: eyes_of(server), "an eye")
    assert server.stop() < 2
    assert not pathlib.Path(f"/proc/{eye}").exists()


def test_a_real_camera_stays_off_until_somebody_consents(serve):
    server = serve(camera="/dev/video99", **QUICK)
    assert server.status()["camera"]["state"] == "needs consent"
    assert not eyes_of(server)
    server.post("camera", {"on": True, "consent": True})
    trouble = lambda: server.status()["camera"]["state"] == "trouble"  # noqa: E731
    server.wait_for(trouble, "a word on the missing camera")
    assert server.log.count("/dev/video99") <= 3


def test_no_picture_is_written_anywhere(serve, tmp_path):
    video = write_face(tmp_path / "smile.avi", "happy")
    server = serve(camera=video, **QUICK)
    seen = lambda: server.status()["counters"]["frames_seen"] > 10  # noqa: E731
    server.wait_for(seen, "frames")
    written = [p for p in server.data.parents[1].rglob("*") if p.is_file()]
    assert {p.suffix for p in written} <= KNOWN_ENDINGS, written


KNOWN_ENDINGS = {
    *("", ".conf", ".db", ".gz", ".json", ".jsonl", ".log", ".sqlite"),
    *(".sqlite-shm", ".sqlite-wal"),
}


def test_the_clip_of_a_smile_makes_the_room_happy(serve, tmp_path):
    clip = shared_data("faces/clips") / "neutral_to_smile.mp4"
    smile = write(tmp_path / "smile.avi", frames_of(clip)[-30:])
    server = serve(camera=smile, **QUICK)
    queue = server.wait_for_queue(lambda q: len(q) == 2, "two picks")
    assert moods_of(queue) == {"happy"}
    server.wait_for(lambda: mood_of(server) == "happy", "a happy room")


def test_the_clip_without_a_face_queues_nothing(serve):
    clip = shared_data("faces/clips") / "no_face.mp4"
    server = serve(camera=clip, **QUICK)
    server.wait_for(lambda: server.status()["counters"]["readings"] >= 4, "readings")
    assert server.queue() == []


def mood_of(server):
    return server.status()["mood"]["label"]


def eyes_of(server):
    """The process ids of the eyes that this server started."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if b"mopidy_moodcam.seeing" in words and int(parent) == server.process.pid:
            found.append(int(folder.name))
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_running():
    yield
    children = pathlib.Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if children.exists():
        names = [
            pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            for pid in children.read_text().split()
        ]
        assert not [name for name in names if b"seeing" in name]
