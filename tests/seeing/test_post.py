"""Readings sent to a server elsewhere."""

import http.server
import json
import logging
import socket
import threading

import pytest

from mopidy_moodcam.seeing.post import Poster


@pytest.fixture
def server():
    """A real HTTP server that keeps what it got; `answer` is its status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self.server.got.append((dict(self.headers), self.rfile.read(length)))
            self.send_response(self.server.answer)
            self.end_headers()
            if self.server.answer >= 400:
                self.wfile.write(self.server.says)

        def do_GET(self):
            self.send_response(self.server.answer_get)
            self.end_headers()
            self.wfile.write(self.server.says)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer, server.says = [], 204, b'{"wanted": true}'
    server.answer_get = 200
    server.url = f"http://127.0.0.1:{server.server_port}/moodcam/api/readings"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_reading_arrives_as_json_with_the_token(server):
    assert Poster(server.url, "key").post({"time": 5.0, "reason": "nobody"})
    headers, body = server.got[0]
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer key"
    assert json.loads(body) == {"time": 5.0, "reason": "nobody"}


def test_without_a_token_none_is_sent(server):
    Poster(server.url).post({})
    assert "Authorization" not in server.got[0][0]


def test_a_server_that_refuses_is_a_sentence_about_the_token(server, caplog):
    server.answer = 403
    assert not Poster(server.url, "wrong").post({})
    assert "moodcam/token" in caplog.text


def test_what_the_server_says_of_its_refusal_is_passed_on(server, caplog):
    server.answer, server.says = 403, b'{"error": "Add it to http/allowed_origins."}'
    assert not Poster(server.url, "right").post({})
    assert "http/allowed_origins" in caplog.text
    assert "--token" not in caplog.text


def test_a_server_that_speaks_another_protocol_is_a_sentence(caplog):
    with socket.create_server(("127.0.0.1", 0)) as mpd:
        url = f"http://127.0.0.1:{mpd.getsockname()[1]}/moodcam/api/readings"
        words = b"OK MPD 0.19.0\n" * 2
        threading.Thread(target=greet, args=(mpd, words), daemon=True).start()
        poster = Poster(url)
        assert not poster.wanted()
        assert not poster.post({})
    assert "is away" in caplog.text


def greet(server, words):
    for _ in range(2):
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(words)


def test_a_server_whose_camera_is_off_is_a_sentence(server, caplog):
    server.answer = 409
    assert not Poster(server.url).post({})
    assert "wants no readings" in caplog.text


def test_a_camera_switched_off_there_stops_the_look_here(server, caplog):
    poster = Poster(server.url)
    assert poster.wanted()
    server.says = b'{"wanted": false}'
    assert not poster.wanted()
    assert not poster.wanted()
    assert caplog.text.count("wants no readings") == 1
    server.says = b'{"wanted": true}'
    assert poster.wanted()


@pytest.mark.parametrize("says", [b"", b"<html>", b"[]", b'{"reading": null}'])
def test_a_server_that_knows_no_switch_gets_readings(server, says):
    server.says = says
    assert Poster(server.url).wanted()


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1/", "http://[/"])
def test_while_the_server_is_away_there_is_no_look(url, caplog):
    assert not Poster(url).wanted()
    assert "is away" in caplog.text


def test_behind_a_proxy_a_server_that_is_away_gets_no_look(server, caplog):
    poster = Poster(server.url)
    assert poster.wanted()
    server.answer = server.answer_get = 502
    assert not poster.wanted()
    assert not poster.post({"time": 5.0})
    assert caplog.text.count("is away (Bad Gateway)") == len(caplog.records) == 1
    server.answer = server.answer_get = 200
    assert poster.wanted()


@pytest.mark.parametrize(("status", "says"), [(502, b""), (200, b"<html>")])
def test_a_no_holds_until_a_clear_yes(server, status, says):
    poster = Poster(server.url)
    server.says = b'{"wanted": false}'
    assert not poster.wanted()
    server.answer_get, server.says = status, says
    assert not poster.wanted()
    server.answer_get, server.says = 200, b'{"wanted": true}'
    assert poster.wanted()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_takes_no_reading_ends_a_held_yes(server, status, caplog):
    poster = Poster(server.url)
    assert poster.wanted()
    server.answer = status
    assert not poster.post({"time": 5.0})
    assert [poster.wanted() for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1
    server.answer = 400
    assert poster.wanted()
    assert [body for _, body in server.got[1:]] == [b""] * 4


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_knows_no_such_address_ends_a_held_yes(server, status, caplog):
    poster = Poster(server.url)
    assert poster.wanted()
    server.answer_get = status
    assert [poster.wanted() for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1
    server.answer_get = 502
    assert not poster.wanted()
    server.answer_get = 200
    assert poster.wanted()


def test_a_server_away_is_said_once_and_its_return_once(server, caplog):
    caplog.set_level(logging.INFO)
    away = [True]

    def urlopen(request, timeout):
        import urllib.request

        if away[0]:
            raise OSError("no route to host")
        return urllib.request.urlopen(request, timeout=timeout)

    poster = Poster(server.url, urlopen=urlopen)
    assert [poster.post({}) for _ in range(3)] == [False] * 3
    away[0] = False
    assert [poster.post({}) for _ in range(3)] == [True] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:1/", "http://[/"])
def test_a_bad_address_is_a_sentence_not_an_exception(url, caplog):
    assert not Poster(url).post({})
    assert "is away" in caplog.text
