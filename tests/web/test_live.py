"""The WebSocket: the status now, and at each change."""

import asyncio
import contextlib
import dataclasses
import gc
import json
import threading
import time
import unittest.mock

import pytest
import tornado.ioloop
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from mopidy_moodcam.glossary import Goal
from mopidy_moodcam.web import live


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 20))


@contextlib.asynccontextmanager
async def listening(client, **headers):
    url = f"ws://127.0.0.1:{client.port}/moodcam/ws"
    socket = await websocket_connect(HTTPRequest(url, headers=headers))
    try:
        yield socket
    finally:
        socket.close()
        while await socket.read_message() is not None:
            pass


async def next_status(socket):
    return json.loads(await asyncio.wait_for(socket.read_message(), 5))


async def all_left(desk):
    for _ in range(100):
        if not desk._subscribers:
            return
        await asyncio.sleep(0.05)
    pytest.fail("somebody still listens to the desk")


def publish(desk, **changes):
    desk.publish(dataclasses.replace(desk.status, **changes))


def test_a_page_gets_the_status_at_once_and_at_each_change(client, desk):
    async def scenario():
        async with listening(client) as socket:
            first = await next_status(socket)
            publish(desk, goal=Goal.LIFT)
            return first, await next_status(socket)

    first, second = run(scenario())
    assert (first["goal"], second["goal"]) == ("match", "lift")
    assert second["words"]["goal"].startswith("Goal: lift")


def test_many_changes_become_few_messages_and_the_last_one_counts(client, desk):
    async def scenario():
        async with listening(client) as socket:
            await next_status(socket)
            messages = []
            end = time.monotonic() + 4 * live.PAUSE
            number = 0
            while time.monotonic() < end:
                number += 1
                publish(desk, time=float(number))
                await asyncio.sleep(0.002)
            while not messages or messages[-1]["time"] != number:
                messages.append(await next_status(socket))
            return number, messages

    number, messages = run(scenario())
    assert number > 50
    assert len(messages) <= 6


def test_nobody_listens_to_the_desk_while_no_page_is_open(client, desk):
    async def scenario():
        async with listening(client) as one, listening(client) as other:
            await next_status(one)
            await next_status(other)
            while_open = len(desk._subscribers)
        await all_left(desk)
        return while_open

    assert run(scenario()) == 1


def test_an_open_page_hears_something_where_nothing_changes(desk, monkeypatch):
    monkeypatch.setattr(live, "BEAT", 0.02)

    async def scenario():
        heard = asyncio.Queue()
        page = unittest.mock.Mock(show=heard.put_nowait)
        passing_on = live.Live(desk, tornado.ioloop.IOLoop.current())
        passing_on.join(page)
        texts = {await heard.get() for _ in range(3)}
        passing_on.leave(page)
        return texts, passing_on._beat.is_running()

    texts, timer_runs = run(scenario())
    assert [json.loads(text)["goal"] for text in texts] == ["match"]
    assert not timer_runs


def test_a_publisher_never_waits_for_a_page_that_does_not_read(client, desk):
    async def scenario():
        async with listening(client):
            start = time.perf_counter()
            for number in range(2000):
                publish(desk, time=float(number))
            return time.perf_counter() - start

    assert run(scenario()) < 2


async def burden(desk):
    """Publish more than sockets hold, for a page that takes nothing."""
    for number in range(1, 41):
        publish(desk, time=float(number), notices=("x" * 10**6,))
        await asyncio.sleep(0.01)


def test_a_page_that_takes_nothing_for_a_while_gets_only_the_newest(
    client, desk, monkeypatch
):
    monkeypatch.setattr(live, "PAUSE", 0.001)

    async def scenario():
        async with listening(client) as socket:
            await burden(desk)
            times = [(await next_status(socket))["time"]]
            while times[-1] != 40.0:
                times.append((await next_status(socket))["time"])
            return times

    assert len(run(scenario())) < 20


def test_a_page_that_went_away_while_it_was_told_is_no_error(
    client, desk, monkeypatch, caplog
):
    monkeypatch.setattr(live, "PAUSE", 0.001)

    async def scenario():
        async with listening(client) as socket:
            await burden(desk)
            socket.protocol.stream.close()
            await all_left(desk)

    run(scenario())
    gc.collect()
    assert caplog.messages == []


def test_publishers_in_other_threads_reach_the_page(client, desk):
    async def scenario():
        async with listening(client) as socket:
            await next_status(socket)
            publishing = threading.Thread(
                target=publish, args=(desk,), kwargs={"time": 5.0}
            )
            publishing.start()
            return await next_status(socket)

    assert run(scenario())["time"] == 5.0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://["},
        {"Host": "evil.example"},
        {"Host": "[::1"},
    ],
)
def test_foreign_pages_may_not_listen(client, headers):
    async def scenario():
        async with listening(client, **headers):
            pass

    with pytest.raises(HTTPClientError) as refused:
        run(scenario())
    assert refused.value.code == 403


def test_what_a_page_says_changes_nothing(client, puppet):
    async def scenario():
        async with listening(client) as socket:
            await next_status(socket)
            await socket.write_message('{"on": true}')
            await asyncio.sleep(0.1)

    run(scenario())
    assert puppet.commands == []
