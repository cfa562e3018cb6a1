# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sends probes of a path's MTU, pings of an exact size that nothing cuts on the way, and reads answers."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from typing import NamedTuple

from cladnet.core.icmp import echo_request, parse_echo_reply
from cladnet.core.ip.path_probe import HEADERS_BYTES, probe_payload
from cladnet.datapath.echo_socket import open_icmp_socket

_NONCE_BYTES = 16
_RECEIVE_BYTES = 65535
_BUFFER_BYTES = 1 << 20
_SEQUENCES = 1 << 16
# Not in Python's socket module (linux/in.h, linux/icmp.h).
_IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE = 10, 3
_SOL_RAW, _ICMP_FILTER = 255, 1
_ALL_BUT_ECHO_REPLIES = (0xFFFFFFFE).to_bytes(4, sys.byteorder)


class ProbeAnswer(NamedTuple):
    """A probe that came back whole.

    Args:
        address: that answered.
        sequence: of the probe.
        size_bytes: of the packet with its IPv4 header.
    """

    address: str
    sequence: int
    size_bytes: int


class ProbeSocket:
    """A non-blocking socket for probes. The kernel neither cuts them nor knows a smaller MTU for them.

    Raises:
        Unauthorized: no ICMP socket may be opened.
    """

    def __init__(self) -> None:
        self._socket = open_icmp_socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        if self._socket.type == socket.SOCK_RAW:  # it would get all ICMP messages of the host
            self._socket.setsockopt(_SOL_RAW, _ICMP_FILTER, _ALL_BUT_ECHO_REPLIES)
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._nonce = os.urandom(_NONCE_BYTES)
        self._sequence = 0

    def fileno(self) -> int:
        """Descriptor to wait on for answers."""
        return self._socket.fileno()

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def send(self, address: str, size_bytes: int) -> int:
        """Sends one probe; one that the kernel does not take is as good as lost.

        Args:
            address: IPv4.
            size_bytes: of the packet with its IPv4 header.

        Returns:
            Its sequence number; it comes again after 65536 others.
        """
        self._sequence = (self._sequence + 1) % _SEQUENCES
        request = echo_request(self._identifier, self._sequence, probe_payload(self._nonce, size_bytes))
        try:
            self._socket.sendto(request, (address, 0))
        except OSError:  # longer than the device allows, forbidden by the firewall, no route, no buffer
            return self._sequence
        return self._sequence

    def receive(self) -> Iterator[ProbeAnswer]:
        """The answers that are there now."""
        while True:
            try:
                packet, source = self._socket.recvfrom(_RECEIVE_BYTES)
            except OSError:  # nothing left, or an ICMP error about a probe, which proves nothing
                return
            reply = parse_echo_reply(packet)
            size_bytes = 0 if reply is None else HEADERS_BYTES + len(reply.payload)
            if reply is not None and reply.payload == probe_payload(self._nonce, size_bytes):
                yield ProbeAnswer(source[0], reply.sequence, size_bytes)
