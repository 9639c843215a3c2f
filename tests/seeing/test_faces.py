"""Faces are found where there are faces, and cut out upright."""

import cv2
import numpy as np
import pytest

from mopidy_moodcam.resources import MissingFile, weight_path
from mopidy_moodcam.seeing import faces
from mopidy_moodcam.seeing.faces import FoundFace, crop
from tests.bench import bench_faces
from tests.seeing.frames import grey, person, room
from tests.shared import shared_data


@pytest.fixture(scope="module")
def finder():
    try:
        weight_path("blazeface_back.tflite")
    except MissingFile as missing:
        pytest.skip(str(missing))
    return faces.open_finder()[0]


def at(frame, x, y, scale=0.5):
    """Lay a smaller picture into an empty room."""
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    laid = room()
    laid[y : y + small.shape[0], x : x + small.shape[1]] = small
    return laid


def test_a_drawn_face_is_found_with_its_eyes(finder):
    (face,) = finder.find(person("neutral"))
    left, top, width, _ = face.box
    assert 130 < width < 230
    assert all(left < x < left + width and top < y for x, y in face.eyes)
    assert abs(face.roll) < 8


def test_nobody_is_found_in_an_empty_room(finder):
    assert finder.find(room()) == []


def test_two_people_are_two_faces_the_wider_first(finder):
    frame = np.hstack([person("happy"), at(person("neutral"), 200, 100, 0.6)])
    wide, narrow = finder.find(frame)
    assert wide.box[2] > narrow.box[2]
    assert wide.box[0] < 640 < narrow.box[0]


def test_a_far_face_in_a_wide_frame_is_found_on_a_closer_look(finder):
    wide = cv2.resize(room(), (1280, 720))
    far = cv2.resize(person("neutral"), (80, 60), interpolation=cv2.INTER_AREA)
    wide[300:360, 1100:1180] = far
    (face,) = finder.find(wide)
    assert face.box[2] < 30
    assert face.centre[0] == pytest.approx(1140, abs=12)


def test_a_family_of_four_is_four_faces(finder):
    rows = [np.hstack([person(e), person("neutral")]) for e in ("happy", "sad")]
    assert len(finder.find(np.vstack(rows))) == 4


def test_a_rolled_head_is_found_and_its_roll_measured(finder):
    turn = cv2.getRotationMatrix2D((320, 255), -30, 1)
    (face,) = finder.find(cv2.warpAffine(person("neutral"), turn, (640, 480)))
    assert face.roll == pytest.approx(30, abs=8)


def test_a_face_in_a_dim_room_is_found(finder):
    dim = cv2.convertScaleAbs(person("neutral"), alpha=0.08)
    assert len(finder.find(dim)) == 1


def test_following_finds_the_same_face_a_little_further_on(finder):
    (first,) = finder.find(person("happy"))
    moved = np.roll(person("happy"), 12, axis=1)
    (then,) = finder.find(moved, follow=True)
    assert then.centre[0] - first.centre[0] == pytest.approx(12, abs=6)


def test_following_looks_everywhere_when_the_face_is_lost(finder):
    finder.find(at(person("happy"), 0, 0))
    (face,) = finder.find(at(person("happy"), 310, 200), follow=True)
    assert face.centre[0] > 320


def test_where_one_of_two_followed_faces_moved_away_both_are_looked_for(finder):
    for x, y, follow in ((0, 0, False), (250, 190, True)):
        frame = np.hstack([person("happy"), at(person("neutral"), x, y, 0.6)])
        assert len(finder.find(frame, follow=follow)) == 2


def test_nobody_stays_when_the_followed_face_has_left(finder):
    finder.find(person("happy"))
    assert finder.find(room(), follow=True) == []


def test_a_cropped_face_is_upright_and_of_the_size_asked(finder):
    turn = cv2.getRotationMatrix2D((320, 255), -30, 1)
    rolled = cv2.warpAffine(person("neutral"), turn, (640, 480))
    (face,) = finder.find(rolled)
    cut = crop(grey(rolled), face, 160)
    assert cut.shape == (160, 160)
    assert cut.dtype == np.uint8
    (again,) = finder.find(
        cv2.cvtColor(
            cv2.copyMakeBorder(cut, 60, 60, 60, 60, cv2.BORDER_REPLICATE),
            cv2.COLOR_GRAY2BGR,
        )
    )
    assert abs(again.roll) < 8


@pytest.mark.parametrize(
    "box",
    [(-30, -30, 80, 80), (600, 440, 90, 90), (-900, 10, 50, 50), (0, 0, 2000, 2000)],
)
def test_a_face_over_the_frames_edge_is_cropped_all_the_same(box):
    assert crop(grey(room()), FoundFace(box, 1.0)).shape == (96, 96)


def test_a_crop_keeps_what_it_shows_where_it_was():
    frame = np.zeros((200, 200), np.uint8)
    cv2.circle(frame, (100, 80), 4, 255, -1)
    cut = crop(frame, FoundFace((60, 40, 80, 80), 1.0), 100)
    assert np.unravel_index(cut.argmax(), cut.shape) == pytest.approx((50, 50), abs=4)


def test_a_crop_is_a_tenth_wider_than_the_face():
    frame = np.zeros((400, 400), np.uint8)
    frame[120:280, 120:280] = 255
    cut = crop(frame, FoundFace((120, 120, 160, 160), 1.0), 110)
    assert (cut > 127).mean() == pytest.approx(1 / 1.1**2, abs=0.03)


@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (2, 2), (720, 1280)])
def test_frames_of_any_size_are_searched(finder, shape):
    assert finder.find(np.full((*shape, 3), 90, np.uint8)) == []


def test_missing_weights_leave_the_old_cascade_or_a_sentence():
    def missing(name):
        raise MissingFile(f"The weights {name} are missing; run: fetch.")

    if not hasattr(cv2, "CascadeClassifier"):
        with pytest.raises(MissingFile, match="run: fetch"):
            faces.open_finder(missing)
        return
    finder, note = faces.open_finder(missing)
    assert isinstance(finder, faces.HaarFinder)
    assert "run: fetch" in note


@pytest.mark.skipif(not hasattr(cv2, "CascadeClassifier"), reason="OpenCV 5")
def test_both_detectors_draw_the_same_box(finder):
    (one,) = finder.find(person("neutral"))
    other = max(
        faces.HaarFinder().find(person("neutral")), key=lambda face: face.box[2]
    )
    assert other.box == pytest.approx(one.box, abs=0.2 * one.box[2])


def test_missing_weights_without_a_cascade_are_a_sentence(monkeypatch):
    def missing(name):
        raise MissingFile(f"The weights {name} are missing; run: fetch.")

    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    with pytest.raises(MissingFile, match="run: fetch"):
        faces.open_finder(missing)


def test_broken_weights_name_the_command_that_mends_them(tmp_path, monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    broken = tmp_path / "net.tflite"
    broken.write_bytes(b"TFL3" * 10)
    with pytest.raises(MissingFile, match=r"python -m mopidy_moodcam\.weights"):
        faces.open_finder(lambda _: broken)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "least"),
    [
        ("33 px wide", 0.97),
        ("22 px wide", 0.97),
        ("rolled by 35°", 0.98),
        ("in 8 % light", 0.94),
        ("40 px, rolled by 20°, in 25 % light", 0.95),
    ],
)
def test_photographs_far_rolled_and_dim_are_found(finder, case, least):
    folder = shared_data("faces")
    photos = bench_faces.photographs(folder)[::4]
    empty = bench_faces.clip_frames(folder / "clips" / "no_face.mp4")[::10]
    rng = np.random.default_rng(2)
    frames = [
        bench_faces.composed(
            photo,
            finder.find(photo)[0].box,
            empty[i % len(empty)],
            rng,
            **bench_faces.CASES[case],
        )
        for i, photo in enumerate(photos)
    ]
    assert bench_faces.recall(finder, frames) >= least


def test_no_face_is_found_in_a_clip_without_faces(finder):
    clip = shared_data("faces/clips") / "no_face.mp4"
    assert not any(finder.find(frame) for frame in bench_faces.clip_frames(clip)[::4])
