"""Folders and playlists, as core and MPD clients see them."""

import dataclasses

import mpd
import pytest
from mopidy import models

from mopidy_moodcam import songlist
from mopidy_moodcam.desk import Desk
from mopidy_moodcam.glossary import Affect, Goal, Pick, SongMood, Target, Verdict
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.features import Features
from mopidy_moodcam.songs.shelf import load_shelf
from tests import wire

EACH = 60


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "moodcam" / "catalogue.sqlite"


@pytest.fixture
def catalogue(path):
    """Sixty songs for each song mood."""
    uris = {mood: [f"file:///{mood}{i}.ogg" for i in range(EACH)] for mood in SongMood}
    with Catalogue.open(path) as catalogue:
        catalogue.upsert_tracks(
            TrackRow(
                uri=uri,
                title=f"{mood} {i}",
                artist="Band",
                duration_ms=1000 + i,
                features=Features(valence=i / EACH, energy=(7 * i % EACH) / EACH),
            )
            for mood in SongMood
            for i, uri in enumerate(uris[mood])
        )
        for mood in SongMood:
            for uri in uris[mood]:
                catalogue.move(uri, mood)
        yield catalogue


@pytest.fixture
def core(desk, tmp_path):
    with wire.core_at(desk, wire.config_in(tmp_path)) as core:
        yield core


@pytest.fixture
def client(desk, core, tmp_path):  # noqa: ARG001
    pytest.importorskip("mopidy_mpd")
    with wire.mpd_server(core, wire.config_in(tmp_path)) as connect:
        yield connect()


def publish(desk, **changes):
    desk.publish(dataclasses.replace(desk.status, **changes))


def names(refs):
    return [ref.name for ref in refs]


def title(core, uri):
    (track,) = core.library.lookup(uris=[uri]).get()[uri]
    return track.name


def test_the_folder_stands_at_the_root_of_every_client(core):
    (root,) = core.library.browse(None).get()
    assert (root.uri, root.name, root.type) == ("moodcam:root", "MoodCam", "directory")
    folders = core.library.browse(root.uri).get()
    assert names(folders) == ["Status", "Moods", "Goals", "Reasons of the last picks"]
    assert {folder.type for folder in folders} == {"directory"}


def test_every_folder_and_entry_can_be_opened(core, catalogue, desk):  # noqa: ARG001
    publish(desk, last_picks=(a_pick(1),))
    todo, seen = ["moodcam:root"], 0
    while todo:
        for ref in core.library.browse(todo.pop()).get():
            seen += 1
            if ref.type == "directory":
                todo.append(ref.uri)
            elif ref.uri.startswith("moodcam:"):
                assert title(core, ref.uri)
    assert seen > 6 * EACH


def test_titles_of_the_status_are_live(core, desk):
    assert title(core, "moodcam:status:goal").startswith("Goal: match")
    publish(desk, goal=Goal.CALM)
    assert title(core, "moodcam:status:goal").startswith("Goal: calm")


def test_names_in_the_status_folder_hold_no_times_or_percents(core, desk):
    target = Target(SongMood.SAD, Affect(0, 0), "sad faces", until=1e9)
    publish(desk, target=target, override=True)
    shown = names(core.library.browse("moodcam:status").get())
    assert "Playing: sad songs" in shown
    assert not any("%" in name or "until" in name for name in shown)


def test_a_mood_folder_lists_songs_of_other_schemes(core, catalogue):  # noqa: ARG001
    refs = core.library.browse("moodcam:mood:calm").get()
    assert {ref.uri for ref in refs} == {f"file:///calm{i}.ogg" for i in range(EACH)}
    assert refs[0].name == "Band – calm 0"  # noqa: RUF001
    assert refs[0].type == "track"


def test_reasons_come_with_the_next_pick_first(core, desk):
    publish(
        desk,
        next_picks=(a_pick(3),),
        playing_pick=a_pick(2),
        last_picks=(a_pick(1),),
    )
    shown = names(core.library.browse("moodcam:reasons").get())
    assert [line.rpartition(":")[0] for line in shown] == [
        "Band – Song 3",  # noqa: RUF001
        "Playing now: Band – Song 2",  # noqa: RUF001
        "Band – Song 1",  # noqa: RUF001
    ]
    assert shown[0].endswith("because 3")


def test_before_the_first_pick_the_folder_says_so(core):
    (line,) = core.library.browse("moodcam:reasons").get()
    assert line.name == "Nothing was picked yet."


@pytest.mark.parametrize(
    "uri",
    [
        "moodcam:",
        "moodcam:mood:jolly",
        "moodcam:x:y",
        "moodcam:status:nope",
        "moodcam:goals",
    ],
)
def test_unknown_uris_are_empty_and_not_an_error(core, uri):
    assert core.library.lookup(uris=[uri]).get()[uri] == []
    if uri != "moodcam:goals":
        assert core.library.browse(uri).get() == []


def test_looking_up_a_mood_gives_its_songs(core, catalogue):  # noqa: ARG001
    tracks = core.library.lookup(uris=["moodcam:mood:sad"]).get()["moodcam:mood:sad"]
    assert len(tracks) == 50
    assert all(track.uri.startswith("file:///sad") for track in tracks)


def test_there_is_a_playlist_for_each_song_mood_with_a_fixed_name(core):
    assert names(core.playlists.as_list().get()) == [
        "MoodCam Happy",
        "MoodCam Energetic",
        "MoodCam Romantic",
        "MoodCam Calm",
        "MoodCam Sad",
        "MoodCam Intense",
    ]


def test_a_playlist_holds_at_most_fifty_songs_of_its_mood(core, catalogue):  # noqa: ARG001
    playlist = core.playlists.lookup("moodcam:playlist:intense").get()
    assert isinstance(playlist, models.Playlist)
    assert playlist.name == "MoodCam Intense"
    assert len({track.uri for track in playlist.tracks}) == 50
    assert {track.name.split()[0] for track in playlist.tracks} == {"intense"}
    items = core.playlists.get_items("moodcam:playlist:intense").get()
    assert [ref.uri for ref in items] == [track.uri for track in playlist.tracks]


def test_banned_songs_are_left_out_and_loved_ones_are_always_in(core, catalogue):
    uris = [f"file:///sad{i}.ogg" for i in range(EACH)]
    loved, banned = uris[:40], uris[-5:]  # which leaves more than go in
    for some, verdict in ((loved, Verdict.LOVED), (banned, Verdict.BANNED)):
        for uri in some:
            catalogue.judge(uri, verdict)
    playlist = core.playlists.lookup("moodcam:playlist:sad").get()
    shown = {track.uri for track in playlist.tracks}
    assert set(loved) < shown
    assert not shown & set(banned)


def test_a_ban_counts_before_the_shelf_is_loaded_anew(core, desk, catalogue):
    desk.lay_out(load_shelf(catalogue))
    first = core.playlists.lookup("moodcam:playlist:sad").get().tracks[0].uri
    catalogue.judge(first, Verdict.BANNED)
    playlist = core.playlists.lookup("moodcam:playlist:sad").get()
    assert first not in {track.uri for track in playlist.tracks}


def test_a_playlist_is_the_same_all_day_and_another_one_tomorrow(desk, catalogue):
    day = 86_400.0
    lists = [
        [
            song.uri
            for song in songlist.SongList(
                desk, catalogue.path, clock=lambda now=now: now
            ).members(SongMood.CALM)
        ]
        for now in (0.0, day - 1, day)
    ]
    assert lists[0] == lists[1] != lists[2]
    assert len(lists[2]) == 50


def test_a_playlist_of_a_day_keeps_its_songs_where_others_come_or_go(desk, catalogue):
    songs = songlist.SongList(desk, catalogue.path, clock=lambda: 0.0)
    before = [song.uri for song in songs.members(SongMood.CALM)]
    others = {f"file:///calm{i}.ogg" for i in range(EACH)} - {*before}
    catalogue.judge(others.pop(), Verdict.BANNED)
    catalogue.move("file:///sad1.ogg", SongMood.CALM)
    after = [song.uri for song in songs.members(SongMood.CALM)]
    assert [uri for uri in after if uri != "file:///sad1.ogg"][:49] == before[:49]


def test_what_the_frontend_laid_out_is_used(core, desk, catalogue):
    catalogue.move("file:///sad1.ogg", SongMood.CALM)
    desk.lay_out(load_shelf(catalogue))
    catalogue.move("file:///sad2.ogg", SongMood.CALM)  # not on that shelf yet
    uris = {ref.uri for ref in core.library.browse("moodcam:mood:calm").get()}
    assert "file:///sad1.ogg" in uris
    assert "file:///sad2.ogg" not in uris


def test_playlists_are_read_only(core):
    playlist = core.playlists.lookup("moodcam:playlist:sad").get()
    assert core.playlists.create("Mine", uri_scheme="moodcam").get() is None
    assert core.playlists.save(playlist).get() is None
    assert not core.playlists.delete("moodcam:playlist:sad").get()
    assert core.playlists.lookup("moodcam:playlist:none").get() is None
    assert core.playlists.get_items("moodcam:playlist:none").get() is None


def test_without_songs_playlists_are_empty(core):
    assert core.playlists.get_items("moodcam:playlist:sad").get() == []


def test_a_damaged_catalogue_leaves_folders_empty(core, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"this is no database" * 100)
    assert core.library.browse("moodcam:mood:sad").get() == []
    assert core.playlists.get_items("moodcam:playlist:sad").get() == []


def test_a_search_logs_no_complaint_about_us(core, caplog):
    core.library.search({"any": ["x"]}).get()
    assert "MoodCam" not in caplog.text


def test_mpd_clients_see_titles_of_this_moment(client, desk):
    assert {"directory": "MoodCam"} in client.lsinfo()
    first = client.lsinfo("MoodCam/Status")
    assert {entry["file"] for entry in first} >= {"moodcam:status:mood"}
    publish(desk, goal=Goal.LIFT)
    titles = {e["file"]: e["title"] for e in client.lsinfo("MoodCam/Status")}
    assert titles["moodcam:status:goal"].startswith("Goal: lift")


def test_mpd_clients_list_playlists_and_their_fresh_songs(client, catalogue):
    shown = [entry["playlist"] for entry in client.listplaylists()]
    assert shown == [f"MoodCam {mood.capitalize()}" for mood in SongMood]
    assert len(client.listplaylist("MoodCam Romantic")) == 50
    for i in range(EACH):
        catalogue.move(f"file:///romantic{i}.ogg", SongMood.SAD)
    left = client.listplaylist("MoodCam Romantic")
    assert len(left) < 50


def test_mpd_clients_cannot_change_a_playlist(client):
    # Mopidy-MPD's refusal has error code 0, which python-mpd2 does not know.
    with pytest.raises((mpd.CommandError, ValueError)):
        client.playlistadd("MoodCam Sad", "file:///a.ogg")
    client.rm("MoodCam Sad")
    assert {"playlist": "MoodCam Sad"}.items() <= client.listplaylists()[4].items()


def a_pick(number):
    return Pick(
        uri=f"file:///{number}.ogg",
        title=f"Song {number}",
        artist="Band",
        song_mood=SongMood.CALM,
        reason=f"because {number}",
        time=float(number),
    )
