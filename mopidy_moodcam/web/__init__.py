"""The page and the HTTP JSON, served by Mopidy's own Tornado.

Everything Mopidy serves shares one Tornado thread, so nothing here waits: the
answers come from the desk's last status, commands are handed in at the desk,
and the catalogue is read in worker threads. Imported when the server starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mopidy_moodcam.desk import Desk


def factory(
    desk: Desk,
    config: Any,  # noqa: ANN401  (its class moved in 4.0)
    core: object,
) -> list[Any]:
    """Return the Tornado routes below `/moodcam` (Mopidy's `http:app`).

    It runs in Tornado's own thread. `core` is not used: a handler that waits
    for core could hang the server.
    """
    del core
    import tornado.ioloop  # noqa: PLC0415  (the command line never needs it)

    from mopidy_moodcam.resources import data_dir  # noqa: PLC0415
    from mopidy_moodcam.songlist import SongList  # noqa: PLC0415
    from mopidy_moodcam.web import routes  # noqa: PLC0415
    from mopidy_moodcam.web.access import Access  # noqa: PLC0415

    songlist = SongList(desk, data_dir(config) / "catalogue.sqlite")
    loop = tornado.ioloop.IOLoop.current()
    return routes.routes(desk, Access.from_config(config), songlist, loop)
