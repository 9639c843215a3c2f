"""What `scripts/run` starts: one MoodCam in a folder, which ends with its children."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

from mopidy_moodcam.memory import held
from tests.shared import CHECKOUT


@pytest.fixture
def demo(tmp_path):
    """Starts the script, with a song that nobody decodes here."""
    music = tmp_path / "music"
    music.mkdir()
    (music / "a.ogg").touch()
    started = []

    def demo():
        # A shell that runs the tests in the background lets them ignore some signals.
        python = ["env", "--default-signal", sys.executable]
        script = [*python, CHECKOUT / "scripts" / "demo.py"]
        options = ["--home", tmp_path, "--music", music, "--http-port", "21500"]
        started.append(
            subprocess.Popen(
                [*script, *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield demo
    for process in started:
        process.terminate()
        process.communicate()


def children(process):
    pid = process.pid
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_preparation_ends_it_quietly_with_its_children(
    demo, tmp_path, number
):
    process = demo()
    until = time.monotonic() + 60
    while not (tmp_path / "data").exists():  # Mopidy's first deed
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < until, "no step of the preparation began"
        time.sleep(0.01)
    of_it = children(process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert "Traceback" not in output
    assert process.returncode == 0
    assert of_it
    assert not any(pathlib.Path("/proc", child).exists() for child in of_it)


def test_a_second_one_in_the_same_folder_says_where_the_first_is(demo, tmp_path):
    (tmp_path / "mopidy.conf").write_text("[http]\nport = 21501\n")
    with held(tmp_path):
        process = demo()
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "already" in output
    assert "http://127.0.0.1:21501/moodcam/" in output
