"""The MOOD tag in the listener's files: the only thing here that changes them."""

from __future__ import annotations

import collections
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

    from rich.console import Console

_MP4 = "----:com.apple.iTunes:MOOD"


def tag_files(
    files: Iterable[tuple[pathlib.Path, str]],
    console: Console,
    *,
    dry_run: bool = False,
) -> int:
    """Set MOOD in each (file, mood); say how many; return the exit code.

    A file keeps its times of access and change, so that no library takes it
    for new; one that has the right tag already is not touched. `dry_run`
    touches nothing.
    """
    done: collections.Counter[str] = collections.Counter()
    for path, mood in files:
        done[set_mood(path, mood, dry_run=dry_run)] += 1
    for words, count in sorted(done.items()):
        console.print(f"{count} files: {words}", markup=False)
    if not done:
        console.print("No song of the catalogue is a file with a known path.")
    return 0


def set_mood(path: pathlib.Path, mood: str, *, dry_run: bool = False) -> str:
    """Set the tag in one file; return what was done, in words."""
    import mutagen  # noqa: PLC0415  (extra `songs`)

    try:
        file: Any = mutagen.File(path)  # type: ignore[attr-defined]
    except (mutagen.MutagenError, OSError):  # type: ignore[attr-defined]
        return "could not be read"
    if file is None:
        return "of a kind without tags"
    if file.tags is None:
        file.add_tags()
    if _mood(file) == mood:
        return "had the tag already"
    if dry_run:
        return "would be tagged"
    _write(file, mood)
    return _saved(file, path)


def _saved(file: Any, path: pathlib.Path) -> str:  # noqa: ANN401
    import mutagen  # noqa: PLC0415

    try:
        times = path.stat()
        file.save()
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    except (mutagen.MutagenError, OSError):  # type: ignore[attr-defined]
        return "could not be written"
    return "tagged"


def _mood(file: Any) -> str | None:  # noqa: ANN401
    kind = type(file.tags).__name__
    key = {"ID3": "TXXX:MOOD", "_WaveID3": "TXXX:MOOD", "MP4Tags": _MP4}.get(
        kind, "MOOD"
    )
    found = file.tags.get(key)
    if not found:
        return None
    first = found.text[0] if hasattr(found, "text") else found[0]
    return first.decode() if isinstance(first, bytes) else str(first)


def _write(file: Any, mood: str) -> None:  # noqa: ANN401
    kind = type(file.tags).__name__
    if kind in {"ID3", "_WaveID3"}:
        from mutagen.id3 import TXXX  # type: ignore[attr-defined]  # noqa: PLC0415

        file.tags.setall("TXXX:MOOD", [TXXX(encoding=3, desc="MOOD", text=mood)])
    elif kind == "MP4Tags":
        file.tags[_MP4] = [mood.encode()]
    else:
        file.tags["MOOD"] = [mood]
