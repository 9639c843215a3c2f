"""`mopidy moodcam …`: one table of subcommands for Mopidy 3.4 and 4.0.

Mopidy 3.4 wants a tree of its own `Command` objects, 4.0 a `cyclopts.App`.
Both only pass on the words after the subcommand's name; argparse reads them,
so both understand and say the same. What a subcommand needs is imported when
it runs: Mopidy loads this module at every start.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Config = Mapping[str, Any]
    Run = Callable[[argparse.Namespace, Config], int]
    Arguments = Callable[[argparse.ArgumentParser], None]

PROG = "mopidy moodcam"
HELP = "Music that follows the mood of the room."


@dataclasses.dataclass(frozen=True, slots=True)
class Subcommand:
    """One subcommand: its name, its help, what it takes and what it does.

    `run` is the name of a function in `cli.py` that gets the parsed arguments
    and Mopidy's configuration, and returns the exit code.
    """

    name: str
    help: str
    run: str
    arguments: Arguments = lambda _parser: None
    epilog: str = ""

    def parser(self) -> argparse.ArgumentParser:
        """Return the parser of the words after the name."""
        parser = argparse.ArgumentParser(
            prog=f"{PROG} {self.name}", description=self.help, epilog=self.epilog
        )
        self.arguments(parser)
        return parser

    def call(self, words: Sequence[str], config: Config) -> int:
        """Parse `words` and run; 1 for what a person can mend, 2 for a wrong word."""
        from mopidy_moodcam import cli  # noqa: PLC0415

        try:
            arguments = self.parser().parse_args(words)
        except SystemExit as end:  # argparse said what is wrong, or printed its help
            return int(end.code or 0)
        return cli.run(getattr(cli, self.run), arguments, config)


def _number(text: str) -> int:
    """Return the whole number from 1 on that was given; raises what argparse says."""
    if not text.isdecimal() or not (number := int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def _scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=_number, default=1, help="worker processes")
    parser.add_argument("--limit", type=_number, help="stop after so many tracks")
    parser.add_argument(
        "--force", action="store_true", help="analyse unchanged tracks again"
    )
    parser.add_argument(
        "--vibenet",
        action="store_true",
        help="take danceability, acousticness, speechiness and liveness from VibeNet",
    )


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--camera",
        help="look at this source instead of the setting's; a URL with a password "
        "better as MOODCAM_CAMERA in the environment",
    )


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", help="CSV or Parquet files")
    parser.add_argument(
        "--known",
        action="store_true",
        help="only for songs that are known already; adds none",
    )


def _spotify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--saved", action="store_true", help="your saved songs")
    parser.add_argument(
        "--playlists", action="store_true", help="all playlists of your own"
    )
    parser.add_argument(
        "--playlist",
        action="append",
        default=[],
        metavar="NAME",
        help="this playlist: its name, id or link (may be repeated)",
    )
    parser.add_argument(
        "--search",
        action="append",
        default=[],
        metavar="WORDS",
        help="songs found by these words (may be repeated)",
    )
    parser.add_argument("--login", action="store_true", help="log in anew")
    parser.add_argument("--logout", action="store_true", help="forget the login")


def _moods(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="…",
        help="show (default), rename CLUSTER NAME, bind CLUSTER SONG_MOOD, "
        "move URI SONG_MOOD, exclude artist|genre|season NAME, "
        "include artist|genre|season NAME",
    )


def _export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        help=".csv or .parquet for a table, .m3u8 or a folder for playlists",
    )
    parser.add_argument(
        "--tags", action="store_true", help="write the MOOD tag into your own files"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="with --tags: change no file",
    )


def _forget(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=("corrections", "baseline", "plays", "features", "everything"),
        help="what to forget; 'everything' is the whole catalogue",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _baseline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--forget", action="store_true", help="forget it")


def _on(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--consent",
        action="store_true",
        help="yes to a real camera, at home, with everybody's knowledge",
    )


def _mood(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song_mood", help="a song mood, or 'auto' for automatic")
    parser.add_argument(
        "--for",
        dest="duration",
        metavar="TIME",
        help="for how long, like 90s, 30m, 1h or 1h30m (until told otherwise)",
    )


def _goal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("goal", nargs="?", help="match, lift, calm or hold")


def _pause(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "duration", nargs="?", default="1h", help="like 30m or 1h; 0 ends a pause"
    )


def _correct(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "verdict", help="right, wrong, concentrating, or the expression it really is"
    )


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="everything, as JSON")


SUBCOMMANDS: tuple[Subcommand, ...] = (
    Subcommand("check", "Look at camera, models, songs and server.", "check", _check),
    Subcommand("scan", "Analyse the sound of Mopidy's library.", "scan", _scan),
    Subcommand("import", "Read songs and features from tables.", "import_", _import),
    Subcommand(
        "spotify",
        "Bring in your own Spotify songs.",
        "spotify",
        _spotify,
        "Without options: your saved songs and all playlists of your own.",
    ),
    Subcommand("cluster", "Sort the songs into moods anew.", "cluster"),
    Subcommand("moods", "Show and change which songs are for what.", "moods", _moods),
    Subcommand("export", "Write the catalogue to a table.", "export", _export),
    Subcommand("forget", "Forget what was learnt or stored.", "forget", _forget),
    Subcommand("weights", "Fetch the third-party model weights.", "weights"),
    Subcommand("status", "Say what the running server does.", "status", _status),
    Subcommand("on", "Switch the camera on.", "on", _on),
    Subcommand("off", "Switch the camera off.", "off"),
    Subcommand(
        "mood",
        "Choose the song mood by hand, or go back to automatic.",
        "mood",
        _mood,
        "Example: mopidy moodcam mood happy --for 1h",
    ),
    Subcommand("goal", "Show or choose what is done with the mood.", "goal", _goal),
    Subcommand("pause", "Change nothing for a while.", "pause", _pause),
    Subcommand("correct", "Say whether the mood is right.", "correct", _correct),
    Subcommand("baseline", "Learn your resting face.", "baseline", _baseline),
    Subcommand("why", "Say why these songs were picked.", "why"),
)


def command() -> Any:  # noqa: ANN401  (two classes of two Mopidys)
    """Return what `Extension.get_command` must return on this Mopidy."""
    try:
        from mopidy import commands  # noqa: PLC0415
    except ImportError:
        return _for_mopidy_4()
    return _for_mopidy_3(commands)


def overview() -> str:
    """Return the list of all subcommands."""
    width = max(len(subcommand.name) for subcommand in SUBCOMMANDS)
    lines = [f"  {sub.name:{width}}  {sub.help}" for sub in SUBCOMMANDS]
    return "\n".join(
        [
            f"usage: {PROG} SUBCOMMAND …",
            "",
            HELP,
            "",
            *lines,
            "",
            f"More about one: {PROG} SUBCOMMAND --help",
        ]
    )


def _for_mopidy_3(commands: Any) -> Any:  # noqa: ANN401
    """Return a tree whose parsing ends at the subcommand's name.

    Mopidy's own parser takes no option after a positional argument, as in
    `mood happy --for 1h`: `_parse` keeps the words for ours.
    """

    class Leaf(commands.Command):
        def __init__(self, subcommand: Subcommand) -> None:
            super().__init__()
            self.set(base_verbosity_level=-1)  # Mopidy's own news is no answer
            self.help = subcommand.help
            self._subcommand = subcommand

        def _parse(
            self,
            args: list[str],
            namespace: argparse.Namespace,
            overrides: dict[str, Any],
            prog: str,
        ) -> argparse.Namespace:
            del prog
            if {"-h", "--help"} & set(args):
                self._subcommand.parser().print_help()
                sys.exit(0)
            for name, value in {**overrides, **self._overrides}.items():
                setattr(namespace, name, value)
            namespace.__dict__.pop("_args", None)
            namespace.words = args
            namespace.command = self
            return namespace

        def run(self, args: argparse.Namespace, config: Config) -> int:
            return self._subcommand.call(args.words, config)

    class Root(commands.Command):
        help = HELP

        def _parse(self, args: list[str], *rest: Any) -> argparse.Namespace:  # noqa: ANN401
            if not args or args[0] in {"-h", "--help"}:
                sys.stdout.write(overview() + "\n")
                sys.exit(0 if args else 1)
            if args[0] not in self._children:
                names = ", ".join(self._children)
                sys.stderr.write(f"{args[0]!r} is no subcommand; there are {names}.\n")
                sys.exit(2)
            return self._children[args[0]]._parse(args[1:], *rest)  # noqa: SLF001

    root = Root()
    for subcommand in SUBCOMMANDS:
        root.add_child(subcommand.name, Leaf(subcommand))
    return root


def _for_mopidy_4() -> Any:  # noqa: ANN401
    import cyclopts  # type: ignore[import-not-found]  # noqa: PLC0415

    app = cyclopts.App(help=HELP)
    for subcommand in SUBCOMMANDS:
        app.command(
            _taking_words(subcommand, cyclopts.Parameter),
            name=subcommand.name,
            help=f"{subcommand.help}\n\n{_usage(subcommand)}",
            help_format="plaintext",
        )
    return app


def _usage(subcommand: Subcommand) -> str:
    """Return what argparse would print: Mopidy 4 answers --help itself."""
    text = subcommand.parser().format_help()
    return text.replace(f"{subcommand.help}\n\n", "")


def _taking_words(subcommand: Subcommand, parameter: Any) -> Callable[..., None]:  # noqa: ANN401
    from typing import Annotated  # noqa: PLC0415

    def run(*words: str) -> None:
        from mopidy import config  # noqa: PLC0415

        code = subcommand.call(words, config.Config.get_global())  # type: ignore[attr-defined]
        if code:  # Mopidy 4 does not look at what a command returns
            sys.exit(code)

    # Given by hand: with postponed evaluation cyclopts could not find the names.
    run.__annotations__ = {
        "words": Annotated[str, parameter(show=False, allow_leading_hyphen=True)],
        "return": None,
    }
    return run
