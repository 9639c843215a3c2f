"""`mopidy moodcam spotify`: the listener's own Spotify songs into the catalogue.

The lists come through the listener's own application. Features come from files
and tables of the same songs, and from Spotify itself only where the listener
says that this application may read them: Spotify gives them to none made since
27 November 2024.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import IO, TYPE_CHECKING, Any, Protocol

import requests
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from mopidy_moodcam.songs import fitting, twins
from mopidy_moodcam.songs.catalogue import put_features
from mopidy_moodcam.songs.features import RANK, FeatureSource
from mopidy_moodcam.songs.spotify import listed
from mopidy_moodcam.songs.spotify.api import (
    DASHBOARD,
    SPOTIFY,
    Api,
    NotAllowedError,
    Patience,
    Service,
    SpotifyError,
    clean,
    hush,
)
from mopidy_moodcam.songs.spotify.items import features_of
from mopidy_moodcam.songs.spotify.lists import Reader, Tally
from mopidy_moodcam.songs.spotify.login import (
    PORT,
    REDIRECT,
    Account,
    Door,
    TokenFile,
    open_browser,
)

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from mopidy_moodcam.songs.catalogue import Catalogue

TOKEN_FILE = "spotify.json"  # noqa: S105  (a file's name)
ASKED = 100
"""The most tracks in one request for features."""


class SpotifySettings(Protocol):
    """The settings that matter here."""

    @property
    def spotify_client_id(self) -> str: ...  # noqa: D102

    @property
    def spotify_audio_features(self) -> bool: ...  # noqa: D102


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for; nothing at all means everything of theirs.

    `playlists` are names, ids or links; an empty one means all playlists.
    `login` asks for a new login even where there is one.
    """

    playlists: Sequence[str] = ()
    saved: bool = False
    searches: Sequence[str] = ()
    login: bool = False
    logout: bool = False

    @property
    def songs(self) -> bool:
        """Whether particular songs were asked for."""
        return bool(self.playlists or self.saved or self.searches)


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """What lies outside of the program; the tests pass their own."""

    service: Service = SPOTIFY
    browser: Callable[[str], bool] = open_browser
    keyboard: IO[str] | None = dataclasses.field(default_factory=lambda: sys.stdin)
    port: int = PORT
    sleep: Callable[[float], object] = time.sleep


def sync(
    catalogue: Catalogue,
    settings: SpotifySettings,
    data_dir: pathlib.Path,
    console: Console,
    wanted: Wanted,
    *,
    world: World | None = None,
) -> int:
    """Log in where needed, take over the songs `wanted`, and return the exit code.

    0 when all went well, 1 after a sentence on what a person can mend or must
    wait for, 130 when interrupted. Songs read before that are kept.
    """
    hush()
    file = TokenFile(data_dir / TOKEN_FILE, settings.spotify_client_id.strip())
    try:
        if wanted.logout:
            _log_out(file, console)
        else:
            _check(file.client_id)
            with requests.Session() as session:
                errand = _Errand(catalogue, console, file, session, world or World())
                errand.run(wanted, ask=settings.spotify_audio_features)
    except SpotifyError as error:
        console.print(str(error), markup=False, soft_wrap=True, style="red")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; the next run goes on from here.")
        return 130
    return 0


def _check(client_id: str) -> None:
    if not client_id:
        raise SpotifyError(
            f"Make an application of your own at {DASHBOARD} with the redirect URI"
            f" {REDIRECT} and write its client id into Mopidy's configuration as"
            " moodcam/spotify_client_id."
        )
    if not client_id.isalnum():
        raise SpotifyError(
            f"{client_id!r} is no client id: copy it from {DASHBOARD} into"
            " moodcam/spotify_client_id."
        )


def _log_out(file: TokenFile, console: Console) -> None:
    if not file.remove():
        console.print("Nobody was logged in to Spotify.")
        return
    console.print(
        "Logged out of Spotify; https://www.spotify.com/account/apps/ takes back the"
        " permission too.",
        soft_wrap=True,
    )


class _Errand:
    """One run of the command; its methods raise `SpotifyError`."""

    def __init__(
        self,
        catalogue: Catalogue,
        console: Console,
        file: TokenFile,
        session: requests.Session,
        world: World,
    ) -> None:
        self._catalogue = catalogue
        self._console = console
        self._world = world
        patience = Patience(world.sleep, lambda text: self._say(text, style="dim"))
        self._account = Account(world.service, file, session, patience)
        self._api = Api(world.service, self._account, session, patience)

    def run(self, wanted: Wanted, *, ask: bool) -> None:
        """Do what is `wanted`; `ask` Spotify for features too."""
        if wanted.login or not self._account.known:
            self._log_in()
        if wanted.songs or not wanted.login:
            self._take(wanted, ask=ask)

    def _log_in(self) -> None:
        world = self._world
        with Door(self._console, world.browser, world.keyboard, world.port) as door:
            self._account.log_in(door)
        self._say(f"Logged in to Spotify as {_name(self._api.get('me'))!r}.")

    def _take(self, wanted: Wanted, *, ask: bool) -> None:
        tally = Tally()
        try:
            self._read(wanted, tally)
        finally:
            # What came before an error or an interruption is in the catalogue.
            if tally != Tally():
                self._say(_words(tally))
            changed = twins.take_over(self._catalogue)
        if tally == Tally():
            self._say("You have no playlists on Spotify.")
        # A song may have gone from one list into another, which was not read.
        whole = not (wanted.songs or tally.failed)
        if whole and (left := listed.forget_left(self._catalogue)):
            self._say(f"Songs in none of your lists any more, now let go: {left}.")
        changed += self._features() if ask else 0
        self._say(*_waiting(self._catalogue, ask=ask))
        if changed:
            self._sort_anew()
        if tally.failed:
            raise SpotifyError(_failures(tally.failed))

    def _read(self, wanted: Wanted, tally: Tally) -> None:
        me = clean(self._api.get("me").get("id"))
        everything = not wanted.songs
        with _progress(self._console) as progress:
            reader = Reader(self._catalogue, self._api, tally, progress)
            if wanted.playlists or everything:
                reader.playlists(me, [name for name in wanted.playlists if name])
            if wanted.saved or everything:
                reader.saved(me)
            for words in wanted.searches:
                reader.search(words)

    def _features(self) -> int:
        """Fetch features for songs without any; return how many got some."""
        ids = _without_features(self._catalogue)
        count = 0
        try:
            with _progress(self._console) as progress:
                task = progress.add_task("Features", total=len(ids))
                for start in range(0, len(ids), ASKED):
                    some = ids[start : start + ASKED]
                    count += _store_features(self._catalogue, self._api, some)
                    progress.advance(task, len(some))
        except NotAllowedError:
            self._say(
                "Spotify does not give audio features to your application, as to none"
                " made since 27 November 2024: set moodcam/spotify_audio_features to"
                " false."
            )
        return count

    def _sort_anew(self) -> None:
        if fitting.refit_if_due(self._catalogue):
            self._say("The songs were sorted into clusters of their own anew.")

    def _say(self, *sentences: str, style: str | None = None) -> None:
        for sentence in sentences:
            self._console.print(sentence, markup=False, soft_wrap=True, style=style)


def _without_features(catalogue: Catalogue) -> list[str]:
    found = catalogue.rows(
        "SELECT spotify_id FROM tracks WHERE uri = 'spotify:track:' || spotify_id"
        " AND COALESCE(feature_rank, -1) < ? AND failed IS NULL",
        (RANK[FeatureSource.TABLE],),
    )
    return [track_id for (track_id,) in found]


def _store_features(catalogue: Catalogue, api: Api, ids: Sequence[str]) -> int:
    found = api.get("audio-features", ids=",".join(ids)).get("audio_features")
    entries = found if isinstance(found, list) else []
    known = dict(filter(None, map(features_of, entries)))
    if not known:
        return 0
    with catalogue.writing() as connection:
        return sum(
            put_features(connection, track_id, known[spotify_id])
            for spotify_id in known.keys() & set(ids)
            for (track_id,) in connection.execute(
                "SELECT id FROM tracks WHERE uri = ?", (f"spotify:track:{spotify_id}",)
            ).fetchall()
        )


# Words


def _words(tally: Tally) -> str:
    parts = [
        f"{_songs(tally.added)} added",
        f"{tally.known} known before",
        f"{tally.lists} lists read",
        f"{tally.unchanged} unchanged",
    ]
    parts += [f"{n} left out: {why}" for why, n in tally.rejected.most_common()]
    text = ", ".join(parts) + "."
    if tally.missing:
        text += f" Spotify no longer has {_list(tally.missing)}."
    if tally.closed:
        text += (
            f" Spotify shows applications only playlists of your own, so"
            f" {len(tally.closed)} could not be read: {_list(tally.closed)}."
        )
    return text


def _failures(failed: Mapping[str, Sequence[str]]) -> str:
    return " ".join(f"{why} Not read: {_list(of)}." for why, of in failed.items())


def _waiting(catalogue: Catalogue, *, ask: bool) -> list[str]:
    ((count,),) = catalogue.rows(
        "SELECT COUNT(*) FROM tracks WHERE uri LIKE 'spotify:track:%'"
        " AND feature_source IS NULL AND failed IS NULL"
    )
    if not count:
        return []
    why = "" if ask else ", which Spotify no longer gives to new applications"
    sentence = (
        f"{_songs(count)} from Spotify wait for features{why}: import a table of"
        " them with 'mopidy moodcam import', or scan your own files of the same songs."
    )
    return [sentence]


def _songs(count: int) -> str:
    return f"{count} song" if count == 1 else f"{count} songs"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _name(me: dict[str, Any]) -> str:
    return clean(me.get("display_name")) or clean(me.get("id"))


def _progress(console: Console) -> Progress:
    # Names of playlists may hold brackets, which are no markup.
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
