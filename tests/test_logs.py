"""Log lines that hold foreign text, and states that are logged once."""

import logging

import pytest

from mopidy_moodcam import resources
from mopidy_moodcam.logs import OnChange, plain


@pytest.mark.parametrize("name", ["/dev/video0", "happy", "/red", "dim green"])
def test_no_bracket_reaches_mopidy_4s_markup(caplog, name):
    plain("moodcam-test").warning("The camera %s is busy [again]", [name])
    (record,) = caplog.records
    assert record.getMessage() == f"The camera ('{name}') is busy (again)"
    # Marked as literal, the line format's own markup would be shown.
    assert not hasattr(record, "markup")


@pytest.mark.parametrize("module", resources.PACKAGES)
def test_a_command_that_brings_a_package_can_be_copied_from_the_log(caplog, module):
    plain("moodcam-test").warning(resources.install(module))
    assert caplog.messages == [resources.install(module)]


def test_a_traceback_is_logged_as_it_is(caplog):
    try:
        raise ValueError("[/dev/video0]")  # noqa: TRY301
    except ValueError:
        plain("moodcam-test").exception("It failed")
    (record,) = caplog.records
    assert record.markup is False
    assert "[/dev/video0]" in caplog.text


def test_what_is_not_shown_is_not_even_formatted():
    class Costly:
        def __str__(self):
            raise AssertionError

    logger = plain("moodcam-test")
    logger.logger.setLevel(logging.INFO)
    try:
        logger.debug("%s", Costly())
    finally:
        logger.logger.setLevel(logging.NOTSET)


def test_a_percent_sign_without_arguments_is_only_a_sign(caplog):
    plain("moodcam-test").warning("100 % sure")
    assert caplog.messages == ["100 % sure"]


def test_a_state_is_logged_once_until_it_changes(caplog):
    notes = OnChange(plain("moodcam-test"))
    for sentence in ("away", "away", "still away", "away"):
        notes.warn("camera", sentence)
    assert caplog.messages == ["away", "still away", "away"]
    notes.settle("camera")
    notes.warn("camera", "away")
    assert caplog.messages[-1:] * 2 == caplog.messages[-2:]
