# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The event stream of one controller, over HTTP. Every failure is one of the error tree of ``_errors``."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_api import (
    CA_HINT,
    LOOPBACK_HOSTS,
    Connection,
    refusal,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput, Unavailable

Read = Callable[[], Coroutine[Any, Any, bytes]]

_CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class StreamOptions:
    """What is wanted of a stream.

    Args:
        network: the one whose events are wanted; empty for all.
        server_name: name that the controller's certificate must be for; empty for the host of the URL.
        silence_timeout_s: a connection on which nothing comes for so long is dead; a controller that has
            nothing to tell says so every 15 s.
    """

    network: str = ""
    server_name: str = ""
    silence_timeout_s: float = 45.0


@asynccontextmanager
async def event_stream(
    connection: Connection, options: StreamOptions, last_event_id: str
) -> AsyncIterator[Read]:
    """An open ``GET /v1/events``: a function that gives its bytes as they come, and none at the end.

    Raises:
        Unauthorized: the token is wrong.
        InvalidInput: the certificate authority cannot be read, or the address is that of something else.
        Unavailable: nobody answers, or the stream broke or fell silent.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, connect=_CONNECT_TIMEOUT_S, sock_read=options.silence_timeout_s
    )
    tls = await asyncio.to_thread(_tls, connection)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            _request(session, connection, options, last_event_id, tls) as response,
        ):
            await _check(response, connection.url)
            yield response.content.readany
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as exc:
        raise _unreachable(connection.url, exc) from exc


def _request(
    session: aiohttp.ClientSession,
    connection: Connection,
    options: StreamOptions,
    last_event_id: str,
    tls: ssl.SSLContext,
) -> aiohttp.client._RequestContextManager:
    headers = {"Authorization": f"Bearer {connection.token}", "Accept": "text/event-stream"}
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    query = "?" + urlencode({"network": options.network}) if options.network else ""
    return session.get(
        f"{connection.url}/v1/events{query}",
        headers=headers,
        ssl=tls,
        server_hostname=options.server_name or None,
        proxy=_proxy(connection.url),
        allow_redirects=False,  # a token goes nowhere but where it was meant to go
    )


async def _check(response: aiohttp.ClientResponse, url: str) -> None:
    if 300 <= response.status < 400:
        raise InvalidInput(f"{url} redirects to {response.headers.get('Location', 'another address')}.")
    if response.status != 200:
        error = refusal(response.status, await response.read())
        raise type(error)(f"{url} refuses: {error.message}", hint=error.hint)
    if response.content_type != "text/event-stream":
        raise Unavailable(f"{url} answers {response.content_type}, not events: it is no cladnet controller.")


def _tls(connection: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=connection.ca_path)
    except (OSError, ValueError) as exc:
        raise InvalidInput(
            f"ca_path has no certificates: {connection.ca_path}: {exc}.", hint=CA_HINT
        ) from exc
    if not connection.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxy(url: str) -> str | None:
    """The proxy of the environment; aiohttp's own way to it would also take a password from ~/.netrc."""
    host = urlsplit(url).hostname or ""
    if host in LOOPBACK_HOSTS or proxy_bypass(host):
        return None
    return getproxies().get("https")


def _unreachable(url: str, exc: Exception) -> Unavailable:
    cause = getattr(exc, "certificate_error", exc)
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = CA_HINT
        if "ostname" in cause.verify_message or "address mismatch" in cause.verify_message:
            hint = "Set server_name to cladnet-controller: every controller's certificate is for that name."
        return Unavailable(
            f"The certificate of {url} is not trusted: {cause.verify_message.rstrip('.')}.", hint=hint
        )
    reason = getattr(exc, "os_error", exc)  # without it, aiohttp's words show Python objects
    return Unavailable(f"No controller answers at {url}: {reason or type(exc).__name__}.")
