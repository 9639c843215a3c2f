"""The songs as remotes show them: by song mood, by words, with what was said.

Backend and page read the catalogue through this, each query on a short
read-only connection, so that nothing here can hold up a scan or the music.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
import threading
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

import numpy as np

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs.match import plain
from mopidy_moodcam.songs.schema import escaped

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator, Sequence

    from mopidy_moodcam.desk import Desk
    from mopidy_moodcam.songs.shelf import Shelf

_COLUMNS = "id, uri, title, artist, album, duration_ms, verdict, song_mood"
_TEXT = "(title || ' ' || artist || ' ' || album)"
_MOODS = tuple(SongMood)

QUERY_SECONDS = 2.0
"""A search in a million tracks ends within this, found or not."""

FRESH_FOR = 86400.0
"""Seconds after which a long song mood shows other songs in its playlist."""

PLAYLIST_SONGS = 50
"""Songs in a playlist: some three hours, and a quick answer from a small machine."""


@dataclasses.dataclass(frozen=True, slots=True)
class Song:
    """One track for people: texts are empty where unknown, the length is ms.

    `song_mood` is what the song is picked for, None while it has no place on
    the plane (not analysed, or banned); `by_hand` says that a person put it there.
    """

    uri: str
    title: str
    artist: str
    album: str
    duration_ms: int | None
    verdict: str
    song_mood: str | None
    by_hand: bool


def playlist(shelf: Shelf, song_mood: SongMood, now: float) -> list[int]:
    """Return the track numbers of a song mood's playlist at `now`, seconds.

    The loved ones come first, then chance by the day: the same songs until tomorrow,
    whatever others come or go.
    """
    rows = shelf.members.get(song_mood, np.empty(0, np.int32))
    numbers = shelf.track_id[rows]
    if len(rows) > PLAYLIST_SONGS:
        rng = np.random.default_rng(int(now // FRESH_FOR))
        turn = rng.random(numbers.max() + 1)[numbers] - shelf.loved[rows]
        numbers = numbers[np.argsort(turn)[:PLAYLIST_SONGS]]
    return numbers.tolist()


class SongList:
    """Reads songs for remotes; safe from any thread; raises nothing.

    Where the catalogue is missing or in trouble everything is empty: the status
    says why, the music goes on.
    """

    def __init__(
        self,
        desk: Desk,
        path: pathlib.Path,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._desk = desk
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._own_shelf: Shelf | None = None

    def members(self, song_mood: SongMood) -> list[Song]:
        """Return the songs of a song mood's playlist of today."""
        shelf = self.shelf()
        if shelf is None:
            return []
        songs = self._by_id(shelf, playlist(shelf, song_mood, self._clock()))
        return [song for song in songs if song.verdict != Verdict.BANNED]

    def page(
        self, song_mood: SongMood, *, offset: int = 0, limit: int = 50
    ) -> list[Song]:
        """Return a slice of a song mood's songs, in fixed order."""
        shelf = self.shelf()
        if shelf is None:
            return []
        rows = shelf.members.get(song_mood, np.empty(0, np.int32))
        ids = shelf.track_id[rows[offset : offset + limit]].tolist()
        return self._by_id(shelf, ids)

    def search(self, words: str, *, offset: int = 0, limit: int = 50) -> list[Song]:
        """Return songs whose title, artist or album hold all of `words`.

        Neither case nor, in title and first artist, accents matter.
        """
        where, values = _holding(words)
        return self._songs(
            self.shelf(),
            f"SELECT {_COLUMNS} FROM tracks WHERE {where}"  # noqa: S608
            " ORDER BY id LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )

    def judged(self, verdict: str, limit: int = 500) -> list[Song]:
        """Return the songs a person loved or banned."""
        return self._songs(
            self.shelf(),
            f"SELECT {_COLUMNS} FROM tracks WHERE verdict = ?"  # noqa: S608
            " ORDER BY artist, title LIMIT ?",
            (verdict, limit),
        )

    def clusters(self) -> list[dict[str, Any]]:
        """Return name and song mood of each cluster, and whether a person set them."""
        from mopidy_moodcam.songs import clusters  # noqa: PLC0415

        own = self._rows("SELECT value FROM meta WHERE key = ?", (clusters.META,))
        model = (
            clusters.ClusterModel.from_json(json.loads(own[0][0]))
            if own
            else clusters.default_model()
        )
        # Not its size: of clusters that came along it is that of other songs.
        kept = ("name", "song_mood", "separate", "named", "bound")
        return [{key: getattr(c, key) for key in kept} for c in model.clusters]

    def shelf(self) -> Shelf | None:
        """Return the frontend's shelf, or one of our own where there is none."""
        return self._desk.shelf or self._loaded()

    def _loaded(self) -> Shelf | None:
        # Only until the frontend has laid out its own, or where it has failed.
        from mopidy_moodcam.songs import shelf  # noqa: PLC0415
        from mopidy_moodcam.songs.catalogue import (  # noqa: PLC0415
            Catalogue,
            CatalogueError,
        )

        # `exists` fails in a folder that may not be entered.
        with self._lock, contextlib.suppress(CatalogueError, OSError):
            if not self._path.exists():
                return None
            with Catalogue.open(self._path) as catalogue:
                own = self._own_shelf
                if own is None or own.version != catalogue.version():
                    self._own_shelf = shelf.load_shelf(catalogue)
        return self._own_shelf

    def _by_id(self, shelf: Shelf, ids: Sequence[int]) -> list[Song]:
        marks = ", ".join("?" * len(ids))
        songs = self._rows(
            f"SELECT {_COLUMNS} FROM tracks WHERE id IN ({marks})",  # noqa: S608
            ids,
        )
        known = {row[0]: _song(row, shelf) for row in songs}
        return [known[track_id] for track_id in ids if track_id in known]

    def _songs(
        self, shelf: Shelf | None, sql: str, values: Sequence[Any]
    ) -> list[Song]:
        return [_song(row, shelf) for row in self._rows(sql, values)]

    def _rows(self, sql: str, values: Sequence[Any]) -> list[Any]:
        try:
            with self._reading() as connection:
                return connection.execute(sql, values).fetchall()
        except sqlite3.Error:
            return []

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        place = urllib.parse.quote(str(self._path))
        connection = sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=1.0)
        deadline = time.monotonic() + QUERY_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            yield connection
        finally:
            connection.close()


def _song(row: Sequence[Any], shelf: Shelf | None) -> Song:
    track_id, uri, title, artist, album, duration_ms, verdict, by_hand = row
    return Song(
        uri=uri,
        title=title,
        artist=artist,
        album=album,
        duration_ms=duration_ms,
        verdict=verdict,
        song_mood=by_hand or _song_mood(track_id, shelf),
        by_hand=by_hand is not None,
    )


def _song_mood(track_id: int, shelf: Shelf | None) -> str | None:
    row = None if shelf is None else shelf.row(track_id)
    if shelf is None or row is None:
        return None
    return _MOODS[shelf.song_mood[row]]


def _holding(words: str) -> tuple[str, list[str]]:
    """Return an SQL condition, and its values, for all words of a search.

    SQLite ignores case in ASCII only; `match_key` holds title and first artist without
    case and accents.
    """
    clauses, values = [], []
    for word in words.split():
        clauses.append(f"({_TEXT} LIKE ? ESCAPE '\\' OR IFNULL(match_key LIKE ?, 0))")
        bare = plain(word)
        values += [f"%{escaped(word)}%", f"%{bare}%" if bare else ""]
    return " AND ".join(clauses) or "1", values
