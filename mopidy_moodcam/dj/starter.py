"""Starting the music where it may, and noticing what stays silent.

Core passes over what its backend refuses, and stays with what fails while it loads;
it tells of neither. So what is to start counts as tried until some track sounds.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from mopidy_moodcam.dj.hands import ended_by_person
from mopidy_moodcam.logs import OnChange, plain
from mopidy_moodcam.wait import Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.dj.queue import Queue
    from mopidy_moodcam.player import Player

logger = plain(__name__)

# Music that was started and does not sound is started anew after this long, with
# other songs. Each time in a row the wait doubles, up to the longest: so a slow
# stream gets its chance, and a backend that is gone is asked less often.
START_SECONDS, LONGEST_SECONDS = 3.0, 30.0
# Who asks for music and gets none, as where there are no songs yet, has gone by then.
ASKED_SECONDS = 300.0


class Starter:
    """Knows who ended the music or asks for some, and what was tried since in vain.

    By itself it starts the music only where `autostart` says so. `clock` gives
    seconds since the epoch.
    """

    def __init__(
        self, player: Player, *, autostart: bool, clock: Callable[[], float]
    ) -> None:
        self._player = player
        self._autostart = autostart
        self._notes = OnChange(logger)
        self._before_next = Wait(clock)
        self._asked = Wait(clock)
        self._pause = START_SECONDS
        self._tried: tuple[int, ...] = ()
        self._ended: int | None = None
        self._stopped_by_person = False

    @property
    def waits(self) -> bool:
        """Whether what was started last still gets its chance."""
        return self._before_next.goes_on

    def may_start(self, queue: Queue) -> bool:
        """Say whether a person asks for music, or it is over and nobody stopped it.

        Core keeps a track that a person stopped as the current one; at the end of
        the list, and in an empty one, there is none. Whoever presses 'next' before
        the song that is to start sounds makes the one behind it current, and core
        starts neither. Under `single` the music ends because a person wants it to.
        """
        if queue.playback != "stopped":
            return False
        over = queue.current is None or bool(self._tried)
        single = queue.single and self._ended is not None
        wanted = not (self._stopped_by_person or single)
        return self._asked.goes_on or (self._autostart and over and wanted)

    def sounded(self) -> None:
        """Note that a track sounds: the next start that fails is the first in a row."""
        self._asked.end()
        self._stopped_by_person = False
        self._tried = ()
        self._pause = START_SECONDS
        if self.waits:
            self._before_next.begin(START_SECONDS)
        self._notes.settle("silent")

    def ended(self, tlid: int) -> None:
        """Note which track has ended."""
        self._ended = tlid

    def may_play_again(self) -> None:
        """Let music that a person stopped be started: a person asks for music."""
        self._stopped_by_person = False

    def begin(self, queue: Queue) -> None:
        """Start the music if it is stopped: a person said what is to play now."""
        if queue.playback == "stopped":
            self._asked.begin(ASKED_SECONDS)

    def wait(self) -> None:
        """Begin nothing that a person asked for before: they take that back."""
        self._asked.end()

    def see(self, before: Queue, left: Queue, queue: Queue) -> None:
        """Notice whether a person ended the music.

        `before` is the queue as it was last seen, `left` as the DJ left it.
        """
        if queue.playback == "playing" and queue.current in queue.tlids:
            self._stopped_by_person = False
        elif self._was_stopped(before, queue) or ended_by_person(left, queue):
            self._stopped_by_person = True
            self._asked.end()

    def without_silent(self, left: Queue, queue: Queue) -> Queue:
        """Return the queue as the DJ left it, less what core itself took away since.

        Under `consume` core removes each track that it is to start and cannot play.
        """
        if not (queue.consume and self._tried):
            return left
        silent = set(self._tried) - set(queue.tlids)
        entries = tuple(entry for entry in left.entries if entry[0] not in silent)
        return dataclasses.replace(left, entries=entries)

    def last_heard(self, queue: Queue) -> int | None:
        """Return the track that was stopped short, or else the last of the list.

        The last only where core came to its end: what stands there is over, core
        passed the rest because it cannot be played. What was tried since stands
        behind it. None where nothing was heard.
        """
        tlids = queue.tlids
        if queue.current in tlids and not self._tried:
            return queue.current
        over = tuple(itertools.takewhile(lambda t: t not in self._tried, tlids))
        return over[-1] if self._ended in over else None

    def silent(self) -> frozenset[int]:
        """Return what was to start and does not sound: others are to take over."""
        if self._tried and self._pause >= LONGEST_SECONDS:
            self._notes.warn(
                "silent",
                "Mopidy plays none of the songs that MoodCam starts; is their backend "
                f"there? MoodCam tries others every {LONGEST_SECONDS:.0f} seconds",
            )
        return frozenset(self._tried)

    def start(self, queue: Queue, after: int | None) -> bool:
        """Start the music behind the track `after`, or at the queue's head.

        What was tried before and could not be removed, as people's tracks, is
        passed over, unless there is nothing else. False where there is nothing at
        all to start. Raises `PlayerAwayError`.
        """
        tlids = queue.tlids
        coming = tlids[tlids.index(after) + 1 :] if after in tlids else tlids
        if not coming:
            return False
        first = next((tlid for tlid in coming if tlid not in self._tried), coming[0])
        self._tried = coming
        try:
            self._player.play(first)
        finally:  # core may have spent seconds on songs that cannot be played
            self._before_next.begin(self._pause)
            self._pause = min(2 * self._pause, LONGEST_SECONDS)
        return True

    def _was_stopped(self, before: Queue, queue: Queue) -> bool:
        """Say whether a track stopped short; one that is to start sounds not yet."""
        stopped = queue.playback == "stopped" and queue.current is not None
        return stopped and before.playback != "stopped" and not self._tried
