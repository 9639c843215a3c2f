import threading

import pytest

from mopidy_moodcam.songs.catalogue import Catalogue
from tests.songs.spotify.fake_spotify import FakeSpotify
from tests.songs.spotify.listener import Run, no_browser


@pytest.fixture
def fake():
    server = FakeSpotify()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        yield catalogue


@pytest.fixture
def run(fake, catalogue, tmp_path):
    return Run(fake, catalogue, tmp_path)


@pytest.fixture
def member(run):
    """A listener who has logged in before."""
    assert run(login=True) == 0
    run.world["browser"] = no_browser
    run.fake.asked.clear()
    return run
