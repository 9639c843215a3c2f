"""Libraries made up for tests: songs whose features are spread as in real ones."""

from __future__ import annotations

import csv
import io

import numpy as np

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.catalogue import TrackRow
from mopidy_moodcam.songs.clusters import AXES, default_model
from mopidy_moodcam.songs.features import Features, FeatureSource
from mopidy_moodcam.songs.hearing.descriptors import describe
from mopidy_moodcam.songs.hearing.heads import embedding_inputs
from mopidy_moodcam.songs.hearing.spectrum import spectrum

HEADER = (
    "track_id",
    "track_name",
    "artist",
    "danceability",
    "energy",
    "valence",
    "acousticness",
    "instrumentalness",
    "loudness",
    "tempo",
    "key",
    "mode",
)


def spotify_id(number: int) -> str:
    """Return a made-up Spotify id, 22 letters and digits."""
    return f"{number:022d}"


def songs(
    count: int,
    *,
    seed: int = 0,
    source: FeatureSource = FeatureSource.TABLE,
    moods: tuple[SongMood, ...] = tuple(SongMood),
) -> list[TrackRow]:
    """Return songs spread over the default clusters of `moods`, 5 by each artist."""
    return [
        TrackRow(
            uri=f"local:track:{number}.mp3",
            title=f"Song {number}",
            artist=f"Artist {number // 5}",
            features=features,
        )
        for number, features in enumerate(_features(count, seed, source, moods))
    ]


def table(count: int, *, seed: int = 0, delimiter: str = ",") -> str:
    """Return a CSV table of such songs."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(HEADER)
    for number, sound in enumerate(_features(count, seed, FeatureSource.TABLE)):
        values = [getattr(sound, name) for name in HEADER[3:]]
        row = (spotify_id(number), f"Song {number}", f"Artist {number // 5}", *values)
        writer.writerow(row)
    return text.getvalue()


def rated_clips(
    count: int,
) -> tuple[list[dict[str, str]], dict[str, np.ndarray], list[list[dict[str, float]]]]:
    """Return clips as `training/song_heads.py` loads and hears them, made up.

    These are the table's rows, ratings and references by name, [clips] or [clips, n],
    and what was heard at four levels, [levels][clips] of numbers by name.
    """
    rng = np.random.default_rng(0)
    rows = [{"vocals": "yes" if number % 2 else "no"} for number in range(count)]
    ratings = {
        "arousal": rng.uniform(1, 5, count),
        "valence": rng.uniform(1, 5, count),
        "genre": np.arange(count) // 10,
        "musicnn_emb200": rng.normal(size=(count, 200)),
        "vibenet7": rng.uniform(size=(count, 7)),
    }
    silence = describe([spectrum(np.zeros(80_000, np.float32))])
    names = [*silence, *embedding_inputs(np.zeros((1, 200)))]
    heard = [
        [dict(zip(names, row, strict=True)) for row in clips]
        for clips in rng.normal(size=(4, count, len(names))).tolist()
    ]
    return rows, ratings, heard


def _features(
    count: int,
    seed: int,
    source: FeatureSource,
    moods: tuple[SongMood, ...] = tuple(SongMood),
) -> list[Features]:
    model = default_model()
    scale = model.scales["spotify"]
    rng = np.random.default_rng(seed)
    centres = model.centres[np.isin(np.array(SongMood)[model.moods], moods)]
    centre = centres[rng.integers(len(centres), size=count)]
    z = centre + rng.normal(0, 0.4, centre.shape)
    values = z * scale.deviation[: len(AXES)] + scale.mean[: len(AXES)]
    values[:, :5] = values[:, :5].clip(0, 1)
    return [
        Features(
            **dict(zip(AXES, row, strict=True)),
            tempo=120.0,
            key=float(number % 12),
            mode=1.0,
            source=source,
        )
        for number, row in enumerate(values.round(4).tolist())
    ]
