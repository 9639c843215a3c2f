"""The frontend's edge: ticks, failures and the end, without a Mopidy."""

import threading

import pykka
import pytest

from mopidy_moodcam import frontend as frontends
from mopidy_moodcam.desk import Desk, Pause, SwitchCamera
from mopidy_moodcam.frontend import COMMAND, MoodCamFrontend
from mopidy_moodcam.loop import TICK
from mopidy_moodcam.player import PlayerAwayError
from mopidy_moodcam.status import CameraState, CameraStatus, Status
from mopidy_moodcam.web import views


class TestLoop:
    """Does with a message what the test says."""

    __test__ = False

    def __init__(self):
        self.core_is_away = False
        self.closed = False
        self.error = None
        self.taken = []

    def take(self, message):
        self.taken.append(message)
        if self.error:
            raise self.error

    def close(self):
        self.closed = True


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def frontend(desk):
    frontend = MoodCamFrontend.at(desk)({}, None)
    frontend._loop = TestLoop()
    return frontend


def test_a_failing_step_is_named_once_and_the_next_is_taken(frontend, caplog):
    loop = frontend._loop
    loop.error = RuntimeError("[no] way")
    frontend.on_receive(TICK)
    frontend.on_receive(TICK)
    loop.error = None
    frontend.on_receive(Pause(5))
    assert loop.taken == [TICK, TICK, Pause(5)]
    assert len(caplog.messages) == 1
    assert "(no) way" in caplog.text


def test_a_failure_that_comes_back_hours_later_is_named_again(frontend, caplog):
    loop = frontend._loop
    for error in (RuntimeError("no way"), None, RuntimeError("no way")):
        loop.error = error
        frontend.on_receive(TICK)
    assert len(caplog.messages) == 2


def test_core_that_does_not_answer_is_named_once_until_it_has(frontend, caplog):
    loop = frontend._loop
    loop.core_is_away = True
    for error in (PlayerAwayError(), None, PlayerAwayError(), None):
        loop.error = error
        frontend.on_receive(TICK)
    assert len(caplog.messages) == 1
    assert "does not answer" in caplog.text
    loop.core_is_away = False
    for error in (None, PlayerAwayError()):
        loop.error = error
        frontend.on_receive(TICK)
    assert len(caplog.messages) == 2


def test_commands_are_taken_up_one_by_one_and_the_cameras_first(frontend):
    commands = [Pause(5), Pause(6), SwitchCamera(False)]
    for command in commands:
        frontend._hand_in(command)
    for _ in commands:
        frontend.on_receive(COMMAND)
    assert frontend._loop.taken == [SwitchCamera(False), Pause(6)]


def test_a_frontend_that_dies_leaves_nothing_running(frontend, desk):
    desk.receive_with(frontend.on_receive)
    frontend.on_failure(RuntimeError, RuntimeError("no way"), None)
    assert frontend._loop.closed
    assert not desk.send(Pause(5))


def test_a_frontend_that_dies_says_so_and_wants_no_readings(frontend, desk):
    camera = CameraStatus(on=True, elsewhere=True, looking=("",))
    desk.publish(Status(started=1.0, camera=camera))
    frontend.on_failure(RuntimeError, RuntimeError("no way"), None)
    assert "failed" in desk.status.notices[0]
    assert not desk.status.camera.on
    assert not desk.status.camera.looking
    assert views.readings(desk.status)["wanted"] is False


def test_a_frontend_that_cannot_start_says_so_and_wants_no_readings(frontend, desk):
    assert views.readings(desk.status)["wanted"] is True
    frontend.on_start()  # without any configuration
    assert desk.status.notices[0].startswith("MoodCam is off")
    assert desk.status.camera.state is CameraState.TROUBLE
    assert views.readings(desk.status)["wanted"] is False


def test_a_second_server_in_one_folder_is_off_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(frontends, "Loop", lambda *_, **__: TestLoop())
    config = {"core": {"data_dir": tmp_path, "max_tracklist_length": 9}, "moodcam": {}}
    first, second, third = (MoodCamFrontend.at(Desk())(config, None) for _ in "123")
    first.on_start()
    second.on_start()
    assert first.desk.attended
    assert not second.desk.attended
    assert "another Mopidy uses the folder" in second.desk.status.notices[0]
    first.on_stop()
    third.on_start()
    assert third.desk.attended
    third.on_stop()


def test_no_tick_is_told_before_the_last_was_taken(monkeypatch):
    monkeypatch.setattr(frontends, "TICK_SECONDS", 0.001)
    told, taken, quit_now = [], threading.Event(), threading.Event()
    second = threading.Event()

    def tell(message):
        told.append(message)
        if len(told) == 2:
            second.set()

    ticking = threading.Thread(
        target=frontends._tick_until,
        args=(quit_now, taken, tell),
    )
    ticking.start()
    try:
        assert not second.wait(0.1)
        assert told == [TICK]
        taken.set()
        assert second.wait(5)
    finally:
        quit_now.set()
        ticking.join(5)
    assert not ticking.is_alive()


def test_ticks_go_on_after_one_that_failed(frontend):
    frontend._loop.error = RuntimeError("no way")
    frontend._tick_taken.clear()
    frontend.on_receive(TICK)
    assert frontend._tick_taken.is_set()


def test_ticks_end_with_the_actor(monkeypatch):
    monkeypatch.setattr(frontends, "TICK_SECONDS", 0.001)

    def tell(_):
        raise pykka.ActorDeadError

    frontends._tick_until(threading.Event(), threading.Event(), tell)
