# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of the REST API of a controller. Every failure is one of the error tree of ``_errors``."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from ssl import SSLCertVerificationError
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

from ansible.module_utils.urls import ConnectionError as RequestError
from ansible.module_utils.urls import open_url

from ._errors import CladnetError, Conflict, Exhausted, InvalidInput, NotFound, Unauthorized, Unavailable

Document = dict[str, t.Any]

ERRORS_BY_CODE: dict[str, type[CladnetError]] = {
    error.code: error for error in (Conflict, Exhausted, InvalidInput, NotFound, Unauthorized, Unavailable)
}
ERRORS_BY_STATUS: dict[int, type[CladnetError]] = {
    400: InvalidInput,
    401: Unauthorized,
    403: Unauthorized,
    409: Conflict,
    507: Exhausted,
}
LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1"}
ACCESS_HINT = (
    "Give api_token or api_token_file: a controller keeps its token in"
    " /var/lib/cladnet/controller/admin.token on its host."
)
CA_HINT = (
    "Give ca_path: a controller keeps its certificate authority in /var/lib/cladnet/controller/pki/ca.crt"
    " on its host."
)


@dataclass(frozen=True)
class Connection:
    """Where the API of a controller is, and how to be let in."""

    url: str
    token: str
    ca_path: str | None = None
    validate_certs: bool = True
    timeout_s: int = 30

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname:
            raise InvalidInput(f"api_url is {self.url!r}.", hint="Give it like https://127.0.0.1:8053.")
        if self.ca_path and not Path(self.ca_path).is_file():
            raise InvalidInput(f"ca_path names no file on this host: {self.ca_path}.", hint=CA_HINT)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Connection:
        """Takes the options of the documentation fragment C(_connection).

        :raises InvalidInput: an option is wrong, or the file with the token cannot be read.
        """
        return cls(
            url=params["api_url"].rstrip("/"),
            token=params["api_token"] or _read_token(params["api_token_file"]),
            ca_path=params["ca_path"],
            validate_certs=params["validate_certs"],
            timeout_s=params["timeout"],
        )


class ControllerApi:
    """Networks, their peers and what is asked of them, as documents of the REST API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def networks(self) -> list[Document]:
        """Returns all networks."""
        return self._list("/v1/networks", "networks")

    def network(self, name: str) -> Document | None:
        """Returns one network, or None when there is none of that name."""
        return self._found(_path("networks", name))

    def create_network(self, spec: Document) -> Document:
        """Makes a network.

        :raises Conflict: there is one of this name, or its address space overlaps another's.
        """
        return self._request("POST", "/v1/networks", spec)

    def update_network(self, name: str, changes: Document) -> Document:
        """Changes what is given.

        :raises Conflict: the change is not possible while the network has peers.
        """
        return self._request("PATCH", _path("networks", name), changes)

    def delete_network(self, name: str, *, force: bool) -> None:
        """Removes a network, and with ``force`` its peers.

        :raises Conflict: it has peers.
        """
        self._request("DELETE", _path("networks", name) + ("?force=true" if force else ""))

    def peers(self, network: str) -> list[Document]:
        """Returns the peers of a network.

        :raises NotFound: there is no such network.
        """
        return self._list(_path("networks", network, "peers"), "peers")

    def peer(self, network: str, host: str) -> Document | None:
        """Returns one peer, or None when the network has none of that name, or there is no such network."""
        return self._found(_path("networks", network, "peers", host))

    def create_peer(self, network: str, spec: Document) -> Document:
        """Keeps a place for a host; with ``public_key`` it is the place of a peer without agent.

        :raises Conflict: the host has a place, or somebody else the address.
        """
        return self._request("POST", _path("networks", network, "peers"), spec)

    def update_peer(self, network: str, host: str, changes: Document) -> Document:
        """Changes what is given.

        :raises Conflict: somebody else has the address, or it is not that kind of peer.
        """
        return self._request("PATCH", _path("networks", network, "peers", host), changes)

    def delete_peer(self, network: str, host: str) -> None:
        """Takes a host out of its network."""
        self._request("DELETE", _path("networks", network, "peers", host))

    def control(self, network: str, action: str, hosts: t.Sequence[str] | None) -> Document:
        """Asks hosts (None: all that have an agent) to go ``up`` or ``down`` or to ``rekey``.

        :raises NotFound: one of them is not in the network.
        :raises Conflict: one of them has no agent.
        """
        return self._request(
            "POST", _path("networks", network, "control"), {"action": action, "hosts": hosts}
        )

    def start_test(self, network: str, spec: Document) -> Document:
        """Has hosts ping one another; ``spec`` has ``hosts`` (None: all), ``count`` and ``timeout_s``."""
        return self._request("POST", _path("networks", network, "tests"), spec)

    def test(self, network: str, test_id: str) -> Document:
        """Returns what is known of a test.

        :raises NotFound: there is none; it is kept for an hour.
        """
        return self._request("GET", _path("networks", network, "tests", test_id))

    def create_enrolment_token(self, network: str, host: str) -> Document:
        """Makes a token with which ``host`` may join once.

        :raises NotFound: there is no such network.
        """
        return self._request("POST", _path("networks", network, "enrolments"), {"host": host})

    def _found(self, path: str) -> Document | None:
        try:
            return self._request("GET", path)
        except NotFound:
            return None

    def _list(self, path: str, key: str) -> list[Document]:
        document = self._request("GET", path)
        if not isinstance(document.get(key), list):
            raise self._not_a_controller()
        return t.cast("list[Document]", document[key])

    def _request(self, method: str, path: str, body: Document | None = None) -> Document:
        try:
            content = self._send(method, path, body)
        except HTTPError as exc:
            raise refusal(exc.code, exc.read()) from exc
        except (OSError, RequestError, HTTPException) as exc:
            raise self._unreachable(getattr(exc, "reason", exc)) from exc
        document = _document(content or b"{}")
        if document is None:
            raise self._not_a_controller()
        return document

    def _send(self, method: str, path: str, body: Document | None) -> bytes:
        connection = self._connection
        with open_url(
            connection.url + path,
            method=method,
            data=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {connection.token}", "Content-Type": "application/json"},
            timeout=connection.timeout_s,
            validate_certs=connection.validate_certs,
            ca_path=connection.ca_path,
            use_proxy=urlsplit(connection.url).hostname not in LOOPBACK_HOSTS,
            use_netrc=False,  # it would replace the token
            follow_redirects="none",  # a token goes nowhere but where it was meant to go
            http_agent="cloud_barista.cladnet",
        ) as response:
            return t.cast(bytes, response.read())

    def _unreachable(self, reason: object) -> Unavailable:
        if isinstance(reason, SSLCertVerificationError):
            return Unavailable(
                f"The certificate of {self._connection.url} is not trusted: {reason.verify_message}.",
                hint=CA_HINT,
            )
        return Unavailable(
            f"No controller answers at {self._connection.url}: {reason}.",
            hint="Look at 'systemctl status cladnet-controller' there, and at api_url here.",
        )

    def _not_a_controller(self) -> Unavailable:
        return Unavailable(
            f"What answers at {self._connection.url} is no cladnet controller.", hint="Correct api_url."
        )


def _path(*segments: str) -> str:
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def _read_token(path: str) -> str:
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as exc:
        raise InvalidInput(
            f"api_token_file cannot be read on this host: {path}: {exc}.", hint=ACCESS_HINT
        ) from exc
    if not token:
        raise InvalidInput(f"api_token_file is empty: {path}.", hint=ACCESS_HINT)
    return token


def _document(content: bytes) -> Document | None:
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def refusal(status: int, content: bytes) -> CladnetError:
    """Turns an answer that says no into the error that the controller meant."""
    said = (_document(content) or {}).get("error")
    error = said if isinstance(said, dict) else {}
    # A 404 without a code comes from something that is no controller, and tells nothing about networks.
    kind = ERRORS_BY_CODE.get(str(error.get("code"))) or ERRORS_BY_STATUS.get(status, Unavailable)
    message = error.get("message") or f"What answers at api_url answered HTTP {status} without saying why."
    hint = error.get("hint") or (ACCESS_HINT if kind is Unauthorized else "")
    return kind(str(message), hint=str(hint))
