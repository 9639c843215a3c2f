"""The running server, as the command line talks to it: over its own HTTP JSON."""

from __future__ import annotations

import dataclasses
import http.client
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 5.0

_EVERYWHERE = {"", "::", "0.0.0.0"}  # noqa: S104  (names of 'every interface')


class ServerError(Exception):
    """The server is not there or refused; the message is one sentence."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A Mopidy server with MoodCam at `url`, like `http://127.0.0.1:6680`."""

    url: str
    token: str = ""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Server:
        """Find the server that uses this configuration; raises `ServerError`."""
        web = config.get("http", {})
        if not web.get("enabled", True):
            raise ServerError("Set http/enabled to true: commands go to the server.")
        host = web.get("hostname") or ""
        if host.startswith("unix:"):
            raise ServerError(
                "Commands need an address: set http/hostname to one, like 127.0.0.1."
            )
        host = "127.0.0.1" if host in _EVERYWHERE else host
        host = f"[{host}]" if ":" in host else host
        url = f"http://{host}:{web.get('port', 6680)}"
        return cls(url, config.get("moodcam", {}).get("token") or "")

    def get(self, name: str) -> dict[str, Any]:
        """Return what the server shows at this address of its API."""
        return self._ask(name, None)

    def post(self, name: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask for a change."""
        return self._ask(name, body)

    def _ask(self, name: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  (http only, see from_config)
            f"{self.url}/moodcam/api/{name}",
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers(),
        )
        # A proxy from the environment knows nothing of this machine's server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ServerError(_sentence(error)) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ServerError(self._nobody(error)) from None

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def _nobody(self, error: Exception) -> str:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return f"Mopidy at {self.url} does not answer: look into its log."
        return (
            f"No Mopidy server answers at {self.url}: start it with 'mopidy', "
            "or check http/hostname and http/port."
        )


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return (
            f"The server at this address answered {error.code}: "
            "is MoodCam enabled in its configuration?"
        )
