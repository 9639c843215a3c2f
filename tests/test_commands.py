"""`mopidy moodcam …` as Mopidy runs it, 3.4 and 4.0, against a running server."""

import contextlib
import contextvars
import dataclasses
import io
import json
import os
import subprocess
import sys
import time

import pytest

from mopidy_moodcam import cli, commands, remote
from mopidy_moodcam import desk as at_desk
from mopidy_moodcam.desk import Desk
from mopidy_moodcam.glossary import Goal, SongMood, Verdict
from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow
from mopidy_moodcam.songs.features import Features
from tests.web.dev_server import serving
from tests.web.scenes import Puppet, consent, happy, unknown

try:
    from mopidy import commands as mopidy_3
except ImportError:
    mopidy_3 = None


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def puppet(desk):
    return Puppet(desk, happy(time.time()), time.time)


@pytest.fixture
def config(tmp_path):
    return {
        "core": {"data_dir": str(tmp_path), "max_tracklist_length": 10000},
        "http": {"enabled": True, "hostname": "127.0.0.1", "port": 1},
        "moodcam": {"token": None},
    }


@pytest.fixture
def server(desk, puppet, config):  # noqa: ARG001
    with serving(desk, config) as port:
        config["http"]["port"] = port
        yield config


@pytest.fixture
def mopidy(capsys):
    """Run a subcommand the way the installed Mopidy does; returns (code, out, err)."""

    def run(config, *words):
        try:
            code = run_3(words, config) if mopidy_3 else run_4(words, config)
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return run


def run_3(words, config):
    root = mopidy_3.Command()
    root.add_child("moodcam", commands.command())
    arguments = root.parse(["moodcam", *words])
    assert arguments.base_verbosity_level == -1  # nothing but the answer is printed
    return arguments.command.run(arguments, config)


def run_4(words, config):
    import cyclopts
    from mopidy.config import Config

    app = cyclopts.App(name="mopidy")
    app.command(commands.command(), name="moodcam")

    def call():
        Config.set_global(Config(config))
        app(["moodcam", *words], result_action="return_value")
        return 0

    return contextvars.Context().run(call)


STEERING = [
    (["on"], at_desk.SwitchCamera(True), "Camera on"),
    (["on", "--consent"], at_desk.SwitchCamera(True, True), "Camera on"),
    (["off"], at_desk.SwitchCamera(False), "Camera off"),
    (
        ["mood", "sad", "--for", "1h"],
        at_desk.Override(SongMood.SAD, 3600.0),
        "Playing: sad songs, chosen by hand until",
    ),
    (
        ["mood", "--for", "90s", "calm"],
        at_desk.Override(SongMood.CALM, 90.0),
        "Playing: calm songs",
    ),
    (["mood", "calm"], at_desk.Override(SongMood.CALM), "Playing: calm songs"),
    (["mood", "auto"], at_desk.Override(None), "Playing: happy songs, automatic"),
    (["goal", "lift"], at_desk.SetGoal(Goal.LIFT), "Goal: lift"),
    (["pause"], at_desk.Pause(3600.0), "Paused until"),
    (["pause", "0"], at_desk.Pause(0.0), "Playing: happy songs"),
    (["correct", "wrong"], at_desk.Correct("wrong"), "you said 'wrong'"),
    (["baseline"], at_desk.Baseline(), "two minutes"),
    (["baseline", "--forget"], at_desk.Baseline(forget=True), "forgotten"),
    (
        ["forget", "corrections", "--yes"],
        at_desk.ForgetCorrections(),
        "Forgotten: corrections",
    ),
    (["forget", "baseline", "--yes"], at_desk.Baseline(forget=True), "Forgotten"),
]


@pytest.mark.parametrize(("words", "command", "said"), STEERING)
def test_steering_reaches_the_server_and_says_what_is_so(  # noqa: PLR0917
    server, puppet, mopidy, words, command, said
):
    code, out, err = mopidy(server, *words)
    assert (code, err) == (0, "")
    assert puppet.commands == [command]
    assert said in out


def test_a_mood_chosen_in_quiet_hours_says_that_nothing_comes(server, desk, mopidy):
    desk.publish(dataclasses.replace(happy(time.time()), quiet=True))
    assert "Quiet hours" in mopidy(server, "mood", "calm")[1]


def test_a_correction_of_no_mood_says_that_there_is_none(server, desk, mopidy):
    desk.publish(unknown(time.time()))
    code, out, err = mopidy(server, "correct", "wrong")
    assert (code, out) == (1, "")
    assert "nothing to correct" in err


def test_status_is_told_in_words(server, mopidy):
    code, out, _ = mopidy(server, "status")
    assert code == 0
    assert out.splitlines()[0].startswith("Mood: happy, 82% sure, since")
    assert "Songs: 1180 of 1204 ready" in out


def test_status_as_json_is_the_servers(server, mopidy):
    _, out, _ = mopidy(server, "status", "--json")
    assert json.loads(out)["mood"]["label"] == "happy"


def test_goal_alone_shows_it(server, puppet, mopidy):
    _, out, _ = mopidy(server, "goal")
    assert out.startswith("Goal: match (")
    assert puppet.commands == []


def test_why_names_picks_with_reasons(server, mopidy):
    _, out, _ = mopidy(server, "why")
    lines = out.splitlines()
    assert lines[0] == "Next:"
    assert lines[1].endswith("happy: close to the mood, not heard for 2 days")
    assert "Last:" in lines


def test_why_without_picks_says_so(server, desk, mopidy):
    desk.publish(unknown(1.0))
    assert "Nothing was picked yet" in mopidy(server, "why")[1]


@pytest.mark.parametrize("answer", ["", "n", None])
def test_a_real_camera_stays_off_without_consent(  # noqa: PLR0917
    server, desk, puppet, mopidy, monkeypatch, answer
):
    monkeypatch.setattr("sys.stdin", io.StringIO("" if answer is None else answer))
    desk.publish(consent(1.0))
    code, out, err = mopidy(server, "on")
    assert code == 1
    assert "No frame is stored and none is sent" in out
    assert "AI Act" in out
    assert "mopidy moodcam on --consent" in err
    assert puppet.commands == []


@pytest.mark.parametrize("words", [["on"], ["on", "--consent"]])
def test_a_real_camera_goes_on_with_consent(  # noqa: PLR0917
    server, desk, puppet, mopidy, monkeypatch, words
):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    desk.publish(consent(1.0))
    code, out, _ = mopidy(server, *words)
    assert code == 0
    assert out.endswith("Camera on\n")
    assert puppet.commands == [at_desk.SwitchCamera(True, True)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mood", "jolly"], "'jolly' is not known; known: happy, energetic"),
        (["mood", "sad", "--for", "soon"], "'soon' is no time: write it like 90s"),
        (["goal", "party"], "'party' is not known; known: match, lift"),
        (["pause", "-"], "is no time"),
        (["correct", "left"], "'verdict' must be one of right"),
        (["pause", "999h"], "'seconds' must lie between"),
        (["export"], "Name one file to write, or give --tags."),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(
    server, puppet, mopidy, words, sentence
):
    code, out, err = mopidy(server, *words)
    assert (code, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert puppet.commands == []


@pytest.mark.parametrize(
    "words",
    [
        ["mood"],
        ["scan", "--limit", "x"],
        ["scan", "--limit", "-1"],
        ["scan", "--jobs", "0"],
        ["on", "now"],
    ],
)
def test_wrong_words_are_explained_with_the_usage(config, mopidy, words):
    code, _, err = mopidy(config, *words)
    assert code == 2
    assert f"usage: mopidy moodcam {words[0]}" in err


def test_scanning_with_a_missing_vibenet_says_how_to_get_it_and_scans_nothing(
    config, mopidy, monkeypatch, tmp_path
):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    code, out, err = mopidy(config, "scan", "--vibenet")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "-m pip install vibenet" in err
    assert list(tmp_path.iterdir()) == []


def test_what_comes_plays_and_played_is_told_with_reasons(server, mopidy):
    code, out, _ = mopidy(server, "why")
    titles = [line for line in out.splitlines() if not line.startswith(" ")]
    assert (code, titles) == (0, ["Next:", "Playing now:", "Last:"])


@pytest.mark.parametrize("words", [["status"], ["on"], ["why"], ["mood", "sad"]])
def test_without_a_server_one_sentence_says_so(config, mopidy, words):
    code, out, err = mopidy(config, *words)
    assert (code, out) == (1, "")
    assert "No Mopidy server answers at http://127.0.0.1:1: start it" in err


def test_a_port_of_another_protocol_is_no_server_of_ours(config, mopidy):
    import socketserver

    class Greeting(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"OK MPD 0.19.0\n")
            self.request.recv(4096)

    with serving_with(socketserver.TCPServer(("127.0.0.1", 0), Greeting)) as port:
        config["http"]["port"] = port
        code, _, err = mopidy(config, "status")
    assert code == 1
    assert "or check http/hostname and http/port" in err


@contextlib.contextmanager
def serving_with(other):
    import threading

    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        yield other.server_address[1]
    finally:
        other.shutdown()
        other.server_close()


def test_with_http_switched_off_the_setting_is_named(config, mopidy):
    config["http"]["enabled"] = False
    assert "http/enabled" in mopidy(config, "status")[2]


def test_a_server_that_is_not_ours_is_recognised(config, mopidy):
    import http.server

    other = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    with serving_with(other) as port:
        config["http"]["port"] = port
        code, _, err = mopidy(config, "status")
    assert code == 1
    assert "is MoodCam enabled" in err


@pytest.mark.parametrize(
    ("hostname", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:6680"),
        ("::", "http://127.0.0.1:6680"),
        ("0.0.0.0", "http://127.0.0.1:6680"),  # noqa: S104
        (None, "http://127.0.0.1:6680"),
        ("::1", "http://[::1]:6680"),
        ("music.local", "http://music.local:6680"),
    ],
)
def test_the_server_is_found_by_its_own_settings(hostname, url):
    config = {"http": {"hostname": hostname, "port": 6680}, "moodcam": {}}
    assert remote.Server.from_config(config).url == url


def test_a_server_behind_a_file_is_said_to_be_out_of_reach():
    with pytest.raises(remote.ServerError, match="http/hostname"):
        remote.Server.from_config({"http": {"hostname": "unix:/run/mopidy.sock"}})


def test_the_token_is_shown_to_the_server(config, desk, puppet, mopidy, monkeypatch):
    config["moodcam"]["token"] = "s3cret"  # noqa: S105
    monkeypatch.setattr("mopidy_moodcam.web.access.from_this_machine", lambda _: False)
    with serving(desk, config) as port:
        config["http"]["port"] = port
        assert mopidy(config, "goal", "lift")[0] == 0
        config["moodcam"]["token"] = None
        refused = mopidy(config, "goal", "calm")
    assert puppet.commands == [at_desk.SetGoal(Goal.LIFT)]
    assert refused[0] == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("1h30m", 5400), ("45", 2700), ("0", 0)],
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert cli.seconds_in(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "1d", "1.5h", "-1h", "1m1h", "\u0661h", "1 h"]
)
def test_other_times_are_refused(text):
    with pytest.raises(cli.CommandError):
        cli.seconds_in(text)


@pytest.fixture
def catalogue(tmp_path):
    with Catalogue.open(tmp_path / "moodcam" / "catalogue.sqlite") as catalogue:
        catalogue.upsert_tracks(
            [
                TrackRow(
                    uri=f"local:track:{i}.flac",
                    title=f"Song {i}",
                    artist="Band",
                    features=Features(valence=i / 10, energy=1 - i / 10),
                )
                for i in range(10)
            ]
        )
        yield catalogue


def test_moods_and_export_work_on_the_catalogue(config, catalogue, mopidy, tmp_path):
    uri = "local:track:3.flac"
    assert mopidy(config, "moods", "move", uri, "sad")[0] == 0
    assert catalogue.find(uri).song_mood == SongMood.SAD
    table = tmp_path / "songs.csv"
    assert mopidy(config, "export", str(table))[0] == 0
    assert uri in table.read_text()


def test_a_scan_looks_up_what_is_new_or_changed_or_all_by_force(
    config, catalogue, mopidy, monkeypatch, tmp_path
):
    path, answers = tmp_path / "song.flac", []
    path.write_bytes(b"song")
    status = path.stat()
    row = TrackRow("local:song", "Song", mtime=status.st_mtime, size=status.st_size)
    catalogue.upsert_tracks([row])

    def walk(_config, known, _survey, say):
        say("Files [1]")
        answers.append(known(row.uri, path))
        return []

    monkeypatch.setattr("mopidy_moodcam.songs.walk.walk", walk)
    assert "Listing 'Files [1]'." in mopidy(config, "scan")[1]
    mopidy(config, "scan", "--force")
    path.write_bytes(b"song with new tags")
    mopidy(config, "scan")
    assert answers == [True, False, False]


def test_a_scan_forgets_what_is_gone_but_nothing_judged_or_moved(
    config, catalogue, mopidy, monkeypatch, tmp_path
):
    catalogue.judge("local:track:0.flac", Verdict.LOVED)
    catalogue.judge("local:track:1.flac", Verdict.BANNED)
    catalogue.move("local:track:2.flac", SongMood.SAD)
    catalogue.upsert_tracks([TrackRow("spotify:track:1"), TrackRow("file:///a.mp3")])

    def walk(_config, _known, survey, _say):
        survey.finished |= {"local", "spotify"}
        survey.media_dir = tmp_path
        survey.found.add("local:track:3.flac")
        return []

    monkeypatch.setattr("mopidy_moodcam.songs.walk.walk", walk)
    said = mopidy(config, "scan")[1]
    assert "Songs gone from their library and now forgotten: 6." in said
    assert [
        uri for (uri,) in catalogue.rows("SELECT uri FROM tracks ORDER BY uri")
    ] == [
        "file:///a.mp3",
        *(f"local:track:{number}.flac" for number in range(4)),
        "spotify:track:1",
    ]
    assert "forgotten" not in mopidy(config, "scan")[1]


def test_import_reads_a_table_into_the_catalogue(config, catalogue, mopidy, tmp_path):
    table = tmp_path / "liked.csv"
    table.write_text(
        "Track URI,Track Name,Artist Name(s),Danceability,Energy,Valence\n"
        "spotify:track:4uLU6hMCjMI75M1A2tKUQC,A song,Somebody,0.5,0.6,0.7\n"
    )
    assert mopidy(config, "import", str(table), "--known")[0] == 0
    assert catalogue.find("spotify:track:4uLU6hMCjMI75M1A2tKUQC") is None
    assert mopidy(config, "import", str(table))[0] == 0
    assert (
        catalogue.find("spotify:track:4uLU6hMCjMI75M1A2tKUQC").features.valence == 0.7
    )


def test_a_running_server_hears_of_a_changed_catalogue(
    server, puppet, catalogue, mopidy
):
    mopidy(server, "moods")
    assert puppet.commands == []
    mopidy(server, "moods", "move", "local:track:1.flac", "calm")
    assert puppet.commands == [at_desk.ReloadCatalogue()]
    assert catalogue.find("local:track:1.flac").song_mood == SongMood.CALM


def test_forgetting_asks_first(config, catalogue, mopidy, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "")
    code, out, _ = mopidy(config, "forget", "everything")
    assert (code, out) == (1, "Nothing is forgotten.\n")
    assert catalogue.counts()["tracks"] == 10
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert mopidy(config, "forget", "everything")[0] == 0
    assert catalogue.counts()["tracks"] == 0


def test_a_damaged_catalogue_is_one_sentence(config, mopidy, tmp_path):
    (tmp_path / "moodcam").mkdir()
    (tmp_path / "moodcam" / "catalogue.sqlite").write_bytes(b"no database" * 500)
    code, _, err = mopidy(config, "moods")
    assert code == 1
    assert "move it away" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "package"), [("spotipy", "spotipy"), ("sklearn.cluster", "scikit-learn")]
)
def test_a_missing_module_names_the_command_that_brings_it(capsys, module, package):
    def function(_arguments, _config):
        raise ModuleNotFoundError(name=module)

    assert cli.run(function, None, {}) == 1
    err = capsys.readouterr().err
    assert err.endswith(f"; run: {sys.executable} -m pip install {package}\n")


def test_our_own_mistakes_are_not_hidden():
    def function(_arguments, _config):
        raise ModuleNotFoundError(name="nonsense")

    with pytest.raises(ModuleNotFoundError):
        cli.run(function, None, {})


def test_every_subcommand_has_a_function_and_a_help():
    for subcommand in commands.SUBCOMMANDS:
        assert callable(getattr(cli, subcommand.run)), subcommand.name
        assert subcommand.help.endswith(".")
        assert f"mopidy moodcam {subcommand.name}" in subcommand.parser().format_help()


@pytest.mark.skipif(mopidy_3 is None, reason="Mopidy 4 prints its own overview")
def test_the_overview_lists_all_subcommands(config, mopidy):
    code, out, _ = mopidy(config, "--help")
    assert code == 0
    assert all(f"  {sub.name} " in out for sub in commands.SUBCOMMANDS)
    code, _, err = mopidy(config, "party")
    assert code == 2
    assert err.startswith("'party' is no subcommand; there are check, scan")


def test_starting_mopidy_imports_nothing_heavy_for_the_commands():
    heavy = [
        "numpy",
        "rich",
        "sklearn",
        "torch",
        "cv2",
        "tornado",
        "mopidy_moodcam.cli",
    ]
    code = (
        "import sys; from mopidy_moodcam import commands; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert found.stdout == "[]\n"
