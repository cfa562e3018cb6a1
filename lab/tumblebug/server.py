# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""HTTP around the Api.

The standard library's server: the simulator then starts with nothing installed, serves a handful of clients,
and a thread per request lets one slow answer stand beside the others.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.api import Api

PREFIX = "/tumblebug"


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar[Api]
    verbose: ClassVar[bool]
    protocol_version = "HTTP/1.1"
    server_version = "CB-Tumblebug-simulator"
    sys_version = ""

    def _serve(self) -> None:
        self._send(self.api.answer(self._request()))

    do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - names given by http.server

    def _request(self) -> Request:
        url = urlsplit(self.path)
        path = url.path.removeprefix(PREFIX) if url.path.startswith(f"{PREFIX}/") else f"/outside{url.path}"
        query = dict(parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return Request(self.command, path, query, dict(self.headers.items()), self.client_address[0], body)

    def _send(self, answer: Answer) -> None:
        payload = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        if self.verbose:
            super().log_message(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def bind(api: Api, address: str, port: int, *, verbose: bool) -> ThreadingHTTPServer:
    """A listening server for the Api; port 0 takes a free one (see ``server_address``). Raises OSError."""
    handler = type("Handler", (_Handler,), {"api": api, "verbose": verbose})
    return _Server((address, port), handler)


@contextmanager
def running(api: Api, address: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serves the Api from a thread while the context lasts; gives its base URL, without /tumblebug."""
    server = bind(api, address, port, verbose=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        host, bound_port = server.server_address[:2]
        yield f"http://{host!s}:{bound_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
