"""`mopidy moodcam check`: a verdict and a mending command for each line."""

import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import time

import pytest
from rich.console import Console

from mopidy_moodcam import check, resources
from mopidy_moodcam.check import EyeTalk, Verdict
from mopidy_moodcam.glossary import EXPRESSIONS, Face, Reading
from mopidy_moodcam.seeing import devices
from mopidy_moodcam.seeing.beats import HANGING, Deadlines
from mopidy_moodcam.seeing.devices import CameraError
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.songs.catalogue import Catalogue

ABOUT = {
    "finder": "BlazeFaceFinder",
    "opencv": "4.14.0",
    "runtime": "onnx",
    "labels": list(EXPRESSIONS),
}
SMILE = Face((0.4, 0.4, 0.2, 0.2), 90.0, 1.0, (0, 0, 0, 0.9, 0, 0, 0.1))


def talk(reading=None, **more):
    readings = [reading] if reading else []
    return EyeTalk(**{"about": ABOUT, "readings": readings, **more})


def lines_of(said):
    return {line.what: line for line in check.eye_lines(said, Settings())}


def printed(tmp_path, said, mpd=None, **settings):
    console = Console(file=io.StringIO(), width=160)
    code = check.check(
        Settings(**{"camera": "demo", **settings}),
        tmp_path,
        console,
        http={},
        mpd=mpd or {},
        ask_eye=lambda _: said,
    )
    return code, console.file.getvalue()


def test_a_smile_in_good_light_is_good_throughout():
    reading = Reading(1.0, (SMILE,), light=0.5, frames=5)
    found = lines_of(talk(reading, milliseconds=80.0))
    assert {line.verdict for line in found.values()} == {Verdict.GOOD}
    assert "90 pixels wide: happy 90 %" in found["faces"].found
    assert "0.4 % of one core" in found["speed"].found


@pytest.mark.parametrize(
    ("token", "mpd", "warned"),
    [
        ("s3cret", {"hostname": "::"}, True),
        ("", {"hostname": "::"}, False),
        ("s3cret", {"hostname": "::", "password": "s3cret"}, False),
        ("s3cret", {"hostname": "::", "enabled": False}, False),
        ("s3cret", {"hostname": "127.0.0.1"}, False),
        ("s3cret", {"hostname": "unix:/run/mpd.sock"}, False),
    ],
)
def test_a_token_that_does_not_hold_for_mpd_clients_is_noted(
    tmp_path, token, mpd, warned
):
    mpd = {"enabled": True, **mpd}
    _, text = printed(tmp_path, talk(), mpd, token=token)
    assert ("set mpd/password" in text) is warned


@pytest.mark.parametrize(
    ("http", "verdict", "found", "mend"),
    [
        ({"hostname": "127.0.0.1", "port": 6680}, "note", "only", "http/hostname = ::"),
        ({"hostname": "::", "port": 8080}, "good", ":8080/moodcam/", ""),
        ({"enabled": False}, "bad", "http/enabled", ""),
        ({"hostname": "unix:/run/mopidy.sock"}, "bad", "http/hostname", ""),
    ],
)
def test_where_the_page_opens_is_said(http, verdict, found, mend):
    line = check.page(http)
    assert line.verdict == verdict
    assert found in line.found
    assert mend in line.mend


@pytest.mark.parametrize(
    ("reading", "what", "verdict", "mend"),
    [
        (Reading(1.0, reason="dark", light=0.02, frames=5), "light", "bad", "lamp"),
        (Reading(1.0, reason="blurred", light=0.4, frames=5), "light", "bad", "wipe"),
        (Reading(1.0, reason="nobody", light=0.1, frames=5), "light", "note", "light"),
        (Reading(1.0, reason="nobody", light=0.5, frames=5), "faces", "note", "sit"),
    ],
)
def test_what_is_wrong_with_the_picture_says_what_mends_it(
    reading, what, verdict, mend
):
    line = lines_of(talk(reading))[what]
    assert line.verdict == verdict
    assert mend in line.mend


def test_a_far_face_asks_for_a_nearer_camera():
    far = Face(SMILE.box, 22.0, 1.0, SMILE.probabilities)
    line = lines_of(talk(Reading(1.0, (far,), light=0.5, frames=5)))["faces"]
    assert (line.verdict, line.mend) == (Verdict.NOTE, "bring the camera nearer")


def test_a_machine_too_slow_is_told_to_look_less_often():
    reading = Reading(1.0, (SMILE,), light=0.5, frames=5)
    line = lines_of(talk(reading, milliseconds=5000.0))["speed"]
    assert line.mend == "raise moodcam/interval"


def test_an_eye_that_cannot_start_says_the_command_that_mends_it():
    said = EyeTalk(trouble="The model is missing; run: pip install more")
    (line,) = check.eye_lines(said, Settings())
    assert (line.verdict, line.mend) == (Verdict.BAD, "pip install more")


def test_missing_packages_are_named_with_the_command_that_brings_them(monkeypatch):
    monkeypatch.setattr(check, "_installed", lambda _: False)
    *_, line = check.versions()
    assert line.mend == resources.install("sklearn", "mutagen")


@pytest.mark.parametrize(
    ("prefix", "option"),
    [("base", "--break-system-packages "), ("an environment", "")],
)
def test_where_a_distribution_keeps_python_pip_is_told_so(
    tmp_path, monkeypatch, prefix, option
):
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", "base")
    monkeypatch.setattr(sys, "prefix", prefix)
    command = f"{sys.executable} -m pip install {option}scikit-learn"
    assert resources.install("sklearn") == command
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert resources.install("sklearn") == f"sudo {command}"


def test_a_forbidden_camera_names_the_group_to_join():
    def forbidden(path):
        raise CameraError("gone", f"You may not open {path}; run: sudo usermod -aG v u")

    (line,) = check.camera_lines("auto", lambda: ["/dev/video0"], forbidden)
    assert (line.verdict, line.mend) == (Verdict.BAD, "sudo usermod -aG v u")


@pytest.mark.parametrize("source", ["0", "file:///dev/video0"])
def test_a_camera_in_use_is_only_noted(source):
    def busy(_):
        raise CameraError("busy", "Another program uses it")

    (line,) = check.camera_lines(source, name_device=busy)
    assert line.verdict is Verdict.NOTE


def test_a_camera_in_use_is_nothing_bad(tmp_path, monkeypatch):
    monkeypatch.setattr(
        check, "camera_lines", lambda _: [check.Line("camera", Verdict.NOTE, "in use")]
    )
    _, said = printed(tmp_path, talk(trouble="Another program uses it"))
    assert "Another program" not in said


def test_a_password_is_not_printed(tmp_path):
    _, said = printed(tmp_path, talk(), camera="rtsp://me:secret@cam/live")
    assert "rtsp://cam" in said
    assert "secret" not in said


def test_what_a_library_prints_is_passed_over():
    said = check.listen([b"[h264 @ 0x55] error while decoding", b"3", b""])
    assert said == EyeTalk()


def test_the_second_device_may_be_the_camera():
    def name(path):
        if path == "/dev/a":
            raise CameraError("gone", "no camera")
        return "Fine Webcam"

    (line,) = check.camera_lines("auto", lambda: ["/dev/a", "/dev/b"], name)
    assert (line.verdict, line.found) == (Verdict.GOOD, "/dev/b: Fine Webcam")


def test_of_several_cameras_the_eye_may_take_any():
    paths = ["/dev/a", "/dev/b"]
    (line,) = check.camera_lines("auto", lambda: paths, lambda path: path[-1])
    assert line.found == "/dev/a: a, or /dev/b: b"


def test_a_machine_without_a_camera_is_told_what_to_set():
    (line,) = check.camera_lines("auto", list)
    assert (line.verdict, "moodcam/camera to demo" in line.found) == ("bad", True)


def test_a_camera_with_a_password_may_be_named_by_the_environment(monkeypatch):
    asked = []
    monkeypatch.setenv(devices.SOURCE, "demo")
    monkeypatch.setattr(
        check, "check", lambda settings, *_, **__: asked.append(settings)
    )
    check.run({"moodcam": {"camera": "none"}}, console=Console(file=io.StringIO()))
    assert asked[0].camera == "demo"


def test_it_works_before_anything_exists_and_makes_nothing(tmp_path):
    code, said = printed(tmp_path / "never", talk(), camera="none")
    assert code in (0, 1)
    assert "mopidy moodcam scan" in said
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(("folder", "mend"), [(".", "chown -R"), ("new", "install")])
def test_a_folder_of_another_user_is_a_line(tmp_path, monkeypatch, folder, mend):
    monkeypatch.setattr(os, "access", lambda *_: False)
    _, said = printed(tmp_path / folder, talk(), camera="none")
    assert f"sudo {mend}" in said


@pytest.mark.parametrize("name", ["catalogue.sqlite", "state.json"])
def test_a_file_of_another_user_is_a_line(tmp_path, monkeypatch, name):
    (tmp_path / name).touch()
    assert not list(check.closed(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / name)
    (line,) = check.closed(tmp_path)
    assert line.mend == f"sudo chown -R {os.getuid()} {tmp_path}"


def test_a_file_in_the_way_of_the_folder_is_a_line(tmp_path):
    (tmp_path / "file").touch()
    (line,) = check.closed(tmp_path / "file" / "moodcam")
    assert line.verdict is Verdict.BAD


def test_the_catalogue_is_counted(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite"):
        pass
    (line,) = check.catalogue(tmp_path / "catalogue.sqlite")
    assert line.found.startswith("0 tracks")
    assert "mopidy local scan; then: mopidy moodcam scan" in line.mend


def test_a_damaged_catalogue_is_a_line_not_a_traceback(tmp_path):
    (tmp_path / "catalogue.sqlite").write_bytes(b"no database" * 500)
    (line,) = check.catalogue(tmp_path / "catalogue.sqlite")
    assert line.verdict is Verdict.BAD


def test_missing_weights_name_the_command_that_fetches_them(tmp_path):
    (line,) = check.weights(tmp_path)
    assert line.verdict is Verdict.BAD
    assert line.mend == f"{sys.executable} -m mopidy_moodcam.weights"


def test_brackets_in_what_was_found_are_printed_as_they_are(tmp_path):
    _, said = printed(tmp_path, EyeTalk(trouble="it says [red]no[/red]"))
    assert "[red]no[/red]" in said


def test_something_bad_is_the_exit_status(tmp_path):
    assert printed(tmp_path, EyeTalk(trouble="it does not start"))[0] == 1


def test_a_camera_that_hangs_is_a_line_and_not_a_wait(tmp_path):
    os.mkfifo(tmp_path / "hangs")

    settings = Settings(camera=str(tmp_path / "hangs"))
    said = check.talk_to_eye(settings, Deadlines(open=0.5))

    if said.about is None and "missing" in said.trouble:
        pytest.skip(said.trouble)
    assert said.about
    assert said.trouble == HANGING["open"]


def test_an_eye_that_never_gets_ready_is_a_line_too():
    said = check.talk_to_eye(Settings(camera="demo"), Deadlines(start=0.01))

    assert said.trouble == HANGING["start"]


def test_a_slow_camera_is_waited_for_as_long_as_beats_come(monkeypatch):
    script = (
        "import json, time\n"
        "for _ in range(6):\n"
        "    print(json.dumps({'type': 'beat', 'doing': 'read', 'seconds': 5}),"
        " flush=True)\n"
        "    time.sleep(0.4)\n"
    )
    monkeypatch.setattr(check, "eye_command", lambda _: [sys.executable, "-c", script])
    said = check.talk_to_eye(Settings(), Deadlines(read=0.1))
    assert said.trouble == ""


def test_trouble_that_the_second_look_takes_back_is_none():
    words = [("trouble", "It is gone."), ("ready", "")]
    states = [{"type": "state", "word": word, "why": why} for word, why in words]
    said = check.listen([json.dumps(state).encode() for state in states])
    assert said == EyeTalk()


def test_a_camera_that_takes_long_is_called_slow():
    looks = [Reading(time, (SMILE,), light=0.5, frames=5) for time in (1.0, 36.0)]
    line = lines_of(talk(readings=looks))["picture"]
    assert (line.verdict, line.found) == (Verdict.NOTE, "slow: a look took 35 seconds")


def test_killed_it_leaves_no_eye_behind(tmp_path):
    hangs = tmp_path / "hangs"
    os.mkfifo(hangs)
    program = (
        "from mopidy_moodcam import check, settings;"
        f"check.talk_to_eye(settings.Settings(camera={str(hangs)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    if not waited_for(lambda: any(map(waits_for_camera, eyes_at(hangs)))):
        process.kill()
        pytest.skip("the eye never got as far as the camera")

    process.kill()
    process.wait()

    assert waited_for(lambda: not eyes_at(hangs))


def eyes_at(camera):
    """Return the processes, as folders, told to look through this camera."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            told = (folder / "environ").read_bytes().split(b"\0")
            if (
                b"mopidy_moodcam.seeing" in words
                and f"{devices.SOURCE}={camera}".encode() in told
            ):
                found.append(folder)
    return found


def waits_for_camera(process):
    """Linux says in which of its functions a thread sleeps: here, a pipe's opening."""
    names = [task.read_text() for task in process.glob("task/*/wchan")]
    return "wait_for_partner" in names


def waited_for(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


@pytest.mark.slow
def test_the_real_eye_is_asked():
    said = check.talk_to_eye(Settings(camera="demo"))
    if said.about is None and "missing" in said.trouble:
        pytest.skip(said.trouble)
    assert said.about
    assert said.trouble == ""
    assert len(said.readings) == check.BURSTS
    assert said.milliseconds > 0
