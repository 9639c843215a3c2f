import logging

import pytest

from mopidy_moodcam.desk import (
    AllowGuests,
    Baseline,
    Correct,
    Desk,
    JudgeTrack,
    Override,
    Pause,
    SetGoal,
    SwitchCamera,
    TakeMood,
    TakeReading,
    Tray,
)
from mopidy_moodcam.glossary import Goal, Reading, SongMood, Verdict
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


ON, OFF = SwitchCamera(True), SwitchCamera(False)
AGREED = SwitchCamera(True, consent=True)
READING = TakeReading(Reading(time=1.0, reason="nobody"))
LOVE, BAN = (JudgeTrack("a:b", verdict) for verdict in (Verdict.LOVED, Verdict.BANNED))
SAD, CALM, AUTOMATIC = Override(SongMood.SAD), Override(SongMood.CALM), Override(None)


@pytest.mark.parametrize(
    ("handed_in", "taken"),
    [
        ([Pause(0), Pause(100)] * 9, [Pause(100)]),
        ([Pause(5), SetGoal(Goal.LIFT), Pause(6)], [SetGoal(Goal.LIFT), Pause(6)]),
        ([SetGoal(Goal.LIFT), SAD, SetGoal(Goal.CALM)], [SAD, SetGoal(Goal.CALM)]),
        ([SAD, CALM], [CALM]),
        ([AUTOMATIC, SAD, CALM], [AUTOMATIC, CALM]),
        ([AGREED, Pause(5), ON], [Pause(5), AGREED]),
        ([Pause(5), ON, Pause(6), OFF], [OFF, Pause(6)]),
        ([OFF, ON] * 9, [OFF, ON]),
        ([SwitchCamera(False, consent=True), ON], [OFF, ON]),
    ],
)
def test_of_commands_that_wait_only_what_a_newer_one_undoes_is_dropped(
    handed_in, taken
):
    assert through_a_tray(handed_in) == taken


@pytest.mark.parametrize(
    "commands",
    [
        [Correct("wrong"), Correct("wrong")],
        [LOVE, BAN, LOVE],
        [READING, READING],
        [Baseline(forget=True), Baseline()],
        [AUTOMATIC, AUTOMATIC],
        [SAD, AUTOMATIC, SAD],
        [TakeMood("sad", 60), AUTOMATIC, TakeMood("happy", 60)],
        [AllowGuests(False), ON],
    ],
)
def test_commands_that_each_count_are_all_taken_in_their_order(commands):
    assert through_a_tray(commands) == commands


def test_consent_holds_though_the_camera_was_switched_off_meanwhile():
    switches = through_a_tray([AGREED, OFF, ON])
    assert [switch.on for switch in switches] == [False, True]
    assert switches[-1].consent


def through_a_tray(commands):
    tray = Tray()
    for command in commands:
        tray.put(command)
    return list(iter(tray.take, None))


def test_foreign_text_in_the_desks_log_is_no_markup(caplog):
    desk = Desk()
    desk.subscribe(lambda _: (_ for _ in ()).throw(ValueError("[red]")))
    with caplog.at_level(logging.DEBUG):
        desk.publish(Status(version="1"))
    assert caplog.records[0].markup is False
