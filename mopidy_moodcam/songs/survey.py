"""What a walk through the libraries saw: enough to tell which songs are gone.

A song that a walk did not meet need not be gone: its disk may not be mounted,
its library may have failed, or the walk may have been cut short.
"""

from __future__ import annotations

import dataclasses

LOCAL = "local"
FILE = "file"
"""The schemes of the two libraries whose songs are files here."""


@dataclasses.dataclass
class Survey:
    """Filled by `walk.walk` while it goes; read it when that has ended.

    `found` has the URIs of all tracks, `folders` says of each folder opened
    whether anything was in it, and `finished` holds the schemes of the libraries
    that were walked to their end without a fault.
    """

    found: set[str] = dataclasses.field(default_factory=set)
    folders: dict[str, bool] = dataclasses.field(default_factory=dict)
    finished: set[str] = dataclasses.field(default_factory=set)

    def gone(self, uri: str) -> bool:
        """Return whether a song is surely no longer in the library it came from."""
        scheme = uri.partition(":")[0]
        if uri in self.found or scheme not in self.finished:
            return False
        if scheme == FILE:
            return self._held(uri)
        return scheme == LOCAL and any(self.folders.values())

    def _held(self, uri: str) -> bool:
        """Return whether something else is in the nearest folder above that is left.

        An empty one may be the place of a disk that is not mounted, or one that
        could not be read: Mopidy's core then answers with nothing.
        """
        folder = uri
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            if folder in self.folders:
                return self.folders[folder]
        return False
