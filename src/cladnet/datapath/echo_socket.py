# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""ICMP echo to many addresses at once, over one socket; unprivileged where the kernel allows it."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from types import TracebackType

from cladnet.core.errors import Unauthorized
from cladnet.core.icmp import EchoReply, echo_request, parse_echo_reply

_NONCE_BYTES = 16
_RECEIVE_BYTES = 2048
_SEQUENCES = 1 << 16


class EchoSocket:
    """Sends echo requests and matches the replies to them.

    Args:
        clock: seconds; for round trips.

    Raises:
        Unauthorized: neither kind of ICMP socket may be opened.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._socket = open_icmp_socket()
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._nonce = os.urandom(_NONCE_BYTES)
        self._sequence = 0
        self._sent: dict[int, tuple[str, float]] = {}

    def __enter__(self) -> EchoSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def fileno(self) -> int:
        """Descriptor to wait on for replies."""
        return self._socket.fileno()

    def send(self, addresses: Iterable[str]) -> None:
        """Sends one request to each address; one that the kernel does not take is as good as lost."""
        for address in addresses:
            self._sequence = (self._sequence + 1) % _SEQUENCES
            self._sent[self._sequence] = (address, self._clock())
            try:
                self._socket.sendto(echo_request(self._identifier, self._sequence, self._nonce), (address, 0))
            except OSError:
                del self._sent[self._sequence]

    def receive(self, timeout_s: float) -> dict[str, float]:
        """Waits for replies; round trips in milliseconds, by address, of all that are there then."""
        trips_ms: dict[str, float] = {}
        ready, _unused, _unused = select.select([self._socket], [], [], max(0.0, timeout_s))
        while ready:
            packet, source = self._socket.recvfrom(_RECEIVE_BYTES)
            self._note(trips_ms, parse_echo_reply(packet), source[0])
            ready, _unused, _unused = select.select([self._socket], [], [], 0)
        return trips_ms

    def _note(self, trips_ms: dict[str, float], reply: EchoReply | None, source: str) -> None:
        if reply is None or reply.payload != self._nonce:
            return
        address, sent_s = self._sent.get(reply.sequence, ("", 0.0))
        if address == source:
            del self._sent[reply.sequence]
            trips_ms[address] = (self._clock() - sent_s) * 1000


def open_icmp_socket() -> socket.socket:
    """A socket for pings: a datagram one needs net.ipv4.ping_group_range, a raw one CAP_NET_RAW.

    Raises:
        Unauthorized: this process has neither.
    """
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
        except PermissionError:
            continue
    raise Unauthorized("This user may not send pings.", hint="Try it with sudo.")
