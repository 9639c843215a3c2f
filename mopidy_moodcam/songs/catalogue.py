"""The catalogue: one SQLite file of tracks, their features, plays and feedback.

Mopidy reads it and notes plays while `mopidy moodcam scan` or `import` writes
to it from another process. Nothing here is heavy to import, and nothing is
cached: which cluster and song mood a track belongs to is worked out when a
shelf is loaded, so it can never be stale.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.features import FEATURES, RANK, Features, FeatureSource
from mopidy_moodcam.songs.schema import (
    BUSY_SECONDS,
    LEAVE_OUT_SPOKEN,
    CatalogueError,
    connect,
    explained,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Catalogue", "CatalogueError", "FileState", "Play", "TrackRow"]

Counted = Literal["played", "skipped"]

T = TypeVar("T")

GONE = "it is gone"
"""Why a song has no features or, once its library has lost it, is not played."""

NO_DECODER = "no decoder for it"
"""How the reason begins why audio was not read that may be once one is installed."""

FITTED = "clusters fitted at"
"""The note of how many tracks there were when the clusters were fitted. Not the
clusters' sizes: what is banned, left out or there twice is in none of them."""

JUDGED = f"(verdict <> '{Verdict.NONE}' OR song_mood IS NOT NULL)"
"""In SQL: whether a person loves, bans or has moved the song."""

PLACED = "(valence IS NOT NULL AND COALESCE(arousal, energy) IS NOT NULL)"
"""In SQL: whether the song can be placed on the plane."""

PLAYS_KEPT = 30 * 86400.0
"""Seconds that a play is kept: `repeat_after` reaches back no further, and what a
listener did longer ago counts as long ago."""

BATCH = 2000
"""Rows in one transaction: about 0.1 s, so no other writer waits long."""

_TEXTS = ("title", "artist", "album", "genre")
_COLUMNS = (
    "id, uri, spotify_id, isrc, title, artist, album, genre, year, duration_ms,"
    f" {', '.join(FEATURES)}, feature_source, mtime, size, failed, song_mood, verdict"
)
_FIRST_FEATURE = _COLUMNS.split(", ").index(FEATURES[0])
_SET_FEATURES = (
    "UPDATE tracks SET "
    + ", ".join(f"{name} = ?" for name in FEATURES)
    + ", feature_source = ?, feature_rank = ?, failed = NULL"
    " WHERE id = ? AND COALESCE(feature_rank, -1) <= ?"
)
_UPSERT = (
    """INSERT INTO tracks (uri, spotify_id, isrc, match_key, title, artist,
        artist_code, album, genre, year, duration_ms, mtime, size, added)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (uri) DO UPDATE SET """
    + ", ".join(
        f"{name} = IIF(excluded.{name} = '', {name}, excluded.{name})"
        for name in _TEXTS
    )
    + ", artist_code = IIF(excluded.artist = '', artist_code, excluded.artist_code), "
    + ", ".join(
        f"{name} = COALESCE(excluded.{name}, {name})"
        for name in ("spotify_id", "isrc", "match_key", "year", "duration_ms")
    )
    + " RETURNING id"
)
_ADD_UP = (
    " ON CONFLICT DO UPDATE SET plays = plays + excluded.plays,"
    " skips = skips + excluded.skips"
)
_HEARD = f"{', '.join(FEATURES)}, feature_source, feature_rank, mtime, size, failed"
_KNOWLEDGE = (
    f"IFNULL(feature_rank, -1), IFNULL(mtime, 0), IFNULL(failed, '{GONE}') = '{GONE}'"
)
_TAKE_OVER = (
    f"""UPDATE tracks SET ({_HEARD}) = (SELECT {_HEARD} FROM tracks WHERE id = :other)
        WHERE id = :kept AND ({_KNOWLEDGE}) <
        (SELECT {_KNOWLEDGE} FROM tracks WHERE id = :other)""",
    """UPDATE tracks SET song_mood = IFNULL(other.song_mood, tracks.song_mood),
        verdict = IIF(other.verdict = 'none', tracks.verdict, other.verdict)
        FROM tracks AS other WHERE tracks.id = :kept AND other.id = :other""",
    "UPDATE plays SET track_id = :kept WHERE track_id = :other",
    f"""INSERT INTO feedback SELECT :kept, song_mood, plays, skips FROM feedback
        WHERE track_id = :other{_ADD_UP}""",
    "DELETE FROM tracks WHERE id = :other",
)
"""In SQL: let one row of a file take over what another knows, which then goes.

What was heard comes from the better source, or else the newer file; what a person said
of the other one counts.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class TrackRow:
    """One track of the catalogue.

    `song_mood` is set only where a person moved the song by hand; `failed` says
    why its audio could not be read. `track_id` is 0 for a track not yet stored.
    """

    uri: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    duration_ms: int | None = None
    spotify_id: str | None = None
    isrc: str | None = None
    features: Features | None = None
    mtime: float | None = None
    size: int | None = None
    failed: str | None = None
    song_mood: SongMood | None = None
    verdict: Verdict = Verdict.NONE
    track_id: int = 0

    @property
    def judged(self) -> bool:
        """Whether a person loves, bans or has moved the song."""
        return self.verdict is not Verdict.NONE or self.song_mood is not None


@dataclasses.dataclass(frozen=True, slots=True)
class FileState:
    """What the catalogue knows of a file: enough to skip it when unchanged.

    `named` says that it has a title.
    """

    mtime: float | None
    size: int | None
    source: FeatureSource | None
    failed: str | None
    named: bool = False

    @property
    def may_succeed(self) -> bool:
        """Whether it failed by what may be mended while the file stays the same.

        One that was heard before it was gone did not fail.
        """
        if self.failed == GONE:
            return self.source is not FeatureSource.AUDIO
        return self.failed is not None and self.failed.startswith(NO_DECODER)


@dataclasses.dataclass(frozen=True, slots=True)
class Play:
    """One pick that was played; `outcome` is None until its end is known."""

    play_id: int
    track_id: int
    time: float
    song_mood: SongMood
    outcome: Counted | None


class Catalogue:
    """All that is known of the listener's tracks, in one file.

    It is for the thread that opened it: another opens its own. Every method raises
    `CatalogueError` where the file is damaged, full, read-only or kept busy for long.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._file = _identity(path)
        journals = [path.with_name(path.name + end) for end in ("-wal", "-shm")]
        self._journals = {journal: _identity(journal) for journal in journals}

    @classmethod
    def open(cls, path: Path | str, patience: float = BUSY_SECONDS) -> Catalogue:
        """Open the file at `path`; make it where it is missing, migrate it if old.

        `patience` is how many seconds a write waits for one of another process.
        """
        path = Path(path)
        return cls(connect(path, patience), path)

    def close(self) -> None:
        """Let go of the file, and of its journals where another took its place.

        SQLite would write them into that one.
        """
        stale = self._journals if self.replaced() else {}
        self._connection.close()
        with contextlib.suppress(OSError):
            for journal, was in stale.items():
                if was is not None and _identity(journal) == was:
                    journal.unlink()

    def __enter__(self) -> Self:
        """Return the catalogue itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    # Reading

    def replaced(self) -> bool:
        """Return whether another file, or none, is where this one was opened."""
        return _identity(self.path) != self._file

    def version(self) -> int:
        """Return a number that grows whenever the tracks change, by any process.

        Plays and their outcomes do not count: a shelf need not be loaded anew
        for them.
        """
        return int(self.meta("version") or 0)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with explained(self.path):
            return self._connection.execute(sql, values).fetchall()

    def stream(
        self, sql: str, values: Sequence[Any] = (), size: int = 20_000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield a query's rows in lists of at most `size`, in bounded memory."""
        with explained(self.path):
            cursor = self._connection.execute(sql, values)
            while chunk := cursor.fetchmany(size):
                yield chunk

    def track(self, track_id: int) -> TrackRow | None:
        """Return one track by its number, or None."""
        return self._one("id = ?", track_id)

    def find(self, uri: str) -> TrackRow | None:
        """Return one track by its URI, or None."""
        return self._one("uri = ?", uri)

    def tracks(self, ids: Iterable[int]) -> list[TrackRow]:
        """Return the tracks with these numbers that exist, in the same order."""
        found = (self.track(int(track_id)) for track_id in ids)
        return [row for row in found if row is not None]

    def file_state(self, uri: str) -> FileState | None:
        """Return what is known of a file, or None where the URI is new."""
        found = self.rows(
            "SELECT mtime, size, feature_source, failed, title <> '' FROM tracks"
            " WHERE uri = ?",
            (uri,),
        )
        for mtime, size, source, failed, named in found:
            return FileState(mtime, size, _source(source), failed, bool(named))
        return None

    def counts(self) -> dict[str, int]:
        """Return how many `tracks`, `analysed`, `waiting`, `elsewhere` and `failed`.

        `analysed` tracks can be placed on the plane, whatever the source; the
        sources are counted too, by their names. Of the others, `waiting` ones are
        files that a scan can analyse; those `elsewhere` (Spotify's, streams) are
        not, and only a table can bring their features.
        """
        ((tracks, placed, failed),) = self.rows(
            f"SELECT COUNT(*), COALESCE(SUM({PLACED}), 0),"
            " COALESCE(SUM(failed IS NOT NULL), 0) FROM tracks"
        )
        sources = dict(
            self.rows(
                "SELECT feature_source, COUNT(*) FROM tracks"
                " WHERE feature_source IS NOT NULL GROUP BY 1"
            )
        )
        files = "(uri GLOB 'local:*' OR uri GLOB 'file:*')"
        ((others, waiting),) = self.rows(
            f"SELECT COUNT(*), COALESCE(SUM({files}), 0) FROM tracks"
            f" WHERE failed IS NULL AND NOT {PLACED}"
        )
        return {
            "tracks": tracks,
            "analysed": placed,
            "waiting": waiting,
            "elsewhere": others - waiting,
            "failed": failed,
            **{str(source): sources.get(source, 0) for source in FeatureSource},
        }

    def failures(self) -> list[tuple[str, int, str]]:
        """Return why audio could not be read: (reason, tracks, one URI of them).

        The most frequent reason comes first.
        """
        return self.rows(
            "SELECT failed, COUNT(*), MIN(uri) FROM tracks WHERE failed IS NOT NULL"
            " GROUP BY failed ORDER BY COUNT(*) DESC, failed"
        )

    def uris(self) -> list[tuple[str, bool]]:
        """Return (URI, whether a person loved, banned or moved it) of all tracks."""
        found = self.rows(f"SELECT uri, {JUDGED} FROM tracks ORDER BY id")
        return [(uri, bool(judged)) for uri, judged in found]

    def meta(self, key: str) -> str | None:
        """Return a note kept under `key`, or None."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return found[0][0] if found else None

    # Tracks

    def upsert_tracks(self, tracks: Iterable[TrackRow]) -> int:
        """Add tracks, or bring those with a known URI up to date; return how many.

        Empty texts and None leave what is stored as it is. Features are stored
        too where a row has them and their source may (see `features.RANK`).
        What a person said (song mood by hand, verdict) is never overwritten.
        """
        count = 0
        for batch in _batches(tracks, BATCH):
            with self.writing() as connection:
                for row in batch:
                    self.put(connection, row)
            count += len(batch)
        return count

    def put(self, connection: sqlite3.Connection, row: TrackRow) -> int:
        """Add or update one track inside a `writing()` block; return its number."""
        values = (
            row.uri,
            row.spotify_id,
            row.isrc,
            match.match_key(row.title, row.artist),
            row.title,
            row.artist,
            match.artist_code(row.artist),
            row.album,
            row.genre,
            row.year,
            row.duration_ms,
            row.mtime,
            row.size,
            time.time(),
        )
        track_id = connection.execute(_UPSERT, values).fetchone()[0]
        if row.features is not None:
            put_features(connection, track_id, row.features)
        return track_id

    def store_features(
        self,
        uri: str,
        features: Features,
        mtime: float | None = None,
        size: int | None = None,
    ) -> bool:
        """Store what was found out about a known track, and when its file was so.

        Returns False where a better source had its say before.
        """
        with self.writing() as connection:
            for (track_id,) in connection.execute(
                "SELECT id FROM tracks WHERE uri = ?", (uri,)
            ).fetchall():
                connection.execute(
                    "UPDATE tracks SET mtime = ?, size = ?, failed = NULL WHERE id = ?",
                    (mtime, size, track_id),
                )
                return put_features(connection, track_id, features)
        return False

    def fail(self, uri: str, why: str, mtime: float | None, size: int | None) -> None:
        """Note why a file could not be analysed, and how it was then.

        It is not tried again until it changes, or as it `FileState.may_succeed`.
        """
        with self.writing() as connection:
            connection.execute(
                "UPDATE tracks SET failed = ?, mtime = ?, size = ? WHERE uri = ?",
                (why, mtime, size, uri),
            )

    def come_back(self, uri: str) -> None:
        """Note that a song that was gone is there again."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE tracks SET failed = NULL WHERE uri = ? AND failed = ?",
                (uri, GONE),
            )

    def lose(self, uris: Iterable[str]) -> None:
        """Note that songs are gone: known on, but not played until they come back."""
        rows = self.rows("SELECT uri FROM tracks WHERE failed = ?", (GONE,))
        lost = {uri for (uri,) in rows}
        marks = ((GONE, uri) for uri in uris if uri not in lost)
        for batch in _batches(marks, BATCH):
            with self.writing() as connection:
                connection.executemany(
                    "UPDATE tracks SET failed = ? WHERE uri = ?", batch
                )

    def let_go(self, gone: Mapping[str, bool]) -> int:
        """Forget songs that are gone, but lose judged ones; return how many went.

        `gone` says of each URI whether a person loved, banned or moved the song.
        """
        self.lose(uri for uri, judged in gone.items() if judged)
        return self.forget_tracks(uri for uri, judged in gone.items() if not judged)

    def rename(self, uris: Mapping[str, str]) -> None:
        """Let songs, by their old URIs, go on under the new ones.

        They take over what the new ones' rows know, and their texts; what a person
        said of the new ones counts.
        """
        for batch in _batches(uris.items(), BATCH):
            with self.writing() as connection:
                for old, new in batch:
                    self._rename(connection, old, new)

    def _rename(self, connection: sqlite3.Connection, old: str, new: str) -> None:
        kept, other = self.find(old), self.find(new)
        if kept and other:
            rows = {"kept": kept.track_id, "other": other.track_id}
            for statement in _TAKE_OVER:
                connection.execute(statement, rows)
        connection.execute(
            "UPDATE tracks SET uri = ?, failed = NULLIF(failed, ?) WHERE uri = ?",
            (new, GONE, old),
        )
        if other:
            self.put(connection, dataclasses.replace(other, features=None))

    def resize(self, uri: str, before: int, after: int) -> None:
        """Note that tagging changed a file's size; not where it was another before."""
        with self.writing(grows=False) as connection:
            connection.execute(
                "UPDATE tracks SET size = ? WHERE uri = ? AND size = ?",
                (after, uri, before),
            )

    def judge(self, uri: str, verdict: Verdict) -> bool:
        """Note that a person loves or bans a track; False where it is unknown."""
        return self._change(
            "UPDATE tracks SET verdict = ? WHERE uri = ?", (str(verdict), uri)
        )

    def move(self, uri: str, song_mood: SongMood | None) -> bool:
        """Put a song into a song mood by hand; None gives it back to its cluster."""
        return self._change(
            "UPDATE tracks SET song_mood = ? WHERE uri = ?", (song_mood, uri)
        )

    # Plays and feedback

    def note_play(self, track_id: int, when: float, song_mood: SongMood) -> int:
        """Note that a pick began to play; return the play's number.

        It is 0, and nothing is noted, where the track is not known any more. Plays
        of more than `PLAYS_KEPT` before go: with their song moods they are a diary.
        """
        with self.writing(grows=False) as connection:
            oldest = when - PLAYS_KEPT
            connection.execute("DELETE FROM plays WHERE time < ?", (oldest,))
            noted = connection.execute(
                "INSERT INTO plays (track_id, time, song_mood)"
                " SELECT id, ?, ? FROM tracks WHERE id = ? RETURNING id",
                (when, str(song_mood), track_id),
            ).fetchall()
            return noted[0][0] if noted else 0

    def note_outcome(self, play_id: int, outcome: Counted) -> None:
        """Note how a play ended and count it; a second outcome is ignored."""
        with self.writing(grows=False) as connection:
            ended = connection.execute(
                "UPDATE plays SET outcome = ? WHERE id = ? AND outcome IS NULL"
                " RETURNING track_id, song_mood",
                (outcome, play_id),
            ).fetchall()
            for track_id, song_mood in ended:
                connection.execute(
                    f"INSERT INTO feedback VALUES (?, ?, ?, ?){_ADD_UP}",
                    (track_id, song_mood, outcome == "played", outcome == "skipped"),
                )

    def plays_since(self, when: float) -> list[Play]:
        """Return the plays from `when` on, oldest first."""
        found = self.rows(
            "SELECT id, track_id, time, song_mood, outcome FROM plays"
            " WHERE time >= ? ORDER BY time, id",
            (when,),
        )
        return [Play(i, t, at, SongMood(m), o) for i, t, at, m, o in found]

    def feedback(self) -> list[tuple[int, SongMood, int, int, float]]:
        """Return (track number, song mood, played through, skipped, when) of all.

        `when` is the time of the last play that counted. What was judged last comes
        last.
        """
        found = self.rows(
            "SELECT track_id, song_mood, plays, skips, IFNULL(time, 0) FROM feedback"
            " LEFT JOIN (SELECT track_id, song_mood, time, MAX(id) AS last FROM plays"
            " WHERE outcome IS NOT NULL GROUP BY track_id, song_mood)"
            " USING (track_id, song_mood) ORDER BY last"
        )
        return [(i, SongMood(mood), p, s, at) for i, mood, p, s, at in found]

    # Notes, exclusions, forgetting

    def set_meta(self, key: str, value: str | None) -> None:
        """Keep a note under `key`; None removes it."""
        with self.writing() as connection:
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))
            if value is not None:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (key, value))

    def document(self, key: str) -> dict[str, Any] | None:
        """Return a JSON object kept under `key`, or None."""
        text = self.meta(key)
        return None if text is None else json.loads(text)

    def exclusions(self) -> list[tuple[str, str]]:
        """Return what is left out of every song mood: (kind, value)."""
        return self.rows("SELECT kind, value FROM exclusions ORDER BY kind, value")

    def exclude(self, kind: str, value: str) -> None:
        """Leave out an artist, a genre or a season from now on."""
        self._change("INSERT OR IGNORE INTO exclusions VALUES (?, ?)", (kind, value))

    def include(self, kind: str, value: str) -> bool:
        """Take back an exclusion; False where there was none."""
        return self._change(
            "DELETE FROM exclusions WHERE kind = ? AND value = ?", (kind, value)
        )

    def forget(self, what: Literal["everything", "plays", "features"]) -> None:
        """Delete all tracks, or only plays and feedback, or only the features.

        Names of clusters and exclusions go with `everything`.
        """
        tables = ("plays", "feedback")
        with self.writing() as connection:
            if what == "features":
                nothing = ", ".join(f"{name} = NULL" for name in FEATURES)
                connection.execute(
                    f"UPDATE tracks SET {nothing}, feature_source = NULL,"
                    " feature_rank = NULL, mtime = NULL, size = NULL, failed = NULL"
                )
                connection.execute("DELETE FROM meta WHERE key = ?", (FITTED,))
                return
            if what == "everything":
                tables += ("tracks", "exclusions")
                connection.execute("DELETE FROM meta WHERE key <> 'version'")
            for table in tables:
                connection.execute(f"DELETE FROM {table}")
            if what == "everything":
                connection.execute(LEAVE_OUT_SPOKEN)
        if what == "everything":
            with explained(self.path):
                self._connection.execute("VACUUM")
                # What is forgotten must not lie in the log until the next writer.
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def forget_tracks(self, uris: Iterable[str]) -> int:
        """Delete tracks with their plays and feedback; return how many there were."""
        count = 0
        for batch in _batches(uris, BATCH):
            with self.writing() as connection:
                for uri in batch:
                    cursor = connection.execute(
                        "DELETE FROM tracks WHERE uri = ?", (uri,)
                    )
                    count += cursor.rowcount
        return count

    # Underneath

    @contextlib.contextmanager
    def writing(self, *, grows: bool = True) -> Iterator[sqlite3.Connection]:
        """Give the connection inside one transaction: all of it happens or nothing.

        `grows` moves `version()` on, so that other processes load a new shelf.
        """
        with explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                if grows:
                    self._connection.execute(
                        "UPDATE meta SET value = CAST(value AS INTEGER) + 1"
                        " WHERE key = 'version'"
                    )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _one(self, where: str, value: object) -> TrackRow | None:
        found = self.rows(f"SELECT {_COLUMNS} FROM tracks WHERE {where}", (value,))
        return _track_row(found[0]) if found else None

    def _change(self, sql: str, values: Sequence[Any]) -> bool:
        with self.writing() as connection:
            return connection.execute(sql, values).rowcount > 0


def put_features(
    connection: sqlite3.Connection, track_id: int, features: Features
) -> bool:
    """Store features of a track inside a transaction, unless a better source did.

    Returns whether they were stored.
    """
    rank = RANK[features.source]
    values = (*features.values(), str(features.source), rank, track_id, rank)
    return connection.execute(_SET_FEATURES, values).rowcount > 0


def _track_row(values: tuple[Any, ...]) -> TrackRow:
    end = _FIRST_FEATURE + len(FEATURES)
    source, mtime, size, failed, song_mood, verdict = values[end:]
    sound = dict(zip(FEATURES, values[_FIRST_FEATURE:end], strict=True))
    return TrackRow(
        track_id=values[0],
        uri=values[1],
        spotify_id=values[2],
        isrc=values[3],
        title=values[4],
        artist=values[5],
        album=values[6],
        genre=values[7],
        year=values[8],
        duration_ms=values[9],
        features=Features(**sound, source=FeatureSource(source)) if source else None,
        mtime=mtime,
        size=size,
        failed=failed,
        song_mood=SongMood(song_mood) if song_mood else None,
        verdict=Verdict(verdict),
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _source(name: str | None) -> FeatureSource | None:
    return FeatureSource(name) if name else None


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
