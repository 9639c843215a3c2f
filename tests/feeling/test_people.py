"""Several people in one reading: a vote, the calmest, or one seat."""

import pytest

from mopidy_moodcam.feeling.people import Seen, look_at
from mopidy_moodcam.glossary import EXPRESSIONS, Face, Reading


def face(expression, left=0.4, pixels=90.0, sharpness=0.9):
    shares = tuple(0.88 if name == expression else 0.02 for name in EXPRESSIONS)
    return Face((left, 0.4, 0.1, 0.2), pixels, sharpness, shares)


def room(*faces, rule="majority", seat=(), light=None):
    return look_at(Reading(0.0, faces, light=light), rule, seat)


def likeliest(seen):
    return EXPRESSIONS[seen.probabilities.index(max(seen.probabilities))]


def test_the_majority_wins_among_faces_of_one_size():
    assert likeliest(room(face("happy"), face("happy"), face("sad"))) == "happy"


def test_a_near_face_outweighs_two_far_ones():
    seen = room(face("sad", pixels=300), face("happy", pixels=40), face("happy", 0, 40))
    assert likeliest(seen) == "sad"


def test_two_equal_faces_that_differ_leave_the_room_undecided():
    seen = room(face("happy"), face("sad"))
    assert seen.probabilities[3] == pytest.approx(seen.probabilities[4])


def test_the_calmest_face_can_speak_for_the_room():
    faces = (face("angry"), face("happy", pixels=300), face("sad", pixels=50))
    assert likeliest(room(*faces, rule="calmest")) == "sad"


def test_only_the_face_in_the_seat_counts():
    faces = (face("happy", left=0.1, pixels=300), face("sad", left=0.7))
    assert likeliest(room(*faces, rule="seat", seat=(0.5, 0.0, 0.5, 1.0))) == "sad"


def test_an_empty_seat_is_said_in_words():
    seat = (0.5, 0.0, 0.5, 1.0)
    assert room(face("happy", left=0.1), rule="seat", seat=seat) == (
        "nobody is in the seat"
    )


@pytest.mark.parametrize("worse", [{"pixels": 15.0}, {"sharpness": 0.2}])
def test_small_and_smeared_faces_are_worth_less(worse):
    assert room(face("happy", **worse)).quality < room(face("happy")).quality


def test_dim_light_is_worth_less():
    assert room(face("happy"), light=0.04).quality < room(face("happy")).quality


def test_a_face_too_small_to_read_is_said_in_words():
    assert "too small" in room(face("happy", sharpness=0.17001))


@pytest.mark.parametrize("rule", ["majority", "calmest", "seat"])
def test_a_face_with_broken_numbers_is_left_out(rule):
    broken = Face((), float("nan"), 1.0, (float("nan"),) * 7)
    seat = (0.0, 0.0, 1.0, 1.0)
    assert isinstance(room(face("happy"), broken, rule=rule, seat=seat), Seen)
