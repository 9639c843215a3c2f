"""An evening with somebody who never sits still: `python tests/bench/bench_evening.py`.

A real Mopidy plays into a sink nobody hears, moods come in several times a second,
and a person with an MPD client adds, deletes, moves, skips, seeks, shuffles, clears
and switches at random, thousands of times and as fast as Mopidy answers. `--seed`
repeats the choice of actions (not their timing), `--actions` says how many.

What is checked, at every action or once things have had a moment to settle:

- no person's track is lost, and none is moved against another; under `consume`,
  which takes tracks away itself, the DJ's log must not have it among those removed;
- no ghost: no track starts that the DJ had removed;
- volume and switches are as the person left them;
- at least two tracks stand ahead;
- every command is answered within `ANSWER_S`: no deadlock;
- the log holds no traceback from MoodCam and no failed step.

Mopidy 3.4 does not stand everything itself: core raises where a client seeks after
the current track was deleted, and hangs where a client changes the track at the
moment GStreamer asks for the next one. Both are told from MoodCam's by their stacks,
counted, and after a hang the evening goes on with a new server.

Exits with 1 where something did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from pathlib import Path

import mpd
import numpy as np
from tornado.websocket import websocket_connect

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.glossary import SongMood
from tests.bench import benches
from tests.server import conftest
from tests.server.conftest import (
    SONGS_EACH,
    fill_catalogue,
    mopidy,
    run_server,
    write_config,
)

ANSWER_S = 8.0
STACKS = "Thread 0x"
REMOVED = "Removing own tracks: "
IN_GSTREAMER = ("in _set_state", "in stop_playback", "in _on_about_to_finish_callback")
# Mopidy, but on SIGUSR2 it writes every thread's stack, even where Python hangs.
WITH_STACKS = (
    "import faulthandler, runpy, signal, sys;"
    "faulthandler.register(signal.SIGUSR2, all_threads=True);"
    "runpy.run_module('mopidy', run_name='__main__', alter_sys=True)"
)
SETTLE_S = 8.0
PEOPLES_SONGS = 150
SONG_S = 30
MOST_OF_PEOPLE = 40
MOODS = ("happy", "sad", "angry", "surprise", "fear", "neutral")
SWITCHES = ("consume", "random", "repeat", "single")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actions", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    benches.begin()
    evenings: list[Evening] = []
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = prepare(Path(folder))
        while (left := options.actions - done(evenings)) > 0:
            with running(home, len(evenings)) as server:
                evenings.append(Evening(server, rng))
                evenings[-1].spend(left)
    wrong = [sentence for evening in evenings for sentence in evening.wrong]
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    hung = sum(evening.hung for evening in evenings)
    print(f"{done(evenings)} actions; core hung by itself {hung} times;", end=" ")
    print("every rule held" if not wrong else f"{len(wrong)} times a rule did not hold")
    return bool(wrong)


def done(evenings: list[Evening]) -> int:
    return sum(evening.done.total() for evening in evenings)


def prepare(folder: Path) -> Path:
    """Make a library, scan it and fill the catalogue; return the server's data.

    All songs are one file under many names: long enough that GStreamer does not
    ask for the next one as soon as a song has begun.
    """
    music = folder / "music"
    music.mkdir()
    write_song(music / "people-0.wav")
    names = [f"{mood}-{i}" for mood in SongMood for i in range(SONGS_EACH)]
    names += [f"people-{number}" for number in range(1, PEOPLES_SONGS)]
    for name in names:
        (music / f"{name}.wav").hardlink_to(music / "people-0.wav")
    home = folder / "home"
    home.mkdir()
    conf = write_config(home, music, 0, 0, {"camera": "none"})
    scan = [*mopidy(conf), "local", "scan"]
    subprocess.run(scan, check=True, capture_output=True)
    fill_catalogue(home / "data" / "moodcam" / "catalogue.sqlite")
    return home


def write_song(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(4 * 44_100 * SONG_S))


@contextlib.contextmanager
def running(home: Path, number: int):
    """A server of its own; hands are never off, to provoke the DJ."""
    folder = home.with_name(f"server{number}")
    shutil.copytree(home, folder)
    conftest.mopidy = lambda conf: [
        *(sys.executable, "-W", "ignore", "-c", WITH_STACKS, "--config", str(conf))
    ]
    settings = {"camera": "none", "watch": "always", "autostart": "true"}
    settings |= {"hands_off": "0", "repeat_after": "2"}
    server = run_server(folder, home.with_name("music"), settings, {})
    try:
        yield server
    finally:
        server.stop()


class Evening:
    """The person, what they believe the queue to be, and what went wrong."""

    def __init__(self, server, rng):
        self.server, self.rng = server, rng
        self.client = server.mpd()
        self.client.timeout = ANSWER_S
        self.mine: list[int] = []
        self.deleted: set[int] = set()
        self.switches = dict.fromkeys(SWITCHES, 0)
        self.volume = 50
        self.wrong: list[str] = []
        self.took: list[float] = []
        self.done: collections.Counter[str] = collections.Counter()
        self.started: list[tuple[float, int]] = []
        self.gone_at: dict[int, float] = {}
        self.known: set[int] = set()
        self.over = threading.Event()
        self.fresh_songs = itertools.cycle(range(PEOPLES_SONGS))
        self.consumed = False
        self.settled = self.dropped = self.hung = 0
        self.peoples: set[int] = set()
        self.last: collections.deque[str] = collections.deque(maxlen=6)

    def spend(self, actions: int) -> None:
        threads = [
            threading.Thread(target=self._moods, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in threads:
            thread.start()
        self.client.setvol(self.volume)
        begun = time.monotonic()
        try:
            for number in range(actions):
                self._act()
                if number % 25 == 24:
                    self._settle()
        except OSError:
            self._hangs()
        finally:
            self.over.set()
            for thread in threads:
                thread.join(5)
        self.seconds = time.monotonic() - begun
        self._look_back()

    def _hangs(self) -> None:
        """Find out from every thread's stack who waits for whom.

        Core of 3.4 has deadlocks of its own: GStreamer's thread asks core for the
        next track while core, or the main loop, waits for GStreamer to change its
        state, which waits for that thread. Then a thread stands in GStreamer's
        `set_state`, and MoodCam's only waits for core like everybody.
        """
        self.server.process.send_signal(signal.SIGUSR2)
        time.sleep(2)
        stacks = self.server.log.partition(STACKS)[2]
        self.hung = 1
        if not any(place in stacks for place in IN_GSTREAMER):
            self.wrong.append(f"no answer within {ANSWER_S:g} s: a deadlock")

    # What the person does

    def _act(self) -> None:
        weights = {
            self.add: 14,
            self.add_next: 8,
            self.add_anywhere: 8,
            self.delete_mine: 10,
            self.delete_any: 6,
            self.next: 14,
            self.previous: 4,
            self.seek: 8,
            self.seek_to_the_end: 6,
            self.shuffle: 4,
            self.move_mine: 6,
            self.clear: 1,
            self.switch: 4,
            self.change_volume: 3,
            self.pause: 3,
            self.stop: 1,
            self.play: 3,
            self.play_any: 4,
            self.wait: 6,
        }
        (action,) = self.rng.choices(list(weights), list(weights.values()))
        begun = time.monotonic()
        try:
            action()
        except mpd.CommandError:
            pass  # such as a track that was deleted a moment ago
        except mpd.ConnectionError:
            self._come_back()
        self.took.append(time.monotonic() - begun)
        name = action.__name__
        self.last.append(name)
        self.done[name] += 1
        self._compare(reordered=name in {"shuffle", "move_mine"})

    def _come_back(self) -> None:
        """Mopidy-MPD drops a client where a command makes core raise.

        It does without MoodCam too: to seek where nothing is current is enough.
        """
        self.dropped += 1
        self.client.disconnect()
        self.client = self.server.mpd()
        self.client.timeout = ANSWER_S

    def add(self) -> None:
        self._added(self.client.addid(self._song()))

    def add_next(self) -> None:
        # Mopidy-MPD says 'None' of a current track that was deleted.
        song = str(self.client.status().get("song"))
        place = int(song) + 1 if song.isdigit() else 0
        self._added(self.client.addid(self._song(), place))

    def add_anywhere(self) -> None:
        place = self.rng.randint(0, len(self._queue()))
        self._added(self.client.addid(self._song(), place))

    def delete_mine(self) -> None:
        if self.mine:
            self._delete(self.rng.choice(self.mine))

    def delete_any(self) -> None:
        if queue := self._queue():
            self._delete(self.rng.choice(queue))

    def next(self) -> None:
        self.client.next()

    def previous(self) -> None:
        self.client.previous()

    def seek(self) -> None:
        self.client.seekcur(self.rng.randint(0, SONG_S))

    def seek_to_the_end(self) -> None:
        duration = float(self.client.status().get("duration", 0))
        if duration > 4:
            self.client.seekcur(duration - self.rng.uniform(0.5, 6))

    def shuffle(self) -> None:
        self.client.shuffle()

    def move_mine(self) -> None:
        if self.mine:
            queue = self._queue()
            place = self.rng.randrange(len(queue))
            self.client.moveid(self.rng.choice(self.mine), place)

    def clear(self) -> None:
        self.deleted.update(self._queue())
        self.client.clear()
        # A pick may have come in between; the person cleared it all the same.
        self.deleted.update(i for i in self.known if i not in set(self._queue()))
        self.mine = []

    def switch(self) -> None:
        name = self.rng.choice(SWITCHES)
        self.switches[name] = 1 - self.switches[name]
        getattr(self.client, name)(self.switches[name])

    def change_volume(self) -> None:
        self.volume = self.rng.randint(0, 100)
        self.client.setvol(self.volume)

    def pause(self) -> None:
        self.client.pause()

    def stop(self) -> None:
        self.client.stop()

    def play(self) -> None:
        self.client.play()

    def play_any(self) -> None:
        if queue := self._queue():
            self.client.playid(self.rng.choice(queue))

    def wait(self) -> None:
        time.sleep(self.rng.uniform(0, 0.6))

    def _song(self) -> str:
        return f"local:track:people-{next(self.fresh_songs)}.wav"

    def _added(self, number: str) -> None:
        # Where it stands among the person's tracks is read: the DJ may have edited
        # since its place was worked out. The others must keep their order.
        added = int(number)
        self.peoples.add(added)
        mine = {*self.mine, added}
        found = [i for i in self._queue() if i in mine]
        if [i for i in found if i != added] == [i for i in self.mine if i in found]:
            self.mine = found + [i for i in self.mine if i not in found]
        while len(self.mine) > MOST_OF_PEOPLE:
            self._delete(self.mine[0])

    def _delete(self, number: int) -> None:
        self.deleted.add(number)
        self.client.deleteid(number)
        self.mine = [i for i in self.mine if i != number]

    # What must hold

    def _queue(self) -> list[int]:
        return [int(entry["id"]) for entry in self.client.playlistid()]

    def _compare(self, *, reordered: bool) -> None:
        queue = self._queue()
        there = set(queue)
        for number in self.known - there - self.deleted:
            self.gone_at.setdefault(number, time.time())
        self.known |= there
        found = [i for i in queue if i in set(self.mine)]
        lost = [i for i in self.mine if i not in there]
        consumed = self.switches["consume"] or self.consumed
        self.consumed = bool(self.switches["consume"])
        if lost and not consumed:
            self._note(f"people's tracks {lost} are lost")
        if not reordered and found != [i for i in self.mine if i in there]:
            self._note(f"people's tracks were moved: {self.mine} became {found}")
        self.mine = found

    def _settle(self) -> None:
        """Give the DJ a moment, then look whether enough stands ahead."""
        begun = time.monotonic()
        while (ahead := self._ahead()) < 2:
            if time.monotonic() - begun > SETTLE_S:
                self._note(f"only {ahead} tracks ahead after {SETTLE_S:g} s")
                break
            time.sleep(0.05)
        self.settled += 1
        status = self.client.status()
        switches = {name: int(status[name]) for name in SWITCHES}
        if switches != self.switches or int(status["volume"]) != self.volume:
            self._note(f"switches or volume changed: {switches}, {status['volume']}")
            self.switches, self.volume = switches, int(status["volume"])
        if not self.server.status()["songs"]["analysed"]:
            self._note("the status page lost its songs")

    def _ahead(self) -> int:
        status = self.client.status()
        length = int(status["playlistlength"])
        if status["random"] == "1":
            return length - ("song" in status)
        song = str(status.get("song"))
        return length - (int(song) + 1 if song.isdigit() else 0)

    def _note(self, what: str) -> None:
        status = self.client.status()
        shown = {key: status.get(key) for key in (*SWITCHES, "state", "songid")}
        when = f"action {self.done.total()}: {', '.join(self.last)}"
        self.wrong.append(f"{what} ({when}; {shown})")

    # What goes on beside

    def _moods(self) -> None:
        rng = random.Random(99)
        while not self.over.wait(rng.uniform(0.05, 0.6)):
            with contextlib.suppress(OSError):
                self.server.feel(rng.choice(MOODS))

    def _listen(self) -> None:
        asyncio.run(self._note_starts())

    async def _note_starts(self) -> None:
        address = f"ws://127.0.0.1:{self.server.http_port}/mopidy/ws"
        socket = await websocket_connect(address)
        while not self.over.is_set():
            try:
                text = await asyncio.wait_for(asyncio.shield(socket.read_message()), 1)
            except TimeoutError:
                continue
            event = json.loads(text or "{}")
            if event.get("event") == "track_playback_started":
                self.started.append((time.time(), event["tl_track"]["tlid"]))

    def _look_back(self) -> None:
        log = self.server.log.partition(STACKS)[0]
        removed = [line.partition(REMOVED)[2] for line in log.splitlines()]
        by_dj = {int(tlid) for line in removed for tlid in line.split(",") if tlid}
        if by_dj & self.peoples:
            self.wrong.append(f"the DJ removed people's {by_dj & self.peoples}")
        ghosts = sorted(
            tlid
            for at, tlid in self.started
            if tlid in by_dj and at > self.gone_at.get(tlid, at) + 0.5
        )
        if ghosts:
            self.wrong.append(f"ghosts played: {ghosts}")
        if "mopidy_moodcam/" in log or "MoodCam failed" in log:
            self.wrong.append("the log holds a traceback or failed step of MoodCam")
        print(
            f"{self.done.total()} actions in {self.seconds:.0f} s:"
            f" {len(self.started)} songs begun, {len(by_dj)} picks taken"
            f" back by the DJ, {self.settled} times settled;"
            f" a command took {np.median(self.took) * 1e3:.0f} ms (median),"
            f" {max(self.took):.2f} s at most; core raised {log.count('Traceback')}"
            f" times{', and hung at the end' if self.hung else ''}"
        )
        if self.wrong:
            Path(f"evening-{time.time():.0f}.log").write_text(self.server.log)


if __name__ == "__main__":
    raise SystemExit(main())
