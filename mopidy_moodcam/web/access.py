"""Who may read and change something over HTTP.

Mopidy guards its own web API against foreign pages, but not those of
extensions, and a camera switch deserves a guard:

- A page of another site cannot send `application/json` unasked, and where a
  browser names the page's origin it must be this server or stand in
  `http/allowed_origins`.
- A site that points its own name at this machine (DNS rebinding) may not even
  read how the room feels: this server must have been called by an address, by a
  name of the home network, or by a name in `http/allowed_origins`.
- With `moodcam/token` set, other machines must show it for every change.
  Without it they may steer, as they may with Mopidy's own web API (a phone
  must be able to use the page), but may not post readings: what the room
  feels is not for everyone to say.
"""

from __future__ import annotations

import dataclasses
import hmac
import ipaddress
import urllib.parse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tornado.httputil import HTTPServerRequest

HOME_ENDINGS = (
    ".local",
    ".lan",
    ".home",
    ".home.arpa",
    ".internal",
    ".localdomain",
    ".localhost",
    ".fritz.box",
)
"""Endings of names that no site on the internet can own (RFC 6762, RFC 8375 …)."""

_FORWARDED = ("Forwarded", "X-Forwarded-", "X-Real-Ip", "Via")
"""How the headers begin by which a proxy says that it asks for another machine."""


class Refused(Exception):  # noqa: N818  (the word of the house)
    """The request may not do this: a status code and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """What the configuration says about other origins and machines.

    `allowed_origins` are `host` or `host:port`, in small letters.
    """

    allowed_origins: frozenset[str] = frozenset()
    token: str = ""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Access:
        """Read `http/allowed_origins` and `moodcam/token`."""
        origins = config.get("http", {}).get("allowed_origins") or ()
        token = config.get("moodcam", {}).get("token") or ""
        # Mopidy writes its origins as 'host:port'; people write 'http://…' too.
        places = (origin.lower().rpartition("://")[2] for origin in origins)
        return cls(frozenset(place.rstrip("/") for place in places), token)

    def check_host(self, request: HTTPServerRequest) -> None:
        """Raise `Refused` where this server was called by a strange name."""
        host = request.host.lower()
        if not (host in self.allowed_origins or _at_home(host)):
            raise Refused(
                403,
                f"This server does not know itself as {host!r}; add that name "
                "to http/allowed_origins.",
            )

    def check_origin(self, request: HTTPServerRequest) -> None:
        """Raise `Refused` where a page of another site asks."""
        origin = request.headers.get("Origin")
        if origin is not None and not self.origin_allowed(origin, request.host):
            raise Refused(
                403,
                f"Pages of {origin!r} may not do this; "
                "add it to http/allowed_origins if they should.",
            )

    def origin_allowed(self, origin: str, host: str) -> bool:
        """Say whether a page of `origin` may talk to this server at `host`."""
        try:
            place = urllib.parse.urlsplit(origin.lower()).netloc
        except ValueError:  # such as http://[
            return False
        return place != "" and place in {host.lower(), *self.allowed_origins}

    def check_machine(self, request: HTTPServerRequest, *, reading: bool) -> None:
        """Raise `Refused` where another machine may not make this change."""
        if from_this_machine(request):
            return
        if self.token:
            if not self._shown(request.headers.get("Authorization", "")):
                raise Refused(
                    401,
                    "Other machines must send 'Authorization: Bearer …' with "
                    "the value of moodcam/token.",
                )
        elif reading:
            raise Refused(
                403,
                "Readings from other machines are taken only when moodcam/token "
                "is set here and sent as 'Authorization: Bearer …'.",
            )

    def _shown(self, header: str) -> bool:
        scheme, _, value = header.partition(" ")
        right = hmac.compare_digest(value.strip().encode(), self.token.encode())
        return scheme.lower() == "bearer" and right


def from_this_machine(request: HTTPServerRequest) -> bool:
    """Say whether a program on this machine asks, and no proxy for another."""
    if any(name.startswith(_FORWARDED) for name in request.headers):
        return False
    try:
        address = ipaddress.ip_address(request.remote_ip or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _at_home(host: str) -> bool:
    """Say whether `host` (maybe with a port) is an address or a home name."""
    try:
        name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        if name.endswith(HOME_ENDINGS) or "." not in name:
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
