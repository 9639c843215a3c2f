"""Spotify tracks that the listener also has elsewhere: one song, one sound."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.features import FEATURES

if TYPE_CHECKING:
    from mopidy_moodcam.songs.catalogue import Catalogue

BATCH = 1000

_SAME = " UNION ALL ".join(
    f"""SELECT song.id AS song, IFNULL(song.feature_rank, -1) AS song_rank,
        file.id AS file, IFNULL(file.feature_rank, -1) AS file_rank
        FROM tracks AS song JOIN tracks AS file ON {condition}
        WHERE song.uri BETWEEN 'spotify:track:' AND 'spotify:track;'
        AND NOT file.{match.ON_SPOTIFY}
        AND (file_rank > song_rank OR file_rank < song_rank AND file.failed IS NULL)"""
    for condition in match.same_song("song.", "file.")
)
_PAIRS = f"""SELECT IIF(file_rank > song_rank, file, song) AS giver,
    IIF(file_rank > song_rank, song, file) AS taker,
    MAX(MAX(file_rank, song_rank)) FROM ({_SAME}) GROUP BY taker"""
_COLUMNS = ", ".join((*FEATURES, "feature_source", "feature_rank"))
_TAKE = (
    f"UPDATE tracks SET ({_COLUMNS}) = (SELECT {_COLUMNS} FROM tracks WHERE id = ?)"
    " WHERE id = ?"
)


def take_over(catalogue: Catalogue) -> int:
    """Share features between Spotify tracks and the same songs elsewhere.

    Returns how many tracks got others. Which songs are the same: see
    `match.same_song`. The best source wins, as everywhere: see `features.RANK`.
    """
    count = 0
    while given := _give(catalogue):  # what one got it may give on
        count += given
    return count


def _give(catalogue: Catalogue) -> int:
    pairs = iter(catalogue.rows(_PAIRS))
    count = 0
    while batch := [pair[:2] for pair in itertools.islice(pairs, BATCH)]:
        with catalogue.writing() as connection:
            connection.executemany(_TAKE, batch)
        count += len(batch)
    return count
