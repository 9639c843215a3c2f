"""The loop beside a player of the tests; tests/server has the real one."""

import contextlib
import dataclasses
import errno
import logging
import os
import re
import threading
import time

import pytest

from mopidy_moodcam import desk as desks
from mopidy_moodcam.dj.queue import Queue
from mopidy_moodcam.glossary import (
    EXPRESSIONS,
    Face,
    Goal,
    Reading,
    SongMood,
    Verdict,
)
from mopidy_moodcam.loop import AWAY_SECONDS, TICK, Loop, _EyeSays
from mopidy_moodcam.memory import Memory
from mopidy_moodcam.player import PlayerAwayError
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.songs.catalogue import Catalogue
from tests.songs import libraries

LENGTH = 200_000


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


class TestPlayer:
    """Plays a tracklist as core does, and tells nobody; `away`: it never answers."""

    __test__ = False

    def __init__(self):
        self.entries = []
        self.current = None
        self.playback = "stopped"
        self.away = False
        self.asked = 0
        self._next = 1

    def schemes(self):
        return None

    def queue(self):
        self._answer()
        return Queue(
            entries=tuple(self.entries),
            current=self.current,
            elapsed=60_000 if self.current else 0,
            length=LENGTH if self.current else None,
            playback=self.playback,
        )

    def state(self):
        self._answer()
        return self.playback

    def add(self, uri):
        self._answer()
        self.entries.append((self._next, uri))
        self._next += 1
        return self.entries[-1]

    def remove(self, tlids):
        self._answer()
        gone = set(tlids)
        self.entries = [entry for entry in self.entries if entry[0] not in gone]

    def play(self, tlid):
        self._answer()
        self.current, self.playback = tlid, "playing"

    def _answer(self):
        self.asked += 1
        if self.away:
            raise PlayerAwayError


class Evening:
    """A loop with its player, and what a listener does there."""

    def __init__(self, folder, clock, **settings):
        self.clock = clock
        self.player = TestPlayer()
        self.desk = desks.Desk()
        self.told = []
        settings = {"camera": "none", "watch": "always", **settings}
        self.loop = Loop(
            dataclasses.replace(Settings(), **settings),
            folder,
            self.player,
            self.desk,
            tell=self.told.append,
            clock=clock,
        )

    def tick(self, seconds=1):
        for _ in range(seconds):
            self.clock.now += 1
            self.loop.take(TICK)

    def wait_for_songs(self):
        """Wait for another shelf than there was."""
        before, until = self.desk.shelf, time.monotonic() + 20
        while self.desk.shelf is before:
            assert time.monotonic() < until, "no shelf was loaded"
            self.tick()
            threading.Event().wait(0.01)

    def queue_changed(self):
        """Let core tell of a change, and the next tick come."""
        self.loop.queue_changed()
        self.tick()

    def start(self, tlid):
        self.player.play(tlid)
        uri = dict(self.player.entries)[tlid]
        self.loop.track_started(tlid, uri)
        return uri

    def go_to(self, tlid, *, after):
        """Leave the track that plays `after` milliseconds for another."""
        self.loop.track_ended(self.player.current, after, LENGTH)
        return self.start(tlid)

    def tlids(self):
        return [tlid for tlid, _ in self.player.entries]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "catalogue.sqlite"
    with Catalogue.open(path) as catalogue:
        rows = libraries.songs(200)
        catalogue.upsert_tracks(rows)
        for row in rows:
            catalogue.store_features(row.uri, row.features)
    return path


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def begin(path, clock):
    evenings = []

    def begin(**settings):
        evenings.append(Evening(path.parent, clock, **settings))
        return evenings[-1]

    yield begin
    for evening in evenings:
        evening.loop.close()


@pytest.fixture
def evening(begin):
    evening = begin()
    evening.wait_for_songs()
    return evening


def learnt(path):
    """Return what the catalogue says of each song: {URI: (played, skipped)}."""
    with Catalogue.open(path) as catalogue:
        rows = catalogue.feedback()
        return {catalogue.track(i).uri: (p, s) for i, _, p, s, _ in rows}


def test_skips_and_songs_heard_through_reach_the_catalogue(evening, path):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    first, second = evening.tlids()
    skipped = evening.start(first)
    heard = evening.go_to(second, after=5_000)
    third = evening.tlids()[2]
    evening.go_to(third, after=LENGTH - 100)
    assert learnt(path) == {skipped: (0, 1), heard: (1, 0)}


def test_going_back_says_nothing_against_a_song(evening, path):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    first, second = evening.tlids()
    heard = evening.start(first)
    evening.go_to(second, after=LENGTH - 100)
    evening.go_to(first, after=5_000)
    evening.tick()
    assert learnt(path) == {heard: (1, 0)}


def test_lift_takes_a_step_with_each_of_the_djs_songs(evening):
    evening.loop.take(desks.SetGoal(Goal.LIFT))
    evening.loop.take(desks.TakeMood("sad", 36_000))
    way = [evening.desk.status.target.affect]
    evening.start(evening.tlids()[0])
    for _ in range(4):
        coming = evening.tlids()
        place = coming.index(evening.player.current)
        evening.go_to(coming[place + 1], after=LENGTH - 100)
        way.append(evening.desk.status.target.affect)
    assert way[-1].valence > way[0].valence + 0.3
    evening.tick(600)
    assert evening.desk.status.target.affect == way[-1]


def test_songs_that_start_while_core_does_not_answer_are_steps_all_the_same(evening):
    evening.loop.take(desks.SetGoal(Goal.LIFT))
    evening.loop.take(desks.TakeMood("sad", 36_000))
    before = evening.desk.status.target.affect
    (first, uri), (second, other) = evening.player.entries
    evening.player.away = True
    with pytest.raises(PlayerAwayError):
        evening.loop.track_started(first, uri)
    asked = evening.player.asked
    evening.loop.track_started(second, other)
    evening.loop.track_started(first, uri)
    assert evening.player.asked == asked
    assert evening.desk.status.target.affect.valence > before.valence + 0.3


def test_the_switch_works_at_once_while_core_does_not_answer(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    evening.player.away = True
    with pytest.raises(PlayerAwayError):
        evening.tick(10)
    asked = evening.player.asked
    evening.loop.take(desks.SwitchCamera(on=False))
    assert not evening.desk.status.camera.on
    assert evening.player.asked == asked


def test_the_status_is_published_where_core_does_not_answer(evening):
    evening.player.away = True
    with pytest.raises(PlayerAwayError):
        evening.loop.take(desks.Override(SongMood.HAPPY))
    assert evening.desk.status.target.song_mood == SongMood.HAPPY
    evening.clock.now += AWAY_SECONDS
    with pytest.raises(PlayerAwayError):
        evening.queue_changed()
    evening.loop.take(desks.Override(SongMood.SAD))
    assert evening.desk.status.target.song_mood == SongMood.SAD


def test_core_that_does_not_answer_is_left_alone_for_a_while(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    evening.player.away = True
    with pytest.raises(PlayerAwayError):
        evening.queue_changed()
    asked = evening.player.asked
    evening.tick(int(AWAY_SECONDS) - 1)
    for _ in range(5):
        evening.loop.take(TICK)
    assert evening.player.asked == asked
    assert evening.loop.core_is_away
    evening.player.away = False
    evening.tick()
    assert not evening.loop.core_is_away


def test_core_is_asked_again_soon_where_the_clock_was_set_back_meanwhile(evening):
    evening.player.away = True
    with pytest.raises(PlayerAwayError):
        evening.queue_changed()
    evening.player.away = False
    evening.clock.now -= 3600
    evening.tick()
    assert not evening.loop.core_is_away


def test_a_switch_that_cannot_be_written_is_named_and_written_later(
    begin, path, monkeypatch
):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    evening = begin()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        evening.loop.take(desks.SwitchCamera(on=False))
        evening.tick(60)
        assert "full" in evening.desk.status.notices[0]
    evening.tick(10)
    assert not any("full" in notice for notice in evening.desk.status.notices)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        evening.loop.take(desks.SwitchCamera(on=True))
    evening.loop.close()
    assert Memory(path.with_name("state.json")).now.camera_on


def test_a_thousand_edits_are_looked_at_once(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    asked = evening.player.asked
    for tlid in range(900, 1900):
        evening.player.entries.append((tlid, "test:theirs"))
        evening.loop.queue_changed()
    assert evening.player.asked == asked
    evening.tick()
    assert evening.desk.status.hands_off_until
    assert evening.player.asked < asked + 10


def test_what_a_person_did_before_a_command_holds_nothing_off_after_it(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    evening.player.entries.insert(0, (900, "test:theirs"))
    evening.loop.queue_changed()
    evening.loop.take(desks.Override(SongMood.SAD))
    assert evening.desk.status.hands_off_until is None
    moods = [pick.song_mood for pick in evening.desk.status.next_picks]
    assert moods == [SongMood.SAD] * 2


def test_what_a_person_did_while_core_was_away_is_noticed(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    evening.player.away = True
    with pytest.raises(PlayerAwayError):
        evening.queue_changed()
    evening.player.entries.insert(0, (900, "test:theirs"))
    evening.player.away = False
    evening.tick(int(AWAY_SECONDS))
    assert evening.desk.status.hands_off_until


def test_an_end_that_core_was_too_busy_to_be_asked_about_counts_later(evening, path):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    first, _ = evening.tlids()
    skipped = evening.start(first)
    evening.player.away = True
    evening.loop.track_ended(first, 5_000, LENGTH)
    with pytest.raises(PlayerAwayError):
        evening.tick()
    evening.player.away = False
    evening.tick(int(AWAY_SECONDS))
    assert learnt(path) == {skipped: (0, 1)}


def test_readings_from_elsewhere_are_dropped_while_no_camera_is_to_look(evening):
    reading = desks.TakeReading(Reading(time=evening.clock.now, reason="nobody"))
    assert evening.desk.status.camera.elsewhere
    evening.loop.take(reading)
    evening.loop.take(desks.Pause(60))
    evening.loop.take(reading)
    assert evening.desk.status.counters.readings == 1
    assert not evening.desk.status.camera.elsewhere


def test_a_room_that_fell_silent_is_named_while_it_should_look(evening):
    reading = Reading(time=evening.clock.now, reason="nobody", room="kitchen")
    evening.loop.take(desks.TakeReading(reading))
    evening.tick(170)
    assert not any("kitchen" in notice for notice in evening.desk.status.notices)
    evening.tick(30)
    assert any("kitchen: last heard" in n for n in evening.desk.status.notices)
    evening.loop.take(desks.Pause(60))
    assert not any("kitchen" in notice for notice in evening.desk.status.notices)
    evening.tick(60)
    assert evening.desk.status.camera.elsewhere
    assert not any("kitchen" in notice for notice in evening.desk.status.notices)


def test_the_trouble_of_a_camera_elsewhere_is_named_as_its_own(evening):
    for room, reason in (("attic", "gone"), ("kitchen", "nobody")):
        reading = Reading(time=evening.clock.now, reason=reason, room=room)
        evening.loop.take(desks.TakeReading(reading))
    assert "attic: the camera is gone" in evening.desk.status.notices
    assert evening.desk.status.camera.looking == ("kitchen",)
    evening.loop.take(desks.Pause(60))
    assert "attic: the camera is gone" not in evening.desk.status.notices
    assert evening.desk.status.camera.looking == ()


def laugh(evening):
    """Let the eye see a happy face until that is the room's mood."""
    shares = (0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02)
    face = Face((0.4, 0.3, 0.2, 0.3), 120.0, 0.9, shares)
    for _ in range(8):
        evening.tick(20)
        evening.loop.take(Reading(evening.clock.now, faces=(face,), frames=5))
    assert evening.desk.status.mood.label == "happy"


def test_the_log_tells_of_the_switch_and_of_no_mood(begin, caplog):
    caplog.set_level(logging.INFO, "mopidy_moodcam")
    evening = begin(camera="none", autostart=True)
    evening.wait_for_songs()
    laugh(evening)
    assert evening.tlids()
    evening.loop.take(desks.SwitchCamera(on=False))
    evening.tick(30)
    evening.loop.take(desks.SwitchCamera(on=True))
    evening.tick(30)
    switch = [told for told in caplog.messages if not told.startswith("Queued ")]
    assert switch == ["The camera is switched off", "The camera is switched on"]
    moods = {*EXPRESSIONS, *SongMood, "mood", "room"}
    assert not moods & set(re.findall(r"\w+", " ".join(caplog.messages).lower()))


def test_pages_hear_next_to_nothing_in_a_minute_without_a_look(evening):
    laugh(evening)
    published = []
    evening.desk.subscribe(published.append)
    evening.tick(60)
    assert len(published) <= 8
    assert len({status.history for status in published}) == 1


def test_songs_loaded_anew_leave_the_hands_off_time_alone(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    evening.player.entries.insert(0, (900, "test:theirs"))
    evening.queue_changed()
    until = evening.desk.status.hands_off_until
    evening.loop.take(desks.ReloadCatalogue())
    evening.wait_for_songs()
    assert evening.desk.status.hands_off_until == until


def test_never_play_takes_a_song_to_come_out_of_the_queue(evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    banned = evening.player.entries[1][1]
    evening.loop.take(desks.JudgeTrack(banned, Verdict.BANNED))
    assert banned not in dict(evening.player.entries).values()
    assert len(evening.desk.status.next_picks) == 2


def test_own_songs_are_known_with_their_moods_after_a_restart(begin, evening):
    evening.loop.take(desks.Override(SongMood.HAPPY))
    entries = list(evening.player.entries)
    evening.loop.close()
    again = begin()
    again.player.entries = list(entries)
    again.queue_changed()
    again.wait_for_songs()
    again.tick(60)
    assert again.player.entries == entries
    picks = again.desk.status.next_picks
    assert [pick.song_mood for pick in picks] == [SongMood.HAPPY] * 2
    assert all(pick.track_id for pick in picks)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "no camera is set"),
        ({"camera": "auto"}, "switch it on once"),
        ({"quiet_hours": "00:00-24:00"}, "these are quiet hours"),
    ],
)
def test_a_resting_face_that_no_camera_looks_at_is_said_to_be_so(begin, settings, why):
    evening = begin(**settings)
    evening.loop.take(desks.Baseline())
    (notice,) = (n for n in evening.desk.status.notices if "resting face" in n)
    assert why in notice
    evening.tick(121)
    assert not any("resting face" in n for n in evening.desk.status.notices)


@pytest.mark.parametrize(
    ("command", "playback"),
    [
        (desks.Override(SongMood.SAD), "playing"),
        (desks.SetGoal(Goal.CALM), "playing"),
        (desks.SwitchCamera(on=True), "playing"),
        (desks.Pause(0), "playing"),
        (desks.Pause(5), "stopped"),
        (desks.Correct("right"), "stopped"),
        (desks.AllowGuests(allowed=True), "stopped"),
    ],
)
def test_music_that_a_person_stopped_waits_for_somebody_who_asks_for_music(
    begin, command, playback
):
    evening = begin(autostart=True)
    evening.wait_for_songs()
    evening.loop.take(desks.TakeMood("happy", 36_000))
    evening.start(evening.player.current)
    evening.player.entries = []
    evening.player.current, evening.player.playback = None, "stopped"
    evening.queue_changed()
    evening.tick(10)
    assert evening.player.playback == "stopped"
    evening.loop.take(command)
    evening.tick(30)
    assert evening.player.playback == playback


@pytest.mark.parametrize(
    ("command", "playback"),
    [
        (desks.Override(SongMood.SAD), "playing"),
        (desks.Override(None), "stopped"),
        (desks.SetGoal(Goal.CALM), "stopped"),
        (desks.TakeMood("happy", 60), "stopped"),
    ],
)
def test_without_autostart_only_a_mood_chosen_by_hand_begins_the_music(
    begin, command, playback
):
    evening = begin()
    evening.wait_for_songs()
    evening.loop.take(command)
    evening.tick(10)
    assert evening.player.playback == playback


@pytest.mark.parametrize(
    "command", [desks.Override(None), desks.SetGoal(Goal.HOLD), desks.Pause(1)]
)
def test_who_takes_a_chosen_mood_back_before_it_sounds_is_not_played_it(begin, command):
    evening = begin()
    evening.wait_for_songs()
    evening.player.away = True
    with contextlib.suppress(PlayerAwayError):
        evening.loop.take(desks.Override(SongMood.SAD))
    with contextlib.suppress(PlayerAwayError):
        evening.loop.take(command)
    evening.player.away = False
    evening.loop.take(desks.TakeMood("happy", 600))
    evening.tick(100)
    assert evening.player.playback == "stopped"


@pytest.mark.parametrize("lag", [-7200, 7200])
def test_a_reading_counts_from_its_arrival_whatever_the_eye_s_clock_says(
    evening, clock, lag
):
    evening.loop.take(Reading(clock.now - lag, reason="nobody"))
    assert evening.desk.status.reading.time == clock.now


def test_after_a_pause_music_starts_only_for_a_mood_that_is_known(begin):
    evening = begin(autostart=True)
    evening.wait_for_songs()
    evening.loop.take(desks.TakeMood("happy", 60))
    evening.start(evening.player.current)
    evening.loop.take(desks.Pause(600))
    evening.tick(30)
    evening.loop.track_ended(evening.player.current, LENGTH, LENGTH)
    evening.player.current, evening.player.playback = None, "stopped"
    evening.queue_changed()
    evening.tick(700)
    assert evening.desk.status.paused_until is None
    assert evening.player.playback == "stopped"
    evening.loop.take(desks.TakeMood("sad", 60))
    evening.tick(10)
    assert evening.player.playback == "playing"


def test_a_camera_s_password_never_reaches_the_page(begin):
    evening = begin(camera="rtsp://me:secret@cam/live?pwd=secret")
    evening.tick()
    assert evening.desk.status.camera.source == "rtsp://cam"
    assert "secret" not in str(evening.desk.status)


def test_an_eye_that_does_without_something_says_so(begin):
    evening = begin()
    evening.loop.take(_EyeSays("ready", "Only frontal faces count."))
    evening.tick()
    assert "Only frontal faces count." in evening.desk.status.notices


# The eye, and settings that only the loop hands on


class TestEye:
    """Stands for the keeper of the eye, and notes what it is told."""

    __test__ = False

    def __init__(self, source, *, runtime, interval, on_reading, on_state):
        del on_reading, on_state
        self.told = [(source, runtime, interval)]
        self.milliseconds = None
        self._interval = interval

    def start(self):
        self.told.append("start")

    def stop(self):
        self.told.append("stop")

    def interval(self, seconds):
        if seconds != self._interval:
            self.told.append(seconds)
        self._interval = seconds


@pytest.fixture
def with_eye(begin, monkeypatch):
    monkeypatch.setattr("mopidy_moodcam.loop.EyeKeeper", TestEye)

    def with_eye(**settings):
        evening = begin(**{"camera": "demo", **settings})
        return evening, evening.loop._eye.told

    return with_eye


def test_the_eye_gets_its_settings(with_eye):
    _, told = with_eye(interval=45, runtime="onnx")
    assert told == [("demo", "onnx", 45)]


def test_the_eye_looks_while_it_is_wanted_and_no_longer(with_eye):
    evening, told = with_eye()
    evening.tick()
    evening.loop.take(desks.Pause(60))
    evening.tick(5)
    assert told[1:] == [10, "start", "stop"]
    evening.tick(60)
    assert told[-1] == "start"


def test_camera_off_waits_for_no_look_at_the_queue(with_eye, monkeypatch):
    evening, told = with_eye()
    evening.wait_for_songs()
    evening.loop.take(desks.Override(SongMood.HAPPY))
    before = []
    monkeypatch.setattr(evening.player, "_answer", lambda: before.append(told[-1]))
    evening.loop.queue_changed()
    evening.loop.take(desks.SwitchCamera(on=False))
    assert set(before) == {"stop"}


def test_the_status_says_which_cameras_look(with_eye, clock):
    evening, _ = with_eye()
    evening.tick()
    rooms = [evening.desk.status.camera.looking]
    reading = Reading(clock.now, reason="nobody", room="kitchen")
    for message in (
        _EyeSays("ready"),
        desks.TakeReading(reading),
        _EyeSays("trouble", "Another program uses the camera."),
    ):
        evening.loop.take(message)
        rooms.append(evening.desk.status.camera.looking)
    assert rooms == [(), ("",), ("", "kitchen"), ("kitchen",)]


def test_a_camera_in_trouble_learns_no_resting_face_and_says_so(with_eye):
    evening, _ = with_eye()
    evening.loop.take(desks.Baseline())
    assert not any("resting face" in n for n in evening.desk.status.notices)
    evening.loop.take(_EyeSays("trouble", "Another program uses the camera."))
    notice = "No camera looks at the resting face: Another program uses the camera."
    assert notice in evening.desk.status.notices


@pytest.mark.parametrize(("autostart", "looks"), [(True, True), (False, False)])
def test_where_nothing_plays_the_eye_looks_only_for_a_start(with_eye, autostart, looks):
    evening, told = with_eye(watch="playing", autostart=autostart)
    evening.tick()
    evening.queue_changed()
    evening.tick()
    assert ("start" in told) is looks


def test_in_an_empty_room_the_eye_is_told_to_look_less_often(with_eye, clock):
    evening, told = with_eye()
    for _ in range(8):
        evening.tick(20)
        evening.loop.take(Reading(clock.now, reason="nobody"))
    assert told[-1] == 60


def test_a_song_of_a_person_is_no_step_on_the_way(evening):
    evening.loop.take(desks.SetGoal(Goal.LIFT))
    evening.loop.take(desks.TakeMood("sad", 36_000))
    before = evening.desk.status.target.affect
    evening.player.entries.append((900, "test:theirs"))
    evening.start(900)
    assert evening.desk.status.target.affect == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_as_many_picks_stand_ahead_as_the_settings_say(begin, dry_run):
    evening = begin(ahead=4, dry_run=dry_run)
    evening.wait_for_songs()
    evening.loop.take(desks.Override(SongMood.HAPPY))
    assert len(evening.desk.status.next_picks) == 4


def test_the_hands_off_time_of_the_settings_holds(begin, clock):
    evening = begin(hands_off=40)
    evening.wait_for_songs()
    evening.loop.take(desks.Override(SongMood.HAPPY))
    evening.player.entries.insert(0, (900, "test:theirs"))
    evening.queue_changed()
    assert evening.desk.status.hands_off_until == clock.now + 40


def test_mpd_clients_are_woken_for_new_songs_and_switches(begin, monkeypatch):
    woken = []
    monkeypatch.setattr("mopidy_moodcam.mpd.wake", woken.append)
    evening = begin()
    evening.wait_for_songs()
    assert "playlists_loaded" in woken
    woken.clear()
    evening.tick()
    assert woken == []
    evening.loop.take(desks.Override(SongMood.SAD))
    assert woken == ["mute_changed"]


def test_mpd_clients_are_woken_for_other_songs_in_a_playlist_only(evening, monkeypatch):
    def judge(verdict):
        woken = []
        monkeypatch.setattr("mopidy_moodcam.mpd.wake", woken.append)
        evening.loop.take(desks.JudgeTrack("local:track:0.mp3", verdict))
        evening.wait_for_songs()
        return woken

    judge(Verdict.LOVED)  # now it is in its playlist for sure
    assert judge(Verdict.LOVED) == []
    assert judge(Verdict.BANNED) == ["playlists_loaded"]
