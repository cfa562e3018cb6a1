# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A controller's event stream over TLS, that does what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aiohttp import web

from cladnet.controller.authority import Authority

TOKEN = "let-me-in"
ALIVE = b": alive\n\n"
HOLD = object()
"""Step: keeps the stream open and says nothing."""


class EventServer:
    """Plays one script per connection, the last one again and again, and keeps what it was asked.

    A script is a list of steps: bytes to send, or HOLD. A number in place of a script is a refusal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_path = folder / "ca.crt"
        self.scripts: list[Sequence[object] | int] = [[HOLD]]
        self.requests: list[web.Request] = []
        self.url = ""

    @property
    def resumed_after(self) -> list[str | None]:
        """The Last-Event-ID of each connection."""
        return [request.headers.get("Last-Event-ID") for request in self.requests]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, int):
            error = {"code": "", "message": f"Refused with {script}.", "hint": ""}
            return web.json_response({"error": error}, status=script)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for step in script:
            await (response.write(step) if isinstance(step, bytes) else asyncio.Event().wait())
        return response


@asynccontextmanager
async def event_server(folder: Path, *names: str) -> AsyncIterator[EventServer]:
    """Serves with a certificate for ``cladnet-controller``, localhost and the names."""
    server = EventServer(folder)
    app = web.Application()
    app.router.add_get("/v1/events", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls(server, names))
    await site.start()
    server.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _tls(server: EventServer, names: Sequence[str]) -> ssl.SSLContext:
    authority = Authority(Authority.create(datetime.now(timezone.utc)))
    pair = authority.server_pair(names)
    server.ca_path.write_bytes(authority.certificate_pem)
    chain = server.folder / "server.pem"
    chain.write_bytes(pair.certificate_pem + pair.key_pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    return context


def sent(kind: str, revision: int, host: str | None = None, *, event_id: str = "", **fields: Any) -> bytes:
    """An event as a controller sends it."""
    document = {"type": kind, "network": "n", "host": host, "revision": revision, "peer": None, "changed": {}}
    return _block(kind, event_id or f"c0ffee-{revision}", document | fields)


def sent_snapshot(revision: int, *hosts: str, connected: bool = True) -> bytes:
    """A snapshot of one network as a controller sends it."""
    peers = [{"network": "n", "host": host, "connected": connected, "revision": 1} for host in hosts]
    document = {
        "type": "snapshot",
        "revision": revision,
        "cluster_id": "c0ffee",
        "networks": [{"name": "n", "cidr": "10.9.0.0/24"}],
        "peers": peers,
    }
    return _block("snapshot", f"c0ffee-{revision}", document)


def _block(kind: str, event_id: str, document: dict[str, Any]) -> bytes:
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(document)}\n\n".encode()
