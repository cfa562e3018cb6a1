# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""One HTTP GET, with the means of Ansible."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from typing import Protocol
from urllib.error import HTTPError
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
        try:
            with self._open(path) as response:
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
            raise Unavailable(
                f"CB-Tumblebug at {self.base} does not answer: {getattr(exc, 'reason', None) or exc}.",
                hint="Check url (TUMBLEBUG_URL), the network between, and that it runs.",
            ) from exc

    def _open(self, path: str) -> http.client.HTTPResponse:
        connection = self._connection
        headers = {"Accept": "application/json"}
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
            headers=headers,
            timeout=connection.timeout_s,
            validate_certs=connection.validate_certs,
            ca_path=connection.ca_path or None,
            follow_redirects="none",  # a redirect would carry the password elsewhere
            use_netrc=False,
            http_agent="cloud_barista.cladnet",
            **login,
        )


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
