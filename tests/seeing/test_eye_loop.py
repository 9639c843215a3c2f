"""When the eye looks again, and what it says of its state."""

import queue

import pytest

from mopidy_moodcam.glossary import Reading
from mopidy_moodcam.seeing.__main__ import SERVER_SECONDS, Eye, rounded
from mopidy_moodcam.seeing.clock import Clock, FastClock
from mopidy_moodcam.seeing.devices import CameraError


class Run:
    """An eye on a clock that does not wait; `outcomes` are what its bursts give."""

    def __init__(self, *outcomes, interval=20, wanted=lambda: True, note=""):
        self.clock = FastClock(started=0.0)
        self.commands = queue.SimpleQueue()
        self.said = []
        self.times = []
        self.beats = []
        self._outcomes = iter(outcomes)
        self.eye = Eye(
            self._take,
            self.said.append,
            clock=self.clock,
            interval=interval,
            commands=self.commands,
            room="den",
            beat=lambda doing, seconds: self.beats.append((doing, seconds)),
            wanted=wanted,
            note=note,
        )
        self.eye.run(len(outcomes))

    def _take(self, beat):
        self.times.append(self.clock.elapsed)
        outcome = next(self._outcomes)
        if isinstance(outcome, dict):
            self.commands.put(outcome)
            outcome = "nobody"
        beat("open")
        self.clock.wait(1)
        if outcome in ("busy", "gone"):
            raise CameraError(outcome, f"It is {outcome}.")
        return Reading(self.clock.now, reason=outcome)

    @property
    def pauses(self):
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]

    def words(self):
        return [(m["word"], m["why"]) for m in self.said if m["type"] == "state"]


def test_bursts_begin_an_interval_apart_however_long_they_last():
    assert Run(*["nobody"] * 4).pauses == [20, 20, 20]


def test_where_no_reading_is_wanted_it_does_not_look():
    answers = iter([True, False, False, True])
    run = Run(*["nobody"] * 4, wanted=lambda: next(answers))
    assert run.times == [0, 60]
    assert [message["type"] for message in run.said].count("reading") == 2


def test_what_it_has_to_do_without_is_said_while_it_is_ready():
    run = Run("nobody", "gone", "nobody", note="It sees little.")
    assert run.words() == [
        ("ready", "It sees little."),
        ("trouble", "It is gone."),
        ("ready", "It sees little."),
    ]


def test_a_busy_camera_is_asked_ever_less_often():
    assert Run(*["busy"] * 7).pauses == [20, 40, 80, 120, 120, 120]


def test_an_unplugged_camera_is_asked_at_least_every_minute():
    assert Run(*["gone"] * 5, interval=10).pauses == [10, 20, 40, 60]


def test_a_long_interval_is_never_shortened_by_trouble():
    assert Run(*["gone"] * 3, interval=300).pauses == [300, 300]


def test_after_trouble_the_interval_is_as_before():
    assert Run("gone", "gone", "gone", "nobody", "nobody").pauses[-1] == 20


def test_trouble_is_a_reading_too_and_told_once():
    run = Run("busy", "busy", "nobody", "nobody", "gone")
    reasons = [m["reason"] for m in run.said if m["type"] == "reading"]
    assert reasons == ["busy", "busy", "nobody", "nobody", "gone"]
    assert run.words() == [
        ("trouble", "It is busy."),
        ("ready", ""),
        ("trouble", "It is gone."),
    ]


def test_a_camera_that_repeats_itself_is_trouble_and_an_empty_room_is_not():
    assert [word for word, _ in Run("stuck", "nobody", "dark").words()] == [
        "trouble",
        "ready",
    ]


def test_a_new_interval_counts_from_the_last_burst():
    assert Run({"do": "interval", "seconds": 5}, "nobody", "nobody").pauses == [5, 5]


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"do": "dance"},
        {"do": "interval"},
        {"do": "interval", "seconds": "soon"},
        {"do": "interval", "seconds": None},
        {"do": "interval", "seconds": float("nan")},
        {"do": "interval", "seconds": -3},
    ],
)
def test_a_command_that_makes_no_sense_changes_nothing(command):
    assert Run(command, "nobody").pauses == [20]


def test_a_beat_comes_before_each_step_that_may_hang():
    talks = ("rest", SERVER_SECONDS)  # with a server, before and after each look
    look = [talks, ("open", 0), talks]
    assert Run("nobody", "nobody").beats == [*look, ("rest", 19), *look]


def test_numbers_are_printed_as_exact_as_they_are_worth():
    assert rounded({"a": (0.123456789, [1, "x", None])}) == {
        "a": [0.12346, [1, "x", None]]
    }


def test_the_worlds_clock_goes_on_by_itself():
    clock = Clock()
    before = clock.now
    clock.wait(0.01)
    clock.wait(-5)
    assert 0.01 <= clock.now - before < 5
