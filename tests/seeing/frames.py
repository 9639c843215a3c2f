"""Frames, cameras and clocks for the tests; every picture is drawn here."""

from __future__ import annotations

import cv2
import numpy as np

from mopidy_moodcam.glossary import EXPRESSIONS
from mopidy_moodcam.seeing import demo
from mopidy_moodcam.seeing.camera import Camera
from mopidy_moodcam.seeing.clock import FastClock
from mopidy_moodcam.seeing.faces import FoundFace


def room(seed=0):
    """A sharp room with a sensor's noise and nobody in it."""
    rng = np.random.default_rng(seed)
    picture = demo.Demo().frame(5.5 * demo.SHOW_SECONDS)
    return cv2.add(picture, rng.normal(0, 2, picture.shape), dtype=cv2.CV_8U)


def person(expression="happy", seed=0):
    """A drawn face in that room."""
    at = (demo.PLAY.index(expression) + 0.5) * demo.SHOW_SECONDS
    return demo.Demo(seed=seed).frame(at)


def grey(frame):
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)


def write_video(path, frames, rate=10):
    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    video = cv2.VideoWriter(str(path), code, rate, (width, height))
    assert video.isOpened()
    for frame in frames:
        video.write(frame)
    video.release()
    return path


def numbered(count, size=(64, 48)):
    """Frames whose grey level says which they are: 8 levels apart."""
    return [np.full((size[1], size[0], 3), 8 * i, np.uint8) for i in range(count)]


def number_of(frame):
    return round(float(frame.mean()) / 8)


class Roll(Camera):
    """A camera that shows given frames one after the other, then none."""

    def __init__(self, frames, *, live=False):
        self.live = live
        self.clock = FastClock(started=1000.0)
        self._frames = iter(frames)
        self.closed = False

    def read(self):
        return next(self._frames, None)

    def pass_time(self, seconds):
        self.clock.wait(seconds)

    def close(self):
        self.closed = True


class Webcam:
    """Stands in for `cv2.VideoCapture`: thirty noisy frames a second of a clock."""

    def __init__(self, clock, *, opens=True, frames=10**6, seconds=1 / 30):
        self.clock = clock
        self.opens = opens
        self.seconds = seconds
        self.left = frames
        self.released = False
        self.properties = {}
        self.grabbed = 0

    def __call__(self, *arguments):
        self.arguments = arguments
        return self

    def isOpened(self):  # noqa: N802 (OpenCV's name)
        return self.opens

    def grab(self):
        self.clock.wait(self.seconds)
        self.left -= 1
        self.grabbed += 1
        return self.left >= 0

    def retrieve(self):
        return True, room(self.grabbed)

    def get(self, prop):
        return self.properties.get(prop, 0.0)

    def set(self, prop, value):
        self.properties[prop] = value
        return True

    def release(self):
        self.released = True


class Places:
    """A finder that finds what it is told, frame by frame."""

    def __init__(self, *found):
        self._found = iter(found)
        self.followed = []

    def find(self, _frame, *, follow=False):
        self.followed.append(follow)
        return next(self._found, [])


def face_at(left, top, width=60, score=0.9):
    return FoundFace((left, top, width, width), score)


def sure_of(expression):
    """A network that answers every crop with one expression."""

    def model(crops):
        row = np.full(7, 0.01, np.float32)
        row[EXPRESSIONS.index(expression)] = 0.94
        return np.tile(row, (len(crops), 1))

    return model
