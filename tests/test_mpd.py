"""Camera, moods and goals as outputs of Mopidy-MPD, over the wire."""

import dataclasses
import logging
import socket
import threading
import time
import types

import mpd
import pytest

from mopidy_moodcam import desk as at_desk
from mopidy_moodcam import mpd as our_mpd
from mopidy_moodcam.desk import Desk
from mopidy_moodcam.glossary import Affect, Goal, SongMood, Target
from mopidy_moodcam.status import CameraState, CameraStatus, Status
from tests import wire

protocol = pytest.importorskip("mopidy_mpd.protocol")

NAMES = [
    "Mute",
    "Mood camera",
    "Mood: happy",
    "Mood: energetic",
    "Mood: romantic",
    "Mood: calm",
    "Mood: sad",
    "Mood: intense",
    "Goal: match",
    "Goal: lift",
    "Goal: calm",
    "Goal: hold",
    "MoodCam pause for an hour",
    "That mood is right",
    "That mood is wrong",
    "I am only concentrating",
]


def target(song_mood):
    return Target(song_mood, Affect(0.0, 0.0), "because")


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def commands(desk):
    taken = []
    desk.receive_with(taken.append)
    return taken


@pytest.fixture
def table():
    """Mopidy-MPD's table of commands, put back as it was."""
    protocol.load_protocol_modules()
    handlers = protocol.commands.handlers
    before = dict(handlers)
    yield handlers
    handlers.clear()
    handlers.update(before)


@pytest.fixture
def connect(desk, table, tmp_path):  # noqa: ARG001
    config = wire.config_in(tmp_path)
    assert our_mpd.install_outputs(desk)
    with wire.core_at(desk, config) as core, wire.mpd_server(core, config) as connect:
        yield connect


def publish(desk, **changes):
    desk.publish(dataclasses.replace(desk.status, **changes))


def enabled(client):
    return {o["outputname"] for o in client.outputs() if o["outputenabled"] == "1"}


def test_all_outputs_are_listed_behind_mute_in_fixed_order(connect):
    outputs = connect().outputs()
    assert [output["outputname"] for output in outputs] == NAMES
    assert [output["outputid"] for output in outputs] == [
        str(number) for number in range(len(NAMES))
    ]


def test_outputs_show_camera_target_goal_and_pause(connect, desk):
    client = connect()
    assert enabled(client) == {"Goal: match"}
    publish(
        desk,
        camera=CameraStatus(on=True),
        target=target(SongMood.SAD),
        goal=Goal.LIFT,
        paused_until=5.0,
    )
    assert enabled(client) == {
        "Mood camera",
        "Mood: sad",
        "Goal: lift",
        "MoodCam pause for an hour",
    }


@pytest.mark.parametrize(
    ("number", "command"),
    [
        (1, at_desk.SwitchCamera(True)),
        (2, at_desk.Override(SongMood.HAPPY)),
        (7, at_desk.Override(SongMood.INTENSE)),
        (9, at_desk.SetGoal(Goal.LIFT)),
        (12, at_desk.Pause(3600.0)),
        (13, at_desk.Correct("right")),
        (14, at_desk.Correct("wrong")),
        (15, at_desk.Correct("concentrating")),
    ],
)
def test_enabling_an_output_is_a_command(connect, commands, number, command):
    client = connect()
    client.enableoutput(number)
    client.toggleoutput(number)
    assert commands[0] == command


@pytest.mark.parametrize(
    ("number", "command"),
    [
        (1, at_desk.SwitchCamera(False)),
        (6, at_desk.Override(None)),
        (9, at_desk.SetGoal(Goal.MATCH)),
        (12, at_desk.Pause(0.0)),
    ],
)
def test_disabling_an_output_takes_it_back(connect, desk, commands, number, command):
    publish(
        desk,
        camera=CameraStatus(on=True),
        target=target(SongMood.SAD),
        goal=Goal.LIFT,
        paused_until=5.0,
    )
    connect().disableoutput(number)
    assert commands == [command]


def test_disabling_what_is_off_says_nothing(connect, commands):
    client = connect()
    for number in range(2, len(NAMES)):
        if number != 8:  # Goal: match, which is on
            client.disableoutput(number)
    assert commands == []


def test_the_camera_is_switched_off_even_where_it_looks_off(connect, commands):
    connect().disableoutput(1)
    assert commands == [at_desk.SwitchCamera(False)]


def test_a_switch_is_shown_at_once_and_then_the_truth(connect, desk, commands):
    client = connect()
    publish(desk, target=target(SongMood.SAD))
    client.enableoutput(2)
    assert enabled(client) == {"Mood: happy", "Goal: match"}
    assert len(commands) == 1
    publish(desk, target=target(SongMood.CALM))
    assert enabled(client) == {"Mood: calm", "Goal: match"}


def test_a_wish_that_changes_nothing_is_not_shown_for_ever(desk, commands):
    now = [0.0]
    outputs = our_mpd.Outputs(desk, lambda: now[0])
    before = outputs.enabled()
    outputs.switch(2, on=True)
    assert outputs.enabled() != before
    now[0] += our_mpd.WISH_SECONDS
    assert outputs.enabled() == before
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("switches", "on"),
    [
        ("+5 +9 -5", {"Goal: lift"}),
        ("+12 -2 -12", {"Goal: match"}),
        ("!9 !6 !9", {"Mood: sad", "Goal: match"}),
        ("+1 +6 +3", {"Mood camera", "Mood: energetic", "Goal: match"}),
    ],
)
def test_each_of_some_switches_in_a_row_counts(connect, desk, commands, switches, on):
    client = connect()
    publish(desk, target=target(SongMood.HAPPY))
    ways = {"+": "enableoutput", "-": "disableoutput", "!": "toggleoutput"}
    for way, *number in switches.split():
        getattr(client, ways[way])("".join(number))
    assert len(commands) == 3
    assert enabled(client) == on


def test_a_button_never_stays_on(connect, commands):
    client = connect()
    client.enableoutput(14)
    assert enabled(client) == {"Goal: match"}
    client.toggleoutput(14)
    assert commands == [at_desk.Correct("wrong")] * 2


def test_toggling_goes_both_ways(connect, desk, commands):
    client = connect()
    client.toggleoutput(1)
    publish(desk, camera=CameraStatus(on=True))
    client.toggleoutput(1)
    assert commands == [at_desk.SwitchCamera(True), at_desk.SwitchCamera(False)]


def test_a_camera_without_consent_says_where_to_give_it(connect, desk, commands):
    publish(desk, camera=CameraStatus(state=CameraState.NEEDS_CONSENT))
    with pytest.raises(mpd.CommandError, match="consent once: open /moodcam/"):
        connect().enableoutput(1)
    assert commands == [at_desk.SwitchCamera(True)]


def test_mute_stays_what_it_was(connect, commands):
    client = connect()
    with pytest.raises(mpd.CommandError, match="problems enabling output"):
        client.enableoutput(0)  # there is no mixer here, and Mopidy-MPD says so
    assert commands == []


@pytest.mark.parametrize("switch", ["enableoutput", "disableoutput", "toggleoutput"])
@pytest.mark.usefixtures("connect")
def test_a_web_page_can_switch_nothing(commands, tmp_path, switch):
    page = f"POST / HTTP/1.1\r\nHost: server:6600\r\n\r\n\n{switch} 1\n"
    with socket.socket(socket.AF_UNIX) as browser:
        browser.settimeout(10)
        browser.connect(str(tmp_path / "mpd.sock"))
        browser.sendall(page.encode())
        while browser.recv(4096):
            pass
    wire.end_sessions()
    assert commands == []


@pytest.mark.parametrize(
    "number", [16, 99, -1, "x", "1 2", "²", "", pytest.param("9" * 5000, id="long")]
)
def test_a_wrong_number_is_refused_as_before(connect, commands, number):
    client = connect()
    for switch in (client.enableoutput, client.disableoutput, client.toggleoutput):
        with pytest.raises(mpd.CommandError):
            switch(number)
    assert commands == []


def test_without_a_frontend_a_switch_says_so_and_stays_off(connect):
    client = connect()
    with pytest.raises(mpd.CommandError, match="MoodCam is not running"):
        client.enableoutput(2)
    assert enabled(client) == {"Goal: match"}


def test_outputs_answer_while_the_frontend_hangs(connect, desk):
    hang = threading.Event()
    desk.receive_with(lambda _: threading.Thread(target=hang.wait).start())
    client = connect()
    start = time.perf_counter()
    client.enableoutput(3)
    client.outputs()
    assert time.perf_counter() - start < 1
    hang.set()


@pytest.mark.parametrize(
    ("event", "subsystem"),
    [("mute_changed", "output"), ("playlists_loaded", "stored_playlist")],
)
def test_a_wake_up_reaches_idle_clients(connect, event, subsystem):
    client, woken = connect(), []
    idle = threading.Thread(target=lambda: woken.extend(client.idle()))
    idle.start()
    for _ in range(100):  # until the session is idle it keeps the event for it
        our_mpd.wake(event)
        idle.join(0.05)
        if woken:
            break
    idle.join(5)
    assert woken == [subsystem]


def test_the_commands_are_still_listed_and_guarded(connect, table):
    assert {"outputs", "enableoutput", "toggleoutput"} <= set(connect().commands())
    assert table["outputs"].auth_required
    assert table["outputs"].list_command


def test_installing_again_replaces_the_desk_and_not_the_list(table):
    assert our_mpd.install_outputs(Desk())
    second = Desk()
    assert our_mpd.install_outputs(second)
    publish(second, camera=CameraStatus(on=True))
    lines = table["outputs"](context())
    assert lines.count(("outputname", "Mood camera")) == 1
    assert lines[3:6] == [
        ("outputid", 1),
        ("outputname", "Mood camera"),
        ("outputenabled", 1),
    ]


def context():
    mute = types.SimpleNamespace(get=lambda: False)
    mixer = types.SimpleNamespace(get_mute=lambda: mute)
    return types.SimpleNamespace(core=types.SimpleNamespace(mixer=mixer))


@pytest.mark.parametrize("change", ["missing", "strange", "no table"])
def test_an_unknown_mopidy_mpd_gets_one_warning_and_stays_as_it_is(
    table, caplog, monkeypatch, change
):
    if change == "missing":
        del table["toggleoutput"]
    elif change == "strange":
        table["enableoutput"] = lambda *_: None
    else:
        monkeypatch.setattr(protocol, "commands", object())
    before = dict(table)
    with caplog.at_level(logging.WARNING):
        assert our_mpd.install_outputs(Desk()) is False
    assert table == before
    (record,) = caplog.records
    assert "no outputs for camera and moods" in record.getMessage()
    assert "[" not in record.getMessage()


def test_every_output_has_its_number_for_good():
    assert [output.name for output in our_mpd.OUTPUTS] == NAMES[1:]


def test_the_first_status_shows_nothing_on_but_the_goal():
    on = [o.name for o in our_mpd.OUTPUTS if our_mpd.is_on(o, Status())]
    assert on == ["Goal: match"]
