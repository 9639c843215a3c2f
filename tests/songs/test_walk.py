from __future__ import annotations

import configparser
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pykka
import pytest
from mopidy import backend
from mopidy.core import Core
from mopidy.models import Ref, Track

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.walk import _tracks, path_of, walk
from tests.songs import sound_files

pytest.importorskip("mopidy_local")

CONFIG = """
[core]
cache_dir = {0}/cache
config_dir = {0}/config
data_dir = {0}/data
[http]
enabled = false
[mpd]
enabled = false
[m3u]
enabled = false
[stream]
enabled = false
[local]
media_dir = {0}/music
[file]
media_dirs = {0}/files
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A music folder in Mopidy-Local's library, and one that is only files."""
    home = tmp_path_factory.mktemp("home")
    for folder in ("music/Ü & 100%", "files", "cache", "config", "data"):
        (home / folder).mkdir(parents=True)
    sound = sound_files.song(SongMood.CALM, 4)
    sound_files.write(home / "music" / "plain.ogg", sound)
    sound_files.write(home / "music" / "Ü & 100%" / "röd #1?.ogg", sound)
    sound_files.write(home / "files" / "loose file.ogg", sound)
    (home / "mopidy.conf").write_text(CONFIG.format(home))
    mopidy = Path(sys.executable).with_name("mopidy")
    command = [mopidy, "--config", home / "mopidy.conf", "local", "scan"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return home


@pytest.fixture
def config(home):
    """The configuration as Mopidy reads it; where it does so moved in 4.0."""
    given = configparser.RawConfigParser()
    given.read(home / "mopidy.conf")
    proxy = {"scheme": None, "hostname": None, "port": None}
    config = {"core": dict(given["core"]), "proxy": proxy, "audio": {}}
    for entry in importlib.metadata.entry_points(group="mopidy.ext"):
        extension = entry.load()()
        settings = configparser.RawConfigParser()
        settings.read_string(extension.get_default_config())
        values = dict(settings[entry.name])
        values |= dict(given[entry.name]) if entry.name in given else {}
        config[entry.name], _ = extension.get_config_schema().deserialize(values)
    return config


def test_every_track_of_every_library_comes_once_with_its_file(home, config):
    tracks = list(walk(config))
    assert len({track.uri for track in tracks}) == len(tracks)
    files = {str(track.path.relative_to(home)) for track in tracks}
    wanted = {"music/plain.ogg", "music/Ü & 100%/röd #1?.ogg", "files/loose file.ogg"}
    assert files == wanted
    assert all(track.path.is_file() for track in tracks)
    assert all(track.title for track in tracks)


def test_known_tracks_are_not_looked_up_again(config):
    def known(uri, path):
        assert path.is_file()
        return uri.startswith("file:")

    tracks = {track.uri.split(":")[0]: track for track in walk(config, known)}
    assert tracks["file"].title == ""
    assert tracks["file"].path.is_file()
    assert not tracks["file"].unanswered
    assert tracks["local"].duration_ms == pytest.approx(4000, abs=100)


class Shelf(pykka.ThreadingActor, backend.Backend):
    """A library of folders: URI of a folder → URIs in it; ill where told."""

    uri_schemes = ("shelf",)

    def __init__(self, folders, *, ill=()):
        super().__init__()
        self.folders, self.ill = folders, ill
        self.opened = []
        self.library = Shelves(backend=self)


class Shelves(backend.LibraryProvider):
    root_directory = Ref.directory(uri="shelf:", name="Shelf")

    def browse(self, uri):
        self.backend.opened.append(uri)
        return [
            Ref.directory(uri=inside, name=inside)
            if inside in self.backend.folders
            else Ref.track(uri=inside, name=inside)
            for inside in self.backend.folders[uri]
        ]

    def lookup(self, uri):
        if uri in self.backend.ill:
            raise TimeoutError(uri)
        return [Track(uri=uri, name=uri.upper())]


@pytest.fixture
def library():
    """Give a function that makes a real core with one such library."""

    def make(folders, **options):
        shelf = Shelf.start(folders, **options)
        return Core.start(config={}, backends=[shelf.proxy()]).proxy().library

    yield make
    pykka.ActorRegistry.stop_all()


def test_a_track_whose_look_up_failed_says_so(library):
    ill = library({"shelf:": ["shelf:a", "shelf:b"]}, ill=["shelf:a"])
    tracks = {track.uri: track for track in _tracks(ill, None, lambda *_: False)}
    assert tracks["shelf:a"].unanswered
    assert tracks["shelf:b"].title == "SHELF:B"
    assert not tracks["shelf:b"].unanswered


def test_our_own_folders_are_not_walked(config):
    assert not [track for track in walk(config) if track.uri.startswith("moodcam:")]


def test_walking_leaves_no_actor_running(config):
    next(walk(config))
    list(walk(config))
    assert pykka.ActorRegistry.get_all() == []


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("local:track:a/b%20c.mp3", "/music/a/b c.mp3"),
        ("local:track:%C3%BC%23.ogg", "/music/ü#.ogg"),
        ("file:///home/x/100%25.flac", "/home/x/100%.flac"),
        ("file:///home/x/%FF.flac", "/home/x/\udcff.flac"),
        ("spotify:track:1", None),
        ("local:album:md5:1", None),
        ("file://host/x.mp3", None),
        ("http://example.org/x.mp3", None),
    ],
)
def test_a_uri_leads_to_its_file(uri, path):
    assert path_of(uri, Path("/music")) == (path and Path(path))
