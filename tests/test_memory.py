import errno
import json
import logging
import os
import signal
import subprocess
import sys

import pytest

from mopidy_moodcam.desk import WEEK
from mopidy_moodcam.glossary import Goal, SongMood
from mopidy_moodcam.memory import AGAIN_SECONDS, InUseError, Memory, held


def test_what_is_remembered_survives_a_restart(tmp_path):
    path = tmp_path / "state.json"
    Memory(path).remember(
        camera_on=True,
        consent=True,
        goal=Goal.LIFT,
        override=SongMood.CALM,
        own=((3, "local:track:a.ogg"),),
    )
    now = Memory(path).now
    assert (now.camera_on, now.consent, now.goal) == (True, True, Goal.LIFT)
    assert now.override is SongMood.CALM
    assert now.own == ((3, "local:track:a.ogg"),)


def test_the_file_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "state.json"
    Memory(path).remember(consent=True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_broken_file_is_set_aside_with_one_sentence(tmp_path, caplog):
    path = tmp_path / "state.json"
    for text in ("{", "[1, 2]", '{"goal": "party"}', ""):
        path.write_text(text)
        with caplog.at_level(logging.WARNING):
            assert Memory(path).now.goal is None
        assert path.with_suffix(".broken").read_text() == text
        assert len(caplog.messages) == 1
        caplog.clear()


@pytest.mark.parametrize("own", ["5", "[[1]]", '[["x", "test:a"]]', "null"])
def test_own_tracks_that_cannot_be_read_take_nothing_else_along(tmp_path, own):
    path = tmp_path / "state.json"
    path.write_text(f'{{"camera_on": true, "consent": true, "own": {own}}}')
    now = Memory(path).now
    assert (now.camera_on, now.consent, now.own) == (True, True, ())
    assert path.exists()


@pytest.mark.parametrize("until", ['{"a": 1}', "[]", '"noon"', "NaN", "-1"])
@pytest.mark.parametrize("name", ["paused_until", "override_until"])
def test_a_time_that_is_none_takes_nothing_else_along(tmp_path, name, until):
    path = tmp_path / "state.json"
    path.write_text(f'{{"consent": true, "{name}": {until}}}')
    now = Memory(path).now
    assert (now.consent, getattr(now, name)) == (True, None)


@pytest.mark.parametrize("until", ["1700000000", "1e300"])
@pytest.mark.parametrize("name", ["paused_until", "override_until"])
def test_what_a_clock_that_was_ahead_wrote_lasts_a_week_at_most(tmp_path, name, until):
    path = tmp_path / "state.json"
    path.write_text(f'{{"{name}": {until}}}')
    assert getattr(Memory(path, lambda: 1.6e9).now, name) == 1.6e9 + WEEK


def test_unknown_fields_of_a_newer_version_are_left_out(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"goal": "calm", "future": 1}))
    assert Memory(path).now.goal is Goal.CALM


def test_a_file_that_cannot_be_set_aside_is_not_said_to_be(tmp_path, caplog):
    (tmp_path / "state.broken").mkdir()
    (tmp_path / "state.json").write_text("{")
    Memory(tmp_path / "state.json")
    assert "stays where it is (Is a directory)" in caplog.text


def test_the_folder_is_made(tmp_path):
    path = tmp_path / "new" / "moodcam" / "state.json"
    Memory(path).remember(consent=True)
    assert Memory(path).now.consent


@pytest.fixture
def disk(monkeypatch):
    """A disk that fails with the error given, 0 for none; `tries` counts."""

    class Disk:
        error = 0
        tries = 0

        def sync(self, _descriptor):
            self.tries += 1
            if self.error:
                raise OSError(self.error, os.strerror(self.error))

    disk = Disk()
    monkeypatch.setattr(os, "fsync", disk.sync)
    return disk


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errno.ENOSPC, "make room on the disk, which is full"),
        (errno.EROFS, "make the folder writable (Read-only file system)"),
        (errno.EIO, "check core/data_dir and the disk it is on (Input/output error)"),
    ],
)
def test_what_cannot_be_written_is_named_once_and_tried_again(
    tmp_path, caplog, disk, error, remedy
):
    path, now = tmp_path / "state.json", [1e9]
    memory = Memory(path, lambda: now[0])
    for camera_on in (True, False):
        disk.error, disk.tries = error, 0
        memory.remember(camera_on=camera_on)
        for _ in range(60):
            now[0] += 1
            memory.pass_time()
        assert remedy in memory.trouble
        assert caplog.messages == [memory.trouble]
        assert disk.tries == 1 + 60 // AGAIN_SECONDS
        disk.error = 0
        now[0] += AGAIN_SECONDS
        memory.pass_time()
        assert not memory.trouble
        assert Memory(path).now.camera_on is camera_on
        caplog.clear()


@pytest.mark.parametrize(
    "again",
    [lambda memory: memory.remember(camera_on=False), lambda memory: memory.catch_up()],
)
def test_what_is_said_again_is_written_as_soon_as_it_can_be(tmp_path, disk, again):
    path = tmp_path / "state.json"
    memory = Memory(path)
    disk.error = errno.ENOSPC
    memory.remember(camera_on=False)
    disk.error = 0
    again(memory)
    assert not memory.trouble
    assert Memory(path).now.camera_on is False


SERVER = """
import pathlib, subprocess, sys
from mopidy_moodcam.memory import held
with held(pathlib.Path(sys.argv[1])):
    print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL).pid, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_one_servers_until_it_is_killed_whatever_its_children_do(tmp_path):
    folder = tmp_path / "new" / "moodcam"
    command = [sys.executable, "-c", SERVER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        child = int(server.stdout.readline())
        try:
            with pytest.raises(InUseError, match="another Mopidy uses"), held(folder):
                pass
            server.kill()
            server.wait()
            with held(folder):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_folder_that_knows_no_locks_is_used_all_the_same(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with held(tmp_path):
        pass
    (tmp_path / "file").touch()
    with held(tmp_path / "file"):
        pass


def test_a_folder_with_brackets_in_its_name_is_no_markup(tmp_path, caplog):
    (tmp_path / "[red]").touch()
    memory = Memory(tmp_path / "[red]" / "state.json")
    memory.remember(consent=True)
    assert "(red)" in caplog.text
    assert "[red]" not in caplog.text
