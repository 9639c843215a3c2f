"""What keeps a frame from being read."""

import cv2
import numpy as np
import pytest

from mopidy_moodcam.seeing import light
from tests.seeing.frames import grey, person, room


def test_a_room_without_people_is_nobody():
    assert light.why_unseen(grey(room())) == "nobody"


@pytest.mark.parametrize("share", [0.0, 0.02, 0.05])
def test_too_little_light_is_dark(share):
    frame = grey(room()).astype(float) * share
    assert light.why_unseen(frame.astype(np.uint8)) == "dark"


def test_a_finger_on_the_lens_is_dark_though_it_glows():
    finger = np.full((480, 640), 50, np.uint8)
    finger += np.random.default_rng(1).integers(0, 4, finger.shape, np.uint8)
    assert light.why_unseen(finger) == "dark"


def test_a_smeared_lens_is_blurred():
    assert light.why_unseen(cv2.GaussianBlur(grey(room()), (0, 0), 16)) == "blurred"


def test_brightness_is_the_mean_grey_level():
    assert light.brightness(np.full((8, 8), 51, np.uint8)) == pytest.approx(0.2)


def test_a_crisp_face_is_sharper_than_a_smeared_one():
    face = grey(person())[180:380, 230:430]
    smeared = cv2.GaussianBlur(face, (0, 0), 8)
    assert 0 <= light.sharpness(smeared) < 0.5 * light.sharpness(face) <= 0.5


def test_sharpness_of_an_even_patch_is_zero():
    assert light.sharpness(np.full((96, 96), 90, np.uint8)) == 0


def test_identical_frames_are_stuck_and_noisy_ones_are_not():
    still = grey(room())
    assert light.is_stuck([still] * 3)
    assert not light.is_stuck([grey(room(seed)) for seed in range(3)])


def test_a_picture_of_a_minute_ago_is_an_old_one():
    seen = light.LastSeen()
    still, other = grey(room()), grey(room(1))
    assert [seen.again(still, now) for now in (0, 20, 59, 60)] == [False] * 3 + [True]
    assert [seen.again(other, 80), seen.again(still, 100)] == [False] * 2


def test_two_frames_are_too_few_to_call_a_camera_stuck():
    assert not light.is_stuck([grey(room())] * 2)
