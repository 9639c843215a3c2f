"""Clusters that are moods: standardise, weigh, assign, name and bind.

Valence and energy weigh most; danceability, acousticness, instrumentalness and
loudness tell apart what these two cannot (calm and sad differ by acousticness
and instrumentalness, not by valence). Tempo, key and the rest would make
clusters of genres and are left for smooth transitions.

Only numpy is needed to use clusters. Fitting them (`songs/fitting.py`) takes
scikit-learn and happens in the command line's process.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.resources import model_path
from mopidy_moodcam.songs.features import SCALE_GROUP, FeatureSource
from mopidy_moodcam.songs.prototypes import PROTOTYPES
from mopidy_moodcam.songs.sounds import COLUMNS, GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mopidy_moodcam.songs.catalogue import Catalogue
    from mopidy_moodcam.songs.sounds import Sounds

AXES = COLUMNS[:6]
"""The features clusters are made of."""

_AROUSAL = COLUMNS.index("arousal")
_ENERGY = AXES.index("energy")
_PLANE_ANCHOR = 50
"""Tracks from which a library is half its own measure on the plane, which ranks songs
within it: ten songs must not be stretched over the whole plane, some hundred should."""

PROTOTYPE_POINTS = np.array(
    [[PROTOTYPES[mood][axis] for axis in AXES] for mood in SongMood], np.float32
)
"""The prototypes in the order of `SongMood`, float32 [6, 6], in standard units."""

META = "clusters"
"""Where the catalogue keeps the listener's own clusters."""


GUESSED = GROUPS.index(SCALE_GROUP[FeatureSource.TAGS])


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster: a centre in standard units, with a name bound to a song mood.

    `centre` has one number per axis, `size` counts the tracks when it was
    fitted. `separate` says that the centre lies clearly nearer to its song
    mood's prototype than to any other; without that the name says between what
    it lies. A re-fit keeps what a person chose: `named` and `bound`.
    """

    name: str
    song_mood: SongMood
    centre: tuple[float, ...]
    size: int = 0
    separate: bool = True
    named: bool = False
    bound: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation per axis and of arousal, float64 [7] each.

    As a reference it counts for `tracks` of a library. Names mean something only
    on a common scale: relative to itself alone, every second song of a metal
    collection is calm. (Right names on the playlists: 0.49 of the tracks where the
    reference counts for 50, 0.71 for 1000, 0.73 for 3000, 0.75 for 10,000.)
    """

    mean: np.ndarray
    deviation: np.ndarray
    tracks: int = 0


@dataclasses.dataclass(frozen=True)
class ClusterModel:
    """Clusters and all that is needed to place a track among them.

    `scales` per source group; `weights` float64 [6]; `fill` float64 [6, 2]
    gives a missing axis from valence and energy, in standard units. `default`
    marks the clusters that came with the package: their scales are a reference,
    drawn towards the listener's library when it is standardised.
    """

    clusters: tuple[Cluster, ...]
    scales: Mapping[str, Scale]
    weights: np.ndarray
    fill: np.ndarray
    default: bool = False

    @functools.cached_property
    def centres(self) -> np.ndarray:
        """All centres, float32 [k, 6], in standard units."""
        centres = np.array([c.centre for c in self.clusters], np.float32)
        return centres.reshape(-1, len(AXES))

    @functools.cached_property
    def moods(self) -> np.ndarray:
        """The song mood of each cluster, int8 [k], an index into `list(SongMood)`."""
        order = list(SongMood)
        return np.array([order.index(c.song_mood) for c in self.clusters], np.int8)

    def to_json(self) -> dict[str, Any]:
        """Return the model as plain numbers and words."""
        return {
            "default": self.default,
            "axes": list(AXES),
            "weights": _plain(self.weights),
            "fill": [_plain(row) for row in self.fill],
            "scales": {
                group: {
                    "mean": _plain(s.mean),
                    "deviation": _plain(s.deviation),
                    "tracks": s.tracks,
                }
                for group, s in self.scales.items()
            },
            "clusters": [dataclasses.asdict(cluster) for cluster in self.clusters],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClusterModel:
        """Read what `to_json` wrote."""
        return cls(
            clusters=tuple(_cluster(item) for item in data["clusters"]),
            scales={
                group: Scale(np.array(s["mean"]), np.array(s["deviation"]), s["tracks"])
                for group, s in data["scales"].items()
            },
            weights=np.array(data["weights"]),
            fill=np.array(data["fill"]),
            default=data["default"],
        )


@functools.cache
def default_model() -> ClusterModel:
    """Return the clusters that came with the package (`models/song_moods.json`)."""
    text = model_path("song_moods.json").read_text("utf-8")
    return ClusterModel.from_json(json.loads(text))


def current_model(catalogue: Catalogue) -> ClusterModel:
    """Return the listener's own clusters, or the default ones before a first fit."""
    own = catalogue.document(META)
    return default_model() if own is None else ClusterModel.from_json(own)


def keep_model(catalogue: Catalogue, model: ClusterModel) -> None:
    """Make `model` the clusters of this catalogue."""
    catalogue.set_meta(META, json.dumps(model.to_json()))


def standardise(sounds: Sounds, model: ClusterModel) -> np.ndarray:
    """Return float32 [n, 6] in standard units, relative to the library.

    Each group of sources has its own mean and deviation. The energy axis is
    arousal where the audio's analysis knows it. Unknown values are filled from
    valence and energy; a song without these, put into a song mood by hand, stands
    at that mood's prototype.
    """
    scales = library_scales(sounds, model) if model.default else model.scales
    z = np.full((len(sounds), len(AXES)), np.nan, np.float32)
    for number, group in enumerate(GROUPS):
        rows = np.flatnonzero(sounds.group == number)
        if len(rows):
            scale = scales.get(group) or next(iter(scales.values()))
            z[rows] = _scaled(sounds.values[rows], scale)
    by_hand = np.isnan(z[:, :2]).any(1)
    z[by_hand] = PROTOTYPE_POINTS[sounds.by_hand[by_hand]]
    return fill_unknown(z, model.fill)


def library_scales(sounds: Sounds, reference: ClusterModel) -> dict[str, Scale]:
    """Return each group's own mean and deviation, drawn towards the reference's."""
    fallback = next(iter(reference.scales.values()))
    return {
        group: _anchored(
            sounds.values[sounds.group == number, : len(AXES) + 1],
            reference.scales.get(group, fallback),
        )
        for number, group in enumerate(GROUPS)
    }


def assign(z: np.ndarray, model: ClusterModel) -> np.ndarray:
    """Return the nearest cluster of each row of `z` (float [n, 6]), int8 [n]."""
    weights = model.weights.astype(np.float32)
    return nearest(z * weights, model.centres * weights)


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the index of the nearest centre for each point, int8 [n]."""
    # |p − c|² without |p|², which is the same for every centre.
    return np.argmin((centres**2).sum(1) - 2 * (points @ centres.T), axis=1).astype(
        np.int8
    )


def nearest_first(points: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Return the order of weighted points (float [n, 6]) by distance to `goal`."""
    return np.argsort(((points - goal) ** 2).sum(1), kind="stable")


def plane(z: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return valence and arousal relative to the library, float32 [n, 2], −1 … 1.

    `z` are standardised rows, `group` int8 [n] their scale groups. tanh(0.8 z)
    is close to the ranks of a normal distribution, so tracks spread over the
    whole plane whatever the library is like. Guesses alone stay where they are, near
    the middle: spread out they would pass for measured.
    """
    points = z[:, :2].astype(np.float32)
    for number in set(np.unique(group)) - {GUESSED}:
        rows = group == number
        points[rows] = _relative(points[rows])
    return np.tanh(np.float32(0.8) * points)


def _relative(points: np.ndarray) -> np.ndarray:
    share = len(points) / (len(points) + _PLANE_ANCHOR)
    deviation = np.maximum(points.std(0), 0.02)  # one song many times over
    mean = points.mean(0)
    return (points - mean) / deviation**share + (1 - share) * mean


def fill_unknown(z: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """Fill NaN from what valence and energy (which are known) let expect."""
    return np.where(np.isnan(z), z[:, :2] @ fill.T.astype(np.float32), z)


def _scaled(values: np.ndarray, scale: Scale) -> np.ndarray:
    axes = len(AXES)
    z = (values[:, :axes] - scale.mean[:axes]) / scale.deviation[:axes]
    arousal = (values[:, _AROUSAL] - scale.mean[axes]) / scale.deviation[axes]
    z[:, _ENERGY] = np.where(np.isnan(arousal), z[:, _ENERGY], arousal)
    return z


def _anchored(values: np.ndarray, reference: Scale) -> Scale:
    values = values.astype(np.float64)
    anchor = reference.tracks
    total = (~np.isnan(values)).sum(0) + anchor
    mean = (np.nansum(values, 0) + anchor * reference.mean) / total
    spread = np.nansum((values - mean) ** 2, 0)
    prior = anchor * (reference.deviation**2 + (reference.mean - mean) ** 2)
    return Scale(mean, np.sqrt((spread + prior) / total))


def _cluster(item: Mapping[str, Any]) -> Cluster:
    return Cluster(
        name=item["name"],
        song_mood=SongMood(item["song_mood"]),
        centre=tuple(item["centre"]),
        size=item.get("size", 0),
        separate=item.get("separate", True),
        named=item.get("named", False),
        bound=item.get("bound", False),
    )


def _plain(values: np.ndarray) -> list[float]:
    return [round(float(value), 5) for value in values]
