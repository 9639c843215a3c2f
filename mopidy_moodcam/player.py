"""Mopidy's queue and playback, as plain values: the only calls of its running core.

Every wait has an end: core itself waits for backends, and a backend that is
gone must not keep the frontend from stopping. Track positions are milliseconds.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import pykka
from mopidy import exceptions

from mopidy_moodcam.dj.queue import Queue
from mopidy_moodcam.logs import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mopidy_moodcam.dj.queue import Entry

logger = plain(__name__)

READ_TIMEOUT = 5.0
# Core looks a URI up in its backend before it adds it; a slow one takes seconds.
LOOKUP_TIMEOUT = 10.0
# Of two tracks one is drawn so often in a row once in a thousand times.
DRAWS = 10
# A core that is not busy answers within this.
AT_ONCE = 0.1


class PlayerAwayError(Exception):
    """Core did not answer in time; the same call may work later."""


class LateError(PlayerAwayError):
    """Core did not add a track in time, and may do so yet.

    `entry` returns, or raises, at once what `Player.add` would by now.
    """

    def __init__(self, entry: Callable[[], Entry | None]) -> None:
        super().__init__()
        self.entry = entry


class Player:
    """Reads the queue and carries out the DJ's few edits."""

    def __init__(self, core: Any, *, max_length: int) -> None:  # noqa: ANN401
        self._core = core
        self._max_length = max_length

    def queue(self) -> Queue:
        """Return the queue as it is now; raises `PlayerAwayError`."""
        core = self._core
        asked = {
            "entries": core.tracklist.get_tl_tracks(),
            "current": core.playback.get_current_tl_track(),
            "elapsed": core.playback.get_time_position(),
            "playback": core.playback.get_state(),
            "random": core.tracklist.get_random(),
            "consume": core.tracklist.get_consume(),
            "single": core.tracklist.get_single(),
            "repeat": core.tracklist.get_repeat(),
        }
        got = {key: _wait(future, READ_TIMEOUT) for key, future in asked.items()}
        current = got.pop("current")
        entries = got.pop("entries")
        return Queue(
            **got,
            entries=tuple((entry.tlid, entry.track.uri) for entry in entries),
            current=current.tlid if current else None,
            length=current.track.length if current else None,
            max_length=self._max_length,
        )

    def schemes(self) -> frozenset[str] | None:
        """Return the schemes of the URIs that some backend plays.

        None where a slow backend lets core not answer in time.
        """
        try:
            return frozenset(_wait(self._core.get_uri_schemes(), READ_TIMEOUT))
        except PlayerAwayError:
            return None

    def state(self) -> str:
        """Return `playing`, `paused` or `stopped`; raises `PlayerAwayError`."""
        return str(_wait(self._core.playback.get_state(), READ_TIMEOUT))

    def add(self, uri: str) -> Entry | None:
        """Put one track at the end and return its tlid and URI.

        The URI may be another than was asked for: backends answer with their own.
        Returns None where Mopidy took nothing: the URI cannot be played, or the
        tracklist is full. Raises `LateError`.
        """
        added = functools.partial(_added, self._core.tracklist.add(uris=[uri]), uri)
        try:
            return added(LOOKUP_TIMEOUT)
        except PlayerAwayError as error:
            raise LateError(functools.partial(added, 0.0)) from error

    def remove(self, tlids: Iterable[int]) -> None:
        """Remove tracks by tlid; raises `PlayerAwayError`."""
        wanted = list(tlids)
        if wanted:
            logger.debug("Removing own tracks: %s", ", ".join(map(str, wanted)))
            _wait(self._core.tracklist.remove({"tlid": wanted}), READ_TIMEOUT)

    def draw_another(self, current: int) -> None:
        """Under `random`, see to it that the track `current` is not the next one too.

        To switch on what is on lets core draw anew, and tells nobody. A busy core is
        left alone: a person's "random off" may wait there, and would be undone.
        """
        tracklist = self._core.tracklist
        with contextlib.suppress(PlayerAwayError):
            for _ in range(DRAWS):
                coming, random = tracklist.get_next_tlid(), tracklist.get_random()
                drawn = _wait(coming, AT_ONCE) != current
                if drawn or not _wait(random, AT_ONCE):
                    return
                _wait(tracklist.set_random(True), AT_ONCE)

    def play(self, tlid: int) -> None:
        """Start the music with one track; raises `PlayerAwayError`."""
        _wait(self._core.playback.play(tlid=tlid), READ_TIMEOUT)


def _added(future: Any, uri: str, seconds: float) -> Entry | None:  # noqa: ANN401
    try:
        added = _wait(future, seconds)
    except (exceptions.MopidyException, ValueError) as error:
        logger.debug("Mopidy did not take %r: %s", uri, error)
        return None
    return (added[0].tlid, added[0].track.uri) if added else None


def _wait(future: Any, seconds: float) -> Any:  # noqa: ANN401
    try:
        return future.get(timeout=seconds)
    except (pykka.Timeout, pykka.ActorDeadError) as error:
        raise PlayerAwayError from error
