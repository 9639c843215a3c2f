"""When two rows mean the same song: ids, and normalised titles and artists.

`Café del Mar (feat. X) - 2011 Remaster` of a file and `cafe del mar` of a table
are one song; `Jolene` and `Jolene - Live at Glastonbury / Remastered` are not: a
live take has another mood.
"""

from __future__ import annotations

import functools
import re
import unicodedata
import zlib

SAME_SONG_MS = 5000
"""How far the lengths of one song's rows may lie apart, where both are known.

Of 12,669 pairs of tracks with one `match_key` in a catalogue of 104,000, the mean
gap in valence or energy is .03 up to 3 s, .10 from 3 to 5 s, .14 from 5 to 15 s and
.19 beyond; gaps over .2 have 2, 14, 25 and 36 % of them (`tests/bench/bench_match.py`).
"""

ON_SPOTIFY = "uri BETWEEN 'spotify:' AND 'spotify;'"
"""In SQL: whether a row is Spotify's; a table's name and a dot may stand before it."""

_GUESTS = re.compile(
    r"[(\[]\s*(?:feat|ft|featuring|with)\b[^)\]]*[)\]]"
    r"|\s(?:feat|ft|featuring)\b\.?\s.*?(?=\s-\s|\s*[(\[]|$)",
    re.IGNORECASE,
)
_MARK = (
    r"(?:\b\d{4}\s+)?\b(?:remaster(?:ed)?|mono|stereo|album version|single version"
    r"|original mix|radio edit|explicit)\b(?:\s+(?:\d{4}\s+)?(?:(?:single|album)\s+)?"
    r"(?:version|mix))?(?:\s+\d{4}\b)?"
)
_SAME_TAKE = re.compile(
    rf"(?:\s-\s|\s*[(\[])[^()\[\]-]*{_MARK}[^()\[\]-]*[)\]]?\s*$", re.IGNORECASE
)
_MARKS = re.compile(_MARK, re.IGNORECASE)
_OTHER_TAKE = re.compile(
    r"\b(?:live|vivo|concert|unplugged|acoustic|acapella|a cappella|instrumental"
    r"|karaoke|orchestral?|symphon(?:y|ic)|strings|piano|demo|take|session|rehearsal"
    r"|alternat(?:e|ive)|extended|(?:re)?mix(?:ed)?)s?\b",
    re.IGNORECASE,
)
_ENSEMBLE = re.compile(r"\b(?:orchestra|symphon(?:y|ic)|strings)\b", re.IGNORECASE)
_ARTIST_BREAK = re.compile(
    r";|,\s|\s(?:feat|ft|featuring|vs)\b\.?\s|\s[xX&+]\s|\s/\s", re.IGNORECASE
)
_NO_WORD = re.compile(r"[\W_]+")
_SPOTIFY_ID = re.compile(r"(?:^|[:/])([0-9A-Za-z]{22})(?:$|[?])")
_ISRC = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")


def plain(text: str) -> str:
    """Return `text` in lower case, without accents, punctuation or extra blanks.

    Letters of every alphabet stay; `ß` becomes `ss`, `Ⅳ` becomes `iv`.
    """
    bare = text.casefold()
    if not bare.isascii():
        # Twice, since a compatible form may have an upper case of its own.
        folded = unicodedata.normalize("NFKD", text).casefold()
        split = unicodedata.normalize("NFKD", folded)
        bare = "".join(c for c in split if not unicodedata.combining(c))
    return _NO_WORD.sub(" ", bare.replace("'", "").replace("\u2019", "")).strip()


def plain_title(title: str) -> str:
    """Return a title without its guests and without marks of the same take."""
    shorter = _SAME_TAKE.sub(_other_take, _GUESTS.sub(_ensemble, title))
    return plain(shorter) or plain(title)


def _ensemble(guests: re.Match[str]) -> str:
    """Return what is left of guests: an orchestra makes another take of a song."""
    return guests[0] if _ENSEMBLE.search(guests[0]) else ""


def _other_take(segment: re.Match[str]) -> str:
    """Return what is left of a part of a title to be cut: what names another take."""
    rest = _MARKS.sub("", segment[0])
    return f" {rest}" if _OTHER_TAKE.search(rest) else ""


def first_artist(artist: str) -> str:
    """Return the first of several artists, as written."""
    return _ARTIST_BREAK.split(artist.strip(), maxsplit=1)[0].strip() or artist.strip()


@functools.lru_cache(4096)
def plain_artist(artist: str) -> str:
    """Return the first artist, normalised, without a leading `the`."""
    return plain(first_artist(artist)).removeprefix("the ")


@functools.lru_cache(1024)
def match_key(title: str, artist: str) -> str | None:
    """Return the key that two rows of the same song share, or None.

    A title without an artist matches nothing: too many songs are called Hello.
    """
    key = plain_title(title), plain_artist(artist)
    return "\t".join(key) if all(key) else None


def same_song(one: str, other: str) -> tuple[str, ...]:
    """Return the SQL conditions any of which makes two rows one song, surest first.

    `one` and `other` stand before the columns' names: `file.` where the row's table
    has that name, `:` where the values are given by name. A length that is not known
    is no hindrance.
    """
    apart = f"ABS({one}duration_ms - {other}duration_ms)"
    return (
        f"{one}spotify_id = {other}spotify_id",
        f"{one}isrc = {other}isrc",
        f"{one}match_key = {other}match_key AND IFNULL({apart} <= {SAME_SONG_MS}, 1)",
    )


def artist_code(artist: str) -> int:
    """Return a stable 31-bit code of the first artist; 0 where there is none.

    A checksum instead of a table of names: with 100,000 artists about two
    pairs share a code, which costs nothing but a slightly stricter artist cap.
    """
    name = plain_artist(artist)
    return zlib.crc32(name.encode()) & 0x7FFFFFFF if name else 0


def spotify_id(text: str) -> str | None:
    """Return the 22-character track id in an id, a URI or a link, or None."""
    text = text.strip()
    if ":" in text and "track" not in text:  # an album's or an artist's URI
        return None
    found = _SPOTIFY_ID.search(text)
    return found[1] if found else None


def isrc(text: str) -> str | None:
    """Return an International Standard Recording Code (ISO 3901), or None."""
    code = text.strip().upper().replace("-", "")
    return code if _ISRC.match(code) else None
