"""A listener for tests: runs the command, and has a browser that says yes."""

import io
import signal
import subprocess
import sys
import threading
import types
import urllib.error
import urllib.request

import pytest
from rich.console import Console

from mopidy_moodcam.songs.spotify.sync import Wanted, World, sync
from tests.songs.spotify.fake_spotify import CLIENT_ID

SYNC = (
    "import io, pathlib, sys, types;"
    "from rich.console import Console;"
    "from mopidy_moodcam.songs.catalogue import Catalogue;"
    "from mopidy_moodcam.songs.spotify.sync import Service, Wanted, World, sync;"
    "folder = pathlib.Path(sys.argv[1]);"
    "settings = types.SimpleNamespace("
    "    spotify_client_id=sys.argv[2], spotify_audio_features=False);"
    "world = World(Service(sys.argv[3], sys.argv[4]));"
    "opened = Catalogue.open(folder / 'catalogue.sqlite');"
    "sync(opened, settings, folder, Console(file=io.StringIO()), Wanted(), world=world)"
)


class Run:
    """Runs the command as a listener whose browser says yes at once."""

    def __init__(self, fake, catalogue, folder):
        self.fake = fake
        self.catalogue = catalogue
        self.folder = folder
        self.said = ""
        self.slept = []
        self.client_id = CLIENT_ID
        self.audio_features = False
        self.terminal = False
        self.world = {"keyboard": None, "browser": says_yes, "port": 0}

    @property
    def token_file(self):
        return self.folder / "spotify.json"

    def __call__(self, **wanted):
        out = io.StringIO()
        code = sync(
            self.catalogue,
            types.SimpleNamespace(
                spotify_client_id=self.client_id,
                spotify_audio_features=self.audio_features,
            ),
            self.folder,
            Console(file=out, width=200, force_terminal=self.terminal),
            Wanted(**wanted),
            world=World(self.fake.service, sleep=self.slept.append, **self.world),
        )
        self.said = out.getvalue()
        return code

    def sentence(self):
        return self.said.strip().splitlines()[-1]


def kill_at(run, end, offset):
    """Run the command in a process, and kill it while it asks for a page."""
    run.fake.hold = (end, offset)
    service = run.fake.service
    words = [str(run.folder), CLIENT_ID, service.api, service.accounts]
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", SYNC, *words])
    assert run.fake.held.wait(60)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    run.fake.hold = None
    run.fake.released.set()


def says_yes(address):
    threading.Thread(target=lambda: visit(address), daemon=True).start()
    return True


def no_browser(_):
    return False


def visit(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.read().decode()


def landing(address):
    """Return the address to which Spotify sends the browser."""
    opener = urllib.request.build_opener(NoRedirect)
    with pytest.raises(urllib.error.HTTPError) as redirect:
        opener.open(address, timeout=5)
    return redirect.value.headers["Location"]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
