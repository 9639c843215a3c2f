import json
import logging
import os
import socket
import stat
import struct
import threading
import urllib.error
import urllib.parse

import pytest

from mopidy_moodcam.songs.spotify import login
from tests.songs.spotify.fake_spotify import Fault, in_playlist
from tests.songs.spotify.listener import landing, no_browser, visit


@pytest.fixture
def keyboard():
    reading, writing = os.pipe()
    with os.fdopen(reading) as keys, os.fdopen(writing, "w", buffering=1) as typed:
        yield keys, typed


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


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("http://127.0.0.1:6681/?code=old&state=other", "belongs to another login"),
        ("http://127.0.0.1:6681/?code=cut-off", "paste it whole"),
        ("http://[/?code=odd&state=odd", "paste it whole"),
    ],
)
def test_what_is_pasted_wrong_is_asked_for_again(run, keyboard, wrong, why):
    keys, typed = keyboard
    address = []

    def elsewhere(shown):
        address.append(shown)
        typed.write(f"{wrong}\n")
        threading.Timer(0.1, lambda: typed.write(landing(shown) + "\n")).start()
        return False

    run.world |= {"browser": elsewhere, "keyboard": keys}
    assert run(login=True) == 0
    assert run.said.count(why) == 1


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


def test_a_browser_that_hangs_up_says_nothing_into_the_login(run, capsys):
    says_yes = run.world["browser"]

    def hasty_first(address):
        door = urllib.parse.urlsplit(landing(address))
        with socket.create_connection((door.hostname, door.port)) as visitor:
            visitor.send(b"GET ")
            reset = struct.pack("ii", 1, 0)
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        return says_yes(address)

    run.world["browser"] = hasty_first
    assert run(login=True) == 0
    assert capsys.readouterr().err == ""


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


def test_a_login_that_cannot_be_deleted_is_one_sentence(member):
    member.token_file.unlink()
    member.token_file.mkdir()
    assert member(logout=True) == 1
    assert "spotify.json' cannot be deleted (Is a directory)" in member.sentence()
    assert member.said.count("\n") == 1


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


def test_a_login_from_a_backup_becomes_private_again(member):
    member.token_file.chmod(0o644)
    assert member(saved=True) == 0
    assert stat.S_IMODE(member.token_file.stat().st_mode) == 0o600


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
