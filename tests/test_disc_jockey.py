"""The disc jockey beside a player of the tests; tests/server has the real one."""

import dataclasses
import itertools
import logging

import pytest

from mopidy_moodcam.disc_jockey import (
    OWN_REMEMBERED,
    RETRY_SECONDS,
    SETTLE_SECONDS,
    TRIES,
    DiscJockey,
)
from mopidy_moodcam.dj.brake import SECONDS, TIMES_AHEAD
from mopidy_moodcam.dj.queue import Queue
from mopidy_moodcam.dj.starter import START_SECONDS
from mopidy_moodcam.glossary import Affect, Pick, SongMood, Target, Verdict
from mopidy_moodcam.memory import Memory
from mopidy_moodcam.player import LateError, PlayerAwayError
from mopidy_moodcam.settings import Settings

HAPPY = Target(SongMood.HAPPY, Affect(0.7, 0.4), "the room is happy")
SAD = Target(SongMood.SAD, Affect(-0.6, -0.4), "the room is sad")


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


class TestPlayer:
    """Holds a tracklist as core does; `late` songs come after the wait is over.

    Songs in `silent` are queued and cannot be played. The backend answers with URIs
    that begin with `scheme`.
    """

    __test__ = False

    def __init__(self):
        self.entries = []
        self.numbers = itertools.count(1)
        self.current = None
        self.playback = "stopped"
        self.consume = self.random = self.single = self.repeat = False
        self.scheme = "test:"
        self.late, self.brought = [], []
        self.slow = False
        self.takes_nothing = False
        self.silent = frozenset()
        self.asked = 0
        self.starts = 0
        self.drawn_behind = []

    def queue(self):
        return Queue(
            entries=tuple(self.entries),
            current=self.current,
            elapsed=60_000 if self.current else 0,
            length=200_000 if self.current else None,
            playback=self.playback,
            consume=self.consume,
            random=self.random,
            single=self.single,
            repeat=self.repeat,
        )

    def state(self):
        return self.playback

    def add(self, uri):
        self.asked += 1
        if self.slow:
            self.late.append(uri.replace("test:", self.scheme))
            raise LateError(self.late_entry)
        if self.takes_nothing:
            return None
        self.append(uri.replace("test:", self.scheme))
        return self.entries[-1]

    def late_entry(self):
        if not self.brought:
            raise PlayerAwayError
        return self.brought.pop()

    def bring(self):
        self.append(self.late[0])
        self.brought.append(self.entries[-1])

    def append(self, uri):
        self.entries.append((next(self.numbers), uri))
        return self.entries[-1][0]

    def remove(self, tlids):
        gone = set(tlids)
        self.entries = [entry for entry in self.entries if entry[0] not in gone]

    def play(self, tlid):
        """Start the song, or the first behind it that can be played, as core does."""
        self.starts += 1
        tlids = [number for number, _ in self.entries]
        for number, uri in self.entries[tlids.index(tlid) :]:
            if uri not in self.silent:
                self.current, self.playback = number, "playing"
                return
            if self.consume:
                self.remove([number])

    def draw_another(self, current):
        self.drawn_behind.append(current)

    def stop(self):
        self.playback = "stopped"

    def clear(self):
        self.entries = []
        self.current, self.playback = None, "stopped"

    def come_to_the_end(self):
        self.current, self.playback = None, "stopped"


class TestPicker:
    """Picks song after song of the target's mood."""

    __test__ = False

    def __init__(self, clock):
        self.clock = clock
        self.made = 0
        self.shelf = ()
        self.followed = []
        self.noted = []
        self.left_out = set()
        self.outcomes = []
        self.theirs = []
        self.taken_back = []

    def recall(self, uri):
        """Know the song mood only where the songs are there, as the picker does."""
        mood = SongMood.CALM if self.shelf is None else SongMood.HAPPY
        return Pick(uri, uri, "Nobody", mood, "queued before", self.clock())

    def pick(self, target, *, after, queue):
        del queue
        self.followed.append(after)
        self.made += 1
        title = f"{target.song_mood} {self.made}"
        reason = f"because {target.why}"
        uri = f"test:{title}"
        return Pick(uri, title, "Nobody", target.song_mood, reason, self.clock())

    def started(self, tlid, pick):
        self.noted.append((tlid, pick.song_mood))

    def ended(self, tlid, pick, outcome):
        del pick
        self.outcomes.append((tlid, outcome))

    def heard(self, uri):
        self.theirs.append(uri)

    def offers(self, pick):
        return pick.uri not in self.left_out

    def queued(self, pick): ...

    def unheard(self, pick):
        self.taken_back.append(pick.title)

    def refused(self, pick):
        self.left_out.add(pick.uri)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def player():
    return TestPlayer()


@pytest.fixture
def make(tmp_path, clock, player):
    def make(**settings):
        settings = dataclasses.replace(Settings(), **settings)
        memory = Memory(tmp_path / "state.json")
        picker = TestPicker(clock)
        dj = DiscJockey(settings, memory, player, picker, clock=clock)
        dj.picker = picker
        return dj

    return make


def test_each_pick_is_logged_once_and_its_reason_only_for_who_looks_for_faults(
    make, caplog
):
    dj = make()
    with caplog.at_level(logging.DEBUG, "mopidy_moodcam.disc_jockey"):
        dj.serve(HAPPY)
        dj.serve(HAPPY)
    said = [(line.levelname, line.message) for line in caplog.records]
    assert said == [
        ("INFO", "Queued happy 1 by Nobody; then happy 2 by Nobody"),
        ("DEBUG", "happy 1: because the room is happy"),
        ("DEBUG", "happy 2: because the room is happy"),
    ]


def test_a_shadow_day_logs_the_reasons_too(make, caplog):
    dj = make(dry_run=True)
    with caplog.at_level(logging.INFO):
        dj.serve(HAPPY)
    why = "because the room is happy"
    said = f"Would queue happy 1 by Nobody: {why}; then happy 2 by Nobody: {why}"
    assert caplog.messages == [said]


def start(dj, player, entry):
    """Let a track sound, and end the one before, as core tells it."""
    if player.current:
        dj.track_ended(player.current, 60_000, 200_000)
    tlid, uri = entry
    player.play(tlid)
    dj.track_started(tlid, uri)


def test_only_picks_that_sounded_are_among_the_last_ones(make, player):
    dj = make()
    dj.serve(HAPPY)
    first, second = player.entries
    start(dj, player, first)
    dj.serve(SAD)
    assert second not in player.entries
    assert (dj.playing_pick.uri, dj.last_picks) == (first[1], ())
    start(dj, player, player.entries[1])
    assert dj.playing_pick.song_mood == SongMood.SAD
    assert [pick.uri for pick in dj.last_picks] == [first[1]]
    theirs = player.append("test:theirs")
    start(dj, player, (theirs, "test:theirs"))
    assert dj.playing_pick is None
    start(dj, player, first)  # they went back to it
    assert dj.playing_pick.uri == first[1]
    assert [pick.song_mood for pick in dj.last_picks] == [SongMood.SAD]


def bring_late(dj, player):
    """Let a song come after the DJ has given up waiting for it."""
    player.slow = True
    with pytest.raises(PlayerAwayError):
        dj.serve(HAPPY)
    player.slow = False
    player.bring()
    dj.look()


@pytest.mark.parametrize("scheme", ["test:", "other:"])
def test_a_song_that_a_slow_backend_brings_late_is_the_djs(make, player, clock, scheme):
    dj = make()
    player.scheme = scheme
    bring_late(dj, player)
    assert [pick.title for pick in dj.next_picks] == ["happy 1"]
    clock.now += RETRY_SECONDS
    dj.serve(SAD)
    assert all("sad" in uri for _, uri in player.entries)


def test_a_song_that_a_slow_backend_brings_late_is_no_edit_of_a_person(make, player):
    dj = make()
    dj.serve(HAPPY)
    player.remove([2])
    dj.look()
    dj.take_up()
    bring_late(dj, player)
    assert dj.hands_off_until is None


def test_what_came_before_a_late_song_is_counted_and_each_once(make, player, caplog):
    dj = make()
    add = player.add

    def add_one(uri):
        player.slow = bool(player.entries)
        return add(uri)

    player.add = add_one
    with caplog.at_level(logging.INFO), pytest.raises(PlayerAwayError):
        dj.serve(HAPPY)
    player.bring()
    with caplog.at_level(logging.INFO):
        dj.look()
    assert dj.picks_made == 2
    assert caplog.messages == [f"Queued happy {n} by Nobody" for n in (1, 2)]


def test_who_clears_the_queue_during_a_slow_look_up_has_ended_the_music(make, player):
    dj = make(autostart=True)
    player.play(player.append("test:theirs"))
    dj.track_started(*player.entries[0])
    add, starts = player.add, player.starts

    def add_slowly(uri):
        if dj.next_picks:
            player.clear()
        return add(uri)

    player.add = add_slowly
    dj.serve(HAPPY)
    player.add = add
    dj.serve(HAPPY)
    assert dj.hands_off_until
    assert player.starts == starts


def test_what_was_heard_before_a_restart_is_not_taken_back(make, player):
    make().serve(HAPPY)
    dj = make()
    first, second = player.entries
    start(dj, player, second)
    player.remove([first[0]])
    for uri in ("test:theirs", "test:more"):
        start(dj, player, (player.append(uri), uri))
    dj.judge()
    assert not dj.is_own(first[0])
    assert dj.picker.taken_back == []


def test_a_clock_that_is_set_back_ends_a_wait(make, player, clock):
    dj = make()
    player.takes_nothing = True
    dj.serve(HAPPY)
    player.takes_nothing = False
    clock.now -= 7200
    dj.serve(HAPPY)
    assert len(player.entries) == 2


def test_while_a_person_fills_a_silent_queue_nothing_is_queued(make, player, clock):
    dj = make()
    dj.serve(HAPPY)
    player.clear()
    for uri in ("test:theirs", "test:too"):
        dj.look()
        clock.now += SETTLE_SECONDS - 1
        dj.serve(HAPPY)
        assert not any("happy" in uri for _, uri in player.entries)
        player.append(uri)
    dj.look()
    player.play(player.entries[0][0])
    dj.look()
    dj.serve(HAPPY)
    uris = [uri for _, uri in player.entries]
    assert uris == ["test:theirs", "test:too", "test:happy 3", "test:happy 4"]


def test_an_edit_that_the_dj_sees_before_it_is_told_is_a_persons(make, player, clock):
    dj = make()
    dj.serve(HAPPY)
    clock.now += 6
    player.clear()
    dj.serve(HAPPY)
    assert player.entries == []
    assert dj.hands_off_until > clock.now


def test_a_silent_queue_is_filled_when_a_person_has_done(make, player, clock):
    dj = make()
    dj.serve(HAPPY)
    player.clear()
    dj.look()
    clock.now += SETTLE_SECONDS
    dj.serve(HAPPY)
    assert len(player.entries) == 2


def test_a_pick_that_a_person_moves_up_stays_there(make, player):
    dj = make()
    for name in ("now", "mine", "too"):
        player.append(f"test:{name}")
    player.play(1)
    dj.serve(HAPPY)
    entries = player.entries
    player.entries = [entries[0], entries[4], *entries[1:4]]
    dj.look()
    dj.serve(HAPPY)
    uris = [uri.removeprefix("test:") for _, uri in player.entries]
    assert uris == ["now", "happy 2", "mine", "too", "happy 1", "happy 3"]


def test_picks_in_front_of_what_a_person_adds_come_again_behind_it(make, player):
    dj = make(hands_off=0)
    player.play(player.append("test:now"))
    dj.serve(HAPPY)
    for name in ("mine", "too"):
        player.append(f"test:{name}")
        dj.look()
        dj.serve(HAPPY)
    uris = [uri.removeprefix("test:") for _, uri in player.entries]
    assert uris == ["now", "mine", "too", "happy 1", "happy 2"]
    assert dj.picks_made == 2


def test_a_pick_that_begins_while_it_is_put_elsewhere_comes_once(
    make, player, monkeypatch
):
    dj = make(hands_off=0)
    player.play(player.append("test:now"))
    dj.serve(HAPPY)
    first, add = player.entries[1], player.add

    def slow_add(uri):
        player.play(first[0])
        return add(uri)

    monkeypatch.setattr(player, "add", slow_add)
    player.append("test:mine")
    dj.look()
    dj.serve(HAPPY)
    dj.track_started(*first)
    dj.serve(HAPPY)
    uris = [uri.removeprefix("test:") for _, uri in player.entries]
    assert uris == ["now", "happy 1", "mine", "happy 2", "happy 3"]


def test_a_pick_that_comes_late_again_comes_once(make, player, clock):
    dj = make(hands_off=0)
    player.play(player.append("test:now"))
    dj.serve(HAPPY)
    player.append("test:mine")
    player.slow = True
    dj.look()
    with pytest.raises(PlayerAwayError):
        dj.serve(HAPPY)
    player.slow = False
    player.bring()
    clock.now += RETRY_SECONDS
    dj.serve(HAPPY)
    uris = [uri.removeprefix("test:") for _, uri in player.entries]
    assert uris == ["now", "mine", "happy 1", "happy 2"]


def test_picks_that_a_person_moves_up_one_by_one_stay_in_the_hands_off_time(
    make, player, clock
):
    dj = make(hands_off=300)
    for name in ("now", "mine"):
        player.append(f"test:{name}")
    player.play(1)
    dj.serve(HAPPY)
    now, mine, first, second = player.entries
    player.entries = [now, second, first, mine]  # two moves, seen in one look
    dj.look()
    dj.serve(HAPPY)
    clock.now += 299
    dj.serve(SAD)
    assert player.entries[:4] == [now, second, first, mine]
    dj.judged(first[1], Verdict.BANNED)
    dj.serve(SAD)
    assert first not in player.entries


def test_a_pick_that_a_person_moves_up_while_others_are_added_stays(
    make, player, monkeypatch
):
    dj = make()
    for name in ("now", "mine"):
        player.append(f"test:{name}")
    player.play(1)
    dj.serve(HAPPY)
    add = player.add

    def slow_add(uri):
        tlids = [tlid for tlid, _ in player.entries]
        if tlids[1:3] == [2, 3]:  # a person moves the first pick to the front
            entries = player.entries
            player.entries = [entries[0], entries[2], entries[1], *entries[3:]]
        return add(uri)

    monkeypatch.setattr(player, "add", slow_add)
    dj.serve(SAD)
    uris = [uri.removeprefix("test:") for _, uri in player.entries]
    assert uris == ["now", "happy 1", "mine", "sad 3", "sad 4"]


def test_a_slow_backend_is_not_asked_again_at_once(make, player, clock):
    dj = make()
    player.slow = True
    with pytest.raises(PlayerAwayError):
        dj.serve(HAPPY)
    for _ in range(10):
        dj.serve(HAPPY)
    assert player.asked == 1
    clock.now += RETRY_SECONDS
    with pytest.raises(PlayerAwayError):
        dj.serve(HAPPY)


def test_a_person_who_adds_a_song_that_the_dj_waits_for_owns_it(make, player):
    dj = make()
    player.slow = True
    with pytest.raises(PlayerAwayError):
        dj.serve(HAPPY)
    player.append(player.late[0])
    dj.look()
    assert dj.next_picks == ()


def test_songs_that_mopidy_does_not_take_are_tried_a_few_times(make, player, caplog):
    dj = make()
    player.takes_nothing = True
    for _ in range(5):
        dj.serve(HAPPY)
    assert player.asked == TRIES
    assert len(caplog.messages) == 1


def test_only_peoples_tracks_that_are_still_to_come_count_as_queued(make, player):
    dj = make(autostart=True)
    last = player.append("test:a person's")
    dj.look()
    assert dj.anything_queued
    player.play(last)
    dj.track_started(last, "test:a person's")
    dj.look()
    assert not dj.anything_queued
    dj.serve(HAPPY)
    assert len(player.entries) == 3
    dj.look()
    assert not dj.anything_queued


def test_a_list_on_repeat_is_still_to_come(make, player):
    dj = make()
    last = player.append("test:a person's")
    player.play(last)
    player.repeat = True
    dj.look()
    assert dj.anything_queued


def test_a_stream_plays_without_end(make, player, monkeypatch):
    dj = make()
    player.play(player.append("test:radio"))
    queue = player.queue
    monkeypatch.setattr(
        player, "queue", lambda: dataclasses.replace(queue(), length=None)
    )
    dj.look()
    assert dj.anything_queued


def test_a_shadow_day_says_what_it_would_queue_and_queues_nothing(make, player, caplog):
    dj = make(dry_run=True)
    with caplog.at_level(logging.INFO):
        dj.serve(HAPPY)
        dj.serve(HAPPY)
        dj.serve(SAD)
    assert player.entries == []
    assert dj.is_own(7)  # a person's track stands for a pick: paths go on
    assert [pick.song_mood for pick in dj.next_picks] == [SongMood.SAD] * 2
    assert dj.last_picks == ()
    turn = dj.next_picks[0]
    dj.track_ended(1, 200_000, 200_000)
    assert (dj.playing_pick, dj.last_picks) == (None, (turn,))
    assert [message.split()[:3] for message in caplog.messages] == [
        ["Would", "queue", "happy"],
        ["Would", "queue", "sad"],
    ]


@pytest.fixture
def playing(make, player):
    """A disc jockey that starts the music, and has."""
    dj = make(autostart=True)
    serve_and_play(dj, player)
    return dj


def serve_and_play(dj, player):
    dj.serve(HAPPY)
    assert player.playback == "playing"
    uri = dict(player.entries)[player.current]
    dj.track_started(player.current, uri)


def wait(dj, clock, seconds=60):
    for _ in range(seconds):
        clock.now += 1
        dj.serve(HAPPY)


def test_music_that_came_to_its_end_is_started_again(playing, player, clock):
    player.come_to_the_end()
    playing.look()
    assert playing.may_start
    wait(playing, clock)
    assert player.playback == "playing"


@pytest.mark.parametrize("told", [True, False])
def test_whoever_clears_the_queue_has_stopped_the_music(playing, player, clock, told):
    player.clear()
    if told:
        playing.look()
    wait(playing, clock)
    assert player.playback == "stopped"
    assert not playing.may_start


def test_a_song_that_is_started_anew_is_not_skipped(playing, player):
    song = player.current
    playing.track_ended(song, 5_000, 200_000)
    playing.track_started(song, dict(player.entries)[song])
    playing.track_ended(song, 5_000, 200_000)
    player.current = player.entries[1][0]
    playing.track_started(*player.entries[1])
    assert playing.picker.outcomes == [(song, "neither"), (song, "skipped")]


def test_stopping_and_then_clearing_is_stopping_too(playing, player, clock):
    player.stop()
    playing.look()
    player.clear()
    playing.look()
    wait(playing, clock)
    assert player.playback == "stopped"


def test_whoever_removes_the_song_that_plays_is_not_played_another(
    playing, player, clock
):
    player.remove([player.current])
    player.current = None  # it plays on, and stands nowhere
    playing.look()
    player.playback = "stopped"
    playing.look()
    wait(playing, clock)
    assert player.playback == "stopped"


def test_a_person_who_asks_for_music_has_it_started(playing, player, clock):
    player.clear()
    playing.look()
    playing.take_up()
    wait(playing, clock)
    assert player.playback == "stopped"
    playing.may_play_again()
    wait(playing, clock)
    assert player.playback == "playing"


@pytest.fixture
def stopped(make, player):
    """A disc jockey that starts nothing by itself; a person has stopped its song."""
    dj = make()
    dj.serve(HAPPY)
    start(dj, player, player.entries[0])
    player.stop()
    dj.look()
    return dj


def test_who_says_what_is_to_play_now_has_it_started_behind_what_was_stopped(
    stopped, player, clock
):
    heard = player.current
    wait(stopped, clock, 10)
    assert player.playback == "stopped"
    stopped.begin()
    stopped.serve(SAD)
    tlids = [tlid for tlid, _ in player.entries]
    assert player.playback == "playing"
    assert player.current == tlids[tlids.index(heard) + 1]
    assert "sad" in dict(player.entries)[player.current]


def test_a_start_that_was_asked_for_is_asked_for_once(stopped, player, clock):
    stopped.begin()
    serve_and_play(stopped, player)
    player.stop()
    stopped.look()
    wait(stopped, clock)
    assert player.playback == "stopped"


def test_who_chose_a_mood_while_music_played_can_stop_it(stopped, player, clock):
    player.playback = "playing"
    stopped.look()
    stopped.begin()
    player.stop()
    stopped.look()
    wait(stopped, clock)
    assert player.playback == "stopped"


@pytest.mark.parametrize(
    "take_back",
    [lambda _dj, player: player.clear(), lambda dj, _player: dj.wait()],
    ids=["clears the queue", "takes the mood back"],
)
def test_a_start_is_asked_for_no_more(stopped, player, clock, take_back):
    stopped.begin()
    take_back(stopped, player)
    stopped.look()
    wait(stopped, clock)
    assert player.playback == "stopped"


def test_who_asks_where_no_song_is_to_be_had_is_not_surprised_hours_later(
    stopped, player, clock
):
    player.clear()
    player.takes_nothing = True
    stopped.look()
    stopped.begin()
    wait(stopped, clock, 400)
    player.takes_nothing = False
    wait(stopped, clock, 60)
    assert player.entries
    assert player.playback == "stopped"


def test_music_that_a_person_starts_again_may_be_started_again(playing, player, clock):
    player.clear()
    playing.look()
    tlid = player.append("test:theirs")
    player.play(tlid)
    playing.track_started(tlid, "test:theirs")
    player.come_to_the_end()
    playing.look()
    wait(playing, clock)
    assert player.playback == "playing"


# Music that does not start


class Everything:
    """Holds whatever is asked for."""

    def __contains__(self, _):
        return True


def happy(*numbers):
    return frozenset(f"test:happy {number}" for number in numbers)


@pytest.mark.parametrize("consume", [False, True])
def test_picks_that_cannot_be_played_give_way_to_others(make, player, clock, consume):
    dj = make(autostart=True)
    player.silent, player.consume = happy(1, 2), consume
    dj.serve(HAPPY)
    dj.look()
    wait(dj, clock, int(START_SECONDS))
    assert player.playback == "playing"
    assert not player.silent & set(dict(player.entries).values())
    assert dj.picker.left_out == happy(1, 2)


def test_a_slow_song_that_sounds_meanwhile_is_left_playing(make, player, clock):
    dj = make(autostart=True)
    player.silent = Everything()
    dj.serve(HAPPY)
    slow = player.entries[0][0]
    player.silent = frozenset()
    add = player.add

    def add_while_it_starts(uri):
        player.current, player.playback = slow, "playing"
        return add(uri)

    player.add = add_while_it_starts
    wait(dj, clock, int(START_SECONDS))
    assert player.current == slow
    assert slow in dict(player.entries)
    assert player.starts == 1


def test_next_before_the_first_song_sounds_does_not_end_the_music(make, player, clock):
    dj = make(autostart=True)
    player.silent = Everything()
    dj.serve(HAPPY)
    player.silent = frozenset()
    player.current = player.entries[1][0]
    dj.look()
    wait(dj, clock, int(START_SECONDS))
    assert player.playback == "playing"


def test_where_nothing_can_be_played_the_dj_tries_ever_less_often(
    make, player, clock, caplog
):
    dj = make(autostart=True)
    player.silent = Everything()
    dj.serve(HAPPY)
    wait(dj, clock, 20)
    assert player.starts == 3
    wait(dj, clock, 580)
    assert 20 <= player.starts <= 24
    assert len(player.entries) == 2
    said = [r.message for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "plays none of the songs that MoodCam starts" in said[0]


def test_other_songs_are_tried_where_none_plays_behind_the_last_heard(
    playing, player, clock
):
    heard = player.current
    player.silent = happy(*range(2, 8))
    player.come_to_the_end()
    playing.track_ended(heard, 200_000, 200_000)
    playing.look()
    wait(playing, clock, 20)
    assert dict(player.entries)[player.current] == "test:happy 8"
    assert player.entries[0][0] == heard


def test_a_persons_track_that_cannot_be_played_stays_and_is_passed_over(
    make, player, clock
):
    dj = make(autostart=True)
    player.play = lambda tlid: tlid != theirs and TestPlayer.play(player, tlid)
    theirs = player.append("test:theirs")
    dj.serve(HAPPY)
    assert player.playback == "stopped"
    wait(dj, clock, int(START_SECONDS))
    assert player.playback == "playing"
    assert player.entries[0] == (theirs, "test:theirs")


@pytest.fixture
def restarted(make):
    """A disc jockey after a restart, whose songs are not loaded yet."""
    make().serve(HAPPY)
    dj = make()
    dj.picker.shelf = None
    dj.look()
    return dj


def test_own_songs_stay_over_a_restart_before_the_songs_are_loaded(restarted, player):
    before = list(player.entries)
    restarted.serve(HAPPY)
    restarted.picker.shelf = ()
    restarted.songs_changed()
    restarted.serve(HAPPY)
    assert player.entries == before
    restarted.serve(SAD)
    assert all("sad" in uri for _, uri in player.entries)


def test_a_song_heard_before_the_songs_are_loaded_counts_for_its_mood(
    restarted, player
):
    tlid, uri = player.entries[0]
    player.play(tlid)
    restarted.track_started(tlid, uri)
    restarted.picker.shelf = ()
    restarted.songs_changed()
    assert restarted.picker.noted[-1] == (tlid, SongMood.HAPPY)


def test_other_songs_do_not_end_the_hands_off_time(make, player):
    dj = make()
    dj.serve(HAPPY)
    player.append("test:theirs")
    dj.look()
    until = dj.hands_off_until
    dj.songs_changed()
    assert dj.hands_off_until == until > 0


@pytest.mark.parametrize("hands_off", [False, True])
def test_a_song_to_come_that_a_person_bans_goes(make, player, hands_off):
    dj = make()
    dj.serve(HAPPY)
    if hands_off:
        player.append("test:theirs")
        dj.look()
    dj.judged("test:happy 2", Verdict.BANNED)
    dj.serve(HAPPY)
    uris = dict(player.entries).values()
    assert "test:happy 2" not in uris
    assert len(dj.next_picks) == 2


def test_a_song_to_come_that_a_person_leaves_out_goes(make, player):
    dj = make()
    dj.serve(HAPPY)
    dj.picker.left_out.add("test:happy 2")
    dj.songs_changed()
    dj.serve(HAPPY)
    assert {"test:happy 1", "test:happy 3"} <= {*dict(player.entries).values()}
    assert "test:happy 2" not in dict(player.entries).values()


def test_a_song_that_a_person_bans_and_queues_stays(make, player):
    dj = make()
    dj.serve(HAPPY)
    player.append("test:theirs")
    dj.look()
    dj.judged("test:theirs", Verdict.BANNED)
    dj.serve(HAPPY)
    assert "test:theirs" in dict(player.entries).values()


def test_a_pick_follows_the_song_before_it_and_none_that_goes(make, player):
    dj = make()
    player.append("test:theirs")
    dj.serve(HAPPY)
    dj.serve(SAD)
    happy, sad = dj.picker.followed[:2], dj.picker.followed[2:]
    assert happy == ["test:theirs", "test:happy 1"]
    assert sad == ["test:theirs", "test:sad 3"]


def test_a_song_that_its_backend_calls_otherwise_is_the_djs(make, player):
    dj = make()
    player.scheme = "other:"
    for _ in range(3):
        dj.serve(HAPPY)
        dj.look()
    assert [uri for _, uri in player.entries] == ["other:happy 1", "other:happy 2"]
    assert [pick.uri for pick in dj.next_picks] == ["test:happy 1", "test:happy 2"]
    assert dj.picker.followed == [None, "test:happy 1"]


@pytest.fixture
def runaway(make, player):
    """A disc jockey beside a program that answers each song with one of its own."""
    dj, add = make(), player.add

    def add_two(uri):
        entry = add(uri)
        player.append("test:another")
        return entry

    player.play(player.append("test:theirs"))
    player.add = add_two
    look_often(dj)
    return dj


def look_often(dj):
    for _ in range(100):
        dj.look()
        dj.serve(HAPPY)


def test_where_no_song_begins_the_dj_does_not_queue_on_and_on(runaway, player, caplog):
    assert player.asked == TIMES_AHEAD * 2
    assert len(runaway.next_picks) == 2  # what is queued is there to be heard
    said = [record.message for record in caplog.get_records("setup")]
    assert len([words for words in said if "none began to play" in words]) == 1


def test_the_dj_queues_on_at_once_when_a_person_asks(runaway, player):
    runaway.take_up()
    look_often(runaway)
    assert player.asked == TIMES_AHEAD * 4


def test_the_dj_queues_on_soon_after_a_song_has_begun(runaway, player, clock):
    start(runaway, player, player.entries[1])
    clock.now += RETRY_SECONDS
    look_often(runaway)
    assert player.asked == TIMES_AHEAD * 4


def test_the_dj_queues_on_by_itself_after_some_minutes(runaway, player, clock, caplog):
    clock.now += SECONDS - 1
    look_often(runaway)
    assert player.asked == TIMES_AHEAD * 2
    clock.now += RETRY_SECONDS
    look_often(runaway)
    assert player.asked == TIMES_AHEAD * 4
    assert caplog.text.count("none began to play") == 1, "of the second time"


# How songs end


def test_whoever_stops_the_music_does_not_judge_the_song(playing, player):
    song = player.current
    playing.track_ended(song, 5_000, 200_000)
    player.stop()
    playing.judge()
    assert playing.picker.outcomes == [(song, "neither")]


def test_under_consume_a_skip_counts_although_the_track_has_left(playing, player):
    player.consume = True
    playing.look()
    song, following = player.entries
    playing.track_ended(song[0], 5_000, 200_000)
    player.remove([song[0]])
    player.current = following[0]
    playing.look()
    playing.track_started(*following)
    assert playing.picker.outcomes == [(song[0], "skipped")]


def play(dj, player, entry):
    player.play(entry[0])
    dj.track_started(*entry)


def test_a_song_that_plays_on_when_it_was_removed_is_judged_too(make, player):
    dj = make()
    dj.serve(HAPPY)
    first, second = player.entries
    play(dj, player, first)
    dj.track_ended(first[0], 200_000, 200_000)
    player.play(second[0])
    player.remove([second[0]])
    dj.track_started(*second, ask_core=False)
    dj.look()
    dj.judge()
    dj.track_ended(second[0], 200_000, 200_000)
    dj.judge()
    assert dj.picker.outcomes == [(first[0], "played"), (second[0], "played")]


def test_under_random_an_earlier_place_is_not_going_back(make, player):
    dj = make()
    player.random = True
    dj.serve(HAPPY)
    first, second = player.entries
    play(dj, player, second)
    dj.track_ended(second[0], 5_000, 200_000)
    play(dj, player, first)
    assert dj.picker.outcomes == [(second[0], "skipped")]


def test_a_persons_track_that_plays_is_noted(make, player):
    dj = make()
    play(dj, player, (player.append("test:theirs"), "test:theirs"))
    assert dj.picker.theirs == ["test:theirs"]


def test_only_a_pick_that_leaves_unheard_is_taken_back(make, player):
    dj = make()
    dj.serve(HAPPY)
    first, second = player.entries
    play(dj, player, first)
    dj.track_ended(first[0], 200_000, 200_000)
    play(dj, player, second)
    dj.serve(HAPPY)
    third = player.entries[2]
    player.remove([first[0], third[0]])
    dj.look()
    dj.track_ended(second[0], 200_000, 200_000)
    dj.judge()
    assert dj.picker.taken_back == ["happy 3"]


def test_a_pick_that_the_dj_removes_is_taken_back_at_once(make, player):
    dj = make()
    dj.serve(HAPPY)
    player.play(player.entries[0][0])
    dj.track_started(*player.entries[0])
    dj.serve(SAD)
    dj.look()
    assert dj.picker.taken_back == ["happy 2"]


def test_a_song_that_starts_while_core_does_not_answer_is_noted(
    make, player, monkeypatch
):
    dj = make()
    dj.serve(HAPPY)

    def away():
        raise PlayerAwayError

    monkeypatch.setattr(player, "queue", away)
    with pytest.raises(PlayerAwayError):
        dj.track_started(*player.entries[0])
    assert dj.picker.noted == [(player.entries[0][0], SongMood.HAPPY)]


def test_a_shadow_day_goes_on_when_a_song_ends(make):
    dj = make(dry_run=True)
    dj.serve(HAPPY)
    dj.track_ended(1, 200_000, 200_000)
    dj.serve(HAPPY)
    assert [pick.title for pick in dj.next_picks] == ["happy 2", "happy 3"]


def test_under_single_the_music_that_ends_is_not_started_again(playing, player, clock):
    player.single = True
    playing.track_ended(player.current, 200_000, 200_000)
    player.come_to_the_end()
    playing.look()
    wait(playing, clock)
    assert player.playback == "stopped"


# What stays, and what goes


def test_a_ban_that_is_taken_back_lets_the_song_stay(make, player):
    dj = make()
    dj.judged("test:happy 1", Verdict.BANNED)
    dj.judged("test:happy 1", Verdict.NONE)
    dj.serve(HAPPY)
    dj.look()
    dj.serve(HAPPY)
    assert {uri for _, uri in player.entries} == happy(1, 2)


def test_where_no_song_can_be_added_the_old_picks_stay(make, player):
    dj = make()
    dj.serve(HAPPY)
    before = list(player.entries)
    player.takes_nothing = True
    dj.serve(SAD)
    assert player.entries == before


def test_a_song_that_mopidy_does_not_take_is_left_out(make, player):
    dj = make()
    player.takes_nothing = True
    dj.serve(HAPPY)
    assert dj.picker.left_out == happy(1, 2, 3, 4)


def test_each_time_the_backend_goes_away_is_said(make, player, clock, caplog):
    dj = make()
    for _ in range(2):
        player.takes_nothing = True
        dj.serve(HAPPY)
        player.takes_nothing = False
        clock.now += RETRY_SECONDS
        dj.serve(HAPPY)
        player.clear()
        dj.look()
        dj.take_up()
    assert len([m for m in caplog.messages if "did not take" in m]) == 2


def test_of_a_long_list_the_newest_own_songs_are_remembered(make, player, tmp_path):
    dj = make()
    for turn in range(OWN_REMEMBERED + 20):
        dj.serve(HAPPY)
        start(dj, player, player.entries[turn])
    remembered = Memory(tmp_path / "state.json").now.own
    assert remembered == tuple(player.entries[-OWN_REMEMBERED:])
    assert all(dj.is_own(tlid) for tlid, _ in player.entries)


def test_own_songs_are_known_where_core_restores_its_list_late(make, player):
    make().serve(HAPPY)
    entries, player.entries = player.entries, []
    dj = make()
    dj.look()
    player.entries = entries
    dj.look()
    assert [pick.uri for pick in dj.next_picks] == [uri for _, uri in entries]


def test_a_pick_that_a_person_has_taken_over_teaches_nothing(make, player):
    dj = make()
    for name in ("now", "mine"):
        player.append(f"test:{name}")
    player.play(1)
    dj.serve(HAPPY)
    now, mine, taken, last = player.entries
    player.entries = [now, taken, mine, last]
    dj.look()
    assert not dj.is_own(taken[0])


def test_in_the_hands_off_time_nothing_is_replanned(make, player, clock):
    dj = make(hands_off=300)
    dj.serve(HAPPY)
    player.play(player.entries[0][0])
    player.append("test:theirs")
    dj.look()
    dj.serve(HAPPY)  # topping up, behind the person's track
    clock.now += 299
    dj.serve(SAD)
    assert not any("sad" in uri for _, uri in player.entries)
    clock.now += 2
    dj.serve(SAD)
    assert sum("sad" in uri for _, uri in player.entries) == 2


def test_under_random_what_has_played_is_not_counted_as_ahead(make, player):
    dj = make()
    player.random = True
    dj.serve(HAPPY)
    for entry in list(player.entries):
        play(dj, player, entry)
    dj.serve(HAPPY)
    assert happy(3, 4) <= {uri for _, uri in player.entries}


def test_under_random_what_plays_does_not_come_again_behind_an_edit(make, player):
    dj = make()
    player.play(player.append("test:theirs"))
    dj.serve(HAPPY)
    edits = [
        lambda: setattr(player, "random", True),
        lambda: player.append("test:too"),
        lambda: player.remove([number for number, _ in player.entries[1:]]),
    ]
    for number, edit in enumerate(edits):
        assert player.drawn_behind == [player.current] * number
        edit()
        for _ in range(2):
            dj.look()
            dj.serve(HAPPY)
    assert player.drawn_behind == [player.current] * 3


def test_under_random_an_edit_lets_what_has_played_come_again(make, player):
    dj = make()
    player.random = True
    dj.serve(HAPPY)
    for entry in list(player.entries):
        play(dj, player, entry)
    player.append("test:theirs")  # core shuffles all three anew
    dj.look()
    dj.serve(HAPPY)
    assert player.asked == 2
