"""A small Mopidy in this process: core, our backend and Mopidy-MPD on a socket.

Real parts of whichever Mopidy is installed; only the frontend is left out, whose
part the tests play at the desk.
"""

import contextlib
import threading

import mpd
import pykka
from gi.repository import GLib
from mopidy.core import Core
from mopidy_mpd.actor import MpdFrontend
from mopidy_mpd.session import MpdSession

from mopidy_moodcam.backend import MoodCamBackend


def config_in(folder):
    return {
        "core": {
            "data_dir": str(folder),
            "max_tracklist_length": 10000,
            "restore_state": False,
        },
        "mpd": {
            "hostname": f"unix:{folder}/mpd.sock",
            "port": 0,
            "password": None,
            "zeroconf": "",
            "max_connections": 20,
            "connection_timeout": 60,
            "command_blacklist": [],
            "default_playlist_scheme": "m3u",
        },
        "moodcam": {},
    }


@contextlib.contextmanager
def core_at(desk, config):
    """Start core with our backend; yields core's proxy."""
    backend = MoodCamBackend.at(desk).start(config=config, audio=None).proxy()
    core = Core.start(config=config, mixer=None, backends=[backend], audio=None)
    try:
        yield core.proxy()
    finally:
        pykka.ActorRegistry.stop_all(timeout=5)


@contextlib.contextmanager
def mpd_server(core, config):
    """Start Mopidy-MPD; yields a function that connects another client."""
    loop = GLib.MainLoop()
    running = threading.Thread(target=loop.run, daemon=True)
    running.start()
    MpdFrontend.start(config=config, core=core)
    clients = []

    def connect():
        client = mpd.MPDClient()
        client.timeout = 10
        client.connect(config["mpd"]["hostname"].removeprefix("unix:"))
        clients.append(client)
        return client

    try:
        yield connect
    finally:
        for client in clients:
            with contextlib.suppress(mpd.ConnectionError, OSError):
                client.disconnect()
        pykka.ActorRegistry.stop_all(timeout=5)
        GLib.idle_add(loop.quit)
        running.join(5)


def end_sessions():
    """End all sessions of Mopidy-MPD, once each has done what it was sent."""
    for session in pykka.ActorRegistry.get_by_class(MpdSession):
        session.stop(timeout=5)
