"""Where expressions lie on the valence-arousal plane, and ways across it.

The six expressions have the pleasure and arousal means that Russell and
Mehrabian (1977, "Evidence for a three-factor theory of emotions", Journal of
Research in Personality 11, 273-294) report for the words happy, angry,
disgusted, fearful, sad and surprised. Neutral is the origin: Russell (1980, "A
circumplex model of affect", Journal of Personality and Social Psychology 39,
1161-1178) has no such word.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import SONG_MOOD_AFFECT, UNKNOWN, Affect, SongMood

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPRESSION_AFFECT: Mapping[str, Affect] = MappingProxyType(
    {
        "angry": Affect(-0.51, 0.59),
        "disgust": Affect(-0.60, 0.35),
        "fear": Affect(-0.64, 0.60),
        "happy": Affect(0.81, 0.51),
        "sad": Affect(-0.63, -0.27),
        "surprise": Affect(0.40, 0.67),
        "neutral": Affect(0.0, 0.0),
        UNKNOWN: Affect(0.0, 0.0),
    }
)


def distance(one: Affect, other: Affect) -> float:
    """Return how far two points of the plane lie apart, 0 … 2.83."""
    return math.hypot(one.valence - other.valence, one.arousal - other.arousal)


def between(start: Affect, end: Affect, share: float) -> Affect:
    """Return the point `share` (0 … 1) of the way from `start` to `end`."""
    return Affect(
        start.valence + (end.valence - start.valence) * share,
        start.arousal + (end.arousal - start.arousal) * share,
    )


def from_way(affect: Affect, start: Affect, end: Affect) -> float:
    """Return how far a point lies from the straight way between two others."""
    across, up = end.valence - start.valence, end.arousal - start.arousal
    along = (affect.valence - start.valence) * across
    along += (affect.arousal - start.arousal) * up
    length = across**2 + up**2
    share = min(1.0, max(0.0, along / length)) if length else 0.0
    return distance(affect, between(start, end, share))


def nearest_song_mood(affect: Affect) -> SongMood:
    """Return the song mood whose place on the plane is nearest to `affect`."""
    return min(
        SONG_MOOD_AFFECT, key=lambda mood: distance(SONG_MOOD_AFFECT[mood], affect)
    )
