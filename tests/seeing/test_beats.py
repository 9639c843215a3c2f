"""The watchdog of an eye that nobody keeps."""

import queue

import pytest

from mopidy_moodcam.seeing.beats import HANGING, Deadlines, Watchdog


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("beat", "patience"),
    [(("open",), 15), (("read",), 10), (("read", 25.0), 35), (("rest", 60.0), 75)],
)
def test_the_watchdog_bites_when_the_next_beat_is_overdue(beat, patience):
    clock, bites = Clock(), queue.SimpleQueue()
    dog = Watchdog(bites.put, Deadlines(), clock=clock, pause=0.01)
    dog.beat(*beat)
    clock.now += patience - 1
    with pytest.raises(queue.Empty):
        bites.get(timeout=0.1)
    clock.now += 1
    assert bites.get(timeout=5) == beat[0]
    assert beat[0] in HANGING


def test_each_beat_is_a_new_deadline():
    clock, bites = Clock(), queue.SimpleQueue()
    dog = Watchdog(bites.put, Deadlines(), clock=clock, pause=0.01)
    for _ in range(5):
        dog.beat("read")
        clock.now += 9
    with pytest.raises(queue.Empty):
        bites.get(timeout=0.1)
    clock.now += 1
    assert bites.get(timeout=5) == "read"
