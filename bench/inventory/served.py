# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.inventory.served HOSTS``: the stubbed APIs of all clouds, in a process of their own.

So their work is not counted as that of the plugins. Every answer is made once and then repeated. Prints its
address when it listens.
"""

from __future__ import annotations

import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.inventory import ec2_fleet, hcloud_fleet, tumblebug_fleet


def handler(hosts: int) -> type[BaseHTTPRequestHandler]:
    """A request handler for fleets of so many machines each."""
    fleet = tumblebug_fleet.api(hosts)

    @cache
    def answer(target: str, form: str) -> tuple[int, bytes]:
        if form:
            return ec2_fleet.answer(hosts, form)
        if target.startswith("/v1/"):
            return hcloud_fleet.answer(hosts, target)
        return tumblebug_fleet.answer(fleet, target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            status, body = answer(self.path, form)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - names given by http.server

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler


def main() -> None:
    """Serves until it is terminated."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(int(sys.argv[1])))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
