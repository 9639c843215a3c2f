import contextlib
import dataclasses
import datetime as dt
import itertools
import logging
import sqlite3
import threading
import time

import numpy as np
import pytest

from mopidy_moodcam.dj.chooser import Chooser
from mopidy_moodcam.dj.feedback import Feedback
from mopidy_moodcam.dj.queue import Queue
from mopidy_moodcam.dj.reasons import BEING_READ, NOTHING_PLAYABLE, NOTHING_SCANNED
from mopidy_moodcam.glossary import Affect, SongMood, Target, Verdict
from mopidy_moodcam.picker import (
    QUIET_TRIES,
    REFUSED_SECONDS,
    RELOAD_SECONDS,
    RELOAD_TIMES,
    RETRY_SECONDS,
    WRITE_SECONDS,
    Picker,
)
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.schema import CatalogueError
from mopidy_moodcam.songs.shelf import load_shelf
from tests.songs import libraries

HAPPY = Target(SongMood.HAPPY, Affect(0.7, 0.4), "the room is happy")


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalogue.sqlite"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def picker(path, clock):
    picker = Picker(path, Settings(), clock=clock, rng=np.random.default_rng(1))
    yield picker
    picker.close()


def stock(path, count=200):
    with Catalogue.open(path) as catalogue:
        rows = libraries.songs(count)
        catalogue.upsert_tracks(rows)
        for row in rows:
            catalogue.store_features(row.uri, row.features)


def load(picker, clock, seconds=20):
    """Let the picker notice the catalogue, as its owner's ticks do."""
    until = time.monotonic() + seconds
    while not picker.refresh():
        assert time.monotonic() < until, "no shelf was loaded"
        clock.now += 1
        threading.Event().wait(0.01)


def test_an_empty_catalogue_is_a_clear_state(picker, clock):
    assert picker.status.why == BEING_READ
    load(picker, clock)
    assert picker.pick(HAPPY, after=None, queue=Queue()) is None
    assert picker.status.why == NOTHING_SCANNED
    assert "mopidy moodcam scan" in NOTHING_SCANNED


def test_a_pick_is_a_song_of_the_target_with_its_reason(picker, path, clock):
    stock(path)
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    assert pick.song_mood == SongMood.HAPPY
    assert "the room is happy" in pick.reason
    assert pick.title.startswith("Song ")
    row = picker.shelf.track_id.tolist().index(pick.track_id)
    assert row in picker.shelf.members[SongMood.HAPPY]


def test_what_stands_in_the_queue_is_not_picked_again(picker, path, clock):
    stock(path)
    load(picker, clock)
    queue = Queue()
    for tlid in range(20):
        pick = picker.pick(HAPPY, after=None, queue=queue)
        picker.queued(pick)
        assert pick.uri not in dict(queue.entries).values()
        queue = Queue(entries=(*queue.entries, (tlid, pick.uri)))


def test_a_played_song_that_stays_in_the_queue_comes_again_in_time(clock, path):
    stock(path, 40)
    settings = Settings(repeat_after=60, artist_cap=9)
    picker = Picker(path, settings, clock=clock, rng=np.random.default_rng(1))
    load(picker, clock)
    queue, heard = Queue(), {}
    for tlid in range(60):
        pick = picker.pick(HAPPY, after=None, queue=queue)
        picker.queued(pick)
        heard.setdefault(pick.uri, []).append(clock.now)
        entries = (*queue.entries, (tlid, pick.uri))
        queue = Queue(entries=entries, current=tlid, playback="playing")
        clock.now += 600
    picker.close()
    again = [np.diff(times).min() for times in heard.values() if len(times) > 1]
    assert 3600 <= min(again) <= 4200


def test_an_album_in_the_queue_does_not_hide_the_picks_behind_it(path, clock):
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(
            dataclasses.replace(row, artist=f"Artist {n % 12}")
            for n, row in enumerate(libraries.songs(200))
        )
    picker = Picker(
        path, Settings(artist_cap=1), clock=clock, rng=np.random.default_rng(1)
    )
    load(picker, clock)
    album = [f"local:track:{n}.mp3" for n in range(12)]
    queue = Queue(entries=tuple(enumerate(album)))
    artists = []
    for tlid in range(12, 18):
        pick = picker.pick(HAPPY, after=None, queue=queue)
        picker.queued(pick)
        artists.append(pick.artist)
        queue = Queue(entries=(*queue.entries, (tlid, pick.uri)))
    picker.close()
    assert len(set(artists)) == 6


def test_what_a_person_queues_and_takes_out_unheard_stays_fresh(picker, path, clock):
    stock(path, 30)
    load(picker, clock)
    with Catalogue.open(path) as catalogue:
        uris = [uri for uri, _ in catalogue.uris()]
    full = Queue(entries=tuple(enumerate(uris)), current=None)
    assert "on lately" in picker.pick(HAPPY, after=None, queue=full).reason
    assert "on lately" not in picker.pick(HAPPY, after=None, queue=Queue()).reason


def test_a_pick_whose_song_was_left_out_since_is_no_longer_offered(picker, path, clock):
    stock(path)
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    assert picker.offers(pick)
    with Catalogue.open(path) as catalogue:
        catalogue.exclude("artist", pick.artist)
    clock.now += RELOAD_SECONDS
    load(picker, clock)
    assert not picker.offers(pick)


def test_songs_added_by_another_process_are_noticed(picker, path, clock):
    load(picker, clock)
    stock(path)
    clock.now += RELOAD_SECONDS
    load(picker, clock)
    assert picker.status.analysed == 200
    assert picker.status.why == ""


def test_a_refused_song_is_left_out_for_a_while(picker, path, clock):
    stock(path, 4)
    load(picker, clock)
    refused = picker.pick(HAPPY, after=None, queue=Queue())
    picker.refused(refused)
    clock.now += 800
    for _ in range(20):
        assert picker.pick(HAPPY, after=None, queue=Queue()).uri != refused.uri


def test_a_banned_song_is_never_picked_from_then_on(picker, path, clock):
    stock(path, 3)
    load(picker, clock)
    banned = picker.pick(HAPPY, after=None, queue=Queue())
    picker.judge(banned.uri, Verdict.BANNED)
    for _ in range(20):
        assert picker.pick(HAPPY, after=None, queue=Queue()).uri != banned.uri
    with Catalogue.open(path) as catalogue:
        assert catalogue.find(banned.uri).verdict is Verdict.BANNED


def test_skips_and_plays_are_written_down(picker, path, clock):
    stock(path)
    load(picker, clock)
    for tlid, outcome in enumerate(("skipped", "played", "neither")):
        pick = picker.pick(HAPPY, after=None, queue=Queue())
        picker.queued(pick)
        picker.started(tlid, pick)
        picker.ended(tlid, pick, outcome)
    with Catalogue.open(path) as catalogue:
        rows = catalogue.feedback()
    assert sum(played for _, _, played, _, _ in rows) == 1
    assert sum(skipped for _, _, _, skipped, _ in rows) == 1


def test_a_restart_remembers_what_was_played(path, clock):
    stock(path, 40)
    heard = set()
    for _ in range(2):
        picker = Picker(path, Settings(), clock=clock, rng=np.random.default_rng(1))
        load(picker, clock)
        pick = picker.pick(HAPPY, after=None, queue=Queue())
        picker.queued(pick)
        picker.started(1, pick)
        picker.close()
        assert pick.uri not in heard
        heard.add(pick.uri)


def test_a_corrupt_catalogue_is_named_once_and_the_music_goes_on(
    picker, path, clock, caplog
):
    path.write_bytes(b"this is no database" * 100)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            picker.refresh()
            clock.now += RETRY_SECONDS
    assert picker.pick(HAPPY, after=None, queue=Queue()) is None
    assert str(path) in picker.status.why
    assert len(caplog.messages) == 1


def fail_once(monkeypatch):
    """Let the next load of a shelf fail, and those after it work."""
    sentence = "The songs are locked; try again"

    def fail(*_, **__):
        monkeypatch.undo()
        raise CatalogueError(sentence)

    monkeypatch.setattr("mopidy_moodcam.picker.load_shelf", fail)
    return sentence


def test_songs_that_could_not_be_loaded_are_tried_again(
    picker, path, clock, monkeypatch
):
    stock(path)
    sentence = fail_once(monkeypatch)
    began = clock.now
    said = set()
    until = time.monotonic() + 20
    while not picker.refresh():
        assert time.monotonic() < until, "no shelf was loaded"
        said.add(picker.status.why)
        clock.now += 1
        threading.Event().wait(0.01)
    assert sentence in said
    assert clock.now - began > RETRY_SECONDS
    assert picker.status.why == ""
    assert picker.pick(HAPPY, after=None, queue=Queue())


def test_a_notice_that_nothing_is_left_ends_with_the_next_pick(picker, path, clock):
    stock(path, 2)
    load(picker, clock)
    for _ in range(2):
        picker.refused(picker.pick(HAPPY, after=None, queue=Queue()))
    assert picker.pick(HAPPY, after=None, queue=Queue()) is None
    assert picker.status.why
    clock.now += REFUSED_SECONDS + 1
    assert picker.pick(HAPPY, after=None, queue=Queue())
    assert picker.status.why == ""


def pass_time(picker, clock, tries):
    """Let the picker try so often to write what it could not."""
    for _ in range(tries):
        clock.now += WRITE_SECONDS
        picker.refresh()


def test_trouble_with_writing_is_said_where_it_lasts_until_all_is_written(
    picker, path, clock, monkeypatch, caplog
):
    stock(path)
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())

    def fail(*_):
        raise CatalogueError("The disk is full; make room")

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(Catalogue, "note_play", fail)
            picker.started(1, pick)
            picker.started(2, pick)
            pass_time(picker, clock, QUIET_TRIES - 1)
            assert picker.status.why == ""
            pass_time(picker, clock, 5)
        assert picker.status.why == "The disk is full; make room"
        assert picker.pick(HAPPY, after=None, queue=Queue())
        pass_time(picker, clock, 1)
        assert picker.status.why == ""
    assert caplog.messages == ["The disk is full; make room"] * 2
    with Catalogue.open(path) as catalogue:
        assert len(catalogue.plays_since(0.0)) == 4


@pytest.fixture
def locked(path):
    """Let another program hold the catalogue; returns what ends that."""
    with contextlib.closing(sqlite3.connect(path)) as other:
        stock(path)
        other.execute("BEGIN IMMEDIATE")
        yield other.rollback


def test_a_song_that_plays_before_there_are_songs_is_noted_once(picker, path, clock):
    stock(path)
    picker.refresh()
    unsure = picker.recall("local:track:5.mp3")
    picker.started(1, unsure)
    load(picker, clock)
    picker.started(1, dataclasses.replace(unsure, song_mood=SongMood.HAPPY))
    with Catalogue.open(path) as catalogue:
        plays = catalogue.plays_since(0)
    assert [play.song_mood for play in plays] == [SongMood.HAPPY]


@pytest.mark.parametrize("ends", [False, True])
def test_what_a_locked_catalogue_cannot_take_counts_and_is_written_later(
    locked, picker, path, clock, ends
):
    load(picker, clock)
    pick, banned = (picker.pick(HAPPY, after=None, queue=Queue()) for _ in range(2))
    began = time.monotonic()
    picker.judge(banned.uri, Verdict.LOVED)
    picker.judge(banned.uri, Verdict.BANNED)
    picker.started(1, pick)
    picker.ended(1, pick, "skipped")
    assert time.monotonic() - began < 1
    for _ in range(2):
        picker.reload()
        load(picker, clock)
        assert picker._feedback.banned() == {banned.track_id}
    locked()
    if ends:
        picker.close()
    else:
        pass_time(picker, clock, 1)
    with Catalogue.open(path) as catalogue:
        assert catalogue.find(banned.uri).verdict is Verdict.BANNED
        ((number, _, played, skipped, _),) = catalogue.feedback()
    assert (number, played, skipped) == (pick.track_id, 0, 1)


@pytest.mark.usefixtures("locked")
def test_what_could_not_be_written_to_the_end_is_named(picker, clock, caplog):
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    picker.judge(pick.uri, Verdict.LOVED)
    picker.close()
    assert pick.uri in caplog.text


def test_songs_that_cannot_be_read_are_named_once_and_others_are_picked(
    picker, path, clock, monkeypatch, caplog
):
    stock(path)
    load(picker, clock)
    turns, track = itertools.count(), Catalogue.track

    def fail_by_turns(*arguments):
        if next(turns) % 2 == 0:
            raise CatalogueError("The catalogue is damaged; move it away")
        return track(*arguments)

    monkeypatch.setattr(Catalogue, "track", fail_by_turns)
    picks = [picker.pick(HAPPY, after=None, queue=Queue()) for _ in range(6)]
    assert [pick is None for pick in picks] == [True, False] * 3
    assert caplog.messages == ["The catalogue is damaged; move it away"]


@pytest.fixture
def slow_load(monkeypatch):
    """Let each load wait; returns what tells that it does, and lets it go on."""
    waits, go_on = threading.Event(), threading.Event()

    def slowly(*arguments):
        shelf = load_shelf(*arguments)
        waits.set()
        assert go_on.wait(20)
        return shelf

    monkeypatch.setattr("mopidy_moodcam.picker.load_shelf", slowly)
    yield waits, go_on
    go_on.set()


def test_what_is_said_and_skipped_during_a_load_is_not_forgotten(
    picker, path, clock, slow_load
):
    waits, go_on = slow_load
    stock(path)
    go_on.set()
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    picker.started(1, pick)
    go_on.clear()
    waits.clear()
    picker.reload()
    picker.refresh()
    assert waits.wait(20)
    picker.judge(pick.uri, Verdict.BANNED)
    picker.ended(1, pick, "skipped")
    go_on.set()
    load(picker, clock)
    assert picker._feedback.banned() == {pick.track_id}
    assert picker._feedback.counts(pick.track_id, SongMood.HAPPY) == (0, 1)


@pytest.mark.parametrize(
    "step",
    [
        (Catalogue, "feedback"),
        (Catalogue, "counts"),
        (Feedback, "__init__"),
        (Chooser, "__init__"),
    ],
)
def test_nobody_waits_for_what_is_made_once_for_a_shelf(
    picker, path, clock, monkeypatch, step
):
    stock(path)
    threads = []
    work = getattr(*step)

    def noted(*arguments, **more):
        threads.append(threading.current_thread().name)
        return work(*arguments, **more)

    monkeypatch.setattr(*step, noted)
    load(picker, clock)
    assert threads == ["MoodCamShelf"]


def test_songs_are_loaded_anew_when_somebody_asks(picker, path, clock):
    stock(path)
    load(picker, clock)
    picker.reload()
    load(picker, clock)


def test_a_library_that_mopidy_cannot_play_is_said_to_be_so(path, clock):
    stock(path, 5)
    picker = Picker(path, Settings(), clock=clock, schemes={"elsewhere"})
    load(picker, clock)
    assert picker.pick(HAPPY, after=None, queue=Queue()) is None
    assert picker.status.why == NOTHING_PLAYABLE
    picker.close()


def replace(path, rows):
    """Put another catalogue in the place of the one at `path`."""
    path.unlink()
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(rows)


def elsewhere(rows):
    return [dataclasses.replace(row, uri=f"local:new:{row.title}") for row in rows]


def test_another_file_in_the_catalogue_s_place_is_taken_up(picker, path, clock):
    stock(path)
    load(picker, clock)
    replace(path, elsewhere(libraries.songs(60, seed=5)[20:]))
    load(picker, clock)
    assert picker.status.analysed == 40
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    assert pick.uri.startswith("local:new:")
    picker.judge(pick.uri, Verdict.BANNED)
    with Catalogue.open(path) as catalogue:
        assert catalogue.find(pick.uri).verdict is Verdict.BANNED


def test_a_song_queued_from_another_catalogue_is_not_taken_for_one_of_this(
    picker, path, clock
):
    stock(path)
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    replace(path, elsewhere(libraries.songs(200)))
    load(picker, clock)
    picker.started(1, pick)
    picker.ended(1, pick, "skipped")
    with Catalogue.open(path) as catalogue:
        assert catalogue.plays_since(0.0) == []


def test_a_song_is_judged_under_its_number_in_the_file_that_is_there(
    picker, path, clock
):
    stock(path)
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    replace(path, libraries.songs(200)[::-1])
    load(picker, clock)
    picker.started(1, pick)
    picker.ended(1, pick, "skipped")
    with Catalogue.open(path) as catalogue:
        number = catalogue.find(pick.uri).track_id
        assert number != pick.track_id
        (feedback,) = catalogue.feedback()
        assert feedback[:4] == (number, SongMood.HAPPY, 0, 1)
    assert picker._feedback.counts(number, SongMood.HAPPY) == (0, 1)
    assert picker._feedback.counts(pick.track_id, SongMood.HAPPY) == (0, 0)


def test_nothing_is_picked_by_the_numbers_of_a_file_that_is_gone(picker, path, clock):
    stock(path)
    load(picker, clock)
    path.unlink()
    clock.now += 1
    picker.refresh()
    assert picker.pick(HAPPY, after=None, queue=Queue()) is None


def test_a_backup_put_in_place_stays_whole(picker, path, clock, tmp_path):
    stock(path, 60)
    backup = tmp_path / "backup.sqlite"
    backup.write_bytes(path.read_bytes())
    load(picker, clock)
    stock(path, 200)  # into the journal of the file that is there now
    backup.rename(path)
    load(picker, clock)
    assert picker.status.tracks == 60
    with Catalogue.open(path) as catalogue:
        assert catalogue.rows("PRAGMA integrity_check") == [("ok",)]


def test_the_song_that_plays_is_not_picked_as_the_next(picker, path, clock):
    stock(path, 60)
    load(picker, clock)
    now = picker.pick(HAPPY, after=None, queue=Queue())
    queue = Queue(((1, now.uri),), current=1, playback="playing")
    for _ in range(40):
        assert picker.pick(HAPPY, after=None, queue=queue).uri != now.uri


def test_a_season_that_ends_while_mopidy_runs_is_over(picker, path, clock):
    rows = libraries.songs(40)
    rows[7] = dataclasses.replace(rows[7], title="Jingle Bells")
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(rows)
        catalogue.exclude("season", "christmas")
    clock.now = dt.datetime(2026, 12, 31, 12, 0).astimezone().timestamp()
    load(picker, clock)
    assert len(picker.shelf) == 40
    clock.now += 86_400
    load(picker, clock)
    assert len(picker.shelf) == 39


@pytest.fixture
def make(path, clock):
    """Start a picker anew with some settings; its songs are loaded."""
    pickers = []

    def make(**settings):
        for picker in pickers:
            picker.close()
        rng = np.random.default_rng(1)
        picker = Picker(path, Settings(**settings), clock=clock, rng=rng)
        pickers.append(picker)
        load(picker, clock)
        return picker

    yield make
    for picker in pickers:
        picker.close()


@pytest.mark.parametrize("cap", [1, 3])
def test_the_artist_cap_of_the_settings_holds(make, path, cap):
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(
            dataclasses.replace(row, artist=f"Artist {number % 12}")
            for number, row in enumerate(libraries.songs(200))
        )
    picker = make(artist_cap=cap)
    artists = []
    for _ in range(40):
        pick = picker.pick(HAPPY, after=None, queue=Queue())
        picker.queued(pick)
        artists.append(pick.artist)
    rows = [artists[i : i + 10] for i in range(31)]
    assert max(row.count(name) for row in rows for name in row) == cap


def test_a_restart_remembers_what_was_skipped(make, path):
    stock(path, 40)
    picker = make()
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    picker.started(1, pick)
    picker.ended(1, pick, "skipped")
    again = make()
    assert again._feedback.counts(pick.track_id, SongMood.HAPPY) == (0, 1)


@pytest.mark.parametrize("anew", [False, True])
def test_a_persons_track_is_not_picked_soon_after_it_played(picker, path, clock, anew):
    stock(path, 60)
    load(picker, clock)
    heard = {picker.pick(HAPPY, after=None, queue=Queue()).uri for _ in range(30)}
    for uri in heard:
        picker.heard(uri)
    if anew:
        picker.reload()
        load(picker, clock)
    for _ in range(30):
        assert picker.pick(HAPPY, after=None, queue=Queue()).uri not in heard


def test_a_pick_that_left_the_queue_unheard_may_come_again(picker, path, clock):
    stock(path, 60)
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    number = np.array([pick.track_id])
    picker.queued(pick)
    assert not picker._recent.fresh(number, clock.now - 1)[0]
    picker.unheard(pick)
    assert picker._recent.fresh(number, clock.now - 1)[0]


def test_a_pick_is_chosen_to_follow_the_track_before_it(picker, path, clock):
    stock(path)
    load(picker, clock)
    first = picker.pick(HAPPY, after=None, queue=Queue())
    assert "the song before" not in first.reason
    picks = [picker.pick(HAPPY, after=first.uri, queue=Queue()) for _ in range(10)]
    assert any("to the song before" in pick.reason for pick in picks)


def test_a_song_forgotten_a_moment_ago_is_no_pick(picker, path, clock):
    stock(path, 1)
    load(picker, clock)
    with Catalogue.open(path) as catalogue:
        catalogue.forget_tracks([uri for uri, _ in catalogue.uris()])
    assert picker.pick(HAPPY, after=None, queue=Queue()) is None


def test_a_song_heard_days_ago_is_remembered_over_a_restart(make, path, clock):
    stock(path, 40)
    picker = make()
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    picker.started(1, pick)
    clock.now += 86_400
    assert make()._recent.rested(np.array([pick.track_id]), clock.now)[0] < 0.2


def test_a_long_repeat_after_holds_over_a_restart(make, path, clock):
    stock(path, 40)
    picker = make()
    heard = set()
    for tlid in range(5):
        pick = picker.pick(HAPPY, after=None, queue=Queue())
        picker.started(tlid, pick)
        heard.add(pick.uri)
    clock.now += 20 * 86_400
    again = make(repeat_after=30 * 1440)
    for _ in range(30):
        assert again.pick(HAPPY, after=None, queue=Queue()).uri not in heard


@pytest.mark.parametrize("takes", [0.0, 1.0])
def test_a_shelf_is_loaded_anew_after_ten_seconds_or_later_where_that_takes_long(
    picker, path, clock, monkeypatch, takes
):
    def slow(*args):
        threading.Event().wait(takes)
        return load_shelf(*args)

    monkeypatch.setattr("mopidy_moodcam.picker.load_shelf", slow)
    stock(path)
    load(picker, clock)
    began = clock.now
    with Catalogue.open(path) as catalogue:
        catalogue.exclude("artist", "Artist 3")
    while not picker._loader.busy:
        clock.now += 1
        picker.refresh()
    assert clock.now - began >= max(RELOAD_SECONDS, RELOAD_TIMES * takes)


def test_a_song_without_a_title_is_named_by_its_uri(picker, path, clock):
    row = dataclasses.replace(libraries.songs(1)[0], title="", artist="")
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks([row])
    load(picker, clock)
    pick = picker.pick(HAPPY, after=None, queue=Queue())
    assert (pick.title, pick.artist) == (row.uri, "an unknown artist")
