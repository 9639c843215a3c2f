"""The Tornado handlers: JSON in, JSON out, a sentence for every refusal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import tornado.ioloop
import tornado.web

from mopidy_moodcam.desk import TakeReading
from mopidy_moodcam.logs import plain
from mopidy_moodcam.web import bodies, views
from mopidy_moodcam.web.access import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.desk import Command, Desk
    from mopidy_moodcam.songlist import SongList
    from mopidy_moodcam.status import Status
    from mopidy_moodcam.web.access import Access
    from mopidy_moodcam.web.bodies import Body
    from mopidy_moodcam.web.shelves import Search
    from mopidy_moodcam.web.views import View

logger = plain(__name__)

BODY_LIMIT = 64 * 1024
"""Bytes of a body: a reading with fifty faces has some twelve thousand."""

OFF = (
    "The camera is switched off, so readings count for nothing; "
    "switch it on, on the page or with: mopidy moodcam on"
)

RESTING = (
    "No camera is to look now ({why}), so readings count for nothing; "
    "ask for 'wanted' at this address before each look."
)

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class _Quiet(tornado.web.RequestHandler):
    """Common manners: safe headers, JSON errors, no log line per request."""

    allowed = "GET, HEAD"

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", CONTENT_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    def answer(self, value: dict[str, Any], status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value, allow_nan=False))

    def refuse(self, status: int, sentence: str) -> None:
        if status == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        self.answer({"error": sentence}, status)

    def write_error(self, status_code: int, **_kwargs: Any) -> None:  # noqa: ANN401
        if status_code == 405:
            self.set_header("Allow", self.allowed)
        self.refuse(status_code, _SENTENCES.get(status_code, "This did not work."))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ANN401
        """Log our own mistakes only; a client's are in its answer.

        Mopidy 4 reads square brackets in a message as markup, and a traceback
        is full of them.
        """
        if isinstance(value, tornado.web.HTTPError):
            return
        logger.error(
            "Answering %r failed",
            self.request.path,
            exc_info=(typ, value, tb),
        )

    def _log(self) -> None:
        """Keep requests out of the log: an eye posts one every few seconds."""


_SENTENCES = {
    400: "The address or a header of this request cannot be read.",
    404: "There is nothing at this address; see /moodcam/api/openapi.json.",
    405: "This address does not know that method: GET reads, POST changes.",
    413: f"The body is too long: at most {BODY_LIMIT} bytes.",
    500: "This failed; Mopidy's log says why.",
}


@tornado.web.stream_request_body
class ApiHandler(_Quiet):
    """One address: GET shows a part of the status, POST hands in a command."""

    def initialize(
        self,
        desk: Desk,
        access: Access,
        view: View,
        command: Callable[[Body], Command] | None = None,
        *,
        reading: bool = False,
    ) -> None:
        """Take over what the route gives."""
        self._desk = desk
        self._access = access
        self._view = view
        self._command = command
        self.allowed = "GET" if command is None else "GET, POST"
        self._reading = reading
        self._body = bytearray()

    def prepare(self) -> None:
        """Refuse strange names of this server, and long bodies before they are read."""
        length = self.request.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]+", length):
            raise tornado.web.HTTPError(400)
        if len(length) > 9 or int(length) > BODY_LIMIT:
            raise tornado.web.HTTPError(413)
        try:
            self._access.check_host(self.request)
        except Refused as refused:
            self.refuse(refused.status, str(refused))

    def data_received(self, chunk: bytes) -> None:
        """Collect the body; one in chunks does not say before how long it is."""
        self._body += chunk
        if len(self._body) > BODY_LIMIT:
            self.send_error(413)

    def get(self) -> None:
        """Show this part of the status."""
        self.answer(self._view(self._desk.status))

    def post(self) -> None:
        """Hand in the command; 202, for the frontend takes it up later."""
        if self._command is None:
            raise tornado.web.HTTPError(405)
        try:
            self._check()
            command = self._command(bodies.decode(bytes(self._body)))
        except Refused as refused:
            self.refuse(refused.status, str(refused))
        except ValueError as error:
            self.refuse(400, str(error))
        else:
            self._hand_in(command)

    def _check(self) -> None:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0]
        if kind.strip().lower() != "application/json":
            raise Refused(415, "Send JSON with 'Content-Type: application/json'.")
        self._access.check_origin(self.request)
        self._access.check_machine(self.request, reading=self._reading)

    def _hand_in(self, command: Command) -> None:
        why_not = _unwanted(self._desk.status, command)
        if why_not and self._desk.attended:
            self.refuse(409, why_not)
        elif self._desk.send(command):
            self.answer({"accepted": True}, 202)
        else:
            self.refuse(
                503,
                "MoodCam is starting, stopping or has failed; "
                "try again or look into Mopidy's log.",
            )


def _unwanted(status: Status, command: Command) -> str:
    """Return why a reading counts for nothing now, or ''."""
    if not isinstance(command, TakeReading) or views.readings(status)["wanted"]:
        return ""
    camera = status.camera
    return RESTING.format(why=camera.why or camera.state) if camera.on else OFF


class SongsHandler(ApiHandler):
    """One address that reads the catalogue, in a thread: a search takes its time."""

    def initialize(  # type: ignore[override]
        self,
        songlist: SongList,
        search: Search,
        **rest: Any,  # noqa: ANN401
    ) -> None:
        """Take over what the route gives."""
        super().initialize(view=views.status, **rest)
        self._songlist = songlist
        self._search = search

    async def get(self) -> None:  # type: ignore[override]
        """Show what the search finds."""
        query = {key: self.get_query_argument(key) for key in self.request.arguments}
        loop = tornado.ioloop.IOLoop.current()
        try:
            found = await loop.run_in_executor(
                None, self._search, self._songlist, self._desk.status, query
            )
        except ValueError as error:
            self.refuse(400, str(error))
        else:
            self.answer(found)


class NothingHandler(_Quiet):
    """Every other address below the API, and those that can be no file's."""

    def prepare(self) -> None:
        """Answer 404 whatever is asked."""
        raise tornado.web.HTTPError(404)


class PageHandler(_Quiet, tornado.web.StaticFileHandler):
    """The page and what it needs, from the package."""

    def set_extra_headers(self, path: str) -> None:
        """Let browsers keep the page, but ask whether it is still the newest."""
        del path
        self.set_header("Cache-Control", "no-cache")
