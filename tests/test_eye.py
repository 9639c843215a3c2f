"""The keeper of the eye: it starts, listens, and never waits for a camera."""

import json
import os
import queue
import sys
import textwrap
import time

import pytest

from mopidy_moodcam.eye import EyeKeeper, Pauses, _Watch, eye_command
from mopidy_moodcam.glossary import Reading
from mopidy_moodcam.seeing.beats import HANGING, Deadlines

READING = json.dumps({"type": "reading", **Reading(1.0, reason="nobody").to_json()})
TALK = """
import json, sys, time
def say(**message): print(json.dumps(message), flush=True)
def listen(): return json.loads(sys.stdin.readline() or '{"do": "quit"}')
"""
QUICK = Deadlines(start=5, open=0.3, read=0.3, rest=0.3)
SOON = Pauses(first=0.01, factor=1.5, longest=0.1)


class Ears:
    """Everything a keeper was told."""

    def __init__(self):
        self.readings = queue.Queue()
        self.states = queue.Queue()

    def state(self, word, why):
        self.states.put((word, why))

    def next_state(self, word):
        while True:
            said = self.states.get(timeout=20)
            if said[0] == word:
                return said[1]


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def keep(ears):
    keepers = []

    def make(script=None, source="demo", **more):
        command = script and [sys.executable, "-c", TALK + script]
        keeper = EyeKeeper(
            source,
            on_reading=ears.readings.put,
            on_state=ears.state,
            command=command,
            **{"deadlines": QUICK, "pauses": SOON, **more},
        )
        keepers.append(keeper)
        return keeper

    yield make
    for keeper in keepers:
        keeper.stop()


def test_no_other_user_can_read_the_camera_s_password(keep, ears):
    script = """
        import os
        say(type="state", word="trouble", why=os.environ["MOODCAM_CAMERA"])
        listen()
    """
    keeper = keep(textwrap.dedent(script), source="rtsp://me:secret@cam/")
    keeper.start()
    assert ears.next_state("trouble") == "rtsp://me:secret@cam/"
    assert "secret" not in " ".join(eye_command("onnx"))


def test_a_stray_module_where_mopidy_was_started_is_not_loaded():
    assert "-P" in eye_command("auto")


def pid_of(keeper):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        process = keeper._watch.process
        if process and process.poll() is None:
            return process.pid
        time.sleep(0.01)
    return None


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_readings_and_states_arrive(keep, ears):
    keeper = keep(
        f"say(type='state', word='ready', why='')\nprint('''{READING}''',"
        "flush=True)\nlisten()"
    )
    keeper.start()
    assert ears.readings.get(timeout=20).reason == "nobody"
    assert [ears.states.get(timeout=5) for _ in range(2)] == [
        ("starting", ""),
        ("ready", ""),
    ]
    assert keeper.alive


def test_it_can_be_stopped_and_started_again(keep, ears):
    keeper = keep(f"print('''{READING}''', flush=True)\nlisten()")
    for _ in range(3):
        keeper.start()
        ears.readings.get(timeout=20)
        keeper.stop()
        assert not keeper.alive


def test_starting_twice_starts_one_eye(keep):
    keeper = keep("say(type='beat', doing='rest', seconds=60)\nlisten()")
    keeper.start()
    first = pid_of(keeper)
    keeper.start()
    assert pid_of(keeper) == first


def test_stopping_what_never_ran_does_nothing(keep):
    keep().stop()


def test_a_word_to_the_eye_reaches_it(keep, ears):
    keeper = keep(
        "say(type='beat', doing='rest', seconds=60)\n"
        "say(type='state', word='ready', why='')\n"
        "while (heard := listen())['do'] != 'quit':\n"
        "    say(type='state', word='trouble', why=json.dumps(heard))\n"
    )
    keeper.start()
    ears.next_state("ready")
    keeper.interval(10)
    keeper.interval(10)
    heard = json.loads(ears.next_state("trouble"))
    assert heard == {"do": "interval", "seconds": 10.0}
    assert ears.states.empty()


def test_a_new_interval_holds_for_the_next_eye(keep, ears):
    keeper = keep(
        "say(type='state', word='ready', why=' '.join(sys.argv[1:]))\nlisten()"
    )
    keeper.interval(7)
    keeper.start()
    assert ears.next_state("ready").endswith("--interval 7")


def test_an_interval_asked_for_while_the_eye_starts_is_heard(keep, ears, monkeypatch):
    keeper = keep(
        "say(type='beat', doing='rest', seconds=60)\n"
        "say(type='state', word='ready', why=json.dumps(listen()))\nlisten()"
    )

    def begin(watch, *command, begin=_Watch.begin):
        keeper.interval(10)
        return begin(watch, *command)

    monkeypatch.setattr(_Watch, "begin", begin)
    keeper.start()
    assert json.loads(ears.next_state("ready")) == {"do": "interval", "seconds": 10.0}


@pytest.mark.parametrize("doing", ["open", "read", "rest"])
def test_an_eye_that_hangs_is_killed_and_started_again(keep, ears, doing):
    keeper = keep(f"say(type='beat', doing={doing!r}, seconds=0)\ntime.sleep(600)")
    keeper.start()
    first = pid_of(keeper)
    assert ears.next_state("trouble") == HANGING[doing]
    assert gone(first)
    assert pid_of(keeper) not in {None, first}


@pytest.mark.parametrize(
    ("doing", "hung"), [("open", "1"), ("read", "1"), ("rest", "0")]
)
def test_the_next_eye_is_told_that_a_camera_hung(keep, ears, doing, hung):
    keep(
        "say(type='state', word='ready', why=sys.argv[2])\n"
        f"say(type='beat', doing={doing!r})\ntime.sleep(60)"
    ).start()
    assert [ears.next_state("ready") for _ in range(2)] == ["0", hung]


def test_a_long_rest_is_not_taken_for_a_hang(keep, ears):
    keeper = keep(
        "say(type='beat', doing='rest', seconds=1)\ntime.sleep(0.9)\n"
        f"print('''{READING}''', flush=True)\nlisten()"
    )
    keeper.start()
    assert ears.readings.get(timeout=20)


def test_trouble_is_logged_once_however_often_it_comes(keep, ears, caplog):
    keeper = keep("say(type='beat', doing='open')\ntime.sleep(600)")
    keeper.start()
    time.sleep(2)
    keeper.stop()
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1
    assert ears.states.qsize() <= 2  # starting, trouble


def test_an_eye_that_ends_is_started_again_after_growing_pauses(keep, ears):
    pauses = Pauses(first=0.1, factor=2, longest=60)
    keeper = keep("sys.exit(4)", pauses=pauses)
    keeper.start()
    assert "status 4" in ears.next_state("trouble")
    assert [pauses.after(n) for n in range(1, 5)] == [0.1, 0.2, 0.4, 0.8]
    assert pauses.after(10**9) == 60
    assert keeper.alive


class Counted:
    """Stands for pauses; notes after how many failures in a row each is."""

    def __init__(self):
        self.failures = queue.Queue()

    def after(self, failures):
        self.failures.put(failures)
        return 0.01


def test_an_eye_that_never_sees_is_started_ever_more_seldom(keep):
    pauses = Counted()
    keep("sys.exit(4)", pauses=pauses).start()
    assert [pauses.failures.get(timeout=20) for _ in range(3)] == [1, 2, 3]


SEES_AND_DIES = (
    "say(type='state', word='ready', why='')\n"
    f"print('''{READING}''', flush=True)\nsys.exit(4)"
)


def test_an_eye_that_has_seen_for_minutes_is_started_again_soon(keep):
    pauses = Counted()
    keep(
        f"print('''{READING}''', flush=True)\ntime.sleep(0.1)\n{SEES_AND_DIES}",
        pauses=pauses,
        clock=lambda: 10_000 * time.monotonic(),
        deadlines=Deadlines(start=1e6),
    ).start()
    assert [pauses.failures.get(timeout=20) for _ in range(3)] == [1, 1, 1]


def test_an_eye_that_dies_soon_each_time_is_named_once_and_started_ever_more_seldom(
    keep, caplog
):
    pauses = Counted()
    keep(SEES_AND_DIES, pauses=pauses).start()
    assert [pauses.failures.get(timeout=20) for _ in range(3)] == [1, 2, 3]
    assert len(caplog.messages) == 1


def test_trouble_that_comes_back_is_logged_again(keep, ears, caplog):
    keeper = keep(
        "for word in ('trouble', 'ready', 'trouble', 'ready'):\n"
        "    say(type='state', word=word, why='No camera.' * (word == 'trouble'))\n"
        "say(type='beat', doing='rest', seconds=60)\nlisten()"
    )
    keeper.start()
    for word in ("trouble", "ready", "trouble", "ready"):
        ears.next_state(word)
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 2


def test_what_an_eye_said_when_it_was_well_is_no_reason_for_its_end(keep, ears):
    keeper = keep(
        "say(type='state', word='ready', why='Only frontal faces count.')\nsys.exit(5)"
    )
    keeper.start()
    assert "status 5" in ears.next_state("trouble")


def test_a_line_without_end_ends_the_eye(keep, ears):
    keeper = keep("while True: sys.stdout.write('x' * 65536)", deadlines=Deadlines())
    keeper.start()
    assert ears.next_state("trouble")


def test_the_eyes_own_sentence_is_what_is_told(keep, ears):
    keeper = keep(
        "say(type='state', word='trouble', why='Install OpenCV.')\nsys.exit(3)"
    )
    keeper.start()
    assert ears.next_state("trouble") == "Install OpenCV."


def test_a_program_that_is_not_there_is_a_sentence(ears):
    keeper = EyeKeeper(
        "demo",
        on_reading=print,
        on_state=ears.state,
        command=["/does/not/exist"],
        pauses=SOON,
    )
    keeper.start()
    assert "cannot be started" in ears.next_state("trouble")
    keeper.stop()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "[]",
        '{"type": "reading"}',
        '{"type": "reading", "time": NaN, "reason": "nobody"}',
        "\\xff",
        '{"type": 7}',
        '{"type": "beat", "seconds": "x"}',
    ],
)
def test_talk_that_is_not_the_eyes_is_passed_over(keep, ears, line):
    keeper = keep(
        f"print('''{line}''', flush=True)\nprint('''{READING}''',flush=True)\nlisten()"
    )
    keeper.start()
    assert ears.readings.get(timeout=20).time == 1.0


def test_stopping_is_quick_and_leaves_no_process_even_when_it_hangs(keep):
    keeper = keep(
        "import signal\nfor n in (1, 2, 15): signal.signal(n,"
        " signal.SIG_IGN)\nsay(type='beat', doing='rest', seconds=600)\n"
        "time.sleep(600)"
    )
    keeper.start()
    pid = pid_of(keeper)
    start = time.monotonic()
    keeper.stop()
    assert time.monotonic() - start < 1
    assert gone(pid)


def test_its_children_go_with_the_eye(keep, ears):
    keeper = keep(
        "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n"
        "say(type='beat', doing='rest', seconds=600)\n"
        "say(type='state', word='ready', why=str(child.pid))\nlisten()"
    )
    keeper.start()
    child = int(ears.next_state("ready"))
    keeper.stop()
    time.sleep(0.2)
    with open(f"/proc/{child}/stat") if not gone(child) else open(os.devnull) as file:  # noqa: PTH123
        assert file.read().rpartition(")")[2].split()[:1] in ([], ["Z"])


def test_nothing_is_told_after_stop(keep, ears):
    keeper = keep(
        "say(type='beat', doing='rest', seconds=9)\nwhile True:\n"
        f"    print('''{READING}''', flush=True)\n    time.sleep(0.001)"
    )
    keeper.start()
    ears.readings.get(timeout=20)
    keeper.stop()
    while not ears.readings.empty():
        ears.readings.get()
    time.sleep(0.1)
    assert ears.readings.empty()


def test_a_keeper_may_be_stopped_from_its_own_callback(ears):
    def stop(reading):
        keeper.stop()
        ears.readings.put(reading)

    keeper = EyeKeeper(
        "demo",
        on_reading=stop,
        on_state=ears.state,
        command=[
            sys.executable,
            "-c",
            f"print('''{READING}''', flush=True)\nimport time; time.sleep(600)",
        ],
    )
    keeper.start()
    ears.readings.get(timeout=20)
    assert not keeper.alive


def test_loading_the_keeper_loads_no_camera_library():
    import subprocess

    script = (
        "import sys, mopidy_moodcam.eye; "
        "sys.exit(' '.join({'cv2', 'torch', 'onnxruntime', 'numpy'}"
        " & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.slow
def test_the_real_eye_sees_the_demo_and_stops_within_a_second(keep, ears):
    keeper = keep(deadlines=Deadlines())
    keeper.start()
    assert len(ears.readings.get(timeout=60).faces) == 1
    assert keeper.milliseconds > 0
    pid = pid_of(keeper)
    start = time.monotonic()
    keeper.stop()
    assert time.monotonic() - start < 1
    assert gone(pid)


@pytest.mark.slow
def test_the_real_eye_is_killed_when_its_camera_hangs(keep, ears, tmp_path):
    os.mkfifo(tmp_path / "hangs")
    deadlines = Deadlines(start=60, open=0.5)
    keeper = keep(source=str(tmp_path / "hangs"), deadlines=deadlines)
    keeper.start()
    first = pid_of(keeper)
    assert "does not open" in ears.next_state("trouble")
    assert gone(first)
