"""Spotify tracks that the listener also has as a file: one song, one sound."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mopidy_moodcam.songs.features import FEATURES

if TYPE_CHECKING:
    from mopidy_moodcam.songs.catalogue import Catalogue

BATCH = 1000

_SAME = " UNION ALL ".join(
    f"""SELECT song.id AS song, file.id AS file, file.feature_rank AS rank
        FROM tracks AS song JOIN tracks AS file USING ({key})
        WHERE song.uri LIKE 'spotify:track:%' AND file.uri NOT LIKE 'spotify:%'
        AND song.{key} IS NOT NULL
        AND file.feature_rank > COALESCE(song.feature_rank, -1)"""
    for key in ("spotify_id", "isrc", "match_key")
)
_PAIRS = f"SELECT song, file, MAX(rank) FROM ({_SAME}) GROUP BY song"
_COLUMNS = ", ".join((*FEATURES, "feature_source", "feature_rank"))
_TAKE = (
    f"UPDATE tracks SET ({_COLUMNS}) = (SELECT {_COLUMNS} FROM tracks WHERE id = ?)"
    " WHERE id = ?"
)


def take_over(catalogue: Catalogue) -> int:
    """Give Spotify tracks the features of the same songs' files; return how many.

    A file is the same song by Spotify id, ISRC, or title and first artist (see
    `match.match_key`). The best source wins, as everywhere: see `features.RANK`.
    """
    pairs = iter(catalogue.rows(_PAIRS))
    count = 0
    while batch := [(file, song) for song, file, _ in itertools.islice(pairs, BATCH)]:
        with catalogue.writing() as connection:
            connection.executemany(_TAKE, batch)
        count += len(batch)
    return count
