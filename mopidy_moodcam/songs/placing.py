"""Putting a table's row to the track it means, or beside all others as a new one."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.catalogue import put_features

if TYPE_CHECKING:
    import sqlite3

    from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow


class Placed(enum.Enum):
    """What became of a row."""

    ADDED = enum.auto()
    MATCHED = enum.auto()
    UNKNOWN = enum.auto()


_FILL = """UPDATE tracks SET
    spotify_id = COALESCE(spotify_id, ?), isrc = COALESCE(isrc, ?),
    match_key = COALESCE(match_key, ?),
    artist_code = IIF(artist = '', ?, artist_code),
    title = IIF(title = '', ?, title), artist = IIF(artist = '', ?, artist),
    album = IIF(album = '', ?, album), genre = IIF(genre = '', ?, genre),
    year = COALESCE(year, ?), duration_ms = COALESCE(duration_ms, ?)
    WHERE id = ?"""


_SAY = """UPDATE tracks SET verdict = IIF(verdict = ?, ?, verdict),
    song_mood = COALESCE(song_mood, ?) WHERE id = ?"""


def place(
    catalogue: Catalogue, connection: sqlite3.Connection, row: TrackRow
) -> Placed:
    """Store a row inside a `writing()` block.

    It goes to the track with the same URI or Spotify id, else with the same
    ISRC, else with the same title and first artist (see `match.match_key`); a
    file's own tags stay, only gaps are filled. Several files of one song all
    get its features. A row that means no track becomes one if it has a URI.
    What a person said here (verdict, song mood by hand) is kept; where nobody
    said anything, the row's word counts.
    """
    ids = _meant(connection, row)
    if ids:
        for track_id in ids:
            _fill(connection, track_id, row)
            _say(connection, track_id, row)
        return Placed.MATCHED
    if not row.uri:
        return Placed.UNKNOWN
    track_id = catalogue.put(connection, row)
    if row.failed:
        connection.execute(
            "UPDATE tracks SET failed = ? WHERE id = ?", (row.failed, track_id)
        )
    _say(connection, track_id, row)
    return Placed.ADDED


def _meant(connection: sqlite3.Connection, row: TrackRow) -> list[int]:
    return (
        _ids(connection, "uri = ?", row.uri)
        or _ids(connection, "spotify_id = ?", row.spotify_id)
        or _ids(connection, "isrc = ?", row.isrc)
        or _by_name(connection, row)
    )


def _by_name(connection: sqlite3.Connection, row: TrackRow) -> list[int]:
    # Two Spotify ids are two recordings, whatever they are called.
    where = "match_key = ?" + (" AND spotify_id IS NULL" if row.spotify_id else "")
    return _ids(connection, where, match.match_key(row.title, row.artist))


def _ids(connection: sqlite3.Connection, where: str, value: str | None) -> list[int]:
    if not value:
        return []
    sql = f"SELECT id FROM tracks WHERE {where}"
    return [track_id for (track_id,) in connection.execute(sql, (value,))]


def _say(connection: sqlite3.Connection, track_id: int, row: TrackRow) -> None:
    nothing = Verdict.NONE
    if row.verdict != nothing or row.song_mood is not None:
        values = (str(nothing), str(row.verdict), row.song_mood, track_id)
        connection.execute(_SAY, values)


def _fill(connection: sqlite3.Connection, track_id: int, row: TrackRow) -> None:
    values = (
        row.spotify_id,
        row.isrc,
        match.match_key(row.title, row.artist),
        match.artist_code(row.artist),
        row.title,
        row.artist,
        row.album,
        row.genre,
        row.year,
        row.duration_ms,
        track_id,
    )
    connection.execute(_FILL, values)
    if row.mtime is not None:  # a row of the analysis: it knows the file
        connection.execute(
            "UPDATE tracks SET mtime = ?, size = ?, failed = ? WHERE id = ?",
            (row.mtime, row.size, row.failed, track_id),
        )
    if row.features is not None:
        put_features(connection, track_id, row.features)
