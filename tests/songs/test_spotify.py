import contextlib
import io
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import types
import urllib.error
import urllib.request

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.cells import Rejected
from mopidy_moodcam.songs.features import FEATURES, Features, FeatureSource
from mopidy_moodcam.songs.scan import WalkedTrack, scan
from mopidy_moodcam.songs.shelf import load_shelf
from mopidy_moodcam.songs.spotify import login
from mopidy_moodcam.songs.spotify.items import features_of, track_of
from mopidy_moodcam.songs.spotify.sync import Wanted, World, sync
from tests.songs import faults, sound_files
from tests.songs.fake_spotify import (
    CLIENT_ID,
    FakeSpotify,
    Fault,
    features,
    in_playlist,
    saved_song,
    song,
)
from tests.songs.libraries import spotify_id

TOO_MANY = '{"error": {"status": 429, "message": "Too many requests"%s}}'


@pytest.fixture
def fake():
    server = FakeSpotify()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        yield catalogue


class Run:
    """Runs the command as a listener whose browser says yes at once."""

    def __init__(self, fake, catalogue, folder):
        self.fake = fake
        self.catalogue = catalogue
        self.folder = folder
        self.said = ""
        self.slept = []
        self.client_id = CLIENT_ID
        self.audio_features = False
        self.terminal = False
        self.world = {"keyboard": None, "browser": says_yes, "port": 0}

    @property
    def token_file(self):
        return self.folder / "spotify.json"

    def __call__(self, **wanted):
        out = io.StringIO()
        code = sync(
            self.catalogue,
            types.SimpleNamespace(
                spotify_client_id=self.client_id,
                spotify_audio_features=self.audio_features,
            ),
            self.folder,
            Console(file=out, width=200, force_terminal=self.terminal),
            Wanted(**wanted),
            world=World(self.fake.service, sleep=self.slept.append, **self.world),
        )
        self.said = out.getvalue()
        return code

    def sentence(self):
        return self.said.strip().splitlines()[-1]


@pytest.fixture
def run(fake, catalogue, tmp_path):
    return Run(fake, catalogue, tmp_path)


@pytest.fixture
def member(run):
    """A listener who has logged in before."""
    assert run(login=True) == 0
    run.world["browser"] = no_browser
    run.fake.asked.clear()
    return run


def says_yes(address):
    threading.Thread(target=lambda: visit(address), daemon=True).start()
    return True


def no_browser(_):
    return False


def visit(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.read().decode()


def landing(address):
    """Return the address to which Spotify sends the browser."""
    opener = urllib.request.build_opener(NoRedirect)
    with pytest.raises(urllib.error.HTTPError) as redirect:
        opener.open(address, timeout=5)
    return redirect.value.headers["Location"]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


@pytest.fixture
def keyboard():
    reading, writing = os.pipe()
    with os.fdopen(reading) as keys, os.fdopen(writing, "w", buffering=1) as typed:
        yield keys, typed


# Logging in


def test_a_login_in_the_browser_needs_no_secret_and_is_kept_private(run):
    assert run(login=True) == 0
    assert "Logged in to Spotify as 'The Listener'." in run.said
    assert stat.S_IMODE(run.token_file.stat().st_mode) == 0o600
    assert [path.name for path in run.folder.glob(".spotify-*")] == []


def test_the_token_is_private_from_the_first_moment(run, monkeypatch):
    modes = []
    replace = os.replace

    def watched(source, target):
        modes.append(stat.S_IMODE(os.stat(source).st_mode))  # noqa: PTH116
        replace(source, target)

    monkeypatch.setattr(login.os, "replace", watched)
    before = os.umask(0)
    try:
        assert run(login=True) == 0
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert stat.S_IMODE(run.token_file.stat().st_mode) == 0o600


def test_without_a_browser_the_address_is_shown_and_the_redirect_pasted(run, keyboard):
    keys, typed = keyboard

    def elsewhere(address):
        typed.write(landing(address) + "\n")
        return False

    run.world |= {"browser": elsewhere, "keyboard": keys}
    assert run(login=True) == 0
    assert f"{run.fake.service.accounts}authorize?" in run.said
    assert "paste it here" in run.said


def test_what_is_pasted_wrong_is_asked_for_again(run, keyboard):
    keys, typed = keyboard
    address = []

    def elsewhere(shown):
        address.append(shown)
        typed.write("http://127.0.0.1:6681/?code=of-another-login&state=other\n")
        threading.Timer(0.1, lambda: typed.write(landing(shown) + "\n")).start()
        return False

    run.world |= {"browser": elsewhere, "keyboard": keys}
    assert run(login=True) == 0
    assert run.said.count("paste it whole") == 1


def test_pasting_works_while_another_program_has_the_port(run, keyboard):
    keys, typed = keyboard

    def elsewhere(address):
        typed.write(landing(address) + "\n")
        return False

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run.world |= {"browser": elsewhere, "keyboard": keys, "port": port}
        assert run(login=True) == 0


def test_a_strangers_visit_neither_logs_in_nor_ends_the_waiting(run):
    told = []

    def stranger_first(address):
        def both():
            redirect = landing(address)
            door = redirect.partition("?")[0]
            with pytest.raises(urllib.error.HTTPError) as refused:
                visit(f"{door}?code=stolen&state=guessed")
            told.append(refused.value.code)
            told.append(visit(redirect))

        threading.Thread(target=both, daemon=True).start()
        return True

    run.world["browser"] = stranger_first
    assert run(login=True) == 0
    assert told[0] == 404
    assert "exchanged" not in run.said


def test_saying_no_to_spotify_ends_in_one_sentence(run):
    run.fake.denies = True
    assert run(login=True) == 1
    assert run.sentence().startswith("The login was declined: run 'mopidy moodcam")
    assert not run.token_file.exists()


def test_with_nobody_at_browser_or_keyboard_the_login_does_not_wait(run, keyboard):
    keys, typed = keyboard
    typed.close()
    run.world |= {"browser": no_browser, "keyboard": keys}
    assert run() == 1
    assert run.sentence().startswith("Nobody logged in to Spotify")


def test_a_missing_client_id_is_explained_with_all_that_is_needed(run):
    run.client_id = ""
    assert run() == 1
    for needed in ("dashboard", "http://127.0.0.1:6681/", "moodcam/spotify_client_id"):
        assert needed in run.said
    assert run.fake.asked == []


def test_a_client_id_unknown_to_spotify_is_named(run):
    run.fake.faults.append(
        Fault("/api/token", 400, '{"error": "invalid_client", "error_description": ""}')
    )
    assert run(login=True) == 1
    assert "no application with this spotify_client_id" in run.sentence()


def test_logging_out_deletes_the_login(member):
    assert member(logout=True) == 0
    assert not member.token_file.exists()
    assert member(logout=True) == 0
    assert "Nobody was logged in" in member.said


def test_the_login_of_another_application_is_not_used(member):
    token = json.loads(member.token_file.read_text())
    member.token_file.write_text(json.dumps(token | {"client_id": "another"}))
    assert member() == 1
    assert member.sentence().startswith("Nobody logged in to Spotify")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"access_token": 5}'])
def test_a_damaged_login_is_as_good_as_none(member, text):
    member.token_file.write_text(text)
    assert member() == 1
    assert member.sentence().startswith("Nobody logged in to Spotify")


# Keeping the login


def test_an_old_token_is_renewed_and_the_new_login_kept(member):
    token = json.loads(member.token_file.read_text())
    member.token_file.write_text(json.dumps(token | {"expires_at": 0}))
    assert member(saved=True) == 0
    kept = json.loads(member.token_file.read_text())
    assert kept["refresh_token"] == member.fake.refresh != token["refresh_token"]
    assert stat.S_IMODE(member.token_file.stat().st_mode) == 0o600


def test_a_renewal_may_leave_out_what_stays_as_it_was(member):
    token = json.loads(member.token_file.read_text())
    member.token_file.write_text(json.dumps(token | {"expires_at": 0}))
    short = json.dumps({"access_token": token["access_token"], "expires_in": 3600})
    member.fake.faults.append(Fault("/api/token", 200, short))
    assert member(saved=True) == 0
    kept = json.loads(member.token_file.read_text())
    assert kept["refresh_token"] == token["refresh_token"]
    assert member(saved=True) == 0


def test_a_token_that_spotify_ends_early_is_renewed_once(member):
    member.fake.expire()
    assert member(saved=True) == 0
    assert member.fake.paths()[:3] == ["/v1/me", "/api/token", "/v1/me"]


def test_a_login_that_died_is_removed_with_one_sentence(member):
    member.fake.expire()
    member.fake.dead = True
    assert member(saved=True) == 1
    assert "run 'mopidy moodcam spotify --login'" in member.sentence()
    assert member.said.count("\n") == 1
    assert not member.token_file.exists()


def test_no_secret_reaches_a_log_or_the_screen(run, caplog):
    caplog.set_level(logging.DEBUG)
    run.fake.add_playlist("Mine", [in_playlist(1)])
    run.fake.faults.append(Fault("/me/tracks", 500))
    assert run() == 0
    run.fake.expire()
    assert run() == 0
    run.fake.faults.append(Fault("/v1/me", 403))
    assert run() == 1
    assert len(run.fake.secrets) == 5  # a code, and two pairs of tokens
    for secret in run.fake.secrets:
        assert secret not in caplog.text
        assert secret not in run.said


# Lists


def test_playlists_and_saved_songs_come_with_all_that_is_known_of_them(member):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(120)])
    member.fake.saved = [saved_song(n) for n in range(130, 100, -1)]
    assert member() == 0
    assert "131 songs added, 19 known before, 2 lists read" in member.said
    assert member.catalogue.counts()["tracks"] == 131
    row = member.catalogue.find(f"spotify:track:{spotify_id(7)}")
    assert row == TrackRow(
        uri=f"spotify:track:{spotify_id(7)}",
        title="Song 7",
        artist="Artist 7; Guest",
        album="Album 7",
        year=2019,
        duration_ms=200_007,
        spotify_id=spotify_id(7),
        isrc="DEABC1900007",
        track_id=row.track_id,
    )
    assert member.fake.offsets("/items") == ["0", "50", "100"]


def test_only_the_paths_that_are_left_are_asked_for(member):
    playlist = member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.finds = [song(2)]
    assert member(playlists=[""], saved=True, searches=["blue"]) == 0
    assert set(member.fake.paths()) == {
        "/v1/me",
        "/v1/me/playlists",
        "/v1/me/tracks",
        "/v1/search",
        f"/v1/playlists/{playlist}/items",
    }


def test_what_is_no_song_is_counted_with_its_reason(member):
    old = {"is_local": False, "track": song(2)}  # with extended quota
    member.fake.add_playlist(
        "Mixed",
        [
            in_playlist(1),
            old,
            None,
            "nonsense",
            {"is_local": False, "item": None},
            {"is_local": True, "item": song(3, id=None, is_local=True)},
            {"is_local": False, "item": song(4, type="episode")},
            {"is_local": False, "item": song(5, id="short")},
            {"is_local": False, "item": song(6, is_playable=False)},
            {"is_local": False, "item": song(7, name="")},
        ],
    )
    assert member(playlists=[""]) == 0
    assert member.catalogue.counts()["tracks"] == 2
    for words in (
        "2 songs added",
        "2 left out: an empty entry",
        "1 left out: no longer on Spotify",
        "1 left out: a file on your own computer, which only Spotify's program has",
        "1 left out: an episode, not a song",
        "1 left out: without a Spotify id",
        "1 left out: not to be played in your country",
        "1 left out: without a title",
    ):
        assert words in member.said


KEYS = ("item", "track", "type", "id", "name", "artists", "album", "is_local")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from((*KEYS, *FEATURES)), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.dictionaries(st.sampled_from((*KEYS, *FEATURES)), JSON))
def test_any_json_is_a_song_or_has_a_reason(entry, changes):
    for item in (entry, {"item": entry}, song(1) | changes):
        with contextlib.suppress(Rejected):
            assert track_of(item).uri.startswith("spotify:track:")
    for item in (entry, features(1) | changes):
        found = features_of(item)
        assert found is None or found[1].enough


@pytest.mark.parametrize(
    "changes",
    [
        {"artists": None, "album": None, "external_ids": None, "duration_ms": None},
        {"artists": [None, 5, {"name": None}], "album": {"release_date": 1999}},
        {"duration_ms": 10**400, "external_ids": {"isrc": ["x"]}},
        {"duration_ms": True, "album": {"name": {}, "release_date": "0000"}},
    ],
)
def test_a_song_with_parts_in_no_known_form_is_taken_without_them(member, changes):
    member.fake.finds = [song(1, **changes)]
    assert member(searches=["one"]) == 0
    row = member.catalogue.find(f"spotify:track:{spotify_id(1)}")
    assert (row.title, row.album, row.year, row.duration_ms) in {
        ("Song 1", "", None, None),
        ("Song 1", "", None, 200_001),
        ("Song 1", "Album 1", 2019, None),
    }


def test_names_that_look_like_markup_or_terminal_codes_do_no_harm(member):
    name = "[red]\x1b[31m[/nothing]"
    member.fake.add_playlist(name, [in_playlist(1)], owner={"id": "other"})
    assert member(playlists=[""]) == 0
    assert "\x1b" not in member.said
    assert "[red] [31m[/nothing]" in member.said


def test_progress_shows_such_names_as_they_are(member):
    member.terminal = True
    member.fake.add_playlist("[red]Mine[/nothing]", [in_playlist(1)])
    assert member(playlists=[""]) == 0
    assert "Playlist [red]Mine[/nothing]" in member.said


def test_playlists_of_others_are_named_and_not_asked_for(member):
    member.fake.add_playlist("Mine", [in_playlist(1)])
    member.fake.add_playlist("Theirs", [in_playlist(2)], owner={"id": "other"})
    member.fake.playlists.append(None)  # as Spotify has been seen to answer
    assert member(playlists=[""]) == 0
    assert "only playlists of your own, so 1 could not be read: 'Theirs'" in member.said
    assert member.fake.offsets("/items") == ["0"]


def test_a_playlist_that_spotify_keeps_back_does_not_stop_the_others(member):
    shared = {"owner": {"id": "other"}, "collaborative": True}
    member.fake.add_playlist("Shared", [in_playlist(1)], **shared)
    member.fake.add_playlist("Mine", [in_playlist(2)])
    assert member(playlists=[""]) == 0
    assert "'Shared'" in member.said
    assert member.catalogue.find(f"spotify:track:{spotify_id(2)}")


def test_an_unchanged_playlist_is_not_read_again_and_a_changed_one_is(member):
    playlist = member.fake.add_playlist("Mine", [in_playlist(1)])
    member(playlists=[""])
    version = member.catalogue.version()
    assert member(playlists=[""]) == 0
    assert member.fake.offsets("/items") == ["0"]
    assert "1 unchanged" in member.said
    assert member.catalogue.version() == version
    member.fake.entries[playlist].append(in_playlist(2))
    member.fake.playlists[0]["snapshot_id"] = "Mine 2"
    assert member(playlists=[""]) == 0
    assert member.catalogue.counts()["tracks"] == 2


def test_one_playlist_can_be_named_or_linked(member):
    first = member.fake.add_playlist("Quiet evening", [in_playlist(1)])
    second = member.fake.add_playlist("Party", [in_playlist(2)])
    assert member(playlists=["quiet EVENING"]) == 0
    assert member.fake.paths()[-1] == f"/v1/playlists/{first}/items"
    link = f"https://open.spotify.com/playlist/{second}?si=abc"
    assert member(playlists=[link]) == 0
    assert member.fake.paths()[-1] == f"/v1/playlists/{second}/items"
    assert member(playlists=["Work"]) == 1
    assert member.sentence().startswith("None of your playlists is 'Work'")


def test_saved_songs_are_read_only_as_far_as_they_are_new(member):
    member.fake.saved = [saved_song(n) for n in range(200, 0, -1)]
    assert member(saved=True) == 0
    assert member.catalogue.counts()["tracks"] == 200
    member.fake.asked.clear()
    assert member(saved=True) == 0
    assert member.fake.paths() == ["/v1/me", "/v1/me/tracks"]
    assert "1 unchanged" in member.said
    member.fake.saved = [saved_song(n) for n in range(203, 200, -1)] + member.fake.saved
    member.fake.asked.clear()
    assert member(saved=True) == 0
    assert len(member.fake.asked) == 3  # who, the newest, one page
    assert member.catalogue.counts()["tracks"] == 203


def test_saved_songs_are_read_in_full_where_the_order_is_not_as_before(member):
    member.fake.saved = [saved_song(n) for n in range(200, 0, -1)]
    assert member(saved=True) == 0
    # One was taken out, and one was saved as if it were an old one.
    del member.fake.saved[0]
    member.fake.saved.insert(120, saved_song(300) | {"added_at": "2026-01-03"})
    assert member(saved=True) == 0
    assert member.catalogue.find(f"spotify:track:{spotify_id(300)}")


def test_a_search_goes_ten_by_ten_to_the_first_fifty(member):
    member.fake.finds = [song(n) for n in range(75)]
    assert member(searches=["blue songs"]) == 0
    assert member.fake.offsets("/search") == ["0", "10", "20", "30", "40"]
    assert member.catalogue.counts()["tracks"] == 50


# Kills and interruptions

SYNC = (
    "import io, pathlib, sys, types;"
    "from rich.console import Console;"
    "from mopidy_moodcam.songs.catalogue import Catalogue;"
    "from mopidy_moodcam.songs.spotify.sync import Service, Wanted, World, sync;"
    "folder = pathlib.Path(sys.argv[1]);"
    "settings = types.SimpleNamespace("
    "    spotify_client_id=sys.argv[2], spotify_audio_features=False);"
    "world = World(Service(sys.argv[3], sys.argv[4]));"
    "opened = Catalogue.open(folder / 'catalogue.sqlite');"
    "sync(opened, settings, folder, Console(file=io.StringIO()), Wanted(), world=world)"
)


@pytest.mark.parametrize("what", ["playlist", "saved"])
def test_a_kill_loses_at_most_a_page_and_the_next_run_goes_on_there(member, what):
    end = {"playlist": "/items", "saved": "/me/tracks"}[what]
    if what == "playlist":
        member.fake.add_playlist("Mine", [in_playlist(n) for n in range(130)])
    else:
        member.fake.saved = [saved_song(n) for n in range(130, 0, -1)]
    member.fake.hold = (end, "100")
    service = member.fake.service
    folder = str(member.folder)
    words = [folder, CLIENT_ID, service.api, service.accounts]
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", SYNC, *words])
    assert member.fake.held.wait(60)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    member.fake.hold = None
    member.fake.released.set()

    assert member.catalogue.counts()["tracks"] == 100
    member.fake.asked.clear()
    assert member() == 0
    assert "100" in member.fake.offsets(end)
    assert "50" not in member.fake.offsets(end)
    assert member.catalogue.counts()["tracks"] == 130
    assert "30 songs added, 0 known before" in member.said
    assert faults.wounds(member.catalogue.path) == []


def test_what_was_read_before_an_interruption_stays(member):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(80)])
    member.fake.faults.append(Fault("/me/tracks", 503, times=99))

    def interrupt(_):
        raise KeyboardInterrupt

    member.slept = types.SimpleNamespace(append=interrupt)
    assert member() == 130
    assert "80 songs added" in member.said
    assert member.catalogue.counts()["tracks"] == 80


# Patience


def test_spotify_gets_the_pause_it_asks_for(member):
    pause = {"Retry-After": "17"}
    member.fake.faults.append(Fault("/me", 429, TOO_MANY % "", pause, times=2))
    assert member(saved=True) == 0
    assert member.slept == [17.0, 17.0]
    assert "Spotify asks for a pause of 17 seconds." in member.said


@pytest.mark.parametrize(
    ("body", "headers", "when"),
    [
        (TOO_MANY % ', "reason": "QUOTA_EXCEEDED"', {}, "later"),
        (
            TOO_MANY % ', "reason": "QUOTA_EXCEEDED"',
            {"Retry-After": "50"},
            "in a minute",
        ),
        (TOO_MANY % "", {"Retry-After": "36000"}, "in 10 hours"),
        (TOO_MANY % "", {"Retry-After": "inf"}, "later"),
    ],
)
def test_a_used_up_quota_is_said_and_not_waited_for(member, body, headers, when):
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(10)])
    member.fake.faults.append(Fault("/me/tracks", 429, body, headers))
    assert member() == 1
    assert when in member.sentence()
    assert member.slept == []
    assert member.catalogue.counts()["tracks"] == 10


def test_trouble_that_passes_is_waited_out(member):
    member.fake.faults.append(Fault("/me", 500))
    member.fake.faults.append(Fault("/me", 502, "<html>Bad gateway</html>"))
    member.fake.faults.append(Fault("/me", 429, TOO_MANY % ""))
    assert member(saved=True) == 0
    assert member.slept == [1.0, 2.0, 4.0]


def test_trouble_that_stays_is_one_sentence(member):
    member.fake.faults.append(Fault("/me", 503, times=99))
    assert member(saved=True) == 1
    assert len(member.slept) == 4
    assert member.sentence().startswith("Spotify has trouble of its own just now")
    assert member.said.count("\n") == 1


def test_a_spotify_that_never_has_enough_pauses_is_left_alone(member):
    pause = {"Retry-After": "30"}
    member.fake.faults.append(Fault("/me", 429, TOO_MANY % "", pause, times=99))
    assert member(saved=True) == 1
    assert member.slept == [30.0] * 4
    assert member.sentence().startswith("Spotify asks for pauses again and again")


def test_trouble_while_a_token_is_renewed_is_waited_out_too(member):
    member.fake.expire()
    member.fake.faults.append(Fault("/api/token", 503, "upstream"))
    member.fake.faults.append(Fault("/api/token", 200, '{"access_token": "x"}'))
    assert member(saved=True) == 0
    assert member.slept == [1.0, 2.0]


def test_without_a_network_there_is_one_sentence(member):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    away = f"http://127.0.0.1:{port}/"
    member.fake = types.SimpleNamespace(
        service=type(member.fake.service)(f"{away}v1/", away)
    )
    assert member(saved=True) == 1
    assert member.sentence().startswith("Spotify cannot be reached: check")
    assert member.said.count("\n") == 1


def test_an_application_without_permission_is_told_what_is_needed(member):
    said = '{"error": {"status": 403, "message": "User not registered"}}'
    member.fake.faults.append(Fault("/v1/me", 403, said))
    assert member() == 1
    assert "(User not registered): its owner needs Premium" in member.sentence()


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "[]", "null", "{}", '{"items": {}}', '{"items": null}', "\x00"],
)
def test_an_answer_in_no_known_form_is_one_sentence(member, body):
    member.fake.faults.append(Fault("/me/tracks", 200, body, times=99))
    assert member(saved=True) == 1
    assert member.sentence().startswith("Spotify ")
    assert member.said.count("\n") == 1


@pytest.mark.parametrize("body", ["[]", '{"error": "why"}', '{"error": [1]}', "5"])
def test_a_refusal_in_no_known_form_is_one_sentence(member, body):
    member.fake.faults.append(Fault("/me/tracks", 400, body, times=99))
    assert member(saved=True) == 1
    assert member.sentence().startswith("Spotify ")


def test_the_token_is_not_sent_to_where_a_page_points_elsewhere(member):
    page = {"items": [saved_song(1)], "total": 9, "next": "http://127.0.0.1:1/v1/me"}
    body = json.dumps(page)
    member.fake.faults.append(Fault("/me/tracks", 200, body, times=2))
    assert member(saved=True) == 1
    assert "in a form unknown here" in member.sentence()
    assert member.slept == []


# Features


def test_features_are_not_asked_for_unless_the_listener_says_so(member):
    member.fake.finds = [song(1), song(2)]
    member.fake.features = {spotify_id(1): features(1)}
    assert member(searches=["x"]) == 0
    assert "/v1/audio-features" not in member.fake.paths()
    assert "2 songs from Spotify wait for features, which Spotify no" in member.said


def test_features_come_by_the_hundred_where_the_application_may(member):
    member.audio_features = True
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(250)])
    member.fake.features = {spotify_id(n): features(n) for n in range(250)}
    assert member() == 0
    assert member.fake.paths().count("/v1/audio-features") == 3
    row = member.catalogue.find(f"spotify:track:{spotify_id(249)}")
    assert row.features.source is FeatureSource.SPOTIFY
    assert (row.features.energy, row.features.key) == (0.7, 5)
    member.fake.asked.clear()
    assert member() == 0
    assert "/v1/audio-features" not in member.fake.paths()


def test_impossible_features_are_not_stored(member):
    member.audio_features = True
    member.fake.finds = [song(n) for n in range(6)]
    member.fake.features = {
        spotify_id(0): None,
        spotify_id(1): features(1, energy=5.2),
        spotify_id(2): features(2, tempo=0),
        spotify_id(3): features(3, valence=None),
        spotify_id(4): "nonsense",
        spotify_id(5): features(5),
    }
    assert member(searches=["x"]) == 0
    assert member.catalogue.counts()["spotify"] == 1
    assert "5 songs from Spotify wait for features: import a table" in member.said
    assert faults.nonsense_in(member.catalogue.path) == []


def test_a_403_for_features_is_explained_once(member):
    member.audio_features = True
    member.fake.add_playlist("Mine", [in_playlist(n) for n in range(250)])
    assert member() == 0
    assert member.said.count("Spotify does not give audio features") == 1
    assert "set moodcam/spotify_audio_features to false" in member.said
    assert member.fake.paths().count("/v1/audio-features") == 1
    assert "250 songs from Spotify wait" in member.said


AUDIO = Features(energy=0.9, valence=0.8, arousal=0.7, source=FeatureSource.AUDIO)
TABLE = Features(energy=0.1, valence=0.2, source=FeatureSource.TABLE)


@pytest.mark.parametrize(
    "file",
    [
        TrackRow("local:track:a.mp3", "Song 1 (feat. X)", "artist 1"),
        TrackRow("local:track:a.mp3", "Other", "Else", isrc="DEABC1900001"),
        TrackRow("local:track:a.mp3", spotify_id=spotify_id(1)),
    ],
)
def test_a_song_that_is_also_a_file_takes_over_its_features(member, file):
    member.catalogue.upsert_tracks([file])
    member.catalogue.store_features(file.uri, AUDIO)
    member.fake.finds = [song(1), song(2)]
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(f"spotify:track:{spotify_id(1)}").features == AUDIO
    assert member.catalogue.find(f"spotify:track:{spotify_id(2)}").features is None
    assert "1 song from Spotify wait" in member.said


def test_a_file_analysed_later_gives_its_features_to_the_song_too(member):
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    uri = f"spotify:track:{spotify_id(1)}"
    member.catalogue.store_features(uri, TABLE)
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=AUDIO)
    member.catalogue.upsert_tracks([file])
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(uri).features == AUDIO


def test_a_scan_gives_the_features_of_its_files_to_such_songs(member, tmp_path):
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    path = sound_files.write(tmp_path / "1.wav", sound_files.song(seconds=3.5))
    file = WalkedTrack(path.as_uri(), path, "Song 1", "Artist 1")
    assert scan(member.catalogue, [file], console=Console(file=io.StringIO())) == 0
    row = member.catalogue.find(f"spotify:track:{spotify_id(1)}")
    assert row.features == member.catalogue.find(file.uri).features
    assert row.features.source is FeatureSource.AUDIO


def test_a_guess_from_a_files_tags_does_not_replace_a_table(member):
    guess = Features(energy=0.5, valence=0.5, source=FeatureSource.TAGS)
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=guess)
    uri = f"spotify:track:{spotify_id(1)}"
    member.catalogue.upsert_tracks([file, TrackRow(uri, features=TABLE)])
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    assert member.catalogue.find(uri).features == TABLE


def test_a_song_that_is_also_a_file_is_on_the_shelf_once_as_the_file(member):
    file = TrackRow("local:track:a.mp3", "Song 1", "Artist 1", features=AUDIO)
    member.catalogue.upsert_tracks([file])
    member.fake.finds = [song(1)]
    assert member(searches=["x"]) == 0
    shelf = load_shelf(member.catalogue)
    assert list(shelf.track_id) == [member.catalogue.find(file.uri).track_id]
    member.catalogue.fail(file.uri, "the file is gone", None, None)
    (left,) = load_shelf(member.catalogue).track_id
    assert member.catalogue.track(int(left)).uri.startswith("spotify:")
