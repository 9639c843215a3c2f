"""Log lines that hold foreign text."""

import logging

import pytest

from mopidy_moodcam.logs import plain


@pytest.mark.parametrize("name", ["/dev/video0", "happy", "/red", "dim green"])
def test_no_bracket_reaches_mopidy_4s_markup(caplog, name):
    plain("mopidy_moodcam.x").warning("The camera %s is busy [again]", [name])
    (record,) = caplog.records
    assert record.getMessage() == f"The camera ('{name}') is busy (again)"
    assert not hasattr(record, "markup")


def test_a_traceback_is_logged_as_it_is(caplog):
    try:
        raise ValueError("[/dev/video0]")
    except ValueError:
        plain("mopidy_moodcam.x").exception("It failed")
    (record,) = caplog.records
    assert record.markup is False
    assert "[/dev/video0]" in caplog.text


def test_what_is_not_shown_is_not_even_formatted():
    class Costly:
        def __str__(self):
            raise AssertionError

    logger = plain("mopidy_moodcam.x")
    logger.logger.setLevel(logging.INFO)
    try:
        logger.debug("%s", Costly())
    finally:
        logger.logger.setLevel(logging.NOTSET)


def test_a_percent_sign_without_arguments_is_only_a_sign(caplog):
    plain("mopidy_moodcam.x").warning("100 % sure")
    assert caplog.records[0].getMessage() == "100 % sure"
