"""The shelf: the catalogue as the DJ sees it, in a few arrays and no strings."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.glossary import SONG_MOOD_AFFECT, SongMood
from mopidy_moodcam.songs.clusters import (
    GUESSED,
    PROTOTYPE_POINTS,
    ClusterModel,
    assign,
    current_model,
    nearest_first,
    plane,
    standardise,
)
from mopidy_moodcam.songs.sounds import COLUMNS, Sounds, load_sounds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from mopidy_moodcam.songs.catalogue import Catalogue

_MOODS = list(SongMood)
_PLACES = np.array(
    [dataclasses.astuple(SONG_MOOD_AFFECT[mood]) for mood in SongMood], np.float32
)


@dataclasses.dataclass(frozen=True, slots=True)
class Shelf:
    """All tracks that may be picked; row i of each array is the same track.

    `track_id` int64 [n], ascending; `plane` float32 [n, 2], valence and arousal −1 … 1,
    relative to the library (a song moved by hand stands where targets of its song
    mood are); `song_mood` int8 [n], an index into `list(SongMood)`;
    `tempo` float32 [n], beats a minute, NaN = unknown;
    `energy` float32 [n], 0 … 1, NaN = unknown; `key` int8 [n], −1 = unknown;
    `mode` int8 [n], 1 major, 0 minor, −1 unknown; `artist` int32 [n], a code
    per first artist, 0 = unknown; `loved` bool [n]; `guessed` bool [n], that the place
    was guessed from the genre.

    `members` holds the rows of each song mood, int32; moods with too few songs
    of their own are topped up with the nearest ones and named in `borrowed`.
    Banned, excluded and featureless tracks are not on the shelf.
    """

    track_id: np.ndarray
    plane: np.ndarray
    song_mood: np.ndarray
    tempo: np.ndarray
    energy: np.ndarray
    key: np.ndarray
    mode: np.ndarray
    artist: np.ndarray
    loved: np.ndarray
    guessed: np.ndarray
    members: Mapping[SongMood, np.ndarray]
    borrowed: frozenset[SongMood] = frozenset()
    version: int = 0

    def __len__(self) -> int:
        """Return the number of tracks."""
        return len(self.track_id)

    def row(self, track_id: int) -> int | None:
        """Return the row of a track, or None where it is not on the shelf."""
        row = int(np.searchsorted(self.track_id, track_id))
        found = row < len(self) and self.track_id[row] == track_id
        return row if found else None


def load_shelf(
    catalogue: Catalogue,
    today: dt.date | None = None,
    schemes: Collection[str] | None = None,
) -> Shelf:
    """Read the catalogue and work out every track's place and song mood.

    100,000 tracks take about half a second; load it outside of actors. `today`
    decides which seasons are in, `schemes` are those of the URIs that can be
    played (default: all).
    """
    version = catalogue.version()
    sounds = load_sounds(catalogue, today, schemes)
    return make_shelf(sounds, current_model(catalogue), version)


def make_shelf(sounds: Sounds, model: ClusterModel, version: int = 0) -> Shelf:
    """Make the shelf of these sounds under this cluster model."""
    z = standardise(sounds, model)
    moved = sounds.by_hand >= 0
    z[moved] = PROTOTYPE_POINTS[sounds.by_hand[moved]]
    song_mood = song_moods(sounds, z, model)
    members, borrowed = _members(z, song_mood, model.weights)
    places = plane(z, sounds.group)
    places[moved] = _PLACES[sounds.by_hand[moved]]
    column = {name: sounds.values[:, i] for i, name in enumerate(COLUMNS)}
    return Shelf(
        track_id=sounds.track_id,
        plane=places,
        song_mood=song_mood,
        tempo=np.where(column["tempo"] > 0, column["tempo"], np.nan),
        energy=column["energy"].copy(),
        key=_whole(column["key"]),
        mode=_whole(column["mode"]),
        artist=sounds.artist,
        loved=sounds.loved,
        guessed=sounds.group == GUESSED,
        members=members,
        borrowed=borrowed,
        version=version,
    )


def song_moods(sounds: Sounds, z: np.ndarray, model: ClusterModel) -> np.ndarray:
    """Return each row's song mood, int8 [n]: by hand, else its cluster's."""
    if not len(sounds):
        return np.empty(0, np.int8)
    by_cluster = model.moods[assign(z, model)]
    return np.where(sounds.by_hand >= 0, sounds.by_hand, by_cluster).astype(np.int8)


def enough(tracks: int) -> int:
    """Return how many songs a song mood should have in a library of this size.

    A twentieth, at least 3 and at most 30: an evening in one mood without
    repeats where the library allows it.
    """
    return min(tracks, max(3, min(30, tracks // 20)))


def _members(
    z: np.ndarray, song_mood: np.ndarray, weights: np.ndarray
) -> tuple[dict[SongMood, np.ndarray], frozenset[SongMood]]:
    members: dict[SongMood, np.ndarray] = {}
    borrowed: set[SongMood] = set()
    for number, mood in enumerate(_MOODS):
        own = np.flatnonzero(song_mood == number)
        lacking = enough(len(z)) - len(own)
        if lacking > 0:
            own = np.append(own, _neighbours(z, weights, mood, own, lacking))
            borrowed.add(mood)
        members[mood] = own.astype(np.int32)
    return members, frozenset(borrowed)


def _neighbours(
    z: np.ndarray, weights: np.ndarray, mood: SongMood, own: np.ndarray, count: int
) -> np.ndarray:
    goal = PROTOTYPE_POINTS[_MOODS.index(mood)]
    order = nearest_first(z * weights, goal * weights)
    return order[~np.isin(order, own)][:count]


def _whole(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), -1, values).astype(np.int8)
