"""A burst becomes one reading."""

import cv2
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from mopidy_moodcam.glossary import EXPRESSIONS, Reading
from mopidy_moodcam.seeing import burst, light
from tests.seeing.frames import Places, Roll, face_at, person, room, sure_of


def look(camera, finder, model=None, **more):
    return burst.look(
        camera, finder, model or sure_of("happy"), clock=camera.clock, **more
    )


def test_a_face_in_every_frame_becomes_one_face_with_its_expression():
    camera = Roll([room(i) for i in range(5)], live=True)
    seen = look(camera, Places(*[[face_at(100 + i, 80)] for i in range(5)]), room="den")
    assert seen.reason is None
    assert len(seen.faces) == 1
    assert EXPRESSIONS[np.argmax(seen.faces[0].probabilities)] == "happy"
    assert sum(seen.faces[0].probabilities) == pytest.approx(1)
    assert seen.faces[0].box == pytest.approx((102 / 640, 80 / 480, 60 / 640, 60 / 480))
    assert (seen.faces[0].pixels, seen.frames, seen.room) == (60, 5, "den")
    assert seen.time == camera.clock.started


def test_a_burst_lasts_most_of_a_second():
    camera = Roll([room(i) for i in range(5)])
    look(camera, Places(*[[face_at(100, 80)]] * 5))
    assert camera.clock.elapsed == pytest.approx(0.8)


def test_an_empty_room_is_looked_at_only_until_nobody_can_count_any_more():
    camera = Roll([room(i) for i in range(5)])
    seen = look(camera, Places())
    assert (seen.reason, seen.frames) == ("nobody", 3)
    assert camera.clock.elapsed == pytest.approx(0.4)


def test_only_the_first_frame_is_searched_the_others_are_followed():
    finder = Places()
    look(Roll([room()] * 3), finder)
    assert finder.followed == [False, True, True]


def test_two_people_stay_apart_while_they_move():
    frames = [[face_at(100 + 9 * i, 80), face_at(400 - 9 * i, 90)] for i in range(5)]
    seen = look(Roll([room(i) for i in range(5)]), Places(*frames))
    assert sorted(round(face.box[0] * 640) for face in seen.faces) == [118, 382]


def test_a_face_in_one_frame_of_five_is_a_ghost():
    seen = look(Roll([room(i) for i in range(5)]), Places([face_at(100, 80)]))
    assert (seen.faces, seen.reason) == ((), "nobody")


@pytest.mark.parametrize(("frames", "people"), [(2, 0), (3, 1)])
def test_a_face_counts_from_half_of_the_frames_on(frames, people):
    places = Places(*[[face_at(100, 80)]] * frames)
    assert len(look(Roll([room(i) for i in range(5)]), places).faces) == people


@pytest.mark.parametrize(
    ("lefts", "frames"),
    [((100, 145, 190, 235, 280), [5]), ((100, 100, 400, 400, 400), [3])],
)
def test_who_walks_is_one_person_and_a_face_elsewhere_is_another(lefts, frames):
    counts = []

    def model(crops):
        counts.append(len(crops))
        return sure_of("happy")(crops)

    places = Places(*([face_at(left, 80)] for left in lefts))
    seen = look(Roll([room(i) for i in range(5)]), places, model)
    assert (len(seen.faces), counts) == (1, frames)


def test_the_frames_of_a_burst_are_averaged():
    def model(crops):
        sad, happy = (sure_of(label)(crops) for label in ("sad", "happy"))
        return np.vstack([sad[:2], happy[2:]])

    places = Places(*[[face_at(100, 80)]] * 5)
    seen = look(Roll([room(i) for i in range(5)]), places, model)
    chances = dict(zip(EXPRESSIONS, seen.faces[0].probabilities, strict=True))
    assert chances["sad"] == pytest.approx(0.4 * 0.94 + 0.6 * 0.01, abs=0.01)
    assert chances["happy"] == pytest.approx(0.6 * 0.94 + 0.4 * 0.01, abs=0.01)


def test_a_smeared_face_is_less_sharp():
    places = Places(*[[face_at(250, 150, 150)]] * 2)
    frames = [person("happy"), cv2.GaussianBlur(person("happy"), (0, 0), 9)]
    crisp, smeared = (look(Roll([frame]), places).faces[0] for frame in frames)
    assert smeared.sharpness < crisp.sharpness


def test_no_frame_at_all_is_a_camera_that_is_gone():
    seen = look(Roll([], live=True), Places())
    assert (seen.reason, seen.light, seen.frames) == ("gone", None, 0)


def test_a_camera_unplugged_in_the_middle_still_gives_what_it_saw():
    finder = Places(*[[face_at(100, 80)]] * 2)
    seen = look(Roll([room(0), room(1)], live=True), finder)
    assert (len(seen.faces), seen.frames) == (1, 2)


def test_a_live_camera_that_repeats_itself_is_stuck_even_with_a_face():
    finder = Places(*[[face_at(100, 80)]] * 5)
    assert look(Roll([room()] * 5, live=True), finder).reason == "stuck"


def test_a_network_camera_that_gives_one_snapshot_for_ever_is_stuck():
    seen, reasons = light.LastSeen(), []
    for minute in range(3):
        camera = Roll([room()], live=True)
        camera.clock.wait(60 * minute)
        reasons.append(look(camera, Places([face_at(100, 80)]), seen=seen).reason)
    assert reasons == [None, "stuck", "stuck"]


def test_a_still_picture_in_a_file_is_not_stuck():
    finder = Places(*[[face_at(100, 80)]] * 5)
    assert look(Roll([room()] * 5), finder).reason is None


def test_a_covered_lens_is_dark_not_stuck():
    black = np.zeros((480, 640, 3), np.uint8)
    assert look(Roll([black] * 5, live=True), Places()).reason == "dark"


def test_the_reason_is_what_most_frames_say():
    black = np.zeros((480, 640, 3), np.uint8)
    assert look(Roll([black, room(1), room(2)]), Places()).reason == "nobody"
    assert look(Roll([room(0), black, black + 1]), Places()).reason == "dark"


def test_a_reading_says_how_light_it_is():
    frame = np.full((480, 640, 3), 51, np.uint8)
    assert look(Roll([frame] * 3), Places()).light == pytest.approx(0.2, abs=0.01)


def test_a_beat_comes_before_every_frame():
    beats = []
    finder = Places(*[[face_at(100, 80)]] * 5)
    look(Roll([room(i) for i in range(5)]), finder, beat=beats.append)
    assert beats == ["read"] * 5


def test_a_network_that_answers_nonsense_gives_a_reading_all_the_same():
    def model(crops):
        return np.full((len(crops), 7), np.nan, np.float32)

    seen = look(Roll([room()]), Places([face_at(100, 80)]), model)
    assert seen.faces[0].probabilities == pytest.approx([1 / 7] * 7)


@hypothesis.given(
    st.lists(
        st.lists(
            st.builds(
                face_at,
                st.floats(-80, 700),
                st.floats(-80, 500),
                st.floats(2, 900),
            ),
            max_size=3,
        ),
        min_size=1,
        max_size=3,
    )
)
@hypothesis.settings(max_examples=40, deadline=None)
def test_faces_anywhere_make_readings_that_any_server_takes(found):
    seen = look(Roll([room()] * len(found)), Places(*found))
    assert Reading.from_json(seen.to_json()).reason == seen.reason
