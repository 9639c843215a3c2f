"""What plays and skips teach, and for which song mood."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mopidy_moodcam.dj import feedback as dj_feedback
from mopidy_moodcam.dj.feedback import ARTIST_HALF_S, KIN_MOST, STRENGTH
from mopidy_moodcam.glossary import SongMood, Verdict
from tests.dj.shelves import random_shelf

HAPPY, SAD = SongMood.HAPPY, SongMood.SAD
NOW = 1e9


@pytest.fixture
def shelf():
    """Songs far from each other, two of them by one artist."""
    songs = 6
    corners = [(-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0), (0, 0.9)]
    return dataclasses.replace(
        random_shelf(songs),
        plane=np.array(corners, np.float32),
        artist=np.array([1, 1, 2, 3, 0, 0], np.int32),
    )


def Feedback(shelf, rows=(), clock=lambda: NOW):  # noqa: N802
    """Return feedback of (track number, song mood, played, skipped[, when])."""
    rows = [(*row, NOW)[:5] for row in rows]
    return dj_feedback.Feedback(shelf, rows, clock=clock)


def expected(feedback, song_mood=HAPPY):
    return feedback.expect(np.arange(6), song_mood)


def test_without_any_play_all_songs_are_expected_alike(shelf):
    assert np.ptp(expected(Feedback(shelf))) == 0


def test_a_skip_lowers_and_a_song_played_through_raises(shelf):
    feedback = Feedback(shelf)
    before = expected(feedback)
    feedback.note(3, HAPPY, "skipped")
    feedback.note(4, HAPPY, "played")
    after = expected(feedback)
    assert after[2] < before[2] < after[3]


def test_a_skip_counts_for_its_song_mood_only(shelf):
    feedback = Feedback(shelf)
    before = expected(feedback, SAD)
    feedback.note(3, HAPPY, "skipped")
    assert np.array_equal(expected(feedback, SAD), before)


def test_what_ended_neither_way_teaches_nothing(shelf):
    feedback = Feedback(shelf)
    before = expected(feedback)
    feedback.note(3, HAPPY, "neither")
    assert np.array_equal(expected(feedback), before)


def test_other_songs_by_a_skipped_artist_are_lowered_less(shelf):
    feedback = Feedback(shelf)
    feedback.note(1, HAPPY, "skipped")
    after = expected(feedback)
    assert after[0] < after[1] < after[2]


def alike(shelf):
    """Let the songs 3 and 4 sound alike."""
    near = shelf.plane.copy()
    near[3] = near[2] + 0.05
    return dataclasses.replace(
        shelf, plane=near, tempo=np.full(6, 100.0), energy=np.full(6, 0.5)
    )


def test_songs_that_sound_alike_are_lowered_too(shelf):
    feedback = Feedback(alike(shelf))
    feedback.note(3, HAPPY, "skipped")
    after = expected(feedback)
    assert after[2] < after[3] < after[5]


def test_a_skip_counts_alike_before_and_after_the_first_look(shelf):
    feedback = Feedback(alike(shelf))
    feedback.note(1, HAPPY, "skipped")
    expected(feedback)
    feedback.note(3, HAPPY, "skipped")
    again = Feedback(alike(shelf), [(1, HAPPY, 0, 1), (3, HAPPY, 0, 1)])
    assert np.allclose(expected(feedback), expected(again))


def test_unknown_artists_are_not_one_artist(shelf):
    feedback = Feedback(shelf)
    feedback.note(5, HAPPY, "skipped")
    after = expected(feedback)
    assert after[4] < after[5]
    assert after[5] == pytest.approx(after[2], abs=0.02)


def test_kin_never_outweigh_a_songs_own_history(shelf):
    feedback = Feedback(shelf, [(1, HAPPY, 0, 500), (2, HAPPY, 60, 0)])
    played, skipped = feedback.belief(np.array([1]), HAPPY)
    assert played + skipped <= STRENGTH + 60 + 2 * KIN_MOST + 1e-6
    assert expected(feedback)[1] > 0.6


def test_draws_gather_about_what_is_expected_as_plays_come_in(shelf):
    rng = np.random.default_rng(3)
    new, known = Feedback(shelf), Feedback(shelf, [(3, HAPPY, 80, 20)])
    draws = lambda f: [f.draw(np.array([2]), HAPPY, rng)[0] for _ in range(300)]  # noqa: E731
    assert np.std(draws(known)) < 0.3 * np.std(draws(new))
    assert np.mean(draws(known)) == pytest.approx(expected(known)[2], abs=0.02)


def test_a_loved_song_is_never_less_welcome_than_usual_however_often_skipped(shelf):
    feedback = Feedback(shelf, [(3, HAPPY, 0, 50), (4, HAPPY, 50, 0)])
    usual = feedback.usual(HAPPY)
    feedback.judge(3, Verdict.LOVED)
    rng = np.random.default_rng(3)
    assert expected(feedback)[2] == feedback.draw(np.arange(6), HAPPY, rng)[2] == usual
    feedback.judge(3, Verdict.NONE)
    assert expected(feedback)[2] < usual / 2


def test_a_few_skips_lower_an_artists_other_songs_for_some_weeks_only(shelf):
    now = [NOW]
    feedback = Feedback(shelf, [(3, HAPPY, 200, 0)], clock=lambda: now[0])
    for _ in range(3):
        feedback.note(1, HAPPY, "skipped")
    lost = []
    for _ in range(4):
        lost.append(feedback.usual(HAPPY) - expected(feedback)[1])
        now[0] += 7 * 86_400.0
    assert lost == sorted(lost, reverse=True)
    assert 0.4 < lost[0] < 0.7
    assert lost[3] < lost[0] / 3


def test_what_was_skipped_long_ago_has_faded_when_it_is_read_again(shelf):
    old, new = (
        Feedback(shelf, [(1, HAPPY, 0, 3, at)]) for at in (NOW - 9 * ARTIST_HALF_S, NOW)
    )
    assert expected(old)[1] > expected(new)[1]


@pytest.mark.parametrize("later", [0.0, 1e10])
def test_a_clock_that_was_set_right_leaves_all_numbers_finite(shelf, later):
    now = [NOW]
    feedback = Feedback(shelf, [(1, HAPPY, 0, 3, 1e10)], clock=lambda: now[0])
    now[0] = later
    feedback.note(2, HAPPY, "skipped")
    assert np.isfinite(expected(feedback)).all()


def test_a_verdict_taken_back_counts_at_once_even_where_the_shelf_says_loved(shelf):
    loved = dataclasses.replace(shelf, loved=np.ones(6, bool))
    feedback = Feedback(loved)
    feedback.judge(3, Verdict.NONE)
    assert feedback.loved(np.arange(6)).tolist() == [True, True, False, *[True] * 3]


def test_what_is_known_of_a_song_is_counted_for_each_song_mood(shelf):
    feedback = Feedback(shelf, [(3, HAPPY, 2, 1), (3, SAD, 0, 3)])
    assert feedback.counts(3, HAPPY) == (2, 1)
    assert feedback.counts(3, SAD) == (0, 3)
    assert feedback.counts(4, HAPPY) == feedback.counts(999, HAPPY) == (0, 0)


def test_rows_of_tracks_no_longer_on_the_shelf_are_passed_over(shelf):
    feedback = Feedback(shelf, [(999, HAPPY, 0, 7)])
    assert np.array_equal(expected(feedback), expected(Feedback(shelf)))


def test_adding_up_rows_equals_hearing_the_songs_one_by_one(shelf):
    one_by_one = Feedback(shelf)
    for outcome in ("played", "skipped", "skipped"):
        one_by_one.note(3, HAPPY, outcome)
    at_once = Feedback(shelf, [(3, HAPPY, 1, 2)])
    assert np.allclose(expected(one_by_one), expected(at_once))
