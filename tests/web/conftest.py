import http.client
import json
import time

import pytest

from mopidy_moodcam.desk import Desk
from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.features import Features
from tests.web.dev_server import config_in, serving
from tests.web.scenes import Puppet, happy

TOKEN = "s3cret"  # noqa: S105  (of the tests)


class Client:
    """Speaks HTTP to a port, header by header."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, f"/moodcam/{path}", body, named)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def get(self, path):
        answer, body = self.ask("GET", path)
        return answer.status, json.loads(body)

    def post(self, path, value, **headers):
        headers = {"Content_Type": "application/json", **headers}
        body = json.dumps(value).encode() if isinstance(value, dict) else value
        answer, text = self.ask("POST", path, body, **headers)
        return answer.status, json.loads(text)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def puppet(desk):
    return Puppet(desk, happy(time.time()), time.time)


@pytest.fixture
def songs(tmp_path):
    """A catalogue of twelve songs for each song mood, one of them loved."""
    path = tmp_path / "moodcam" / "catalogue.sqlite"
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(
            TrackRow(
                uri=f"local:track:{mood}{i}.flac",
                title=f"{mood.capitalize()} song {i}",
                artist=f"Artist {i % 5}",
                album="100 % of _ it",
                duration_ms=180_000,
                features=Features(valence=i / 12, energy=(i * 5 % 12) / 12),
            )
            for mood in SongMood
            for i in range(12)
        )
        for mood in SongMood:
            for i in range(12):
                catalogue.move(f"local:track:{mood}{i}.flac", mood)
        catalogue.judge("local:track:sad3.flac", Verdict.LOVED)
        catalogue.judge("local:track:sad4.flac", Verdict.BANNED)
    return path


@pytest.fixture
def client(desk, puppet, songs, tmp_path):  # noqa: ARG001
    with serving(desk, config_in(tmp_path)) as port:
        yield Client(port)


@pytest.fixture
def guarded(desk, puppet, tmp_path):  # noqa: ARG001
    """A server with a token."""
    with serving(desk, config_in(tmp_path, token=TOKEN)) as port:
        yield Client(port)
