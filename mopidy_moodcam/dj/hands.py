"""Telling a person's edit of the queue from the queue's own changes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mopidy_moodcam.dj.queue import upcoming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mopidy_moodcam.dj.queue import Queue


def edited_by_person(before: Queue, after: Queue) -> bool:
    """Say whether somebody else changed the queue between two looks at it.

    `before` is the queue as the DJ left it. Under `consume` core takes away
    what was played and what it could not play, and under `random` it draws an
    order of its own: neither is a person. Everything else that adds, removes,
    moves or switches is.
    """
    switches = ("random", "consume", "single", "repeat")
    if any(getattr(before, name) != getattr(after, name) for name in switches):
        return True
    if before.entries == after.entries:
        return False
    return not (after.consume and _only_done_are_gone(before, after))


def ended_by_person(before: Queue, after: Queue) -> bool:
    """Say whether somebody else took the current track away, or all of them.

    `before` is the queue as the DJ left it. Whoever does that ends the music.
    """
    if not edited_by_person(before, after):
        return False
    emptied = bool(before.entries) and not after.entries
    there = before.current in before.tlids
    return emptied or (there and before.current not in after.tlids)


def taken_over(before: Queue, after: Queue, own: frozenset[int]) -> frozenset[int]:
    """Return the DJ's tracks to come that a person put in front of one of their own.

    Such a pick is theirs from then on: they want it there. Whoever shuffles the queue
    wants no place for any, and moves more than one block, unless it is very short.
    """
    moved = put_forward(before, after, own)
    common = {*before.tlids} & {*after.tlids}
    orders = ([t for t in queue.tlids if t in common] for queue in (before, after))
    return moved if moved and _moved_as_one(moved, *orders) else frozenset()


def put_forward(before: Queue, after: Queue, own: frozenset[int]) -> frozenset[int]:
    """Return own tracks that stood behind a person's to come and now precede it."""
    if after.random:
        return frozenset()
    return frozenset(_put_forward(before, after, own))


def _put_forward(before: Queue, after: Queue, own: frozenset[int]) -> Iterator[int]:
    places = {tlid: place for place, tlid in enumerate(upcoming(after))}
    furthest = -1  # place of a person's track met so far
    for tlid in before.tlids:
        place = places.get(tlid, -1)
        if tlid not in own:
            furthest = max(furthest, place)
        elif 0 <= place < furthest:
            yield tlid


def _moved_as_one(moved: frozenset[int], before: list[int], after: list[int]) -> bool:
    """Say whether some tracks went elsewhere as one block, and no others moved."""
    block = [tlid for tlid in before if tlid in moved]
    rest = [tlid for tlid in before if tlid not in moved]
    start, place = before.index(block[0]), after.index(block[0])
    stood_together = before[start : start + len(block)] == block
    return stood_together and after == rest[:place] + block + rest[place:]


def _only_done_are_gone(before: Queue, after: Queue) -> bool:
    there = set(after.tlids)
    gone = [tlid for tlid in before.tlids if tlid not in there]
    left = tuple(entry for entry in before.entries if entry[0] in there)
    if left != after.entries:
        return False
    if after.random or before.current not in before.tlids:
        return len(gone) <= 1
    place = before.tlids.index(before.current) + 1
    played, coming = before.tlids[:place], before.tlids[place:]
    return set(gone) <= {*played, *_passed_over(coming, after)}


def _passed_over(coming: tuple[int, ...], after: Queue) -> tuple[int, ...]:
    """Return the tracks that core found unplayable on its way to the next.

    It looks for the next when it is told to, and in the last seconds of a track. On
    the way there is no current track.
    """
    chosen = after.current in coming or after.ending
    choosing = after.current is None and after.playback != "stopped" and after.entries
    if not (chosen or choosing):
        return ()
    return tuple(itertools.takewhile(lambda tlid: tlid not in after.tlids, coming))
