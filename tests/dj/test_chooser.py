"""Which song is chosen for a target, and what is said of it."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mopidy_moodcam.dj.chooser import WIDEST, Chooser
from mopidy_moodcam.dj.feedback import Feedback
from mopidy_moodcam.dj.recent import Recent
from mopidy_moodcam.feeling.affect import EXPRESSION_AFFECT
from mopidy_moodcam.feeling.goals import ENDS, Planner
from mopidy_moodcam.glossary import Affect, Mood, SongMood, Step, Verdict
from tests.dj.shelves import library_shelf, one_sided, random_shelf, target

TWO_HOURS = 7200.0
SONG = 200.0


class Evening:
    """A chooser with its clock, what was on, and what was taught."""

    def __init__(self, shelf, *, artist_cap=2, seed=1, repeat_after=TWO_HOURS):
        self.now = 1e9
        self.shelf = shelf
        self.recent = Recent()
        self.feedback = Feedback(shelf, clock=lambda: self.now)
        self.before = None
        self.chooser = Chooser(
            shelf,
            repeat_after_s=repeat_after,
            artist_cap=artist_cap,
            rng=np.random.default_rng(seed),
            clock=lambda: self.now,
        )

    def pick(self, aim=None, exclude=()):
        choice = self.chooser.choose(
            aim or target(),
            before=self.before,
            recent=self.recent,
            feedback=self.feedback,
            exclude=exclude,
        )
        if choice is not None:
            self.before = choice.row
            artist = int(self.shelf.artist[choice.row])
            self.recent.note(choice.track_id, artist, self.now)
            self.now += SONG
        return choice

    def picks(self, count, aim=None):
        return [self.pick(aim) for _ in range(count)]


@pytest.mark.parametrize("song_mood", list(SongMood))
def test_a_pick_is_a_member_of_the_targets_song_mood(song_mood):
    evening = Evening(random_shelf(3000))
    for choice in evening.picks(20, target(song_mood)):
        assert choice.row in evening.shelf.members[song_mood]
        assert choice.song_mood is song_mood


def test_a_pick_names_the_track_of_its_row():
    shelf = random_shelf(500)
    shelf = dataclasses.replace(shelf, track_id=shelf.track_id * 7)
    evening = Evening(shelf)
    for choice in evening.picks(20):
        assert shelf.track_id[choice.row] == choice.track_id
        assert evening.chooser.row(choice.track_id) == choice.row
    assert evening.chooser.row(3) is None


def test_picks_lie_nearer_to_the_target_than_the_song_moods_average():
    shelf = random_shelf(3000)
    at = target().affect
    evening = Evening(shelf)
    apart = np.hypot(*(shelf.plane - [at.valence, at.arousal]).T)
    chosen = [apart[choice.row] for choice in evening.picks(30)]
    assert np.mean(chosen) < apart[shelf.members[SongMood.HAPPY]].mean()


def test_no_song_repeats_within_the_window_and_old_ones_come_back_after_it():
    evening = Evening(random_shelf(40, moods=[SongMood.HAPPY], artists=40))
    first = [choice.track_id for choice in evening.picks(36)]
    assert len(set(first)) == 36
    evening.now += TWO_HOURS
    assert not any("no other" in choice.reason for choice in evening.picks(10))


def test_an_artist_is_heard_at_most_twice_in_a_row_of_ten():
    evening = Evening(random_shelf(2000, artists=60))
    artists = [evening.shelf.artist[choice.row] for choice in evening.picks(100)]
    for start in range(91):
        most = collections.Counter(artists[start : start + 10]).most_common(1)
        assert most[0][1] <= 2


def test_songs_without_an_artist_are_not_one_artist():
    shelf = random_shelf(200, moods=[SongMood.HAPPY])
    shelf = dataclasses.replace(shelf, artist=np.zeros(200, np.int32))
    assert not any("artists" in c.reason for c in Evening(shelf).picks(20))


def test_a_library_of_one_artist_plays_on_and_says_why():
    evening = Evening(random_shelf(60, artists=1, moods=[SongMood.HAPPY]))
    choices = evening.picks(20)
    assert len({choice.track_id for choice in choices}) == 20
    assert "artists heard a moment ago" in choices[-1].reason


def test_a_short_song_mood_widens_to_its_neighbours_and_says_so():
    shelf = random_shelf(600)
    happy = shelf.members[SongMood.HAPPY]
    shelf = dataclasses.replace(
        shelf, members={**shelf.members, SongMood.HAPPY: happy[:3]}
    )
    evening = Evening(shelf)
    choices = evening.picks(15)
    widened = ["no other happy song is fresh" in c.reason.split("; ") for c in choices]
    assert widened == [False] * 3 + [True] * 12
    at = target().affect
    for choice in choices:
        valence, arousal = shelf.plane[choice.row]
        assert np.hypot(valence - at.valence, arousal - at.arousal) <= WIDEST


def test_from_happy_a_repeated_song_is_better_than_a_sad_one():
    evening = Evening(random_shelf(40, moods=[SongMood.HAPPY, SongMood.SAD]))
    for choice in evening.picks(60):
        assert choice.row in evening.shelf.members[SongMood.HAPPY]


def test_a_library_of_three_songs_goes_round():
    evening = Evening(random_shelf(3, moods=[SongMood.HAPPY]))
    numbers = [choice.track_id for choice in evening.picks(12)]
    assert set(numbers) == {1, 2, 3}
    assert all(one != other for one, other in itertools.pairwise(numbers))


def test_a_library_of_one_song_repeats_it():
    assert {choice.track_id for choice in Evening(random_shelf(1)).picks(3)} == {1}


def test_an_empty_catalogue_gives_no_pick_and_names_the_remedy():
    evening = Evening(random_shelf(0))
    assert evening.pick() is None
    assert "mopidy moodcam scan" in evening.chooser.why_nothing


def test_excluded_songs_are_never_chosen_even_where_nothing_else_is_left():
    evening = Evening(random_shelf(3))
    assert {evening.pick(exclude={1, 2}).track_id for _ in range(5)} == {3}
    assert evening.pick(exclude={1, 2, 3}) is None
    assert "no song is left" in evening.chooser.why_nothing


def test_a_song_banned_a_moment_ago_is_never_chosen():
    evening = Evening(random_shelf(3, moods=[SongMood.HAPPY]))
    evening.feedback.judge(2, Verdict.BANNED)
    assert {choice.track_id for choice in evening.picks(10)} == {1, 3}


@pytest.mark.parametrize("skips", [0.0, 0.25])
def test_loved_songs_come_some_times_as_often_whatever_is_skipped(skips):
    shelf = random_shelf(200, moods=[SongMood.HAPPY], artists=200, loved=range(1, 21))
    evening, rng = Evening(shelf), np.random.default_rng(3)
    rows = [row for _ in range(24) for row in an_evening(evening, rng, skips)]
    ratio = shelf.loved[rows].mean() / (1 - shelf.loved[rows].mean()) * 180 / 20
    assert 1.8 < ratio < 5


def test_songs_skipped_at_random_do_not_leave_the_same_few_for_every_evening():
    evening = Evening(random_shelf(185, moods=[SongMood.HAPPY], artists=185))
    rng = np.random.default_rng(3)
    evenings = [{*an_evening(evening, rng, 0.2)} for _ in range(24)]
    again = [len(a & b) / 40 for a, b in itertools.pairwise(evenings[12:])]
    assert np.mean(again) < 0.15


def an_evening(evening, rng, skips):
    """Hear 40 happy songs, skip some that are not loved at random; return the rows."""
    rows = []
    for choice in evening.picks(40):
        skipped = rng.random() < skips and not evening.shelf.loved[choice.row]
        outcome = "skipped" if skipped else "played"
        evening.feedback.note(choice.track_id, SongMood.HAPPY, outcome)
        rows.append(choice.row)
    evening.now += 86_400 - 40 * SONG
    return rows


def test_loved_songs_do_not_push_all_others_out():
    shelf = random_shelf(500, moods=[SongMood.HAPPY], artists=500, loved=range(1, 41))
    evening = Evening(shelf)
    rng = np.random.default_rng(3)
    disliked = {number for number in range(41, 501) if rng.random() < 0.3}
    chosen = []
    for _ in range(6):
        for choice in evening.picks(144):  # eight hours
            skipped = choice.track_id in disliked
            outcome = "skipped" if skipped else "played"
            evening.feedback.note(choice.track_id, SongMood.HAPPY, outcome)
            chosen.append(choice)
        evening.now += 57_600
    last = chosen[-200:]
    assert np.mean([shelf.loved[choice.row] for choice in last]) < 0.5
    assert len({choice.track_id for choice in last}) > 120


def test_skipped_songs_come_later_than_those_heard_through():
    evening = Evening(random_shelf(30, moods=[SongMood.HAPPY], artists=300))
    skipped, played = range(1, 11), range(11, 21)
    for track_id in (*skipped, *played):
        outcome = "skipped" if track_id in skipped else "played"
        for _ in range(3):
            evening.feedback.note(track_id, SongMood.HAPPY, outcome)
    order = [choice.track_id for choice in evening.picks(30)]
    places = [np.mean([order.index(i) for i in some]) for some in (skipped, played)]
    assert places[0] > places[1] + 8


def test_the_song_before_is_followed_more_smoothly_than_by_chance():
    evening = Evening(random_shelf(3000))
    tempo = evening.shelf.tempo
    rows = [choice.row for choice in evening.picks(60)]
    octaves = [abs(np.log2(tempo[a] / tempo[b])) for a, b in itertools.pairwise(rows)]
    apart = np.minimum(octaves, np.abs(np.array(octaves) - 1))
    assert np.median(apart) < 0.1


def test_the_same_seed_gives_the_same_evening_and_another_seed_another():
    shelf = random_shelf(3000)
    evenings = [
        [choice.track_id for choice in Evening(shelf, seed=seed).picks(10)]
        for seed in (5, 5, 6)
    ]
    assert evenings[0] == evenings[1] != evenings[2]


@pytest.mark.parametrize("guessed", [True, False])
def test_the_reason_says_where_the_mood_is_only_a_guess(guessed):
    shelf = random_shelf(200)
    shelf = dataclasses.replace(shelf, guessed=np.full(200, guessed))
    assert ("guessed from its genre" in Evening(shelf).pick().reason) is guessed


def test_the_reason_tells_mood_cause_neighbour_and_taste():
    evening = Evening(random_shelf(1, loved=[1]))
    evening.pick()
    evening.feedback.note(1, SongMood.HAPPY, "skipped")
    reason = evening.pick().reason
    assert reason.startswith("happy, because the room has looked happy for 3 min")
    assert "close in tempo and key to the song before" in reason
    assert "you love it" in reason
    assert "you skipped it once" in reason


def test_reasons_hold_no_square_brackets():
    evening = Evening(random_shelf(10))
    assert not any(set("[]") & set(choice.reason) for choice in evening.picks(30))


@settings(max_examples=60)
@given(
    songs=st.integers(1, 60),
    seed=st.integers(0, 1000),
    unknown=st.booleans(),
    aims=st.lists(st.sampled_from(list(SongMood)), min_size=1, max_size=20),
)
def test_wherever_a_song_exists_there_is_a_pick(songs, seed, unknown, aims):
    shelf = random_shelf(songs, seed=seed)
    if unknown:
        nothing = np.full(songs, np.nan, np.float32)
        minus = np.full(songs, -1, np.int8)
        shelf = dataclasses.replace(
            shelf, tempo=nothing, energy=nothing, key=minus, mode=minus
        )
    evening = Evening(shelf, seed=seed)
    for song_mood in aims:
        choice = evening.pick(target(song_mood))
        assert choice is not None
        assert shelf.track_id[choice.row] == choice.track_id


def test_a_pick_makes_no_copy_of_the_catalogue():
    shelf = random_shelf(300_000)
    evening = Evening(shelf)
    evening.pick()
    tracemalloc.start()
    evening.pick()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < shelf.track_id.nbytes / 4


def alone_in_happy(artists):
    """A shelf with three happy songs, and two more songs near them by others."""
    shelf = random_shelf(5, moods=[SongMood.HAPPY])
    numbers = np.array([0, 0, 0, 1, 1], np.int8)
    return dataclasses.replace(
        shelf,
        plane=np.full((5, 2), (0.6, 0.4), np.float32),
        song_mood=numbers,
        artist=np.array(artists, np.int32),
        members={
            mood: np.flatnonzero(numbers == number).astype(np.int32)
            for number, mood in enumerate(SongMood)
        },
    )


def test_neighbours_come_before_an_artist_heard_too_often():
    evening = Evening(alone_in_happy([1, 1, 1, 2, 2]))
    last = evening.picks(3)[-1]
    assert evening.shelf.artist[last.row] == 2
    assert "no other happy song is fresh but by artists heard a" in last.reason


def test_where_all_artists_are_heard_too_often_the_mood_stays():
    evening = Evening(alone_in_happy([1, 1, 1, 1, 1]))
    rows = {choice.row for choice in evening.picks(3)}
    assert rows == {0, 1, 2}


def test_a_song_of_another_mood_is_called_a_neighbour():
    evening = Evening(alone_in_happy([1, 1, 1, 2, 2]))
    first, *_, last = evening.picks(3)
    assert "neighbouring" not in first.reason
    assert "; a neighbouring song, energetic" in last.reason


def test_songs_never_heard_come_before_those_heard_days_ago():
    shelf = random_shelf(40, moods=[SongMood.HAPPY], artists=400)
    shelf = dataclasses.replace(shelf, plane=np.full((40, 2), 0.5, np.float32))
    evening = Evening(shelf)
    for number in range(1, 21):
        evening.recent.note(number, 0, evening.now - 5 * 86_400)
    picked = [choice.track_id for choice in evening.picks(12)]
    assert sum(number > 20 for number in picked) >= 10


def test_a_reason_names_only_a_tempo_or_key_that_fits():
    shelf = random_shelf(2, moods=[SongMood.HAPPY], artists=20)
    shelf = dataclasses.replace(
        shelf,
        tempo=np.array([100.0, 145.0], np.float32),
        key=np.array([0, 6], np.int8),
        mode=np.array([1, 1], np.int8),
    )
    _, second = Evening(shelf).picks(2)
    assert "close in" not in second.reason


@pytest.mark.parametrize(("tempo", "said"), [(122.0, True), (60.0, False)])
def test_half_the_tempo_fits_but_is_not_called_close(tempo, said):
    shelf = random_shelf(2, moods=[SongMood.HAPPY], artists=20)
    shelf = dataclasses.replace(shelf, tempo=np.array([120.0, tempo], np.float32))
    _, second = Evening(shelf).picks(2)
    assert ("close in tempo" in second.reason) is said


def test_a_fresh_neighbour_by_an_artist_heard_too_often_comes_before_a_repeat():
    evening = Evening(alone_in_happy([1, 1, 1, 1, 1]))
    choices = evening.picks(5)
    assert len({choice.row for choice in choices}) == 5
    for choice in choices[3:]:
        assert "no other happy song is fresh" in choice.reason.split("; ")


def test_what_comes_again_is_what_was_on_longest_ago_members_and_neighbours():
    evening = Evening(alone_in_happy([1, 2, 3, 4, 5]))
    rows = [choice.row for choice in evening.picks(15)]
    assert rows[5:10] == rows[:5] == rows[10:]
    assert "the one heard longest ago" in evening.pick().reason


def test_a_step_takes_what_lies_near_it_and_names_that_songs_own_mood():
    evening = Evening(one_sided())
    step = Step(SongMood.SAD, Affect(-0.6, -0.3), "song 1 of 5")
    for choice in evening.picks(20, step):
        assert np.hypot(*(evening.shelf.plane[choice.row] - [-0.6, -0.3])) < 0.5
        assert choice.reason.startswith("intense, because song 1 of 5")
        assert "neighbouring" not in choice.reason
        assert choice.song_mood is SongMood.SAD


def test_a_step_in_a_library_of_one_artist_goes_on_and_says_why():
    shelf = dataclasses.replace(one_sided(), artist=np.ones(400, np.int32))
    step = Step(SongMood.SAD, Affect(-0.6, -0.3), "")
    last = Evening(shelf).picks(3, step)[-1]
    assert "no other song so near is fresh but by artists" in last.reason


FAR_LEFT = Step(SongMood.SAD, Affect(-1.0, 0.0), "")


def apart(*distances, artists):
    """A shelf of songs at these distances from the step `FAR_LEFT`."""
    count = len(distances)
    places = np.array([(distance - 1, 0) for distance in distances], np.float32)
    shelf = random_shelf(count, moods=[SongMood.HAPPY])
    return dataclasses.replace(shelf, plane=places, artist=np.array(artists, np.int32))


def test_where_nothing_near_a_step_is_fresh_the_nearest_beyond_come_before_a_repeat():
    far = [*np.linspace(1.2, 1.3, 8), *np.linspace(1.7, 2.0, 30)]
    evening = Evening(apart(0.1, *far, artists=range(1, 40)))
    first, *others = evening.picks(9, FAR_LEFT)
    assert first.row == 0
    assert "close to this step" not in first.reason
    assert len({choice.row for choice in others}) == 8
    assert all(choice.row in range(1, 9) for choice in others[:7])
    for choice in others:
        assert "no song close to this step is fresh" in choice.reason.split("; ")


def test_beyond_a_steps_reach_other_artists_come_first_and_then_a_repeat():
    evening = Evening(apart(0.1, 0.2, 1.2, 1.3, artists=[1, 1, 1, 2]))
    choices = evening.picks(5, FAR_LEFT)
    assert [choice.row for choice in choices[2:4]] == [3, 2]
    assert "the one heard longest ago" in choices[4].reason


def test_few_songs_near_a_step_are_found_in_a_large_library():
    shelf = apart(*[0.1] * 3, *[1.5] * 3000, artists=range(3003))
    choices = Evening(shelf).picks(3, FAR_LEFT)
    assert {choice.row for choice in choices} == {0, 1, 2}
    assert not any("ago" in c.reason or "fresh" in c.reason for c in choices)


@pytest.mark.parametrize(("goal", "end"), ENDS.items())
def test_what_follows_a_path_is_of_its_ends_song_mood(goal, end):
    evening, planner = Evening(library_shelf(300)), Planner(goal)
    sad = Mood("sad", EXPRESSION_AFFECT["sad"], 0.9, 0.0, (1 / 7,) * 7)
    rows = []
    for _ in range(35):
        aim = planner.target(sad, evening.now, anything_queued=True)
        rows.append(evening.pick(aim).row)
        planner.song_played()
    after = evening.shelf.song_mood[rows[5:]] == list(SongMood).index(end)
    assert after.sum() >= 28
