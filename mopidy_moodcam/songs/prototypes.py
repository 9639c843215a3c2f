"""What each song mood sounds like, in standard units of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import SongMood

if TYPE_CHECKING:
    from collections.abc import Mapping

_AXES = (
    "valence",
    "energy",
    "danceability",
    "acousticness",
    "instrumentalness",
    "loudness",
)


def _prototype(*values: float) -> dict[str, float]:
    return dict(zip(_AXES, values, strict=True))


PROTOTYPES: Mapping[SongMood, Mapping[str, float]] = {
    SongMood.HAPPY: _prototype(1.1, 0.4, 0.7, -0.2, -0.3, 0.3),
    SongMood.ENERGETIC: _prototype(0.2, 1.1, 0.1, -0.8, -0.3, 0.9),
    SongMood.ROMANTIC: _prototype(0.2, -0.6, 0.1, 0.7, -0.3, -0.3),
    SongMood.CALM: _prototype(-0.8, -1.8, -0.6, 1.5, 1.8, -1.7),
    SongMood.SAD: _prototype(-0.9, -0.6, -0.4, 0.4, -0.2, -0.2),
    SongMood.INTENSE: _prototype(-0.8, 1.0, -0.6, -0.9, 0.3, 0.7),
}
"""Song mood → axis → standard units (0 = the library's mean)."""
