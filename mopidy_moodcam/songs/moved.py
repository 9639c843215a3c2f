"""Files that were moved or renamed, or come from another library now.

The song keeps all that is known of it.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Literal, NamedTuple

from mopidy_moodcam.songs import match

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
    from mopidy_moodcam.songs.survey import Job

LENGTHS_APART_MS = 2000
"""A song whose tags were rewritten as well is as long as before, about.

Less than `match.SAME_SONG_MS`: it is the same file, not the same song of another
edition, and what a person said of it goes along.
"""


class _Song(NamedTuple):
    """A song that is gone, or one that is new, by all that may tell them the same."""

    uri: str
    file: tuple[float | None, int] | None
    match_key: str | None
    duration_ms: int | None
    judged: bool = False


def follow(
    catalogue: Catalogue,
    jobs: Iterable[Job],
    gone: Collection[str],
    other_uri: Callable[[str], str | None] = lambda _: None,
    away: Collection[str] = (),
) -> dict[str, str]:
    """Let songs that are `gone` go on as new ones of `jobs`; return {old: new URI}.

    They are the same where time and size of the file are, or else title, first artist
    and length; and where that is true of no third one. Of several that are gone the one
    that a person judged goes on. `other_uri` gives the URI by which another library
    has the very file of a song: that one is the same whatever is known of it. Of
    those that may only be `away`, time and size alone tell that they were moved.
    """
    if not (gone or away):
        return {}
    new = [_new(row, job) for job in jobs if (row := catalogue.find(job.uri))]
    new = [song for song in new if song is not None]
    old = [_old(row) for uri in (*gone, *away) if (row := catalogue.find(uri))]
    pairs = {song.uri: uri for song in old if (uri := other_uri(song.uri))}
    for by in ("file", "match_key"):
        taken = {*pairs, *pairs.values()}
        if by == "match_key":
            taken |= {*away}
        left = [song for song in old if song.uri not in taken]
        free = [song for song in new if song.uri not in taken]
        pairs |= _paired(left, free, by)
    catalogue.rename(pairs)
    return pairs


def _new(row: TrackRow, job: Job) -> _Song | None:
    """Return the song of a row just entered; None where more is known of it."""
    if row.judged or row.features or row.failed or row.size is not None:
        return None
    key = match.match_key(row.title, row.artist)
    return _Song(row.uri, (job.mtime, job.size), key, row.duration_ms)


def _old(row: TrackRow) -> _Song:
    file = (row.mtime, row.size) if row.size else None
    key = match.match_key(row.title, row.artist)
    return _Song(row.uri, file, key, row.duration_ms, row.judged)


def _paired(
    old: Iterable[_Song], new: Iterable[_Song], by: Literal["file", "match_key"]
) -> dict[str, str]:
    """Return the new URI of each old one that shares a key with one new one only."""
    groups = collections.defaultdict(lambda: ([], []))
    for side, songs in enumerate((old, new)):
        for song in songs:
            if key := getattr(song, by):
                groups[key][side].append(song)
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
        return before.file == after.file
    return abs(before.duration_ms - after.duration_ms) <= LENGTHS_APART_MS
