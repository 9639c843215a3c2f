"""Time that only runs forwards."""

import math

from hypothesis import given
from hypothesis import strategies as st

from mopidy_moodcam.feeling.timeline import LONGEST, Timeline

times = st.one_of(st.floats(0, 1e5), st.floats())


@given(st.lists(st.tuples(times, st.sampled_from(["", "den", "attic"]))))
def test_time_never_runs_backwards(calls):
    timeline, before = Timeline(), 0.0
    for time, clock in calls:
        passed = timeline.advance(time, clock)
        assert 0 <= passed <= LONGEST
        assert timeline.now >= before
        assert math.isfinite(timeline.now)
        before = timeline.now


def test_clocks_that_differ_by_hours_make_one_jump_and_no_more():
    timeline = Timeline()
    for second in range(100):
        timeline.advance(1e9 + second)
        timeline.advance(1e9 + second - 7200, "den")
        timeline.advance(1e9 + second + 7200, "attic")
    assert timeline.now == 7200 + 99


def test_a_moment_is_told_in_the_servers_time():
    timeline = Timeline()
    timeline.advance(5e8, "eye")
    timeline.advance(1e9)
    timeline.advance(1e9 + 10)
    assert timeline.wall(timeline.now) == 1e9 + 10


def test_a_clock_that_was_set_goes_on_from_now():
    timeline = Timeline()
    timeline.advance(1e9)
    timeline.advance(1e9 + 100)
    timeline.advance(9e8)
    assert timeline.advance(9e8 + 5) == 5
