import dataclasses
import io
import re

import pytest
from rich.console import Console

from mopidy_moodcam.glossary import SongMood, Verdict
from mopidy_moodcam.songs import clusters, fitting, moods
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.shelf import load_shelf
from tests.songs.libraries import songs


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        catalogue.upsert_tracks(songs(600))
        yield catalogue


def say(catalogue, *words):
    console = Console(file=io.StringIO(), width=160)
    code = moods.run(catalogue, words, console)
    return code, console.file.getvalue()


def test_the_table_shows_ten_songs_of_ten_artists_per_song_mood(catalogue):
    code, said = say(catalogue)
    assert code == 0
    assert all(mood in said for mood in SongMood)
    assert said.count(": Song ") == len(SongMood) * moods.EXAMPLES


def test_an_empty_catalogue_says_what_to_do(tmp_path):
    with Catalogue.open(tmp_path / "empty.sqlite") as catalogue:
        code, said = say(catalogue)
    assert code == 0
    assert "mopidy moodcam scan" in said


def test_markup_in_titles_is_shown_as_it_is(catalogue):
    song = catalogue.find("local:track:1.mp3")
    catalogue.upsert_tracks([TrackRow(song.uri, title="[bold red]x[/] [/y]")])
    catalogue.forget_tracks(f"local:track:{i}.mp3" for i in range(600) if i != 1)
    _, said = say(catalogue)
    assert "[bold red]x[/] [/y]" in said


def test_how_far_clusters_lie_apart_is_shown(catalogue):
    _, said = say(catalogue)
    assert "apart" in said
    assert re.search(r"│ +\d+ +│ +0\.\d\d +│", said.replace("┃", "│"))


def test_a_renamed_cluster_keeps_its_name_through_a_refit(catalogue):
    code, said = say(catalogue, "rename", "1", "Blue", "hour")
    assert (code, "'Blue hour'" in said) == (0, True)
    moods.refit(catalogue, Console(file=io.StringIO()))
    model = clusters.current_model(catalogue)
    assert not model.default
    assert "Blue hour" in [cluster.name for cluster in model.clusters]


def test_binding_a_cluster_moves_its_songs(catalogue):
    before = load_shelf(catalogue)
    assert say(catalogue, "bind", "happy", "romantic")[0] == 0
    after = load_shelf(catalogue)
    happy = set(before.members[SongMood.HAPPY].tolist())
    assert happy <= set(after.members[SongMood.ROMANTIC].tolist())
    assert after.version > before.version, "a running server notices"


def bound(catalogue):
    model = clusters.current_model(catalogue)
    return {cluster.name: cluster.song_mood for cluster in model.clusters}


def test_a_cluster_is_bound_by_its_number_or_its_name(catalogue):
    before = bound(catalogue)
    first, second, third, *_ = before
    assert say(catalogue, "bind", "2", "Sad")[0] == 0
    assert say(catalogue, "bind", third.upper(), "happy")[0] == 0
    after = [bound(catalogue)[name] for name in (first, second, third)]
    assert after == [before[first], SongMood.SAD, SongMood.HAPPY]


def test_a_binding_survives_a_refit(catalogue):
    say(catalogue, "bind", "1", "intense")
    moods.refit(catalogue, Console(file=io.StringIO()))
    model = clusters.current_model(catalogue)
    assert not model.default
    assert [c.song_mood for c in model.clusters if c.bound] == [SongMood.INTENSE]


def test_spaces_in_a_name_are_made_one(catalogue):
    assert say(catalogue, "rename", "1", "  two   words ")[0] == 0
    assert "two words" in bound(catalogue)


def test_borrowed_songs_are_told_apart(catalogue):
    assert "nearest" not in say(catalogue)[1]
    for row in songs(600):
        catalogue.move(row.uri, SongMood.HAPPY)
    assert "nearest" in say(catalogue)[1]


def test_a_song_can_be_moved_and_given_back(catalogue):
    uri = "local:track:3.mp3"
    assert say(catalogue, "move", uri, "calm")[0] == 0
    assert catalogue.find(uri).song_mood == SongMood.CALM
    assert say(catalogue, "move", uri, "auto")[0] == 0
    assert catalogue.find(uri).song_mood is None


def test_exclusions_are_shown_and_can_be_taken_back(catalogue):
    assert say(catalogue, "exclude", "artist", "Artist", "3")[0] == 0
    assert "Left out: artist Artist 3" in say(catalogue)[1]
    assert len(load_shelf(catalogue)) == 595
    assert say(catalogue, "include", "artist", "Artist", "3")[0] == 0
    assert len(load_shelf(catalogue)) == 600


def test_a_season_is_left_out_except_in_its_month(catalogue):
    assert "except in December" in say(catalogue, "exclude", "season", "Christmas")[1]
    assert ("season", "christmas") in catalogue.exclusions()


def test_what_is_no_music_is_left_out_until_it_is_taken_in(catalogue):
    spoken = ["Audiobook", "HO\u0308RBUCH; Podcast", "Speech"]
    music = ["Jazz; Spoken Word", "Speech Metal", "Jingle Pop"]
    catalogue.upsert_tracks(
        dataclasses.replace(song, uri=f"local:{genre}", genre=genre)
        for song, genre in zip(songs(6), spoken + music, strict=True)
    )
    assert len(load_shelf(catalogue)) == 603
    assert "Left out: genre spoken: 3" in say(catalogue)[1]
    catalogue.judge("local:Audiobook", Verdict.LOVED)
    catalogue.move("local:Speech", SongMood.CALM)
    assert len(load_shelf(catalogue)) == 605
    assert say(catalogue, "include", "genre", "Spoken")[0] == 0
    assert len(load_shelf(catalogue)) == 606
    catalogue.forget("plays")
    assert catalogue.exclusions() == []
    assert "1 songs of" in say(catalogue, "exclude", "genre", "Spoken")[1]
    assert len(load_shelf(catalogue)) == 605
    catalogue.include("genre", "spoken")
    catalogue.forget("everything")
    assert catalogue.exclusions() == [("genre", "spoken")]


def test_leaving_out_says_how_many_songs_go(catalogue):
    assert "5 songs of" in say(catalogue, "exclude", "artist", "Artist 3")[1]
    assert "No song is of" in say(catalogue, "exclude", "genre", "Nosuch")[1]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["rename", "99", "x"], "no cluster '99'"),
        (["rename", "1", "happy"], "already"),
        (["rename", "1", "x" * 200], "1 to 60 letters"),
        (["rename", "1", "a\x07b"], "1 to 60 letters"),
        (["bind", "1", "angry"], "no song mood"),
        (["bind", "1"], "Say one of"),
        (["move", "local:never", "calm"], "No song"),
        (["exclude", "moon", "x"], "known: artist"),
        (["exclude", "season", "monsoon"], "not known"),
        (["include", "artist", "x"], "not left out"),
        (["dance"], "Say one of"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(catalogue, words, answer):
    code, said = say(catalogue, *words)
    assert code == 1
    assert answer in said


def test_a_library_with_own_clusters_says_so(catalogue):
    fitting.refit_if_due(catalogue)
    assert "made from this library" in say(catalogue)[1]
