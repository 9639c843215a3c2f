"""Quiet hours, as people write them."""

import datetime as dt

import pytest

from mopidy_moodcam.feeling.hours import QuietHours


def quiet_at(text, hour, minute):
    return QuietHours.parse(text).contains(dt.time(hour, minute))


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"),
    [(21, 59, False), (22, 0, True), (3, 0, True), (6, 59, True), (7, 0, False)],
)
def test_a_night_runs_over_midnight(hour, minute, quiet):
    assert quiet_at("22:00-07:00", hour, minute) is quiet


def test_several_ranges_stand_with_commas_between():
    hours = " 22:00 - 07:00 , 13:00-14:30,"
    assert quiet_at(hours, 14, 0)
    assert not quiet_at(hours, 14, 30)


def test_a_range_may_end_at_midnight():
    assert quiet_at("20:00-24:00", 23, 59)
    assert not quiet_at("20:00-24:00", 0, 0)


def test_no_text_means_no_quiet_hours():
    assert QuietHours.parse("").ranges == ()


@pytest.mark.parametrize(
    "text",
    ["22-7", "night", "25:00-07:00", "22:60-07:00", "07:00-07:00", "22:00-24:01"],
)
def test_what_is_no_range_is_refused_in_one_sentence_that_names_the_setting(text):
    with pytest.raises(ValueError, match="moodcam/quiet_hours") as error:
        QuietHours.parse(f"13:00-14:00,{text}")
    assert text in str(error.value)
    assert str(error.value).count(". ") == 0
