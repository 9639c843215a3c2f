"""How well and how fast faces are found: `python tests/bench/bench_faces.py`.

Photographs of the London set are scaled, rolled and dimmed onto frames of
640×480 from a clip without faces. Skips where the shared data is absent.
"""

from __future__ import annotations

import sys
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.seeing.faces import HaarFinder, open_finder
from tests.bench import benches

CASES = {
    "33 px wide": {"width": 33},
    "22 px wide": {"width": 22},
    "rolled by 35°": {"width": 80, "roll": 35},
    "in 8 % light": {"width": 80, "light": 0.08},
    "40 px, rolled by 20°, in 25 % light": {"width": 40, "roll": 20, "light": 0.25},
}


def photographs(faces: Path) -> list[np.ndarray]:
    with zipfile.ZipFile(faces / "london_dev.zip") as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".jpg"))
        coded = [np.frombuffer(archive.read(n), np.uint8) for n in names]
    return [cv2.imdecode(data, cv2.IMREAD_COLOR) for data in coded]


def clip_frames(path: Path) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        good, frame = video.read()
        if not good:
            return frames
        frames.append(frame)


def composed(photo, box, background, rng, *, width, roll=0, light=1.0):
    """Lay a photograph on a background; returns the frame and the face's box."""
    scale = width / box[2]
    face = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    side = face.shape[0]
    frame = cv2.resize(background, (640, 480), interpolation=cv2.INTER_AREA)
    x = rng.integers(side // 2 + 1, 640 - side // 2) if side < 638 else 320
    y = rng.integers(side // 2 + 1, 480 - side // 2) if side < 478 else 240
    middle = ((box[0] + box[2] / 2) * scale, (box[1] + box[3] / 2) * scale)
    turn = cv2.getRotationMatrix2D(middle, float(roll * rng.choice((-1, 1))), 1)
    turn[:, 2] += np.array([x, y]) - middle
    mask = cv2.warpAffine(np.full(face.shape[:2], 255, np.uint8), turn, (640, 480))
    laid = cv2.warpAffine(face, turn, (640, 480))
    frame[mask > 127] = laid[mask > 127]
    if light < 1:
        noise = rng.normal(0, 1.5, frame.shape)
        frame = np.clip(frame * light + noise, 0, 255).round().astype(np.uint8)
    return frame, (x - width / 2, y - width / 2, width, width)


def overlap(one, other):
    w = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    h = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = max(0, w) * max(0, h)
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def recall(finder, frames) -> float:
    hits = [
        any(overlap(face.box, box) > 0.3 for face in finder.find(frame))
        for frame, box in frames
    ]
    return float(np.mean(hits))


def milliseconds(look, repeats: int = 20) -> float:
    look()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        look()
        times.append(time.process_time() - start)
    return 1000 * float(np.median(times))


def main() -> None:
    benches.begin(f"OpenCV {cv2.__version__}", "one thread")
    faces = benches.shared("faces")
    if faces is None:
        return
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    finder, _ = open_finder()
    finders = {"BlazeFace": finder}
    if hasattr(cv2, "CascadeClassifier"):
        finders["Haar"] = HaarFinder()
    photos = photographs(faces)
    boxes = [finder.find(photo)[0].box for photo in photos]
    empty = clip_frames(faces / "clips" / "no_face.mp4")
    print(f"{len(photos)} photographs")
    for name, case in CASES.items():
        frames = [
            composed(photo, box, empty[i % len(empty)], rng, **case)
            for i, (photo, box) in enumerate(zip(photos, boxes, strict=True))
        ]
        row = (f"{who} {recall(it, frames):.2f}" for who, it in finders.items())
        print(f"recall, {name}: {', '.join(row)}")
    for who, it in finders.items():
        false = sum(len(it.find(frame)) for frame in empty)
        print(f"false faces in {len(empty)} frames: {who} {false}")
    frame, _ = composed(photos[0], boxes[0], empty[0], rng, width=120)
    for who, it in finders.items():
        print(f"first look: {who} {milliseconds(lambda f=it: f.find(frame)):.1f} ms")
    follow = milliseconds(lambda: finder.find(frame, follow=True))
    print(f"following: BlazeFace {follow:.1f} ms")


if __name__ == "__main__":
    main()
