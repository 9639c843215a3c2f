"""Made-up shelves for the tests: songs with a mood, a sound and an artist each."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from mopidy_moodcam.glossary import SONG_MOOD_AFFECT, SongMood, Target
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.shelf import Shelf, load_shelf
from tests.songs import libraries

CENTRES = np.array(
    [dataclasses.astuple(SONG_MOOD_AFFECT[mood]) for mood in SongMood], np.float32
)


def target(song_mood=SongMood.HAPPY, why="the room has looked happy for 3 min"):
    return Target(song_mood, SONG_MOOD_AFFECT[song_mood], why)


def random_shelf(songs, *, artists=None, seed=0, moods=tuple(SongMood), loved=()):
    """Return a shelf of `songs` about the centres of `moods`, numbered from 1."""
    rng = np.random.default_rng(seed)
    numbers = np.array([list(SongMood).index(mood) for mood in moods], np.int8)
    song_mood = numbers[rng.integers(len(numbers), size=songs)]
    scatter = rng.normal(0, 0.2, (songs, 2)).astype(np.float32)
    plane = np.clip(CENTRES[song_mood] + scatter, -1, 1)
    energy = np.clip((plane[:, 1] + 1) / 2 + rng.normal(0, 0.1, songs), 0, 1)
    count = artists or max(1, songs // 8)
    return Shelf(
        track_id=np.arange(1, songs + 1, dtype=np.int64),
        plane=plane,
        song_mood=song_mood.astype(np.int8),
        tempo=rng.uniform(60, 180, songs).astype(np.float32),
        energy=energy.astype(np.float32),
        key=rng.integers(0, 12, songs).astype(np.int8),
        mode=rng.integers(0, 2, songs).astype(np.int8),
        artist=rng.integers(1, count + 1, songs).astype(np.int32),
        loved=np.isin(np.arange(1, songs + 1), loved),
        guessed=np.zeros(songs, bool),
        members={
            mood: np.flatnonzero(song_mood == number).astype(np.int32)
            for number, mood in enumerate(SongMood)
        },
    )


def library_shelf(songs, *, moods=tuple(SongMood)):
    """Return the shelf of a library that sounds like `moods`, places worked out."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Catalogue.open(Path(folder) / "catalogue.sqlite") as catalogue,
    ):
        catalogue.upsert_tracks(libraries.songs(songs, moods=moods))
        return load_shelf(catalogue)


def one_sided(songs=400):
    """Return a shelf of intense songs all over the plane, as a metal library is.

    Each other song mood borrows 30 songs, wherever these lie.
    """
    rng = np.random.default_rng(1)
    shelf = random_shelf(songs, moods=[SongMood.INTENSE], artists=songs)
    borrowed = {
        mood: rng.choice(songs, 30, replace=False).astype(np.int32) for mood in SongMood
    }
    return dataclasses.replace(
        shelf,
        plane=rng.uniform(-1, 1, (songs, 2)).astype(np.float32),
        members={**borrowed, SongMood.INTENSE: shelf.members[SongMood.INTENSE]},
    )
