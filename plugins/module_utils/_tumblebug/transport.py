# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""One HTTP request, with the means of Ansible."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import NoSSLError, SSLValidationError, open_url

from .._errors import InvalidInput, Unavailable

PREFIX = "/tumblebug"


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    body: bytes
    location: str = ""


class Transport(Protocol):
    """Asks one CB-Tumblebug."""

    base: str

    def get(self, path: str) -> Reply:
        """The reply to a GET of a path below ``base``; raises Unavailable if there is none."""


class SendingTransport(Transport, Protocol):
    """Asks, and tells what to do."""

    def send(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Reply:
        """The reply to a request that changes something.

        Args:
            method: GET, POST, PUT or DELETE; Tumblebug suspends by a GET.
            path: below ``base``.
            body: becomes JSON; None sends none.
            timeout_s: how long to wait for the reply; None is that of the connection.

        Raises:
            NoReply: it was sent, and nobody answered.
            Unavailable: it could not be sent.
        """


class NoReply(Unavailable):
    """A request went out and no reply came: whether it was carried out has to be looked up."""


@dataclass(frozen=True)
class Connection:
    """How to reach and be let in to CB-Tumblebug; ``token`` goes before user and password."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    validate_certs: bool = True
    ca_path: str = ""
    timeout_s: float = 130.0


class OpenUrlTransport:
    """``Transport`` by Ansible's own HTTP client, which honours proxies and certificate bundles."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.base = base_url(url)
        self._connection = connection

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Reply:
        try:
            with self._open(method, path, body, timeout_s or self._connection.timeout_s) as response:
                return Reply(response.status, response.read())
        except HTTPError as exc:
            with exc:
                return Reply(exc.code, exc.read(), exc.headers.get("Location", ""))
        except (
            OSError,
            http.client.HTTPException,
            UrlConnectionError,
            SSLValidationError,
            NoSSLError,
        ) as exc:
            raise self._failure(exc) from exc

    def _failure(self, exc: Exception) -> Unavailable:
        kind = NoReply if _was_sent(exc) else Unavailable
        return kind(
            f"CB-Tumblebug at {self.base} does not answer: {getattr(exc, 'reason', None) or exc}.",
            hint="Check url (TUMBLEBUG_URL), the network between, and that it runs.",
        )

    def _open(self, method: str, path: str, body: object, timeout_s: float) -> http.client.HTTPResponse:
        connection = self._connection
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        login = {
            "url_username": connection.username,
            "url_password": connection.password,
            "force_basic_auth": True,
        }
        if connection.token:
            headers["Authorization"] = f"Bearer {connection.token}"
            login = {}
        return open_url(
            self.base + path,
            method=method,
            data=None if body is None else json.dumps(body),
            headers=headers,
            timeout=timeout_s,
            validate_certs=connection.validate_certs,
            ca_path=_authorities(connection.ca_path),
            follow_redirects="none",  # a redirect would carry the password elsewhere
            use_netrc=False,
            http_agent="cloud_barista.cladnet",
            **login,
        )


def _authorities(path: str) -> str | None:
    """The file of trusted certificates; none if it is empty, as AWX makes it of an empty field."""
    file = Path(path)
    is_empty = file.is_file() and file.stat().st_size == 0
    return None if is_empty else path or None


def _was_sent(exc: Exception) -> bool:
    """Whether the server may have got the request: what fails before that, urllib wraps."""
    if isinstance(exc, URLError):
        return isinstance(exc.reason, (ConnectionResetError, BrokenPipeError))
    return isinstance(exc, (OSError, http.client.HTTPException))


def base_url(url: str) -> str:
    """The address with /tumblebug at its end; raises InvalidInput for what is no address."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = re.sub(r"//[^/]*@", "//***@", url)
        raise InvalidInput(
            f"url is {shown!r}, which is not the address of a server.", hint="Give it like http://host:1323."
        )
    if parts.username or parts.query or parts.fragment:
        raise InvalidInput(
            "url holds a user, query or fragment.",
            hint="Put the login into the options username and password.",
        )
    return url.rstrip("/").removesuffix(PREFIX) + PREFIX
