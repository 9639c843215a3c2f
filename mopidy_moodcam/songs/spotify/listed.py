"""Which songs are in which lists, and which have left them all.

Of each song in a list the catalogue has a row in `listed`, with the `reading`
(a state of the list) in which it was met last. Songs that no list has ever held,
such as those of a table, have no row and so never leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mopidy_moodcam.songs.catalogue import JUDGED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from mopidy_moodcam.songs.catalogue import Catalogue

LEFT = ""
"""The list into which songs go that have left another, until `forget_left`: so a
kill or an error in between loses none of them."""

_GONE = f"""SELECT uri, {JUDGED} FROM tracks
    WHERE id IN (SELECT track_id FROM listed WHERE list = '{LEFT}')
    AND NOT EXISTS (SELECT 1 FROM listed WHERE track_id = id AND list <> '{LEFT}')"""


def enter(
    connection: sqlite3.Connection, track_id: int, key: str, reading: str = ""
) -> None:
    """Note that a song is in a list, inside a `writing()` block of the catalogue."""
    connection.execute(
        "INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", (key, track_id, reading)
    )


def stay(connection: sqlite3.Connection, uri: str, key: str, reading: str) -> None:
    """Note that a song is still in a list, where it is known."""
    connection.execute(
        "INSERT OR REPLACE INTO listed SELECT ?, id, ? FROM tracks WHERE uri = ?",
        (key, reading, uri),
    )


def end(connection: sqlite3.Connection, key: str, reading: str = "") -> None:
    """Let the songs leave that a reading, now at the list's end, did not meet.

    Without a reading, all leave.
    """
    connection.execute(
        f"UPDATE OR REPLACE listed SET list = '{LEFT}' WHERE list = ? AND reading <> ?",
        (key, reading),
    )


def keep_only(catalogue: Catalogue, keys: Collection[str], prefix: str) -> None:
    """Let all songs leave the lists that have the prefix and are not in `keys`."""
    marks = (key for (key,) in catalogue.rows("SELECT key FROM meta"))
    gone = [key for key in marks if key.startswith(prefix) and key not in keys]
    for key in gone:
        with catalogue.writing() as connection:
            end(connection, key)
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))


def forget_left(catalogue: Catalogue) -> int:
    """Let go of the songs that have left all their lists; return how many."""
    gone = dict(catalogue.rows(_GONE))
    catalogue.let_go(gone)
    with catalogue.writing(grows=False) as connection:
        connection.execute(f"DELETE FROM listed WHERE list = '{LEFT}'")
    return len(gone)
