"""Queue manners: what the DJ may change in the tracklist, as pure functions.

People's tracks come first and are never moved or removed. The DJ's own tracks,
known by their tracklist id (tlid), stand behind them, so picks are always
appended. Appending is also the only place that stays right when another client
changes the queue at the same moment: a position counted a moment ago may lie in
the middle of somebody's album by now.

How to carry out `Edits` against core:

1. append `edits.add` picks (`tracklist.add(uris=...)`, one at a time), *before*
   removing: a slow backend then never leaves the music without a next track, and
   where nothing could be added the old picks stay. Only where the tracklist is
   full (`edits.make_room`) are the old ones removed first.
2. take a new `Queue`, since the adding may have taken seconds, and remove
   `still_removable(queue, edits.remove)` by `tracklist.remove({"tlid": [...]})`.
   Never with an empty list: core takes that for all tracks.

What is tolerated, and how:

- `consume`: played tracks vanish; nothing here looks behind the current track.
- `repeat`: only what stands behind the current track counts as ahead. So the
  list does not come round while the DJ adds to it.
- `single`: playback stops, the tracks ahead stay for the next `play`.
- `random`: any track core has not drawn since it last shuffled may come next, so
  those are counted, and no order is kept. Every edit makes core shuffle *all*
  tracks anew, the played ones and the current one too. So the DJ edits rarely, an
  edit takes along the DJ's own played tracks, which would otherwise be heard again,
  and behind any edit another is drawn where the current one would be the next.

In a list played in order the DJ's played tracks are left behind the current one,
so that `previous` works and a person sees what was on; only a full tracklist
takes them away, the oldest first.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mopidy_moodcam.glossary import Outcome

LEAVE_ALONE_MS = 5_000
"""How long before a track's end the next one is left alone.

GStreamer asks for the next track about 3 s before the end; a track removed after
that still plays, as a ghost that is in no tracklist.
"""

BEGUN_MS = 300
"""How long after a track's start the next one is left alone.

When a person presses 'next', core names the old track at position 0 until the
new one sounds, and does not say which that is. To remove it then leaves a ghost.
"""

SKIP_MS = 30_000
"""A track left within this time was skipped."""

PLAYED_SHARE = 0.8
"""A track heard to this share of its length was played through."""


Entry = tuple[int, str]
"""A track in the tracklist: its tlid, and its URI there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Queue:
    """The tracklist and the playback at one moment, as core tells them.

    `entries` are in the order of the tracklist, `current` the tlid
    of the current track or None, `elapsed` and `length` its milliseconds,
    `playback` `playing`, `paused` or `stopped`. `played` matters under `random`
    only: the tlids that have started since core last shuffled, which it does at
    each change of the tracklist. `max_length` is `core/max_tracklist_length`.
    """

    entries: tuple[Entry, ...] = ()
    current: int | None = None
    elapsed: int = 0
    length: int | None = None
    playback: str = "stopped"
    random: bool = False
    consume: bool = False
    single: bool = False
    repeat: bool = False
    max_length: int = 10_000
    played: frozenset[int] = frozenset()

    @property
    def tlids(self) -> tuple[int, ...]:
        """The tlids in the order of the tracklist."""
        return tuple(tlid for tlid, _ in self.entries)

    @property
    def changing(self) -> bool:
        """Whether core may have chosen the next track already.

        So near the end of a track, in its first moments, and where something
        plays that stands in no tracklist, because a person removed it.
        """
        if self.playback == "stopped":
            return False
        if self.current is None or self.current not in self.tlids:
            return True
        return self.elapsed < BEGUN_MS or self.ending

    @property
    def ending(self) -> bool:
        """Whether the current track is in its last seconds."""
        return self.length is not None and self.length - self.elapsed <= LEAVE_ALONE_MS


@dataclasses.dataclass(frozen=True, slots=True)
class Edits:
    """What to change: own tlids to remove, how many picks to append.

    `make_room`: the tracklist is too full to append before removing.
    `short`: how many picks were wanted beyond `add` but do not fit at all.
    """

    remove: tuple[int, ...] = ()
    add: int = 0
    make_room: bool = False
    short: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.remove or self.add)


def plan(
    queue: Queue,
    own: frozenset[int],
    *,
    ahead: int,
    stale: frozenset[int] = frozenset(),
) -> Edits:
    """Say how the queue comes to have `ahead` own tracks ahead, with manners.

    `own` are the tlids the DJ added; any other entry is a person's and never in
    `Edits.remove`. Own tracks ahead go where they stand in front of a person's
    track, and where they are `stale`: picked for a target that is no more. Those
    that must be left alone stay for the time being. Carried out on an unchanged
    queue, a second plan is empty.

    Only own ones are counted: somebody who queued an album still finds the DJ's
    next songs behind it, and sees them change with the mood. Under `random`
    people's count too, since there is no 'behind' and every edit costs.
    """
    coming = upcoming(queue)
    leaving = still_removable(queue, _unwanted(queue, coming, own, stale))
    staying = [t for t in coming if t not in leaving and (t in own or queue.random)]
    wanted = max(0, ahead - len(staying))
    if queue.random and (leaving or wanted):
        leaving += _own_played(queue, own)
    return _fit(queue, own, leaving, wanted)


def upcoming(queue: Queue) -> tuple[int, ...]:
    """Return the tlids that core will still play, in tracklist order.

    Where there is no current track, core starts with the first.
    """
    tlids = queue.tlids
    if queue.random:
        return tuple(
            tlid for tlid in tlids if tlid not in queue.played and tlid != queue.current
        )
    if queue.current not in tlids:
        return tlids
    return tlids[tlids.index(queue.current) + 1 :]


def still_removable(queue: Queue, tlids: Iterable[int]) -> tuple[int, ...]:
    """Return those of `tlids` that may be removed from the queue as it is now.

    Leaves out what is gone, the current track, what core may already have asked
    for and, where all would go, the last: an emptied tracklist stops the music.
    """
    alone = _left_alone(queue)
    present = queue.tlids
    asked = set(tlids)
    removable = tuple(t for t in present if t in asked and t not in alone)
    if queue.playback != "stopped" and len(removable) == len(present):
        return removable[:-1]
    return removable


def judge_end(
    position: int, length: int | None, *, playback: str, went_back: bool = False
) -> Outcome:
    """Say what the end of one of the DJ's tracks tells about it.

    `position` and `length` are milliseconds from `track_playback_ended`, `playback`
    core's state after the end, `went_back` whether the track before came next.

    Played through beats skipped, so that a piece of 20 s is not skipped by ending.
    Whoever stops the music, or goes back, does not judge the song. Without a length
    core's position is not to be trusted: it may be the next track's.
    """
    if length is None:
        return "neither"
    if position >= PLAYED_SHARE * length:
        return "played"
    if playback == "stopped" or went_back:
        return "neither"
    return "skipped" if position < SKIP_MS else "neither"


class Own:
    """The DJ's tracks in the tracklist: which tlids, with their URIs.

    A tlid alone does not survive a restart: core counts from 1 again unless it
    restores its state. So pairs are kept, and only those that match are believed.
    """

    def __init__(self, pairs: Iterable[Entry] = ()) -> None:
        self._uris: dict[int, str] = dict(pairs)

    @property
    def tlids(self) -> frozenset[int]:
        """The tlids known as the DJ's."""
        return frozenset(self._uris)

    @property
    def pairs(self) -> tuple[Entry, ...]:
        """The tlids with their URIs, in order, to be remembered over a restart."""
        return tuple(sorted(self._uris.items()))

    def __contains__(self, tlid: object) -> bool:
        """Whether the track with this tlid is the DJ's."""
        return tlid in self._uris

    def added(self, entry: Entry) -> None:
        """Note what core gave back from adding: not always the URI asked for."""
        self._uris.update([entry])

    def keep(self, entries: Iterable[Entry]) -> frozenset[int]:
        """Forget all that no longer stands in the tracklist; return what went."""
        there = set(entries)
        gone = {pair for pair in self._uris.items() if pair not in there}
        for tlid, _ in gone:
            del self._uris[tlid]
        return frozenset(tlid for tlid, _ in gone)

    def give(self, tlids: Iterable[int]) -> None:
        """Let a person have these: they are no longer the DJ's."""
        for tlid in tlids:
            self._uris.pop(tlid, None)


def _unwanted(
    queue: Queue, coming: tuple[int, ...], own: frozenset[int], stale: frozenset[int]
) -> list[int]:
    front = coming[: _last_foreign(queue, coming, own)]
    return [t for t in coming if t in own and (t in stale or t in front)]


def _last_foreign(queue: Queue, coming: tuple[int, ...], own: frozenset[int]) -> int:
    if queue.random:  # no order to keep, and each edit shuffles everything anew
        return 0
    return max((i for i, tlid in enumerate(coming) if tlid not in own), default=0)


def _left_alone(queue: Queue) -> frozenset[int]:
    alone = {queue.current} if queue.current is not None else set()
    if queue.changing:
        coming = upcoming(queue)
        alone.update(coming if queue.random else coming[:1])
    return frozenset(alone)


def _own_played(queue: Queue, own: frozenset[int]) -> tuple[int, ...]:
    return tuple(
        tlid
        for tlid in queue.tlids
        if tlid in own and tlid in queue.played and tlid != queue.current
    )


def _fit(
    queue: Queue, own: frozenset[int], leaving: tuple[int, ...], wanted: int
) -> Edits:
    room = max(0, queue.max_length - len(queue.entries))
    if wanted <= room:
        return Edits(leaving, wanted)
    missing = wanted - room - len(leaving)
    leaving += _oldest(queue, own, missing, but=leaving)
    add = min(wanted, room + len(leaving))
    return Edits(leaving, add, make_room=bool(leaving), short=wanted - add)


def _oldest(
    queue: Queue, own: frozenset[int], count: int, *, but: tuple[int, ...]
) -> tuple[int, ...]:
    kept = {*upcoming(queue), *but, queue.current}
    behind = [tlid for tlid in queue.tlids if tlid in own and tlid not in kept]
    return tuple(behind[: max(0, count)])
