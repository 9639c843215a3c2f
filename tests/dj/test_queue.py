"""The queue's manners, for any queue at all."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mopidy_moodcam.dj.queue import (
    LEAVE_ALONE_MS,
    Own,
    Queue,
    judge_end,
    plan,
    still_removable,
    upcoming,
)


def queue(tlids, current=None, **changes):
    entries = tuple((tlid, f"file:{tlid}") for tlid in tlids)
    values = {"elapsed": 10_000, "length": 200_000, "playback": "playing"}
    return Queue(entries, current, **{**values, **changes})


def carried_out(queue, edits, picks):
    """What core holds after the edits; a change shuffles anew under random."""
    entries = list(queue.entries)
    new = [(tlid, f"file:{tlid}") for tlid in picks[: edits.add]]
    steps = [lambda: entries.extend(new), lambda: remove(entries, edits.remove)]
    for step in reversed(steps) if edits.make_room else steps:
        step()
        assert len(entries) <= queue.max_length
    played = frozenset() if edits else queue.played
    return dataclasses.replace(queue, entries=tuple(entries), played=played)


def remove(entries, tlids):
    entries[:] = [entry for entry in entries if entry[0] not in tlids]


@st.composite
def situations(draw):
    """Any queue with any of its tracks the DJ's, and what the DJ may know wrongly."""
    tlids = draw(st.lists(st.integers(1, 99), unique=True, max_size=12))
    own = draw(st.sets(st.sampled_from(tlids))) if tlids else set()
    current = draw(st.sampled_from([None, 500, *tlids]))
    length = draw(st.sampled_from([None, 20_000, 200_000]))
    elapsed = draw(st.integers(0, length or 900_000))
    random = draw(st.booleans())
    played = draw(st.sets(st.sampled_from(tlids))) if tlids and random else set()
    found = queue(
        tlids,
        current,
        length=length,
        elapsed=elapsed,
        playback=draw(st.sampled_from(["playing", "paused", "stopped"])),
        random=random,
        consume=draw(st.booleans()),
        single=draw(st.booleans()),
        repeat=draw(st.booleans()),
        max_length=len(tlids) + draw(st.integers(0, 5)),
        played=frozenset(played),
    )
    gone = draw(st.sets(st.integers(600, 605)))
    stale = draw(st.sets(st.sampled_from([*tlids, 700])))
    return found, frozenset(own | gone), draw(st.integers(1, 5)), frozenset(stale)


PICKS = tuple(range(1000, 1020))


@given(situations())
def test_only_the_djs_own_tracks_are_ever_removed(situation):
    found, own, ahead, stale = situation
    edits = plan(found, own, ahead=ahead, stale=stale)
    assert set(edits.remove) <= own & set(found.tlids)
    assert len(set(edits.remove)) == len(edits.remove)


@given(situations())
def test_peoples_tracks_stay_all_there_and_in_their_order(situation):
    found, own, ahead, stale = situation
    after = carried_out(found, plan(found, own, ahead=ahead, stale=stale), PICKS)
    peoples = [tlid for tlid in found.tlids if tlid not in own]
    assert [t for t in after.tlids if t not in own and t not in PICKS] == peoples


@given(situations())
def test_afterwards_enough_tracks_are_ahead_or_the_list_is_full(situation):
    found, own, ahead, stale = situation
    edits = plan(found, own, ahead=ahead, stale=stale)
    after = carried_out(found, edits, PICKS)
    assert len(upcoming(after)) >= ahead - edits.short
    picks_left = own.difference(edits.remove).union(PICKS)
    if not found.random:
        assert len(picks_left.intersection(upcoming(after))) >= ahead - edits.short
    assert not edits.short or len(after.entries) == found.max_length


@given(situations())
def test_a_second_plan_finds_nothing_left_to_do(situation):
    found, own, ahead, stale = situation
    edits = plan(found, own, ahead=ahead, stale=stale)
    after = carried_out(found, edits, PICKS)
    own_after = (own - set(edits.remove)) | frozenset(PICKS[: edits.add])
    again = plan(after, own_after, ahead=ahead, stale=stale)
    assert not again
    assert again.short <= edits.short


@given(situations())
def test_the_current_track_and_the_next_near_the_end_are_left_alone(situation):
    found, own, ahead, stale = situation
    edits = plan(found, own, ahead=ahead, stale=stale)
    assert found.current not in edits.remove
    if found.changing and not found.random:
        assert not set(upcoming(found)[:1]) & set(edits.remove)
    if found.changing and found.random:
        assert not set(upcoming(found)) & set(edits.remove)


@given(situations())
def test_picks_stand_behind_the_last_of_peoples_tracks(situation):
    found, own, ahead, stale = situation
    after = carried_out(found, plan(found, own, ahead=ahead, stale=stale), PICKS)
    coming = upcoming(after)
    alone = 1 if found.changing else 0
    whose = ["dj" if tlid in own or tlid in PICKS else "people" for tlid in coming]
    if not found.random:
        assert whose[alone:] == sorted(whose[alone:], reverse=True)


@given(situations())
def test_the_tracklist_is_never_emptied_while_something_plays(situation):
    found, own, ahead, stale = situation
    edits = plan(found, own, ahead=ahead, stale=stale)
    if found.playback != "stopped" and found.entries and not edits.make_room:
        after_adding = carried_out(found, dataclasses.replace(edits, remove=()), PICKS)
        removed = still_removable(after_adding, edits.remove)
        assert len(removed) < len(after_adding.entries)


def test_an_empty_queue_gets_as_many_picks_as_shall_be_ahead():
    edits = plan(Queue(), frozenset(), ahead=2)
    assert (edits.remove, edits.add) == ((), 2)


def test_picks_stand_behind_an_album_that_a_person_queued():
    edits = plan(queue([1, 2, 3], 1), frozenset(), ahead=2, stale=frozenset())
    assert (edits.remove, edits.add) == ((), 2)


def test_a_persons_track_behind_picks_comes_next_and_the_picks_behind_it():
    edits = plan(queue([1, 2, 3, 4], 1), frozenset({1, 2, 3}), ahead=2)
    assert (edits.remove, edits.add) == ((2, 3), 2)


def test_picks_behind_peoples_tracks_stay_where_they_are():
    assert not plan(queue([1, 2, 3, 4], 1), frozenset({3, 4}), ahead=2)


def test_a_changed_target_replaces_the_picks_not_yet_near():
    edits = plan(
        queue([1, 2, 3], 1), frozenset({1, 2, 3}), ahead=2, stale=frozenset({1, 2, 3})
    )
    assert (edits.remove, edits.add) == ((2, 3), 2)


def test_in_the_last_five_seconds_the_next_pick_is_left_alone():
    found = queue([1, 2, 3], 1, elapsed=200_000 - LEAVE_ALONE_MS)
    edits = plan(found, frozenset({1, 2, 3}), ahead=2, stale=frozenset({1, 2, 3}))
    assert (edits.remove, edits.add) == ((3,), 1)


def test_when_a_track_has_just_begun_the_next_is_left_alone():
    found = queue([1, 2, 3], 1, elapsed=0)
    edits = plan(found, frozenset({1, 2, 3}), ahead=2, stale=frozenset({2, 3}))
    assert (edits.remove, edits.add) == ((3,), 1)


def test_a_quarter_of_a_second_into_a_track_the_next_is_left_alone():
    assert queue([1, 2, 3], 1, elapsed=250).changing


def test_only_stale_picks_are_replaced():
    edits = plan(queue([1, 2, 3], 1), frozenset({2, 3}), ahead=2, stale=frozenset({3}))
    assert (edits.remove, edits.add) == ((3,), 1)


def test_a_paused_track_near_its_end_counts_as_ending_and_a_stopped_one_does_not():
    near = {"elapsed": 199_000}
    assert queue([1, 2], 1, playback="paused", **near).changing
    assert not queue([1, 2], 1, playback="stopped", **near).changing


def test_a_stream_without_a_length_never_ends():
    assert not queue([1, 2], 1, elapsed=10**7, length=None).changing


def test_what_plays_on_after_a_person_removed_it_may_end_at_any_moment():
    found = queue([2, 3], None)
    edits = plan(found, frozenset({2, 3}), ahead=2, stale=frozenset({2, 3}))
    assert edits.remove == (3,)


def test_played_picks_stay_behind_the_current_track():
    edits = plan(
        queue([1, 2, 3], 3), frozenset({1, 2, 3}), ahead=2, stale=frozenset({1, 2, 3})
    )
    assert (edits.remove, edits.add) == ((), 2)


def test_a_full_tracklist_lets_the_oldest_played_picks_go():
    found = queue([1, 2, 3, 4], 4, max_length=4)
    edits = plan(found, frozenset({1, 2, 3, 4}), ahead=2)
    assert (edits.remove, edits.add, edits.make_room) == ((1, 2), 2, True)


def test_a_full_tracklist_lets_no_more_go_than_it_must():
    found = queue([1, 2, 3, 4], 3, max_length=4)
    edits = plan(found, frozenset({1, 2, 4}), ahead=2, stale=frozenset({4}))
    assert (edits.remove, edits.add) == ((4, 1), 2)


def test_a_tracklist_full_of_peoples_tracks_says_what_did_not_fit():
    edits = plan(queue([1, 2], 2, max_length=3), frozenset(), ahead=2)
    assert (edits.remove, edits.add, edits.short) == ((), 1, 1)


def test_after_the_end_of_a_list_that_stopped_core_would_start_with_the_first():
    assert upcoming(queue([1, 2], None, playback="stopped")) == (1, 2)


def test_under_random_all_that_was_not_drawn_counts_as_ahead():
    found = queue([1, 2, 3, 4], 2, random=True, played=frozenset({1, 2}))
    assert upcoming(found) == (3, 4)
    assert not plan(found, frozenset({3}), ahead=2)


def test_under_random_an_edit_takes_the_djs_played_tracks_along():
    found = queue([1, 2, 3, 4], 2, random=True, played=frozenset({1, 2, 3}))
    edits = plan(found, frozenset({1, 2, 4}), ahead=2)
    assert (edits.remove, edits.add) == ((1,), 1)


def test_under_random_near_the_end_replacing_waits_for_the_next_track():
    found = queue([1, 2, 3], 1, random=True, elapsed=199_000)
    assert not plan(found, frozenset({2, 3}), ahead=2, stale=frozenset({2, 3}))


def test_what_was_removable_when_planned_may_no_longer_be():
    assert still_removable(queue([1, 2, 3], 1), (2, 3)) == (2, 3)
    assert still_removable(queue([1, 2, 3], 2), (2, 3)) == (3,)
    assert still_removable(queue([1, 3], 1), (2, 3)) == (3,)
    assert still_removable(queue([1, 2, 3], 1, elapsed=198_000), (2, 3)) == (3,)


def test_own_tracks_survive_a_restart_where_they_still_stand():
    own = Own([(1, "file:a"), (2, "file:b"), (3, "file:c")])
    entries = [(1, "file:a"), (2, "file:other"), (4, "file:c")]
    again = Own(own.pairs)
    assert again.keep(entries) == {2, 3}
    assert again.pairs == ((1, "file:a"),)


def test_own_tracks_that_a_person_deleted_are_forgotten():
    own = Own([(1, "file:a"), (2, "file:b")])
    assert own.keep([(2, "file:b")]) == {1}
    assert own.tlids == {2}
    assert 1 not in own


@pytest.mark.parametrize(
    ("position", "length", "outcome"),
    [
        (200_000, 200_000, "played"),
        (160_000, 200_000, "played"),
        (150_000, 200_000, "neither"),
        (29_999, 200_000, "skipped"),
        (30_000, 200_000, "neither"),
        (18_000, 20_000, "played"),
        (5_000, 20_000, "skipped"),
        (0, None, "neither"),
    ],
)
def test_where_a_track_ended_tells_whether_it_was_skipped(position, length, outcome):
    assert judge_end(position, length, playback="playing") == outcome


def test_stopping_and_going_back_judge_nothing():
    left = 5_000, 200_000
    assert judge_end(*left, playback="stopped") == "neither"
    assert judge_end(*left, playback="playing", went_back=True) == "neither"


def test_a_track_played_to_its_end_counts_also_where_the_music_stops_then():
    assert judge_end(200_000, 200_000, playback="stopped") == "played"
