"""Logging in to Spotify with the listener's own application.

Authorization code with PKCE (RFC 7636): it needs the application's client id
and no secret. Spotify sends the browser back to this machine; where browser
and server are two machines, the listener pastes the address it was sent to.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import os
import secrets
import select
import socketserver
import sys
import tempfile
import time
import urllib.parse
import webbrowser
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, Self

from spotipy.cache_handler import CacheHandler
from spotipy.oauth2 import SpotifyPKCE

from mopidy_moodcam.songs.spotify.api import (
    LOGIN,
    TIMEOUT,
    Patience,
    Refused,
    Service,
    SpotifyError,
    in_words,
    seconds_in,
)

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from typing import IO

    import requests
    from rich.console import Console

PORT = 6681
"""The redirect's port: beside Mopidy's 6680, and always the same, so that the
address can be registered as it is."""
REDIRECT = f"http://127.0.0.1:{PORT}/"
SCOPES = (
    "playlist-read-private",
    "playlist-read-collaborative",
    "user-library-read",
)
PATIENCE_SECONDS = 600.0
"""How long a login waits for a person."""

_DONE = "MoodCam is logged in to Spotify; you can close this page."
_DENIED = "MoodCam is not logged in; you can close this page."
_OTHER = "This is not the login that MoodCam waits for."
_ANOTHER = "That address belongs to another login; open the one above."
_NO_ANSWER = (
    "That is not the address Spotify sent the browser to (it has 'code=' in it);"
    " paste it whole:"
)


class TokenFile(CacheHandler):
    """The login in a file that nobody else can read, at any moment.

    Its methods raise `SpotifyError` where the file cannot be changed.
    """

    def __init__(self, path: pathlib.Path, client_id: str) -> None:
        self.path = path
        self.client_id = client_id

    def get_cached_token(self) -> dict[str, Any] | None:
        """Return the token, or None where there is none for this application."""
        try:
            with contextlib.suppress(OSError):  # another user's, or not there
                self.path.chmod(0o600)  # one from a backup may be open to all
            token = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return token if self._whole(token) else None

    def save_token_to_cache(self, token_info: dict[str, Any]) -> None:
        """Write the token; a kill leaves the old one or the new one.

        No scope in an answer means the one asked for (RFC 6749, 5.1).
        """
        token = {"scope": " ".join(SCOPES)} | token_info | {"client_id": self.client_id}
        try:
            self._replace(json.dumps(token))
        except OSError as error:
            raise SpotifyError(
                f"The login cannot be written to {str(self.path)!r}"
                f" ({error.strerror}): check core/data_dir in Mopidy's configuration."
            ) from error

    def remove(self) -> bool:
        """Delete the token; False where there was none."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SpotifyError(
                f"The login {str(self.path)!r} cannot be deleted ({error.strerror}):"
                " delete it as the user it belongs to."
            ) from error
        return True

    def _replace(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes the file with mode 0600, so it is private from the start.
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".spotify-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, self.path)  # noqa: PTH105  (both are plain names here)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108
            raise

    def _whole(self, token: object) -> bool:
        return (
            isinstance(token, dict)
            and token.get("client_id") == self.client_id
            and all(
                isinstance(token.get(name), str)
                for name in ("access_token", "refresh_token", "scope")
            )
            and isinstance(token.get("expires_at"), int)
        )


class Account:
    """The login of one application: kept, refreshed, and ended when it died."""

    def __init__(
        self,
        service: Service,
        file: TokenFile,
        session: requests.Session,
        patience: Patience,
    ) -> None:
        self._file = file
        self._patience = patience
        self._pkce = _Pkce(
            client_id=file.client_id,
            redirect_uri=REDIRECT,
            scope=",".join(SCOPES),
            cache_handler=file,
            requests_session=session,  # type: ignore[arg-type]
            requests_timeout=TIMEOUT,
        )
        # The addresses are attributes of spotipy's class; change them here only.
        vars(self._pkce).update(
            OAUTH_AUTHORIZE_URL=f"{service.accounts}authorize",
            OAUTH_TOKEN_URL=f"{service.accounts}api/token",
        )

    @property
    def known(self) -> bool:
        """Whether somebody logged in before, with all permissions needed now."""
        token = self._file.get_cached_token()
        return token is not None and set(SCOPES) <= set(token["scope"].split())

    def get_access_token(self) -> str:
        """Return a token that is good now; see `api.Tokens`."""
        token = self._file.get_cached_token()
        if token is None:
            raise SpotifyError(f"Nobody is logged in to Spotify: run {LOGIN}.")
        if self._pkce.is_token_expired(token):
            return self._refreshed(token)
        return token["access_token"]

    def renew(self) -> None:
        """Get a new token from the login; see `api.Tokens`."""
        token = self._file.get_cached_token()
        if token is not None:
            self._refreshed(token)

    def log_in(self, door: Door) -> None:
        """Let a person log in, through the browser or by pasting, and keep it.

        Raises `SpotifyError`.
        """
        self._pkce.redirect_uri = door.redirect
        self._pkce.get_pkce_handshake_parameters()
        state = secrets.token_urlsafe(16)
        code = door.code(self._pkce.get_authorize_url(state), state)
        try:
            self._patience(lambda: self._exchange(code))
        except Refused as refused:
            raise self._why(refused) from None

    def _exchange(self, code: str) -> None:
        with _known_form():
            self._pkce.get_access_token(code, check_cache=False)

    def _refreshed(self, token: dict[str, Any]) -> str:
        try:
            with _known_form():
                new = self._pkce.refresh_access_token(token["refresh_token"])
        except Refused as refused:
            if refused.reason != "invalid_grant":
                raise
            self._file.remove()
            raise SpotifyError(
                "Spotify ended the login, as it does six months after each:"
                f" run {LOGIN}, then this again."
            ) from None
        return new["access_token"]

    def _why(self, refused: Refused) -> SpotifyError:
        if refused.reason == "invalid_grant":
            return SpotifyError(f"Spotify did not accept this login: run {LOGIN} anew.")
        return in_words(refused)


class _Pkce(SpotifyPKCE):
    def _handle_oauth_error(self, http_error: Any) -> NoReturn:  # noqa: ANN401
        """Keep status and headers, which spotipy's own error loses."""
        response = http_error.response
        try:
            answer = response.json()
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        raise Refused(
            response.status_code,
            answer.get("error_description"),
            answer.get("error"),
            seconds_in(response.headers),
        ) from None


@contextlib.contextmanager
def _known_form() -> Any:  # noqa: ANN401
    try:
        yield
    except (KeyError, TypeError) as error:  # a token without its parts
        raise Refused(HTTPStatus.BAD_GATEWAY, "unreadable answer") from error


def open_browser(address: str) -> bool:
    """Show an address in a browser; False where there is no screen for one.

    Without a screen `webbrowser` may start a text browser in the terminal in
    which the address is to be pasted.
    """
    screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return bool(screen and webbrowser.open(address))


@dataclasses.dataclass
class Door:
    """Where a login comes back to: the redirect's port, or the keyboard.

    `port` 0 lets the system choose a free one. `seconds` is how long to wait.
    """

    console: Console
    browser: Callable[[str], bool] = open_browser
    keyboard: IO[str] | None = None
    port: int = PORT
    seconds: float = PATIENCE_SECONDS
    clock: Callable[[], float] = time.monotonic
    _server: _Server | None = dataclasses.field(default=None, init=False)

    def __enter__(self) -> Self:
        """Open it."""
        # Where another program has the port, pasting still works.
        with contextlib.suppress(OSError):
            self._server = _Server(self.port)
            self.port = self._server.server_address[1]
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        if self._server is not None:
            self._server.server_close()

    @property
    def redirect(self) -> str:
        """The address to which Spotify must send the browser."""
        return f"http://127.0.0.1:{self.port}/"

    def code(self, address: str, state: str) -> str:
        """Return the code with which Spotify answers the login at `address`.

        Raises `SpotifyError` where the person says no or nobody comes.
        """
        if self._server is not None:
            self._server.state = state
        opened = self.browser(address)
        self._invite(address, opened=opened)
        return self._wait(state, opened=opened)

    def _invite(self, address: str, *, opened: bool) -> None:
        say = self.console.print
        if opened:
            say("Log in to Spotify in the browser that opened, or open this address:")
        else:
            say("Open this address in a browser on any machine and log in to Spotify:")
        say(address, markup=False, soft_wrap=True)
        say(
            "If the browser then shows an error (it is on another machine), copy the"
            " address it shows and paste it here:",
            soft_wrap=True,
        )

    def _wait(self, state: str, *, opened: bool) -> str:
        end = self.clock() + self.seconds
        typing = _handle(self.keyboard)
        sources = self._sources(typing, state)
        while (typing in sources or (opened and sources)) and end > self.clock():
            left = end - self.clock()
            for source in select.select(list(sources), [], [], max(0.0, left))[0]:
                try:
                    if code := sources[source]():
                        return code
                except EOFError:
                    del sources[source]
        raise SpotifyError(f"Nobody logged in to Spotify: run {LOGIN} in a terminal.")

    def _sources(
        self, typing: int | None, state: str
    ) -> dict[int, Callable[[], str | None]]:
        sources: dict[int, Callable[[], str | None]] = {}
        if self._server is not None:
            sources[self._server.fileno()] = self._server.visit
        if typing is not None:
            sources[typing] = lambda: self._typed(typing, state)
        return sources

    def _typed(self, typing: int, state: str) -> str | None:
        text = os.read(typing, 1 << 16).decode(errors="replace")
        if not text:
            raise EOFError
        for line in filter(None, map(str.strip, text.splitlines())):
            if code := _code(line, state):
                return code
            another = {"code", "state"} <= _form(line).keys()
            self.console.print(_ANOTHER if another else _NO_ANSWER, soft_wrap=True)
        return None


class _Server(socketserver.TCPServer):
    """Listens at the redirect's address until Spotify's answer has come.

    Not an HTTPServer, which would look up its own name and may wait for it.
    """

    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Visit)
        self.state = ""
        self.answer: str | SpotifyError | None = None

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Let a visitor hang up without a word, as browsers do."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def visit(self) -> str | None:
        """Answer one visitor; return the code if it brought it."""
        self.handle_request()
        if isinstance(self.answer, SpotifyError):
            raise self.answer
        return self.answer

    def hear(self, path: str) -> str:
        """Take what a visitor asks for; return what to tell them."""
        try:
            self.answer = _code(path, self.state)
        except SpotifyError as error:
            self.answer = error
            return _DENIED
        return _DONE if self.answer else _OTHER


class _Visit(http.server.BaseHTTPRequestHandler):
    timeout = 2  # browsers open connections ahead and then say nothing
    server: _Server  # type: ignore[assignment]

    def do_GET(self) -> None:
        text = self.server.hear(self.path)
        self.send_response(200 if text != _OTHER else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the address holds the code."""


def _code(address: str, state: str) -> str | None:
    """Return the code in a redirect's address, None where it is another's.

    The state proves that it answers this login and no other (RFC 6749, 10.12).
    """
    form = _form(address)
    if not secrets.compare_digest(form.get("state", "").encode(), state.encode()):
        return None
    if "error" in form:
        raise SpotifyError(f"The login was declined: run {LOGIN} to be asked again.")
    return form.get("code")


def _form(address: str) -> dict[str, str]:
    try:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    except ValueError:
        return {}


def _handle(keyboard: IO[str] | None) -> int | None:
    if keyboard is None:
        return None
    try:
        return keyboard.fileno()
    except (OSError, ValueError):  # closed, or no real file
        return None
