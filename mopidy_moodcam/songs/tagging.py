"""The MOOD tag in the listener's files: the only thing here that changes them."""

from __future__ import annotations

import collections
import contextlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterable

    from rich.console import Console

_TAGGED = {"tagged", "would be tagged", "had the tag already"}
_ID3 = "TXXX:MOOD"
_MP4 = "----:com.apple.iTunes:MOOD"


def tag_files(
    files: Iterable[tuple[str, pathlib.Path, str]],
    console: Console,
    *,
    dry_run: bool = False,
    resized: Callable[[str, int, int], None] = lambda _uri, _before, _after: None,
) -> int:
    """Set MOOD in each (URI, file, mood); say how many, and why not in others.

    A file keeps its times of access and change where it is this user's, so that no
    library takes it for new; one that has the right tag already is not touched.
    `resized` gets the URI and the size in bytes before and after of each file that
    grew or shrank. `dry_run` touches nothing. Returns the exit code: 1 where there
    are files and none has the tag.
    """
    done: dict[str, list[pathlib.Path]] = collections.defaultdict(list)
    sizes: dict[pathlib.Path, int] = {}  # two URIs may mean the same file
    for uri, path, mood in files:
        before = sizes.setdefault(path, _size(path))
        done[_attempt(path, mood, dry_run=dry_run)].append(path)
        if (after := _size(path)) != before:
            resized(uri, before, after)
    for words, paths in sorted(done.items()):
        example = "" if words in _TAGGED else f", such as {str(paths[0])!r}"
        console.print(f"{len(paths)} files: {words}{example}", markup=False)
    if not done:
        console.print("No song of the catalogue is a file with a known path.")
    return 1 if done and not done.keys() & _TAGGED else 0


def _attempt(path: pathlib.Path, mood: str, *, dry_run: bool) -> str:
    try:
        return set_mood(path, mood, dry_run=dry_run)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001  one odd file must not stop the rest
        return f"could not be tagged ({type(error).__name__})"


def _size(path: pathlib.Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def set_mood(path: pathlib.Path, mood: str, *, dry_run: bool = False) -> str:
    """Set the tag in one file; return what was done, in words."""
    import mutagen  # noqa: PLC0415  (extra `songs`)

    try:
        file = _opened(path)
    except (mutagen.MutagenError, OSError) as error:  # type: ignore[attr-defined]
        return f"could not be read ({_reason(error)})"
    if file is None:
        return "of a kind without tags"
    if file.tags is None:
        file.add_tags()
    if _mood(file) == mood:
        return "had the tag already"
    if dry_run:
        may = os.access(path, os.W_OK)
        return "would be tagged" if may else "could not be written (no permission)"
    _write(file, mood)
    return _saved(file, path)


def _opened(path: pathlib.Path) -> Any:  # noqa: ANN401
    """Return the file as mutagen knows it, with its tags as they are.

    Else mutagen brings ID3v2.3 up to v2.4, which drops frames and which older
    players do not read.
    """
    import mutagen  # noqa: PLC0415

    file: Any = mutagen.File(path)  # type: ignore[attr-defined]
    return type(file)(path, translate=False) if _is_id3v23(file) else file


def _is_id3v23(file: Any) -> bool:  # noqa: ANN401
    return getattr(file and file.tags, "version", None) == (2, 3, 0)


def _saved(file: Any, path: pathlib.Path) -> str:  # noqa: ANN401
    import mutagen  # noqa: PLC0415

    try:
        times = path.stat()
        file.save(**({"v2_version": 3, "v23_sep": None} if _is_id3v23(file) else {}))
    except (mutagen.MutagenError, OSError) as error:  # type: ignore[attr-defined]
        return f"could not be written ({_reason(error)})"
    with contextlib.suppress(PermissionError):  # times are the owner's to set
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return "tagged"


def _reason(error: Exception) -> str:
    """Return why, in words that are the same for each file; mutagen wraps them."""
    wrapped = error.args[0] if error.args else None
    cause = wrapped if isinstance(wrapped, OSError) else error
    return getattr(cause, "strerror", None) or type(error).__name__


def _mood(file: Any) -> str | None:  # noqa: ANN401
    found = file.tags.get(_key(file.tags))
    if not found:
        return None
    first = found.text[0] if hasattr(found, "text") else found[0]
    return first.decode() if isinstance(first, bytes) else str(first)


def _write(file: Any, mood: str) -> None:  # noqa: ANN401
    from mutagen.id3 import TXXX  # type: ignore[attr-defined]  # noqa: PLC0415

    key = _key(file.tags)
    if key == _ID3:
        file.tags.setall(key, [TXXX(encoding=3, desc="MOOD", text=mood)])
    else:
        file.tags[key] = [mood.encode() if key == _MP4 else mood]


def _key(tags: Any) -> str:  # noqa: ANN401
    from mutagen.id3 import ID3  # type: ignore[attr-defined]  # noqa: PLC0415
    from mutagen.mp4 import MP4Tags  # noqa: PLC0415

    if isinstance(tags, ID3):  # WAV, AIFF, DSF and DSDIFF have kinds of their own
        return _ID3
    return _MP4 if isinstance(tags, MP4Tags) else "MOOD"
