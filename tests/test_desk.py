import logging

from mopidy_moodcam.desk import Correct, Desk, Pause, SetGoal, SwitchCamera, Tray
from mopidy_moodcam.glossary import Goal
from mopidy_moodcam.status import Status


def test_the_newest_status_lies_on_the_desk_and_wakes_subscribers():
    desk, seen = Desk(), []
    unsubscribe = desk.subscribe(seen.append)
    desk.publish(Status(version="1"))
    unsubscribe()
    desk.publish(Status(version="2"))
    assert desk.status.version == "2"
    assert [status.version for status in seen] == ["1"]


def test_a_broken_subscriber_disturbs_nobody():
    desk, seen = Desk(), []
    desk.subscribe(lambda _: 1 / 0)
    desk.subscribe(seen.append)
    desk.publish(Status(version="1"))
    assert len(seen) == 1


def test_commands_reach_the_receiver_or_are_said_to_be_lost():
    desk, taken = Desk(), []
    assert not desk.send(Pause(5))
    desk.receive_with(taken.append)
    assert desk.send(Pause(6))
    desk.receive_with(lambda _: 1 / 0)
    assert not desk.send(Pause(7))
    assert taken == [Pause(6)]


def test_of_commands_that_wait_the_newest_of_a_kind_is_taken_and_each_correction():
    tray, wrong = Tray(), Correct("wrong")
    for command in (Pause(5), wrong, SetGoal(Goal.LIFT), Pause(6), wrong):
        tray.put(command)
    taken = [tray.take() for _ in range(5)]
    assert taken == [wrong, SetGoal(Goal.LIFT), Pause(6), wrong, None]


def test_a_switch_of_the_camera_is_taken_before_what_waits():
    tray = Tray()
    for command in (Pause(5), SwitchCamera(True), Pause(6), SwitchCamera(False)):
        tray.put(command)
    assert [tray.take() for _ in range(2)] == [SwitchCamera(False), Pause(6)]


def test_foreign_text_in_the_desks_log_is_no_markup(caplog):
    desk = Desk()
    desk.subscribe(lambda _: (_ for _ in ()).throw(ValueError("[red]")))
    with caplog.at_level(logging.DEBUG):
        desk.publish(Status(version="1"))
    assert caplog.records[0].markup is False
