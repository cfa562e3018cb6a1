# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One end of a TCP transfer, run in a namespace: `serve BYTES ADDRESS PORT` or `fetch ADDRESS PORT`.

Both print the SHA-256 of what went through.
"""

from __future__ import annotations

import hashlib
import random
import socket
import sys

CHUNK_SIZE_BYTES = 1 << 16
TIMEOUT_S = 200.0


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(size_bytes: int, address: str, port: int) -> str:
    data = random.Random(port).randbytes(size_bytes)  # noqa: S311 - only has to look random
    with socket.create_server((address, port), family=family_of(address)) as server:
        server.settimeout(TIMEOUT_S)
        print("listening", flush=True)
        connection, _unused = server.accept()
        with connection:
            connection.settimeout(TIMEOUT_S)
            connection.sendall(data)
    return hashlib.sha256(data).hexdigest()


def fetch(address: str, port: int) -> str:
    digest = hashlib.sha256()
    with socket.create_connection((address, port), timeout=TIMEOUT_S) as connection:
        while chunk := connection.recv(CHUNK_SIZE_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    print(
        serve(int(words[0]), words[1], int(words[2])) if verb == "serve" else fetch(words[0], int(words[1]))
    )
