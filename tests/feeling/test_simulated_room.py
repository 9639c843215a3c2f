"""The simulated room keeps to its own rules; else its figures mean nothing."""

import numpy as np
import pytest

from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN
from tests.bench import simulated_room as room


class Oracle:
    """Follows the script itself, `late` seconds behind."""

    def __init__(self, script, late=0.0, pace=10.0):
        self._script, self._late, self._pace = script, late, pace

    def update(self, reading):
        return self._script.mood(max(0.0, reading.time - room.BEGIN - self._late))

    def pace(self):
        return self._pace


class Stubborn:
    """Says one word whatever it sees."""

    def __init__(self, word):
        self._word = word

    def update(self, _):
        return self._word

    def pace(self):
        return 20.0


@pytest.fixture(scope="module")
def pictures():
    return room.Pictures.stored()


@pytest.fixture
def script():
    return room.write_script(np.random.default_rng(7), 10.0)


def follow(script, pictures, follower):
    return room.follow(script, room.Eye(script, pictures, 7), follower)


def test_one_who_knows_the_script_is_always_right(script, pictures):
    score = follow(script, pictures, Oracle(script, pace=1.0))
    assert score.share_right > 0.999
    assert score.false_changes == 0
    assert score.median_delay == 1


def test_one_who_is_half_a_minute_late_is_still_right(script, pictures):
    score = follow(script, pictures, Oracle(script, late=30.0))
    assert score.share_right > 0.99
    assert 3 <= score.median_delay <= 5


def test_one_who_is_two_minutes_late_is_not(script, pictures):
    score = follow(script, pictures, Oracle(script, late=120.0))
    assert score.share_right < 0.97


@pytest.mark.parametrize("word", [UNKNOWN, "neutral"])
def test_one_who_never_changes_is_mostly_wrong(script, pictures, word):
    score = follow(script, pictures, Stubborn(word))
    assert score.share_right < 0.6
    assert score.missed > len(score.delays) / 3


def test_moods_last_five_to_forty_minutes_and_follow_each_other(script):
    for span, after in zip(script.moods, script.moods[1:], strict=False):
        assert 300 <= span.end - span.start <= 2400
        assert span.end == after.start
        assert span.what != after.what


def test_every_expression_occurs(pictures):
    assert all(len(frames) > 10 for frames in pictures.of)
    scripts = [room.write_script(np.random.default_rng(i), 10.0) for i in range(10)]
    seen = {span.what for script in scripts for span in script.moods}
    assert seen == set(EXPRESSIONS)


def test_nobody_is_seen_in_an_empty_room_nor_a_face_in_the_dark(script, pictures):
    eye = room.Eye(script, pictures, 1)
    pause, dark = script.bouts["pause"][0], script.bouts["dark"][0]
    assert eye.look((pause.start + pause.end) / 2).reason == "nobody"
    assert not eye.look((dark.start + dark.end) / 2).faces
