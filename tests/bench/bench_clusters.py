"""How much mood is in the clusters, and what they cost: `bench_clusters.py`.

`--tables` and `--times` run one half only; `--quick` leaves out the million.

**Tables.** The two labelled tables are imported into a catalogue like anybody's and
read back from the shelf. Of the playlists' tracks: how many get the song mood of
their playlist's title (energetic and intense count as energetic, calm and romantic
as calm). Of the tagged tracks: by how many standard deviations arousal (valence)
from listeners' tags differs between tracks in clusters whose centre lies above and
below the library's mean energy (valence). `default` are the clusters that came with
the package, which libraries under 500 tracks use; `own` are clusters fitted to
the 637 (1,885) tracks themselves. No label is used for either; but k, the weights
and the prototypes were chosen while looking at these two tables.

**Times.** Rows drawn from made-up sounds, in a real catalogue. `fit and assign` is
k-means with its starts, and the assignment of all rows; importing scikit-learn and
reading the rows from SQLite are shown beside it. MiniBatchKMeans runs on the same
rows, on all of them, with scikit-learn's default batches and the same starts.
"""

from __future__ import annotations

import argparse
import csv
import functools
import gzip
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))


from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs import clusters, fitting, tables
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.features import FEATURES
from mopidy_moodcam.songs.shelf import make_shelf, song_moods
from mopidy_moodcam.songs.sounds import COLUMNS, Sounds, load_sounds
from tests.bench import benches

READ_AS = {"intense": "energetic", "romantic": "calm"}
MOODS = [str(mood) for mood in SongMood]
BARS = {"accuracy": 0.73, "separation": 0.50, 100_000: 2.0, 1_000_000: 10.0}
MEGABYTES = 1000
NEW_TRACK_MS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rows:  # one size, in a process of its own so that memory is its own
        measure(options.rows)
        return
    benches.begin("one thread")
    both = options.tables == options.times
    if options.tables or both:
        bench_tables()
    if options.times or both:
        for rows in [100_000] if options.quick else [100_000, 1_000_000]:
            subprocess.run([sys.executable, __file__, "--rows", str(rows)], check=True)


# Tables


def bench_tables() -> None:
    playlists = benches.shared("music/moods_playlists.csv")
    tagged = benches.shared("music/moods_tag_valence_arousal.csv.gz")
    if playlists is None or tagged is None:
        return
    for kind in ("default", "own"):
        show_accuracy(kind, playlists)
        show_separation(kind, tagged)
    show_comparison(playlists)


def show_accuracy(kind: str, table: Path) -> None:
    model = chosen(kind, imported(table)[0])
    right = accuracy(table, model)
    print(
        f"playlists, {kind} clusters: accuracy {right:.3f}"
        f" (at least {BARS['accuracy']}) {verdict(right >= BARS['accuracy'])}"
    )
    shelf = make_shelf(imported(table)[0], model)
    borrowed = ", ".join(sorted(shelf.borrowed)) or "none"
    counts = ", ".join(f"{mood} {len(rows)}" for mood, rows in shelf.members.items())
    print(f"    songs: {counts}; topped up: {borrowed}")
    happy = [read for mood, read in found(table, model) if mood == "happy"]
    wild = happy.count("energetic")
    print(f"    {wild} of the {len(happy)} happy ones found energetic or intense")


def show_separation(kind: str, table: Path) -> None:
    model = chosen(kind, imported(table)[0])
    gaps = separations(table, model)
    for name, gap in zip(("valence", "arousal"), gaps, strict=True):
        print(
            f"tags, {kind} clusters: {name} differs by {gap:.2f} standard deviations"
            f" (at least {BARS['separation']}) {verdict(gap >= BARS['separation'])}"
        )


def show_comparison(table: Path) -> None:
    """Print what the largest mood alone would reach, and what learning labels would."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sounds, _ = imported(table)
    labels = playlist_moods(table)
    majority = max(labels.count(mood) for mood in labels) / len(labels)
    learner = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    axes = sounds.values[:, : len(clusters.AXES)]
    learnt = cross_val_score(learner, axes, labels, cv=folds).mean()
    print(
        f"playlists, for comparison: majority {majority:.3f};"
        f" logistic regression with labels, in 10 folds, {learnt:.3f}"
    )


def accuracy(table: Path, model: clusters.ClusterModel) -> float:
    """Return the share of tracks whose song mood is read as their playlist's mood."""
    return float(np.mean([mood == read for mood, read in found(table, model)]))


def found(table: Path, model: clusters.ClusterModel) -> list[tuple[str, str]]:
    """Return each track's mood by its playlist, and by its cluster read as one."""
    sounds, _ = imported(table)
    numbers = song_moods(sounds, clusters.standardise(sounds, model), model)
    read = [READ_AS.get(MOODS[number], MOODS[number]) for number in numbers]
    return list(zip(playlist_moods(table), read, strict=True))


def playlist_moods(table: Path) -> list[str]:
    """Return the mood of each sound's playlist."""
    sounds, ids = imported(table)
    by_id = {ids[uri]: mood for uri, mood in column(table, "mood").items()}
    return [by_id[i] for i in sounds.track_id.tolist()]


def separations(table: Path, model: clusters.ClusterModel) -> tuple[float, float]:
    """Return by how much tags of valence and arousal differ, in their deviations."""
    sounds, ids = imported(table)
    z = clusters.standardise(sounds, model)
    own = clusters.assign(z, model)
    gaps = []
    for axis, name in enumerate(("valence", "arousal")):
        tags = column(table, f"tag_{name}")
        by_id = {ids[uri]: float(value) for uri, value in tags.items()}
        values = np.array([by_id[i] for i in sounds.track_id.tolist()])
        above = (model.centres[:, axis] > z[:, axis].mean())[own]
        gaps.append((values[above].mean() - values[~above].mean()) / values.std())
    return gaps[0], gaps[1]


def chosen(kind: str, sounds: Sounds) -> clusters.ClusterModel:
    model = clusters.default_model()
    return model if kind == "default" else fitting.fit(sounds, model).model


@functools.cache
def imported(table: Path) -> tuple[Sounds, dict[str, int]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Catalogue.open(Path(folder) / "catalogue.sqlite") as catalogue,
    ):
        report = tables.import_file(catalogue, table)
        assert not report.rejected, report
        ids = dict(catalogue.rows("SELECT uri, id FROM tracks"))
        return load_sounds(catalogue), ids


def column(table: Path, name: str) -> dict[str, str]:
    opened = gzip.open if table.suffix == ".gz" else open
    with opened(table, "rt", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return {
            f"spotify:track:{row.get('track_id') or row['id']}": row[name]
            for row in rows
        }


# Times


def measure(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.sqlite"
        fill(path, rows)
        with Catalogue.open(path) as catalogue:
            seconds = timed(catalogue)
        seconds["import scikit-learn"] = importing()
    total = seconds["fit"] + seconds["assign"]
    print(
        f"{rows:,} tracks: fit {seconds['fit']:.2f} s and assign"
        f" {seconds['assign']:.2f} s = {total:.2f} s (under {BARS[rows]:g} s)"
        f" {verdict(total < BARS[rows])};"
        f" reading SQLite {seconds['read']:.2f} s beside it,"
        f" importing scikit-learn {seconds['import scikit-learn']:.2f} s"
    )
    print(
        f"    MiniBatchKMeans {seconds['mini-batch']:.2f} s,"
        f" {seconds['mini-batch'] / total:.1f} times as long;"
        f" inertia {seconds['inertia ratio']:.3f} of its;"
        f" a new track {seconds['new'] * 1e3:.3f} ms (under {NEW_TRACK_MS:g})"
        f" {verdict(seconds['new'] * 1e3 < NEW_TRACK_MS)};"
        f" peak memory {seconds['memory']:.0f} MB (under {MEGABYTES})"
        f" {verdict(seconds['memory'] < MEGABYTES)}"
    )


def timed(catalogue: Catalogue) -> dict[str, float]:
    fitting.fit(load_sounds(catalogue).some(slice(500)), clusters.default_model())
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    sounds = load_sounds(catalogue)
    seconds["read"] = time.perf_counter() - start
    start = time.perf_counter()
    model = fitting.fit(sounds, clusters.default_model()).model
    seconds["fit"] = time.perf_counter() - start
    start = time.perf_counter()
    z = clusters.standardise(sounds, model)
    own = clusters.assign(z, model)
    seconds["assign"] = time.perf_counter() - start
    seconds["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    points = np.ascontiguousarray(z * model.weights, np.float32)
    centres = (model.centres * model.weights).astype(np.float32)
    inertia = float(((points - centres[own]) ** 2).sum(dtype=np.float64))
    seconds["new"] = one_by_one(sounds, model)
    mini, its = mini_batch(points)
    return seconds | {"mini-batch": mini, "inertia ratio": inertia / its}


def one_by_one(sounds: Sounds, model: clusters.ClusterModel, count: int = 500) -> float:
    start = time.perf_counter()
    for row in range(count):
        one = sounds.some(slice(row, row + 1))
        clusters.assign(clusters.standardise(one, model), model)
    return (time.perf_counter() - start) / count


def mini_batch(points: np.ndarray) -> tuple[float, float]:
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    start = time.perf_counter()
    with threadpool_limits(1):
        fitted = MiniBatchKMeans(
            fitting.CLUSTERS, n_init=fitting.STARTS, random_state=0
        ).fit(points)
    return time.perf_counter() - start, float(fitted.inertia_)


def fill(path: Path, rows: int) -> None:
    """Make a catalogue of tracks whose features are spread as in real libraries."""
    model = clusters.default_model()
    scale = model.scales["spotify"]
    rng = np.random.default_rng(0)
    names = [name for name in FEATURES if name in COLUMNS[: len(clusters.AXES)]]
    order = [COLUMNS.index(name) for name in names]
    marks = ", ".join("?" * (len(names) + 1))
    with Catalogue.open(path) as catalogue, catalogue.writing() as connection:
        for first in range(0, rows, 50_000):
            count = min(50_000, rows - first)
            centre = model.centres[rng.integers(len(model.centres), size=count)]
            z = centre + rng.normal(0, 0.6, centre.shape)
            values = z * scale.deviation[:6] + scale.mean[:6]
            values[:, :5] = values[:, :5].clip(0, 1)
            connection.executemany(
                f"INSERT INTO tracks (uri, {', '.join(names)}, feature_source,"  # noqa: S608
                f" tempo, key, mode, artist_code, feature_rank)"
                f" VALUES ({marks}, 'table', 120.0, 5, 1, 7, 1)",
                [
                    (f"local:track:{first + i}", *row)
                    for i, row in enumerate(values[:, order].tolist())
                ],
            )


def importing() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import sklearn.cluster"], check=True)
    bare = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    return max(0.0, (bare - start) - (time.perf_counter() - bare))


def verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


if __name__ == "__main__":
    main()
