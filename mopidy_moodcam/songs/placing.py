"""Putting a table's row to the track it means, or beside all others as a new one."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.catalogue import GONE, put_features

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


_BY_ID, _BY_ISRC, _BY_NAME = match.same_song("", ":")
_MEANT = (
    "uri = :uri",
    _BY_ID,
    _BY_ISRC,
    # Two Spotify ids are two recordings, whatever they are called.
    f"{_BY_NAME} AND (:spotify_id IS NULL OR spotify_id IS NULL)",
)

_FOUND = f"""UPDATE tracks SET failed = NULL
    WHERE failed = ? AND id = ? AND {match.ON_SPOTIFY}"""

_SAY = """UPDATE tracks SET verdict = IIF(verdict = ?, ?, verdict),
    song_mood = COALESCE(song_mood, ?) WHERE id = ?"""


def place(
    catalogue: Catalogue,
    connection: sqlite3.Connection,
    row: TrackRow,
    *,
    by_uri: bool = False,
    known: bool = False,
) -> Placed:
    """Store a row inside a `writing()` block.

    It goes to the track with the same URI or Spotify id, else with the same
    ISRC, else with the same name and length (see `match.same_song`); a file's
    own tags stay, only gaps are filled. Several files of one song all get its
    features. A URI that is not Spotify's means its own track only; with
    `by_uri` every URI does. A row that means no track becomes one if it has a
    URI, but not with `known`. What a person said here (verdict, song mood by
    hand) is kept; where nobody said anything, the row's word counts.
    """
    ids = _meant(connection, row, by_uri=by_uri)
    if ids:
        for track_id in ids:
            _fill(connection, track_id, row)
            _say(connection, track_id, row)
        return Placed.MATCHED
    if known or not row.uri:
        return Placed.UNKNOWN
    track_id = catalogue.put(connection, row)
    if row.failed:
        connection.execute(
            "UPDATE tracks SET failed = ? WHERE id = ?", (row.failed, track_id)
        )
    _say(connection, track_id, row)
    return Placed.ADDED


def _meant(connection: sqlite3.Connection, row: TrackRow, *, by_uri: bool) -> list[int]:
    if row.uri and not row.uri.startswith("spotify:"):
        by_uri = True
    values = {
        "uri": row.uri,
        "spotify_id": row.spotify_id,
        "isrc": row.isrc,
        "match_key": match.match_key(row.title, row.artist),
        "duration_ms": row.duration_ms,
    }
    for where in _MEANT[:1] if by_uri else _MEANT:
        found = connection.execute(f"SELECT id FROM tracks WHERE {where}", values)
        if ids := [track_id for (track_id,) in found]:
            return ids
    return []


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
    # one that was lost, and is there again
    connection.execute(_FOUND, (GONE, track_id))
    if row.mtime is not None:  # a row of the analysis: it knows the file
        connection.execute(
            "UPDATE tracks SET mtime = ?, size = ?, failed = ? WHERE id = ?",
            (row.mtime, row.size, row.failed, track_id),
        )
    if row.features is not None:
        put_features(connection, track_id, row.features)
