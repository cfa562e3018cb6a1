# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The HTTPS server of the API, as a guest in somebody else's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput

_MOST_CONNECTIONS = 1000
_BACKLOG = 512


class _Guest(uvicorn.Server):
    """A uvicorn that leaves the signals to its host and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes no signals."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen."""
        await super().startup(sockets)
        self.up.set()


class ApiServer:
    """Serves the API over TLS.

    Args:
        app: the application.
        listen: where.
        key_file: private key, PEM.
        certificate_file: certificate, PEM.

    Raises:
        InvalidInput: the port cannot be used.
    """

    def __init__(self, app: FastAPI, listen: Endpoint, key_file: Path, certificate_file: Path) -> None:
        self._files = (certificate_file, key_file)
        self._socket = _listening_socket(listen)
        self._config = uvicorn.Config(
            app,
            ssl_certfile=certificate_file,
            ssl_keyfile=key_file,
            log_config=None,
            access_log=False,  # changes are in the audit log, and reads are no news
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # a client must not choose the address that the audit log shows
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=2,
        )
        self._server = _Guest(self._config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to serve."""
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            self._task.result()

    def reload_certificate(self) -> None:
        """New connections get the certificate that is in the files now."""
        if self._config.ssl is not None:
            self._config.ssl.load_cert_chain(*self._files)

    async def stop(self) -> None:
        """Ends all requests within the time that graceful shutdown has."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def _listening_socket(listen: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.address else socket.AF_INET
    try:
        return socket.create_server(
            (listen.address, listen.port),
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=listen.address == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as exc:
        raise InvalidInput(f"api_listen: {listen} cannot be used: {exc.strerror}.") from exc
