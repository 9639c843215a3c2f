import csv
import errno
import io
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import export, tagging
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.features import Features
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.shelf import load_shelf
from mopidy_moodcam.songs.survey import WalkedTrack
from mopidy_moodcam.songs.tables import import_file
from tests.songs.libraries import songs, spotify_id

SILENT_MP3 = b"\xff\xfb\x90\x00".ljust(417, b"\0") * 20


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        catalogue.upsert_tracks([*songs(300), TrackRow("local:waiting", title="W")])
        yield catalogue


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


def test_a_csv_export_has_every_track_with_its_place(catalogue, console, tmp_path):
    path = tmp_path / "songs.csv"
    assert export.export(catalogue, str(path), console) == 0
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 301
    shelf = load_shelf(catalogue)
    moods = [list(SongMood)[number] for number in shelf.song_mood]
    assert [row["song_mood"] for row in rows[:300]] == moods
    assert rows[0]["plane_valence"] == str(round(float(shelf.plane[0, 0]), 3))
    assert (rows[300]["uri"], rows[300]["song_mood"]) == ("local:waiting", "")


def namesakes():
    """Return what all but its URI makes one song: two files, their Spotify twin."""
    sounds = (Features(valence=v, energy=v, source="audio") for v in (0.1, 0.9))
    names = ("local:track:a/1.mp3", "local:track:b/1.mp3")
    ids = {"isrc": "GBBKS0900001", "spotify_id": spotify_id(10)}
    for uri, sound in zip(names, sounds, strict=True):
        yield TrackRow(uri, "Intro", "The xx", features=sound, **ids)
    yield TrackRow(f"spotify:track:{spotify_id(10)}", "Intro", "The xx", **ids)


def told(catalogue):
    """Add what a person and other tables said of some songs; return how many."""
    catalogue.upsert_tracks(
        [
            TrackRow(
                "local:track:7.mp3", spotify_id=spotify_id(7), isrc="FRZ039801212"
            ),
            TrackRow("file:///a/spotify.best/album/ä%20b", title="F", artist="G"),
            TrackRow(f"local:track:a/{spotify_id(8)}", title="H", artist="I"),
            TrackRow("jellyfin:track:1", title="J", spotify_id=spotify_id(9)),
            TrackRow("https://radio.example/live", title="R", duration_ms=8500),
            TrackRow(f"spotify:track:{spotify_id(1)}", spotify_id=spotify_id(1)),
            *namesakes(),
        ]
    )
    catalogue.judge("local:track:7.mp3", Verdict.LOVED)
    catalogue.judge(f"spotify:track:{spotify_id(1)}", Verdict.BANNED)
    catalogue.judge("local:track:b/1.mp3", Verdict.BANNED)
    catalogue.move("local:track:3.mp3", SongMood.SAD)
    catalogue.move("local:waiting", SongMood.CALM)
    catalogue.fail("jellyfin:track:1", "silent", 1.5, 10)
    return catalogue.counts()["tracks"]


@pytest.mark.parametrize("name", ["songs.csv", "songs.parquet"])
def test_an_export_can_be_imported_again_unchanged(catalogue, console, tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    path, count = tmp_path / name, told(catalogue)
    assert export.export(catalogue, str(path), console) == 0
    with Catalogue.open(tmp_path / "copy.sqlite") as copy:
        assert import_file(copy, path).added == count
        assert list(export.table_rows(copy)) == list(export.table_rows(catalogue))
        assert copy.find("local:track:7.mp3").spotify_id == spotify_id(7)
        assert copy.find("local:track:7.mp3").verdict == Verdict.LOVED
        assert copy.find("local:track:3.mp3").song_mood == SongMood.SAD
        assert copy.find("local:track:4.mp3").song_mood is None


def test_what_a_person_said_here_outlives_an_older_export(catalogue, tmp_path):
    told(catalogue)
    path = tmp_path / "songs.csv"
    export.write_csv(catalogue, path)
    catalogue.judge("local:track:7.mp3", Verdict.BANNED)
    catalogue.move("local:track:3.mp3", SongMood.HAPPY)
    catalogue.judge("local:track:5.mp3", Verdict.LOVED)
    import_file(catalogue, path)
    assert catalogue.find("local:track:7.mp3").verdict == Verdict.BANNED
    assert catalogue.find("local:track:3.mp3").song_mood == SongMood.HAPPY
    assert catalogue.find("local:track:5.mp3").verdict == Verdict.LOVED


def test_what_a_person_said_comes_back_to_songs_that_are_known(catalogue, tmp_path):
    told(catalogue)
    path = tmp_path / "songs.csv"
    export.write_csv(catalogue, path)
    catalogue.judge("local:track:7.mp3", Verdict.NONE)
    catalogue.move("local:track:3.mp3", None)
    import_file(catalogue, path)
    assert catalogue.find("local:track:7.mp3").verdict == Verdict.LOVED
    assert catalogue.find("local:track:3.mp3").song_mood == SongMood.SAD


def test_playlists_hold_the_members_of_each_song_mood(catalogue, console, tmp_path):
    assert export.export(catalogue, str(tmp_path / "lists"), console) == 0
    shelf = load_shelf(catalogue)
    for mood in SongMood:
        text = (tmp_path / "lists" / f"MoodCam {mood}.m3u8").read_text("utf-8")
        uris = [line for line in text.splitlines() if not line.startswith("#")]
        ids = [catalogue.find(uri).track_id for uri in uris]
        assert ids == shelf.track_id[shelf.members[mood]].tolist()
        assert text.startswith("#EXTM3U\n")
        assert f"#EXTINF:-1,{catalogue.track(ids[0]).artist} - " in text


@pytest.mark.parametrize("name", ["songs.doc", "missing/folder/songs.csv"])
def test_what_cannot_be_written_is_one_sentence(catalogue, console, tmp_path, name):
    assert export.export(catalogue, str(tmp_path / name), console) == 1
    said = console.file.getvalue().strip()
    assert said.count("\n") == 0
    assert not list(tmp_path.glob("**/*.part"))


def test_a_folder_that_may_not_be_entered_is_one_sentence(
    catalogue, console, monkeypatch
):
    def closed(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "is_dir", closed)
    assert export.export(catalogue, "closed/songs.csv", console) == 1
    said = "Nothing written to 'closed/songs.csv': Permission denied.\n"
    assert console.file.getvalue() == said


def test_banned_songs_are_exported_but_in_no_playlist(catalogue, tmp_path):
    catalogue.judge("local:track:5.mp3", Verdict.BANNED)
    export.write_playlists(catalogue, tmp_path)
    texts = [path.read_text("utf-8") for path in tmp_path.glob("*.m3u8")]
    assert not any("local:track:5.mp3" in text for text in texts)
    assert "local:track:5.mp3" in [row[0] for row in export.table_rows(catalogue)]


# Tags in files


KINDS = {
    "a.mp3": "audiotestsrc num-buffers=40 ! lamemp3enc ! id3v2mux",
    "a.flac": "audiotestsrc num-buffers=40 ! flacenc",
    "a.ogg": "audiotestsrc num-buffers=40 ! audioconvert ! vorbisenc ! oggmux",
    "a.opus": "audiotestsrc num-buffers=40 ! audioresample ! opusenc ! oggmux",
    "a.wav": "audiotestsrc num-buffers=40 ! wavenc",
    "a.aiff": "audiotestsrc num-buffers=40 ! audioconvert ! aiffmux",
    "a.dsf": "",
}
PLAYS_TO_THE_END = """
import sys
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
ends = Gst.MessageType.EOS | Gst.MessageType.ERROR
ended = pipeline.get_bus().timed_pop_filtered(10 * Gst.SECOND, ends)
pipeline.set_state(Gst.State.NULL)
sys.exit(ended is None or ended.type != Gst.MessageType.EOS)
"""


def sound_file(path):
    pytest.importorskip("mutagen", reason="mutagen is in the extra 'songs'")
    if path.suffix == ".dsf":
        return dsf(path)
    pipeline = f"{KINDS[path.name]} ! filesink location={path}"
    made = [sys.executable, "-c", PLAYS_TO_THE_END, pipeline]
    done = subprocess.run(made, check=False, capture_output=True, text=True)
    if "no element" in done.stderr:
        pytest.skip(f"GStreamer here cannot write {path.suffix}")
    assert done.returncode == 0, done.stderr
    return path


def dsf(path):
    """Write one block of silence as a DSD Stream File (Sony's DSF, version 1.01)."""
    data = bytes([0x69]) * 4096
    header = struct.pack("<4sQQQ", b"DSD ", 28, 92 + len(data), 0)
    kind = struct.pack(
        "<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, 2822400, 1, len(data) * 8, 4096, 0
    )
    path.write_bytes(
        header + kind + struct.pack("<4sQ", b"data", 12 + len(data)) + data
    )
    return path


@pytest.mark.parametrize("name", KINDS)
def test_the_mood_is_written_into_files_and_nothing_else_changes(tmp_path, name):
    path = sound_file(tmp_path / name)
    os.utime(path, (1e9, 1e9))
    assert tagging.set_mood(path, "calm", dry_run=True) == "would be tagged"
    assert tagging.set_mood(path, "calm") == "tagged"
    assert path.stat().st_mtime == 1e9, "no library takes it for new"
    assert tagging.set_mood(path, "calm") == "had the tag already"
    assert tagging.set_mood(path, "sad") == "tagged"


def test_an_old_tag_stays_as_old_and_whole_as_it_was(tmp_path):
    id3 = pytest.importorskip("mutagen.id3", reason="mutagen is in the extra 'songs'")
    path = tmp_path / "a.mp3"
    path.write_bytes(SILENT_MP3)
    tags = id3.ID3()
    tags.add(id3.TIT2(encoding=1, text="Ä"))
    tags.add(id3.TPE1(encoding=0, text=["AC/DC", "Nobody"]))
    tags.add(id3.TYER(encoding=0, text="1999"))
    tags.add(id3.TSIZ(encoding=0, text="8340"))
    tags.add(id3.RVAD(adjustments=[1, 2]))
    tags.save(path, v2_version=3, v23_sep=None)
    before = id3.ID3(path, translate=False)

    assert tagging.set_mood(path, "calm") == "tagged"
    assert tagging.set_mood(path, "calm") == "had the tag already"

    after = id3.ID3(path, translate=False)
    assert after.version == (2, 3, 0)
    assert after.pop("TXXX:MOOD").text == ["calm"]
    assert dict(after) == dict(before)
    assert after["TPE1"].text == ["AC/DC", "Nobody"]


def test_tags_are_written_for_files_and_for_mopidy_locals_tracks(
    catalogue, console, tmp_path
):
    (tmp_path / "album").mkdir()
    one = sound_file(tmp_path / "a.flac")
    two = shutil.copy(one, tmp_path / "album" / "ä b.flac")
    sound = Features(valence=0.9, energy=0.7, danceability=0.8, source="audio")
    catalogue.upsert_tracks(
        TrackRow(uri, features=sound)
        for uri in (one.as_uri(), "local:track:album/%C3%A4%20b.flac")
    )
    export.tag_files(catalogue, console, media_dir=str(tmp_path))
    said = console.file.getvalue()
    assert "2 files: tagged" in said
    assert "300 files: could not be read" in said
    import mutagen

    assert mutagen.File(two)["MOOD"] == mutagen.File(one)["MOOD"] == ["happy"]


@pytest.mark.parametrize("name", KINDS)
def test_tagged_files_are_not_scanned_again(catalogue, console, tmp_path, name):
    path = sound_file(tmp_path / name)
    status = path.stat()
    tracks = [WalkedTrack(uri, path) for uri in (path.as_uri(), f"local:track:{name}")]
    for track in tracks:
        sound = Features(valence=0.9, energy=0.7, source="audio")
        catalogue.upsert_tracks([TrackRow(track.uri)])
        catalogue.store_features(track.uri, sound, status.st_mtime, status.st_size)
    export.tag_files(catalogue, console, media_dir=str(tmp_path))
    assert "1 files: tagged" in console.file.getvalue()
    scan(catalogue, tracks, console=console, make_worker=pytest.fail)
    assert "2 tracks: 0 analysed, 2 unchanged" in console.file.getvalue()


def test_tagging_hides_no_change_that_was_not_scanned_yet(catalogue, console, tmp_path):
    path = sound_file(tmp_path / "a.flac")
    sound = Features(valence=0.9, energy=0.7, source="audio")
    catalogue.upsert_tracks([TrackRow(path.as_uri())])
    catalogue.store_features(path.as_uri(), sound, path.stat().st_mtime, 1)
    export.tag_files(catalogue, console)
    assert catalogue.find(path.as_uri()).size == 1


def test_one_odd_file_does_not_stop_the_others(tmp_path, console, monkeypatch):
    odd, good = tmp_path / "odd.flac", sound_file(tmp_path / "a.flac")
    mutagen = pytest.importorskip("mutagen")
    real = mutagen.File

    def file(path):
        if path == odd:
            raise TypeError("odd")
        return real(path)

    monkeypatch.setattr(mutagen, "File", file)
    files = [("local:odd", odd, "sad"), ("local:good", good, "sad")]
    assert tagging.tag_files(files, console) == 0
    assert "1 files: could not be tagged (TypeError)" in console.file.getvalue()
    assert real(good)["MOOD"] == ["sad"]


def test_where_no_file_can_be_tagged_the_reason_is_named(tmp_path, console):
    pytest.importorskip("mutagen", reason="mutagen is in the extra 'songs'")
    path = tmp_path / "away.mp3"
    assert tagging.tag_files([("local:a", path, "sad")], console) == 1
    said = console.file.getvalue().strip()
    why = "could not be read (No such file or directory), such as"
    assert said == f"1 files: {why} {str(path)!r}"


def test_files_of_another_user_are_no_promise_and_keep_the_tag(
    tmp_path, console, monkeypatch
):
    def not_the_owner(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    pytest.importorskip("mutagen", reason="mutagen is in the extra 'songs'")
    path = tmp_path / "a.mp3"
    path.write_bytes(SILENT_MP3)
    files = [("local:a", path, "sad")]
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert tagging.tag_files(files, console, dry_run=True) == 1
    assert "could not be written (no permission)" in console.file.getvalue()
    monkeypatch.setattr(os, "utime", not_the_owner)
    assert tagging.tag_files(files, console) == 0
    assert "1 files: tagged" in console.file.getvalue()
