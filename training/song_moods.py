"""Learn the default clusters of songs and write models/song_moods.json.

    python training/song_moods.py [--tables ../shared/data/music] [--out models]

From 104,587 tracks with Spotify's features: means and deviations (the scale that
libraries are compared with), how unknown features follow from valence and energy,
and the clusters with their names. From the 178 rated clips: the same scale for what
our own analysis of audio says. Only these numbers go into the file. What they
are worth on the labelled tables is printed by tests/bench/bench_clusters.py.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib

import numpy as np
import pandas as pd

from mopidy_moodcam.resources import model_path
from mopidy_moodcam.songs.clusters import AXES, ClusterModel, Scale
from mopidy_moodcam.songs.fitting import fit
from mopidy_moodcam.songs.hearing.heads import LEARNED, load_heads
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
# Tracks of a library that each reference scale counts for (see clusters.Scale). Ours of
# audio comes from 178 clips only, so a library of a thousand is its own measure.
COUNTS_FOR = {"spotify": 10_000, "audio": 1000}
HAS_VOICE = 0.5  # Spotify: instrumentalness above it is an instrumental

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


def reference(sounds: Sounds, audio: Scale | None) -> ClusterModel:
    """Return a model without clusters: scales, weights and filling of gaps."""
    values = np.float64(sounds.values[:, : len(AXES)])  # noqa: PD011
    mean, deviation = values.mean(0), values.std(0)
    z = (values - mean) / deviation
    slopes = np.linalg.lstsq(z[:, :2], z[:, 2:], rcond=None)[0].T
    # Spotify has no arousal; one given by hand is on the plane's own scale.
    spotify = Scale(
        np.append(mean, 0.0), np.append(deviation, 0.4), COUNTS_FOR["spotify"]
    )
    return ClusterModel(
        clusters=(),
        scales={"spotify": spotify, "audio": audio or spotify},
        weights=np.array([WEIGHTS[axis] for axis in AXES]),
        fill=np.vstack([np.eye(2), slopes]),
        default=True,
    )


def audio_scale(sounds: Sounds, heard: np.ndarray, voice: np.ndarray) -> Scale:
    """Return what our own analysis would say of a library like the table's.

    `heard` are the clips' features, float [n, 7], `voice` bool [n]. The clips are
    calmer and far more often instrumental than libraries are, so each counts for
    the table's share of its kind: with or without a voice, and its third of energy.
    """
    energy = AXES.index("energy")
    table = np.float64(sounds.values[:, : len(AXES)])  # noqa: PD011
    thirds = np.quantile(table[:, energy], [1 / 3, 2 / 3])
    sung = table[:, AXES.index("instrumentalness")] <= HAS_VOICE
    here = kinds(heard[:, energy], thirds, voice)
    there = kinds(table[:, energy], thirds, sung)
    share = np.bincount(there, minlength=6) / len(there)
    weights = share[here] / np.bincount(here, minlength=6)[here]
    mean = np.average(heard, 0, weights)
    deviation = np.sqrt(np.average((heard - mean) ** 2, 0, weights))
    # Our analysis leaves loudness unknown; its scale is Spotify's.
    loudness = AXES.index("loudness")
    mean[loudness] = table[:, loudness].mean()
    deviation[loudness] = table[:, loudness].std()
    return Scale(mean, deviation, COUNTS_FOR["audio"])


def kinds(energy: np.ndarray, thirds: np.ndarray, voice: np.ndarray) -> np.ndarray:
    """Return a number 0 … 5 per track: its third of energy, with a voice or not."""
    return np.digitize(energy, thirds) + 3 * voice.astype(int)


def hear_clips(cache: pathlib.Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return features [n, 7] and voice [n] of the rated clips, by our own analysis."""
    import song_heads  # noqa: PLC0415  (needs the clips and the weights)

    clips, _ = song_heads.load()
    heads = load_heads(model_path("song_heads.json"))[LEARNED]
    as_they_are = song_heads.listen(clips, cache)[0]
    heard = [heads.features(row) for row in as_they_are]
    columns = (*AXES, "arousal")
    values = [[getattr(row, name) for name in columns] for row in heard]
    voice = [row["vocals"] == "yes" for row in clips]
    return np.array(values, float), np.array(voice)


def learn(sounds: Sounds, audio: Scale | None = None) -> ClusterModel:
    """Return the default clusters; `audio` is the scale of our own analysis."""
    bare = reference(sounds, audio)
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
    parser.add_argument(
        "--heard", type=pathlib.Path, help="keep what was heard in the clips here"
    )
    arguments = parser.parse_args()
    sounds = read_sounds(arguments.tables / "catalogue.csv.gz")
    model = learn(sounds, audio_scale(sounds, *hear_clips(arguments.heard)))
    path = arguments.out / "song_moods.json"
    path.write_text(json.dumps(model.to_json(), indent=1) + "\n", "utf-8")
    for group, scale in model.scales.items():
        print(f"{group:8}", scale.mean.round(2), scale.deviation.round(2))
    for cluster in model.clusters:
        centre = " ".join(f"{value:+.2f}" for value in cluster.centre)
        print(f"{cluster.name:24} {cluster.song_mood:10} {cluster.size:7} {centre}")


if __name__ == "__main__":
    main()
