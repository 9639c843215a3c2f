"""Send readings of an eye on another machine to the server."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds; the next reading is worth more than this one
UNHEARD = (OSError, ValueError, http.client.HTTPException)
"""What comes of no server, no address, and of a server that speaks no HTTP."""
REFUSING = (401, 403, 404)
"""A server that answers so takes nothing until somebody mends something."""
BROKEN = 500
"""From here on a server is as good as away; a proxy says so of one that is."""
OFF = "The server wants no readings now, so this camera does not look."


class Poster:
    """Posts readings as JSON; says so once when the server is away, and back."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        urlopen: Callable[..., Any] = urllib.request.urlopen,
    ) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._urlopen = urlopen
        self._wanted = True
        self._refused = False
        self._trouble: str | None = None

    def wanted(self) -> bool:
        """Ask before a look whether the server's camera is switched on.

        Its last clear answer holds until the next. Nobody can take a reading while
        the server is away or refuses them: then there is no look.
        """
        try:
            if self._refused:
                self._knock()
            said = self._ask()
        except urllib.error.HTTPError as error:
            if error.code in REFUSING or error.code >= BROKEN:
                self._refuse(error)
            return self._wanted and error.code < BROKEN
        except UNHEARD as error:
            self._say_away(error)
            return False
        with contextlib.suppress(ValueError, KeyError, TypeError):
            self._wanted = json.loads(said)["wanted"] is not False
        if not self._wanted:
            self._say(OFF)
        return self._wanted

    def post(self, reading: dict[str, Any]) -> bool:
        """Send one reading; returns whether the server took it."""
        try:
            self._ask(json.dumps(reading).encode())
        except urllib.error.HTTPError as error:
            self._refuse(error)
        except UNHEARD as error:
            self._say_away(error)
        else:
            self._say("")
        return not self._trouble

    def _ask(self, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 (the user's own URL)
            self._url, body, self._headers
        )
        with self._urlopen(request, timeout=TIMEOUT) as answer:
            return answer.read()

    def _knock(self) -> None:
        """Send nothing, which is no reading; the token is asked for only then."""
        try:
            self._ask(b"")
        except urllib.error.HTTPError as error:
            if error.code in REFUSING:
                raise
        self._refused = False

    def _refuse(self, error: urllib.error.HTTPError) -> None:
        if error.code in REFUSING:
            self._wanted, self._refused = False, True
        if error.code >= BROKEN:
            self._say_away(error)
        else:
            self._say(_refusal(error))

    def _say_away(self, error: Exception) -> None:
        reason = getattr(error, "reason", error)
        self._say(f"The server {self._url!r} is away ({reason}); trying again.")

    def _say(self, trouble: str) -> None:
        if trouble == self._trouble:
            return
        if trouble:
            logger.warning("%s", trouble)
        else:
            logger.info("The server %r takes the readings.", self._url)
        self._trouble = trouble


def _refusal(error: urllib.error.HTTPError) -> str:
    if error.code == 409:
        return OFF
    try:
        why = str(json.load(error)["error"])
    except (*UNHEARD, KeyError, TypeError):
        why = ""
    if why:
        return f"The server does not take the readings: {why}"
    if error.code in (401, 403):
        return (
            "The server refuses the readings; set moodcam/token there and give "
            "the same with --token here."
        )
    return f"The server answers {error.code} to the readings; check the URL of --post."
