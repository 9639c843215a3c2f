"""Videos that the tests draw and give to a server as its camera."""

from __future__ import annotations

import cv2
import numpy as np

from mopidy_moodcam.seeing.demo import SHOW_SECONDS, Demo

RATE = 10


def write_face(path, expression, seconds=3):
    """Write a video of a drawn face that shows one expression."""
    demo = Demo(seed=3)
    moments = np.arange(0, 20 * SHOW_SECONDS, SHOW_SECONDS / 3)
    begin = next(t for t in moments if shows(demo, t, expression))
    times = begin + np.arange(0, seconds, 1 / RATE)
    return write(path, [demo.frame(t) for t in times])


def shows(demo, moment, expression):
    return demo.shown(moment) == expression == demo.shown(moment + 5)


def write_empty_room(path, seconds=3):
    """Write a video in which nobody is seen."""
    rng = np.random.default_rng(5)
    room = np.full((480, 640, 3), 120, np.uint8)
    cv2.rectangle(room, (60, 200), (300, 440), (90, 110, 140), -1)
    noise = lambda: rng.integers(-6, 7, room.shape)  # noqa: E731
    frames = [np.clip(room + noise(), 0, 255) for _ in range(int(seconds * RATE))]
    return write(path, frames)


def write(path, frames):
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), RATE, size)
    for frame in frames:
        writer.write(np.asarray(frame, np.uint8))
    writer.release()
    return path


def frames_of(path):
    """Read all frames of a video."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (got := capture.read())[0]:
        frames.append(got[1])
    return frames
