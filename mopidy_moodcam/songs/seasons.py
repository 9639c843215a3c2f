"""What a person leaves out of every song mood: artists, genres and seasons."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mopidy_moodcam.songs.match import plain_artist

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Season:
    """Songs known by words in title, album or genre, wanted in some months only."""

    words: tuple[str, ...]
    months: tuple[int, ...]


SEASONS: dict[str, Season] = {
    "christmas": Season(
        words=(
            "christmas",
            "xmas",
            "santa claus",
            "jingle bell",
            "silent night",
            "weihnacht",
            "stille nacht",
            "navidad",
            "noël",
            "natale",
            "julesang",
        ),
        months=(12,),
    ),
    "halloween": Season(words=("halloween",), months=(10,)),
}
"""Seasons that `mopidy moodcam moods exclude season NAME` knows."""

_ARTISTS = "'; ' || REPLACE(artist, ', ', '; ') || '; '"
"""One of several artists is a whole name between separators, not a part of one."""

KINDS = ("artist", "genre", "season")


def exclusion_clauses(
    exclusions: Sequence[tuple[str, str]], today: dt.date
) -> tuple[list[str], list[str]]:
    """Return SQL conditions that are true for excluded tracks, and their values."""
    clauses: list[str] = []
    values: list[str] = []
    for kind, value in exclusions:
        clause, wanted = _clause(kind, value, today)
        clauses += clause
        values += wanted
    return clauses, values


def _clause(kind: str, value: str, today: dt.date) -> tuple[list[str], list[str]]:
    if kind == "artist":
        named = f"{_ARTISTS} LIKE ? ESCAPE '\\'"
        first = "IFNULL(match_key, '') LIKE ? ESCAPE '\\'"
        return (
            [f"{named} OR {first}"],
            [f"%; {_escaped(value)}; %", f"%\t{_escaped(plain_artist(value))}"],
        )
    if kind == "genre":
        return ["genre LIKE ? ESCAPE '\\'"], [f"%{_escaped(value)}%"]
    season = SEASONS.get(value)
    if season is None or today.month in season.months:
        return [], []
    text = "title || ' ' || album || ' ' || genre LIKE ?"
    return (
        [" OR ".join([text] * len(season.words))],
        [f"%{word}%" for word in season.words],
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
