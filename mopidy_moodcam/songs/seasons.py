"""What a person leaves out of every song mood: artists, genres and seasons."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.songs.match import first_artist, plain_artist
from mopidy_moodcam.songs.schema import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mopidy_moodcam.songs.catalogue import Catalogue


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

SPOKEN = "spoken"
"""The genre of all that is no music (see `tags.is_spoken`), left out from the start.
What a person loves or has moved stays in all the same."""

_ARTISTS = "'; ' || REPLACE(artist, ', ', '; ') || '; '"
"""One of several artists is a whole name between separators, not a part of one."""

_SPOKEN = f"is_spoken(genre) AND verdict <> '{Verdict.LOVED}' AND song_mood IS NULL"

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


def left_out(catalogue: Catalogue, kind: str, value: str) -> int:
    """Return how many tracks an artist or a genre that is left out has."""
    (clause,), values = _clause(kind, value, dt.date.min)
    ((count,),) = catalogue.rows(f"SELECT COUNT(*) FROM tracks WHERE {clause}", values)
    return count


def _clause(kind: str, value: str, today: dt.date) -> tuple[list[str], list[str]]:
    if kind == "artist":
        return _artist_clause(value)
    if kind == "genre":
        if value.lower() == SPOKEN:
            return [_SPOKEN], []
        return ["genre LIKE ? ESCAPE '\\'"], [f"%{escaped(value)}%"]
    season = SEASONS.get(value)
    if season is None or today.month in season.months:
        return [], []
    text = "title || ' ' || album || ' ' || genre LIKE ?"
    return (
        [" OR ".join([text] * len(season.words))],
        [f"%{word}%" for word in season.words],
    )


def _artist_clause(name: str) -> tuple[list[str], list[str]]:
    named = f"{_ARTISTS} LIKE ? ESCAPE '\\'"
    whole = f"%; {escaped(name.strip().replace(', ', '; '))}; %"
    if first_artist(name) != name.strip():  # several artists are not the first of them
        return [named], [whole]
    first = "IFNULL(match_key, '') LIKE ? ESCAPE '\\'"
    return [f"{named} OR {first}"], [whole, f"%\t{escaped(plain_artist(name))}"]
