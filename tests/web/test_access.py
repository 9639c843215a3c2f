"""Who may change something over HTTP."""

import types

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from mopidy_moodcam.seeing.post import Poster
from mopidy_moodcam.web import access as accesses
from mopidy_moodcam.web.access import Access, Refused, from_this_machine
from tests.web.conftest import TOKEN


def request(remote_ip="127.0.0.1", host="localhost:6680", **headers):
    context = types.SimpleNamespace(remote_ip=remote_ip, protocol="http")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTPServerRequest(
        start_line=RequestStartLine("POST", "/moodcam/api/camera", "HTTP/1.1"),
        headers=HTTPHeaders({"Host": host, **named}),
        connection=types.SimpleNamespace(context=context),
    )


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine(ip):
    assert from_this_machine(request(ip))


@pytest.mark.parametrize(
    "ip", ["192.168.1.7", "::ffff:192.168.1.7", "fe80::1", "", "?"]
)
def test_every_other_address_is_another_machine(ip):
    assert not from_this_machine(request(ip))


@pytest.mark.parametrize(
    "header", ["X_Forwarded_For", "x_forwarded_host", "Forwarded", "X_Real_Ip", "Via"]
)
def test_a_proxy_here_speaks_for_another_machine(header):
    assert not from_this_machine(request(**{header: "203.0.113.9"}))


@pytest.mark.parametrize(
    "host",
    [
        "localhost:6680",
        "127.0.0.1:6680",
        "192.168.1.5:6680",
        "[::1]:6680",
        "[fe80::2]",
        "mopidy",
        "music:6680",
        "music.local",
        "music.fritz.box:6680",
        "music.home.arpa",
        "MUSIC.LAN:6680",
    ],
)
def test_a_name_of_the_home_is_this_server(host):
    Access().check_host(request(host=host))


@pytest.mark.parametrize(
    "host", ["evil.example:6680", "localhost.evil.example", "[::1"]
)
def test_a_strange_name_is_stopped_as_dns_rebinding(host):
    with pytest.raises(Refused, match="http/allowed_origins") as refused:
        Access().check_host(request(host=host))
    assert refused.value.status == 403


@pytest.mark.parametrize("listed", ["music.example", "https://Music.example/"])
def test_a_name_in_allowed_origins_is_this_server_however_it_is_written(listed):
    access = Access.from_config({"http": {"allowed_origins": {listed}}})
    access.check_host(request(host="music.example"))
    access.check_origin(request(Origin="https://music.example"))


@pytest.mark.parametrize(
    "origin", ["http://localhost:6680", "https://localhost:6680", "http://app.example"]
)
def test_own_and_allowed_origins_may_ask(origin):
    access = Access(frozenset({"app.example"}))
    access.check_origin(request(Origin=origin))


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:9999",
        "null",
        "",
        "file://",
        "localhost:6680",
        "http://[",
    ],
)
def test_every_other_origin_is_refused(origin):
    with pytest.raises(Refused, match="http/allowed_origins"):
        Access().check_origin(request(Origin=origin))


def test_a_program_without_an_origin_may_ask():
    Access().check_origin(request())


def test_without_a_token_others_may_steer_but_not_post_readings():
    phone = request("192.168.1.7")
    Access().check_machine(phone, reading=False)
    with pytest.raises(Refused, match="moodcam/token") as refused:
        Access().check_machine(phone, reading=True)
    assert refused.value.status == 403


@pytest.mark.parametrize("reading", [True, False])
def test_with_a_token_others_must_show_it(reading):
    access = Access(token=TOKEN)
    for header in ["", "Bearer", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer é"]:
        with pytest.raises(Refused, match="moodcam/token") as refused:
            access.check_machine(
                request("192.168.1.7", Authorization=header), reading=reading
            )
        assert refused.value.status == 401
    for header in ["Bearer s3cret", "bearer  s3cret "]:
        access.check_machine(
            request("192.168.1.7", Authorization=header), reading=reading
        )


def test_this_machine_needs_no_token():
    Access(token=TOKEN).check_machine(request(), reading=True)


def test_the_guard_stands_before_every_change(guarded, puppet):
    far = {"X_Forwarded_For": "203.0.113.9"}
    status, answer = guarded.post("api/goal", {"goal": "lift"}, **far)
    assert status == 401
    assert "moodcam/token" in answer["error"]
    assert puppet.commands == []
    status, _ = guarded.post(
        "api/goal", {"goal": "lift"}, Authorization="Bearer s3cret", **far
    )
    assert status == 202


def test_readings_of_another_machine_need_a_token(client, puppet):
    status, answer = client.post(
        "api/readings", {"mood": "sad"}, X_Forwarded_For="203.0.113.9"
    )
    assert status == 403
    assert "moodcam/token" in answer["error"]
    assert puppet.commands == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example:6680"}]
)
def test_foreign_pages_change_nothing(client, puppet, headers):
    status, answer = client.post("api/camera", {"on": True}, **headers)
    assert status == 403
    assert "http/allowed_origins" in answer["error"]
    assert puppet.commands == []


def test_a_rebound_name_cannot_even_read_the_mood(client):
    for path in ("status.json", "api/mood", "api/songs?q=x"):
        answer, body = client.ask("GET", path, Host="evil.example:6680")
        assert answer.status == 403
        assert b"http/allowed_origins" in body
    answer, _ = client.ask("GET", "", Host="evil.example:6680")
    assert answer.status == 200  # the page itself, which then says why it is empty


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_an_eye_elsewhere_looks_only_where_its_token_is_right(
    guarded, monkeypatch, token
):
    monkeypatch.setattr(accesses, "from_this_machine", lambda _: False)
    poster = Poster(f"http://127.0.0.1:{guarded.port}/moodcam/api/readings", token)
    asked = poster.wanted()
    poster.post({"mood": "happy", "seconds": 1})
    assert (asked, poster.wanted()) == (True, token == TOKEN)
    monkeypatch.undo()
    assert poster.wanted()
