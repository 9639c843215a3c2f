"""Files that were moved, renamed or tagged anew between two scans."""

from __future__ import annotations

import io
import os
import shutil

import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.sounds import load_sounds
from mopidy_moodcam.songs.survey import Survey, WalkedTrack
from tests.songs.hearing import Hearing

NAMES = ("loved", "banned", "moved", "plain")


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as opened:
        yield opened


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        write(folder / f"{name}.ogg", 1000 + number)
    return folder


def write(path, size):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (1e9 + size, 1e9 + size))


def look(
    catalogue,
    music,
    title=lambda path: path.stem,
    uri=lambda path: path.as_uri(),
    empty=(),
    **options,
):
    """Scan the folder as it is; return what was analysed and what was said."""
    tracks = [
        WalkedTrack(uri(path), path, title=title(path), artist="A", duration_ms=180_000)
        for path in sorted(music.rglob("*.ogg"))
    ]
    survey = Survey(
        media_dir=music,
        found={track.uri for track in tracks},
        files={os.path.realpath(track.path): track.uri for track in tracks},
        folders={
            folder.as_uri(): any(folder.iterdir())
            for folder in (music, *music.rglob("*/"))
        },
    )
    ended = survey.finished if tracks else survey.empty
    ended.add(uri(music).partition(":")[0])
    survey.empty.update(empty)
    asked, out = [], io.StringIO()
    scan(
        catalogue,
        tracks,
        survey=survey,
        console=Console(file=out, width=200),
        make_worker=lambda: Hearing(asked),
        **options,
    )
    return sorted(asked), out.getvalue()


def local(path):
    return f"local:track:{path.name}"


def anew(path):
    return "banned" if path.stem == "02" else path.stem


def judge(catalogue, music):
    catalogue.judge((music / "loved.ogg").as_uri(), Verdict.LOVED)
    catalogue.judge((music / "banned.ogg").as_uri(), Verdict.BANNED)
    catalogue.move((music / "moved.ogg").as_uri(), SongMood.SAD)
    plain = catalogue.find((music / "plain.ogg").as_uri())
    play = catalogue.note_play(plain.track_id, 0.0, SongMood.CALM)
    catalogue.note_outcome(play, "skipped")


def rename(music, name, new):
    (music / new).parent.mkdir(exist_ok=True)
    shutil.move(music / f"{name}.ogg", music / new)
    return (music / new).as_uri()


def test_a_moved_file_keeps_what_is_known_of_its_song(catalogue, music):
    look(catalogue, music)
    judge(catalogue, music)
    new = {name: rename(music, name, f"Album/01 {name}.ogg") for name in NAMES}

    asked, said = look(catalogue, music)

    assert asked == []
    assert "4 unchanged" in said
    assert catalogue.find(new["plain"]).title == "01 plain"
    check_what_is_known(catalogue, said, new)


@pytest.mark.parametrize("seen", [False, True], ids=["new", "there twice already"])
def test_a_file_of_another_library_now_keeps_what_is_known(catalogue, music, seen):
    look(catalogue, music)
    judge(catalogue, music)
    new = {name: local(music / f"{name}.ogg") for name in NAMES}
    if seen:
        catalogue.upsert_tracks(TrackRow(uri, size=1) for uri in new.values())

    asked, said = look(catalogue, music, uri=local)

    assert asked == []
    check_what_is_known(catalogue, said, new)


def test_what_a_person_said_of_the_song_in_its_new_library_counts(catalogue, music):
    look(catalogue, music)
    judge(catalogue, music)
    catalogue.upsert_tracks([TrackRow("local:track:loved.ogg")])
    catalogue.judge("local:track:loved.ogg", Verdict.BANNED)

    look(catalogue, music, uri=local)

    assert catalogue.find("local:track:loved.ogg").verdict is Verdict.BANNED
    assert catalogue.counts()["tracks"] == 4


@pytest.mark.parametrize("loved", ["music", "link"])
def test_of_several_rows_of_one_file_the_loved_one_counts(
    catalogue, music, tmp_path, loved
):
    (tmp_path / "link").symlink_to(music)
    look(catalogue, music)
    link = (tmp_path / "link" / "plain.ogg").as_uri()
    catalogue.upsert_tracks([TrackRow(link)])
    catalogue.judge((tmp_path / loved / "plain.ogg").as_uri(), Verdict.LOVED)

    asked, said = look(catalogue, music, uri=local)

    assert asked == []
    assert "known as before: 4." in said
    assert catalogue.counts()["tracks"] == 4
    row = catalogue.find("local:track:plain.ogg")
    assert (row.verdict, row.features.valence) == (Verdict.LOVED, 0.5)


@pytest.mark.parametrize("failed", [False, True], ids=["not heard", "unreadable"])
def test_what_was_heard_in_the_new_library_stays(catalogue, music, failed):
    look(catalogue, music, uri=local)
    old = (music / "plain.ogg").as_uri()
    catalogue.upsert_tracks([TrackRow(old)])
    if failed:
        catalogue.fail(old, "corrupt", 1.0, 1)

    asked, said = look(catalogue, music, uri=local)

    assert asked == []
    assert "4 unchanged" in said
    assert catalogue.find(old) is None
    assert catalogue.counts()["analysed"] == 4
    assert catalogue.counts()["failed"] == 0


def check_what_is_known(catalogue, said, new):
    assert "Songs that were moved, known as before: 4." in said
    assert "forgotten" not in said
    rows = {name: catalogue.find(uri) for name, uri in new.items()}
    assert rows["loved"].verdict is Verdict.LOVED
    assert rows["banned"].verdict is Verdict.BANNED
    assert rows["moved"].song_mood is SongMood.SAD
    assert rows["plain"].features.valence == 0.5
    (feedback,) = catalogue.feedback()
    assert feedback[:4] == (rows["plain"].track_id, SongMood.CALM, 0, 1)
    assert catalogue.counts()["tracks"] == 4
    assert len(load_sounds(catalogue)) == 3


def test_a_file_tagged_anew_while_it_was_moved_is_heard_again(catalogue, music):
    look(catalogue, music)
    judge(catalogue, music)
    (music / "banned.ogg").unlink()
    write(music / "Album" / "02.ogg", 1234)

    asked, _ = look(catalogue, music, title=anew)

    assert asked == ["02.ogg"]
    new = catalogue.find((music / "Album" / "02.ogg").as_uri())
    assert new.verdict is Verdict.BANNED
    assert new.size == 1234
    assert catalogue.counts()["tracks"] == 4


def test_a_song_of_another_length_is_another_song(catalogue, music):
    look(catalogue, music)
    judge(catalogue, music)
    (music / "banned.ogg").unlink()
    write(music / "Album" / "02.ogg", 1234)
    catalogue.rows("UPDATE tracks SET duration_ms = 90000 WHERE title = 'banned'")

    look(catalogue, music, title=anew)

    new = catalogue.find((music / "Album" / "02.ogg").as_uri())
    assert new.verdict is Verdict.NONE


def test_copies_are_not_taken_for_each_other(catalogue, music):
    for name in ("one", "two"):
        write(music / f"{name}.ogg", 555)
    look(catalogue, music)
    catalogue.judge((music / "one.ogg").as_uri(), Verdict.BANNED)
    new = [rename(music, name, f"Album/{name} x.ogg") for name in ("one", "two")]

    asked, _ = look(catalogue, music)

    assert asked == ["one%20x.ogg", "two%20x.ogg"]
    assert {catalogue.find(uri).verdict for uri in new} == {Verdict.NONE}


def test_of_two_that_are_gone_the_judged_one_goes_on(catalogue, music):
    look(catalogue, music)
    judge(catalogue, music)
    again = music / "again.ogg"
    shutil.copy2(music / "banned.ogg", again)
    look(catalogue, music)
    again.unlink()
    new = rename(music, "banned", "Album/01.ogg")

    look(catalogue, music)

    assert catalogue.find(new).verdict is Verdict.BANNED


def test_moved_files_are_heard_again_where_all_are(catalogue, music):
    look(catalogue, music)
    rename(music, "plain", "other.ogg")

    asked, _ = look(catalogue, music, force=True)

    assert asked == ["banned.ogg", "loved.ogg", "moved.ogg", "other.ogg"]


def test_what_a_person_said_of_a_song_that_is_gone_waits_for_its_return(
    catalogue, music, tmp_path
):
    look(catalogue, music)
    judge(catalogue, music)
    away = tmp_path / "away.ogg"
    shutil.move(music / "loved.ogg", away)

    _, said = look(catalogue, music)

    loved = catalogue.find((music / "loved.ogg").as_uri())
    assert loved.verdict is Verdict.LOVED
    assert loved.track_id not in load_sounds(catalogue).track_id
    assert "1 not there now, such as" in said

    shutil.move(away, music / "loved.ogg")
    asked, _ = look(catalogue, music)

    assert asked == []
    assert loved.track_id in load_sounds(catalogue).track_id
    assert catalogue.find(loved.uri).failed is None


def test_songs_of_an_emptied_folder_are_not_played_until_they_return(
    catalogue, music, tmp_path
):
    album, disk = music / "Album", tmp_path / "disk"
    plain = rename(music, "plain", "Album/plain.ogg")
    look(catalogue, music)
    before = catalogue.find(plain)
    album.rename(disk)
    album.mkdir()

    _, said = look(catalogue, music)

    assert "kept but not played: 1; to forget" in said
    assert "forgotten" not in said
    assert before.track_id not in load_sounds(catalogue).track_id

    album.rmdir()
    disk.rename(album)
    asked, said = look(catalogue, music)

    assert asked == []
    assert "not played" not in said
    assert catalogue.find(plain) == before


def test_a_song_moved_out_of_a_folder_that_stays_behind_empty_is_followed(
    catalogue, music
):
    loved = rename(music, "loved", "Album/loved.ogg")
    look(catalogue, music)
    catalogue.judge(loved, Verdict.LOVED)
    (music / "Album" / "loved.ogg").rename(music / "new.ogg")

    _, said = look(catalogue, music)

    assert "known as before: 1." in said
    assert catalogue.find((music / "new.ogg").as_uri()).verdict is Verdict.LOVED
    assert catalogue.find(loved) is None


def test_nothing_is_said_of_an_empty_library_whose_songs_another_has(catalogue, music):
    look(catalogue, music, uri=local)

    _, said = look(catalogue, music, empty={"local"})

    assert "known as before: 4." in said
    assert "shows no songs" not in said


def test_a_library_without_any_song_keeps_those_known_of_it(catalogue, music):
    look(catalogue, music)
    for path in music.iterdir():
        path.unlink()

    _, said = look(catalogue, music)

    assert "Mopidy-File shows no songs, as when a disk is away, so the 4" in said
    assert "forgotten" not in said
    assert "not played" not in said
    assert catalogue.counts()["analysed"] == 4
    assert len(load_sounds(catalogue)) == 0
