import dataclasses
import itertools
import time

import pytest

from mopidy_moodcam.dj.hands import edited_by_person, ended_by_person, taken_over
from mopidy_moodcam.dj.queue import Queue

THREE = ((1, "a"), (2, "b"), (3, "c"))


def test_a_queue_left_alone_was_edited_by_nobody():
    assert not edited_by_person(Queue(THREE, current=1), Queue(THREE, current=2))


def test_adding_removing_and_moving_are_a_persons():
    before = Queue(THREE, current=1)
    for after in (
        Queue((*THREE, (4, "d")), current=1),
        Queue(THREE[:2], current=1),
        Queue(THREE[::-1], current=1),
    ):
        assert edited_by_person(before, after)


@pytest.mark.parametrize("switch", ["random", "consume", "single", "repeat"])
def test_switching_is_a_persons(switch):
    before = Queue(THREE, current=1)
    assert edited_by_person(before, dataclasses.replace(before, **{switch: True}))


def test_under_consume_what_was_played_goes_by_itself():
    before = Queue(THREE, current=1, consume=True)
    assert not edited_by_person(before, Queue(THREE[1:], current=2, consume=True))


def test_under_consume_taking_a_song_to_come_is_a_persons():
    before = Queue(THREE, current=1, consume=True)
    assert edited_by_person(before, Queue(THREE[:2], current=1, consume=True))


def test_under_consume_what_core_cannot_play_goes_by_itself():
    before = Queue(THREE, current=1, consume=True)
    next_one = Queue(THREE[2:], current=3, consume=True)
    assert not edited_by_person(before, next_one)
    on_the_way = Queue(THREE[2:], playback="playing", consume=True)
    assert not edited_by_person(before, on_the_way)
    left = (THREE[0], THREE[2])
    ending = Queue(left, current=1, elapsed=57_000, length=60_000, consume=True)
    assert not edited_by_person(before, ending)


def test_under_consume_a_song_that_core_has_no_reason_to_take_is_a_persons():
    before = Queue(THREE, current=1, consume=True)
    middle = Queue((THREE[0], THREE[2]), current=1, length=60_000, consume=True)
    assert edited_by_person(before, middle)
    behind = Queue(THREE[1:2], current=2, consume=True)
    assert edited_by_person(before, behind)
    assert edited_by_person(before, Queue(playback="playing", consume=True))
    four = Queue((*THREE, (4, "d")), current=1, consume=True)
    between = Queue(((2, "b"), (4, "d")), current=4, consume=True)
    assert edited_by_person(four, between)
    farther = Queue(THREE[:2], current=1, elapsed=57_000, length=60_000, consume=True)
    assert edited_by_person(before, farther)


def test_under_random_and_consume_only_one_song_goes_by_itself():
    given = {"random": True, "consume": True}
    before = Queue(THREE, current=2, **given)
    assert not edited_by_person(before, Queue(THREE[::2], current=3, **given))
    assert not edited_by_person(before, Queue(THREE[:2], current=2, **given))
    assert edited_by_person(before, Queue(THREE[2:], current=3, **given))


def test_whoever_takes_the_song_that_plays_or_all_of_them_ends_the_music():
    before = Queue(THREE, current=2)
    assert ended_by_person(before, Queue((THREE[0], THREE[2]), current=None))
    assert ended_by_person(Queue(THREE), Queue())


def test_the_music_that_ends_with_its_list_was_ended_by_nobody():
    before = Queue(THREE, current=3)
    assert not ended_by_person(before, Queue(THREE, current=None))
    last = Queue(THREE[2:], current=3, consume=True)
    assert not ended_by_person(last, Queue(consume=True))


def test_other_edits_end_nothing():
    before = Queue(THREE, current=1)
    assert not ended_by_person(before, Queue(THREE[:2], current=1))
    assert not ended_by_person(before, Queue((*THREE, (4, "d")), current=1))


def theirs(before, after, **given):
    """Return what is a person's then; the first track plays, capitals are the DJ's."""
    queues = [
        Queue(tuple((ord(x), x) for x in letters), current=ord(before[0]), **given)
        for letters in (before, after)
    ]
    own = frozenset(ord(x) for x in before if x.isupper())
    return "".join(sorted(map(chr, taken_over(*queues, own))))


def test_a_pick_that_a_person_puts_in_front_of_their_own_is_theirs():
    assert theirs("abcdPQ", "aQbcdP") == "Q"
    assert theirs("abcdPQ", "abcPQd") == "PQ"


def test_other_moves_leave_the_picks_with_the_dj():
    assert theirs("abcdPQ", "abcdQP") == ""
    assert theirs("abcdPQ", "acbdPQ") == ""
    assert theirs("abPQ", "abPQe") == ""
    assert theirs("abcdPQ", "cQdaPb") == ""
    assert theirs("abcdPQ", "aQbPcd") == ""
    assert theirs("abcdPQR", "aPRbcdQ") == ""
    assert theirs("abcdPQ", "aQbcdP", random=True) == ""


@pytest.mark.parametrize("shuffled", ["PaQ", "QaP", "PQa", "QPa", "aQP"])
def test_behind_the_last_of_a_persons_a_shuffle_leaves_the_picks_with_the_dj(shuffled):
    assert theirs("aPQ", shuffled) == ""


def test_few_shuffles_of_a_short_queue_look_like_a_move():
    orders = map("".join, itertools.permutations("abPQ"))
    taken = {order: picks for order in orders if (picks := theirs("abPQ", order))}
    assert taken == {"aPbQ": "P", "aQbP": "Q", "aPQb": "PQ"}


def test_long_queues_are_compared_in_no_time():
    entries = tuple((n, f"t:{n}") for n in range(10_000))
    own = frozenset(range(5_000, 10_000))
    before, after = Queue(entries), Queue((*entries[-9:], *entries[:-9]))
    start = time.process_time()
    assert len(taken_over(before, after, own)) == 9
    assert time.process_time() - start < 0.5
