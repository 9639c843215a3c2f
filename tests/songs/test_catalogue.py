import sqlite3
import subprocess
import sys
import threading

import pytest

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import schema
from mopidy_moodcam.songs.catalogue import (
    GONE,
    PLAYS_KEPT,
    Catalogue,
    CatalogueError,
    TrackRow,
)
from mopidy_moodcam.songs.features import Features, FeatureSource
from tests.songs.libraries import songs


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "catalogue.sqlite"


@pytest.fixture
def catalogue(path):
    with Catalogue.open(path) as catalogue:
        yield catalogue


def sound(source=FeatureSource.TABLE, valence=0.5):
    return Features(valence=valence, energy=0.5, source=source)


AUDIO = sound(FeatureSource.AUDIO)


def test_a_track_comes_back_as_it_was_stored(catalogue):
    row = TrackRow(
        uri="file:///a.mp3",
        title="Ça ira",
        artist="Édith Piaf",
        album="A",
        genre="chanson",
        year=1956,
        duration_ms=181_000,
        isrc="FRZ039801212",
        features=Features(valence=0.8, energy=0.4, tempo=120.0, source="audio"),
    )
    catalogue.upsert_tracks([row])
    found = catalogue.find("file:///a.mp3")
    assert found is not None
    assert found.track_id > 0
    assert (found.title, found.artist, found.year) == ("Ça ira", "Édith Piaf", 1956)
    assert found.features == row.features
    assert catalogue.track(found.track_id) == found
    assert catalogue.find("file:///b.mp3") is None


def test_a_source_of_another_time_counts_as_a_table(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a", features=sound())])
    with catalogue.writing() as connection:
        connection.execute("UPDATE tracks SET feature_source = 'hand'")
    assert catalogue.find("local:a").features.source is FeatureSource.TABLE
    assert catalogue.file_state("local:a").source is FeatureSource.TABLE


def test_bringing_a_track_up_to_date_empties_nothing(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a", title="A", artist="X", year=1999)])
    catalogue.upsert_tracks([TrackRow("local:a", title="A (new)", features=sound())])
    found = catalogue.find("local:a")
    assert (found.title, found.artist, found.year) == ("A (new)", "X", 1999)
    assert catalogue.counts()["tracks"] == 1


def test_what_a_person_said_outlives_an_import(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a", title="A")])
    catalogue.judge("local:a", Verdict.LOVED)
    catalogue.move("local:a", SongMood.CALM)
    catalogue.upsert_tracks([TrackRow("local:a", title="B", features=sound())])
    found = catalogue.find("local:a")
    assert (found.verdict, found.song_mood) == (Verdict.LOVED, SongMood.CALM)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("audio", "table", "audio"),
        ("table", "audio", "audio"),
        ("tags", "table", "table"),
        ("table", "tags", "table"),
        ("table", "spotify", "spotify"),
        ("table", "table", "table"),
    ],
)
def test_a_better_source_of_features_wins_in_either_order(
    catalogue, first, second, kept
):
    catalogue.upsert_tracks([TrackRow("local:a", features=sound(first, 0.1))])
    stored = catalogue.store_features("local:a", sound(second, 0.9))
    found = catalogue.find("local:a").features
    assert found.source == kept
    assert stored == (kept == second)
    assert found.valence == (0.9 if kept == second else 0.1)


def test_a_file_that_failed_is_not_tried_again_until_it_changes(catalogue):
    catalogue.upsert_tracks([TrackRow("file:///a.mp3")])
    catalogue.fail("file:///a.mp3", "silent", mtime=1.5, size=10)
    state = catalogue.file_state("file:///a.mp3")
    assert (state.mtime, state.size, state.failed) == (1.5, 10, "silent")
    assert catalogue.failures() == [("silent", 1, "file:///a.mp3")]
    catalogue.store_features("file:///a.mp3", sound("audio"), mtime=2.5, size=11)
    assert catalogue.file_state("file:///a.mp3").failed is None
    assert catalogue.file_state("file:///b.mp3") is None


def test_failures_come_by_reason_the_most_frequent_first(catalogue):
    for uri, why in [("a", "silent"), ("b", "corrupt"), ("c", "silent"), ("d", None)]:
        catalogue.upsert_tracks([TrackRow(f"file:///{uri}.mp3")])
        if why:
            catalogue.fail(f"file:///{uri}.mp3", why, 0.0, 0)
    assert catalogue.failures() == [
        ("silent", 2, "file:///a.mp3"),
        ("corrupt", 1, "file:///b.mp3"),
    ]


def test_counts_say_what_is_ready_waiting_and_failed(catalogue):
    rows = [TrackRow(f"local:{i}", features=sound()) for i in range(3)]
    catalogue.upsert_tracks([*rows, TrackRow("local:w"), TrackRow("local:f")])
    catalogue.fail("local:f", "corrupt", 0.0, 0)
    counts = catalogue.counts()
    assert counts["tracks"] == 5
    assert (counts["analysed"], counts["waiting"], counts["failed"]) == (3, 1, 1)
    assert counts["table"] == 3
    assert counts["elsewhere"] == 0


def test_songs_that_no_scan_can_serve_are_counted_apart(catalogue):
    uris = ["local:track:a.mp3", "file:///b.mp3", "spotify:track:1", "http://radio/"]
    catalogue.upsert_tracks([TrackRow(uri) for uri in [*uris, "jellyfin:track:local:"]])
    counts = catalogue.counts()
    assert (counts["waiting"], counts["elsewhere"]) == (2, 3)


def test_plays_teach_and_an_outcome_counts_once(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a")])
    track = catalogue.find("local:a").track_id
    before = catalogue.version()
    play = catalogue.note_play(track, 100.0, SongMood.HAPPY)
    catalogue.note_outcome(play, "skipped")
    catalogue.note_outcome(play, "played")
    assert catalogue.feedback() == [(track, SongMood.HAPPY, 0, 1, 100.0)]
    assert [p.outcome for p in catalogue.plays_since(50.0)] == ["skipped"]
    assert catalogue.plays_since(101.0) == []
    assert catalogue.version() == before, "plays do not ask for a new shelf"


def test_a_play_s_time_and_mood_go_after_a_month_and_what_it_taught_stays(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a"), TrackRow("local:b")])
    for track_id, time in ((1, 0.0), (2, 3600.0), (2, PLAYS_KEPT + 60)):
        play = catalogue.note_play(track_id, time, SongMood.SAD)
        catalogue.note_outcome(play, "played")
    assert [play.time for play in catalogue.plays_since(0.0)] == [3600.0, 2_592_060.0]
    sad = SongMood.SAD
    assert catalogue.feedback() == [(1, sad, 1, 0, 0.0), (2, sad, 2, 0, 2_592_060.0)]


def test_the_file_is_for_its_owner_alone(path):
    for mode in (None, 0o644):
        if mode:
            path.chmod(mode)
        with Catalogue.open(path) as catalogue:
            catalogue.upsert_tracks([TrackRow("local:a")])
            files = list(path.parent.iterdir())
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert len(files) == 3


def test_plays_come_with_the_oldest_first(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a"), TrackRow("local:b")])
    for track_id, time in ((1, 200.0), (2, 100.0)):
        catalogue.note_play(track_id, time, SongMood.SAD)
    assert [play.time for play in catalogue.plays_since(0.0)] == [100.0, 200.0]


def test_a_play_of_a_track_that_was_forgotten_is_not_noted(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a")])
    catalogue.note_play(1, 100.0, SongMood.HAPPY)
    play = catalogue.note_play(2, 200.0, SongMood.HAPPY)
    catalogue.note_outcome(play, "played")
    assert [play.outcome for play in catalogue.plays_since(0.0)] == [None]
    assert catalogue.feedback() == []


def test_the_version_grows_with_every_change_by_anyone(path, catalogue):
    with Catalogue.open(path) as other:
        seen = [catalogue.version()]
        other.upsert_tracks([TrackRow("local:a")])
        seen.append(catalogue.version())
        other.judge("local:a", Verdict.BANNED)
        seen.append(catalogue.version())
        other.exclude("artist", "X")
        seen.append(catalogue.version())
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    "worse",
    [
        lambda _, uri: uri,
        lambda catalogue, uri: catalogue.fail(uri, "corrupt", 3.0, 3),
        lambda catalogue, uri: catalogue.store_features(uri, sound(), 3.0, 3),
        lambda catalogue, uri: catalogue.store_features(uri, AUDIO, 1.0, 1),
    ],
    ids=["not heard", "unreadable", "poorer source", "older file"],
)
@pytest.mark.parametrize("uris", [("local:a", "file:b"), ("file:b", "local:a")])
def test_of_two_rows_of_a_file_the_better_sound_stays(catalogue, worse, uris):
    catalogue.upsert_tracks(map(TrackRow, uris))
    worse(catalogue, uris[0])
    better = sound(FeatureSource.AUDIO, 0.9)
    catalogue.store_features(uris[1], better, 2.0, 2)

    catalogue.rename({"local:a": "file:b"})

    row = catalogue.find("file:b")
    assert catalogue.counts()["tracks"] == 1
    assert row.features == better
    assert (row.mtime, row.size, row.failed) == (2.0, 2, None)


def test_of_two_rows_of_a_file_all_that_was_learnt_and_said_stays(catalogue):
    catalogue.upsert_tracks(map(TrackRow, ["local:a", "file:b"]))
    for uri, verdict, moods in (
        ("local:a", Verdict.LOVED, [SongMood.SAD, SongMood.CALM]),
        ("file:b", Verdict.NONE, [SongMood.SAD]),
    ):
        catalogue.judge(uri, verdict)
        for mood in moods:
            play = catalogue.note_play(catalogue.find(uri).track_id, 1.0, mood)
            catalogue.note_outcome(play, "played")
    catalogue.move("file:b", SongMood.HAPPY)

    catalogue.rename({"local:a": "file:b"})

    row = catalogue.find("file:b")
    assert (row.verdict, row.song_mood) == (Verdict.LOVED, SongMood.HAPPY)
    learnt = {mood: plays for _, mood, plays, _, _ in catalogue.feedback()}
    assert learnt == {SongMood.SAD: 2, SongMood.CALM: 1}
    assert {play.track_id for play in catalogue.plays_since(0)} == {row.track_id}
    assert len(catalogue.plays_since(0)) == 3


@pytest.mark.parametrize("what", ["plays", "features", "everything"])
def test_forgetting_deletes_what_it_says_and_no_more(catalogue, what):
    catalogue.upsert_tracks([TrackRow("local:a", features=sound())])
    track = catalogue.find("local:a").track_id
    catalogue.note_outcome(catalogue.note_play(track, 1.0, SongMood.SAD), "played")
    catalogue.set_meta("clusters", "{}")
    catalogue.forget(what)
    left = (
        catalogue.counts()["tracks"],
        catalogue.counts()["analysed"],
        len(catalogue.feedback()),
        catalogue.meta("clusters") is not None,
    )
    assert (
        left
        == {
            "plays": (1, 1, 0, True),
            "features": (1, 0, 1, True),
            "everything": (0, 0, 0, False),
        }[what]
    )


def test_forgetting_everything_takes_exclusions_and_asks_for_a_new_shelf(catalogue):
    catalogue.exclude("artist", "X")
    before = catalogue.version()
    catalogue.forget("everything")
    assert catalogue.exclusions() == [("genre", "spoken")]
    assert catalogue.version() > before


def test_what_is_forgotten_lies_in_no_file(catalogue, path):
    catalogue.upsert_tracks([TrackRow("local:a", title="A most private song")])
    catalogue.forget("everything")
    files = path.parent.iterdir()
    assert not any(b"most private" in file.read_bytes() for file in files)


def test_a_file_that_was_changed_while_it_was_tagged_keeps_its_size(catalogue):
    catalogue.upsert_tracks([TrackRow("file:///a", size=10)])
    for before, size in ((11, 10), (10, 20)):
        catalogue.resize("file:///a", before=before, after=20)
        assert catalogue.file_state("file:///a").size == size


def test_songs_with_arousal_alone_are_analysed(catalogue):
    tags = Features(valence=0.5, arousal=0.2, source=FeatureSource.TAGS)
    catalogue.upsert_tracks([TrackRow("radio:1", features=tags)])
    assert catalogue.counts()["analysed"] == 1


def test_a_forgotten_track_takes_its_plays_along(catalogue):
    catalogue.upsert_tracks([TrackRow("local:a"), TrackRow("local:b")])
    track = catalogue.find("local:a").track_id
    catalogue.note_outcome(catalogue.note_play(track, 1.0, SongMood.SAD), "played")
    assert catalogue.forget_tracks(["local:a", "local:never"]) == 1
    assert (catalogue.feedback(), catalogue.plays_since(0.0)) == ([], [])


def test_a_write_that_fails_half_way_leaves_nothing(catalogue):
    version = catalogue.version()

    def fail():
        with catalogue.writing() as connection:
            catalogue.put(connection, TrackRow("local:a"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert catalogue.find("local:a") is None
    assert catalogue.version() == version


def test_a_reader_is_not_held_up_by_a_writer_in_another_process(path, catalogue):
    catalogue.upsert_tracks(songs(20))
    with Catalogue.open(path) as writer, writer.writing() as connection:
        writer.put(connection, TrackRow("local:new"))
        assert catalogue.counts()["tracks"] == 20
    assert catalogue.counts()["tracks"] == 21


def test_many_threads_write_at_once_and_lose_nothing(path, catalogue):
    def add(name):
        with Catalogue.open(path) as own:
            for number in range(25):
                own.upsert_tracks([TrackRow(f"local:{name}{number}")])

    threads = [threading.Thread(target=add, args=(name,)) for name in "abcde"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalogue.counts()["tracks"] == 125


def test_two_processes_may_make_the_file_at_the_same_moment(path):
    code = (
        "import sys; from mopidy_moodcam.songs.catalogue import Catalogue;"
        "print(Catalogue.open(sys.argv[1]).counts()['tracks'])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(path)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    answers = [process.communicate() for process in running]
    assert [out.strip() for out, _ in answers] == [b"0"] * 4, answers


def test_a_file_that_is_no_catalogue_is_refused_in_one_sentence(path):
    path.parent.mkdir()
    path.write_bytes(b"This is no database, whatever its name says. " * 100)
    with pytest.raises(CatalogueError, match=r"is damaged .*move it away") as error:
        Catalogue.open(path)
    assert "\n" not in str(error.value)


def test_damage_deep_inside_the_file_is_a_sentence_too(path):
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(songs(3000))
        catalogue.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(40_000)
        file.write(b"\xff" * 300_000)
    with (
        Catalogue.open(path) as catalogue,
        pytest.raises(CatalogueError, match="is damaged"),
    ):
        catalogue.rows("SELECT SUM(LENGTH(title)) FROM tracks")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            sqlite3.SQLITE_IOERR_READ,
            r"cannot be read or written \(oh\): check the disk",
        ),
        (sqlite3.SQLITE_FULL, "the disk is full: make room"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "cannot be opened for writing: run"),
        (sqlite3.SQLITE_CORRUPT_INDEX, r"is damaged \(oh\): move it away"),
        (sqlite3.SQLITE_INTERRUPT, r"could not be used \(oh\): try again"),
        (0, r"could not be used \(oh\): try again"),
    ],
)
def test_what_sqlite_complains_of_is_said_by_its_code(path, code, sentence):
    error = sqlite3.OperationalError("oh")
    if code:
        error.sqlite_errorcode = code
    with pytest.raises(CatalogueError, match=sentence), schema.explained(path):
        raise error


def test_a_fault_of_ours_is_not_taken_for_damage(catalogue):
    wrong = "INSERT INTO plays (track_id, time, song_mood) VALUES (9, 0, 'sad')"
    with pytest.raises(sqlite3.IntegrityError):
        catalogue.rows(wrong)
    catalogue.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        catalogue.counts()


def test_a_catalogue_of_a_newer_version_is_left_alone(path):
    Catalogue.open(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(CatalogueError, match=r"newer Mopidy-MoodCam.*upgrade"):
        Catalogue.open(path)


def test_a_folder_without_rights_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CatalogueError, match="core/data_dir"):
        Catalogue.open(tmp_path / "file" / "catalogue.sqlite")


def test_an_old_schema_is_migrated_with_everything_in_it(path, monkeypatch):
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(songs(5))
    added = ("ALTER TABLE tracks ADD COLUMN lyrics TEXT",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, added))
    with Catalogue.open(path) as catalogue:
        assert catalogue.rows("PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
        assert catalogue.rows("SELECT COUNT(*), COUNT(lyrics) FROM tracks") == [(5, 0)]


def test_a_catalogue_without_rows_of_lists_reads_them_once_more(path, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
    with Catalogue.open(path) as catalogue:
        catalogue.set_meta("spotify:saved:me", '{"done": true}')
    monkeypatch.undo()
    with Catalogue.open(path) as catalogue:
        assert catalogue.document("spotify:saved:me") is None
        assert catalogue.version() == 2
        assert catalogue.rows("SELECT * FROM listed") == []


def test_an_old_file_gets_the_keys_of_today(path, monkeypatch):
    live = TrackRow("local:a", title="Jolene - Live / Remastered", artist="D")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        with Catalogue.open(path) as catalogue:
            catalogue.upsert_tracks([live, TrackRow("local:b", title="No artist")])
            with catalogue.writing() as connection:
                connection.execute("UPDATE tracks SET match_key = 'jolene\td'")
    with Catalogue.open(path) as catalogue:
        keys = catalogue.rows("SELECT match_key FROM tracks ORDER BY id")
    assert keys == [("jolene live\td",), (None,)]


def test_songs_that_are_gone_by_an_older_word_are_gone(path, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks([TrackRow("local:a")])
        catalogue.fail("local:a", "the file is gone", None, None)
    monkeypatch.undo()
    with Catalogue.open(path) as catalogue:
        assert catalogue.find("local:a").failed == GONE


def test_a_migration_that_fails_leaves_the_old_schema(path, monkeypatch):
    Catalogue.open(path).close()
    broken = ("ALTER TABLE tracks ADD COLUMN lyrics TEXT", "NO SQL AT ALL")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(CatalogueError):
        Catalogue.open(path)
    monkeypatch.undo()
    with Catalogue.open(path) as catalogue:
        columns = catalogue.rows("SELECT name FROM pragma_table_info('tracks')")
        assert ("lyrics",) not in columns


def test_a_full_wait_for_another_writer_ends_in_a_sentence(path):
    with Catalogue.open(path) as one, Catalogue.open(path, patience=0.1) as two:
        with (
            one.writing(),
            pytest.raises(CatalogueError, match="kept busy by another program"),
        ):
            two.upsert_tracks([TrackRow("local:a")])
        two.upsert_tracks([TrackRow("local:a")])
        assert one.counts()["tracks"] == 1


def test_importing_the_catalogue_and_the_shelf_is_light():
    code = (
        "import sys, mopidy_moodcam.songs.shelf as _;"
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'torch', 'cv2',"
        " 'onnxruntime', 'spotipy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"


def test_feedback_comes_in_the_order_it_was_given(catalogue):
    catalogue.upsert_tracks(TrackRow(f"local:{n}") for n in range(3))
    for number in (3, 1, 2, 3):
        play = catalogue.note_play(number, 0.0, SongMood.SAD)
        catalogue.note_outcome(play, "played")
    assert [row[0] for row in catalogue.feedback()] == [1, 2, 3]
