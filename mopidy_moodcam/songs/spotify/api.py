"""Asking Spotify's Web API: with patience, and in words a listener can use.

Spotipy makes the requests. Its look-ups by name mostly call paths that Spotify
closed in February 2026 to applications of private people, so the paths that
are left are named where they are used; and its own repeating and logging are
replaced, because they sleep out of our sight and write access tokens into logs.

Sources: https://developer.spotify.com/documentation/web-api, its changelogs of
February, March and July 2026, and its page on rate limits.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import requests
import spotipy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

DASHBOARD = "https://developer.spotify.com/dashboard"
LOGIN = "'mopidy moodcam spotify --login'"

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try after a failure that may pass."""
LONGEST_WAIT = 120.0
"""A longer pause than this is the listener's to wait, not a command's."""
TIMEOUT = 20
_LONGEST_MESSAGE = 200

_SENTENCES: dict[str | int, str] = {
    "invalid_client": (
        "Spotify knows no application with this spotify_client_id: copy it from"
        f" {DASHBOARD} into Mopidy's configuration."
    ),
    HTTPStatus.UNAUTHORIZED: (
        f"Spotify no longer accepts the login: run {LOGIN}, then this again."
    ),
    HTTPStatus.FORBIDDEN: (
        "Spotify refuses this application{said}: its owner needs Premium, and your"
        f" account must be in its user management at {DASHBOARD}."
    ),
    HTTPStatus.NOT_FOUND: "Spotify does not know this{said}.",
    HTTPStatus.TOO_MANY_REQUESTS: (
        "Spotify asks for pauses again and again: run the command again later, it"
        " goes on where it stopped."
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Spotify has trouble of its own just now (HTTP {status}): run the command"
        " again later, it goes on where it stopped."
    ),
}
"""Spotify's word or the HTTP status → what it means; 500 stands for all above."""


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """Where Spotify is: its Web API and its accounts."""

    api: str = "https://api.spotify.com/v1/"
    accounts: str = "https://accounts.spotify.com/"


SPOTIFY = Service()


class SpotifyError(Exception):
    """What a person can mend or wait for; the message is one sentence."""


class TroubleError(SpotifyError):
    """Spotify fails at this one thing; others may go well."""


class NotAllowedError(SpotifyError):
    """Spotify keeps this to itself (403)."""


class NotThereError(NotAllowedError):
    """There is no such thing, or Spotify says so to applications (404)."""


_KINDS: dict[str | int, type[SpotifyError]] = {
    "invalid_client": SpotifyError,
    HTTPStatus.UNAUTHORIZED: SpotifyError,
    HTTPStatus.FORBIDDEN: NotAllowedError,
    HTTPStatus.NOT_FOUND: NotThereError,
    HTTPStatus.TOO_MANY_REQUESTS: SpotifyError,
}
"""As in `_SENTENCES`; all others are a `TroubleError`."""


class Refused(Exception):  # noqa: N818  (an answer, not yet an error)
    """An answer other than 2xx.

    `reason` is Spotify's word for it, such as `invalid_grant`; `retry_after` is
    in seconds, None where Spotify names no time.
    """

    def __init__(
        self,
        status: int,
        message: object = "",
        reason: object = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.message = clean(message)[:_LONGEST_MESSAGE]
        self.reason = clean(reason)
        self.retry_after = retry_after


class Tokens(Protocol):
    """Whoever keeps the login."""

    def get_access_token(self) -> str:
        """Return a token that is good now; spotipy asks before each request."""
        ...

    def renew(self) -> None:
        """Get a new one: the last was not accepted."""
        ...


@dataclasses.dataclass(frozen=True)
class Patience:
    """Repeats a request that failed for a while, and says why it takes long."""

    sleep: Callable[[float], object]
    tell: Callable[[str], object]

    def __call__(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns.

        Raises `Refused` for an answer that waiting does not change, and
        `SpotifyError` where Spotify stays out of reach or asks for a long wait.
        """
        pauses = iter(PAUSES)
        while True:
            try:
                return ask()
            except Refused as refused:
                wait = _wait(refused, pauses)
                if wait is None:
                    raise
            except requests.RequestException:
                wait = next(pauses, None)
                if wait is None:
                    raise SpotifyError(
                        "Spotify cannot be reached: check this machine's network and"
                        " run the command again; what was read is kept."
                    ) from None
            if wait > PAUSES[-1]:
                self.tell(f"Spotify asks for a pause of {wait:.0f} seconds.")
            self.sleep(wait)


class Api:
    """Spotify's Web API as plain JSON objects."""

    def __init__(
        self,
        service: Service,
        tokens: Tokens,
        session: requests.Session,
        patience: Patience,
    ) -> None:
        # A session of ours also keeps spotipy from repeating requests itself.
        self._spotify = spotipy.Spotify(
            auth_manager=tokens,
            requests_session=session,  # type: ignore[arg-type]
            requests_timeout=TIMEOUT,
        )
        self._spotify.prefix = service.api
        self._tokens = tokens
        self._patience = patience

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """Return the object at a path below the API, or at a `next` address.

        Raises `NotAllowedError`, `TroubleError` or, where no other request would
        go better, another `SpotifyError`.
        """
        try:
            return self._patience(lambda: self._renewing(path, parameters))
        except Refused as refused:
            raise in_words(refused) from None

    def pages(
        self, path: str, within: str = "", **parameters: str | int
    ) -> Iterator[dict[str, Any]]:
        """Yield a listing page by page; `within` is where an answer keeps it."""
        page = _page(self.get(path, **parameters), within)
        yield page
        while page["items"] and (address := page.get("next")):
            page = _page(self.get(self._ours(address)), within)
            yield page

    def _renewing(self, path: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._ask(path, parameters)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
        self._tokens.renew()
        return self._ask(path, parameters)

    def _ask(self, path: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._spotify._get(path, **parameters)  # noqa: SLF001
        except spotipy.SpotifyException as error:
            message = error.msg.partition("\n ")[2]  # the first line is the address
            raise Refused(
                error.http_status,
                "" if message == "None" else message,
                error.reason,
                seconds_in(error.headers),
            ) from None
        except (AttributeError, TypeError) as error:  # of an error in no known form
            raise Refused(HTTPStatus.BAD_GATEWAY, "unreadable answer") from error
        if not isinstance(answer, dict):
            raise Refused(HTTPStatus.BAD_GATEWAY, "unreadable answer")
        return answer

    def _ours(self, address: object) -> str:
        """Return the address of a next page; the token must go nowhere else."""
        if isinstance(address, str) and address.startswith(self._spotify.prefix):
            return address
        raise _unexpected()


def in_words(refused: Refused) -> SpotifyError:
    """Return what a refusal means for the listener."""
    key = refused.reason if refused.reason in _SENTENCES else refused.status
    if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        key = HTTPStatus.INTERNAL_SERVER_ERROR
    said = f" ({refused.message})" if refused.message else ""
    sentence = _SENTENCES.get(key, "Spotify answered with HTTP {status}{said}.")
    kind = _KINDS.get(key, TroubleError)
    return kind(sentence.format(status=refused.status, said=said))


def seconds_in(headers: Mapping[str, str] | None) -> float | None:
    """Return what `Retry-After` says in seconds, None where it says nothing clear."""
    try:
        seconds = float((headers or {}).get("Retry-After", ""))
    except ValueError:  # none, or a date, which Spotify does not use
        return None
    return seconds if seconds >= 0 else None


def clean(text: object) -> str:
    """Return a text of Spotify's fit for a terminal; anything else is empty."""
    if not isinstance(text, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def hush() -> None:
    """Keep spotipy from logging: at debug level it writes tokens out in full."""
    for module in ("cache_handler", "client", "oauth2", "util"):
        logging.getLogger(f"spotipy.{module}").disabled = True


def _wait(refused: Refused, pauses: Iterator[float]) -> float | None:
    if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
        named = refused.retry_after
        if refused.reason == "QUOTA_EXCEEDED" or (named or 0) > LONGEST_WAIT:
            raise SpotifyError(
                "Spotify's quota of requests is used up: run the command again"
                f" {_later(named)}, it goes on where it stopped."
            )
        pause = next(pauses, None)
        return pause if pause is None or named is None else named
    if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return next(pauses, None)
    return None


def _later(seconds: float | None) -> str:
    if not seconds or not math.isfinite(seconds):
        return "later"
    minutes = math.ceil(seconds / 60)
    if minutes < 120:
        return f"in {minutes} minutes" if minutes > 1 else "in a minute"
    return f"in {math.ceil(minutes / 60)} hours"


def _page(answer: dict[str, Any], within: str) -> dict[str, Any]:
    page = answer.get(within) if within else answer
    if not isinstance(page, dict) or not isinstance(page.get("items"), list):
        raise _unexpected()
    return page


def _unexpected() -> TroubleError:
    return TroubleError(
        "Spotify answered in a form unknown here: upgrade Mopidy-MoodCam, or try"
        " again later."
    )
