"""A real Mopidy with the extension, started as a process of its own."""

from __future__ import annotations

import configparser
import contextlib
import dataclasses
import functools
import itertools
import json
import math
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import wave

import mpd
import numpy as np
import pytest

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.clusters import AXES, default_model
from mopidy_moodcam.songs.features import Features, FeatureSource
from mopidy_moodcam.songs.prototypes import PROTOTYPES

RATE = 8000
SONGS_EACH = 6
SECONDS = 12


def pytest_collection_modifyitems(items):
    for item in items:
        if pathlib.Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.server)
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def music(tmp_path_factory):
    """A folder of short songs: six for each song mood, and six nobody analysed."""
    folder = tmp_path_factory.mktemp("music")
    for number, (mood, i) in enumerate(
        itertools.product([*SongMood, "other"], range(SONGS_EACH))
    ):
        write_tone(folder / f"{mood}-{i}.wav", 200 + 10 * number, SECONDS)
    return folder


def write_tone(path, hertz, seconds):
    t = np.arange(int(RATE * seconds)) / RATE
    samples = (9000 * np.sin(2 * math.pi * hertz * t)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


@pytest.fixture(scope="session")
def home(tmp_path_factory, music):
    """The data of a server whose library is scanned and whose catalogue is full."""
    folder = tmp_path_factory.mktemp("home")
    conf = write_config(folder, music, 0, 0, {"camera": "none"})
    subprocess.run(
        [*mopidy(conf), "local", "scan"], check=True, capture_output=True, timeout=120
    )
    fill_catalogue(folder / "data" / "moodcam" / "catalogue.sqlite")
    return folder


def fill_catalogue(path):
    """Store the songs with sounds that lie close about their mood's prototype."""
    rng = np.random.default_rng(7)
    path.parent.mkdir(parents=True, exist_ok=True)
    with Catalogue.open(path) as catalogue:
        for mood, i in itertools.product(SongMood, range(SONGS_EACH)):
            uri = f"local:track:{mood}-{i}.wav"
            catalogue.upsert_tracks(
                [TrackRow(uri=uri, title=f"{mood}-{i}", artist=f"artist {mood} {i}")]
            )
            catalogue.store_features(uri, sound(mood, rng))


def sound(mood, rng):
    """A sound close to what the shipped clusters take for the mood's prototype."""
    scale = default_model().scales["spotify"]
    z = np.array([PROTOTYPES[mood][axis] for axis in AXES]) + rng.normal(0, 0.05, 6)
    values = z * scale.deviation[: len(AXES)] + scale.mean[: len(AXES)]
    named = dict(zip(AXES, values.tolist(), strict=True))
    shares = {k: float(np.clip(v, 0, 1)) for k, v in named.items() if k != "loudness"}
    return Features(
        **shares,
        loudness=named["loudness"],
        tempo=120.0,
        key=0,
        mode=1,
        source=FeatureSource.TABLE,
    )


def mopidy(conf):
    # Mopidy 4 cannot be run with -m; its script lies beside the interpreter.
    script = pathlib.Path(sys.executable).with_name("mopidy")
    return [sys.executable, "-W", "ignore", str(script), "--config", str(conf)]


def write_config(folder, music, http_port, mpd_port, moodcam, **sections):
    parser = configparser.RawConfigParser()
    parser.read_dict(
        {
            "core": {f"{k}_dir": str(folder / k) for k in ("cache", "config", "data")},
            "audio": {"mixer": "software", "output": "fakesink sync=true"},
            "http": {"hostname": "127.0.0.1", "port": http_port, "zeroconf": ""},
            "mpd": {"hostname": "127.0.0.1", "port": mpd_port, "zeroconf": ""},
            "file": {"enabled": "false"},
            "m3u": {"enabled": "false"},
            "stream": {"enabled": "true"},
            "local": {"media_dir": str(music)},
            "loglevels": {"mopidy_moodcam": "debug", "mopidy_mpd": "warning"},
            "moodcam": {"enabled": "true", **moodcam},
        }
    )
    parser.read_dict(sections)
    path = folder / "mopidy.conf"
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclasses.dataclass
class Server:
    """A running Mopidy, reached as its users reach it: over HTTP and MPD."""

    process: subprocess.Popen
    http_port: int
    mpd_port: int
    log_path: pathlib.Path
    data: pathlib.Path

    @property
    def page(self):
        return f"http://127.0.0.1:{self.http_port}/moodcam/"

    @property
    def log(self):
        return self.log_path.read_text("utf-8", "replace")

    def status(self):
        with urllib.request.urlopen(self.page + "status.json", timeout=5) as answer:
            return json.load(answer)

    def post(self, path, body):
        request = urllib.request.Request(
            self.page + "api/" + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status

    def feel(self, mood, seconds=600):
        """Tell the server a mood, as soon as it has started enough to listen."""
        body = {"mood": mood, "seconds": seconds}
        self.wait_for(lambda: self.accepts("readings", body), "ear for a mood")

    def accepts(self, path, body):
        try:
            return self.post(path, body) < 300
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return False

    def mpd(self):
        """A client of one's own, to be closed by the caller."""
        client = mpd.MPDClient()
        client.timeout = 20
        client.connect("127.0.0.1", self.mpd_port)
        return client

    @functools.cached_property
    def client(self):
        """The client that the tests share; it stays connected."""
        return self.mpd()

    def queue(self):
        """The files of the queue in order, such as `happy-2.wav`."""
        return [name_of(entry["file"]) for entry in self.client.playlistinfo()]

    def ahead(self):
        """How many songs stand behind the current one."""
        status = self.client.status()
        return int(status["playlistlength"]) - int(status.get("song", -1)) - 1

    def wait_for(self, condition, what, seconds=40):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended; its log:\n{self.log}")
            result = condition()
            if result:
                return result
            time.sleep(0.1)
        return pytest.fail(
            f"no {what} after {seconds} s; queue {self.queue()}, status "
            f"{json.dumps(self.status(), indent=1)[:3000]}, log:\n{self.log}"
        )

    def wait_for_queue(self, condition, what, seconds=40):
        return self.wait_for(
            lambda: (q := self.queue()) and condition(q) and q, what, seconds
        )

    def stop(self):
        """Send SIGTERM; return how long the server took to end, in seconds."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - started


def name_of(uri):
    return uri.rpartition(":")[2].rpartition("/")[2]


def uris(server):
    return [entry["file"] for entry in server.client.playlistinfo()]


def moods_of(files):
    return {name.partition("-")[0] for name in files}


@pytest.fixture
def serve(tmp_path, home, music):
    """Start servers with the settings given; each is ended after the test."""
    servers = []

    def start(folder=None, sections=None, *, has_songs=True, **moodcam):
        folder = folder or copy_home(home, tmp_path / f"server{len(servers)}")
        moodcam = {"camera": "none", "watch": "always", **moodcam}
        server = run_server(folder, music, moodcam, sections or {}, has_songs=has_songs)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
        # Mopidy-MPD has tracebacks of its own when a client leaves at once.
        assert "mopidy_moodcam/" not in server.log, server.log


def run_server(folder, music, moodcam, sections, *, has_songs=True):
    ports = free_port(), free_port()
    texts = {key: str(value) for key, value in moodcam.items()}
    conf = write_config(folder, music, *ports, texts, **sections)
    log_path = folder / "mopidy.log"
    with log_path.open("ab") as log:
        # Mopidy 4 breaks the lines of its log at the terminal's width.
        wide = {**os.environ, "COLUMNS": "1000"}
        process = subprocess.Popen(
            mopidy(conf), stdout=log, stderr=log, cwd=folder, env=wide
        )
    server = Server(process, *ports, log_path, folder / "data" / "moodcam")
    wait_for_port(server, ports[0])
    wait_for_port(server, ports[1])
    if has_songs:
        songs = lambda: server.status()["songs"]["analysed"]  # noqa: E731
        server.wait_for(songs, "songs on the shelf")
    return server


def wait_for_port(server, port, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.process.poll() is not None:
            pytest.fail(f"the server did not start:\n{server.log}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1),
        ):
            return
        time.sleep(0.1)
    pytest.fail(f"port {port} is not answered:\n{server.log}")


def copy_home(home, folder):
    """Copy the prepared data, with SQLite's own write-ahead files."""
    import shutil

    shutil.copytree(home, folder)
    return folder
