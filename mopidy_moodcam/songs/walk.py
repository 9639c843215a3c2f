"""All tracks of Mopidy's libraries, with a running server beside us or without.

The enabled backends are started in this process, without their playback, and
asked as any client asks: browse, then look up. Only this module of the room
knows Mopidy.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mopidy_moodcam import logs
from mopidy_moodcam.songs.survey import FILE, LOCAL, Survey, WalkedTrack, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Known = Callable[[str, Path | None], bool]

T = TypeVar("T")
logger = logs.plain(__name__)

OURS = "moodcam"
LOOKED_UP_AT_ONCE = 100
PATIENCE = 60.0
"""Seconds to wait for one answer of a library."""

MOST_FOLDERS = 20_000
"""Folders opened per library: some, such as radio directories, never end."""

FIRST = (LOCAL, FILE)
"""Libraries walked before all others: their songs can be analysed."""

MUSIC = re.compile(
    r"\.(aac|ac3|aiff?|ape|au|caf|dff|dsf|flac|it|m4[ab]|mka|mod|mp[23c]|og[ag]|opus"
    r"|s3m|spx|tta|wav|wma|wv|xm)$",
    re.IGNORECASE,
)
"""Mopidy-File lists every file there is, by default of the whole home folder: only
those that end like this are songs."""

ALL_LOCAL = "local:directory?type=track"
"""Mopidy-Local lists each track here once, and in a dozen other folders again."""


def walk(
    config: Any,  # noqa: ANN401  Mopidy's, whose type has another name in each version
    known: Known = lambda _uri, _path: False,
    survey: Survey | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[WalkedTrack]:
    """Yield each track of all enabled libraries once.

    `config` is Mopidy's. A file that two libraries have comes by the first of them,
    Mopidy-Local: else it would be two songs, and come again too soon. Tracks that are
    `known` by URI and file come without texts: looking up a file costs more than
    finding it. `survey` is filled on the way, `say` gets each library's name when its
    turn comes. A library that does not start or answer is left out with one warning.
    """
    backends = _start_backends(config)
    core = None
    try:
        from mopidy.core import Core  # noqa: PLC0415  only the scan pays for it

        proxies = [backend.proxy() for backend in backends]
        core = Core.start(config=config, backends=proxies)
        library, survey = core.proxy().library, survey or Survey()
        survey.media_dir = _media_dir(config)
        uris = _uris(library, survey, say)
        yield from _tracks(library, uris, survey.media_dir, known)
    finally:
        for actor in [core, *backends]:
            if actor is not None and actor.is_alive():
                actor.stop()


def _media_dir(config: Any) -> Path | None:  # noqa: ANN401
    folder = dict(config.get("local") or {}).get("media_dir")
    return Path(str(folder)).expanduser() if folder else None


def _start_backends(config: Any) -> list[Any]:  # noqa: ANN401
    from mopidy import ext  # noqa: PLC0415

    registry = ext.Registry()
    for entry in importlib.metadata.entry_points(group="mopidy.ext"):
        if entry.name != OURS and dict(config.get(entry.name) or {}).get("enabled"):
            _guarded(entry.name, lambda entry=entry: _set_up(entry, registry))
    started = (
        _guarded(kind.__name__, lambda kind=kind: kind.start(config=config, audio=None))
        for kind in registry["backend"]
    )
    return [backend for backend in started if backend is not None]


def _set_up(entry: importlib.metadata.EntryPoint, registry: Any) -> None:  # noqa: ANN401
    # As Mopidy does when it starts; its own functions for it moved in 4.0.
    extension = entry.load()()
    extension.validate_environment()
    extension.setup(registry)


def _guarded(name: str, action: Callable[[], T]) -> T | None:
    try:
        return action()
    except Exception as error:  # noqa: BLE001  another extension's fault is not ours
        logger.warning("%r is left out of the scan: %r", name, str(error))
        return None


def _tracks(
    library: Any,  # noqa: ANN401  a proxy
    uris: Iterator[str],
    media_dir: Path | None,
    known: Known,
) -> Iterator[WalkedTrack]:
    unknown: list[str] = []
    for uri in uris:
        path = path_of(uri, media_dir)
        if known(uri, path):
            yield WalkedTrack(uri, path)
        else:
            unknown.append(uri)
        if len(unknown) == LOOKED_UP_AT_ONCE:
            yield from _looked_up(library, unknown, media_dir)
            unknown = []
    yield from _looked_up(library, unknown, media_dir)


def _uris(
    library: Any,  # noqa: ANN401
    survey: Survey,
    say: Callable[[str], None],
) -> Iterator[str]:
    for root in sorted(_browse(library, None) or (), key=_turn):
        if _scheme(root) == OURS:
            continue
        name = survey.asked[_scheme(root)] = root.name or root.uri
        say(name)
        top = ALL_LOCAL if _scheme(root) == LOCAL else root.uri
        for uri in _below(library, top, survey):
            path = path_of(uri, survey.media_dir)
            file = os.path.realpath(path) if path else uri
            if file not in survey.files:
                survey.files[file] = uri
                survey.found.add(uri)
                yield uri


def _is_song(uri: str) -> bool:
    return not uri.startswith(f"{FILE}:") or bool(MUSIC.search(uri))


def _scheme(ref: Any) -> str:  # noqa: ANN401
    return ref.uri.partition(":")[0]


def _turn(root: Any) -> int:  # noqa: ANN401
    scheme = _scheme(root)
    return FIRST.index(scheme) if scheme in FIRST else len(FIRST)


def _below(library: Any, top: str, survey: Survey) -> Iterator[str]:  # noqa: ANN401
    """Yield the songs in and below the folder `top`, each folder opened once."""
    folders, seen, faults, any_song = [top], {top}, 0, False
    for _ in range(MOST_FOLDERS):
        if not folders:
            break
        folder = folders.pop()
        refs = _browse(library, folder)
        faults += refs is None
        survey.folders[folder] = bool(refs)
        for ref in refs or ():
            if ref.type == "track":
                if _is_song(ref.uri):
                    any_song = True
                    yield ref.uri
            elif ref.uri not in seen:
                seen.add(ref.uri)
                folders.append(ref.uri)
    if folders:
        logger.warning(
            "%r has more than %d folders: what is in the others is not scanned.",
            top,
            MOST_FOLDERS,
        )
    elif not faults:
        ended = survey.finished if any_song else survey.empty
        ended.add(top.partition(":")[0])


def _browse(library: Any, uri: str | None) -> list[Any] | None:  # noqa: ANN401
    """Return what is in a folder, or None where its library failed or was too slow."""
    found = _guarded(uri or "browse", lambda: library.browse(uri).get(timeout=PATIENCE))
    return None if found is None else [ref for ref in found if ref.uri]


def _looked_up(
    library: Any,  # noqa: ANN401
    uris: list[str],
    media_dir: Path | None,
) -> Iterator[WalkedTrack]:
    found = _tracks_of(library, uris) if uris else None
    answered = {
        uri.partition(":")[0] for uri, tracks in (found or {}).items() if tracks
    }
    for uri in uris:
        tracks = found.get(uri) if found else ()
        if found and len(uris) > 1 and uri.partition(":")[0] not in answered:
            # On Mopidy 4 one track that a backend stumbles over takes along all that
            # it was asked for together.
            tracks = (_tracks_of(library, [uri]) or {}).get(uri)
        yield _walked(uri, tracks[0] if tracks else None, path_of(uri, media_dir))


def _tracks_of(library: Any, uris: list[str]) -> dict[str, Any] | None:  # noqa: ANN401
    patience = PATIENCE * len(uris)
    answer = library.lookup(uris=uris)
    return _guarded("lookup", lambda: answer.get(timeout=patience))


def _walked(uri: str, track: Any, path: Path | None) -> WalkedTrack:  # noqa: ANN401
    if track is None:
        return WalkedTrack(uri, path, unanswered=True)
    return WalkedTrack(
        uri=uri,
        path=path,
        title=_text(track.name or (path.stem if path else "")),
        artist=_text("; ".join(sorted(a.name for a in track.artists or () if a.name))),
        album=_text((track.album and track.album.name) or ""),
        genre=_text(track.genre or ""),
        year=_year(track.date),
        duration_ms=track.length or None,
    )


def _text(text: str) -> str:
    # A title may be the name of a file, and hold bytes that no database takes.
    return text.encode(errors="replace").decode()


def _year(date: str | None) -> int | None:
    year = str(date or "")[:4]
    return int(year) if year.isdecimal() and int(year) else None
