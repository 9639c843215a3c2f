from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.catalogue import GONE, NO_DECODER, Catalogue, TrackRow
from mopidy_moodcam.songs.features import FeatureSource
from mopidy_moodcam.songs.hearing.workers import Worker
from mopidy_moodcam.songs.scan import is_known, scan
from mopidy_moodcam.songs.schema import CatalogueError
from mopidy_moodcam.songs.sounds import load_sounds
from mopidy_moodcam.songs.survey import Survey, WalkedTrack
from tests.songs import sound_files
from tests.songs.hearing import Hearing

SCAN_FOLDER = Path(__file__).with_name("scan_folder.py")


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as opened:
        yield opened


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Five short songs and a file that is none."""
    folder = tmp_path_factory.mktemp("songs")
    for number, mood in enumerate(list(SongMood)[:5]):
        sound_files.write(folder / f"{number}.ogg", sound_files.song(mood, 3.5))
    (folder / "none.mp3").write_bytes(b"no song" * 99)
    return folder


def walked(folder):
    return [
        WalkedTrack(path.as_uri(), path, title=path.stem)
        for path in sorted(folder.iterdir())
    ]


class Counted(Worker):
    """A real worker that remembers what it was asked."""

    def __init__(self, asked):
        super().__init__()
        self.asked = asked

    def analyse(self, uri):
        self.asked.append(uri)
        return super().analyse(uri)


def run(catalogue, tracks, *, worker=Counted, **options):
    asked, out = [], io.StringIO()
    console = Console(file=out, width=200)
    code = scan(
        catalogue,
        tracks,
        console=console,
        make_worker=lambda: worker(asked),
        **options,
    )
    return code, asked, out.getvalue()


def test_all_files_get_features_or_a_reason_and_are_then_left_alone(catalogue, songs):
    code, asked, said = run(catalogue, walked(songs), jobs=2)
    assert code == 0
    assert len(asked) == 6
    assert "6 tracks: 5 analysed, 0 unchanged, 1 unreadable" in said
    for track in walked(songs):
        row = catalogue.find(track.uri)
        if track.title == "none":
            assert row.failed == "not an audio file"
        else:
            assert row.features.source is FeatureSource.AUDIO
            assert row.features.enough
    assert catalogue.counts()["tracks"] == 6

    _, asked, said = run(catalogue, walked(songs))
    assert asked == []
    assert "6 unchanged" in said


def test_a_scan_says_why_songs_have_no_features(catalogue, songs, tmp_path):
    paths = [tmp_path / f"{number} [x].mp3" for number in range(3)]
    for path in paths:
        shutil.copy(songs / "none.mp3", path)
    gone = WalkedTrack("local:track:gone.ogg", tmp_path / "gone.ogg")
    tracks = [gone, *(WalkedTrack(path.as_uri(), path) for path in paths)]
    for said in (run(catalogue, tracks)[2], run(catalogue, tracks)[2]):
        assert said.splitlines()[-2:] == [
            f"  3 not analysed: not an audio file, such as {paths[0].as_uri()}",
            "  1 not there now, such as local:track:gone.ogg",
        ]


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        ({"local": "Local media", "file": "Files"}, "mopidy local scan"),
        ({"file": "Files"}, "Mopidy-Local, which lists your files, is not among"),
        ({}, "asked: none"),
    ],
)
def test_where_no_library_shows_a_song_it_is_said_what_brings_some(
    catalogue, asked, mend
):
    _, _, said = run(catalogue, [], survey=Survey(asked=asked))
    assert mend in said
    assert ", ".join(asked.values()) in said


def test_songs_heard_anew_are_sorted_anew(catalogue, songs, monkeypatch):
    heard = []
    monkeypatch.setattr(
        "mopidy_moodcam.songs.scan.fitting.refit_if_due",
        lambda _, reheard: heard.append(reheard),
    )
    for force in (False, True):
        run(catalogue, walked(songs), force=force)
    assert heard == [0, 5]


def test_many_reasons_stay_a_few_lines(catalogue):
    for number in range(12):
        catalogue.upsert_tracks([TrackRow(f"local:{number}")])
        catalogue.fail(f"local:{number}", f"reason {number:02d}", 0.0, 0)
    lines = run(catalogue, [])[2].splitlines()
    assert len(lines) == 10
    assert lines[-1] == "  4 not analysed for other reasons"


def test_a_file_is_analysed_again_when_it_changed_or_when_told(catalogue, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    path = folder / "song.ogg"
    path.write_bytes(b"not yet copied")
    run(catalogue, walked(folder))
    assert catalogue.find(path.as_uri()).failed
    sound_files.write(path, sound_files.song(seconds=3.5))
    run(catalogue, walked(folder))
    row = catalogue.find(path.as_uri())
    assert row.failed is None
    assert row.features
    assert len(run(catalogue, walked(folder))[1]) == 0
    assert len(run(catalogue, walked(folder), force=True)[1]) == 1


def test_only_unchanged_songs_with_a_title_are_known(catalogue, songs, tmp_path):
    path = tmp_path / "song.ogg"
    shutil.copy(songs / "0.ogg", path)
    uri = path.as_uri()
    assert not is_known(catalogue, uri, path)
    run(catalogue, [WalkedTrack(uri, path, unanswered=True)])
    assert catalogue.find(uri).features
    assert not is_known(catalogue, uri, path), "it is still nameless"
    run(catalogue, [WalkedTrack(uri, path, title="Old")])
    assert is_known(catalogue, uri, path)
    os.utime(path, (1e9, 1e9))
    assert not is_known(catalogue, uri, path), "it may have new tags"
    path.unlink()
    assert not is_known(catalogue, uri, path)


def test_a_stream_is_known_by_its_title(catalogue):
    run(catalogue, [WalkedTrack("radio:1", title="One"), WalkedTrack("radio:2")])
    assert is_known(catalogue, "radio:1", None)
    assert not is_known(catalogue, "radio:2", None)


def test_a_changed_song_waits_until_its_library_answers(catalogue, songs, tmp_path):
    path = tmp_path / "song.ogg"
    shutil.copy(songs / "0.ogg", path)
    uri = path.as_uri()
    run(catalogue, [WalkedTrack(uri, path, title="Old")])
    os.utime(path, (1e9, 1e9))
    silent = WalkedTrack(uri, path, unanswered=True)
    _, asked, said = run(catalogue, [silent])
    assert asked == []
    assert "1 left for the next scan (no answer on tags)" in said
    assert not is_known(catalogue, uri, path)
    run(catalogue, [WalkedTrack(uri, path, title="New")])
    assert catalogue.find(uri).title == "New"
    assert is_known(catalogue, uri, path)
    assert len(run(catalogue, [silent], force=True)[1]) == 1


def test_a_limit_leaves_the_rest_for_the_next_scan(catalogue, songs):
    assert len(run(catalogue, walked(songs), limit=2)[1]) == 2
    assert catalogue.counts()["tracks"] == 6
    assert len(run(catalogue, walked(songs))[1]) == 4


def test_a_track_without_a_file_gets_a_marked_guess_from_its_genre(catalogue):
    tracks = [
        WalkedTrack("radio:1", genre="Death Metal"),
        WalkedTrack("radio:2", genre="Ambient"),
        WalkedTrack("radio:3"),
    ]
    run(catalogue, tracks)
    metal, ambient, none = (catalogue.find(track.uri).features for track in tracks)
    assert metal.source is FeatureSource.TAGS
    assert metal.arousal > ambient.arousal
    assert none is None


def test_a_scan_says_how_many_tracks_are_no_music(catalogue):
    chapter = WalkedTrack("spotify:track:1", title="Chapter 1", genre="Audiobook")
    assert "1 left out as no music" in run(catalogue, [chapter])[2]
    catalogue.include("genre", "spoken")
    assert "no music" not in run(catalogue, [chapter])[2]


def test_a_file_that_is_gone_says_so(catalogue, tmp_path):
    track = WalkedTrack("local:track:gone.ogg", tmp_path / "gone.ogg")
    run(catalogue, [track])
    assert catalogue.find(track.uri).failed == GONE


def test_files_missing_for_a_while_are_not_analysed_anew(catalogue, songs, tmp_path):
    disk, elsewhere = tmp_path / "disk", tmp_path / "elsewhere"
    shutil.copytree(songs, disk)
    tracks = walked(disk)
    run(catalogue, tracks)
    before = [catalogue.find(track.uri) for track in tracks]

    disk.rename(elsewhere)
    _, asked, said = run(catalogue, tracks, force=True)
    assert asked == []
    assert "0 unreadable" in said
    assert "6 missing" in said
    assert len(load_sounds(catalogue)) == 0

    elsewhere.rename(disk)
    _, asked, said = run(catalogue, tracks)
    assert asked == []
    assert "6 unchanged" in said
    assert "6 missing" not in said
    assert [catalogue.find(track.uri) for track in tracks] == before


def test_a_disk_that_goes_away_meanwhile_spoils_nothing(catalogue, songs, tmp_path):
    path = tmp_path / "song.ogg"
    shutil.copy(songs / "0.ogg", path)
    track = WalkedTrack(path.as_uri(), path)

    class Unmounting(Worker):
        def analyse(self, uri):
            path.rename(tmp_path / "away")
            return super().analyse(uri)

    console = Console(file=io.StringIO())
    scan(catalogue, [track], console=console, make_worker=Unmounting)
    (tmp_path / "away").rename(path)
    assert len(run(catalogue, [track])[1]) == 1
    assert catalogue.find(track.uri).features


def test_where_no_worker_can_work_the_scan_says_one_sentence(catalogue, songs):
    out = io.StringIO()

    def make():
        return Worker([sys.executable, "-c", 'print(\'{"trouble": "No luck [x]."}\')'])

    console = Console(file=out, width=200)
    assert scan(catalogue, walked(songs), console=console, make_worker=make) == 1
    assert "No luck [x]." in out.getvalue()
    assert "Traceback" not in out.getvalue()


@pytest.fixture
def files(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.ogg").write_bytes(b"x")
    return [WalkedTrack(path.as_uri(), path) for path in sorted(tmp_path.glob("*.ogg"))]


def test_a_scan_that_a_person_stops_keeps_what_was_heard(catalogue, files):
    class Interrupted(Hearing):
        def analyse(self, uri):
            if self.asked:
                raise KeyboardInterrupt
            return super().analyse(uri)

    code, _, said = run(catalogue, files, worker=Interrupted)
    assert code == 0
    assert "the next scan goes on from here" in said
    assert catalogue.counts()["analysed"] == 1


@pytest.mark.parametrize("happens", ["forgotten", "deleted"])
def test_a_scan_whose_catalogue_goes_meanwhile_says_so(catalogue, files, happens):
    class Hindered(Hearing):
        def analyse(self, uri):
            if happens == "deleted":
                catalogue.path.unlink()
            else:
                with Catalogue.open(catalogue.path) as other:
                    other.forget("everything")
            return super().analyse(uri)

    with pytest.raises(CatalogueError, match=r"emptied or replaced.* scan' again"):
        run(catalogue, files, worker=Hindered)


def test_songs_forgotten_while_they_are_analysed_are_counted(catalogue, files):
    class Hindered(Hearing):
        def analyse(self, uri):
            with Catalogue.open(catalogue.path) as other:
                other.forget_tracks([files[0].uri])
            return super().analyse(uri)

    said = run(catalogue, files, worker=Hindered)[2]
    assert "3 tracks: 2 analysed, 0 unchanged, 0 unreadable" in said
    assert "1 forgotten meanwhile" in said


def test_a_file_that_had_no_decoder_is_tried_again_after_all_others(catalogue, files):
    first, file = files[0], files[0].path.stat()
    catalogue.upsert_tracks([TrackRow(first.uri)])
    catalogue.fail(first.uri, f"{NO_DECODER} (WMA)", file.st_mtime, file.st_size)
    for asked in (["b.ogg", "c.ogg"], ["a.ogg"], []):
        assert run(catalogue, files, worker=Hearing, limit=2)[1] == asked


def test_a_scan_says_what_its_workers_do_without(catalogue, files):
    class Plain(Hearing):
        why_plain = "Without musicnn the valence is a guess."

    assert Plain.why_plain in run(catalogue, files, worker=Plain)[2]


@pytest.mark.slow
def test_a_scan_killed_at_any_moment_loses_nothing_analysed(songs, tmp_path):
    path, rng, before = tmp_path / "catalogue.sqlite", np.random.default_rng(5), {}
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, SCAN_FOLDER, songs, path], stdout=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0.3, 4.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = check_killed(path, before)
    command = [sys.executable, SCAN_FOLDER, songs, path]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert len(check_killed(path, before)) == 5


def check_killed(path, before):
    """Return what is analysed by now; all that was before must be there, once."""
    with Catalogue.open(path) as catalogue:
        assert catalogue.rows("PRAGMA integrity_check") == [("ok",)]
        uris = [uri for (uri,) in catalogue.rows("SELECT uri FROM tracks")]
        assert len(uris) == len(set(uris))
        rows = {uri: catalogue.find(uri) for uri in uris}
    now = {uri: row.features for uri, row in rows.items() if row.features}
    assert before.items() <= now.items()
    return now


@pytest.mark.slow
def test_spoiled_files_end_with_features_or_a_reason(catalogue, tmp_path):
    rng, folder = np.random.default_rng(6), tmp_path / "music"
    folder.mkdir()
    for ending in (".mp3", ".flac", ".ogg", ".m4a", ".wav"):
        good = sound_files.write(
            tmp_path / f"good{ending}", sound_files.tone(seconds=4)
        )
        for number in range(3):
            spoiled = sound_files.spoiled(good.read_bytes(), rng)
            (folder / f"{number}{ending}").write_bytes(spoiled)
    code, asked, _ = run(catalogue, walked(folder))
    assert code == 0
    assert len(asked) == 15
    rows = [catalogue.find(track.uri) for track in walked(folder)]
    assert all((row.features is None) == bool(row.failed) for row in rows)


def test_workers_are_polite(songs):
    worker = Worker()
    try:
        worker.analyse((songs / "0.ogg").as_uri())
        assert os.getpriority(os.PRIO_PROCESS, worker._process.pid) >= 15
    finally:
        worker.stop()
