"""What is wrong with a camera device, told without opening a stream."""

import errno
import os
import struct
from pathlib import Path

import pytest

from mopidy_moodcam.seeing import devices
from mopidy_moodcam.seeing.devices import CameraError


@pytest.fixture
def node(tmp_path):
    path = tmp_path / "video0"
    path.touch()
    return str(path)


def answers(monkeypatch, *, captures=True, in_use=False, driver=b"uvcvideo"):
    """Let the kernel answer as a camera would."""

    def ioctl(_device, request, argument):
        if request == devices.REQUEST_BUFFERS and in_use:
            raise OSError(errno.EBUSY, "Device or resource busy")
        if request == devices.QUERY_CAPABILITIES:
            data = bytearray(argument)
            data[: len(driver)] = driver
            data[16:27] = b"Fine Webcam"
            mine = devices.CAPTURES_VIDEO if captures else 0
            everything = devices.HAS_DEVICE_CAPABILITIES | devices.CAPTURES_VIDEO
            struct.pack_into("<II", data, 84, everything, mine)
            return bytes(data)
        return argument

    monkeypatch.setattr(devices.fcntl, "ioctl", ioctl)


def test_a_camera_says_its_name(monkeypatch, node):
    answers(monkeypatch)
    assert devices.camera_name(node) == "Fine Webcam"


def test_a_camera_that_another_program_uses_is_busy(monkeypatch, node):
    answers(monkeypatch, in_use=True)
    with pytest.raises(CameraError, match="Another program") as trouble:
        devices.camera_name(node)
    assert trouble.value.reason == "busy"


def test_a_cameras_metadata_node_is_no_camera(monkeypatch, node):
    answers(monkeypatch, captures=False)
    with pytest.raises(CameraError, match="gives video"):
        devices.camera_name(node)


@pytest.mark.parametrize(
    ("driver", "trouble", "sentence"),
    [
        (b"bcm2835-isp", devices.NoCameraError, "gives video"),
        (b"unicam", CameraError, "its rtsp:// address"),
    ],
)
def test_what_a_raspberry_pi_has_is_no_webcam(
    monkeypatch, node, driver, trouble, sentence
):
    answers(monkeypatch, driver=driver)
    with pytest.raises(CameraError, match=sentence) as told:
        devices.camera_name(node)
    assert type(told.value) is trouble


def test_a_plain_file_is_no_camera(node):
    with pytest.raises(CameraError, match="gives video"):
        devices.camera_name(node)


def test_an_unplugged_camera_is_gone(tmp_path):
    with pytest.raises(CameraError, match="unplugged") as trouble:
        devices.camera_name(str(tmp_path / "video9"))
    assert trouble.value.reason == "gone"


def test_a_forbidden_camera_names_the_missing_group(monkeypatch, node):
    def forbidden(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(devices.os, "open", forbidden)
    with pytest.raises(CameraError, match=r"run: sudo usermod -aG \w+ ") as trouble:
        devices.camera_name(node)
    assert trouble.value.reason == "gone"


def test_a_device_busy_at_opening_is_busy(monkeypatch, node):
    def busy(*_):
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(devices.os, "open", busy)
    with pytest.raises(CameraError) as trouble:
        devices.camera_name(node)
    assert trouble.value.reason == "busy"


def test_devices_are_listed_once_and_by_their_lasting_path(tmp_path):
    for number in (0, 1, 2, 10, 20):
        (tmp_path / f"video{number}").touch()
    folder = tmp_path / "v4l" / "by-path"
    folder.mkdir(parents=True)
    (folder / "usb-1-index0").symlink_to("../../video2")
    (folder / "usbv2-1-index0").symlink_to("../../video2")
    (folder / "platform-isp-index0").symlink_to("../../video20")
    found = [os.path.basename(path) for path in devices.video_devices(tmp_path)]  # noqa: PTH119
    stable = ["usb-1-index0", "platform-isp-index0"]
    assert found == [*stable, "video0", "video1", "video10"]


@pytest.mark.parametrize(("hung", "first"), [(0, 0), (1, 1), (2, 2), (3, 0)])
def test_after_a_camera_hung_another_has_its_turn(tmp_path, hung, first):
    paths = [str(tmp_path / f"video{number}") for number in range(3)]
    for path in paths:
        Path(path).touch()
    found = devices.video_devices(tmp_path, hung=hung)
    assert found == paths[first:] + paths[:first]


def test_a_machine_without_cameras_lists_none(tmp_path):
    assert devices.video_devices(tmp_path, hung=1) == []
