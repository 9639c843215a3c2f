"""A stand-in for a streaming service: a Mopidy backend with the scheme `spotify`.

Mopidy finds it by the metadata that `install` writes. It plays the tests' own
files and can be slow, away, or hold songs that cannot be played: a file `delay`
in its folder holds the seconds of each look-up, a file `away` makes look-ups fail,
and songs with `gone` in their name are found but do not play. With a file `renames`
it answers with URIs of its own. A file `refused` or `broken` holds how many songs,
the first that are to be played, it does not play: it has none, or what it has is no
music.
"""

from __future__ import annotations

import logging
import os
import pathlib
import time

import pykka
from mopidy import backend, config, ext
from mopidy.models import Artist, Track

FOLDER, MUSIC = "STAND_IN_FOLDER", "STAND_IN_MUSIC"
METADATA = "Metadata-Version: 2.1\nName: Mopidy-StandIn\nVersion: 1.0\n"
ENTRY_POINT = "[mopidy.ext]\nstandin = stand_in:Extension\n"


def install(folder, music, monkeypatch):
    """Let every Mopidy started from now on find the backend."""
    info = folder / "Mopidy_StandIn-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINT)
    (folder / "stand_in.py").write_text(pathlib.Path(__file__).read_text())
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv(FOLDER, str(folder))
    monkeypatch.setenv(MUSIC, str(music))
    return folder


class Extension(ext.Extension):
    dist_name = "Mopidy-StandIn"
    ext_name = "standin"
    version = "1.0"

    def get_default_config(self):
        return "[standin]\nenabled = true\n"

    def get_config_schema(self):
        schema = super().get_config_schema()
        schema["enabled"] = config.Boolean()
        return schema

    def setup(self, registry):
        registry.add("backend", StandIn)


class StandIn(pykka.ThreadingActor, backend.Backend):
    uri_schemes = ("spotify",)

    def __init__(self, config, audio):  # noqa: ARG002
        super().__init__()
        self.library = Library(backend=self)
        self.playback = Playback(audio=audio, backend=self)


class Library(backend.LibraryProvider):
    def lookup(self, uri):
        folder = pathlib.Path(os.environ[FOLDER])
        if (folder / "delay").exists():
            time.sleep(float((folder / "delay").read_text()))
        if (folder / "away").exists():
            logging.getLogger(__name__).warning("The stand-in is away")
            return []
        name = uri.rpartition(":")[2]
        if (folder / "renames").exists():
            uri = f"spotify:track:new:{name}"
        return [Track(uri=uri, name=name, artists=[Artist(name=name)], length=12_000)]


class Playback(backend.PlaybackProvider):
    def __init__(self, audio, backend):
        super().__init__(audio, backend)
        self.asked = []

    def translate_uri(self, uri):
        name = uri.rpartition(":")[2]
        if "gone" in name or self.is_early(name, "refused"):
            return None
        if self.is_early(name, "broken"):
            return pathlib.Path(__file__).as_uri()
        return (pathlib.Path(os.environ[MUSIC]) / f"{name}.wav").as_uri()

    def is_early(self, name, what):
        """Say whether a song is among the first that were to be played."""
        if name not in self.asked:
            self.asked.append(name)
        limit = pathlib.Path(os.environ[FOLDER]) / what
        return limit.exists() and name in self.asked[: int(limit.read_text())]
