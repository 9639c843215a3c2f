"""Reading lists of songs from Spotify: playlists, saved songs, searches.

Each page is stored together with how far the reading got, in one transaction:
a kill loses at most the page in hand, and the next run goes on from there.
"""

from __future__ import annotations

import collections
import dataclasses
import secrets
import unicodedata
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.songs.cells import Rejected
from mopidy_moodcam.songs.spotify import listed
from mopidy_moodcam.songs.spotify.api import (
    NotAllowedError,
    NotThereError,
    SpotifyError,
    TroubleError,
    clean,
)
from mopidy_moodcam.songs.spotify.items import Unplayable, track_of
from mopidy_moodcam.songs.spotify.marks import Mark, SavedMark

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from rich.progress import Progress, TaskID

    from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
    from mopidy_moodcam.songs.spotify.api import Api

PAGE = 50
"""The most entries in a page of Spotify's."""
FOUND = 10
"""The most results in a page of a search, since February 2026."""
SEARCH_SONGS = 50
"""The songs taken from one search: the best ones come first."""
FOUND_SONGS = "spotify:search"
"""The list of all songs ever found, which none leaves."""


@dataclasses.dataclass(frozen=True, slots=True)
class Playlist:
    """One of the listener's playlists, as the list of them tells.

    `key` is its name in the catalogue, another one for each listener who has it;
    `snapshot` names its present state; `readable` is whether Spotify shows its
    songs to an application: since February 2026 only those of the listener's
    own playlists and of those they work on.
    """

    key: str
    playlist_id: str
    name: str
    snapshot: str
    songs: int | None
    readable: bool


@dataclasses.dataclass
class Tally:
    """What a run did so far; every entry read is counted once.

    Of playlists that could not be read it has the names: `closed` are those that
    Spotify does not show, `missing` those just deleted, `failed` those at which
    it has trouble, by the sentence that says why.
    """

    lists: int = 0
    unchanged: int = 0
    added: int = 0
    known: int = 0
    closed: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)
    failed: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    rejected: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )


@dataclasses.dataclass
class Reader:
    """Reads lists into the catalogue, page by page, and counts what came.

    All methods raise `api.SpotifyError`; pages read before stay.
    """

    catalogue: Catalogue
    api: Api
    tally: Tally
    progress: Progress
    _task: TaskID | None = None

    def playlists(self, me: str, names: Sequence[str] = ()) -> None:
        """Read the playlists with these names, ids or links; without any, all.

        `me` is the listener's id. Those that cannot be read are noted; without
        names, those that are not there any more are let go.
        """
        self._begin("Looking at the playlists", None)
        playlists = list(_playlists(self.api, me))
        if not names:
            keys = {playlist.key for playlist in playlists}
            listed.keep_only(self.catalogue, keys, prefix=_key(me, ""))
        for playlist in _named(playlists, names):
            if playlist.readable or names:  # it costs a request to be refused
                self._try(playlist)
            else:
                self.tally.closed.append(playlist.name)

    def saved(self, me: str) -> None:
        """Read the saved songs, newest first, until only known ones follow."""
        key = f"spotify:saved:{me}"
        # `/me/library` only writes and looks up; reading is still `/me/tracks`.
        first = next(self.api.pages("me/tracks", limit=1))
        mark = SavedMark.of(first, SavedMark.read(self.catalogue, key))
        self._list("Saved songs", mark.total, "me/tracks", key, mark)

    def search(self, words: str) -> None:
        """Take the first `SEARCH_SONGS` songs that Spotify finds."""
        self._begin(f"Search for {words}", SEARCH_SONGS)
        left = SEARCH_SONGS
        for page in self.api.pages(
            "search", within="tracks", q=words, type="track", limit=FOUND
        ):
            with self.catalogue.writing() as connection:
                self._store(connection, page["items"][:left], FOUND_SONGS)
            left -= len(page["items"])
            if left <= 0:
                break
        self.tally.lists += 1

    def _try(self, playlist: Playlist) -> None:
        try:
            self._playlist(playlist)
        except NotAllowedError as error:
            missing = playlist.readable and isinstance(error, NotThereError)
            names = self.tally.missing if missing else self.tally.closed
            names.append(playlist.name)
        except TroubleError as error:
            self.tally.failed.setdefault(str(error), []).append(playlist.name)

    def _playlist(self, playlist: Playlist) -> None:
        mark = Mark.read(self.catalogue, playlist.key)
        if mark.snapshot != playlist.snapshot:
            mark = Mark(playlist.snapshot)
        self._list(
            f"Playlist {playlist.name}",
            playlist.songs,
            f"playlists/{playlist.playlist_id}/items",
            playlist.key,
            mark,
            additional_types="track,episode",
        )

    def _list(
        self,
        what: str,
        songs: int | None,
        path: str,
        key: str,
        mark: Mark,
        **parameters: str,
    ) -> None:
        """Read a list from where the mark is."""
        if mark.done:
            self.tally.unchanged += 1
            return
        self._begin(what, songs, mark.offset)
        for page in self.api.pages(path, limit=PAGE, offset=mark.offset, **parameters):
            mark = mark.after(page)
            with self.catalogue.writing() as connection:
                self._store(connection, page["items"], key, mark.snapshot)
                if not page.get("next"):
                    listed.end(connection, key, mark.snapshot)
                mark.write(connection, key)
            if mark.done:
                break
        self.tally.lists += 1

    def _store(
        self,
        connection: sqlite3.Connection,
        entries: Iterable[object],
        key: str,
        reading: str = "",
    ) -> None:
        for track in self._tracks(entries):
            if isinstance(track, Unplayable):
                listed.stay(connection, track.uri, key, reading)
                continue
            known = _is_known(connection, track)
            self.tally.known += known
            self.tally.added += not known
            track_id = self.catalogue.put(connection, track)
            listed.enter(connection, track_id, key, reading)

    def _tracks(self, entries: Iterable[object]) -> Iterator[TrackRow | Unplayable]:
        for entry in entries:
            if self._task is not None:
                self.progress.advance(self._task)
            try:
                yield track_of(entry)
            except Rejected as reason:
                self.tally.rejected[str(reason)] += 1
                if isinstance(reason, Unplayable):
                    yield reason

    def _begin(self, what: str, songs: int | None, done: int = 0) -> None:
        if self._task is not None:
            self.progress.remove_task(self._task)
        self._task = self.progress.add_task(what, total=songs, completed=done)


def _playlists(api: Api, me: str) -> Iterator[Playlist]:
    for page in api.pages("me/playlists", limit=PAGE):
        for entry in page["items"]:
            if isinstance(entry, dict) and (playlist_id := clean(entry.get("id"))):
                yield _playlist(entry, playlist_id, me)


def _playlist(entry: dict[str, Any], playlist_id: str, me: str) -> Playlist:
    owner = entry.get("owner")
    # Called `tracks` where the application has extended quota.
    content = entry.get("items") or entry.get("tracks")
    songs = content.get("total") if isinstance(content, dict) else None
    return Playlist(
        _key(me, playlist_id),
        playlist_id,
        clean(entry.get("name")) or playlist_id,
        # Where Spotify does not name its state, it may be another each time.
        clean(entry.get("snapshot_id")) or secrets.token_hex(8),
        songs if isinstance(songs, int) else None,
        readable=bool(entry.get("collaborative"))
        or (isinstance(owner, dict) and owner.get("id") == me),
    )


def _key(me: str, playlist_id: str) -> str:
    return f"spotify:playlist:{me}:{playlist_id}"


def _named(playlists: Sequence[Playlist], names: Sequence[str]) -> list[Playlist]:
    """Return the playlists that were named, all where none was."""
    if not names:
        return list(playlists)
    return [playlist for name in names for playlist in _matching(playlists, name)]


def _matching(playlists: Sequence[Playlist], name: str) -> list[Playlist]:
    # An id, or what it is in: spotify:playlist:ID, https://…/playlist/ID?si=…
    playlist_id = name.partition("?")[0].replace(":", "/").rsplit("/", 1)[-1]
    found = [
        playlist
        for playlist in playlists
        if playlist.playlist_id == playlist_id
        or _folded(playlist.name) == _folded(name)
    ]
    if not found:
        raise SpotifyError(
            f"None of your playlists is {name!r}: Spotify shows applications only"
            " those in your own library."
        )
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", clean(name)).casefold()


def _is_known(connection: sqlite3.Connection, track: TrackRow) -> bool:
    """Return whether a track was known; one that was lost is found again."""
    found = connection.execute(
        "UPDATE tracks SET failed = NULL WHERE uri = ?", (track.uri,)
    )
    return found.rowcount > 0
