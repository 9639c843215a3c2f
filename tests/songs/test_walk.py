from __future__ import annotations

import configparser
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pykka
import pytest
from mopidy import backend
from mopidy.core import Core
from mopidy.models import Ref, Track

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.survey import Survey, path_of
from mopidy_moodcam.songs.walk import _tracks, _uris, _year, walk
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


def test_a_file_of_two_libraries_is_one_song_of_mopidy_local(home, config):
    config["file"]["media_dirs"] = [str(home / "files"), str(home / "music")]
    (home / "files" / "again.ogg").symlink_to(home / "music" / "plain.ogg")
    survey = Survey()
    try:
        tracks = list(walk(config, survey=survey))
    finally:
        (home / "files" / "again.ogg").unlink()
    found = sorted(track.uri.partition(":")[0] for track in tracks)
    assert found == ["file", "local", "local"]
    assert survey.gone((home / "music" / "plain.ogg").as_uri())


def test_a_file_of_a_library_that_is_off_is_known_by_its_new_uri(home, config):
    config["file"]["enabled"] = False
    survey = Survey()
    list(walk(config, survey=survey))
    old = (home / "music" / "plain.ogg").as_uri()
    assert survey.other_uri(old) == "local:track:plain.ogg"
    assert survey.gone(old)
    assert not survey.gone((home / "files" / "loose file.ogg").as_uri())


def test_only_music_is_taken_from_a_folder_of_everything(config, files):
    for name in ("notes.md", "thesis.docx", "holiday.mp4", "Makefile", "a/2.OGG"):
        (files / name).touch()
    names = {track.path.name for track in walk(config)}
    assert names == {"1.ogg", "2.ogg", "2.OGG", "3.ogg", "4.ogg"}


def test_a_file_whose_name_is_not_utf8_gets_a_title_that_can_be_kept(config, files):
    odd = os.fsdecode(b"caf\xe9.wav")
    plain = sound_files.write(files / "x.wav", sound_files.song(SongMood.CALM, 4))
    plain.rename(files / odd)
    titles = {track.path.name: track.title for track in walk(config)}
    assert titles[odd] == "caf?.wav"


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
    found = _tracks(ill, iter(["shelf:a", "shelf:b"]), None, lambda *_: False)
    tracks = {track.uri: track for track in found}
    assert tracks["shelf:a"].unanswered
    assert tracks["shelf:b"].title == "SHELF:B"
    assert not tracks["shelf:b"].unanswered


@pytest.mark.parametrize(
    ("date", "year"),
    [("1999-01-02", 1999), ("0000", None), ("20²4", None), (None, None)],
)
def test_a_year_is_four_digits_of_a_date(date, year):
    assert _year(date) == year


def uris(library, survey=None):
    return list(_uris(library, survey or Survey(), lambda _: None))


def test_many_folders_side_by_side_are_all_opened_once(library, monkeypatch, caplog):
    monkeypatch.setattr("mopidy_moodcam.songs.walk.MOST_FOLDERS", 7)
    artists = {f"shelf:{i}": [f"shelf:{i}/song", "shelf:"] for i in range(6)}
    found = uris(library({"shelf:": list(artists), **artists}))
    assert sorted(found) == [f"shelf:{i}/song" for i in range(6)]
    assert caplog.messages == []


def test_a_library_without_end_is_left_in_time_with_one_warning(
    library, monkeypatch, caplog
):
    monkeypatch.setattr("mopidy_moodcam.songs.walk.MOST_FOLDERS", 5)
    artists = {f"shelf:{i}": [f"shelf:{i}/song"] for i in range(20)}
    survey = Survey()
    found = uris(library({"shelf:": list(artists), **artists}), survey)
    assert len(found) == 4
    assert caplog.messages == [
        "'shelf:' has more than 5 folders: what is in the others is not scanned."
    ]
    assert survey.finished == set()


def test_files_are_listed_before_all_else_and_each_library_is_named(config):
    said = []
    survey = Survey()
    list(walk(config, survey=survey, say=said.append))
    assert said[:2] == ["Local media", "Files"]
    assert list(survey.asked.values()) == said


@pytest.fixture
def files(tmp_path, config):
    """Songs in the library of files, beside an empty one of Mopidy-Local."""
    for name in ("a/1.ogg", "a/2.ogg", "b/3.ogg", "c/d/4.ogg"):
        path = tmp_path / "disk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    config["file"]["media_dirs"] = [str(tmp_path / "disk")]
    config["local"]["enabled"] = False
    return tmp_path / "disk"


def gone(config, files):
    """Return which of the songs there once were are gone, by their names."""
    survey = Survey()
    list(walk(config, lambda *_: True, survey))
    names = ("a/1.ogg", "a/2.ogg", "b/3.ogg", "c/d/4.ogg")
    return [name for name in names if survey.gone((files / name).as_uri())]


def test_deleted_songs_and_folders_are_gone(config, files):
    assert gone(config, files) == []
    (files / "a" / "1.ogg").unlink()
    shutil.rmtree(files / "c")
    assert gone(config, files) == ["a/1.ogg", "c/d/4.ogg"]


def test_songs_of_a_disk_that_is_away_are_not_gone(config, files):
    shutil.rmtree(files / "c" / "d")  # a mount point without its disk
    assert gone(config, files) == []
    shutil.rmtree(files)
    assert gone(config, files) == []
    files.mkdir()
    assert gone(config, files) == []
    (files / "NOT_MOUNTED").touch()
    assert gone(config, files) == []


def test_songs_of_one_of_several_disks_that_is_away_are_not_gone(config, files):
    config["file"]["media_dirs"] = [str(files / "a"), str(files / "b")]
    (files / "a" / "1.ogg").unlink()
    (files / "b" / "3.ogg").unlink()
    assert gone(config, files) == ["a/1.ogg"]


def test_songs_of_a_folder_that_cannot_be_read_are_not_gone(config, files, monkeypatch):
    def locked(path):
        if path.name == "b":
            raise PermissionError(path)
        return iter([path / entry.name for entry in os.scandir(path)])

    monkeypatch.setattr(Path, "iterdir", locked)
    assert gone(config, files) == []


def test_songs_are_not_gone_where_their_library_was_cut_short(
    config, files, monkeypatch
):
    (files / "a" / "1.ogg").unlink()
    monkeypatch.setattr("mopidy_moodcam.songs.walk.MOST_FOLDERS", 2)
    assert gone(config, files) == []


def test_songs_are_not_gone_where_their_library_was_too_slow(
    config, files, monkeypatch
):
    (files / "a" / "1.ogg").unlink()
    monkeypatch.setattr("mopidy_moodcam.songs.walk.PATIENCE", 0.0)
    assert gone(config, files) == []


def test_what_mopidy_local_no_longer_has_is_gone_unless_it_has_nothing(
    config, tmp_path
):
    survey = Survey()
    list(walk(config, lambda *_: True, survey))
    assert survey.gone("local:track:deleted.ogg")
    assert not survey.gone("local:track:plain.ogg")
    assert not survey.gone("spotify:track:1")
    config["core"]["data_dir"] = tmp_path  # of a library that was never scanned
    survey = Survey()
    assert list(walk(config, lambda *_: True, survey))
    assert survey.empty == {"local"}
    assert not survey.gone("local:track:deleted.ogg")


def test_what_mopidy_local_lost_while_a_disk_is_away_is_not_gone(tmp_path):
    music = tmp_path / "music"
    survey = Survey(finished={"local", "spotify"}, media_dir=music)
    (tmp_path / "another").touch()
    assert not survey.gone("local:track:1.ogg")
    (music / "disk").mkdir(parents=True)
    (music / "link").symlink_to(tmp_path / "unmounted")
    assert not survey.gone("local:track:disk/Album/1.ogg")
    assert survey.away("local:track:disk/Album/1.ogg")
    assert not survey.away("local:track:Deleted/1.ogg")
    assert not survey.away("spotify:track:1")
    assert not survey.gone("local:track:link/1.ogg")
    assert survey.gone("local:track:Deleted/1.ogg")


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
