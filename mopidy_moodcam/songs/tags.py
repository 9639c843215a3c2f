"""What a genre suggests: no music at all, or a marked guess where nothing can be heard.

Radio, streams and the like have no file. The guess ranks below every other
source and never replaces one. Positions are the means per genre of MUSIFEAST-17
(van der Walle et al. 2025, CC0: 21 clips a genre, rated by listeners), pulled
half-way to the middle, because a genre says little about a song.
"""

from __future__ import annotations

import functools
import re

from mopidy_moodcam.songs.features import Features, FeatureSource
from mopidy_moodcam.songs.match import plain

TRUST = 0.5
"""How far a guess may leave the middle of the plane."""

MIDDLE = (0.2, 0.1)
"""Valence and arousal of all rated clips together, from -1 to 1."""

# Genre → mean valence and arousal of its rated clips; further words lean on the
# nearest of the rated genres. More particular words come first.
_PLANE = {
    "ambient|drone|new age|meditation|sleep|chill|lounge": (0.10, -0.44),
    "classical|baroque|opera|chamber|piano|symphon": (0.20, -0.27),
    "metal|hardcore|grindcore|industrial": (0.03, 0.57),
    "punk|grunge": (0.11, 0.45),
    "dance|house|techno|trance|edm|drum.?(?:and|n|&).?bass|disco|club": (0.27, 0.56),
    "hip.?hop|rap|trap": (0.12, 0.08),
    "funk|ska|latin|salsa|samba|reggaeton": (0.31, 0.29),
    "r.?&.?b|rnb|soul|motown": (0.19, -0.06),
    "jazz|swing|bossa|blues|reggae": (0.33, 0.05),
    "country|bluegrass|americana": (0.28, 0.04),
    "folk|acoustic|singer|chanson|celtic": (0.23, -0.07),
    "soundtrack|score|film|game": (0.12, 0.02),
    "electro|synth|idm": (0.12, 0.04),
    "oldies|60s|1960s|rock.?(?:and|n|&).?roll": (0.33, 0.17),
    "80s|1980s|new wave": (0.36, 0.25),
    "pop": (0.20, 0.14),
    "rock|indie|alternative": (0.20, 0.21),
}
_WORDS = {
    re.compile(rf"\b(?:{words})", re.IGNORECASE): at for words, at in _PLANE.items()
}


# As `match.plain` has them: whole names of genres, of some only the beginning.
_SPOKEN = re.compile(
    r"(?:audio ?books?|audio ?buch|audio drama|audio theat(?:re|er)|radio drama|podcast"
    r"|horbuch|hoerbuch|horspiel|hoerspiel|livres? audio|audiolivre|audiolibro"
    r"|luisterboek|audioboek|ljudbok|lydbok).*"
    r"|speech|spoken(?: word)?|jingles?|sound effects?"
)


@functools.lru_cache(4096)
def is_spoken(genre: str) -> bool:
    """Whether a track is no music by its genre; of several names each must say so."""
    names = [plain(name) for name in re.split("[;,/|]", genre)]
    names = [name for name in names if name]
    return bool(names) and all(_SPOKEN.fullmatch(name) for name in names)


def guess(genre: str) -> Features | None:
    """Return features guessed from a genre, or None where it says nothing.

    Only `valence` and `energy` (0 … 1) and `arousal` (−1 … 1) are filled, and
    `source` says that they are a guess.
    """
    for words, (valence, arousal) in _WORDS.items():
        if words.search(genre):
            return Features(
                valence=0.5 + TRUST * (valence - MIDDLE[0]),
                energy=0.5 + TRUST * (arousal - MIDDLE[1]),
                arousal=TRUST * (arousal - MIDDLE[1]),
                source=FeatureSource.TAGS,
            )
    return None
