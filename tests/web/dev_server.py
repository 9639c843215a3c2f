"""The page on made-up statuses, for looking at it while changing it.

python tests/web/dev_server.py [--port 8680] [--scene happy|unknown|consent|guests]
"""

import argparse
import asyncio
import contextlib
import logging
import pathlib
import sys
import tempfile
import threading
import time

import tornado.httpserver
import tornado.netutil
import tornado.web

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from mopidy_moodcam import web
from mopidy_moodcam.desk import Desk
from tests.web.scenes import SCENES, Puppet


def application(desk, config):
    """Mount the routes below /moodcam, as Mopidy does."""
    rules = [list(rule) for rule in web.factory(desk, config, core=None)]
    return tornado.web.Application([(f"/moodcam{r[0]}", *r[1:]) for r in rules])


def config_in(folder, **moodcam):
    return {
        "core": {"data_dir": str(folder)},
        "http": {"allowed_origins": set()},
        "moodcam": {"token": "", **moodcam},
    }


@contextlib.contextmanager
def serving(desk, config, port=0):
    """Serve in a thread of its own, as Mopidy does; yields the port."""
    started = threading.Event()
    found = {}

    async def serve():
        sockets = tornado.netutil.bind_sockets(port, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(application(desk, config))
        server.add_sockets(sockets)
        found["port"] = sockets[0].getsockname()[1]
        found["loop"] = asyncio.get_running_loop()
        found["end"] = asyncio.Event()
        started.set()
        await found["end"].wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield found["port"]
    finally:
        found["loop"].call_soon_threadsafe(found["end"].set)
        thread.join(10)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8680)
    parser.add_argument("--scene", choices=SCENES, default="happy")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    desk = Desk()
    Puppet(desk, SCENES[options.scene](time.time()), time.time)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(desk, config_in(folder), options.port) as port,
    ):
        print(f"http://127.0.0.1:{port}/moodcam/")  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
