"""What a person teaches: a resting face and corrections."""

import json
import math

import pytest

from mopidy_moodcam.feeling.baseline import LIMIT, Baseline
from mopidy_moodcam.feeling.belief import shifted
from mopidy_moodcam.feeling.corrections import Corrections
from mopidy_moodcam.feeling.people import Seen
from mopidy_moodcam.feeling.tracker import Tracker, TrackerSettings
from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN, Affect, Face, Mood, Reading

STERN = (0.45, 0.02, 0.02, 0.01, 0.20, 0.02, 0.28)
"""A resting face that the network takes for an angry one."""

SMILE = (0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)


def reading(second, probabilities):
    return Reading(1e9 + second, (Face((0.4, 0.4, 0.1, 0.2), 90, 1.0, probabilities),))


def read(tracker, probabilities, first, last, step=20):
    for second in range(first, last, step):
        tracker.update(reading(second, probabilities))


def rested(seconds=120, probabilities=STERN):
    baseline = Baseline()
    baseline.start()
    for second in range(0, seconds, 5):
        baseline.collect(Seen(probabilities, 1.0), second)
    baseline.finish()
    return baseline


def likeliest(probabilities):
    return EXPRESSIONS[max(range(7), key=probabilities.__getitem__)]


def test_after_two_minutes_the_resting_face_reads_neutral():
    baseline = rested()
    assert not baseline.collecting
    assert likeliest(STERN) == "angry"
    assert likeliest(shifted(STERN, baseline.value)) == "neutral"


def test_a_change_from_the_resting_face_still_counts():
    smile = (0.15, 0.02, 0.02, 0.70, 0.03, 0.03, 0.05)
    assert likeliest(shifted(smile, rested().value)) == "happy"


def test_while_the_resting_face_is_collected_readings_come_sooner():
    tracker = Tracker()
    tracker.baseline.start()
    read(tracker, STERN, 0, 10)
    assert tracker.pace() == 5


def test_a_baseline_of_little_evidence_is_believed_little():
    assert 0 < abs(rested(seconds=10).value[0]) < abs(rested().value[0])


def test_a_baseline_changes_what_the_tracker_shows():
    plain, known = Tracker(), Tracker(baseline=rested())
    for tracker in (plain, known):
        read(tracker, STERN, 0, 200)
    assert plain.mood.label == "angry"
    assert known.mood.label == "neutral"


@pytest.mark.parametrize("quality", [None, 0.4])
def test_next_to_nothing_seen_in_the_two_minutes_leaves_the_old_baseline(quality):
    baseline = rested()
    before = baseline.value
    baseline.start()
    if quality is not None:
        baseline.collect(Seen((1 / 7,) * 7, quality), 0)
    baseline.finish()
    assert baseline.value == before
    assert not baseline.collecting


def test_a_baseline_is_that_of_the_person_in_the_seat():
    seat = (0.0, 0.0, 0.5, 1.0)
    tracker = Tracker(TrackerSettings(room="seat", seat=seat))
    tracker.baseline.start()
    for second in range(0, 120, 5):
        faces = (
            Face((0.2, 0.4, 0.1, 0.2), 90, 1.0, STERN),
            Face((0.7, 0.4, 0.1, 0.2), 90, 1.0, SMILE),
        )
        tracker.update(Reading(1e9 + second, faces))
    tracker.baseline.finish()
    assert tracker.baseline.value == pytest.approx(rested().value, abs=0.01)


def test_an_empty_room_does_not_slow_the_baseline_down():
    tracker = Tracker()
    for second in range(0, 200, 20):
        tracker.update(Reading(1e9 + second, reason="nobody"))
    tracker.baseline.start()
    assert tracker.pace() == 5


def test_readings_count_only_while_the_baseline_is_collected():
    baseline = Baseline()
    for second in range(0, 100, 10):
        baseline.collect(Seen(STERN, 1.0), second)
    baseline.finish()
    assert baseline.value is None


def test_a_baseline_explains_away_only_so_much():
    baseline = rested(seconds=2000, probabilities=(1.0, 0, 0, 0, 0, 0, 0))
    assert max(map(abs, baseline.value)) <= LIMIT


def test_a_baseline_taken_anew_forgets_what_was_seen_before():
    baseline = Baseline()
    baseline.start()
    for second in range(0, 60, 5):
        baseline.collect(Seen(SMILE, 1.0), second)
    baseline.start()
    for second in range(60, 180, 5):
        baseline.collect(Seen(STERN, 1.0), second)
    baseline.finish()
    assert baseline.value == pytest.approx(rested().value, abs=0.05)


def test_a_baseline_forgotten_while_it_is_taken_stays_forgotten():
    baseline = Baseline()
    baseline.start()
    for second in range(0, 100, 10):
        baseline.collect(Seen(STERN, 1.0), second)
    baseline.forget()
    assert not baseline.collecting
    baseline.finish()
    assert baseline.value is None


def test_a_baseline_survives_its_json_and_can_be_forgotten():
    baseline = rested()
    again = Baseline.from_json(json.loads(json.dumps(baseline.to_json())))
    assert again.value == baseline.value
    again.forget()
    assert again.value is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"offset": [1]},
        {"offset": ["a"] * 7},
        {"offset": 3},
        {"offset": [math.nan] * 7},
        {"offset": [math.inf] * 7},
    ],
)
def test_a_broken_file_gives_no_baseline(data):
    assert Baseline.from_json(data).value is None


@pytest.mark.parametrize("number", [1e9, -1e9])
def test_a_baseline_from_a_file_lies_within_its_limits(number):
    baseline = Baseline.from_json({"offset": [number] * 7})
    assert max(map(abs, baseline.value)) == LIMIT


LONG_AGO = -1e9  # so that nothing is left of a correction but what it taught


def shown(label):
    return Mood(label, Affect(0, 0), 0.9, 0.0, (1 / 7,) * 7)


def corrected(verdict, label, times):
    corrections = Corrections()
    for _ in range(times):
        corrections.record(verdict, shown(label), LONG_AGO)
    return corrections


def offset(corrections, expression):
    return corrections.offset(0.0)[EXPRESSIONS.index(expression)]


def test_two_corrections_teach_nothing_yet():
    assert corrected("sad", "angry", 2).offset(0.0) == (0.0,) * 7


def test_three_in_the_same_direction_shift_the_reading():
    corrections = corrected("sad", "angry", 3)
    assert offset(corrections, "angry") < 0 < offset(corrections, "sad")
    assert offset(corrections, "happy") == 0


def test_three_in_different_directions_teach_nothing():
    corrections = Corrections()
    for said in ("sad", "neutral", "happy"):
        corrections.record(said, shown("angry"), LONG_AGO)
    assert corrections.offset(0.0) == (0.0,) * 7


def test_only_concentrating_means_neutral():
    assert offset(corrected("concentrating", "angry", 3), "neutral") > 0


def test_wrong_takes_the_mood_shown_back_without_naming_another():
    values = corrected("wrong", "angry", 3).offset(0.0)
    assert values[0] < 0
    assert set(values[1:]) == {0.0}


def test_a_hundred_corrections_shift_no_further_than_the_limit():
    assert max(corrected("sad", "angry", 100).offset(0.0)) == 2.0


def test_right_takes_back_what_was_learnt_against_the_mood_shown():
    corrections = corrected("sad", "angry", 3)
    corrections.record("right", shown("angry"), LONG_AGO)
    assert corrections.offset(0.0) == (0.0,) * 7


@pytest.mark.parametrize("said", ["right", "angry"])
def test_a_word_for_the_mood_shown_takes_a_fresh_correction_back(said):
    corrections = Corrections()
    corrections.record("sad", shown("angry"), 1000.0)
    corrections.record(said, shown("angry"), 1001.0)
    assert corrections.offset(1001.0) == (0.0,) * 7
    assert corrections.words() == ()


def test_one_correction_counts_at_once_and_fades_in_minutes():
    corrections = Corrections()
    corrections.record("sad", shown("angry"), 1000.0)
    sad = EXPRESSIONS.index("sad")
    after = [corrections.offset(1000.0 + s)[sad] for s in (0, 600, 7200)]
    assert after == pytest.approx([2.0, 1.0, 0.0], abs=0.01)


def test_forgetting_corrections_takes_the_newest_along():
    corrections = Corrections()
    corrections.record("sad", shown("angry"), 1000.0)
    corrections.forget()
    assert corrections.offset(1000.0) == (0.0,) * 7


def test_wrong_about_an_unknown_mood_says_nothing():
    assert corrected("wrong", UNKNOWN, 3).words() == ()


def test_corrections_are_shown_in_words():
    (sentence,) = corrected("sad", "angry", 3).words()
    assert sentence == (
        "Shown angry, you said sad 3 times: angry is read less readily, sad more."
    )
    (sentence,) = corrected("wrong", "angry", 1).words()
    assert sentence == "Shown angry, you said not angry once: too few to learn from."
    (sentence,) = corrected("sad", UNKNOWN, 3).words()
    assert sentence == "Shown unknown, you said sad 3 times: sad is read more readily."


def test_an_unknown_verdict_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="'bored' is no correction; known: right"):
        Corrections().record("bored", shown("angry"), LONG_AGO)


def test_corrections_survive_their_json_and_can_be_reset():
    corrections = corrected("sad", "angry", 4)
    again = Corrections.from_json(json.loads(json.dumps(corrections.to_json())))
    assert again.offset(0.0) == corrections.offset(0.0)
    again.forget()
    assert again.words() == ()


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"corrections": 3},
        {"corrections": [3, {"shown": "x", "said": "sad", "times": 3}]},
        {"corrections": [{"shown": ["sad"], "said": "sad", "times": "3"}]},
    ],
)
def test_a_broken_file_gives_no_corrections(data):
    assert Corrections.from_json(data).words() == ()


def test_three_corrections_change_what_the_tracker_shows():
    taught = Tracker()
    for _ in range(3):
        taught.corrections.record("concentrating", shown("angry"), LONG_AGO)
    stern = (0.34, 0.01, 0.02, 0.02, 0.12, 0.02, 0.47)
    read(taught, stern, 0, 200, 20)
    plain = Tracker()
    read(plain, stern, 0, 200, 20)
    assert plain.mood.label == "angry"
    assert taught.mood.label != "angry"
