"""Why this song, in words a person understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.dj.feedback import in_words
from mopidy_moodcam.dj.smooth import key_fit
from mopidy_moodcam.glossary import SongMood, Step

if TYPE_CHECKING:
    from mopidy_moodcam.dj.feedback import Feedback
    from mopidy_moodcam.glossary import Target
    from mopidy_moodcam.songs.shelf import Shelf

CLOSE_TEMPO = 0.1
"""Octaves of tempo that go for close: 120 and 128. Half and double fit, but are not."""

BEING_READ = "the songs are being read"
NOTHING_PLAYABLE = (
    "none of the known songs can be played: Mopidy lacks the backend for them, such"
    " as Mopidy-Spotify, or each was banned or excluded"
)
NOTHING_SCANNED = (
    "there are no songs to choose from yet: run 'mopidy moodcam scan' or"
    " 'mopidy moodcam import'"
)
NOTHING_LEFT = (
    "no song is left to choose: each was banned or could not be played; see"
    " 'mopidy moodcam check'"
)


def reason(
    shelf: Shelf,
    row: int,
    target: Target,
    feedback: Feedback,
    *,
    before: int | None,
    remarks: tuple[str, ...] = (),
) -> str:
    """Return one line: the mood and its cause, then what spoke for this song."""
    clauses = [
        _mood(shelf, row, target),
        *(["guessed from its genre"] if shelf.guessed[row] else []),
        *remarks,
        *_neighbour(shelf, before, row),
        *_taste(shelf, row, target.song_mood, feedback),
    ]
    return "; ".join(clauses)


def _mood(shelf: Shelf, row: int, target: Target) -> str:
    own = list(SongMood)[shelf.song_mood[row]]
    said = own if isinstance(target, Step) else target.song_mood
    because = f", because {target.why}" if target.why else ""
    borrowed = "" if own is said else f"; a neighbouring song, {own}"
    return f"{said}{because}{borrowed}"


def _neighbour(shelf: Shelf, before: int | None, row: int) -> list[str]:
    if before is None:
        return []
    one = np.array([row])
    key = key_fit(
        shelf.key[before], shelf.mode[before], shelf.key[one], shelf.mode[one]
    )
    octaves = np.log2(shelf.tempo[row] / shelf.tempo[before])
    fits = [
        "tempo" if abs(octaves) <= CLOSE_TEMPO else "",
        "key" if key[0] >= 0.75 else "",
    ]
    said = " and ".join(filter(None, fits))
    return [f"close in {said} to the song before"] if said else []


def _taste(
    shelf: Shelf, row: int, song_mood: SongMood, feedback: Feedback
) -> list[str]:
    said = ["you love it"] if feedback.loved(np.array([row]))[0] else []
    words = in_words(*feedback.counts(int(shelf.track_id[row]), song_mood))
    return [*said, words] if words else said
