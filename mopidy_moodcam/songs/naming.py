"""What a cluster is called and which song mood it serves: the nearest prototype."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.clusters import AXES, PROTOTYPE_POINTS, Cluster

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATE = 0.9
"""A name is refused where the nearest prototype is not nearer than this share of
the way to the second."""

_NOTABLE = 0.45
"""Standard units from which a feature is worth a word."""

_WORDS = {
    "valence": ("dark", "bright"),
    "energy": ("gentle", "strong"),
    "danceability": ("flowing", "danceable"),
    "acousticness": ("electric", "acoustic"),
    "instrumentalness": ("sung", "instrumental"),
    "loudness": ("soft", "loud"),
}
_MOODS = list(SongMood)


def words_for(centre: Sequence[float]) -> list[str]:
    """Return how a centre (standard units) sounds, its clearest features first."""
    order = sorted(range(len(AXES)), key=lambda axis: -abs(centre[axis]))
    return [
        _WORDS[AXES[axis]][int(centre[axis] > 0)]
        for axis in order
        if abs(centre[axis]) > _NOTABLE
    ]


def unique(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Return the clusters with a number after each name that was given before."""
    taken: dict[str, int] = {}
    result = []
    for cluster in clusters:
        taken[cluster.name] = count = taken.get(cluster.name, 0) + 1
        name = cluster.name if count == 1 else f"{cluster.name} {count}"
        result.append(dataclasses.replace(cluster, name=name))
    return result


def named(centres: np.ndarray, sizes: np.ndarray, weights: np.ndarray) -> list[Cluster]:
    """Return clusters for these centres (float [k, 6], standard units), named.

    Two clusters of one song mood are told apart by the axis in which they
    differ most: `sad, acoustic` and `sad, electric`.
    """
    clusters = [
        _cluster(centre, int(size), weights)
        for centre, size in zip(centres, sizes, strict=True)
    ]
    return unique([_told_apart(c, clusters, weights) for c in clusters])


def _cluster(centre: np.ndarray, size: int, weights: np.ndarray) -> Cluster:
    distances = np.sqrt((((centre - PROTOTYPE_POINTS) * weights) ** 2).sum(1))
    first, second = np.argsort(distances)[:2]
    separate = bool(distances[first] <= SEPARATE * distances[second])
    name = str(_MOODS[first])
    return Cluster(
        name=name if separate else f"between {name} and {_MOODS[second]}",
        song_mood=SongMood(_MOODS[first]),
        centre=tuple(round(float(value), 5) for value in centre),
        size=size,
        separate=separate,
    )


def _told_apart(
    cluster: Cluster, clusters: Sequence[Cluster], weights: np.ndarray
) -> Cluster:
    twins = [c for c in clusters if c.name == cluster.name and c is not cluster]
    if not twins:
        return cluster
    rest = np.mean([twin.centre for twin in twins], axis=0)
    difference = (np.array(cluster.centre) - rest) * weights
    axis = int(np.argmax(np.abs(difference)))
    word = _WORDS[AXES[axis]][int(difference[axis] > 0)]
    return dataclasses.replace(cluster, name=f"{cluster.name}, {word}")
