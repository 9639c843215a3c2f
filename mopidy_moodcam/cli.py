"""What the subcommands of `mopidy moodcam` do.

Those that steer talk to the running server; those on songs call the functions
of the room `songs`, each imported only when it runs.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.glossary import UNKNOWN, Goal, SongMood
from mopidy_moodcam.remote import Server, ServerError
from mopidy_moodcam.resources import PACKAGES, MissingFile, data_dir, install

if TYPE_CHECKING:
    import argparse
    import pathlib
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from mopidy_moodcam.songs.catalogue import Catalogue

    Config = Mapping[str, Any]
    Arguments = argparse.Namespace


class CommandError(Exception):
    """What a person can mend; the message is one sentence."""


def run(
    function: Callable[[Arguments, Config], int], arguments: Arguments, config: Config
) -> int:
    """Run a subcommand; what a person can mend becomes one line on stderr."""
    from mopidy_moodcam.songs.schema import CatalogueError  # noqa: PLC0415

    try:
        return function(arguments, config)
    except (CommandError, ServerError, CatalogueError, MissingFile) as error:
        return _complain(str(error))
    except ModuleNotFoundError as error:
        return _complain(_missing(error))
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


# The running server


def status(arguments: Arguments, config: Config) -> int:
    """Print the status in words, or as JSON."""
    now = Server.from_config(config).get("status")
    if arguments.json:
        _say(json.dumps(now, indent=2, ensure_ascii=False))
    else:
        _say(*now["words"].values())
    return 0


def on(arguments: Arguments, config: Config) -> int:
    """Switch the camera on; a real one asks for consent once."""
    from mopidy_moodcam import words  # noqa: PLC0415

    consent = arguments.consent
    state = Server.from_config(config).get("camera")["camera"]["state"]
    if state == "needs consent" and not consent:
        _say(*words.CONSENT)
        if not _agreed("Do you agree, and switch the camera on?"):
            raise CommandError(
                "The camera stays off; 'mopidy moodcam on --consent' agrees."
            )
        consent = True
    return _change(config, "camera", "camera", on=True, consent=consent)


def off(_: Arguments, config: Config) -> int:
    """Switch the camera off."""
    return _change(config, "camera", "camera", on=False)


def mood(arguments: Arguments, config: Config) -> int:
    """Override the song mood, or go back to automatic."""
    if arguments.song_mood == "auto":
        return _change(config, "mood", "target", song_mood=None)
    song_mood = _one_of(arguments.song_mood, tuple(SongMood), "auto")
    seconds = seconds_in(arguments.duration) if arguments.duration else None
    return _change(config, "mood", "target", song_mood=song_mood, seconds=seconds)


def goal(arguments: Arguments, config: Config) -> int:
    """Show or set the goal."""
    if arguments.goal is None:
        _say(Server.from_config(config).get("status")["words"]["goal"])
        return 0
    return _change(config, "goal", "goal", goal=_one_of(arguments.goal, tuple(Goal)))


def pause(arguments: Arguments, config: Config) -> int:
    """Change nothing for a while."""
    seconds = seconds_in(arguments.duration)
    return _change(config, "pause", "pause", seconds=seconds)


def correct(arguments: Arguments, config: Config) -> int:
    """Say whether the mood is right, and what was learnt."""
    server = Server.from_config(config)
    before = server.get("status")
    now = _changed(server, "corrections", verdict=arguments.verdict)
    if before["mood"]["label"] == now["mood"]["label"] == UNKNOWN:
        return _complain("No mood is shown now, so there is nothing to correct.")
    _say(now["words"]["mood"], *_new(before["learnt"], now["learnt"], "corrections"))
    return 0


def baseline(arguments: Arguments, config: Config) -> int:
    """Start the two minutes of one's resting face, or forget it."""
    server = Server.from_config(config)
    before = server.get("status")
    now = _changed(server, "baseline", forget=arguments.forget)
    if arguments.forget:
        _say("Your resting face is forgotten.")
    else:
        _say("For two minutes look towards the camera with a resting face.")
    _say(*_new(before, now, "notices"))  # such as: no camera looks
    return 0


def why(_: Arguments, config: Config) -> int:
    """Print the picks with their reasons, the next ones first."""
    picks = Server.from_config(config).get("feedback")
    _say(*_reasons("Next:", picks["next_picks"]))
    playing = picks["playing_pick"]
    _say(*_reasons("Playing now:", [playing] if playing else []))
    _say(*_reasons("Last:", picks["last_picks"]))
    if not (picks["next_picks"] or playing or picks["last_picks"]):
        _say("Nothing was picked yet: 'mopidy moodcam status' says why.")
    return 0


# Songs


def scan(arguments: Arguments, config: Config) -> int:
    """Analyse the sound of Mopidy's library."""
    from mopidy_moodcam.songs import scan, walk  # noqa: PLC0415
    from mopidy_moodcam.songs.hearing import vibenet, workers  # noqa: PLC0415
    from mopidy_moodcam.songs.survey import Survey  # noqa: PLC0415

    if arguments.vibenet:
        vibenet.require()
    command = workers.WITH_VIBENET if arguments.vibenet else workers.COMMAND
    console = _console()
    survey = Survey()

    def say(library: str) -> None:
        console.print(f"Listing {library!r}.", markup=False)

    with _catalogue(config) as catalogue:

        def known(uri: str, path: pathlib.Path | None) -> bool:
            return not arguments.force and scan.is_known(catalogue, uri, path)

        return scan.scan(
            catalogue,
            walk.walk(config, known, survey, say),
            jobs=arguments.jobs,
            limit=arguments.limit,
            force=arguments.force,
            console=console,
            make_worker=lambda: workers.Worker(command),
            survey=survey,
        )


def import_(arguments: Arguments, config: Config) -> int:
    """Read tables."""
    from mopidy_moodcam.songs import tables  # noqa: PLC0415

    with _catalogue(config) as catalogue:
        return tables.import_files(
            catalogue, arguments.files, _console(), known=arguments.known
        )


def spotify(arguments: Arguments, config: Config) -> int:
    """Bring in the listener's own Spotify songs."""
    from mopidy_moodcam.settings import Settings  # noqa: PLC0415
    from mopidy_moodcam.songs.spotify import sync  # noqa: PLC0415

    settings = Settings.from_config(config["moodcam"])
    wanted = sync.Wanted(
        playlists=(*arguments.playlist, *([""] if arguments.playlists else [])),
        saved=arguments.saved,
        searches=tuple(arguments.search),
        login=arguments.login,
        logout=arguments.logout,
    )
    with _catalogue(config) as catalogue:
        return sync.sync(catalogue, settings, data_dir(config), _console(), wanted)


def cluster(_: Arguments, config: Config) -> int:
    """Fit the clusters anew."""
    from mopidy_moodcam.songs import moods  # noqa: PLC0415

    with _catalogue(config) as catalogue:
        return moods.refit(catalogue, _console())


def moods(arguments: Arguments, config: Config) -> int:
    """Show and change which songs are for what."""
    from mopidy_moodcam.songs import moods  # noqa: PLC0415

    with _catalogue(config) as catalogue:
        return moods.run(catalogue, arguments.words, _console())


def export(arguments: Arguments, config: Config) -> int:
    """Write the catalogue to a table or playlists, or moods into the files."""
    from mopidy_moodcam.songs import export  # noqa: PLC0415

    if (arguments.file is None) != arguments.tags:
        raise CommandError("Name one file to write, or give --tags.")
    with _catalogue(config) as catalogue:
        if arguments.tags:
            return export.tag_files(
                catalogue,
                _console(),
                media_dir=dict(config.get("local") or {}).get("media_dir"),
                dry_run=arguments.dry_run,
            )
        return export.export(catalogue, arguments.file, _console())


def forget(arguments: Arguments, config: Config) -> int:
    """Forget what was learnt (at the server) or stored (in the catalogue)."""
    what = arguments.what
    if not arguments.yes and not _agreed(f"Forget {what} for good?"):
        _say("Nothing is forgotten.")
        return 1
    if what in {"corrections", "baseline"}:
        _changed(Server.from_config(config), what, forget=True)
    else:
        with _catalogue(config) as catalogue:
            catalogue.forget(what)
    _say(f"Forgotten: {what}.")
    return 0


# The installation


def check(arguments: Arguments, config: Config) -> int:
    """Look at everything that must be right, and say what mends the rest."""
    from mopidy_moodcam import check  # noqa: PLC0415

    return check.run(config, camera=arguments.camera, console=_console())


def weights(_: Arguments, _config: Config) -> int:
    """Fetch the third-party weights."""
    from mopidy_moodcam.weights.__main__ import main  # noqa: PLC0415

    return main([])


# Helpers


def seconds_in(text: str) -> float:
    """Return the seconds in '90s', '30m', '1h', '1h30m' or '45' (minutes).

    Raises `CommandError`.
    """
    if re.fullmatch(r"[0-9]{1,5}", text):
        return float(text) * 60
    pattern = r"(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s)?"
    parts = re.fullmatch(pattern, text.lower())
    if parts is None or not text:
        raise CommandError(f"{text!r} is no time: write it like 90s, 30m, 1h or 1h30m.")
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds


def _change(config: Config, name: str, topic: str, **body: Any) -> int:  # noqa: ANN401
    """Ask for a change and print what the status says of `topic` then."""
    lines = _changed(Server.from_config(config), name, **body)["words"]
    _say(lines.get(topic, lines["target"]))
    if topic == "target":
        _say(*(lines[why] for why in ("pause", "quiet") if why in lines))
    return 0


def _changed(server: Server, name: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    """Ask for a change and return the first status published after it."""
    before = server.get("status")["time"]
    server.post(name, **body)
    now = server.get("status")
    for _ in range(20):
        if now["time"] != before:
            break
        time.sleep(0.1)
        now = server.get("status")
    return now


def _new(before: dict[str, Any], now: dict[str, Any], what: str) -> list[str]:
    return [sentence for sentence in now[what] if sentence not in before[what]]


def _reasons(title: str, picks: list[dict[str, Any]]) -> list[str]:
    from mopidy_moodcam import words  # noqa: PLC0415

    lines = [
        f"  {words.song(pick['artist'], pick['title'], pick['uri'])}: {pick['reason']}"
        for pick in picks
    ]
    return [title, *lines] if lines else []


@contextlib.contextmanager
def _catalogue(config: Config) -> Iterator[Catalogue]:
    """Open the catalogue; a running server is told when it was changed."""
    from mopidy_moodcam.songs.catalogue import Catalogue  # noqa: PLC0415

    with Catalogue.open(data_dir(config) / "catalogue.sqlite") as catalogue:
        before = catalogue.version()
        yield catalogue
        changed = catalogue.version() != before
    if changed:
        with contextlib.suppress(ServerError):
            Server.from_config(config).post("songs", reload=True)


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False)


def _one_of(word: str, *known: Any) -> str:  # noqa: ANN401
    words = [w for k in known for w in ((k,) if isinstance(k, str) else k)]
    if word not in words:
        raise CommandError(f"{word!r} is not known; known: {', '.join(words)}.")
    return word


def _missing(error: ModuleNotFoundError) -> str:
    module = (error.name or "").partition(".")[0]
    if module not in PACKAGES:
        raise error
    return f"This needs {module!r}, which is not installed; run: {install(module)}"


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _agreed(question: str) -> bool:
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in {"y", "yes"}


def _complain(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1
