"""How far each list was read: kept in the catalogue, beside what was read of it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Self

from mopidy_moodcam.songs.spotify.api import clean

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mopidy_moodcam.songs.catalogue import Catalogue


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """How far a list was read.

    `snapshot` names the list's state and `offset` counts the entries read of it.
    """

    snapshot: str = ""
    offset: int = 0
    done: bool = False

    @classmethod
    def read(cls, catalogue: Catalogue, key: str) -> Self:
        """Return the mark under a key; an empty one where there is none."""
        return cls(**(catalogue.document(key) or {}))

    def after(self, page: dict[str, Any]) -> Self:
        """Return the mark for when a page is stored."""
        items = page["items"]
        return dataclasses.replace(
            self,
            offset=self.offset + len(items),
            done=not items or not page.get("next"),
        )

    def write(self, connection: sqlite3.Connection, key: str) -> None:
        """Keep it, inside a `writing()` block of the catalogue."""
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (key, json.dumps(dataclasses.asdict(self))),
        )


@dataclasses.dataclass(frozen=True)  # super() finds no class that has slots
class SavedMark(Mark):
    """How far the saved songs were read, newest first.

    They have no snapshot: their number and the newest one stand for it. Of
    `total` songs the `newest` was saved at that time; where `new` ones are
    followed by the one saved at `known`, the rest was read before.
    """

    total: int = 0
    newest: str = ""
    new: int = 0
    known: str = ""

    @classmethod
    def of(cls, first: dict[str, Any], before: SavedMark) -> SavedMark:
        """Return where to begin with saved songs, of which `first` is a page."""
        total = first.get("total")
        total = total if isinstance(total, int) else 0
        newest = _added(first["items"])
        snapshot = f"{total} {newest}"
        if before.snapshot == snapshot:
            return before
        known = before.newest if before.done else ""
        return cls(snapshot, 0, False, total, newest, total - before.total, known)

    def after(self, page: dict[str, Any]) -> Self:
        """Return the mark for when a page is stored."""
        mark = super().after(page)
        return dataclasses.replace(mark, done=mark.done or self._met(page["items"]))

    def _met(self, items: Sequence[object]) -> bool:
        at = self.new - self.offset
        if not self.known or not 0 <= at < len(items):
            return False
        return _added(items[at:]) == self.known


def _added(entries: Sequence[object]) -> str:
    """Return when the first of some saved songs was saved, in ISO 8601."""
    for entry in entries[:1]:
        if isinstance(entry, dict):
            return clean(entry.get("added_at"))
    return ""
