"""Goals: from a mood to what is played next."""

import pytest

from mopidy_moodcam.feeling.affect import EXPRESSION_AFFECT, distance
from mopidy_moodcam.feeling.goals import LASTING, PRESETS, Planner
from mopidy_moodcam.glossary import (
    EXPRESSIONS,
    SONG_MOOD_AFFECT,
    UNKNOWN,
    Affect,
    Goal,
    Mood,
    SongMood,
    Step,
    Target,
)

CALM_TARGET = Target(SongMood.CALM, Affect(0, 0), "")


def mood(label):
    return Mood(label, EXPRESSION_AFFECT[label], 0.9, 0.0, (1 / 7,) * 7, "seen")


def target(planner, label, *, at=0.0, queued=True, previous=None):
    return planner.target(mood(label), at, anything_queued=queued, previous=previous)


@pytest.mark.parametrize(
    ("label", "song_mood"),
    [
        ("happy", "happy"),
        ("surprise", "energetic"),
        ("sad", "sad"),
        ("angry", "intense"),
        ("fear", "calm"),
    ],
)
def test_match_plays_the_moods_own_songs(label, song_mood):
    chosen = target(Planner(Goal.MATCH), label)
    assert chosen.song_mood == song_mood
    assert label in chosen.why


@pytest.mark.parametrize("label", ["neutral", "disgust"])
def test_match_keeps_what_is_playing_for_a_neutral_or_disgusted_face(label):
    assert target(Planner(Goal.MATCH), label) is None


@pytest.mark.parametrize("label", ["neutral", "disgust"])
def test_where_nothing_is_queued_a_neutral_room_gets_calm_songs(label):
    assert target(Planner(Goal.MATCH), label, queued=False).song_mood == "calm"


def test_what_was_chosen_before_is_kept_when_the_queue_has_run_out():
    planner = Planner(Goal.MATCH)
    assert target(planner, "neutral", queued=False, previous=CALM_TARGET) is None


def test_neutral_may_ask_for_calm():
    planner = Planner(Goal.MATCH, neutral="calm")
    assert target(planner, "neutral").song_mood == "calm"


def test_neutral_may_ask_for_any_mood_in_turn():
    planner = Planner(Goal.MATCH, neutral="any")
    heard = []
    for _ in SongMood:
        heard.append(target(planner, "neutral").song_mood)
        assert target(planner, "neutral").song_mood == heard[-1]
        planner.song_played()
    assert sorted(heard) == sorted(SongMood)


@pytest.mark.parametrize(
    ("label", "song_mood"),
    [
        ("angry", "calm"),
        ("disgust", "calm"),
        ("fear", "calm"),
        ("happy", "energetic"),
        ("neutral", "energetic"),
        ("sad", "happy"),
        ("surprise", "romantic"),
    ],
)
def test_the_preset_original_is_the_table_of_the_system_followed(label, song_mood):
    planner = Planner(Goal.MATCH, preset="original", neutral="calm")
    assert target(planner, label).song_mood == song_mood


@pytest.mark.parametrize("preset", PRESETS)
def test_every_table_has_a_row_for_every_expression(preset):
    assert set(PRESETS[preset]) == set(EXPRESSIONS)


@pytest.mark.parametrize("goal", Goal)
def test_an_unknown_mood_changes_nothing(goal):
    assert target(Planner(goal), UNKNOWN, queued=False) is None


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_hold_changes_nothing(label):
    assert target(Planner(Goal.HOLD), label, queued=False) is None


def walk(planner, label, songs):
    targets = []
    for _ in range(songs):
        targets.append(target(planner, label))
        planner.song_played()
    return targets


@pytest.mark.parametrize(
    ("goal", "end"), [(Goal.LIFT, SongMood.HAPPY), (Goal.CALM, SongMood.CALM)]
)
@pytest.mark.parametrize("label", EXPRESSIONS)
def test_a_path_begins_where_the_room_is_and_ends_at_the_goal(goal, end, label):
    path = walk(Planner(goal, lift_songs=5), label, 6)
    assert path[0].affect == EXPRESSION_AFFECT[label]
    assert distance(path[4].affect, SONG_MOOD_AFFECT[end]) < 1e-9
    assert path[4].song_mood == path[5].song_mood == end
    assert [type(step) for step in path] == [Step] * 4 + [Target] * 2
    left = [distance(step.affect, SONG_MOOD_AFFECT[end]) for step in path]
    assert left == sorted(left, reverse=True)


def test_lift_from_sad_begins_with_sad_songs():
    moods = [step.song_mood for step in walk(Planner(Goal.LIFT), "sad", 5)]
    assert moods[0] == "sad"
    assert moods[-1] == "happy"
    assert len(set(moods)) >= 3


def test_a_path_of_one_song_goes_straight_to_the_goal():
    assert target(Planner(Goal.LIFT, lift_songs=1), "sad").song_mood == "happy"


def test_asking_again_without_a_song_in_between_gives_an_equal_target():
    planner = Planner(Goal.LIFT)
    assert target(planner, "sad") == target(planner, "sad")


def test_a_jump_of_the_mood_begins_the_path_anew():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 3)
    assert target(planner, "angry").affect == EXPRESSION_AFFECT["angry"]


def test_a_mood_that_follows_the_path_does_not_restart_it():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 2)
    there = target(planner, "sad")
    assert target(planner, "neutral") == there
    planner.song_played()
    assert walk(planner, "neutral", 2)[-1].song_mood == "happy"


@pytest.mark.parametrize("other", ["happy", "neutral"])
def test_who_smiles_or_rests_for_a_while_goes_on_along_the_path(other):
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 5)
    there = target(planner, "sad")
    assert target(planner, other, at=100) == there
    assert target(planner, "sad", at=200) == there


def test_a_neutral_face_is_never_off_the_way():
    planner = Planner(Goal.LIFT)
    walk(planner, "angry", 5)
    assert target(planner, "neutral", at=100) == target(planner, "angry", at=200)
    assert target(planner, "angry", at=200).song_mood == "happy"


def test_a_room_that_was_happy_for_a_while_and_falls_back_is_led_anew():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 5)
    target(planner, "happy", at=100)
    assert target(planner, "sad", at=100 + LASTING).song_mood == "sad"


def test_a_few_neutral_minutes_between_do_not_hide_that_a_room_fell_back():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 5)
    target(planner, "happy", at=100)
    target(planner, "neutral", at=100 + LASTING)
    assert target(planner, "sad", at=400 + LASTING).song_mood == "sad"


def test_a_path_waits_while_the_mood_is_unknown():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 2)
    before = target(planner, "sad")
    target(planner, UNKNOWN)
    planner.song_played()
    assert target(planner, "sad") == before


def test_a_new_goal_begins_a_new_path():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 4)
    planner.goal = Goal.CALM
    assert target(planner, "sad").affect == EXPRESSION_AFFECT["sad"]


def test_a_goal_chosen_anew_begins_a_new_path():
    planner = Planner(Goal.LIFT)
    first, *_ = walk(planner, "sad", 4)
    planner.goal = Goal.MATCH
    planner.goal = Goal.LIFT
    assert target(planner, "sad") == first


def test_the_goal_that_holds_already_does_not_restart_the_path():
    planner = Planner(Goal.LIFT)
    walk(planner, "sad", 3)
    there = target(planner, "sad")
    planner.goal = Goal.LIFT
    assert target(planner, "sad") == there


def test_the_way_is_counted_from_the_first_song():
    first, second = walk(Planner(Goal.LIFT), "sad", 2)
    assert isinstance(first, Step)
    assert first.why == "song 1 of 5 on the way from sad to happy"
    assert second.why.startswith("song 2 of 5 ")
