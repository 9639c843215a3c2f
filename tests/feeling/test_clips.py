"""Real faces on film, read along the film's own time: the mood follows them."""

import csv
import itertools

import pytest

from mopidy_moodcam.feeling.tracker import Tracker, TrackerSettings
from mopidy_moodcam.glossary import UNKNOWN
from tests.shared import find_shared, shared_data

STEP = 0.2  # seconds between readings: several a second

FILM = TrackerSettings(0, changes_per_hour=3600, interval=STEP)
"""A mood that may follow a film of three seconds; a room's takes its time."""


@pytest.fixture(scope="module")
def watch():
    cv2 = pytest.importorskip("cv2")
    from mopidy_moodcam.resources import MissingFile
    from mopidy_moodcam.seeing import burst, expression, faces
    from mopidy_moodcam.seeing.camera import open_camera
    from mopidy_moodcam.seeing.clock import FastClock

    try:
        finder, model = faces.open_finder()[0], expression.load()
    except MissingFile as missing:
        pytest.skip(str(missing))

    def watch(clip, settings=FILM):
        """Return the mood's label after each frame that was read, by frame number."""
        path = str(shared_data(f"faces/clips/{clip}"))
        film = cv2.VideoCapture(path)
        rate, length = film.get(cv2.CAP_PROP_FPS), film.get(cv2.CAP_PROP_FRAME_COUNT)
        clock, tracker, labels = FastClock(1e9), Tracker(settings), {}
        with open_camera(path, clock=clock) as camera:
            while (frame := int(clock.elapsed * rate)) < length:
                seen = burst.look(camera, finder, model, clock=clock, frames=1)
                labels[frame] = tracker.update(seen).label
                clock.wait(STEP)
        return labels

    return watch


def stretches():
    table = find_shared("faces/clips/labels.csv")
    if table is None:
        return []
    with table.open() as lines:
        return [
            (row["clip"], int(row["first_frame"]), int(row["last_frame"]), row)
            for row in csv.DictReader(lines)
        ]


@pytest.mark.slow
@pytest.mark.parametrize("clip", sorted({row[0] for row in stretches()}))
def test_the_mood_follows_the_faces_of_a_film(watch, clip):
    labels = watch(clip)
    for name, first, last, row in stretches():
        seen = [label for frame, label in labels.items() if first <= frame <= last]
        if name == clip and row["expression"] not in ("", "none"):
            assert seen[-1] == row["expression"], row


@pytest.mark.slow
def test_no_mood_comes_out_of_frames_without_a_face(watch):
    assert set(watch("no_face.mp4").values()) == {UNKNOWN}


@pytest.mark.slow
def test_with_default_settings_a_short_film_does_not_flip_the_mood(watch):
    labels = list(watch("neutral_to_smile.mp4", TrackerSettings()).values())
    changes = sum(a != b for a, b in itertools.pairwise(labels))
    assert changes <= 1
