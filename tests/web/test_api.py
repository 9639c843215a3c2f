"""The HTTP JSON as other programs meet it."""

import dataclasses
import json
import pathlib
import re
import time

import pytest

from mopidy_moodcam import desk as at_desk
from mopidy_moodcam.glossary import Goal, SongMood, Verdict
from mopidy_moodcam.status import CameraState, CameraStatus, Status
from mopidy_moodcam.web import routes

GETS = ["status.json", *(f"api/{name}" for name in [*routes.API, *routes.SONGS])]

COMMANDS = [
    ("camera", {"on": True, "consent": True}, at_desk.SwitchCamera(True, True)),
    ("camera", {"on": False}, at_desk.SwitchCamera(False)),
    ("goal", {"goal": "lift"}, at_desk.SetGoal(Goal.LIFT)),
    (
        "mood",
        {"song_mood": "happy", "seconds": 3600},
        at_desk.Override(SongMood.HAPPY, 3600.0),
    ),
    ("mood", {"song_mood": "calm"}, at_desk.Override(SongMood.CALM)),
    (
        "mood",
        {"song_mood": "calm", "seconds": None},
        at_desk.Override(SongMood.CALM),
    ),
    ("mood", {"song_mood": None}, at_desk.Override(None)),
    ("pause", {"seconds": 0}, at_desk.Pause(0.0)),
    (
        "feedback",
        {"uri": "local:track:a", "verdict": "banned"},
        at_desk.JudgeTrack("local:track:a", Verdict.BANNED),
    ),
    ("corrections", {"verdict": "concentrating"}, at_desk.Correct("concentrating")),
    ("corrections", {"forget": True}, at_desk.ForgetCorrections()),
    ("baseline", {}, at_desk.Baseline()),
    ("baseline", {"forget": True}, at_desk.Baseline(forget=True)),
    ("guests", {"allowed": True}, at_desk.AllowGuests(True)),
    ("readings", {"mood": "happy"}, at_desk.TakeMood("happy", 600.0)),
    ("readings", {"mood": "unknown", "seconds": 5}, at_desk.TakeMood("unknown", 5.0)),
    ("songs", {"reload": True}, at_desk.ReloadCatalogue()),
]

BAD = [
    ("camera", {}, "'on' must be true or false."),
    ("camera", {"on": "yes"}, "'on' must be true or false."),
    ("camera", {"on": True, "conset": True}, "'conset' is not known here"),
    ("goal", {"goal": "party"}, "'goal' must be one of match, lift, calm, hold."),
    ("goal", {"goal": ["lift"]}, "'goal' must be one of"),
    ("mood", {}, "'song_mood' must be one of happy"),
    ("mood", {"song_mood": "angry"}, "'song_mood' must be one of happy"),
    ("mood", {"song_mood": "sad", "seconds": -1}, "'seconds' must lie between 1"),
    ("mood", {"song_mood": "sad", "seconds": 10**400}, "'seconds' must lie between"),
    ("mood", {"song_mood": "sad", "seconds": True}, "'seconds' must lie between"),
    ("mood", {"song_mood": None, "seconds": False}, "'seconds' must lie between"),
    ("pause", {"seconds": "1h"}, "'seconds' must lie between 0"),
    ("feedback", {"uri": "nothing", "verdict": "loved"}, "'uri' must be the URI"),
    ("feedback", {"uri": 5, "verdict": "loved"}, "'uri' must be the URI"),
    ("feedback", {"uri": "a:\ud800", "verdict": "loved"}, "'uri' must be the URI"),
    ("feedback", {"uri": "a:b", "verdict": "meh"}, "'verdict' must be one of"),
    ("corrections", {"verdict": "left"}, "'verdict' must be one of right"),
    ("corrections", {"forget": False}, "Send either a verdict or"),
    ("corrections", {"forget": True, "verdict": "sad"}, "Send either a verdict or"),
    ("baseline", {"forget": 1}, "'forget' must be true or false."),
    ("guests", {}, "'allowed' must be true or false."),
    ("readings", {}, "either faces or a reason"),
    ("readings", {"mood": "jolly"}, "'mood' must be one of angry"),
    ("readings", {"mood": "sad", "seconds": 0}, "'seconds' must lie between 1"),
    ("readings", {"reason": "tired"}, "is no reason"),
    ("readings", {"faces": [{"probabilities": [1, 0]}]}, "needs 7 probabilities"),
    ("readings", {"faces": [{"probabilities": [1] * 7}]}, "must sum to 1"),
    (
        "readings",
        {"faces": [{"box": 5, "probabilities": [1, 0, 0, 0, 0, 0, 0]}]},
        "box must have four numbers",
    ),
    (
        "readings",
        {"faces": [{"pixels": 10**400, "probabilities": [1, 0, 0, 0, 0, 0, 0]}]},
        ".",
    ),
    ("songs", {"reload": False}, "'reload' must be true."),
]


@pytest.mark.parametrize("path", GETS)
def test_every_address_shows_something(client, path):
    status, shown = client.get(path)
    assert status == 200
    assert shown


def test_status_json_is_the_whole_status_with_sentences(client, desk):
    _, shown = client.get("status.json")
    assert shown["mood"]["label"] == desk.status.mood.label == "happy"
    assert shown["counters"]["frames_stored"] == 0
    assert shown["words"]["mood"].startswith("Mood: happy, 82% sure")


@pytest.mark.parametrize(("path", "body", "command"), COMMANDS)
def test_a_good_body_becomes_a_command(client, puppet, path, body, command):
    status, answer = client.post(f"api/{path}", body)
    assert (status, answer) == (202, {"accepted": True})
    assert puppet.commands == [command]


@pytest.mark.parametrize(("path", "body", "sentence"), BAD)
def test_bad_input_is_answered_with_a_sentence(client, puppet, path, body, sentence):
    status, answer = client.post(f"api/{path}", body)
    assert status == 400
    assert sentence in answer["error"]
    assert answer["error"].endswith(".")
    assert puppet.commands == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"5", b'{"on": NaN}', b"\xff\xfe", b"[" * 60000]
)
def test_what_is_no_json_object_is_refused(client, puppet, body):
    status, answer = client.post("api/camera", body)
    assert status == 400
    assert "JSON" in answer["error"]
    assert puppet.commands == []


def test_a_long_body_is_refused_before_it_is_read(client):
    status, answer = client.post("api/readings", b"x" * 65537)
    assert status == 413
    assert "65536 bytes" in answer["error"]


def test_a_long_body_in_chunks_is_cut_off(client, puppet):
    status, answer = client.post("api/camera", [b"x" * 10000] * 7)
    assert status == 413
    assert "65536 bytes" in answer["error"]
    assert puppet.commands == []


@pytest.mark.parametrize(
    ("length", "status"), [("²", 400), ("-1", 400), ("", 400), ("9" * 5000, 413)]
)
def test_a_length_that_is_none_is_refused(client, length, status):
    answer, text = client.ask("POST", "api/camera", b"{}", Content_Length=length)
    assert answer.status == status
    assert json.loads(text)["error"].endswith(".")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", ""]
)
def test_only_json_is_taken_as_browsers_send_the_rest_unasked(client, puppet, kind):
    status, answer = client.post("api/camera", {"on": True}, Content_Type=kind)
    assert status == 415
    assert "application/json" in answer["error"]
    assert puppet.commands == []


@pytest.mark.parametrize("path", [*routes.API, *routes.SONGS])
def test_no_get_changes_anything(client, puppet, path):
    client.get(f"api/{path}?on=true&goal=lift&song_mood=happy&seconds=5")
    assert puppet.commands == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_and_the_known_ones_named(client, method):
    answer, body = client.ask(method, "api/goal")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, POST"
    assert "POST changes" in json.loads(body)["error"]


def test_an_address_that_only_shows_takes_no_post(client):
    answer, _ = client.ask("POST", "api/history", b"{}")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"


def test_nothing_outside_the_page_is_served(client):
    answer, body = client.ask("GET", "../desk.py")
    assert answer.status == 403
    assert "error" in json.loads(body)


@pytest.mark.parametrize("path", ["api/nothing", "api/", "nothing.html", "%00"])
def test_unknown_addresses_are_answered_with_404(client, path):
    answer, body = client.ask("GET", path)
    assert answer.status == 404
    assert "error" in json.loads(body)


def test_a_server_without_a_frontend_says_so(client, desk):
    desk.receive_with(None)
    status, answer = client.post("api/goal", {"goal": "lift"})
    assert status == 503
    assert "Mopidy's log" in answer["error"]


def test_a_reading_for_a_camera_that_is_off_is_refused_and_a_mood_is_not(
    client, puppet, desk
):
    off = dataclasses.replace(desk.status.camera, on=False, elsewhere=False)
    desk.publish(dataclasses.replace(desk.status, camera=off))
    status, answer = client.post("api/readings", {"reason": "nobody"})
    assert status == 409
    assert "mopidy moodcam on" in answer["error"]
    assert client.get("api/readings")[1]["wanted"] is False
    assert client.post("api/readings", {"mood": "happy"})[0] == 202
    assert [type(command) for command in puppet.commands] == [at_desk.TakeMood]


def test_a_reading_is_refused_with_the_reason_while_no_camera_is_to_look(
    client, puppet, desk
):
    resting = CameraStatus(
        on=True, state=CameraState.RESTING, why="the goal is to hold what plays"
    )
    desk.publish(dataclasses.replace(desk.status, camera=resting))
    assert client.get("api/readings")[1]["wanted"] is False
    status, answer = client.post("api/readings", {"reason": "nobody"})
    assert status == 409
    assert "the goal is to hold what plays" in answer["error"]
    assert puppet.commands == []


def test_an_eye_may_try_until_the_first_status_is_there(client, desk):
    desk.publish(Status())
    assert client.get("api/readings")[1]["wanted"] is True


def test_a_reading_for_a_server_without_a_frontend_is_told_so(client, desk):
    desk.publish(dataclasses.replace(desk.status, camera=CameraStatus()))
    desk.receive_with(None)
    assert client.post("api/readings", {"reason": "nobody"})[0] == 503


def test_the_readmes_curl_is_taken(client, puppet):
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    body = re.search(r"curl .*-d '([^']+)'[^']*/moodcam/(api/\S+)", readme)
    assert client.post(body[2], json.loads(body[1]))[0] == 202
    assert puppet.commands == [at_desk.TakeMood("happy", 600.0)]


def test_a_posted_reading_counts_from_its_arrival(client, puppet):
    reading = {
        "type": "reading",
        "time": 12.0,
        "faces": [{"probabilities": [0, 0, 0, 0.9, 0, 0, 0.1]}],
        "room": "kitchen",
    }
    before = time.time()
    assert client.post("api/readings", reading)[0] == 202
    (command,) = puppet.commands
    assert before <= command.reading.time <= time.time()
    assert command.reading.room == "kitchen"
    assert command.reading.faces[0].probabilities[3] == pytest.approx(0.9)


def test_songs_of_a_song_mood_come_in_pages(client):
    _, first = client.get("api/songs?song_mood=calm&limit=5")
    _, rest = client.get("api/songs?song_mood=calm&limit=50&offset=5")
    assert len(first["songs"]) == 5
    assert len(rest["songs"]) == 7
    uris = {song["uri"] for song in first["songs"] + rest["songs"]}
    assert uris == {f"local:track:calm{i}.flac" for i in range(12)}
    assert {song["song_mood"] for song in first["songs"]} == {"calm"}


def test_songs_are_found_by_all_words_and_no_sign_is_a_wildcard(client):
    _, found = client.get("api/songs?q=happy%20artist%204")
    assert [s["title"] for s in found["songs"]] == ["Happy song 4", "Happy song 9"]
    _, found = client.get("api/songs?q=100%25%20_y")
    assert found["songs"] == []
    _, found = client.get("api/songs?q=%27%22%3B--")
    assert found["songs"] == []


@pytest.mark.parametrize(
    "query",
    [
        "song_mood=angry",
        "limit=0",
        "limit=501",
        "limit=00000000005050000000",
        "limit=x",
        "offset=-1",
        "offset=99999999999999999999",
        "colour=red",
        "song_mood=sad&q=x",
    ],
)
def test_wrong_arguments_of_a_search_are_named(client, query):
    status, answer = client.get(f"api/songs?{query}")
    assert status == 400
    assert answer["error"].endswith(".")


def test_loved_and_banned_songs_are_listed(client):
    _, shown = client.get("api/feedback")
    assert [song["uri"] for song in shown["loved"]] == ["local:track:sad3.flac"]
    assert [song["uri"] for song in shown["banned"]] == ["local:track:sad4.flac"]
    assert shown["next_picks"][0]["reason"]
    assert shown["playing_pick"]["reason"]


def test_clusters_name_their_song_mood(client):
    _, shown = client.get("api/clusters")
    assert {cluster["song_mood"] for cluster in shown["clusters"]} <= set(SongMood)
    assert shown["counts"]["by_song_mood"]["calm"] == 301


def test_without_a_catalogue_everything_is_empty_and_nothing_fails(client, songs):
    songs.unlink()
    assert client.get("api/songs?song_mood=calm")[1]["songs"] == []
    assert client.get("api/songs?q=x")[1]["songs"] == []
    assert client.get("api/clusters")[0] == 200


@pytest.mark.parametrize("path", [*GETS, "api/songs?q=song", ""])
def test_every_answer_comes_within_50_milliseconds(client, path):
    client.ask("GET", path)  # the first loads the shelf
    times = []
    for _ in range(7):
        start = time.perf_counter()
        client.ask("GET", path)
        times.append(time.perf_counter() - start)
    assert sorted(times)[3] < 0.05


def test_a_slow_search_holds_up_nobody_else(client, monkeypatch):
    import threading

    from mopidy_moodcam.songlist import SongList

    release = threading.Event()
    monkeypatch.setattr(SongList, "search", lambda *_, **__: release.wait(5) and [])
    waiting = threading.Thread(target=client.get, args=("api/songs?q=x",))
    waiting.start()
    try:
        start = time.perf_counter()
        assert client.get("status.json")[0] == 200
        assert time.perf_counter() - start < 1
        assert waiting.is_alive()
    finally:
        release.set()
        waiting.join()


def test_requests_leave_no_line_in_the_log(client, caplog):
    client.get("api/status")
    client.post("api/goal", {"goal": "[/dev/video0]"})
    client.ask("GET", "api/songs?q=[/red]")
    client.ask("GET", "nowhere")
    names = {record.name for record in caplog.records if record.levelno >= 30}
    assert names == set()
