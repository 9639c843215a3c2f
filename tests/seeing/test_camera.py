"""Where frames come from, and what is said when none come."""

import os
import socket
import threading
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from mopidy_moodcam.seeing import camera as cameras
from mopidy_moodcam.seeing.beats import Deadlines
from mopidy_moodcam.seeing.camera import CameraError, open_camera
from mopidy_moodcam.seeing.clock import Clock, FastClock
from mopidy_moodcam.seeing.devices import NoCameraError, without_secrets
from tests.seeing.frames import Webcam, number_of, numbered, room, write_video


@pytest.fixture
def clock():
    return FastClock()


@pytest.fixture
def webcam(clock):
    return Webcam(clock)


def opened(source, clock, webcam, paths=("/dev/v4l/by-path/a",), names=None, **more):
    def name(path):
        trouble = (names or {}).get(path)
        if trouble:
            raise trouble
        return "A camera"

    return open_camera(
        source,
        clock=clock,
        capture=webcam,
        list_devices=lambda: list(paths),
        name_device=name,
        **more,
    )


def test_a_webcam_is_asked_for_motion_jpeg_of_1280_by_720(clock, webcam):
    opened("0", clock, webcam)
    assert webcam.arguments == ("/dev/video0", cv2.CAP_V4L2)
    assert webcam.properties[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert webcam.properties[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    jpeg = cv2.VideoWriter.fourcc(*"MJPG")
    assert webcam.properties[cv2.CAP_PROP_FOURCC] == jpeg


def test_the_first_frames_of_a_webcam_are_dropped(clock, webcam):
    opened("0", clock, webcam)
    assert webcam.grabbed >= cameras.WARM_UP_FRAMES
    assert clock.elapsed >= cameras.WARM_UP


def test_frames_between_reads_are_dropped_not_kept_for_later(clock, webcam):
    camera = opened("0", clock, webcam)
    before = webcam.grabbed
    camera.pass_time(1.0)
    assert webcam.grabbed - before == pytest.approx(30, abs=2)


def test_a_camera_is_released_at_the_end_of_its_block(clock, webcam):
    with opened("0", clock, webcam) as camera:
        assert camera.live
        assert camera.read().shape == (480, 640, 3)
    assert webcam.released


def test_of_a_slow_camera_no_frame_is_lost(clock):
    webcam = Webcam(clock, seconds=7)
    camera = opened("rtsp://cam/live", clock, webcam)
    for _ in range(5):
        assert camera.read() is not None
        camera.pass_time(0.2)
    assert webcam.grabbed == 6


def test_where_no_time_passes_one_frame_is_dropped(clock):
    webcam = Webcam(clock, seconds=0)
    opened("0", clock, webcam)
    assert webcam.grabbed == cameras.WARM_UP_FRAMES + 1


@pytest.mark.parametrize(("source", "patience"), [("0", 0.0), ("rtsp://cam/", 25.0)])
def test_a_beat_comes_before_each_frame_even_one_to_drop(
    clock, webcam, source, patience
):
    beats = []

    def beat(doing, seconds=0.0):
        beats.append((doing, seconds))

    camera = opened(source, clock, webcam, beat=beat)
    camera.pass_time(1.0)
    camera.read()
    assert beats == [("open", patience), *[("read", patience)] * webcam.grabbed]


def test_a_stream_of_one_picture_shows_it(clock):
    camera = opened("http://cam/snapshot.jpg", clock, Webcam(clock, frames=1))
    assert camera.read() is not None
    camera.pass_time(0.2)
    assert camera.read() is None


def test_an_unplugged_webcam_gives_no_frame_and_no_exception(clock):
    webcam = Webcam(clock, frames=60)
    camera = opened("0", clock, webcam)
    camera.pass_time(5)
    assert camera.read() is None


def test_a_frame_that_cannot_be_decoded_is_none(clock, webcam, monkeypatch):
    monkeypatch.setattr(webcam, "retrieve", lambda: (False, room()))
    assert opened("0", clock, webcam).read() is None


def test_auto_takes_the_first_camera_that_works(clock, webcam):
    gone = CameraError("gone", "It is no camera.")
    opened("auto", clock, webcam, ("/dev/a", "/dev/b"), {"/dev/a": gone})
    assert webcam.arguments[0] == "/dev/b"


def test_auto_passes_on_after_the_first_frame_that_fails(clock, webcam):
    dead, beats = Webcam(clock, frames=0), []

    def capture(path, *arguments):
        return (dead if path == "/dev/a" else webcam)(path, *arguments)

    opened(
        "auto",
        clock,
        capture,
        ("/dev/a", "/dev/b"),
        beat=lambda doing, *_: beats.append(doing),
    )
    assert webcam.arguments[0] == "/dev/b"
    assert (dead.grabbed, dead.released) == (1, True)
    assert beats[:4] == ["open", "read", "open", "read"]


def test_auto_says_busy_where_the_only_camera_is_in_use(clock, webcam):
    names = {
        "/dev/a": CameraError("gone", "It is no camera."),
        "/dev/b": CameraError("busy", "It is in use."),
    }
    with pytest.raises(CameraError) as trouble:
        opened("auto", clock, webcam, tuple(names), names)
    assert trouble.value.reason == "busy"


def test_of_several_cameras_that_are_gone_the_first_is_told(clock, webcam):
    names = {path: CameraError("gone", f"It is {path}.") for path in ("/a", "/b")}
    names = {"/c": NoCameraError("/c"), **names}
    with pytest.raises(CameraError, match="It is /a"):
        opened("auto", clock, webcam, tuple(names), names)


@pytest.mark.parametrize("names", [{}, {"/a": NoCameraError("/a")}])
def test_auto_without_any_camera_says_what_to_set(clock, webcam, names):
    with pytest.raises(CameraError, match="moodcam/camera to demo") as trouble:
        opened("auto", clock, webcam, tuple(names), names)
    assert trouble.value.reason == "gone"


def test_a_device_that_does_not_open_is_let_go(clock):
    webcam = Webcam(clock, opens=False)
    with pytest.raises(CameraError, match="does not open"):
        opened("/dev/video7", clock, webcam)
    assert webcam.released


def test_a_stream_is_asked_with_time_limits(clock):
    webcam = Webcam(clock)
    opened("rtsp://me:secret@cam/live", clock, webcam)
    assert webcam.arguments[0] == "rtsp://me:secret@cam/live"
    limits = webcam.arguments[2]
    for limit in (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC):
        assert limits[limits.index(limit) + 1] == 25000


@pytest.mark.parametrize(
    ("listens", "how", "sentence"),
    [
        (False, {"opens": False}, "does not answer"),
        (True, {"opens": False}, "gives no video; check user, password and path"),
        (True, {"frames": 0}, "interval to 2 s"),
    ],
)
def test_a_stream_without_video_says_why_and_no_password(clock, listens, how, sentence):
    webcam = Webcam(clock, **how)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        with pytest.raises(CameraError, match=sentence) as trouble:
            opened(f"http://me:secret@127.0.0.1:{port}/secret", clock, webcam)
    assert webcam.released
    assert "secret" not in trouble.value.sentence


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("rtsp://me:secret@cam/live", ("cam", 554)),
        ("http://192.168.1.5:81/snapshot.cgi?pwd=p@secret", ("192.168.1.5", 81)),
    ],
)
def test_a_stream_is_called_at_its_own_address(clock, monkeypatch, source, address):
    call = Mock(side_effect=OSError)
    monkeypatch.setattr(socket, "create_connection", call)
    with pytest.raises(CameraError, match="does not answer"):
        opened(source, clock, Webcam(clock, opens=False))
    call.assert_called_once_with(address, cameras.ANSWER_SECONDS)
    assert Deadlines().open > cameras.ANSWER_SECONDS


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://me:secret@cam/live", "rtsp://cam"),
        ("rtsp://me:sec@ret@cam:554/live", "rtsp://cam:554"),
        ("rtsp://me:sec/r?e@t@cam:554/live", "rtsp://…"),
        ("http://192.168.1.5/snapshot.cgi?user=admin&pwd=p@secret", "http://…"),
        ("rtsp://10.0.0.5:554/user=admin_password=my@secret_channel=1", "rtsp://…"),
        ("rtsp://cam;user=me;pwd=my@secret", "rtsp://…"),
        ("rtsp://10.0.0.5:554/user=me&password=secret", "rtsp://10.0.0.5:554"),
        ("rtsp://cam;user=me;pwd=secret", "rtsp://cam"),
        ("http://[fe80::1]:80/secret", "http://[fe80::1]:80"),
        ("http://cam?pwd=secret", "http://cam"),
        ("http://me:secret", "http://me"),
        ("file://rtsp://me:secret@cam/live", "rtsp://cam"),
        ("rtsp:/me:secret@cam/live", "rtsp:…"),
        ("rtsp:me:secret@cam", "rtsp:…"),
        ("/home/me/10:30@home.mp4", "/home/me/10:30@home.mp4"),
        ("file:///home/me/clip.mp4", "file:///home/me/clip.mp4"),
        ("/home/me/what?.mp4", "/home/me/what?.mp4"),
        ("auto", "auto"),
    ],
)
def test_a_camera_is_named_without_its_secrets(source, shown):
    assert without_secrets(source) == shown


@pytest.mark.parametrize("name", ["film.avi", "film.mp4"])
def test_a_video_plays_on_its_own_clock_and_loops(tmp_path, clock, name):
    path = write_video(tmp_path / name, numbered(20), rate=10)
    with open_camera(str(path), clock=clock) as camera:
        assert not camera.live
        seen = []
        for _ in range(5):
            seen.append(number_of(camera.read()))
            camera.pass_time(0.5)
    assert seen == [0, 5, 10, 15, 0]


def test_a_videos_time_runs_on_between_bursts(tmp_path, clock):
    path = write_video(tmp_path / "film.avi", numbered(20), rate=10)
    with open_camera(str(path), clock=clock) as camera:
        assert number_of(camera.read()) == 0
    clock.wait(20 + 1.2)  # ten loops and twelve frames later
    with open_camera(str(path), clock=clock) as camera:
        assert number_of(camera.read()) == 12


def test_a_video_read_by_the_worlds_clock_shows_the_present(tmp_path):
    path = write_video(tmp_path / "film.avi", numbered(30), rate=100)
    clock = Clock()
    with open_camera(str(path), clock=clock) as camera:
        camera.pass_time(0.05)
        assert 5 <= number_of(camera.read()) <= 29


def test_a_video_of_one_frame_shows_it_for_ever(tmp_path, clock):
    path = write_video(tmp_path / "film.avi", numbered(4)[3:], rate=10)
    with open_camera(str(path), clock=clock) as camera:
        for _ in range(3):
            assert number_of(camera.read()) == 3
            camera.pass_time(7)


def test_a_video_cut_short_loops_over_what_there_is(tmp_path, clock):
    path = write_video(tmp_path / "film.avi", numbered(20), rate=10)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with open_camera(str(path), clock=clock) as camera:
        for _ in range(30):
            assert camera.read() is not None
            camera.pass_time(0.3)


def test_a_broken_video_is_a_sentence(tmp_path, clock):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"this is no film" * 100)
    with pytest.raises(CameraError, match="no video that OpenCV can read") as trouble:
        open_camera(str(path), clock=clock)
    assert trouble.value.reason == "gone"


def test_a_file_at_home_may_be_written_with_a_tilde(tmp_path, clock, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_video(tmp_path / "film.avi", numbered(4), rate=10)
    for source in (" ~/film.avi ", f"file://{tmp_path}/film.avi"):
        with open_camera(source, clock=clock) as camera:
            assert (camera.live, number_of(camera.read())) == (False, 0)


class Film(Webcam):
    """A file of twenty frames that says neither their number nor their rate."""

    def grab(self):
        self.grabbed += 1
        return self.grabbed <= 20

    def retrieve(self):
        return True, numbered(21)[self.grabbed - 1]

    def get(self, _):
        return 0.0

    def set(self, _, value):
        self.grabbed = int(value)


def test_a_file_that_says_nothing_of_itself_is_counted_and_plays_at_25(tmp_path, clock):
    (tmp_path / "film.mkv").write_bytes(b"")
    path = str(tmp_path / "film.mkv")
    camera = open_camera(path, clock=clock, capture=Film(clock))
    seen = []
    for _ in range(4):
        seen.append(number_of(camera.read()))
        camera.pass_time(10 / 25 + 1e-6)
    assert seen == [0, 10, 0, 10]


def test_a_missing_file_is_a_sentence_that_lists_the_choices(tmp_path, clock):
    with pytest.raises(CameraError, match="a folder of images, demo or none"):
        open_camera(str(tmp_path / "film.mp4"), clock=clock)


def test_a_folder_shows_its_images_ten_seconds_each(tmp_path, clock):
    for number in (1, 2, 3):
        picture = np.full((48, 64, 3), 8 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    (tmp_path / "notes.txt").write_text("not an image")
    with open_camera(str(tmp_path), clock=clock) as camera:
        seen = []
        for _ in range(4):
            seen.append(number_of(camera.read()))
            camera.pass_time(10)
    assert seen == [1, 2, 3, 1]


def test_images_named_in_capitals_are_images(tmp_path, clock):
    cv2.imwrite(str(tmp_path / "1.png"), numbered(2)[1])
    (tmp_path / "1.png").rename(tmp_path / "IMG_1.PNG")
    with open_camera(str(tmp_path), clock=clock) as camera:
        assert number_of(camera.read()) == 1


def test_a_folder_without_images_is_a_sentence(tmp_path, clock):
    with pytest.raises(CameraError, match="holds no images"):
        open_camera(str(tmp_path), clock=clock)


def test_an_image_that_cannot_be_read_gives_no_frame(tmp_path, clock):
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    with open_camera(str(tmp_path / "broken.jpg"), clock=clock) as camera:
        assert camera.read() is None


def test_the_demo_runs_faster_on_request(clock):
    slow = open_camera("demo", clock=clock).read()
    clock.wait(450)
    empty = open_camera("demo", clock=clock).read()
    clock = FastClock()
    clock.wait(45)
    quick = open_camera("demo:10", clock=clock).read()
    assert abs(slow.astype(int) - empty).max() > 60
    assert abs(quick.astype(int) - empty).max() < 40


@pytest.mark.parametrize("source", ["demo:fast", "demo:-1", "demo:nan"])
def test_a_demo_at_no_speed_is_a_sentence(source, clock):
    with pytest.raises(CameraError, match="demo:10"):
        open_camera(source, clock=clock)


@pytest.mark.parametrize("source", ["none", "", " none "])
def test_none_is_a_sentence(source, clock):
    with pytest.raises(CameraError, match="none"):
        open_camera(source, clock=clock)


def test_a_file_that_hangs_holds_no_other_thread(tmp_path, clock):
    """OpenCV lets go of Python while it waits: so the eye can still leave."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def wait():
        with pytest.raises(CameraError):
            open_camera(str(path), clock=clock)

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    with path.open("wb") as pipe:
        pipe.write(b"no film")
    waiting.join(10)
    assert not waiting.is_alive()
