"""Learn the default clusters of songs and write models/song_moods.json.

    python training/song_moods.py [--tables ../shared/data/music] [--out models]

From 104,597 tracks with Spotify's features: means and deviations (the scale that
libraries are compared with), how unknown features follow from valence and energy,
and the clusters with their names. Only these numbers go into the file. What they
are worth on the labelled tables is printed by tests/bench/bench_clusters.py.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib

import numpy as np
import pandas as pd

from mopidy_moodcam.songs.clusters import AXES, ClusterModel, Scale
from mopidy_moodcam.songs.fitting import fit
from mopidy_moodcam.songs.sounds import COLUMNS, GROUPS, Sounds

# Valence and energy make moods. The other four tell calm from sad and happy from
# energetic; at full weight they turn the clusters into genres. Loudness says little
# that energy has not said (they correlate by 0.77), so it weighs least.
WEIGHTS = {
    "valence": 1.0,
    "energy": 1.0,
    "danceability": 0.5,
    "acousticness": 0.5,
    "instrumentalness": 0.5,
    "loudness": 0.35,
}
# Mean and deviation of `arousal` where our own analysis of audio gives it.
AROUSAL = (0.0, 0.35)

ROOT = pathlib.Path(__file__).parent.parent
SHARED = pathlib.Path(os.environ.get("MOODCAM_SHARED") or ROOT.parent / "shared")


def read_sounds(table: pathlib.Path) -> Sounds:
    """Return the tracks of a table with Spotify's column names."""
    rows = pd.read_csv(table)
    rows = rows[rows["tempo"] > 0]  # the ten others were never analysed by Spotify
    values = rows.reindex(list(COLUMNS), axis=1).to_numpy(np.float32)
    count = len(rows)
    return Sounds(
        track_id=np.arange(count),
        values=values,
        group=np.full(count, GROUPS.index("spotify"), np.int8),
        artist=np.zeros(count, np.int32),
        by_hand=np.full(count, -1, np.int8),
        loved=np.zeros(count, bool),
    )


def reference(sounds: Sounds) -> ClusterModel:
    """Return a model without clusters: scale, weights and filling of gaps."""
    values = np.float64(sounds.values[:, : len(AXES)])  # noqa: PD011
    mean, deviation = values.mean(0), values.std(0)
    z = (values - mean) / deviation
    slopes = np.linalg.lstsq(z[:, :2], z[:, 2:], rcond=None)[0].T
    scale = Scale(np.append(mean, AROUSAL[0]), np.append(deviation, AROUSAL[1]))
    return ClusterModel(
        clusters=(),
        scales={"spotify": scale, "audio": scale},
        weights=np.array([WEIGHTS[axis] for axis in AXES]),
        fill=np.vstack([np.eye(2), slopes]),
        default=True,
    )


def learn(sounds: Sounds) -> ClusterModel:
    """Return the default clusters."""
    bare = reference(sounds)
    fitted = fit(sounds, bare, reference=bare).model
    return ClusterModel(
        fitted.clusters, bare.scales, bare.weights, bare.fill, default=True
    )


def main() -> None:
    """Write the model and print its clusters."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--tables", type=pathlib.Path, default=SHARED / "data" / "music"
    )
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "models")
    arguments = parser.parse_args()
    model = learn(read_sounds(arguments.tables / "catalogue.csv.gz"))
    path = arguments.out / "song_moods.json"
    path.write_text(json.dumps(model.to_json(), indent=1) + "\n", "utf-8")
    for cluster in model.clusters:
        centre = " ".join(f"{value:+.2f}" for value in cluster.centre)
        print(f"{cluster.name:24} {cluster.song_mood:10} {cluster.size:7} {centre}")


if __name__ == "__main__":
    main()
