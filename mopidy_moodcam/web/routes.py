"""Every address below `/moodcam`, in one table."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.web import bodies, views
from mopidy_moodcam.web.handlers import (
    ApiHandler,
    NothingHandler,
    PageHandler,
    arrived,
)
from mopidy_moodcam.web.live import Live, LiveHandler

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop

    from mopidy_moodcam.desk import Desk
    from mopidy_moodcam.web.access import Access

HERE = pathlib.Path(__file__).parent

API: dict[str, dict[str, Any]] = {
    "status": {"view": views.status},
    "history": {"view": views.history},
    "camera": {"view": views.camera, "command": bodies.camera},
    "goal": {"view": views.goal, "command": bodies.goal},
    "mood": {"view": views.mood, "command": bodies.mood},
    "pause": {"view": views.pause, "command": bodies.pause},
    "feedback": {"view": views.feedback, "command": bodies.feedback},
    "corrections": {"view": views.corrections, "command": bodies.corrections},
    "baseline": {"view": views.baseline, "command": bodies.baseline},
    "guests": {"view": views.guests, "command": bodies.guests},
    "readings": {"view": views.readings, "command": arrived, "reading": True},
}


def routes(
    desk: Desk, access: Access, catalogue: pathlib.Path, loop: IOLoop
) -> list[Any]:
    """Return Tornado's rules; `catalogue` is read for songs and clusters only."""
    del catalogue
    live = Live(desk, loop)
    api = [
        (rf"/api/{name}", ApiHandler, {"desk": desk, "access": access, **words})
        for name, words in API.items()
    ]
    return [
        *api,
        (
            r"/status\.json",
            ApiHandler,
            {"desk": desk, "access": access, "view": views.status},
        ),
        (r"/api/(openapi\.json)", PageHandler, {"path": str(HERE)}),
        (r"/api/.*", NothingHandler),
        (r"/ws", LiveHandler, {"live": live, "access": access}),
        (
            r"/(.*)",
            PageHandler,
            {"path": str(HERE / "static"), "default_filename": "index.html"},
        ),
    ]
