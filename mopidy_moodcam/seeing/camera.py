"""Where frames come from: cameras, streams, video files, folders, the demo.

A camera is opened for a burst and closed after it, so that its lamp goes out. A
file has a time of its own, which is the eye's clock: it runs on between bursts and
starts over at the file's end.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import cv2

from mopidy_moodcam.seeing import devices
from mopidy_moodcam.seeing.demo import Demo
from mopidy_moodcam.seeing.devices import CameraError, without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np

    from mopidy_moodcam.seeing.beats import Beat
    from mopidy_moodcam.seeing.clock import Clock

WIDTH, HEIGHT = 1280, 720  # asked for: a face 2 m away is 41 px wide in 640
WARM_UP = 0.6  # seconds until a webcam's exposure has settled
WARM_UP_FRAMES = 4
STREAM_SECONDS = 25.0  # to open or give a frame: some send a whole one every 20 s
ANSWER_SECONDS = 8.0  # for a network camera to take a call
PORTS = {"rtsp": 554, "http": 80, "https": 443, "rtmp": 1935}
IMAGE_SECONDS = 10.0  # each image of a folder stands that long
IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}
DEFAULT_RATE = 25.0  # frames per second of a file that does not say

__all__ = ["Camera", "CameraError", "open_camera"]


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool: ...  # noqa: N802 (OpenCV's name)
    def grab(self) -> bool: ...
    def retrieve(self) -> tuple[bool, np.ndarray]: ...
    def get(self, prop: int, /) -> float: ...
    def set(self, prop: int, value: float, /) -> bool: ...
    def release(self) -> None: ...


class Camera:
    """A source of frames, open until `close` or the end of its `with` block.

    `live` says whether it shows the world as it is now (then identical frames are
    a fault).
    """

    live = False

    def read(self) -> np.ndarray | None:
        """Return the frame of this moment, uint8 [H, W, 3] BGR; None: there is none."""
        raise NotImplementedError

    def pass_time(self, seconds: float) -> None:
        """Let `seconds` go by before the next read."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the device; its lamp goes out."""

    def __enter__(self) -> Self:
        """Use the camera in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the device at the block's end."""
        self.close()


class LiveCamera(Camera):
    """A webcam or a network stream: frames come when they come."""

    live = True

    def __init__(
        self, capture: Capture, clock: Clock, beat: Beat, patience: float = 0.0
    ) -> None:
        self._capture = capture
        self._clock = clock
        self._beat = beat
        self._patience = patience
        self._unread = False

    def grab(self, frames: int = 1) -> bool:
        """Wait for so many frames and keep the last for `read`; False: none came."""
        for _ in range(frames):
            self._beat("read", self._patience)
            self._unread = self._capture.grab()
            if not self._unread:
                return False
        return True

    def read(self) -> np.ndarray | None:
        """Return the frame that came last, or wait for one where it was read already.

        From a camera with a frame every few seconds each counts.
        """
        if not self._unread and not self.grab():
            return None
        self._unread = False
        good, frame = self._capture.retrieve()
        return frame if good else None

    def pass_time(self, seconds: float) -> None:
        """Drop frames for `seconds`: a driver's buffer must not grow old."""
        end = self._clock.elapsed + seconds
        while (began := self._clock.elapsed) < end:
            if not self.grab() or self._clock.elapsed == began:  # `--fast` stops it
                return

    def close(self) -> None:
        """Let go of the device; its lamp goes out."""
        self._capture.release()


class VideoFile(Camera):
    """A video file, played in a loop along the clock."""

    def __init__(self, capture: Capture, clock: Clock) -> None:
        self._capture = capture
        self._clock = clock
        self._rate = _sensible_rate(capture.get(cv2.CAP_PROP_FPS))
        self._count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._next = 0
        self._last: np.ndarray | None = None
        if self._count <= 0:  # some containers do not say
            self._count = self._counted()

    def read(self) -> np.ndarray | None:
        """Return the frame that stands at this moment of the file's time."""
        wanted = int(self._clock.elapsed * self._rate) % max(1, self._count)
        frame = self._frame(wanted)
        if frame is None and wanted:  # the file is shorter than it says
            self._count = max(1, min(self._count, self._next))
            frame = self._frame(wanted % self._count)
        return frame

    def pass_time(self, seconds: float) -> None:
        """Let the file's time go on."""
        self._clock.wait(seconds)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()

    def _frame(self, wanted: int) -> np.ndarray | None:
        if self._last is not None and wanted == self._next - 1:
            return self._last
        # Seeking is inexact in some containers and slow in most: step if near.
        if not self._next <= wanted < self._next + 2 * self._rate:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, wanted)
            self._next = wanted
        while self._next <= wanted:
            if not self._capture.grab():
                return None
            self._next += 1
        good, self._last = self._capture.retrieve()
        return self._last if good else None

    def _counted(self) -> int:
        count = 0
        while self._capture.grab():
            count += 1
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
        return count


class Slides(Camera):
    """Images, each standing for ten seconds of the clock, in a loop."""

    def __init__(self, paths: Sequence[Path], clock: Clock) -> None:
        self._paths = paths
        self._clock = clock

    def read(self) -> np.ndarray | None:
        """Return this moment's image; None where it cannot be read."""
        turn = int(self._clock.elapsed / IMAGE_SECONDS) % len(self._paths)
        return cv2.imread(str(self._paths[turn]), cv2.IMREAD_COLOR)

    def pass_time(self, seconds: float) -> None:
        """Let the time go on."""
        self._clock.wait(seconds)


class DemoCamera(Camera):
    """Drawn faces of nobody, changing their expression along the clock."""

    def __init__(self, demo: Demo, clock: Clock) -> None:
        self._demo = demo
        self._clock = clock

    def read(self) -> np.ndarray | None:
        """Return the drawing of this moment."""
        return self._demo.frame(self._clock.elapsed)

    def pass_time(self, seconds: float) -> None:
        """Let the time go on."""
        self._clock.wait(seconds)


def open_camera(
    source: str,
    *,
    clock: Clock,
    beat: Beat = lambda _doing, _seconds=0.0: None,
    capture: Callable[..., Capture] = cv2.VideoCapture,
    list_devices: Callable[[], list[str]] = devices.video_devices,
    name_device: Callable[[str], str] = devices.camera_name,
) -> Camera:
    """Open what the setting `camera` names, ready for the first read.

    `source` is `auto`, an index, a device path, an rtsp or http URL, a video
    file, an image, a folder of images, or `demo` (`demo:10` runs ten times as
    fast). `beat` is called before each step that may hang. Raises `CameraError` with
    the reason and a sentence.
    """
    source = devices.location(source)
    word, _, rest = source.partition(":")
    if source in ("none", ""):
        raise CameraError("gone", "The setting moodcam/camera is none: nothing to see.")
    if word == "demo":
        return DemoCamera(Demo(speed=_speed(rest)), clock)
    if "://" in source:
        return _stream(source, clock, beat, capture)
    if source == "auto":
        return _first_that_works(clock, beat, capture, list_devices, name_device)
    if source.isdecimal():
        source = f"/dev/video{source}" if _is_linux() else source
    if source.isdecimal() or source.startswith("/dev/"):
        return _device(source, clock, beat, capture, name_device)
    return _file(Path(source).expanduser(), clock, capture)


def _first_that_works(
    clock: Clock,
    beat: Beat,
    capture: Callable[..., Capture],
    list_devices: Callable[[], list[str]],
    name_device: Callable[[str], str],
) -> Camera:
    if not _is_linux():
        return _device("0", clock, beat, capture, name_device)
    troubles: list[CameraError] = []
    for path in list_devices():
        try:
            return _device(path, clock, beat, capture, name_device)
        except CameraError as trouble:
            troubles.append(trouble)
    raise devices.most_telling(troubles)


def _device(
    source: str,
    clock: Clock,
    beat: Beat,
    capture: Callable[..., Capture],
    name_device: Callable[[str], str],
) -> Camera:
    beat("open")  # of several devices each may take its time
    if _is_linux():
        name_device(source)
        opened = capture(source, cv2.CAP_V4L2)
    else:
        opened = capture(int(source))
    if not opened.isOpened():
        opened.release()
        raise CameraError(
            "gone", f"The camera {source!r} does not open; unplug it and plug it in."
        )
    # Most webcams give 1280x720 at 30 frames a second only as motion JPEG.
    opened.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    opened.set(cv2.CAP_PROP_FRAME_WIDTH, WIDTH)
    opened.set(cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT)
    camera = LiveCamera(opened, clock, beat)
    if not camera.grab(WARM_UP_FRAMES):
        camera.close()
        raise CameraError(
            "gone", f"The camera {source!r} gives no frame; unplug it and plug it in."
        )
    camera.pass_time(WARM_UP)  # exposure and white balance settle
    return camera


def _stream(
    source: str, clock: Clock, beat: Beat, capture: Callable[..., Capture]
) -> Camera:
    milliseconds = int(1000 * STREAM_SECONDS)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    beat("open", STREAM_SECONDS)
    opened = capture(source, cv2.CAP_FFMPEG, limits)
    camera = LiveCamera(opened, clock, beat, STREAM_SECONDS)
    opens = opened.isOpened()
    if opens and camera.grab():
        return camera
    camera.close()
    shown = without_secrets(source)
    if opens:
        why = (
            "answers, but sends no whole picture in time; set the camera's I-frame "
            "(key frame) interval to 2 s."
        )
    elif _answers(source, beat):
        why = "answers, but gives no video; check user, password and path."
    else:
        why = (
            "does not answer; check the setting moodcam/camera and whether the camera "
            "is switched on."
        )
    raise CameraError("gone", f"The stream {shown!r} {why}")


def _answers(source: str, beat: Beat) -> bool:
    """Whether anything listens at a stream's address."""
    beat("open")
    try:
        parts = urlsplit(source)
        port = parts.port or PORTS.get(parts.scheme, 0)
        socket.create_connection((parts.hostname, port), ANSWER_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def _file(path: Path, clock: Clock, capture: Callable[..., Capture]) -> Camera:
    if path.is_dir():
        images = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGES)
        if not images:
            raise CameraError("gone", f"The folder {str(path)!r} holds no images.")
        return Slides(images, clock)
    if not path.exists():
        raise CameraError(
            "gone",
            f"There is no file {str(path)!r}; the setting moodcam/camera takes auto, a "
            "number, a device, a URL, a video file, a folder of images, demo or none.",
        )
    if path.suffix.lower() in IMAGES:
        return Slides([path], clock)
    opened = capture(str(path), cv2.CAP_FFMPEG)
    if not opened.isOpened():
        opened.release()
        raise CameraError(
            "gone", f"{str(path)!r} is no video that OpenCV can read; choose another."
        )
    return VideoFile(opened, clock)


def _speed(text: str) -> float:
    try:
        speed = float(text or 1)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1000:
        raise CameraError(
            "gone", f"demo:{text} is no speed; write demo or, for example, demo:10."
        )
    return speed


def _sensible_rate(rate: float) -> float:
    return rate if 0.1 <= rate <= 1000 else DEFAULT_RATE


def _is_linux() -> bool:
    return sys.platform == "linux"
