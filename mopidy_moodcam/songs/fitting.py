"""Fitting clusters to a library; takes scikit-learn, so never in Mopidy's process.

k-means on a sample in one thread, then assignment of every track with numpy. On
a million rows that is several times faster than mini-batches on all of them,
and the centres are as good: a mean over 20,000 rows is known to 1 %.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.catalogue import FITTED
from mopidy_moodcam.songs.clusters import (
    GUESSED,
    Cluster,
    ClusterModel,
    assign,
    current_model,
    default_model,
    keep_model,
    library_scales,
    nearest,
    standardise,
)
from mopidy_moodcam.songs.naming import named, unique
from mopidy_moodcam.songs.sounds import Sounds, load_sounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mopidy_moodcam.songs.catalogue import Catalogue

CLUSTERS = 7
"""k is a product rule: six song moods and one more, because sad music is of two
kinds (acoustic and slow, or electric and dark). Silhouette would choose 2; on the
labelled tables 8 names 0.02 fewer tracks rightly, 6 and 10 more than 0.1."""

OWN_FROM = 500
"""Tracks from which a library gets its own clusters. Smaller ones use those that
came with the package: k-means on some hundred tracks follows chance."""

PRIOR = 100
"""Tracks that each of the reference's centres counts for in a fit: a library of some
hundred tracks bends them, one of ten thousand hardly feels them. Without it clusters
of the 637 playlist tracks are 0.69 right instead of 0.74, and names change."""

GROWTH = 1.25
"""A library that grew by a quarter since the last fit is fitted again by itself."""

SAMPLE = 20_000
STARTS = 8
_CLOSE = 0.02
"""A re-fit from the old centres wins unless a fresh one is better by this share."""
_SAME = 0.75
"""Farthest two centres of `the same` cluster, in weighted standard units: about half
the usual distance between neighbouring centres."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fit:
    """A new model, and for each of its clusters the old one's number or −1."""

    model: ClusterModel
    matched: tuple[int, ...]


def fit(
    sounds: Sounds,
    previous: ClusterModel,
    *,
    reference: ClusterModel | None = None,
    clusters: int = CLUSTERS,
    seed: int = 0,
) -> Fit:
    """Fit clusters to `sounds`; names and a person's bindings in `previous` survive.

    A cluster that continues an old one keeps its name while it serves the same
    song mood; what a person chose it keeps in any case.

    Songs whose place is only guessed are sorted, but shape no cluster. `reference`
    gives scales, weights and the filling of gaps (default: the package's). The same
    sounds, previous model and seed give the same result.
    """
    reference = reference or default_model()
    scales = library_scales(sounds, reference)
    bare = dataclasses.replace(reference, clusters=(), scales=scales, default=False)
    z = standardise(sounds, bare)
    points = z * bare.weights
    prior = reference.centres * bare.weights
    measured = points[sounds.group != GUESSED]
    centres = fit_centres(measured, clusters, previous, prior, seed)
    sizes = np.bincount(nearest(points, centres), minlength=len(centres))
    fresh = sorted(named(centres / bare.weights, sizes, bare.weights), key=_by_mood)
    matched = match_centres(fresh, previous.clusters, bare.weights)
    pairs = zip(fresh, matched, strict=True)
    kept = [_kept(c, previous.clusters, old) for c, old in pairs]
    return Fit(dataclasses.replace(bare, clusters=tuple(unique(kept))), matched)


def fit_centres(
    points: np.ndarray,
    clusters: int,
    previous: ClusterModel,
    prior: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Return k centres of weighted points (float [n, 6]), float64 [k, 6].

    `prior` (float [p, 6], p may be 0) are points that count for `PRIOR` tracks
    each. The old centres are one of the starts and win a near tie, so that
    clusters do not jump about between re-fits.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(points))[:SAMPLE]
    sample = np.vstack([points[rows], prior.reshape(-1, 6)]).astype(np.float32)
    counts = np.append(np.ones(len(rows)), np.full(len(prior), PRIOR))
    # Enough to see a library of one song many times over.
    clusters = min(clusters, len(np.unique(sample[-500:], axis=0)))
    best = _kmeans(sample, counts, clusters, n_init=STARTS, random_state=seed)
    if len(previous.clusters) == clusters:
        old = previous.centres * previous.weights.astype(np.float32)
        again = _kmeans(sample, counts, clusters, n_init=1, init=old)
        if again.inertia_ <= best.inertia_ * (1 + _CLOSE):
            best = again
    return best.cluster_centers_.astype(np.float64)


def _kmeans(
    sample: np.ndarray,
    counts: np.ndarray,
    clusters: int,
    **settings: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    from sklearn.cluster import KMeans  # noqa: PLC0415  (a second to import)
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    # After the import, which brings the pools: the other cores belong to the
    # music, and one thread always adds up in the same order.
    with threadpool_limits(1):
        return KMeans(clusters, **settings).fit(sample, sample_weight=counts)


def match_centres(
    new: Sequence[Cluster], old: Sequence[Cluster], weights: np.ndarray
) -> tuple[int, ...]:
    """Return for each new cluster the number of the old one it continues, or −1.

    The assignment with the least sum of distances (Kuhn 1955), without pairs
    that lie far apart.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    matched = np.full(len(new), -1)
    if old:
        a = np.array([c.centre for c in new]) * weights
        b = np.array([c.centre for c in old]) * weights
        distance = np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))
        rows, columns = linear_sum_assignment(distance)
        close = distance[rows, columns] <= _SAME
        matched[rows[close]] = columns[close]
    return tuple(matched.tolist())


def due(catalogue: Catalogue, reheard: int = 0) -> bool:
    """Return whether the library has grown enough to be fitted (again).

    `reheard` tracks, whose features are others than before, count as new ones.
    """
    tracks = catalogue.counts()["analysed"]
    fitted = int(catalogue.meta(FITTED) or 0)
    return tracks >= OWN_FROM and tracks + reheard >= GROWTH * fitted


def refit_if_due(catalogue: Catalogue, reheard: int = 0) -> bool:
    """Fit the clusters anew after enough new tracks; return whether it was done."""
    if not due(catalogue, reheard):
        return False
    try:
        refit(catalogue, load_sounds(catalogue))
    except ModuleNotFoundError:  # scikit-learn is an extra; the clusters there serve
        return False
    return True


def refit(catalogue: Catalogue, sounds: Sounds) -> Fit:
    """Fit the clusters of the catalogue's sounds anew, and keep them."""
    result = fit(sounds, current_model(catalogue))
    keep_model(catalogue, result.model)
    catalogue.set_meta(FITTED, str(catalogue.counts()["analysed"]))
    return result


def silhouettes(z: np.ndarray, model: ClusterModel) -> np.ndarray:
    """Return each cluster's mean simplified silhouette, float [k], −1 … 1.

    From the distances to the own and the next centre (Hruschka 2004), on
    standardised rows (the first 20,000 are enough). NaN for a cluster without any.
    Shown to people, obeyed by nothing.
    """
    z = z[:SAMPLE]
    points, centres = z * model.weights, model.centres * model.weights
    distance = np.sqrt(((points[:, None] - centres[None]) ** 2).sum(2))
    near, next_ = np.sort(distance, axis=1)[:, :2].T
    values = (next_ - near) / np.maximum(next_, 1e-9)
    own = assign(z, model)
    sums = np.bincount(own, values, len(centres))
    with np.errstate(invalid="ignore"):
        return sums / np.bincount(own, minlength=len(centres))


def _by_mood(cluster: Cluster) -> tuple[int, int]:
    return list(SongMood).index(cluster.song_mood), -cluster.size


def _kept(cluster: Cluster, previous: Sequence[Cluster], number: int) -> Cluster:
    if number < 0:
        return cluster
    old = previous[number]
    song_mood = old.song_mood if old.bound else cluster.song_mood
    lasts = old.named or song_mood == old.song_mood
    return dataclasses.replace(
        cluster,
        name=old.name if lasts else cluster.name,
        song_mood=song_mood,
        named=old.named,
        bound=old.bound,
    )
