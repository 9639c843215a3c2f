"""What counts as heard lately."""

from __future__ import annotations

import numpy as np
import pytest

from mopidy_moodcam.dj.recent import REST_S, Recent


def ids(*numbers):
    return np.array(numbers, np.int64)


def test_a_song_noted_lately_is_not_fresh():
    recent = Recent([(1, 10, 100.0), (2, 20, 200.0)])
    assert recent.fresh(ids(1, 2, 3), since=150.0).tolist() == [True, False, True]


def test_a_song_taken_back_is_fresh_again():
    recent = Recent([(1, 10, 100.0)])
    recent.take_back(1)
    recent.take_back(1)
    assert recent.fresh(ids(1), since=50.0).all()


def test_taking_back_leaves_the_earlier_time_it_was_heard():
    recent = Recent([(1, 10, 100.0), (2, 20, 150.0), (1, 10, 200.0)])
    recent.take_back(1)
    assert not recent.fresh(ids(1), since=50.0).any()
    assert recent.fresh(ids(1), since=150.0).all()


def test_a_song_is_welcome_again_by_and_by():
    recent = Recent([(1, 10, 0.0)])
    rested = [recent.rested(ids(1), now)[0] for now in (0.0, REST_S / 2, 2 * REST_S)]
    assert rested == pytest.approx([0.0, 0.5, 1.0])
    assert recent.rested(ids(9), 0.0)[0] == 1.0


def test_the_one_heard_longest_ago_is_found_and_the_never_heard_before_it():
    recent = Recent([(1, 10, 0.0), (2, 10, 0.0), (1, 10, 0.0)])
    assert recent.longest_ago(ids(1, 2)) == 1
    assert recent.longest_ago(ids(1, 2, 3)) == 2


def test_an_artist_is_tired_after_the_cap_and_rested_nine_songs_later():
    recent = Recent([(1, 10, 0.0), (2, 10, 0.0)])
    assert recent.tired_artists(2).tolist() == [10]
    for number in range(7):
        recent.note(100 + number, 20 + number, 0.0)
    assert 10 in recent.tired_artists(2)
    recent.note(107, 27, 0.0)
    assert 10 not in recent.tired_artists(2)


def test_songs_without_an_artist_tire_nobody():
    assert not len(Recent([(i, 0, 0.0) for i in range(9)]).tired_artists(1))


def test_no_more_than_the_limit_is_remembered():
    recent = Recent(limit=3)
    for number in range(10):
        recent.note(number, number, float(number))
    assert np.flatnonzero(~recent.fresh(np.arange(10), -1.0)).tolist() == [7, 8, 9]
