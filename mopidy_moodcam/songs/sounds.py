"""Every track that can be placed on the plane, as numpy arrays for a moment.

This is the only bridge from SQLite to numpy: clusters are fitted on it and a
shelf is made from it. It is thrown away afterwards.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.catalogue import GONE, PLACED
from mopidy_moodcam.songs.features import SCALE_GROUP, FeatureSource
from mopidy_moodcam.songs.seasons import exclusion_clauses

if TYPE_CHECKING:
    from collections.abc import Collection

    from mopidy_moodcam.songs.catalogue import Catalogue

COLUMNS = (
    "valence",
    "energy",
    "danceability",
    "acousticness",
    "instrumentalness",
    "loudness",
    "arousal",
    "tempo",
    "key",
    "mode",
)
"""The features a sound keeps, in this order."""

GROUPS = tuple(dict.fromkeys(SCALE_GROUP.values()))
"""Names of the groups of sources that share a scale."""

SONG_LEAST_MS = 10_000
"""Length in ms from which a track is a song: not a jingle, a sound or a silence."""

# Names first, since they find most. A song's own row is told by `id`, which is in
# every index.
_A_FILE = " OR ".join(
    f"EXISTS (SELECT 1 FROM tracks AS file WHERE {condition}"
    " AND file.id <> tracks.id AND file.failed IS NULL"
    f" AND NOT file.{match.ON_SPOTIFY} AND {PLACED})"
    for condition in reversed(match.same_song("file.", "tracks."))
)
_ALSO_A_FILE = f"{match.ON_SPOTIFY} AND ({_A_FILE})"
_SCRAP = (
    f"IFNULL(duration_ms, {SONG_LEAST_MS}) < {SONG_LEAST_MS}"
    f" AND verdict <> '{Verdict.LOVED}' AND song_mood IS NULL"
)
_SCHEME = "lower(substr(uri, 1, instr(uri, ':') - 1))"
_MOODS = {str(mood): number for number, mood in enumerate(SongMood)}
_GROUP = {str(s): GROUPS.index(SCALE_GROUP[s]) for s in FeatureSource}


@dataclasses.dataclass(frozen=True, slots=True)
class Sounds:
    """Placeable tracks as columns; row i of each array is the same track.

    `track_id` int64 [n]; `values` float32 [n, len(COLUMNS)], NaN = unknown;
    `group` int8 [n], an index into `GROUPS`; `artist` int32 [n], a code per
    first artist, 0 = unknown; `by_hand` int8 [n], an index into
    `list(SongMood)` or −1; `loved` bool [n].
    """

    track_id: np.ndarray
    values: np.ndarray
    group: np.ndarray
    artist: np.ndarray
    by_hand: np.ndarray
    loved: np.ndarray

    def __len__(self) -> int:
        """Return the number of tracks."""
        return len(self.track_id)

    def some(self, rows: slice | np.ndarray) -> Sounds:
        """Return only these rows."""
        fields = dataclasses.fields(self)
        return Sounds(*(getattr(self, field.name)[rows] for field in fields))


def load_sounds(
    catalogue: Catalogue,
    today: dt.date | None = None,
    schemes: Collection[str] | None = None,
) -> Sounds:
    """Read all tracks that can be placed and may be played.

    That is those with valence and energy (or arousal), and those that a person
    put into a song mood by hand, whose values may all be NaN. Banned tracks, those
    whose file is gone, what is shorter than `SONG_LEAST_MS` and neither loved nor put
    somewhere by hand, and what `exclusions` name are left out; a season is left out
    outside its months as of `today` (default: now). A song that the listener has as
    a file and on Spotify counts once, as the file: else it would come twice within
    the time that nothing is repeated. `schemes` are those of the URIs that can be
    played (default: all).
    """
    clauses, values = exclusion_clauses(
        catalogue.exclusions(), today or dt.datetime.now().astimezone().date()
    )
    if schemes is not None:
        marks = ", ".join("?" * len(schemes))
        clauses = [*clauses, f"{_SCHEME} NOT IN ({marks})"]
        values = [*values, *sorted(schemes)]
    numbers = ", ".join(f"IFNULL({name}, 9e999)" for name in COLUMNS)
    sql = (
        "SELECT id, artist_code, "
        f"{_cases('feature_source', _GROUP)}, {_cases('song_mood', _MOODS)},"
        f" verdict = '{Verdict.LOVED}', {numbers} FROM tracks"
        f" WHERE (song_mood IS NOT NULL OR {PLACED}) AND NOT ({_ALSO_A_FILE})"
        f" AND NOT ({_SCRAP})"
        f" AND verdict <> '{Verdict.BANNED}' AND IFNULL(failed, '') <> '{GONE}'"
        + "".join(f" AND NOT ({clause})" for clause in clauses)
        + " ORDER BY id"
    )
    return _joined([_sounds(rows) for rows in catalogue.stream(sql, values)])


def _cases(column: str, numbers: dict[str, int]) -> str:
    whens = " ".join(f"WHEN '{name}' THEN {n}" for name, n in numbers.items())
    return f"CASE {column} {whens} ELSE -1 END"


def _sounds(rows: list[tuple[float, ...]]) -> Sounds:
    # fromiter on the flattened rows is half again as fast as array on tuples.
    flat = itertools.chain.from_iterable(rows)
    table = np.fromiter(flat, np.float64).reshape(len(rows), -1)
    numbers = table[:, 5:].astype(np.float32)
    numbers[np.isinf(numbers)] = np.nan
    return Sounds(
        track_id=table[:, 0].astype(np.int64),
        artist=table[:, 1].astype(np.int32),
        group=np.maximum(table[:, 2], 0).astype(np.int8),
        by_hand=table[:, 3].astype(np.int8),
        loved=table[:, 4].astype(bool),
        values=numbers,
    )


def _joined(parts: list[Sounds]) -> Sounds:
    names = [field.name for field in dataclasses.fields(Sounds)]
    parts = parts or [_sounds([(0.0,) * (5 + len(COLUMNS))]).some(slice(0))]
    return Sounds(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))
