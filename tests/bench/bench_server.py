"""What MoodCam costs a running Mopidy: `python tests/bench/bench_server.py`.

Starts real servers (fakesink, MPD, HTTP; a stand-in for a streaming service whose
songs all exist) and prints

- the time from a mood being posted to its picks standing in Mopidy's queue, as an
  MPD client sees it, with 100,000 songs in the catalogue (median and worst of 20);
- the time from "camera off" in an MPD client that has just added 3000 songs one by
  one to the camera being off;
- how much more memory Mopidy's own process holds with the extension and 10,000
  songs than without the extension;
- the time of an HTTP answer while the camera hangs, and its ratio to the time of a
  server without a camera that is asked in turn (medians of 300);
- the seconds from SIGTERM to the end, beside a hanging camera.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from mopidy_moodcam.songs.catalogue import Catalogue, put_features
from tests.bench import benches
from tests.server import conftest as servers
from tests.server import stand_in
from tests.songs import libraries


def main() -> None:
    """Run all parts and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=int, default=100_000)
    options = parser.parse_args()
    benches.begin()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        home = pathlib.Path(folder)
        music = home / "music"
        music.mkdir()
        servers.write_tone(music / "tone.wav", 440, 5)
        stand_in.install(home / "stand-in", music, patch)
        print_latency(home, music, options.songs)
        print_switch(home, music)
        print_memory(home, music)
        print_hanging_camera(home, music)


def print_latency(home: pathlib.Path, music: pathlib.Path, songs: int) -> None:
    """Measure from a posted mood to a changed queue."""
    with running(home / "latency", music, songs, camera="none", hands_off=0) as server:
        server.feel("happy")
        server.wait_for_queue(lambda q: len(q) == 2, "two picks")
        times = [change(server, mood) for mood in ("sad", "happy") * 10]
    print(
        f"mood posted → picks in the queue, {songs:,} songs: "
        f"median {1000 * statistics.median(times):.0f} ms, "
        f"worst {1000 * max(times):.0f} ms (at most 100 ms)"
    )


def change(server: servers.Server, mood: str) -> float:
    """Return the seconds until the queue holds two other songs."""
    before = set(server.queue())
    started = time.perf_counter()
    server.feel(mood)
    while len(queue := server.queue()) != 2 or before & set(queue):
        if time.perf_counter() - started > 30:
            sys.exit(f"no change of the queue for {mood}: {queue}\n{server.log}")
    return time.perf_counter() - started


def print_switch(home: pathlib.Path, music: pathlib.Path) -> None:
    """Measure "camera off" behind a long list that is added song by song."""
    with running(home / "switch", music, 3000, camera="none") as server:
        server.feel("happy")
        server.wait_for_queue(lambda q: len(q) == 2, "two picks")
        server.client.command_list_ok_begin()
        for number in range(3000):
            server.client.add(f"spotify:track:{number}")
        server.client.command_list_end()
        started = time.perf_counter()
        server.client.disableoutput(1)
        while server.status()["camera"]["on"]:
            time.sleep(0.01)
        seconds = time.perf_counter() - started
    print(f"camera off behind 3000 added songs: {seconds:.2f} s (at most 1 s)")


def print_memory(home: pathlib.Path, music: pathlib.Path) -> None:
    """Compare Mopidy's resident memory with and without the extension."""
    with running(home / "with", music, 10_000, camera="none") as server:
        server.feel("happy")
        server.wait_for_queue(lambda q: len(q) == 2, "two picks")
        for _ in range(5):
            server.status()
        with_it = resident(server.process.pid)
    with running(home / "without", music, 0, enabled="false") as server:
        server.queue()
        time.sleep(2)
        without = resident(server.process.pid)
    print(
        f"Mopidy's memory: {without:.0f} MB alone, {with_it:.0f} MB with MoodCam and "
        f"10,000 songs: {with_it - without:.0f} MB more (at most 60 MB)"
    )


def resident(pid: int) -> float:
    """Return a process's resident memory in MB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def print_hanging_camera(home: pathlib.Path, music: pathlib.Path) -> None:
    """Compare HTTP answers beside a camera that hangs and without a camera."""
    # Opening a FIFO that nobody writes to blocks for ever, as some cameras do.
    pipe = home / "camera.avi"
    os.mkfifo(pipe)
    with (
        running(home / "none", music, 1000, camera="none") as calm,
        running(home / "hanging", music, 1000, camera=str(pipe)) as hanging,
    ):
        time.sleep(3)
        # In turn, so that whatever else this machine does disturbs both alike.
        times = [(answer(calm), answer(hanging)) for _ in range(300)]
        ended = hanging.stop()
    medians = [statistics.median(column) for column in zip(*times, strict=True)]
    ratio = statistics.median(other / own for own, other in times)
    print(
        f"an HTTP answer: {1000 * medians[0]:.1f} ms with no camera, "
        f"{1000 * medians[1]:.1f} ms beside one that hangs; "
        f"ratio {ratio:.2f} (0.8 to 1.2)"
    )
    print(f"SIGTERM to the end beside a hanging camera: {ended:.2f} s (at most 2 s)")


def answer(server: servers.Server) -> float:
    """Return the seconds of one answer of Mopidy's own HTTP server."""
    started = time.perf_counter()
    address = f"http://127.0.0.1:{server.http_port}/moodcam/status.json"
    with urllib.request.urlopen(address, timeout=10) as got:
        got.read()
    return time.perf_counter() - started


@contextlib.contextmanager
def running(folder, music, songs, **moodcam):
    """Run a server whose catalogue holds so many songs of the stand-in service."""
    folder.mkdir()
    if songs:
        fill(folder / "data" / "moodcam" / "catalogue.sqlite", songs)
    settings = {"watch": "always", **moodcam}
    started = time.monotonic()
    server = servers.run_server(folder, music, settings, {}, has_songs=bool(songs))
    print(f"  (a server with {songs:,} songs: {time.monotonic() - started:.1f} s)")
    try:
        yield server
    finally:
        server.stop()


def fill(path: pathlib.Path, songs: int) -> None:
    """Store made-up songs under the stand-in's scheme."""
    path.parent.mkdir(parents=True)
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(
            dataclasses.replace(
                row, uri=f"spotify:track:{number}", spotify_id=None, features=None
            )
            for number, row in enumerate(libraries.songs(songs))
        )
        with catalogue.writing() as connection:
            for number, row in enumerate(libraries.songs(songs)):
                put_features(connection, number + 1, row.features)


if __name__ == "__main__":
    main()
