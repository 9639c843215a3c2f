"""The catalogue's file: how it is opened, grown and, when it is ill, described.

Safe against other processes and against a kill at any moment: WAL lets readers
work beside a writer, every change is one short transaction, and a migration is
a transaction too, so a half-made schema never exists.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING

from mopidy_moodcam.songs import match, tags
from mopidy_moodcam.songs.features import FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_SECONDS = 15.0
"""How long a writer waits for another, unless it says otherwise.

The longest transaction forgets everything: up to a second for 100,000 tracks on two
slow, busy cores.
"""

_NUMBERS = ", ".join(f"{name} REAL" for name in FEATURES)

_KEYS_ANEW = (
    """UPDATE tracks SET match_key = match_key(title, artist)
        WHERE match_key IS NOT match_key(title, artist)""",
)
"""To be appended wherever `match.match_key` gives other keys than before."""

LEAVE_OUT_SPOKEN = "INSERT OR IGNORE INTO exclusions VALUES ('genre', 'spoken')"
"""What a catalogue leaves out from the start: see `seasons.SPOKEN`."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"""CREATE TABLE tracks (
            id INTEGER PRIMARY KEY,
            uri TEXT NOT NULL UNIQUE,
            spotify_id TEXT,
            isrc TEXT,
            match_key TEXT,
            title TEXT NOT NULL DEFAULT '',
            artist TEXT NOT NULL DEFAULT '',
            artist_code INTEGER NOT NULL DEFAULT 0,
            album TEXT NOT NULL DEFAULT '',
            genre TEXT NOT NULL DEFAULT '',
            year INTEGER,
            duration_ms INTEGER,
            {_NUMBERS},
            feature_source TEXT,
            feature_rank INTEGER,
            mtime REAL,
            size INTEGER,
            failed TEXT,
            song_mood TEXT,
            verdict TEXT NOT NULL DEFAULT 'none',
            added REAL NOT NULL DEFAULT 0
        )""",
        """CREATE INDEX tracks_spotify_id ON tracks (spotify_id)
            WHERE spotify_id IS NOT NULL""",
        "CREATE INDEX tracks_isrc ON tracks (isrc) WHERE isrc IS NOT NULL",
        """CREATE INDEX tracks_match_key ON tracks (match_key)
            WHERE match_key IS NOT NULL""",
        """CREATE TABLE plays (
            id INTEGER PRIMARY KEY,
            track_id INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
            time REAL NOT NULL,
            song_mood TEXT NOT NULL,
            outcome TEXT
        )""",
        "CREATE INDEX plays_time ON plays (time)",
        "CREATE INDEX plays_track ON plays (track_id)",
        """CREATE TABLE feedback (
            track_id INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
            song_mood TEXT NOT NULL,
            plays INTEGER NOT NULL DEFAULT 0,
            skips INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (track_id, song_mood)
        ) WITHOUT ROWID""",
        """CREATE TABLE exclusions (
            kind TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (kind, value)
        ) WITHOUT ROWID""",
        """CREATE TABLE meta (
            key TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) WITHOUT ROWID""",
        "INSERT INTO meta VALUES ('version', '1')",
    ),
    (
        """CREATE TABLE listed (
            list TEXT NOT NULL,
            track_id INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
            reading TEXT NOT NULL,
            PRIMARY KEY (list, track_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX listed_track ON listed (track_id)",
        # Without their marks all lists are read once more, and get their rows.
        "DELETE FROM meta WHERE key LIKE 'spotify:%'",
    ),
    _KEYS_ANEW,
    (LEAVE_OUT_SPOKEN,),
    ("UPDATE tracks SET failed = 'it is gone' WHERE failed = 'the file is gone'",),
)
"""Statements that lift a file from one `user_version` to the next; only append."""


class CatalogueError(Exception):
    """The catalogue cannot be used; the message is one sentence with the remedy."""


def connect(path: Path, patience: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open the catalogue at `path`, make or migrate it, and return the connection.

    The connection is in autocommit mode and for the thread that opened it. Once open
    it waits `patience` seconds for another writer. Raises `CatalogueError`.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _keep_private(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(connection, path)
            connection.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")
        except BaseException:
            connection.close()
            raise
    return connection


def _keep_private(path: Path) -> None:
    """Let nobody but the file's owner read it: it says which moods there were when."""
    if not path.exists():
        path.touch(0o600)
    elif path.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):  # somebody else's, or on a read-only disk
            path.chmod(0o600)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into one sentence with a remedy.

    What only a fault in MoodCam brings about, such as a broken constraint, is let
    through.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise CatalogueError(_sentence(path, error)) from error
    except OSError as error:
        raise CatalogueError(
            f"The folder of the catalogue {str(path)!r} cannot be used"
            f" ({error.strerror}): check core/data_dir in Mopidy's configuration."
        ) from error


def escaped(text: str) -> str:
    """Return `text` for a LIKE whose ESCAPE is the backslash: it means itself."""
    for sign in "\\%_":
        text = text.replace(sign, "\\" + sign)
    return text


def _sentence(path: Path, error: sqlite3.DatabaseError) -> str:
    match _code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            said = "is kept busy by another program: try again when it has ended."
        case sqlite3.SQLITE_FULL:
            said = "cannot grow because the disk is full: make room and try again."
        case sqlite3.SQLITE_IOERR:
            said = f"cannot be read or written ({error}): check the disk it is on."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            said = (
                "cannot be opened for writing: run the command as the user"
                " Mopidy runs as, or check core/data_dir."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            said = (
                f"is damaged ({error}): move it away and run 'mopidy moodcam scan'"
                " or 'mopidy moodcam import' again."
            )
        case _:
            said = (
                f"could not be used ({error}): try again, or move the file away if it"
                " is none of MoodCam's."
            )
    return f"The catalogue {str(path)!r} {said}"


def _code(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's primary result code; 0 where it gave none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.create_function("match_key", 2, match.match_key, deterministic=True)
    connection.create_function("is_spoken", 1, tags.is_spoken, deterministic=True)
    found = _user_version(connection)
    if found > len(MIGRATIONS):
        raise CatalogueError(
            f"The catalogue {str(path)!r} was written by a newer Mopidy-MoodCam"
            f" (schema {found}, known here: {len(MIGRATIONS)}):"
            " upgrade Mopidy-MoodCam or move the file away."
        )
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if found < len(MIGRATIONS):
        _migrate(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    # Changing the journal needs the file alone for a moment and, unlike all
    # else, does not wait for it by the busy timeout.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it while this one waited for the lock.
        for statements in MIGRATIONS[_user_version(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _user_version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]
