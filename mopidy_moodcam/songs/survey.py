"""What a walk through the libraries gives: their tracks, and which songs are gone.

A song that a walk did not meet need not be gone: its disk may not be mounted,
its library may have failed, or the walk may have been cut short.
"""

from __future__ import annotations

import dataclasses
import os
import urllib.parse
from pathlib import Path

LOCAL = "local"
FILE = "file"
"""The schemes of the two libraries whose songs are files here."""


@dataclasses.dataclass(frozen=True, slots=True)
class WalkedTrack:
    """A track as Mopidy's libraries give it; `path` is its file, if it is one.

    `unanswered` says that its library was asked for its texts and gave none.
    """

    uri: str
    path: Path | None = None
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    duration_ms: int | None = None
    unanswered: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """A file to analyse, and how it was when it was looked at.

    `tried` says that it was analysed before, in vain.
    """

    uri: str
    path: Path
    mtime: float
    size: int
    tried: bool = False


@dataclasses.dataclass
class Survey:
    """Filled by `walk.walk` while it goes; read it when that has ended.

    `found` has the URIs of all tracks, `folders` says of each folder opened
    whether anything was in it, and `finished` holds the schemes of the libraries
    that were walked to their end without a fault; those that had no song at all
    are in `empty` instead. `asked` has each library's name by its scheme, `files`
    the URI of each real file. `media_dir` is Mopidy-Local's folder.
    """

    asked: dict[str, str] = dataclasses.field(default_factory=dict)
    found: set[str] = dataclasses.field(default_factory=set)
    files: dict[str, str] = dataclasses.field(default_factory=dict)
    folders: dict[str, bool] = dataclasses.field(default_factory=dict)
    finished: set[str] = dataclasses.field(default_factory=set)
    empty: set[str] = dataclasses.field(default_factory=set)
    media_dir: Path | None = None

    def gone(self, uri: str) -> bool:
        """Return whether a song is surely no longer in the library it came from."""
        if uri in self.found:
            return False
        if self.other_uri(uri) is not None:
            return True
        scheme = uri.partition(":")[0]
        if scheme not in self.finished:
            return False
        if scheme == FILE:
            return self._held(uri)
        return scheme == LOCAL and self._held_on_disk(uri)

    def away(self, uri: str) -> bool:
        """Return whether a song is not in its library, but need not be gone.

        Its folder is empty, say: its files were deleted, or its disk is not mounted.
        """
        walked = (self.finished | self.empty) & {FILE, LOCAL}
        listed = uri in self.found or uri.partition(":")[0] not in walked
        return not (listed or self.gone(uri))

    def other_uri(self, uri: str) -> str | None:
        """Return the URI another library has for the file of a song, or None."""
        path = path_of(uri, self.media_dir)
        if path is None or uri in self.found:
            return None
        return self.files.get(os.path.realpath(path))

    def _held(self, uri: str) -> bool:
        """Return whether something else is in the nearest folder above that is left.

        An empty one may be the place of a disk that is not mounted, or one that
        could not be read: Mopidy's core then answers with nothing.
        """
        folder = uri
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            if folder in self.folders:
                return self.folders[folder]
        return False

    def _held_on_disk(self, uri: str) -> bool:
        """Return the same of a song of Mopidy-Local, which was walked as one list.

        It loses the songs of a disk that is away when `mopidy local scan` runs.
        """
        path = path_of(uri, self.media_dir)
        if self.media_dir is None or path is None:
            return False
        folder = next(filter(os.path.lexists, path.parents))
        try:
            return folder.is_relative_to(self.media_dir) and any(folder.iterdir())
        except OSError:
            return False


def path_of(uri: str, media_dir: Path | None) -> Path | None:
    """Return the file behind a `file:` or `local:track:` URI, or None.

    The latter is relative to Mopidy-Local's `media_dir`.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "file" and rest.startswith("///"):
        return _decoded(rest[2:])
    if media_dir and uri.startswith("local:track:"):
        return media_dir / _decoded(uri.removeprefix("local:track:"))
    return None


def _decoded(quoted: str) -> Path:
    # File names are bytes, and need not be UTF-8.
    return Path(os.fsdecode(urllib.parse.unquote_to_bytes(quoted)))
