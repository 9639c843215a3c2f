import dataclasses
import datetime as dt
import itertools

import pytest

from mopidy_moodcam import desk
from mopidy_moodcam.conductor import Conductor
from mopidy_moodcam.feeling.guests import GONE
from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN, Face, Goal, Reading, SongMood
from mopidy_moodcam.memory import Memory
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.status import CameraState

NOON = dt.datetime(2026, 5, 4, 12, 0).astimezone().timestamp()


@pytest.fixture
def conduct(tmp_path):
    def make(**settings):
        settings = {"camera": "demo", "watch": "always", **settings}
        memory = Memory(tmp_path / "state.json")
        return Conductor(Settings(**settings), memory, now=NOON)

    return make


def reading(expression, at, faces=1):
    share = tuple(0.88 if e == expression else 0.02 for e in EXPRESSIONS)
    face = Face((0.4, 0.3, 0.2, 0.3), 120.0, 0.9, share)
    return Reading(time=at, faces=(face,) * faces, frames=5)


def show(conductor, expression, start=NOON, looks=8, faces=1):
    for i in range(looks):
        at = start + 20 * i
        conductor.pass_time(at, anything_queued=True)
        conductor.take_reading(reading(expression, at, faces))
    return start + 20 * looks


def test_a_mood_that_lasts_becomes_the_target(conduct):
    conductor = conduct()
    show(conductor, "happy")
    assert conductor.mood.label == "happy"
    assert conductor.target.song_mood == SongMood.HAPPY
    assert "happy" in conductor.target.why


def test_nothing_is_wanted_before_a_mood_is_known(conduct):
    conductor = conduct()
    conductor.pass_time(NOON + 1, anything_queued=False)
    assert conductor.target is None


def test_an_unknown_mood_keeps_what_was_chosen_last(conduct):
    conductor = conduct()
    end = show(conductor, "happy")
    conductor.pass_time(end + 3600, anything_queued=True)
    assert conductor.mood.label == UNKNOWN
    assert conductor.target.song_mood == SongMood.HAPPY


def test_a_choice_by_hand_wins_until_its_time_is_over(conduct):
    conductor = conduct()
    end = show(conductor, "happy")
    conductor.take(desk.Override(SongMood.SAD, seconds=600))
    assert conductor.target.song_mood == SongMood.SAD
    assert conductor.target.chosen_by == "person"
    conductor.pass_time(end + 599 - 20, anything_queued=True)
    assert conductor.override
    conductor.pass_time(end + 601, anything_queued=True)
    assert not conductor.override
    assert conductor.target.song_mood == SongMood.HAPPY


def test_a_choice_by_hand_works_without_a_camera(conduct):
    conductor = conduct(camera="none")
    conductor.take(desk.Override(SongMood.CALM))
    assert conductor.target.song_mood == SongMood.CALM


def test_hold_changes_nothing_and_rests_the_camera(conduct):
    conductor = conduct()
    end = show(conductor, "happy")
    conductor.take(desk.SetGoal(Goal.HOLD))
    show(conductor, "sad", end)
    assert conductor.target.song_mood == SongMood.HAPPY
    assert not conductor.camera_wish(wanted_by_music=True).look


def test_a_goal_survives_a_restart(conduct):
    conduct().take(desk.SetGoal(Goal.LIFT))
    assert conduct().goal is Goal.LIFT


def test_a_goal_that_the_settings_were_given_since_counts(conduct):
    conduct().take(desk.SetGoal(Goal.CALM))
    assert conduct(goal=Goal.LIFT).goal is Goal.LIFT
    assert conduct(goal=Goal.LIFT).goal is Goal.LIFT
    assert conduct().goal is Goal.MATCH


@pytest.mark.parametrize("verdict", ["wrong", "neutral"])
def test_a_correction_takes_back_what_the_mood_asked_for(conduct, verdict):
    conductor = conduct()
    end = show(conductor, "happy")
    show(conductor, "sad", end)
    assert conductor.target.song_mood == SongMood.SAD
    conductor.take(desk.Correct(verdict))
    assert conductor.target.song_mood == SongMood.HAPPY
    conductor.take(desk.TakeMood("sad", 600))
    conductor.take(desk.Correct(verdict))
    assert conductor.target.song_mood == SongMood.HAPPY


def test_where_the_first_mood_is_taken_back_the_music_goes_on_calmly(conduct):
    conductor = conduct()
    end = show(conductor, "sad")
    conductor.take(desk.Correct("wrong"))
    assert conductor.target.song_mood == SongMood.CALM
    assert conductor.target.why == "you said it is not sad"
    show(conductor, "neutral", end)
    assert conductor.target.why == "you said it is not sad"


@pytest.mark.parametrize(
    ("goal", "label", "verdict", "song_mood"),
    [
        (Goal.LIFT, "angry", "concentrating", SongMood.ROMANTIC),
        (Goal.CALM, "angry", "concentrating", SongMood.ROMANTIC),
        (Goal.LIFT, "sad", "happy", SongMood.HAPPY),
    ],
)
def test_a_correction_takes_a_path_back_too(conduct, goal, label, verdict, song_mood):
    conductor = conduct(goal=goal)
    show(conductor, label)
    conductor.take(desk.Correct(verdict))
    assert conductor.target.song_mood == song_mood


def test_what_holds_over_quiet_hours_goes_on(conduct):
    conductor = conduct(quiet_hours="13:00-14:00")
    show(conductor, "happy")
    conductor.take(desk.SetGoal(Goal.HOLD))
    conductor.pass_time(NOON + 5400, anything_queued=True)
    conductor.pass_time(NOON + 7260, anything_queued=True)
    assert conductor.target.song_mood == SongMood.HAPPY


def test_what_is_kept_says_of_which_mood_it_was(conduct):
    conductor = conduct()
    end = show(conductor, "happy")
    show(conductor, "neutral", end)
    assert conductor.target.song_mood == SongMood.HAPPY
    assert conductor.target.why == "the room was happy"
    show(conductor, "happy", end + 160)
    assert conductor.target.why == "the room is happy"


def test_the_morning_after_quiet_hours_begins_anew(conduct):
    conductor = conduct(quiet_hours="13:00-14:00")
    show(conductor, "happy")
    conductor.pass_time(NOON + 5400, anything_queued=True)
    conductor.pass_time(NOON + 7260, anything_queued=True)
    assert conductor.target is None


def test_a_neutral_room_gets_calm_songs_behind_the_last_of_peoples(conduct):
    conductor = conduct()
    end = show(conductor, "neutral")
    assert conductor.target is None
    conductor.pass_time(end, anything_queued=False)
    assert conductor.target.song_mood == SongMood.CALM
    conductor.take_reading(reading("neutral", end))
    assert conductor.target.song_mood == SongMood.CALM


def test_waits_are_no_longer_when_the_clock_is_set_back(conduct):
    conductor = conduct()
    conductor.take(desk.Pause(3600))
    conductor.take(desk.Override(SongMood.SAD, seconds=3600))
    conductor.pass_time(NOON - 86_400, anything_queued=True)
    conductor.pass_time(NOON - 86_400 + 3601, anything_queued=True)
    assert conductor.paused_until is None
    assert not conductor.override


def test_a_mood_chosen_by_hand_ends_a_pause(conduct):
    conductor = conduct()
    conductor.take(desk.Pause(3600))
    conductor.take(desk.Override(None))
    assert conductor.silent
    conductor.take(desk.Override(SongMood.CALM))
    assert not conductor.silent


def test_songs_of_a_choice_by_hand_are_no_steps_on_the_way(conduct):
    conductor = conduct(goal=Goal.LIFT)
    show(conductor, "sad")
    way = conductor.target
    conductor.take(desk.Override(SongMood.ENERGETIC))
    conductor.song_played()
    conductor.take(desk.Override(None))
    assert conductor.target == way


def test_switched_off_means_that_no_more_songs_come(conduct):
    conductor = conduct()
    show(conductor, "happy")
    conductor.take(desk.SwitchCamera(on=False))
    assert conductor.target is None
    assert conductor.mood.label == UNKNOWN
    assert conductor.camera_wish(wanted_by_music=True).state is CameraState.OFF


def test_readings_count_for_nothing_while_the_camera_is_off(conduct):
    conductor = conduct()
    conductor.take(desk.SwitchCamera(on=False))
    show(conductor, "happy")
    assert conductor.frames_seen == 0
    assert conductor.target is None


def test_a_real_camera_needs_consent_once_and_remembers_it(conduct):
    conductor = conduct(camera="auto")
    wish = conductor.camera_wish(wanted_by_music=True)
    assert (wish.look, wish.state) == (False, CameraState.NEEDS_CONSENT)
    conductor.take(desk.SwitchCamera(on=True))
    assert not conductor.camera_wish(wanted_by_music=True).look
    conductor.take(desk.SwitchCamera(on=True, consent=True))
    assert conductor.camera_wish(wanted_by_music=True).look
    assert conduct(camera="auto").camera_wish(wanted_by_music=True).look


def test_the_camera_rests_while_nothing_plays(conduct):
    conductor = conduct(watch="playing")
    assert not conductor.camera_wish(wanted_by_music=False).look
    assert conductor.camera_wish(wanted_by_music=True).look


def test_a_pause_silences_the_dj_and_ends_by_itself(conduct):
    conductor = conduct()
    conductor.take(desk.Pause(3600))
    assert conductor.silent
    assert not conductor.camera_wish(wanted_by_music=True).look
    conductor.pass_time(NOON + 3601, anything_queued=True)
    assert not conductor.silent
    assert conductor.camera_wish(wanted_by_music=True).look


def test_quiet_hours_silence_the_dj_by_the_local_clock(conduct):
    conductor = conduct(quiet_hours="12:00-13:00")
    assert conductor.silent
    conductor.pass_time(NOON + 3600, anything_queued=True)
    assert not conductor.silent


def test_guests_stop_the_camera_until_somebody_says_yes(conduct):
    conductor = conduct(household=2)
    end = show(conductor, "happy", faces=4)
    wish = conductor.camera_wish(wanted_by_music=True)
    assert (wish.look, wish.state) == (False, CameraState.GUESTS)
    conductor.take(desk.AllowGuests(allowed=True))
    assert conductor.camera_wish(wanted_by_music=True).look
    show(conductor, "happy", end, faces=4)
    assert conductor.camera_wish(wanted_by_music=True).look


def test_switching_on_while_guests_are_asked_about_is_a_yes(conduct):
    conductor = conduct(household=2)
    show(conductor, "happy", faces=4)
    conductor.take(desk.SwitchCamera(on=True))
    assert conductor.camera_wish(wanted_by_music=True).look


def test_automatic_again_ends_what_another_program_said_too(conduct):
    conductor = conduct(camera="none")
    conductor.take(desk.TakeMood("sad", seconds=600))
    conductor.take(desk.Override(SongMood.CALM))
    conductor.take(desk.Override(None))
    assert conductor.mood.label == "sad"
    conductor.take(desk.Override(None))
    assert conductor.mood.label == UNKNOWN


def test_the_camera_looks_whether_guests_have_left(conduct):
    conductor = conduct(household=2)
    end = show(conductor, "happy", faces=4)
    conductor.pass_time(end + GONE, anything_queued=True)
    assert conductor.camera_wish(wanted_by_music=True).look


def test_a_no_while_the_camera_waits_does_not_switch_it_on(conduct):
    conductor = conduct(household=2)
    show(conductor, "happy", faces=4)
    conductor.take(desk.AllowGuests(allowed=False))
    assert conductor.camera_wish(wanted_by_music=True).state is CameraState.GUESTS


def test_a_yes_that_comes_when_the_guests_have_left_is_not_kept(conduct):
    conductor = conduct(household=2)
    end = show(conductor, "happy", faces=4)
    conductor.pass_time(end + GONE, anything_queued=True)
    conductor.take(desk.AllowGuests(allowed=True))
    show(conductor, "happy", end + GONE, faces=4)
    assert conductor.camera_wish(wanted_by_music=True).state is CameraState.GUESTS


def test_whoever_is_asked_about_guests_can_still_say_yes(conduct):
    conductor = conduct(household=2)
    end = show(conductor, "happy", faces=4)
    while conductor.camera_wish(wanted_by_music=True).state is CameraState.GUESTS:
        end += 30
        conductor.pass_time(end, anything_queued=True)
    show(conductor, "happy", end, faces=4)
    conductor.take(desk.AllowGuests(allowed=True))
    show(conductor, "happy", end + 200, faces=4)
    assert conductor.camera_wish(wanted_by_music=True).look


def test_a_mood_told_by_another_program_holds_for_its_time(conduct):
    conductor = conduct(camera="none")
    conductor.take(desk.TakeMood("surprise", seconds=60))
    assert conductor.mood.label == "surprise"
    assert conductor.target.song_mood == SongMood.ENERGETIC
    conductor.pass_time(NOON + 61, anything_queued=True)
    assert conductor.mood.label == UNKNOWN


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        ("right", "sad"),
        ("sad", "sad"),
        ("happy", "happy"),
        ("concentrating", "neutral"),
        ("wrong", UNKNOWN),
    ],
)
def test_a_persons_word_ends_what_another_program_said(conduct, verdict, label):
    conductor = conduct(camera="none")
    conductor.take(desk.TakeMood("sad", seconds=60))
    conductor.take(desk.Correct(verdict))
    assert conductor.mood.label == label
    assert conductor.learnt.corrections == ()


def test_readings_of_two_named_rooms_make_one_mood(conduct):
    conductor = conduct(camera="none")
    for i in range(6):
        conductor.pass_time(NOON + 20 * i, anything_queued=True)
        for room in ("kitchen", "living room"):
            seen = dataclasses.replace(reading("happy", NOON + 20 * i), room=room)
            conductor.take_reading(seen)
            assert conductor.reading.room == room
    assert conductor.mood.label == "happy"


def test_a_camera_elsewhere_is_shown_while_it_is_heard(conduct):
    conductor = conduct(camera="none")
    seen = dataclasses.replace(reading("sad", NOON), room="kitchen")
    conductor.take_reading(seen, elsewhere=True)
    wish = conductor.camera_wish(wanted_by_music=True)
    assert (wish.look, wish.state) == (False, CameraState.WATCHING)
    assert wish.why == "in the room kitchen"
    assert conductor.looking == ("kitchen",)
    assert not conductor.unheard
    conductor.pass_time(NOON + 181, anything_queued=True)
    assert conductor.reading is None
    assert conductor.looking == ()
    assert conductor.unheard == (seen,)
    assert conductor.camera_wish(wanted_by_music=True).state == CameraState.RESTING


@pytest.mark.parametrize("reason", ["busy", "gone", "stuck"])
def test_a_camera_elsewhere_that_cannot_see_is_no_camera_that_looks(conduct, reason):
    conductor = conduct(camera="none")
    seen = Reading(time=NOON, reason=reason, room="attic")
    conductor.take_reading(seen, elsewhere=True)
    assert conductor.looking == ()
    assert conductor.troubles == (seen,)
    assert conductor.camera_wish(wanted_by_music=True).state == CameraState.RESTING
    conductor.pass_time(NOON + 181, anything_queued=True)
    assert conductor.troubles == ()


@pytest.fixture
def heard(conduct):
    """Return a conductor that has heard a camera in the kitchen, at noon."""
    conductor = conduct(camera="none")
    seen = Reading(time=NOON, reason="nobody", room="kitchen")
    conductor.take_reading(seen, elsewhere=True)
    return conductor


def test_a_room_that_stays_silent_for_an_hour_is_let_go(heard):
    heard.pass_time(NOON + 3600, anything_queued=True)
    assert heard.unheard
    heard.pass_time(NOON + 3601, anything_queued=True)
    assert not heard.unheard


def test_a_room_is_silent_only_from_when_it_should_look(heard):
    heard.pass_time(NOON + 1000, anything_queued=True)
    heard.want_no_readings()
    heard.pass_time(NOON + 1000 + 180, anything_queued=True)
    assert not heard.unheard
    heard.pass_time(NOON + 1000 + 181, anything_queued=True)
    assert [seen.time for seen in heard.unheard] == [NOON]


def test_a_camera_that_is_switched_off_has_heard_of_no_room(heard):
    heard.take(desk.SwitchCamera(on=False))
    heard.pass_time(NOON + 181, anything_queued=True)
    assert not heard.unheard


def test_silence_is_as_long_as_before_when_the_clock_is_set_back(heard):
    heard.pass_time(NOON + 100, anything_queued=True)
    heard.pass_time(NOON - 86_400, anything_queued=True)
    assert heard.looking == ("kitchen",)
    heard.pass_time(NOON - 86_400 + 81, anything_queued=True)
    assert [seen.time for seen in heard.unheard] == [NOON - 86_400 - 100]


def test_guests_before_a_camera_elsewhere_are_asked_for(conduct):
    conductor = conduct(camera="none")
    conductor.take_reading(reading("happy", NOON, faces=5))
    assert conductor.camera_wish(wanted_by_music=True).state == CameraState.GUESTS
    conductor.take(desk.AllowGuests(allowed=True))
    assert conductor.camera_wish(wanted_by_music=True).state == CameraState.RESTING


def test_the_baseline_is_taken_in_two_minutes_and_kept(conduct):
    conductor = conduct()
    conductor.take(desk.Baseline())
    assert conductor.learnt.baseline_until == NOON + 120
    show(conductor, "sad", looks=7)
    assert conductor.learnt.baseline_until is None
    assert len(conductor.learnt.baseline) == len(EXPRESSIONS)
    kept = conduct().learnt.baseline
    assert kept == pytest.approx(conductor.learnt.baseline)
    conductor.take(desk.Baseline(forget=True))
    assert conduct().learnt.baseline is None


def test_three_corrections_are_learnt_shown_and_forgotten(conduct):
    conductor = conduct()
    for _ in range(3):
        show(conductor, "angry")
        conductor.take(desk.Correct("concentrating"))
    assert conductor.learnt.corrections
    assert conduct().learnt.corrections == conductor.learnt.corrections
    conductor.take(desk.ForgetCorrections())
    assert conduct().learnt.corrections == ()


def test_a_correction_that_camera_off_has_overtaken_teaches_nothing(conduct):
    conductor = conduct()
    show(conductor, "happy")
    conductor.take(desk.SwitchCamera(on=False))
    conductor.take(desk.Correct("sad"))
    assert conductor.mood.label == UNKNOWN
    assert conductor.learnt.corrections == ()


def test_the_history_has_one_entry_for_each_mood(conduct):
    conductor = conduct()
    end = show(conductor, "happy")
    show(conductor, "sad", end, looks=20)
    labels = [mood.label for mood in conductor.history]
    assert labels[0] == "happy"
    assert labels[-1] == "sad"
    assert all(a != b for a, b in itertools.pairwise(labels))
    assert conductor.mood_changes == len(labels)


@pytest.mark.parametrize("camera", ["demo", "none"])
@pytest.mark.parametrize(
    "happens",
    [
        lambda conductor: conductor.take(desk.Pause(60)),
        lambda conductor: conductor.take(desk.SetGoal(Goal.HOLD)),
        lambda conductor: conductor.take(desk.SwitchCamera(on=False)),
        lambda conductor: conductor.take_reading(reading("happy", NOON, faces=9)),
    ],
)
def test_what_keeps_one_camera_from_looking_keeps_all(conduct, camera, happens):
    conductor = conduct(camera=camera)
    assert conductor.camera_wish(wanted_by_music=True).elsewhere
    happens(conductor)
    assert not conductor.camera_wish(wanted_by_music=True).elsewhere


def test_cameras_elsewhere_rest_in_quiet_hours_and_while_nothing_plays(conduct):
    quiet = conduct(quiet_hours="12:00-13:00")
    assert not quiet.camera_wish(wanted_by_music=True).elsewhere
    playing = conduct(watch="playing", camera="none")
    assert playing.camera_wish(wanted_by_music=True).elsewhere
    assert not playing.camera_wish(wanted_by_music=False).elsewhere


# Settings that reach the part they are for


def test_the_dwell_of_the_settings_holds(conduct):
    conductor = conduct(dwell=600)
    end = show(conductor, "happy")
    show(conductor, "sad", start=end, looks=15)
    assert conductor.mood.label == "happy"


def test_the_changes_per_hour_of_the_settings_hold(conduct):
    conductor = conduct(changes_per_hour=1, dwell=0)
    end = show(conductor, "happy")
    show(conductor, "sad", start=end, looks=30)
    assert conductor.mood.label == "happy"


def test_guests_are_ignored_where_the_settings_say_so(conduct):
    conductor = conduct(household=1, guests="ignore")
    show(conductor, "happy", faces=3)
    assert conductor.camera_wish(wanted_by_music=True).look
    assert conductor.mood.label == "happy"


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({}, "happy"),
        ({"room": "calmest"}, "sad"),
        ({"room": "seat", "seat": (0.0, 0.0, 0.5, 1.0)}, "sad"),
        ({"room": "seat", "seat": (0.5, 0.0, 0.5, 1.0)}, "happy"),
    ],
)
def test_the_room_rule_of_the_settings_holds(conduct, settings, label):
    conductor = conduct(**settings)
    (sad,), (happy,) = (reading(label, NOON).faces for label in ("sad", "happy"))
    sad = dataclasses.replace(sad, box=(0.1, 0.3, 0.2, 0.3))
    happy = dataclasses.replace(happy, box=(0.7, 0.3, 0.2, 0.3), pixels=500.0)
    for i in range(8):
        at = NOON + 20 * i
        conductor.pass_time(at, anything_queued=True)
        conductor.take_reading(Reading(time=at, faces=(sad, happy), frames=5))
    assert conductor.mood.label == label


def test_the_interval_of_the_settings_is_the_pace(conduct):
    conductor = conduct(interval=60)
    show(conductor, "happy")
    assert conductor.pace == 60


@pytest.mark.parametrize(
    ("settings", "label", "song_mood"),
    [
        ({"preset": "original"}, "sad", SongMood.HAPPY),
        ({"neutral": "calm"}, "neutral", SongMood.CALM),
        ({"neutral": "any"}, "neutral", SongMood.HAPPY),
        ({"goal": Goal.LIFT, "lift_songs": 1}, "sad", SongMood.HAPPY),
    ],
)
def test_the_settings_say_what_a_mood_asks_for(conduct, settings, label, song_mood):
    conductor = conduct(**settings)
    show(conductor, label)
    assert conductor.target.song_mood == song_mood
