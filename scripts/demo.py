"""Start Mopidy with MoodCam for a person who wants to see it work at once.

Everything it writes lies in the folder `.demo` of the checkout. A webcam is
used where there is one (it stays off until switched on), else the drawn demo
faces; the music folder given is used, or ~/Music where it holds songs, else
demo songs that are synthesised at the first start.
"""

from __future__ import annotations

import argparse
import configparser
import importlib.metadata
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from mopidy_moodcam.memory import InUseError, held
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.songs import demo_songs

ROOT = pathlib.Path(__file__).resolve().parent.parent
SONG_ENDINGS = {".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav", ".oga", ".aac"}
PAGE_DEADLINE = 60.0
PATIENCE = 10.0  # seconds for a process to end
CONF = "mopidy.conf"


def main() -> int:
    """Let one MoodCam run in a folder, and a signal end it with its children."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup wants it
            signal.signal(number, lambda *_: sys.exit())
    options = parse()
    home = options.home.resolve()
    try:
        with held(home):
            return run(options, home)
    except InUseError:
        sys.exit(
            f"MoodCam runs in {home} already, or is about to, at {page_of(home)};"
            " end that one first, or give another folder with --home."
        )


def run(options: argparse.Namespace, home: pathlib.Path) -> int:
    """Prepare, start Mopidy, say where it is, and wait for its end."""
    camera = options.camera or (
        "auto" if any(pathlib.Path("/dev").glob("video*")) else "demo"
    )
    music, is_demo = find_music(options.music, home)
    http_port, mpd_port = free_port(options.http_port), free_port(options.mpd_port)
    conf = write_config(home, camera, music, http_port, mpd_port, options)
    # Mopidy 4 cannot be run with -m; its script lies beside the interpreter.
    script = pathlib.Path(sys.executable).with_name("mopidy")
    mopidy = [sys.executable, "-W", "ignore", str(script), "--config", str(conf)]
    run_quietly([*mopidy, "local", "scan"], "the library scan")
    scan = [*mopidy, "moodcam", "scan"]
    if is_demo:
        run_quietly(scan, "the analysis of the demo songs")
    server = subprocess.Popen(mopidy, cwd=home)
    children = [server]
    try:
        if not is_demo:
            children.append(start_scan(scan, home))
        announce(server, page_of(home), mpd_port, camera)
        return server.wait()
    finally:
        stop(children)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/run", description=__doc__)
    parser.add_argument("--music", type=pathlib.Path, help="your music folder")
    parser.add_argument("--camera", help="a camera setting, such as demo or a video")
    parser.add_argument("--http-port", type=int, default=6680)
    parser.add_argument("--mpd-port", type=int, default=6600)
    parser.add_argument("--home", type=pathlib.Path, default=ROOT / ".demo")
    parser.add_argument("--output", help="a GStreamer sink, such as fakesink")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a moodcam setting, such as dwell=10",
    )
    return parser.parse_args()


def find_music(given: pathlib.Path | None, home: pathlib.Path) -> tuple[str, bool]:
    """Return the music folder and whether it is the demo's."""
    folder = given or pathlib.Path.home() / "Music"
    if folder.is_dir() and has_songs(folder):
        return str(folder.resolve()), False
    if given:
        say(f"There are no songs in {given}, so the demo songs play.")
    songs = home / "songs"
    songs.mkdir(parents=True, exist_ok=True)
    if not has_songs(songs):
        say("Composing the demo songs, once.")
    demo_songs.write(songs)
    return str(songs), True


def has_songs(folder: pathlib.Path) -> bool:
    """Say whether a music file lies anywhere in the folder."""
    return any(path.suffix.lower() in SONG_ENDINGS for path in folder.rglob("*"))


def free_port(wanted: int) -> int:
    """Return the wanted port, or the next free one after it."""
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            probe.settimeout(2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        if port != wanted:
            say(f"Port {wanted} is in use, so {port} is taken.")
        return port
    sys.exit(f"No free port from {wanted} on; give one with --http-port or --mpd-port.")


def sink(given: str | None) -> str:
    """Return a sink that works with and without a sound card."""
    if given:
        return given
    cards = pathlib.Path("/proc/asound/cards")
    has_card = cards.exists() and "no soundcards" not in cards.read_text()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    has_server = any(
        pathlib.Path(runtime, name).exists() for name in ("pulse/native", "pipewire-0")
    )
    if has_card or (runtime and has_server):
        return "autoaudiosink"
    say("There is no sound card, so the music plays silently.")
    return "fakesink sync=true"


def write_config(  # noqa: PLR0917
    home: pathlib.Path,
    camera: str,
    music: str,
    http_port: int,
    mpd_port: int,
    options: argparse.Namespace,
) -> pathlib.Path:
    """Write Mopidy's configuration into the demo's folder."""
    parser = configparser.RawConfigParser()
    parser.read_dict(
        {
            "core": {f"{k}_dir": str(home / k) for k in ("cache", "config", "data")},
            "audio": {"mixer": "software", "output": sink(options.output)},
            "http": {"hostname": "127.0.0.1", "port": http_port, "zeroconf": ""},
            "mpd": {"hostname": "127.0.0.1", "port": mpd_port, "zeroconf": ""},
            "file": {"enabled": "false"},
            "m3u": {"enabled": "false"},
            "stream": {"enabled": "true"},
            "local": {"media_dir": music},
            "logging": one_line_logging(),
            "moodcam": {"camera": camera, "autostart": "true"}
            | dict(pair.split("=", 1) for pair in options.set),
        }
    )
    path = home / CONF
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    return path


def page_of(home: pathlib.Path) -> str:
    """Return the page's address, by the configuration in the demo's folder."""
    parser = configparser.RawConfigParser()
    parser.read(home / CONF, encoding="utf-8")
    port = parser.get("http", "port", fallback="6680")
    return f"http://127.0.0.1:{port}/moodcam/"


def one_line_logging() -> dict[str, str]:
    """Return settings for a log that a person can follow; Mopidy 4's is one."""
    if importlib.metadata.version("Mopidy") >= "4":
        return {}
    return {"format": "%(asctime)s %(levelname)-7s %(message)s"}


def run_quietly(command: list[str], what: str) -> None:
    """Run a step and go on without it where it fails."""
    started = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        last = (result.stdout + result.stderr).strip().splitlines()[-1:]
        say(f"Going on without {what}: {' '.join(last)}")
    elif time.monotonic() - started > 5:
        say(f"Finished {what}.")


def start_scan(command: list[str], home: pathlib.Path) -> subprocess.Popen[bytes]:
    """Analyse a listener's own library beside the running server."""
    log = home / "scan.log"
    say(f"Your songs are being analysed in the background; see {log}.")
    with log.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=file)


def announce(
    server: subprocess.Popen[bytes], page: str, mpd_port: int, camera: str
) -> None:
    """Wait for the page and say how to reach everything."""
    until = time.monotonic() + PAGE_DEADLINE
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(page, timeout=2).close()  # noqa: S310  (http only)
        except OSError:
            time.sleep(0.2)
            continue
        mpc = f"mpc --host 127.0.0.1 --port {mpd_port}"
        say(f"The page: {page}")
        say(f"Try: {mpc} playlist   {mpc} outputs   {mpc} ls MoodCam")
        if Settings(camera=camera).needs_consent:
            say("The camera stays off until you switch it on, on the page.")
        say("End with Ctrl+C.")
        return


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask every process that still runs to end, and end those that do not."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # Mopidy may miss a signal as it starts
            process.kill()
            process.wait()


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(f"MoodCam: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
