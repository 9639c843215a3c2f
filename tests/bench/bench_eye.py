"""What the eye costs, and how soon the lamp is off: `python tests/bench/bench_eye.py`.

A real eye runs under its keeper at default settings (a burst of five frames every
20 seconds) for a minute and a half, on the demo and on a video that costs what a
webcam does: motion JPEG of 1280×720, of which a burst decodes its five frames and no
others (a webcam's driver drops the rest undecoded). Times are the kernel's.
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import time
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.eye import EyeKeeper
from mopidy_moodcam.seeing.demo import Demo
from tests.bench import benches

BURSTS = 5
INTERVAL = 20.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Resident memory without what other processes share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(x.split()[1]) for x in lines if x.startswith("Private_")) / 1024


def webcam_video(folder: Path) -> Path:
    path = folder / "webcam.avi"
    code = cv2.VideoWriter.fourcc(*"MJPG")
    video = cv2.VideoWriter(str(path), code, 5, (1280, 720))
    demo = Demo()
    for turn in range(60):
        frame = cv2.resize(demo.frame(20 + turn / 5)[60:420], (1280, 720))
        video.write(frame)
    video.release()
    return path


def measure(name: str, source: str) -> None:
    readings: queue.Queue = queue.Queue()
    keeper = EyeKeeper(
        source,
        interval=INTERVAL,
        on_reading=readings.put,
        on_state=lambda *_: None,
    )
    start = time.monotonic()
    keeper.start()
    first = readings.get(timeout=120)
    ready = time.monotonic() - start
    pid = keeper._watch.process.pid
    before, then = cpu_seconds(pid), time.monotonic()
    costs = []
    for _ in range(BURSTS - 1):
        readings.get(timeout=120)
        costs.append(keeper.milliseconds)
    share = (cpu_seconds(pid) - before) / (time.monotonic() - then)
    memory = memory_mib(pid)
    start = time.monotonic()
    keeper.stop()
    off = time.monotonic() - start
    left = Path(f"/proc/{pid}").exists()
    print(f"{name}: {len(first.faces)} face(s), first reading after {ready:.1f} s")
    print(f"  average share of one core: {100 * share:.2f} %", end="")
    print(f" (bursts: {', '.join(f'{cost:.0f}' for cost in costs)} ms)")
    print(
        f"  memory of its own: {memory:.0f} MiB; switched off in {off:.3f} s, ", end=""
    )
    print("process still there" if left else "process and memory gone")


def main() -> int:
    load = f"load {os.getloadavg()[0]:.1f}"
    benches.begin(f"OpenCV {cv2.__version__}", load)
    print("(a load above the cores inflates processor time)")
    measure("demo", "demo")
    with tempfile.TemporaryDirectory() as folder:
        measure("1280x720 motion JPEG", str(webcam_video(Path(folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
