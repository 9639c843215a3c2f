"""From the cells of one row to a track, or to the reason why not."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.catalogue import TrackRow
from mopidy_moodcam.songs.features import RANGES, Features, FeatureSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHARES = (
    "danceability",
    "energy",
    "valence",
    "acousticness",
    "instrumentalness",
    "speechiness",
    "liveness",
)
"""The features that are shares of one."""

LONGEST_TEXT = 1000
_PITCHES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_ALTERED = {"#": 1, "♯": 1, "b": -1, "♭": -1, "": 0}
_MODES = {"major": 1.0, "maj": 1.0, "dur": 1.0, "minor": 0.0, "min": 0.0, "moll": 0.0}
_KEY = re.compile(r"^([a-h])\s*([#♯b♭]?)(?:\s*(maj|min|major|minor|dur|moll|/).*)?$")
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_CLOCK = re.compile(r"^(?:(\d{1,3}):)?(\d{1,3}):(\d{2})(?:\.\d+)?$")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:\S", re.IGNORECASE)
_SPOTIFY_OTHER = re.compile(r"spotify[:.].*\b(episode|show|album|artist|playlist)\b")
_OF_SPOTIFY = re.compile(r"spotify:|https?://([\w-]+\.)*spotify\.", re.IGNORECASE)
_JOINED = re.compile(r",(?=[^\s\d])")  # `A,B` of Exportify until 2025; not `10,000`
_OPTIONAL = ("loudness", "tempo", "key", "mode", "time_signature", "arousal")


class Rejected(Exception):  # noqa: N818  (not an error: a row that says nothing)
    """A row that cannot be taken; the message is the reason, the same for its kind."""


def track_of(
    cells: Sequence[str], columns: Mapping[str, Sequence[int]], *, percent: bool = False
) -> TrackRow:
    """Return the track of one row, with features where it has them.

    `columns` says where each field is (see `headers.columns_of`), `percent` that
    shares are of 100. The URI is empty where the row names none. Raises `Rejected`.
    """
    text = {field: _first(cells, where) for field, where in columns.items()}
    if not any(text.values()):
        raise Rejected("empty row")
    track_id = _track_id(cells, columns)
    return TrackRow(
        uri=_uri(text.get("uri", ""), track_id),
        spotify_id=track_id,
        isrc=match.isrc(text.get("isrc", "")),
        title=_text(text.get("title", "")),
        artist=artists_of(_text(text.get("artist", ""))),
        album=_text(text.get("album", "")),
        genre=_text(text.get("genre", "")),
        year=_year(text.get("year", "")),
        duration_ms=_milliseconds(text),
        features=_features(text, percent=percent),
        failed=text.get("failed") or None,
        mtime=_optional(text, "mtime"),
        size=_whole(_optional(text, "size")),
        verdict=_verdict(text.get("verdict", "")),
        song_mood=_song_mood(text.get("moved", "")),
    )


def number(text: str) -> float | None:
    """Return the number in a cell, None where it is empty; raises `ValueError`.

    It may have a decimal comma; `82%` is 0.82.
    """
    if text.lower() in {"", "nan", "none", "null", "na", "n/a", "-"}:
        return None
    if "." not in text:
        text = text.replace(",", ".")
    if "_" in text:  # Python would read 1_000
        raise ValueError(text)
    return float(text[:-1]) / 100 if text[-1] == "%" else float(text)


def artists_of(text: str) -> str:
    """Return several artists as `A; B`, out of lists, dictionaries and escapes."""
    if text[:1] in "[{" and text[-1:] in "]}":
        return "; ".join(_literal(text)) or text
    if "\\," in text:
        parts = re.split(r"(?<!\\),\s*", text)
        return "; ".join(part.replace("\\,", ",") for part in parts)
    return _JOINED.sub("; ", text)


def _first(cells: Sequence[str], where: Sequence[int]) -> str:
    for column in where:
        if column < len(cells) and (cell := cells[column].strip()):
            return cell
    return ""


def _track_id(cells: Sequence[str], columns: Mapping[str, Sequence[int]]) -> str | None:
    for column in (*columns.get("uri", ()), *columns.get("spotify_id", ())):
        cell = cells[column].strip() if column < len(cells) else ""
        if _is_elsewhere(cell):
            continue
        if _SPOTIFY_OTHER.search(cell[:100]):
            raise Rejected("not a song (an episode, album, artist or playlist)")
        if found := match.spotify_id(cell):
            return found
    return None


def _uri(text: str, track_id: str | None) -> str:
    if len(text) <= LONGEST_TEXT and _is_elsewhere(text):
        return text
    return f"spotify:track:{track_id}" if track_id else ""


def _is_elsewhere(text: str) -> bool:
    """Return whether a cell is the URI of a song that is not Spotify's."""
    return bool(_SCHEME.match(text)) and not _OF_SPOTIFY.match(text)


def _text(text: str) -> str:
    # Control characters would tear up terminals and playlists.
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text[:LONGEST_TEXT].strip()


def _year(text: str) -> int | None:
    found = _YEAR.search(text)
    return int(found[1]) if found else None


def _milliseconds(text: Mapping[str, str]) -> int | None:
    in_ms = text.get("duration_ms", "")
    cell = in_ms or text.get("duration", "")
    if clock := _CLOCK.match(cell):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        if hours and not seconds:  # to Excel in some countries, 3:45 is 03:45:00
            return None
        return ((hours * 60 + minutes) * 60 + seconds) * 1000
    try:
        value = float(cell.removesuffix("s"))
    except ValueError:
        return None
    if not 1 <= value < 1e9:
        return None
    in_seconds = cell.endswith("s") or (not in_ms and value < 10_000)
    return round(value * 1000 if in_seconds else value)


def _features(text: Mapping[str, str], *, percent: bool) -> Features | None:
    whole = 100.0 if percent else 1.0
    values: dict[str, float | None] = {
        name: _share(text.get(name, ""), name, whole=whole) for name in SHARES
    }
    values |= {name: _optional(text, name) for name in _OPTIONAL}
    values["key"] = _key(text.get("key", ""))
    if values["mode"] is None:
        values["mode"] = _mode(text.get("mode", "") or text.get("key", ""))
    if all(value is None for value in values.values()):
        return None
    if values["valence"] is None or (
        values["energy"] is None and values["arousal"] is None
    ):
        if any(values[name] is not None for name in SHARES):
            raise Rejected("no valence or no energy")
        return None
    if values["tempo"] == 0 and not values["danceability"]:
        raise Rejected("never analysed by Spotify (tempo and danceability are 0)")
    return Features(**values, source=FeatureSource(text.get("source", "")))


def _share(text: str, name: str, *, whole: float) -> float | None:
    try:
        value = number(text)
    except ValueError:
        raise Rejected(f"{name} is no number") from None
    if value is not None and not 0 <= value <= whole:
        raise Rejected(f"{name} is not between 0 and {whole:g}")
    return None if value is None else value / whole


def _optional(text: Mapping[str, str], name: str) -> float | None:
    """Return a number that a track can do without; nonsense counts as unknown."""
    try:
        value = number(text.get(name, ""))
    except ValueError:
        return None
    low, high = RANGES.get(name, (0.0, 1e18))
    return value if value is not None and low <= value <= high else None


def _key(text: str) -> float | None:
    try:
        value = number(text)
    except ValueError:
        return _pitch(text)
    return value if value is not None and value in range(12) else None


def _pitch(text: str) -> float | None:
    found = _KEY.match(text.strip().lower())
    return float((_PITCHES[found[1]] + _ALTERED[found[2]]) % 12) if found else None


def _mode(text: str) -> float | None:
    words = match.plain(text).split()
    return _MODES.get(words[-1]) if words else None


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        return Verdict.NONE


def _song_mood(text: str) -> SongMood | None:
    try:
        return SongMood(text)
    except ValueError:
        return None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _literal(text: str) -> list[str]:
    # `{'id': 'name'}` and `['name', 'name']` are Python literals in these tables.
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return []
    names = value.values() if isinstance(value, dict) else value
    return [name.strip() for name in names if isinstance(name, str) and name.strip()]
