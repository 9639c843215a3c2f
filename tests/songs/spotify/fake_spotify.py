"""A server that answers as Spotify documents it in late 2026, refusals included.

Its accounts check PKCE, its Web API has the paths that applications of private
people still have; those that are gone answer 403, as the real ones do.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import http.server
import json
import secrets
import threading
import urllib.parse
from typing import Any

from mopidy_moodcam.songs.spotify.api import Service
from tests.songs.libraries import spotify_id

CLIENT_ID = "0123456789abcdef0123456789abcdef"
ME = "listener"


def song(number: int, **changes: Any) -> dict[str, Any]:
    """Return a track object."""
    return {
        "id": spotify_id(number),
        "uri": f"spotify:track:{spotify_id(number)}",
        "type": "track",
        "name": f"Song {number}",
        "artists": [{"name": f"Artist {number}"}, {"name": "Guest"}],
        "album": {"name": f"Album {number}", "release_date": "2019-04-01"},
        "duration_ms": 200_000 + number,
        "external_ids": {"isrc": f"DEABC19{number:05d}"},
        "is_local": False,
        "explicit": False,
        "track": True,  # the real ones say so too
        "episode": False,
    } | changes


def in_playlist(number: int) -> dict[str, Any]:
    """Return an entry of a playlist."""
    return {"added_at": "2026-01-01T00:00:00Z", "is_local": False, "item": song(number)}


def saved_song(number: int) -> dict[str, Any]:
    """Return an entry of the saved songs; a higher number was saved later."""
    day, hour = divmod(number, 24)
    when = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{hour:02d}:00:00Z"
    return {"added_at": when, "track": song(number)}


def features(number: int, **changes: Any) -> dict[str, Any]:
    """Return an audio features object."""
    return {
        "id": spotify_id(number),
        "type": "audio_features",
        "danceability": 0.5,
        "energy": 0.7,
        "valence": 0.3,
        "acousticness": 0.1,
        "instrumentalness": 0.0,
        "speechiness": 0.05,
        "liveness": 0.2,
        "loudness": -7.5,
        "tempo": 121.0,
        "key": 5,
        "mode": 1,
        "time_signature": 4,
        "duration_ms": 200_000,
    } | changes


@dataclasses.dataclass
class Fault:
    """An answer given instead of the right one; `body` is sent as it is."""

    path: str
    status: int
    body: str = '{"error": {"status": 0, "message": "said so"}}'
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    times: int = 1


class FakeSpotify(http.server.ThreadingHTTPServer):
    """Spotify with one listener; what it holds can be changed at any time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.playlists: list[dict[str, Any]] = []
        self.entries: dict[str, list[Any]] = {}
        self.saved: list[Any] = []
        self.finds: list[Any] = []
        self.features: dict[str, Any] | None = None  # None: 403, as for most
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.secrets: list[str] = []
        self.denies = False
        self.dead = False
        self.hold: tuple[str, str] | None = None  # a path and an offset
        self.held = threading.Event()
        self.released = threading.Event()
        self.good: set[str] = set()
        self.refresh = ""
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def service(self) -> Service:
        base = f"http://127.0.0.1:{self.server_address[1]}/"
        return Service(api=f"{base}v1/", accounts=base)

    def add_playlist(self, name: str, entries: list[Any], **changes: Any) -> str:
        playlist_id = hashlib.sha256(name.encode()).hexdigest()[:22]
        self.entries[playlist_id] = entries
        self.playlists.append(
            {
                "id": playlist_id,
                "name": name,
                "owner": {"id": ME},
                "collaborative": False,
                "snapshot_id": f"{name} 1",
                "items": {"total": len(entries)},
            }
            | changes
        )
        return playlist_id

    def paths(self) -> list[str]:
        """Return the paths asked for, in order."""
        return [path for path, _ in self.asked]

    def offsets(self, end: str) -> list[str]:
        """Return the offsets asked for at paths with this end."""
        return [q.get("offset", "0") for path, q in self.asked if path.endswith(end)]

    def expire(self) -> None:
        """Let all access tokens end."""
        self.good.clear()

    def fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and path.endswith(fault.path):
                fault.times -= 1
                return fault
        return None

    # Accounts

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent after the listener said yes or no."""
        redirect = query["redirect_uri"]
        assert redirect.startswith("http://127.0.0.1:")
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT_ID
        if self.denies:
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = self._secret()
            self._codes[code] = query
            answer = {"code": code, "state": query["state"]}
        return f"{redirect}?{urllib.parse.urlencode(answer)}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("client_id") != CLIENT_ID:
            return 400, {"error": "invalid_client", "error_description": "Unknown"}
        if form["grant_type"] == "authorization_code":
            asked = self._codes.pop(form["code"], None)
            if asked is None or not _proves(form["code_verifier"], asked):
                return 400, {"error": "invalid_grant"}
            assert form["redirect_uri"] == asked["redirect_uri"]
        elif self.dead or form["refresh_token"] != self.refresh:
            described = "Refresh token expired"
            return 400, {"error": "invalid_grant", "error_description": described}
        access, self.refresh = self._secret(), self._secret()
        self.good.add(access)
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "scope": "playlist-read-private playlist-read-collaborative"
            " user-library-read",
            "expires_in": 3600,
            "refresh_token": self.refresh,
        }

    def _secret(self) -> str:
        self.secrets.append(secrets.token_urlsafe(24))
        return self.secrets[-1]

    # Web API

    def answer(  # noqa: PLR0911
        self, path: str, query: dict[str, str]
    ) -> tuple[int, Any]:
        match path.strip("/").split("/")[1:]:
            case ["me"]:
                return 200, {"id": ME, "display_name": "The Listener"}
            case ["me", "playlists"]:
                return self._page(self.playlists, path, query)
            case ["me", "tracks"]:
                return self._page(self.saved, path, query)
            case ["playlists", playlist_id, "items"]:
                if self._is_closed(playlist_id):
                    return 403, _error(403, "Forbidden")
                return self._page(self.entries[playlist_id], path, query)
            case ["search"]:
                status, page = self._page(self.finds, path, query, most=10)
                return status, {"tracks": page} if status == 200 else page
            case ["audio-features"] if self.features is not None:
                ids = query["ids"].split(",")
                assert len(ids) <= 100
                return 200, {"audio_features": [self.features.get(i) for i in ids]}
        return 403, _error(403, "Forbidden")  # the paths that are gone say so

    def _is_closed(self, playlist_id: str) -> bool:
        return any(
            playlist
            and playlist["id"] == playlist_id
            and (playlist["owner"] or {}).get("id") != ME
            for playlist in self.playlists
        )

    def _page(
        self, entries: list[Any], path: str, query: dict[str, str], most: int = 50
    ) -> tuple[int, dict[str, Any]]:
        limit, offset = int(query.get("limit", 5)), int(query.get("offset", 0))
        if not 1 <= limit <= most:
            return 400, _error(400, "Invalid limit")
        end = offset + limit
        following = urllib.parse.urlencode(query | {"offset": str(end)})
        base = self.service.api.removesuffix("/v1/")
        return 200, {
            "items": entries[offset:end],
            "limit": limit,
            "offset": offset,
            "total": len(entries),
            "next": f"{base}{path}?{following}" if end < len(entries) else None,
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FakeSpotify
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, query = self._split()
        if path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.server.authorize(query))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.asked.append((path, query))
        self._wait(path, query)
        if fault := self.server.fault(path):
            self._send(fault.status, fault.body.encode(), fault.headers)
        elif self.headers.get("Authorization", "")[7:] not in self.server.good:
            self._send_json(401, _error(401, "The access token expired"))
        else:
            self._send_json(*self.server.answer(path, query))

    def do_POST(self) -> None:
        path, _ = self._split()
        length = int(self.headers["Content-Length"])
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        assert "Authorization" not in self.headers  # PKCE: no secret
        assert "client_secret" not in form
        self.server.asked.append((path, {"grant_type": form["grant_type"]}))
        if fault := self.server.fault(path):
            self._send(fault.status, fault.body.encode(), fault.headers)
        else:
            self._send_json(*self.server.token(form))

    def _split(self) -> tuple[str, dict[str, str]]:
        url = urllib.parse.urlsplit(self.path)
        return url.path, dict(urllib.parse.parse_qsl(url.query))

    def _wait(self, path: str, query: dict[str, str]) -> None:
        hold = self.server.hold
        if hold and path.endswith(hold[0]) and query.get("offset", "0") == hold[1]:
            self.server.held.set()
            self.server.released.wait(30)

    def _send_json(self, status: int, body: Any) -> None:
        self._send(status, json.dumps(body).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _proves(verifier: str, asked: dict[str, str]) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return 43 <= len(verifier) <= 128 and challenge == asked["code_challenge"]


def _error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"status": status, "message": message}}
