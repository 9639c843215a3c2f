"""The newest status for every open page, as it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import tornado.ioloop
import tornado.websocket

from mopidy_moodcam.web import views
from mopidy_moodcam.web.access import Refused

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from mopidy_moodcam.desk import Desk
    from mopidy_moodcam.status import Status
    from mopidy_moodcam.web.access import Access

PAUSE = 0.25
"""Seconds between two pushes: quick for a person, nothing for a small machine."""

BEAT = 20.0
"""Seconds after which the status is sent again: a page that hears nothing for more
than two of them takes the server for gone."""


class Live:
    """Passes the desk's status to the open pages; lives on Tornado's thread.

    Only `_published` runs in the publisher's thread. While no page is open
    nobody listens to the desk, and no timer runs.
    """

    def __init__(self, desk: Desk, loop: tornado.ioloop.IOLoop) -> None:
        self._desk = desk
        self._loop = loop
        self._pages: set[LiveHandler] = set()
        self._stop_listening: Callable[[], None] | None = None
        self._beat = tornado.ioloop.PeriodicCallback(self._push, BEAT * 1000)
        self._due = False
        self._told: Status | None = None
        self._text = ""

    def text(self) -> str:
        """Return the newest status as JSON, written once per status."""
        status = self._desk.status
        if status is not self._told:
            self._text = json.dumps(views.status(status), allow_nan=False)
            self._told = status
        return self._text

    def join(self, page: LiveHandler) -> None:
        """Show `page` the status now and at each change."""
        self._pages.add(page)
        if self._stop_listening is None:
            self._stop_listening = self._desk.subscribe(self._published)
            self._beat.start()
        page.show(self.text())

    def leave(self, page: LiveHandler) -> None:
        """Forget `page`."""
        self._pages.discard(page)
        if not self._pages and self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
            self._beat.stop()

    def _published(self, _status: Status) -> None:
        if not self._due:
            self._due = True
            self._loop.add_callback(self._loop.call_later, PAUSE, self._push)

    def _push(self) -> None:
        self._due = False
        text = self.text()
        for page in tuple(self._pages):
            page.show(text)


class LiveHandler(tornado.websocket.WebSocketHandler):
    """One open page; what it sends is not listened to."""

    def initialize(self, live: Live, access: Access) -> None:
        """Take over what the route gives."""
        self._live = live
        self._access = access
        self._on_the_way = False
        self._next = ""

    @property
    def ping_interval(self) -> float:
        """Seconds between pings: a phone that left the house is let go."""
        return 30.0

    @property
    def max_message_size(self) -> int:
        """Return few bytes: pages only listen."""
        return 1024

    def check_origin(self, origin: str) -> bool:
        """Let in this server's own page and `http/allowed_origins`."""
        return self._access.origin_allowed(origin, self.request.host)

    def prepare(self) -> None:
        """Refuse strange names of this server and foreign pages.

        Tornado asks `check_origin` too late for an origin that it cannot read.
        """
        try:
            self._access.check_host(self.request)
            self._access.check_origin(self.request)
        except Refused as refused:
            self.set_status(refused.status)
            self.finish(str(refused))

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Send the status at once."""
        self.set_nodelay(True)
        self._live.join(self)

    def on_message(self, message: str | bytes) -> None:
        """Do nothing: commands go by POST, where they are checked."""

    def on_close(self) -> None:
        """Stop sending."""
        self._live.leave(self)

    def show(self, text: str) -> None:
        """Send `text`, after the last one has gone; a page that went away is no error.

        For a page that takes nothing, such as a phone out of reach, only the newest
        waits.
        """
        if self._on_the_way:
            self._next = text
            return
        try:
            sending = self.write_message(text)
        except tornado.websocket.WebSocketClosedError:
            self._live.leave(self)
        else:
            self._on_the_way = True
            sending.add_done_callback(self._gone)

    def _gone(self, sending: asyncio.Future[None]) -> None:
        self._on_the_way = False
        text, self._next = self._next, ""
        # Asked for its exception, a future that failed does not log it.
        failed = sending.cancelled() or sending.exception()
        if text and not failed:
            self.show(text)

    def _log(self) -> None:
        """Say nothing: a page that comes and goes is no news."""

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:  # noqa: ANN401
        """Say nothing: a socket that breaks is no news."""
