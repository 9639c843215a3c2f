"""Files that were moved or renamed: the song keeps all that is known of it."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from mopidy_moodcam.songs.catalogue import Catalogue
    from mopidy_moodcam.songs.scan import Job

LENGTHS_APART_MS = 2000
"""A song whose tags were rewritten as well is as long as before, about."""


class _Song(NamedTuple):
    """A row that is gone, or one that is new, by all that may tell them the same."""

    uri: str
    mtime: float | None
    size: int | None
    match_key: str | None
    duration_ms: int | None
    judged: bool = False


def follow(
    catalogue: Catalogue, jobs: Iterable[Job], gone: Collection[str]
) -> set[str]:
    """Let songs that are `gone` go on as new ones of `jobs`; return their new URIs.

    They are the same where time and size of the file are, or else title, first artist
    and length; and where that is true of no third one. Of several that are gone the one
    that a person judged goes on.
    """
    if not gone:
        return set()
    new = list(_new(catalogue, jobs))
    old = list(_old(catalogue, gone))
    pairs = _paired(old, new, _by_file)
    taken = {*pairs, *pairs.values()}
    left = [song for song in old if song.uri not in taken]
    free = [song for song in new if song.uri not in taken]
    pairs |= _paired(left, free, _by_name)
    catalogue.rename(pairs)
    return set(pairs.values())


def _new(catalogue: Catalogue, jobs: Iterable[Job]) -> Iterator[_Song]:
    sql = (
        "SELECT match_key, duration_ms FROM tracks WHERE uri = ? AND size IS NULL"
        " AND feature_source IS NULL AND failed IS NULL"
        " AND song_mood IS NULL AND verdict = 'none'"
    )
    for job in jobs:
        for match_key, duration_ms in catalogue.rows(sql, (job.uri,)):
            yield _Song(job.uri, job.mtime, job.size, match_key, duration_ms)


def _old(catalogue: Catalogue, gone: Iterable[str]) -> Iterator[_Song]:
    sql = (
        "SELECT uri, mtime, size, match_key, duration_ms,"
        " song_mood IS NOT NULL OR verdict <> 'none' FROM tracks WHERE uri = ?"
    )
    for uri in gone:
        yield from (_Song(*row) for row in catalogue.rows(sql, (uri,)))


def _by_file(song: _Song) -> Any:  # noqa: ANN401
    return song.size and (song.mtime, song.size)


def _by_name(song: _Song) -> Any:  # noqa: ANN401
    return song.match_key


def _paired(
    old: Iterable[_Song], new: Iterable[_Song], key: Callable[[_Song], Any]
) -> dict[str, str]:
    """Return the new URI of each old one that shares a key with one new one only."""
    groups = collections.defaultdict(lambda: ([], []))
    for side, songs in enumerate((old, new)):
        for song in songs:
            if key(song):
                groups[key(song)][side].append(song)
    pairs = ((_only(before), _only(after)) for before, after in groups.values())
    return {
        before.uri: after.uri
        for before, after in pairs
        if before and after and _as_long(before, after)
    }


def _only(songs: list[_Song]) -> _Song | None:
    """Return the only song, or the only one that a person judged."""
    if len(songs) > 1:
        songs = [song for song in songs if song.judged]
    return songs[0] if len(songs) == 1 else None


def _as_long(before: _Song, after: _Song) -> bool:
    if before.duration_ms is None or after.duration_ms is None:
        return before.size == after.size
    return abs(before.duration_ms - after.duration_ms) <= LENGTHS_APART_MS
