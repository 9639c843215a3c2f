"""What the API shows of the catalogue; read in worker threads.

Every function takes the song list, the status and the arguments of the
address, and raises `ValueError` with one sentence for a wrong argument.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.glossary import SongMood, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mopidy_moodcam.songlist import Song, SongList
    from mopidy_moodcam.status import Status

    Query = Mapping[str, str]
    Search = Callable[[SongList, Status, Query], dict[str, Any]]

MOST = 500
"""Songs in one answer."""


def songs(songlist: SongList, now: Status, query: Query) -> dict[str, Any]:
    """Show a song mood's songs, or those that hold all words of `q`, by pages."""
    _only(query, "song_mood", "q", "limit", "offset")
    limit = _whole(query, "limit", 50, 1, MOST)
    offset = _whole(query, "offset", 0, 0, 10_000_000)
    text, mood = query.get("q", ""), query.get("song_mood")
    if mood is not None and text:
        raise ValueError("Send either 'song_mood' or 'q'.")
    if mood is None:
        found = songlist.search(text, offset=offset, limit=limit)
    else:
        found = songlist.page(_mood(mood), offset=offset, limit=limit)
    return {"counts": counts(now), "offset": offset, "songs": _json(found)}


def clusters(songlist: SongList, now: Status, query: Query) -> dict[str, Any]:
    """Show each cluster with its song mood, and the songs of each song mood."""
    _only(query)
    return {"clusters": songlist.clusters(), "counts": counts(now)}


def feedback(songlist: SongList, now: Status, query: Query) -> dict[str, Any]:
    """Show the picks that may be judged and what was loved and banned."""
    _only(query)
    return {
        "next_picks": [dataclasses.asdict(pick) for pick in now.next_picks],
        "playing_pick": now.playing_pick and dataclasses.asdict(now.playing_pick),
        "last_picks": [dataclasses.asdict(pick) for pick in now.last_picks],
        "loved": _json(songlist.judged(Verdict.LOVED)),
        "banned": _json(songlist.judged(Verdict.BANNED)),
    }


def counts(now: Status) -> dict[str, Any]:
    """Return how many songs there are, in all and by song mood."""
    return dataclasses.asdict(now.songs) | {
        "by_song_mood": dict(now.songs.by_song_mood)
    }


def _json(songs: list[Song]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(song) for song in songs]


def _only(query: Query, *known: str) -> None:
    strange = sorted(set(query) - set(known))
    if strange:
        names = ", ".join(known) or "none"
        raise ValueError(f"{strange[0]!r} is not known here; known: {names}.")


def _whole(query: Query, key: str, default: int, low: int, high: int) -> int:
    text = query.get(key, str(default))
    digits = text.isascii() and text.isdigit() and len(text) <= 12
    if not (digits and low <= int(text) <= high):
        raise ValueError(f"{key!r} must be a whole number from {low} to {high}.")
    return int(text)


def _mood(word: str) -> SongMood:
    try:
        return SongMood(word)
    except ValueError:
        known = ", ".join(SongMood)
        raise ValueError(f"'song_mood' must be one of {known}.") from None
