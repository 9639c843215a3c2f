"""The remotes of a running Mopidy: mpc, MPD clients, and the command line."""

import shutil
import subprocess
import threading

import pytest

from tests.server.conftest import moods_of, mopidy


def mpc(server, *words):
    if shutil.which("mpc") is None:
        pytest.skip("mpc is not installed")
    done = subprocess.run(
        ["mpc", "--host=127.0.0.1", f"--port={server.mpd_port}", *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.splitlines()


def moodcam(server, *words):
    """Run `mopidy moodcam …` with the server's own configuration."""
    done = subprocess.run(
        [*mopidy(server.data.parents[1] / "mopidy.conf"), "moodcam", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_mpc_switches_camera_and_moods(serve):
    server = serve()
    mpc(server, "disable", "Mood camera")
    server.wait_for(lambda: not server.status()["camera"]["on"], "camera off")
    mpc(server, "enable", "2")
    server.wait_for(lambda: server.status()["camera"]["on"], "camera on")
    assert "Output 8 (Mood: intense) is enabled" in mpc(
        server, "enable", "Mood: intense"
    )
    server.wait_for_queue(lambda q: moods_of(q) == {"intense"}, "intense songs")
    mpc(server, "disable", "Mood: intense")
    server.wait_for(lambda: not server.status()["override"], "automatic again")


def test_mpc_loads_the_playlist_of_a_mood(serve):
    server = serve()
    assert "MoodCam Sad" in mpc(server, "lsplaylists")
    mpc(server, "load", "MoodCam Sad")
    assert moods_of(server.queue()) == {"sad"}


def test_idle_clients_are_woken_by_a_change_of_the_outputs(serve):
    server = serve()
    other, woken = server.mpd(), []
    idle = threading.Thread(target=lambda: woken.extend(other.idle("output")))
    idle.start()
    server.wait_for(idle.is_alive, "idle client")
    server.post("goal", {"goal": "lift"})
    idle.join(10)
    assert woken == ["output"]
    other.disconnect()


@pytest.mark.parametrize("way", ["play", "next", "end of the song"])
def test_an_entry_of_our_folders_in_the_queue_does_not_stop_the_music(serve, way):
    server = serve(hands_off=3600)
    client = server.client
    client.add("local:track:other-0.wav")
    client.add("moodcam:status:mood")
    client.add("local:track:other-1.wav")

    def plays(song):
        now = client.status()
        return now["state"] == "play" and now.get("song") == str(song)

    if way == "play":
        client.play(1)
    else:
        client.play(0)
        server.wait_for(lambda: plays(0), "the first song", 20)
        if way == "next":
            client.next()
        else:
            client.seekcur(9)
    server.wait_for(lambda: plays(2), "music behind the entry", 20)


def test_the_command_line_steers_and_prints_nothing_else(serve):
    server = serve()
    code, out, err = moodcam(server, "mood", "sad", "--for", "1h")
    assert (code, err) == (0, "")
    assert out.startswith("Playing: sad songs, chosen by hand until")
    assert out.count("\n") == 1
    server.wait_for_queue(lambda q: moods_of(q) == {"sad"}, "sad songs")
    code, out, _ = moodcam(server, "why")
    assert code == 0
    assert "sad-" in out
    assert moodcam(server, "mood", "auto")[0] == 0
    server.wait_for(lambda: not server.status()["override"], "automatic again")


def test_the_command_line_says_in_one_sentence_that_no_server_runs(serve):
    server = serve()
    server.stop()
    code, out, err = moodcam(server, "status")
    assert (code, out) == (1, "")
    assert err.startswith("No Mopidy server answers at http://127.0.0.1:")
    assert err.count("\n") == 1
