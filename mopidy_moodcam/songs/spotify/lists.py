"""Reading lists of songs from Spotify: playlists, saved songs, searches.

Each page is stored together with how far the reading got, in one transaction:
a kill loses at most the page in hand, and the next run goes on from there.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.songs.cells import Rejected
from mopidy_moodcam.songs.spotify.api import NotAllowedError, SpotifyError, clean
from mopidy_moodcam.songs.spotify.items import track_of

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


@dataclasses.dataclass(frozen=True, slots=True)
class Playlist:
    """One of the listener's playlists, as the list of them tells.

    `snapshot` names its present state; `readable` is whether Spotify shows its
    songs to an application: since February 2026 only those of the listener's
    own playlists and of those they work on.
    """

    playlist_id: str
    name: str
    snapshot: str
    songs: int | None
    readable: bool


@dataclasses.dataclass
class Tally:
    """What a run did so far; every entry read is counted once."""

    lists: int = 0
    unchanged: int = 0
    added: int = 0
    known: int = 0
    closed: list[str] = dataclasses.field(default_factory=list)
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

        `me` is the listener's id. Those that Spotify does not show are noted.
        """
        self._begin("Looking at the playlists", None)
        for playlist in _named(list(_playlists(self.api, me)), names):
            try:
                if playlist.readable or names:  # it costs a request to be refused
                    self._playlist(playlist)
                else:
                    self.tally.closed.append(playlist.name)
            except NotAllowedError:
                self.tally.closed.append(playlist.name)

    def saved(self, me: str) -> None:
        """Read the saved songs, newest first, until only known ones follow.

        They have no snapshot: their number and the newest one stand for it.
        """
        key = f"spotify:saved:{me}"
        # `/me/library` only writes and looks up; reading is still `/me/tracks`.
        first = next(self.api.pages("me/tracks", limit=1))
        mark = Mark.of_saved(first, Mark.read(self.catalogue, key))
        if mark.done:
            self.tally.unchanged += 1
            return
        self._begin("Saved songs", mark.total, mark.offset)
        for page in self.api.pages("me/tracks", limit=PAGE, offset=mark.offset):
            mark = mark.after(page)
            self._store(page["items"], key, mark)
            if mark.done:
                break
        self.tally.lists += 1

    def search(self, words: str) -> None:
        """Take the first `SEARCH_SONGS` songs that Spotify finds."""
        self._begin(f"Search for {words}", SEARCH_SONGS)
        left = SEARCH_SONGS
        for page in self.api.pages(
            "search", within="tracks", q=words, type="track", limit=FOUND
        ):
            self._store(page["items"][:left])
            left -= len(page["items"])
            if left <= 0:
                break
        self.tally.lists += 1

    def _playlist(self, playlist: Playlist) -> None:
        key = f"spotify:playlist:{playlist.playlist_id}"
        mark = Mark.read(self.catalogue, key)
        if not playlist.snapshot or mark.snapshot != playlist.snapshot:
            mark = Mark(playlist.snapshot)
        elif mark.done:
            self.tally.unchanged += 1
            return
        self._begin(f"Playlist {playlist.name}", playlist.songs, mark.offset)
        for page in self.api.pages(
            f"playlists/{playlist.playlist_id}/items",
            limit=PAGE,
            offset=mark.offset,
            additional_types="track,episode",
        ):
            mark = mark.after(page)
            self._store(page["items"], key, mark)
        self.tally.lists += 1

    def _store(
        self, entries: Iterable[object], key: str = "", mark: Mark | None = None
    ) -> None:
        tracks = list(self._tracks(entries))
        with self.catalogue.writing() as connection:
            for track in tracks:
                known = _is_known(connection, track)
                self.tally.known += known
                self.tally.added += not known
                self.catalogue.put(connection, track)
            if mark is not None:
                mark.write(connection, key)

    def _tracks(self, entries: Iterable[object]) -> Iterator[TrackRow]:
        for entry in entries:
            if self._task is not None:
                self.progress.advance(self._task)
            try:
                yield track_of(entry)
            except Rejected as reason:
                self.tally.rejected[str(reason)] += 1

    def _begin(self, what: str, songs: int | None, done: int = 0) -> None:
        if self._task is not None:
            self.progress.remove_task(self._task)
        self._task = self.progress.add_task(what, total=songs, completed=done)


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """How far a list was read: kept in the catalogue, beside what was read.

    `snapshot` names the list's state and `offset` counts the entries read of
    it. The rest is of saved songs, newest first: `total` of them, the `newest`
    saved at that time; where `new` ones are followed by the one saved at
    `known`, the rest was read before.
    """

    snapshot: str = ""
    offset: int = 0
    done: bool = False
    total: int = 0
    newest: str = ""
    new: int = 0
    known: str = ""

    @classmethod
    def read(cls, catalogue: Catalogue, key: str) -> Mark:
        """Return the mark under a key; an empty one where there is none."""
        return cls(**(catalogue.document(key) or {}))

    @classmethod
    def of_saved(cls, first: dict[str, Any], before: Mark) -> Mark:
        """Return where to begin with saved songs, of which `first` is a page."""
        total = first.get("total")
        total = total if isinstance(total, int) else 0
        newest = _added(first["items"])
        snapshot = f"{total} {newest}"
        if before.snapshot == snapshot:
            return before
        known = before.newest if before.done else ""
        return cls(snapshot, 0, False, total, newest, total - before.total, known)

    def after(self, page: dict[str, Any]) -> Mark:
        """Return the mark for when a page is stored."""
        items = page["items"]
        at = self.new - self.offset
        met = self.known and 0 <= at < len(items) and _added(items[at:]) == self.known
        return dataclasses.replace(
            self,
            offset=self.offset + len(items),
            done=bool(met or not items or not page.get("next")),
        )

    def write(self, connection: sqlite3.Connection, key: str) -> None:
        """Keep it, inside a `writing()` block of the catalogue."""
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (key, json.dumps(dataclasses.asdict(self))),
        )


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
        playlist_id,
        clean(entry.get("name")) or playlist_id,
        clean(entry.get("snapshot_id")),
        songs if isinstance(songs, int) else None,
        readable=bool(entry.get("collaborative"))
        or (isinstance(owner, dict) and owner.get("id") == me),
    )


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
        or playlist.name.casefold() == name.strip().casefold()
    ]
    if not found:
        raise SpotifyError(
            f"None of your playlists is {name!r}: Spotify shows applications only"
            " those in your own library."
        )
    return found


def _added(entries: Sequence[object]) -> str:
    """Return when the first of some saved songs was saved, in ISO 8601."""
    for entry in entries[:1]:
        if isinstance(entry, dict):
            return clean(entry.get("added_at"))
    return ""


def _is_known(connection: sqlite3.Connection, track: TrackRow) -> bool:
    found = connection.execute("SELECT 1 FROM tracks WHERE uri = ?", (track.uri,))
    return found.fetchone() is not None
