"""Workers that die, hang or babble cost the file in hand and nothing else."""

from __future__ import annotations

import os
import sys
import time

import pytest

from mopidy_moodcam.songs.hearing.workers import Worker, WorkerTrouble, analyse_all
from tests.songs import sound_files

HELLO = "import json, os, sys, time\nprint(json.dumps({'ready': ''}), flush=True)\n"
LOOP = """
for line in sys.stdin:
    uri = line.strip()
    if 'crash' in uri: os.abort()
    if 'hang' in uri: time.sleep(99)
    if 'babble' in uri: print('{not json', flush=True); continue
    print(json.dumps({'features': uri, 'pid': os.getpid()}), flush=True)
"""


@pytest.fixture
def make():
    """Workers that do what a file's name says."""
    made = []

    def make(program=HELLO + LOOP, deadline=1.0):
        made.append(Worker([sys.executable, "-c", program], deadline=deadline))
        return made[-1]

    yield make
    for worker in made:
        worker.stop()


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crash", "the decoder crashed on it"),
        ("hang", "decoding it took too long"),
        ("babble", "decoding it took too long"),
    ],
)
def test_a_worker_that_fails_costs_one_file_and_is_replaced(make, name, reason):
    worker = make()
    before = worker.analyse("good 1")["pid"]
    assert worker.analyse(name) == {"why": reason}
    after = worker.analyse("good 2")
    assert after["features"] == "good 2"
    assert after["pid"] != before
    assert is_gone(before)


def test_every_file_is_answered_once_however_many_workers_there_are(make):
    uris = [f"file {i}" + (" crash" if i % 7 == 3 else "") for i in range(20)]
    answers = list(analyse_all(uris, [make() for _ in range(3)]))
    assert sorted(uri for uri, _ in answers) == sorted(uris)
    assert all(("why" in answer) == ("crash" in uri) for uri, answer in answers)


def test_files_are_asked_for_only_when_a_worker_is_free(make):
    asked = []

    def uris():
        for number in range(1000):
            asked.append(number)
            yield str(number)

    answers = analyse_all(uris(), [make(), make()])
    next(answers)
    assert len(asked) <= 3
    answers.close()


def test_no_worker_outlives_the_scan(make):
    answers = analyse_all(map(str, range(9)), [make(), make()])
    pids = {next(answers)[1]["pid"] for _ in range(6)}
    answers.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not all(map(is_gone, pids)):
        time.sleep(0.01)
    assert all(map(is_gone, pids))


def test_what_keeps_all_workers_from_working_is_said_in_one_sentence(make):
    program = 'print(\'{"trouble": "GStreamer is missing."}\')'
    with pytest.raises(WorkerTrouble, match=r"^GStreamer is missing\.$"):
        list(analyse_all(["song"], [make(program)]))
    with pytest.raises(WorkerTrouble, match="does not start"):
        list(analyse_all(["song"], [make("import nothing_like_this")]))


def test_a_real_worker_answers_for_real_files(tmp_path):
    good = sound_files.write(tmp_path / "good.ogg", sound_files.song(seconds=4))
    bad = tmp_path / "bad.ogg"
    bad.write_bytes(good.read_bytes()[:300])
    uris = [bad.as_uri(), good.as_uri()]
    (_, broken), (_, heard) = analyse_all(uris, [Worker()])
    assert set(broken) == {"why"}
    assert heard["seconds"] == pytest.approx(4.0, abs=0.1)
    assert heard["features"]["source"] == "audio"
    assert 0 < heard["features"]["valence"] < 1


def test_a_stray_module_in_the_working_folder_breaks_no_worker(tmp_path, monkeypatch):
    (tmp_path / "signal.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    worker = Worker()
    try:
        worker.start()
    finally:
        worker.stop()
