"""From Spotify's JSON to a track and its features, or to the reason why not."""

from __future__ import annotations

import re
from typing import Any

from mopidy_moodcam.songs import match
from mopidy_moodcam.songs.catalogue import TrackRow
from mopidy_moodcam.songs.cells import LONGEST_TEXT, Rejected
from mopidy_moodcam.songs.features import FEATURES, Features, FeatureSource
from mopidy_moodcam.songs.spotify.api import clean

_ID = re.compile(r"[0-9A-Za-z]{22}")
_YEAR = re.compile(r"(1[89]\d\d|20\d\d)(?:-|$)")
_LONGEST_MS = 10**9


class Unplayable(Rejected):
    """A song that may not be played here, for now; `uri` says which."""

    def __init__(self, uri: str) -> None:
        super().__init__("not to be played in your country")
        self.uri = uri


def track_of(entry: object) -> TrackRow:
    """Return the track in an entry of a playlist, of the saved tracks or a search.

    Playlists hold it as `item` (as `track` for applications with extended
    quota), saved tracks as `track`, searches plainly. Raises `Rejected`.
    """
    item = _unwrapped(entry)
    track_id = item.get("id")
    if not isinstance(track_id, str) or not _ID.fullmatch(track_id):
        raise Rejected("without a Spotify id")
    if item.get("is_playable") is False:
        raise Unplayable(f"spotify:track:{track_id}")
    title = _text(item.get("name"))
    if not title:
        raise Rejected("without a title")
    album = _object(item.get("album"))
    return TrackRow(
        uri=f"spotify:track:{track_id}",
        spotify_id=track_id,
        isrc=match.isrc(_text(_object(item.get("external_ids")).get("isrc"))),
        title=title,
        artist=_artists(item.get("artists")),
        album=_text(album.get("name")),
        year=_year(album.get("release_date")),
        duration_ms=_milliseconds(item.get("duration_ms")),
    )


def features_of(entry: object) -> tuple[str, Features] | None:
    """Return a track's id and features out of `/audio-features`.

    None where Spotify has none for it, or impossible ones.
    """
    found = _object(entry)
    track_id = found.get("id")
    values = {name: _number(found.get(name)) for name in FEATURES if name != "arousal"}
    if not isinstance(track_id, str) or not values["tempo"]:  # 0: never analysed
        return None
    try:
        features = Features.checked(values, FeatureSource.SPOTIFY)
    except ValueError:
        return None
    return (track_id, features) if features.enough else None


def _unwrapped(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise Rejected("an empty entry")
    wrapped = {"item", "track"} & entry.keys() and entry.get("type") != "track"
    item = (entry.get("item") or entry.get("track")) if wrapped else entry
    if not isinstance(item, dict):
        raise Rejected("no longer on Spotify")
    if entry.get("is_local") or item.get("is_local"):
        raise Rejected("a file on your own computer, which only Spotify's program has")
    kind = item.get("type", "track")
    if kind != "track":
        raise Rejected("an episode, not a song" if kind == "episode" else "not a song")
    return item


def _artists(artists: object) -> str:
    names = artists if isinstance(artists, list) else []
    found = (_text(_object(artist).get("name")) for artist in names)
    return "; ".join(name for name in found if name)[:LONGEST_TEXT]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return clean(value)[:LONGEST_TEXT]


def _year(date: object) -> int | None:
    found = _YEAR.match(date) if isinstance(date, str) else None
    return int(found[1]) if found else None


def _milliseconds(value: object) -> int | None:
    number = _number(value)
    return round(number) if number and 0 < number < _LONGEST_MS else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
