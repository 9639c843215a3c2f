"""Every address below `/moodcam`, in one table."""

from __future__ import annotations

import pathlib
import time
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.web import bodies, shelves, views
from mopidy_moodcam.web.handlers import (
    ApiHandler,
    NothingHandler,
    PageHandler,
    SongsHandler,
)
from mopidy_moodcam.web.live import Live, LiveHandler

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop

    from mopidy_moodcam.desk import Desk
    from mopidy_moodcam.songlist import SongList
    from mopidy_moodcam.web.access import Access

HERE = pathlib.Path(__file__).parent

API: dict[str, dict[str, Any]] = {
    "status": {"view": views.status},
    "history": {"view": views.history},
    "camera": {"view": views.camera, "command": bodies.camera},
    "goal": {"view": views.goal, "command": bodies.goal},
    "mood": {"view": views.mood, "command": bodies.mood},
    "pause": {"view": views.pause, "command": bodies.pause},
    "corrections": {"view": views.corrections, "command": bodies.corrections},
    "baseline": {"view": views.baseline, "command": bodies.baseline},
    "guests": {"view": views.guests, "command": bodies.guests},
    "readings": {
        "view": views.readings,
        "command": lambda body: bodies.reading(body, time.time()),
        "reading": True,
    },
}


SONGS: dict[str, dict[str, Any]] = {
    "feedback": {"search": shelves.feedback, "command": bodies.feedback},
    "songs": {"search": shelves.songs, "command": bodies.songs},
    "clusters": {"search": shelves.clusters},
}
"""Addresses that read the catalogue."""


def routes(desk: Desk, access: Access, songlist: SongList, loop: IOLoop) -> list[Any]:
    """Return Tornado's rules for everything below `/moodcam`."""
    given = {"desk": desk, "access": access}
    live = {"live": Live(desk, loop), "access": access}
    with_songs = {**given, "songlist": songlist}
    page = {"path": str(HERE / "static"), "default_filename": "index.html"}
    return [
        *((rf"/api/{name}", ApiHandler, given | its) for name, its in API.items()),
        *(
            (rf"/api/{name}", SongsHandler, with_songs | its)
            for name, its in SONGS.items()
        ),
        (r"/status\.json", ApiHandler, given | API["status"]),
        (r"/api/(openapi\.json)", PageHandler, {"path": str(HERE)}),
        (r"/api/.*|.*%00.*", NothingHandler),
        (r"/ws", LiveHandler, live),
        (r"/(.*)", PageHandler, page),
    ]
