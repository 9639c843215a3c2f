"""Video devices of Linux, looked at without opening a stream (and without OpenCV).

OpenCV says of any device only that it 'cannot open' it; here one learns why. The
numbers are those of the kernel's `linux/videodev2.h`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import getpass
import grp
import os
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mopidy_moodcam.glossary import NoReading

SOURCE = "MOODCAM_CAMERA"
"""The variable that names the camera to the eye. Its command line would show every
user of the machine the password that a network camera's URL may hold."""

QUERY_CAPABILITIES = 0x80685600  # VIDIOC_QUERYCAP
REQUEST_BUFFERS = 0xC0145608  # VIDIOC_REQBUFS
CAPTURES_VIDEO = 0x1  # V4L2_CAP_VIDEO_CAPTURE
HAS_DEVICE_CAPABILITIES = 0x80000000  # V4L2_CAP_DEVICE_CAPS
VIDEO_CAPTURE, MEMORY_MAPPED = 1, 1
AFTER_SCHEME = re.compile(r"(?:[^/?#;&]*@)?((?:\[[^]@]*\]|[^/?#;&:@]*)(?::\d+)?)[^@]*")
"""User and password, then the group that may be shown: host and port; then the rest."""

PROCESSORS = {"bcm2835-codec", "bcm2835-isp", "pispbe", "rpivid"}
"""A Raspberry Pi's drivers that work on pictures and, whatever they say, take none."""
LIBCAMERA = {"unicam", "rp1-cfe"}
"""Those of its own camera, which is only seen through libcamera."""


class CameraError(Exception):
    """A camera gives no frames: a reason and one sentence that helps."""

    def __init__(self, reason: NoReading, sentence: str) -> None:
        super().__init__(sentence)
        self.reason: NoReading = reason
        self.sentence = sentence


class NoCameraError(CameraError):
    """A device is something else than a camera."""

    def __init__(self, path: str) -> None:
        super().__init__("gone", f"{path!r} is no camera that gives video.")


def most_telling(troubles: Sequence[CameraError]) -> CameraError:
    """Return which trouble of several devices to tell.

    That one is in use explains more than any other; that one is no camera, nothing.
    """
    cameras = [each for each in troubles if not isinstance(each, NoCameraError)]
    for trouble in (*(each for each in cameras if each.reason == "busy"), *cameras):
        return trouble
    return CameraError(
        "gone",
        "No camera was found; plug one in, or set moodcam/camera to demo or to a "
        "camera's path, file or URL.",
    )


def location(source: str) -> str:
    """Return what the setting `camera` names: of a `file://` URL its path."""
    return source.strip().removeprefix("file://")


def without_secrets(source: str) -> str:
    """Return a camera's name for people: of a URL only scheme, host and port.

    Network cameras take passwords before the host, in the path and in the query, and
    people write those with any sign in them. Where an `@` comes after what may end the
    host, nobody can tell which part that is: then only the scheme is shown, as where
    a slash was forgotten.
    """
    scheme, mark, rest = location(source).partition("://")
    if not mark:
        scheme, mark, _ = location(source).partition(":")
        mistyped = mark and "@" in source and scheme.isalnum()
        return f"{scheme}:…" if mistyped else source
    parts = AFTER_SCHEME.fullmatch(rest)
    return scheme + mark + (parts[1] if parts else "…")


def video_devices(root: Path = Path("/dev"), hung: int = 0) -> list[str]:
    """Return the cameras' paths: USB first, and those that survive re-plugging.

    A camera has one node for video and often one for metadata; both are listed. After
    each time that one `hung` the first comes last, so that another has its turn.
    """
    seen: set[Path] = set()
    found: list[str] = []
    stable = sorted((root / "v4l" / "by-path").glob("*"), key=_not_usb)
    for path in [*stable, *sorted(root.glob("video[0-9]*"), key=_number)]:
        if path.resolve() not in seen:
            seen.add(path.resolve())
            found.append(str(path))
    turn = hung % max(1, len(found))
    return found[turn:] + found[:turn]


def camera_name(path: str) -> str:
    """Return the name of the camera behind a device path.

    Raises `CameraError` where it is unplugged, not allowed, in use by another
    program, or no camera.
    """
    with _opened(path) as device:
        try:
            answer = fcntl.ioctl(device, QUERY_CAPABILITIES, bytes(104))
        except OSError as error:
            raise NoCameraError(path) from error
        driver, name = _text(answer[:16]), _text(answer[16:48])
        if not _captures(answer) or driver in PROCESSORS:
            raise NoCameraError(path)
        if driver in LIBCAMERA:
            raise CameraError(
                "gone",
                f"The Raspberry Pi's own camera {path!r} is only seen through "
                "libcamera; serve it as a stream, such as by MediaMTX, and set "
                "moodcam/camera to its rtsp:// address.",
            )
        _demand_free(device, path)
    return name


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace").strip()


def _captures(answer: bytes) -> bool:
    all_nodes, this_node = struct.unpack_from("<II", answer, 84)
    mine = this_node if all_nodes & HAS_DEVICE_CAPABILITIES else all_nodes
    return bool(mine & CAPTURES_VIDEO)


def _demand_free(device: int, path: str) -> None:
    """Ask for a buffer and give it back: only one program at a time gets one."""
    try:
        for count in (1, 0):
            request = struct.pack("<5I", count, VIDEO_CAPTURE, MEMORY_MAPPED, 0, 0)
            fcntl.ioctl(device, REQUEST_BUFFERS, request)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise _busy(path) from error


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        raise _why_not(path, error) from error
    try:
        yield device
    finally:
        os.close(device)


def _why_not(path: str, error: OSError) -> CameraError:
    if error.errno == errno.EBUSY:
        return _busy(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return CameraError("gone", not_allowed(path))
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return CameraError(
            "gone",
            f"There is no camera at {path!r}: it is unplugged, or the setting "
            "moodcam/camera names the wrong one.",
        )
    return CameraError("gone", f"The camera {path!r} cannot be opened: {error}.")


def not_allowed(path: str) -> str:
    """Return the sentence for a device that this user may not open."""
    user = getpass.getuser()
    try:
        group = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "video"
    return (
        f"The user {user} may not open {path!r}; run: sudo usermod -aG {group} {user} "
        "and start the session or service anew."
    )


def _busy(path: str) -> CameraError:
    return CameraError(
        "busy", f"Another program uses the camera {path!r}; it is left alone."
    )


def _not_usb(path: Path) -> tuple[bool, str]:
    return "usb" not in path.name, path.name


def _number(path: Path) -> int:
    return int("".join(filter(str.isdigit, path.name)) or 0)
