"""The demo's drawn faces are faces to the detector and expressions to the network."""

import numpy as np
import pytest

from mopidy_moodcam.glossary import EXPRESSIONS
from mopidy_moodcam.resources import MissingFile
from mopidy_moodcam.seeing import burst, expression, faces
from mopidy_moodcam.seeing.camera import open_camera
from mopidy_moodcam.seeing.clock import FastClock
from mopidy_moodcam.seeing.demo import LOOKS, PEOPLE, PLAY, SHOW_SECONDS, Demo, Look

EMPTY = PLAY.index(None)


@pytest.fixture(scope="module")
def finder():
    try:
        return faces.open_finder()[0]
    except MissingFile as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def model():
    try:
        return expression.load()
    except (MissingFile, expression.UnusableModel) as missing:
        pytest.skip(str(missing))


def burst_at(seconds, finder, model):
    clock = FastClock()
    clock.wait(seconds)
    with open_camera("demo", clock=clock) as camera:
        return burst.look(camera, finder, model, clock=clock)


def middle(scene, share=0.5):
    return (scene + share) * SHOW_SECONDS


@pytest.mark.parametrize("shown", LOOKS)
@pytest.mark.parametrize("person", range(len(PEOPLE)))
def test_the_real_eye_reads_what_is_shown(shown, person, finder, model):
    scene = person * len(PLAY) + PLAY.index(shown)
    for share in (0.1, 0.5, 0.9):
        (face,) = burst_at(middle(scene, share), finder, model).faces
        chances = dict(zip(EXPRESSIONS, face.probabilities, strict=True))
        second = max(chance for word, chance in chances.items() if word != shown)
        assert chances[shown] > 0.45, chances
        assert chances[shown] - second > 0.15, chances


def test_at_least_four_expressions_are_shown():
    assert len(set(LOOKS) & set(EXPRESSIONS) & set(PLAY)) >= 4


def test_the_empty_chair_is_nobody(finder, model):
    for share in (0.1, 0.5, 0.9):
        seen = burst_at(middle(EMPTY, share), finder, model)
        assert seen.reason == "nobody"


def test_frames_are_of_a_cameras_size_and_kind():
    frame = Demo().frame(1.0)
    assert (frame.shape, frame.dtype) == ((480, 640, 3), np.uint8)


def test_the_same_moment_is_the_same_frame_and_another_is_not():
    assert np.array_equal(Demo(seed=3).frame(7.0), Demo(seed=3).frame(7.0))
    assert not np.array_equal(Demo(seed=3).frame(7.0), Demo(seed=3).frame(7.2))


def test_expressions_follow_each_other_and_begin_again():
    demo = Demo()
    turns = [demo.shown(middle(scene)) for scene in range(2 * len(PLAY))]
    assert turns == [*PLAY, *PLAY]


def test_another_person_sits_down_after_the_empty_chair():
    demo = Demo()
    assert demo.person(middle(0)) != demo.person(middle(len(PLAY)))


def test_the_demo_can_run_faster():
    assert Demo(speed=10).shown(middle(3) / 10) == PLAY[3]


def test_a_face_changes_softly():
    demo = Demo()
    before, after = LOOKS[PLAY[0]], LOOKS[PLAY[1]]
    between = demo.look(SHOW_SECONDS + 0.75)
    assert between == before.towards(after, 0.5)
    assert demo.look(SHOW_SECONDS + 3) == after


def test_halfway_to_a_look_is_half_of_it():
    assert Look().towards(Look(smile=1.0, jaw=0.5), 0.5) == Look(smile=0.5, jaw=0.25)
