# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Many TCP connections at once, from this process between two namespaces."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from namespace_sockets import open_socket
from namespaces import Namespace

_CHUNK_SIZE_BYTES = 1 << 16
_TIMEOUT_S = 30.0


def move(sender: Namespace, receiver: Namespace, address: str, *, flows: int, size_bytes: int) -> None:
    """Sends other data through each of the flows, all at once, and compares what arrives."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    payloads = [random.Random(number).randbytes(size_bytes) for number in range(flows)]  # noqa: S311
    with (
        open_socket(receiver.name, family, socket.SOCK_STREAM) as listener,
        ThreadPoolExecutor(2 * flows) as pool,
    ):
        listener.bind((address, 0))
        listener.listen(flows)
        listener.settimeout(_TIMEOUT_S)
        to = listener.getsockname()
        sending = [pool.submit(_send, sender, family, to, payload) for payload in payloads]
        digests = list(pool.map(_receive, [listener.accept()[0] for _unused in payloads]))
        for each in sending:
            each.result()
    assert sorted(digests) == sorted(hashlib.sha256(payload).digest() for payload in payloads)


@contextmanager
def endless_flow(sender: Namespace, receiver: Namespace, address: str) -> Iterator[None]:
    """Zeros from one host to an IPv4 address of the other, as fast as TCP carries them, until the end."""
    with ExitStack() as stack:
        listener = stack.enter_context(open_socket(receiver.name, socket.AF_INET, socket.SOCK_STREAM))
        listener.bind((address, 0))
        listener.listen()
        sending = stack.enter_context(open_socket(sender.name, socket.AF_INET, socket.SOCK_STREAM))
        sending.connect(listener.getsockname())
        receiving = stack.enter_context(listener.accept()[0])
        pool = stack.enter_context(ThreadPoolExecutor(2))
        stack.callback(sending.shutdown, socket.SHUT_RDWR)
        pool.submit(_send_endlessly, sending)
        pool.submit(_discard, receiving)
        yield


def _send_endlessly(connection: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection.sendall(bytes(_CHUNK_SIZE_BYTES))


def _discard(connection: socket.socket) -> None:
    with suppress(OSError):
        while connection.recv(_CHUNK_SIZE_BYTES):
            pass


def _send(sender: Namespace, family: int, to: tuple[str, int], payload: bytes) -> None:
    with open_socket(sender.name, family, socket.SOCK_STREAM) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(to)
        connection.sendall(payload)


def _receive(connection: socket.socket) -> bytes:
    digest = hashlib.sha256()
    with connection:
        connection.settimeout(_TIMEOUT_S)
        while chunk := connection.recv(_CHUNK_SIZE_BYTES):
            digest.update(chunk)
    return digest.digest()
