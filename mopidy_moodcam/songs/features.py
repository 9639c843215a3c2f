"""What is known of a track's sound: Spotify's names, units and ranges.

Every source (the audio itself, Spotify, a table, a guess from tags) fills the
same columns, so that everything after this point is blind to where they came
from. Which source wins where two know the same track is decided here too.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RANGES: dict[str, tuple[float, float]] = {
    "danceability": (0.0, 1.0),
    "energy": (0.0, 1.0),
    "valence": (0.0, 1.0),
    "acousticness": (0.0, 1.0),
    "instrumentalness": (0.0, 1.0),
    "speechiness": (0.0, 1.0),
    "liveness": (0.0, 1.0),
    "loudness": (-60.0, 6.0),  # dB; values up to 3.4 are real
    "tempo": (0.0, 300.0),  # beats a minute; 0 = not analysed
    "key": (-1.0, 11.0),  # pitch class, 0 = C; −1 = unknown
    "mode": (0.0, 1.0),  # 1 major, 0 minor
    "time_signature": (0.0, 7.0),
    "arousal": (-1.0, 1.0),
}
"""Column → lowest and highest value, both allowed."""

FEATURES = tuple(RANGES)
"""The feature columns, in the order used everywhere."""


class FeatureSource(enum.StrEnum):
    """Where features came from; a name not known here counts as a table's."""

    AUDIO = "audio"
    SPOTIFY = "spotify"
    TABLE = "table"
    TAGS = "tags"

    @classmethod
    def _missing_(cls, value: object) -> FeatureSource:  # noqa: ARG003  enum's name
        return cls.TABLE


RANK: dict[FeatureSource, int] = {
    FeatureSource.AUDIO: 3,
    FeatureSource.SPOTIFY: 2,
    FeatureSource.TABLE: 1,
    FeatureSource.TAGS: 0,
}
"""Who wins: a higher rank replaces a lower or an equal one, never the reverse.

A file's own sound beats what a table says of a track of the same name: the
table may mean a remaster, a live take or a cover, and one file's neighbours on
the plane were analysed in the same way. A table beats a guess from tags.
"""

SCALE_GROUP: dict[FeatureSource, str] = {
    FeatureSource.AUDIO: "audio",
    FeatureSource.SPOTIFY: "spotify",
    FeatureSource.TABLE: "spotify",
    FeatureSource.TAGS: "tags",
}
"""Sources whose numbers are on one scale, and are standardised together."""


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """The sound of one track; None where a source does not know a value.

    Ranges and units are those of `RANGES`. `arousal` (−1 … 1) is filled by the
    analysis of audio only; elsewhere `energy` stands for it.
    """

    danceability: float | None = None
    energy: float | None = None
    valence: float | None = None
    acousticness: float | None = None
    instrumentalness: float | None = None
    speechiness: float | None = None
    liveness: float | None = None
    loudness: float | None = None
    tempo: float | None = None
    key: float | None = None
    mode: float | None = None
    time_signature: float | None = None
    arousal: float | None = None
    source: FeatureSource = FeatureSource.TABLE

    @property
    def enough(self) -> bool:
        """Whether the track can be placed on the valence-arousal plane."""
        return self.valence is not None and (
            self.energy is not None or self.arousal is not None
        )

    def values(self) -> tuple[float | None, ...]:
        """Return the values in the order of `FEATURES`."""
        return tuple(getattr(self, name) for name in FEATURES)

    @classmethod
    def checked(
        cls, values: Mapping[str, float | None], source: FeatureSource
    ) -> Features:
        """Make features from numbers of anyone's making.

        Raises `ValueError` with a short reason where a value is not finite or
        out of its range.
        """
        for name, value in values.items():
            if value is not None:
                check_range(name, value)
        return cls(**values, source=source)


def check_range(name: str, value: float) -> None:
    """Raise `ValueError` with a short reason where `value` cannot be `name`."""
    low, high = RANGES[name]
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} {value:g} is not between {low:g} and {high:g}")
