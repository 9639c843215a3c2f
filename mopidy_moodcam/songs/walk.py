"""All tracks of Mopidy's libraries, with a running server beside us or without.

The enabled backends are started in this process, without their playback, and
asked as any client asks: browse, then look up. Only this module of the room
knows Mopidy.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mopidy_moodcam.songs.scan import WalkedTrack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Known = Callable[[str, Path | None], bool]

T = TypeVar("T")
logger = logging.getLogger(__name__)

OURS = "moodcam"
LOOKED_UP_AT_ONCE = 100
PATIENCE = 60.0
"""Seconds to wait for one answer of a library."""

MOST_FOLDERS = 20_000
"""Folders opened per library: some, such as radio directories, never end."""

ALL_LOCAL = "local:directory?type=track"
"""Mopidy-Local lists each track here once, and in a dozen other folders again."""


def walk(
    config: Any,  # noqa: ANN401  Mopidy's, whose type has another name in each version
    known: Known = lambda _uri, _path: False,
) -> Iterator[WalkedTrack]:
    """Yield each track of all enabled libraries once.

    `config` is Mopidy's. Tracks that are `known` by URI and file come without
    texts: looking up a file costs more than finding it. A library that does not
    start or answer is left out with one warning.
    """
    backends = _start_backends(config)
    core = None
    try:
        from mopidy.core import Core  # noqa: PLC0415  only the scan pays for it

        proxies = [backend.proxy() for backend in backends]
        core = Core.start(config=config, backends=proxies)
        yield from _tracks(core.proxy().library, _media_dir(config), known)
    finally:
        for actor in [core, *backends]:
            if actor is not None and actor.is_alive():
                actor.stop()


def path_of(uri: str, media_dir: Path | None) -> Path | None:
    """Return the file behind a `file:` or `local:track:` URI, or None.

    The latter is relative to Mopidy-Local's `media_dir`.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "file" and rest.startswith("///"):
        return _decoded(rest[2:])
    if media_dir and uri.startswith("local:track:"):
        return media_dir / _decoded(uri.removeprefix("local:track:"))
    return None


def _decoded(quoted: str) -> Path:
    # File names are bytes, and need not be UTF-8.
    return Path(os.fsdecode(urllib.parse.unquote_to_bytes(quoted)))


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
    media_dir: Path | None,
    known: Known,
) -> Iterator[WalkedTrack]:
    unknown: list[str] = []
    for uri in _uris(library):
        path = path_of(uri, media_dir)
        if known(uri, path):
            yield WalkedTrack(uri, path)
        else:
            unknown.append(uri)
        if len(unknown) == LOOKED_UP_AT_ONCE:
            yield from _looked_up(library, unknown, media_dir)
            unknown = []
    yield from _looked_up(library, unknown, media_dir)


def _uris(library: Any) -> Iterator[str]:  # noqa: ANN401
    seen: set[str] = set()
    for root in _browse(library, None):
        if root.uri.startswith(f"{OURS}:"):
            continue
        folders = [ALL_LOCAL] if root.uri.startswith("local:") else [root.uri]
        for uri in _below(library, folders):
            if uri not in seen:
                seen.add(uri)
                yield uri


def _below(library: Any, folders: list[str]) -> Iterator[str]:  # noqa: ANN401
    """Yield the tracks in and below `folders`, each folder opened once."""
    seen = set(folders)
    while folders and len(seen) < MOST_FOLDERS:
        for ref in _browse(library, folders.pop()):
            if ref.type == "track":
                yield ref.uri
            elif ref.uri not in seen:
                seen.add(ref.uri)
                folders.append(ref.uri)


def _browse(library: Any, uri: str | None) -> list[Any]:  # noqa: ANN401
    found = _guarded(uri or "browse", lambda: library.browse(uri).get(timeout=PATIENCE))
    return [ref for ref in found or () if ref.uri]


def _looked_up(
    library: Any,  # noqa: ANN401
    uris: list[str],
    media_dir: Path | None,
) -> Iterator[WalkedTrack]:
    if not uris:
        return
    patience = PATIENCE * len(uris)
    answer = library.lookup(uris=uris)
    found = _guarded("lookup", lambda: answer.get(timeout=patience)) or {}
    for uri in uris:
        tracks = found.get(uri) or ()
        yield _walked(uri, tracks[0] if tracks else None, path_of(uri, media_dir))


def _walked(uri: str, track: Any, path: Path | None) -> WalkedTrack:  # noqa: ANN401
    if track is None:
        return WalkedTrack(uri, path, unanswered=True)
    return WalkedTrack(
        uri=uri,
        path=path,
        title=track.name or (path.stem if path else ""),
        artist="; ".join(sorted(a.name for a in track.artists or () if a.name)),
        album=(track.album and track.album.name) or "",
        genre=track.genre or "",
        year=_year(track.date),
        duration_ms=track.length,
    )


def _year(date: str | None) -> int | None:
    year = str(date or "")[:4]
    return int(year) if year.isdigit() and int(year) else None
