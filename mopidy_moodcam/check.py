"""`mopidy moodcam check`: everything that must be right, in one table.

Each line has a verdict and, where something is wrong, the command or setting that
mends it. The camera is tried by a real eye in its own process, so a camera that
hangs or a library that crashes is a line of the table too. Works before Mopidy was
ever started; changes nothing, but a catalogue of an older version is brought up to
date, as by every command that reads it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import shlex
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from mopidy_moodcam import __version__, remote, resources
from mopidy_moodcam.eye import eye_command
from mopidy_moodcam.glossary import EXPRESSIONS, Reading
from mopidy_moodcam.seeing import devices
from mopidy_moodcam.seeing.beats import HANGING, Deadlines, message_of
from mopidy_moodcam.settings import Settings
from mopidy_moodcam.weights.fetch import RECIPES, is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

BURSTS = 2  # the first one is slower: libraries warm up
SLOW = 10.0  # seconds from one burst to the next; most cameras take two
SMALL_FACE = 30.0  # pixels; smaller ones are found but read badly
DIM = 0.15  # mean grey level under which readings become doubtful
LOOPBACK = ("127.0.0.1", "::1", "localhost")
CATALOGUE = "catalogue.sqlite"
WRITTEN = (CATALOGUE, f"{CATALOGUE}-wal", f"{CATALOGUE}-shm", "state.json")
"""What must not be another user's, such as root's after a scan with sudo."""
WEIGHTS = pathlib.Path(__file__).parent / "weights"


class Verdict(enum.StrEnum):
    """How a line of the table stands."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


COLOURS = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.BAD: "red"}


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at: what was found, and what mends it."""

    what: str
    verdict: Verdict
    found: str
    mend: str = ""


def run(
    config: Mapping[str, Any], *, camera: str | None = None, console: Console
) -> int:
    """Check with Mopidy's configuration; returns 0 unless something is bad."""
    settings = Settings.from_config(config.get("moodcam", {}))
    camera = camera or os.environ.get(devices.SOURCE)
    if camera:
        settings = dataclasses.replace(settings, camera=camera)
    http, mpd = config.get("http", {}), config.get("mpd", {})
    return check(settings, resources.data_dir(config), console, http=http, mpd=mpd)


def check(
    settings: Settings,
    data_dir: pathlib.Path,
    console: Console,
    *,
    http: Mapping[str, Any],
    mpd: Mapping[str, Any],
    ask_eye: Callable[[Settings], EyeTalk] | None = None,
) -> int:
    """Look at everything and print the table; returns 0 unless something is bad.

    `ask_eye` replaces the start of a real eye.
    """
    lines = [*versions(), page(http), *token(settings, mpd), *weights(WEIGHTS)]
    lines += camera_lines(settings.camera)
    if settings.camera != "none":
        shown = devices.without_secrets(settings.camera)
        console.print(f"Looking through the camera {shown!r} …", markup=False)
        talk = (ask_eye or talk_to_eye)(settings)
        if lines[-1].verdict is not Verdict.GOOD and talk.about:
            talk.trouble = ""  # the camera's own line says it already
        lines += eye_lines(talk, settings)
    lines += list(closed(data_dir)) or catalogue(data_dir / CATALOGUE)
    console.print(table(lines))
    return 1 if any(line.verdict is Verdict.BAD for line in lines) else 0


def table(lines: Sequence[Line]) -> Any:  # noqa: ANN401 (rich is imported late)
    """Return the lines as a rich table."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(show_lines=False, pad_edge=False, box=None)
    for heading in ("", "", "found", "to mend it"):
        made.add_column(heading, overflow="fold")
    for line in lines:
        colour = COLOURS[line.verdict]
        made.add_row(
            Text(line.verdict, style=colour),
            Text(line.what, style="bold"),
            Text(line.found),
            Text(line.mend),
        )
    return made


def versions() -> Iterator[Line]:
    """Say which versions are at work."""
    mopidy = _version("Mopidy") or "missing"
    found = (
        f"MoodCam {__version__}, Mopidy {mopidy}, Python {platform.python_version()}"
    )
    yield Line("versions", Verdict.GOOD, found)
    missing = [name for name in ("sklearn", "mutagen") if not _installed(name)]
    if missing:
        yield Line(
            "analysis of songs",
            Verdict.NOTE,
            f"the Python packages {', '.join(missing)} are missing",
            resources.install(*missing),
        )


def page(http: Mapping[str, Any]) -> Line:
    """Say where the page opens, by the settings of Mopidy-HTTP."""
    try:
        url = remote.Server.from_config({"http": http}).url
    except remote.ServerError as error:
        return Line("page", Verdict.BAD, str(error))
    if http.get("hostname") in LOOPBACK:
        return Line(
            "page",
            Verdict.NOTE,
            f"{url}/moodcam/, on this machine only",
            "to open it elsewhere, set http/hostname = :: and a moodcam/token",
        )
    return Line("page", Verdict.GOOD, f"{url}/moodcam/, and from other devices")


def token(settings: Settings, mpd: Mapping[str, Any]) -> Iterator[Line]:
    """Say where MPD clients may steer without the token, which MPD does not know."""
    host = mpd.get("hostname") or ""
    nearby = host in LOOPBACK or host.startswith("unix:")
    closed = nearby or mpd.get("password") or not mpd.get("enabled")
    if settings.token and settings.outputs and not closed:
        yield Line(
            "token",
            Verdict.NOTE,
            "MPD clients on other machines may steer without it",
            "set mpd/password, or moodcam/outputs = false",
        )


def weights(folder: pathlib.Path) -> Iterator[Line]:
    """Say whether the third-party weights are there and unchanged."""
    missing = [recipe.target for recipe in RECIPES if not is_there(recipe, folder)]
    if missing:
        yield Line(
            "weights",
            Verdict.BAD if missing[0].startswith("blazeface") else Verdict.NOTE,
            f"missing or changed: {', '.join(missing)}",
            resources.fetch_weights(),
        )
    else:
        yield Line("weights", Verdict.GOOD, f"{len(RECIPES)} files, as pinned")


def camera_lines(
    source: str,
    list_devices: Callable[[], list[str]] = devices.video_devices,
    name_device: Callable[[str], str] = devices.camera_name,
) -> Iterator[Line]:
    """Say which camera the setting means and whether this user may open it.

    `auto` may mean several: the eye takes the first that gives frames.
    """
    source = devices.location(source)
    if source == "none":
        yield Line("camera", Verdict.NOTE, "switched off by moodcam/camera = none")
        return
    if source != "auto" and not source.startswith("/dev/"):
        if not source.isdecimal():
            shown = devices.without_secrets(source)
            yield Line("camera", Verdict.GOOD, f"{shown!r}, no device of this machine")
            return
        source = f"/dev/video{source}"
    troubles: list[devices.CameraError] = []
    free: list[str] = []
    for path in list_devices() if source == "auto" else [source]:
        try:
            free.append(f"{path}: {name_device(path)}")
        except devices.CameraError as error:
            troubles.append(error)
    if free:
        yield Line("camera", Verdict.GOOD, ", or ".join(free))
        return
    error = devices.most_telling(troubles) if source == "auto" else troubles[0]
    found, _, mend = error.sentence.partition("; run: ")
    verdict = Verdict.NOTE if error.reason == "busy" else Verdict.BAD
    yield Line("camera", verdict, found, mend)


@dataclasses.dataclass(slots=True)
class EyeTalk:
    """What an eye said in one short life."""

    about: dict[str, Any] | None = None
    readings: list[Reading] = dataclasses.field(default_factory=list)
    milliseconds: float | None = None
    trouble: str = ""


def talk_to_eye(settings: Settings, deadlines: Deadlines | None = None) -> EyeTalk:
    """Start a real eye for two bursts and listen to it; it is killed where it hangs."""
    command = eye_command(settings.runtime)
    command += ["--about", "--count", str(BURSTS), "--interval", "2"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {devices.SOURCE: settings.camera},
    )
    lines, hangs = _heard(process, deadlines or Deadlines())
    cried = process.communicate()[1].decode("utf-8", "replace").strip().splitlines()
    talk = listen(lines)
    if hangs:
        talk.trouble = HANGING[hangs]
    elif process.returncode and not talk.trouble:
        last = "".join(cried[-1:])
        talk.trouble = f"the eye ended with {process.returncode}: {last}"
    return talk


def _heard(
    process: subprocess.Popen[bytes], deadlines: Deadlines
) -> tuple[list[bytes], str]:
    """Return the eye's lines, and what it hung at where it had to be killed."""
    hung: list[str] = []

    def kill(doing: str) -> None:
        hung.append(doing)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    lines: list[bytes] = []
    timer = threading.Timer(deadlines.start, kill, ["start"])
    timer.start()
    for line in process.stdout or ():
        lines.append(line)
        message = message_of(line)
        if message.get("type") == "beat":
            doing = message["doing"]
            timer.cancel()
            silence = deadlines.after(doing, message["seconds"])
            timer = threading.Timer(silence, kill, [doing])
            timer.start()
    timer.cancel()
    return lines, "".join(hung)


def listen(lines: Sequence[bytes]) -> EyeTalk:
    """Take in the lines an eye printed."""
    talk = EyeTalk()
    for line in lines:
        message = message_of(line)
        if message.get("type") == "about":
            talk.about = message
        elif message.get("type") == "reading":
            talk.readings.append(Reading.from_json(message))
            talk.milliseconds = message["milliseconds"]
        elif message.get("type") == "state":
            talk.trouble = message["why"] if message["word"] == "trouble" else ""
    return talk


def eye_lines(talk: EyeTalk, settings: Settings) -> Iterator[Line]:
    """Say what the eye found of itself, of the light and of faces."""
    if talk.about is None:
        found, _, mend = talk.trouble.partition("; run: ")
        yield Line("eye", Verdict.BAD, found or "the eye said nothing", mend)
        return
    yield from _about(talk.about)
    if talk.trouble:
        found, _, mend = talk.trouble.partition("; ")
        yield Line("picture", Verdict.BAD, found, mend)
    reading = talk.readings[-1] if talk.readings else None
    if reading is None or not reading.frames:
        return
    seconds = reading.time - talk.readings[0].time
    if seconds > SLOW:
        yield Line(
            "picture",
            Verdict.NOTE,
            f"slow: a look took {seconds:.0f} seconds",
            "let the camera send more pictures, and more I-frames, a second",
        )
    yield _light(reading)
    yield _faces(reading)
    yield _cost(talk.milliseconds or 0.0, settings.interval)


def _about(about: Mapping[str, Any]) -> Iterator[Line]:
    if about["finder"] == "HaarFinder":
        yield Line(
            "face detector",
            Verdict.NOTE,
            "OpenCV's old cascade: frontal faces in good light only",
            resources.fetch_weights(),
        )
    else:
        yield Line(
            "face detector", Verdict.GOOD, f"BlazeFace, OpenCV {about['opencv']}"
        )
    right = tuple(about["labels"]) == EXPRESSIONS
    yield Line(
        "expression network",
        Verdict.GOOD if right else Verdict.BAD,
        f"answers its test picture as it should, by {about['runtime']}"
        if right
        else f"its labels are {', '.join(about['labels'])}",
        "" if right else resources.REINSTALL,
    )


def _light(reading: Reading) -> Line:
    light = reading.light or 0.0
    found = f"{100 * light:.0f} % of full"
    if reading.reason == "dark":
        return Line("light", Verdict.BAD, found, "uncover the lens or switch a lamp on")
    if reading.reason == "blurred":
        return Line("light", Verdict.BAD, f"{found}, but smeared", "wipe the lens")
    if light < DIM:
        return Line("light", Verdict.NOTE, found, "more light makes readings surer")
    return Line("light", Verdict.GOOD, found)


def _faces(reading: Reading) -> Line:
    if not reading.faces:
        return Line(
            "faces",
            Verdict.NOTE,
            f"none ({reading.reason})",
            "sit where you listen and run this again",
        )
    widths = [round(face.pixels) for face in reading.faces]
    shown = ", ".join(_face(face.probabilities) for face in reading.faces)
    found = f"{len(widths)}, {' and '.join(map(str, widths))} pixels wide: {shown}"
    if max(widths) < SMALL_FACE:
        return Line("faces", Verdict.NOTE, found, "bring the camera nearer")
    return Line("faces", Verdict.GOOD, found)


def _face(probabilities: Sequence[float]) -> str:
    best = max(range(len(EXPRESSIONS)), key=probabilities.__getitem__)
    return f"{EXPRESSIONS[best]} {100 * probabilities[best]:.0f} %"


def _cost(milliseconds: float, interval: int) -> Line:
    share = milliseconds / 10 / max(1, interval)
    found = f"{milliseconds:.0f} ms of processor a burst, {share:.1f} % of one core"
    if share > 5:
        return Line("speed", Verdict.NOTE, found, "raise moodcam/interval")
    return Line("speed", Verdict.GOOD, found)


def closed(data_dir: pathlib.Path) -> Iterator[Line]:
    """Say where this user cannot use the data folder and its files, or not make it."""
    folder = data_dir.absolute()
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    files = (folder / name for name in WRITTEN)
    if (
        nearest.is_dir()
        and os.access(nearest, os.R_OK | os.W_OK | os.X_OK)
        and all(os.access(file, os.R_OK | os.W_OK) for file in files if file.exists())
    ):
        return
    make = "chown -R" if nearest == folder else "install -d -o"
    yield Line(
        "data",
        Verdict.BAD,
        f"this user cannot read and write {str(folder)!r}",
        f"sudo {make} {os.getuid()} {shlex.quote(str(folder))}",
    )


def catalogue(path: pathlib.Path) -> Iterator[Line]:
    """Say how many songs are known; a missing catalogue is not made here."""
    scan = "mopidy moodcam scan"
    if not path.is_file():
        yield Line("songs", Verdict.NOTE, "no catalogue yet", scan)
        return
    from mopidy_moodcam.songs.catalogue import Catalogue  # noqa: PLC0415
    from mopidy_moodcam.songs.schema import CatalogueError  # noqa: PLC0415

    try:
        with Catalogue.open(path) as opened:
            counts = opened.counts()
    except CatalogueError as error:
        yield Line("songs", Verdict.BAD, str(error))
        return
    found = f"{counts['tracks']} tracks, {counts['analysed']} with a place on the plane"
    if counts["analysed"]:
        yield Line("songs", Verdict.GOOD, found)
    elif counts["tracks"]:
        yield Line("songs", Verdict.NOTE, found, scan)
    else:
        fill = f"let Mopidy list some, as by: mopidy local scan; then: {scan}"
        yield Line("songs", Verdict.NOTE, found, fill)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
