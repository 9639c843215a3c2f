"""The eye's process, started for real."""

import contextlib
import errno
import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import cv2
import pytest

from mopidy_moodcam.glossary import EXPRESSIONS, NO_READING, Reading
from mopidy_moodcam.resources import MissingFile, install, model_path, weight_path
from mopidy_moodcam.seeing.__main__ import (
    HUNG,
    _be_modest,
    _eyesight,
    _printer,
    parser,
)
from mopidy_moodcam.seeing.beats import HANGING, Deadlines
from mopidy_moodcam.seeing.camera import STREAM_SECONDS
from mopidy_moodcam.seeing.clock import FastClock
from mopidy_moodcam.seeing.devices import SOURCE, CameraError
from tests.seeing.frames import numbered, room, write_video
from tests.shared import shared_data

EYE = [sys.executable, "-W", "error", "-m", "mopidy_moodcam.seeing"]


@pytest.fixture(autouse=True, scope="module")
def _what_an_eye_needs():
    try:
        weight_path("blazeface_back.tflite")
        model_path("expression.onnx")
    except MissingFile as missing:
        pytest.skip(str(missing))


def lines(*arguments, stdin=subprocess.DEVNULL):
    done = subprocess.run(
        [*EYE, *arguments], stdin=stdin, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def readings(*arguments):
    said = lines(*arguments)
    return [Reading.from_json(line) for line in said if line["type"] == "reading"]


@contextlib.contextmanager
def running(*arguments, **how):
    process = subprocess.Popen(
        [*EYE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **how,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def until(process, kind, **wanted):
    for line in process.stdout:
        said = json.loads(line)
        if said["type"] == kind and wanted.items() <= said.items():
            return said
    raise AssertionError(f"the eye ended without {kind}")


def test_one_burst_of_the_demo_is_one_reading_with_a_face():
    said = lines("--camera", "demo", "--once", "--room", "den")
    assert [line["type"] for line in said] == ["state", "state", "reading"]
    assert [line["word"] for line in said[:2]] == ["starting", "ready"]
    reading = Reading.from_json(said[2])
    assert len(reading.faces) == 1
    assert reading.room == "den"
    assert said[2]["milliseconds"] > 0


def test_the_camera_may_be_named_by_the_environment():
    command = [*EYE, "--once"]
    known = os.environ | {SOURCE: "demo"}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, env=known
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[0]["source"] == "demo"
    assert said[-1]["type"] == "reading"


def test_what_it_says_first_holds_no_password():
    said = lines("--camera", "rtsp://me:secret@127.0.0.1:1/live?pwd=x", "--once")
    assert said[0]["source"] == "rtsp://127.0.0.1:1"
    assert "secret" not in json.dumps(said)


def test_its_help_names_the_variable_that_keeps_a_password():
    assert SOURCE in parser().format_help()


def test_cameras_are_asked_with_patience_and_over_tcp_where_nobody_says_otherwise(
    monkeypatch,
):
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "nice", lambda _: 0)
    monkeypatch.delenv("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", raising=False)
    _be_modest()
    assert float(os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"]) < Deadlines().read
    assert "rtsp_flags;prefer_tcp" in os.environ[name]
    monkeypatch.setenv(name, "rtsp_transport;udp")
    _be_modest()
    assert os.environ[name] == "rtsp_transport;udp"


def test_a_folder_that_may_not_be_entered_is_a_sentence(monkeypatch):
    @contextlib.contextmanager
    def closed(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")
        yield

    monkeypatch.setattr("mopidy_moodcam.seeing.camera.open_camera", closed)
    monkeypatch.setattr("mopidy_moodcam.seeing.expression.load", lambda **_: None)
    chosen = parser().parse_args(["--camera", "/home/me/film.mp4"])
    take, _ = _eyesight(chosen, FastClock(), lambda _: None)
    with pytest.raises(CameraError, match=r"film\.mp4.*Permission denied"):
        take(lambda _: None)


def test_where_a_camera_hung_another_is_looked_for(monkeypatch):
    list_devices = Mock(return_value=[])
    monkeypatch.setattr("mopidy_moodcam.seeing.__main__.video_devices", list_devices)
    monkeypatch.setattr("mopidy_moodcam.seeing.expression.load", lambda **_: None)
    chosen = parser().parse_args(["--camera", "auto", "--hung", "1"])
    take, _ = _eyesight(chosen, FastClock(), lambda _: None)
    with pytest.raises(CameraError, match="No camera was found"):
        take(lambda _: None)
    list_devices.assert_called_once_with(hung=1)


def test_a_snapshot_that_never_changes_is_told_and_asked_with_beats(tmp_path):
    cv2.imwrite(str(tmp_path / "snapshot.jpg"), room())
    handler = functools.partial(Quiet, directory=str(tmp_path))
    clock, reasons, beats = FastClock(), [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/snapshot.jpg"
        chosen = parser().parse_args(["--camera", url])
        take, _ = _eyesight(chosen, clock, lambda _: None)
        for _ in range(2):
            reasons.append(take(lambda *beat: beats.append(beat)).reason)
            clock.wait(60)
        server.shutdown()
    assert reasons == ["nobody", "stuck"]
    assert ("read", STREAM_SECONDS) in beats


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that says nothing on stderr."""

    def log_message(self, *_):
        pass


def test_only_numbers_and_known_words_cross_the_pipe():
    for line in lines("--camera", "demo", "--fast", "--count", "2"):
        if line["type"] == "reading":
            assert set(line) == {
                *("type", "time", "faces", "reason", "light", "frames", "room"),
                "milliseconds",
            }
            assert line["reason"] in {None, *NO_READING}
            for face in line["faces"]:
                numbers = [*face.pop("box"), *face.pop("probabilities")]
                assert all(isinstance(n, float) for n in numbers)
                assert len(numbers) == 4 + len(EXPRESSIONS)
                assert set(face) == {"pixels", "sharpness"}
        assert len(json.dumps(line)) < 1000


@pytest.mark.parametrize("readings", [False, True])
def test_an_eye_that_posts_prints_readings_only_if_asked(readings):
    ours, its = os.pipe()
    say = _printer(its, Mock(), readings=readings)
    say({"type": "state"})
    say({"type": "reading"})
    os.close(its)
    with os.fdopen(ours) as printed:
        assert ("reading" in printed.read()) == readings


def test_the_kernel_lets_the_eye_write_no_file():
    with running("--camera", "demo") as eye:
        until(eye, "reading")
        limits = Path(f"/proc/{eye.pid}/limits").read_text()
    for name in ("Max file size", "Max core file size"):
        (size,) = [line for line in limits.splitlines() if line.startswith(name)]
        assert size.removeprefix(name).split()[:2] == ["0", "0"]


def test_a_crash_of_the_eye_leaves_no_dump_with_its_frames():
    script = (
        "import ctypes\n"
        "from mopidy_moodcam.seeing import __main__ as eye\n"
        "eye._writer()\n"
        "PR_GET_DUMPABLE = 3\n"
        "print(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_an_eye_that_nobody_keeps_ends_where_its_camera_hangs(tmp_path):
    os.mkfifo(tmp_path / "hangs")
    script = (
        "import sys\n"
        "from mopidy_moodcam.seeing import __main__ as eye, beats\n"
        "quick = beats.Deadlines(open=0.5)\n"
        "eye.Watchdog = lambda bite: beats.Watchdog(bite, quick, pause=0.1)\n"
        "sys.exit(eye.main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", script, "--camera", str(tmp_path / "hangs")]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["word"], done.returncode) == ("trouble", HUNG)
    assert last["why"] == HANGING["open"]


def test_no_library_keeps_an_identifier_of_this_machine(tmp_path):
    pytest.importorskip("onnxruntime")
    nothing_else = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    environment = {**nothing_else, "HOME": str(tmp_path)}
    command = [*EYE, "--camera", "demo", "--fast", "--count", "2", "--runtime", "onnx"]
    done = subprocess.run(
        command, env=environment, capture_output=True, check=True, timeout=60
    )
    assert b'"reading"' in done.stdout
    assert list(tmp_path.rglob("*")) == []


def test_a_try_to_write_a_file_fails(tmp_path):
    script = (
        "import sys, pathlib\n"
        "from mopidy_moodcam.seeing import __main__ as eye\n"
        "eye._writer()\n"
        "import cv2, numpy\n"
        "frame = numpy.zeros((48, 64, 3), numpy.uint8)\n"
        "try: cv2.imwrite(sys.argv[1] + '/frame.png', frame)\n"
        "except cv2.error: pass\n"
        "try: pathlib.Path(sys.argv[1], 'bytes').write_bytes(b'secret')\n"
        "except OSError as error: print(error.errno)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "27"  # EFBIG
    assert all(path.stat().st_size == 0 for path in tmp_path.iterdir())


def test_the_output_may_go_to_a_file_all_the_same(tmp_path):
    with (tmp_path / "out").open("wb") as out:
        command = [*EYE, "--camera", "demo", "--once"]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, check=True)
    said = (tmp_path / "out").read_text().splitlines()
    assert json.loads(said[-1])["type"] == "reading"


def test_the_eye_imports_neither_mopidy_nor_a_web_server():
    script = (
        "import sys\n"
        "from mopidy_moodcam.seeing import __main__, burst, camera, expression, faces\n"
        "bad = {'mopidy', 'pykka', 'tornado', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(' '.join(bad) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_end_of_stdin_ends_the_eye():
    with running("--camera", "demo") as eye:
        until(eye, "reading")
        eye.stdin.close()
        assert eye.wait(1) == 0


def test_the_end_of_stdin_ends_an_eye_whose_camera_hangs(tmp_path):
    os.mkfifo(tmp_path / "hangs")
    with running("--camera", str(tmp_path / "hangs"), "--leash") as eye:
        until(eye, "beat", doing="open")
        time.sleep(0.2)
        eye.stdin.close()
        assert eye.wait(1) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_eye(number):
    with running("--camera", "demo") as eye:
        until(eye, "reading")
        eye.send_signal(number)
        assert eye.wait(1) == 0


def test_a_leash_lets_the_eye_die_with_its_keeper():
    script = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'mopidy_moodcam.seeing', '--leash',"
        " '--camera', 'demo']\n"
        "eye = subprocess.Popen(command, stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE, start_new_session=True)\n"
        "eye.stdout.readline()\n"
        "print(eye.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    keeper = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    pid = int(keeper.stdout.readline())
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()
    for _ in range(50):
        if is_gone(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the eye outlived its keeper")


def is_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_a_shorter_interval_takes_effect_during_a_pause():
    with running("--camera", "demo", "--interval", "3600") as eye:
        until(eye, "reading")
        eye.stdin.write(b'nonsense\n{"do": "interval", "seconds": 0.1}\n')
        eye.stdin.flush()
        until(eye, "reading")


def test_quit_ends_the_eye():
    with running("--camera", "demo") as eye:
        until(eye, "reading")
        eye.stdin.write(b'{"do": "quit"}\n')
        eye.stdin.flush()
        assert eye.wait(1) == 0


def test_a_missing_camera_is_a_state_a_reading_and_silence_on_stderr():
    command = [*EYE, "--camera", "/dev/video99", "--once"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    _, state, reading = map(json.loads, done.stdout.splitlines())
    assert state["word"] == "trouble"
    assert "unplugged" in state["why"]
    assert reading["reason"] == "gone"
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"no film", "no video"), (None, "There is no file")]
)
def test_a_bad_video_is_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "film.mp4"
    if content:
        path.write_bytes(content)
    said = lines("--camera", str(path), "--once")
    assert sentence in said[1]["why"]


def start_without(preparation):
    script = (
        "import sys, pathlib\n"
        f"{preparation}\n"
        "from mopidy_moodcam.seeing.__main__ import main\n"
        "sys.exit(main(['--camera', 'demo', '--once']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])["why"]


def test_a_missing_model_is_a_sentence_with_its_command():
    why = start_without(
        "from mopidy_moodcam import resources\n"
        "def none(name): raise resources.MissingFile(f'{name} is missing; run: pip')\n"
        "resources.model_path = none"
    )
    assert "run: pip" in why


def test_a_missing_opencv_is_a_sentence_with_its_command():
    why = start_without("sys.modules['cv2'] = None")
    assert "cv2" in why
    assert why.endswith(install("cv2"))


def test_a_fast_file_is_read_along_its_own_time(tmp_path):
    film = write_video(tmp_path / "film.avi", numbered(30, (320, 240)), rate=10)
    start = time.monotonic()
    seen = readings("--camera", str(film), "--fast", "--interval", "1", "--count", "40")
    assert seen[-1].time - seen[0].time == pytest.approx(39, abs=0.01)
    assert time.monotonic() - start < 30


def happy(reading):
    return sum(face.probabilities[EXPRESSIONS.index("happy")] for face in reading.faces)


@pytest.mark.slow
def test_a_clip_of_a_smile_is_read_as_happy_and_before_as_not():
    clip = shared_data("faces/clips") / "neutral_to_smile.mp4"
    seen = readings(
        *("--camera", str(clip), "--fast", "--interval", "0.4", "--count", "6")
    )
    assert happy(seen[0]) < 0.5
    assert min(map(happy, seen[4:])) > 0.9


@pytest.mark.slow
def test_a_clip_without_faces_is_always_nobody():
    clip = shared_data("faces/clips") / "no_face.mp4"
    seen = readings(
        *("--camera", str(clip), "--fast", "--interval", "0.3", "--count", "14")
    )
    assert {reading.reason for reading in seen} == {"nobody"}
