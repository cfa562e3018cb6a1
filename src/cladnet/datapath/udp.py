# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel's UDP socket: one for IPv4 and IPv6 where the kernel has both."""

from __future__ import annotations

import errno
import socket

from cladnet.core.endpoint import MAX_PORT, Endpoint
from cladnet.core.errors import Conflict, InvalidInput, Unauthorized, Unavailable

BUFFER_SIZE_BYTES = 4 << 20
_RECEIVE_SIZE_BYTES = 65535
_MAX_KNOWN_SOURCES = 4096
_MAPPED_PREFIX = "::ffff:"

# Not in Python's socket module (linux/in.h, asm-generic/socket.h).
_IP_MTU_DISCOVER = 10
_IP_PMTUDISC_DONT = 0
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


class UdpSocket:
    """A bound, non-blocking socket that speaks of endpoints.

    Args:
        bound: the socket.
    """

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self._has_ipv6 = bound.family == socket.AF_INET6
        self._sources: dict[SocketAddress, Endpoint] = {}

    @classmethod
    def bind(cls, port: int) -> UdpSocket:
        """Opens the socket on all addresses.

        Args:
            port: 0 takes any free one.

        Raises:
            InvalidInput: no such port.
            Conflict: the port is in use.
            Unauthorized: the port may not be used.
            Unavailable: the kernel refuses for another reason.
        """
        if not 0 <= port <= MAX_PORT:
            raise InvalidInput(f"Port {port} is out of range: give 1 to {MAX_PORT}, or 0 for any free one.")
        unbound = _open_socket()
        try:
            unbound.bind(("::" if unbound.family == socket.AF_INET6 else "0.0.0.0", port))  # noqa: S104
        except OSError as exc:
            unbound.close()
            raise _bind_error(port, exc) from exc
        return cls(unbound)

    @property
    def port(self) -> int:
        """The port that is really bound."""
        return int(self._socket.getsockname()[1])

    @property
    def families(self) -> str:
        """What it can reach, for people."""
        return "IPv4 and IPv6" if self._has_ipv6 else "IPv4"

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._socket.fileno()

    def receive(self) -> tuple[bytes, Endpoint | None] | None:
        """The next datagram and its source; None if there is none now.

        A source that nobody can answer (port 0) is None.

        Raises:
            OSError: the kernel reports an error.
        """
        try:
            datagram, address = self._socket.recvfrom(_RECEIVE_SIZE_BYTES)
        except BlockingIOError:
            return None
        return datagram, self._sources.get(address) or self._remember(address)

    def send(self, datagram: bytes, to: Endpoint) -> None:
        """Sends a datagram.

        Raises:
            OSError: the kernel did not take it: no route, buffer full, no IPv6.
        """
        if self._has_ipv6 and ":" not in to.address:
            self._socket.sendto(datagram, (_MAPPED_PREFIX + to.address, to.port))
        else:
            self._socket.sendto(datagram, (to.address, to.port))

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _remember(self, address: SocketAddress) -> Endpoint | None:
        source = endpoint_of(address)
        if source is not None:
            if len(self._sources) >= _MAX_KNOWN_SOURCES:
                self._sources.clear()
            self._sources[address] = source
        return source


def endpoint_of(address: SocketAddress) -> Endpoint | None:
    """The endpoint of an address as the socket module gives it; None for port 0."""
    host, port = address[0], address[1]
    if port == 0:
        return None
    if len(address) == 4 and address[3]:
        host = f"{host.partition('%')[0]}%{address[3]}"
    return Endpoint(host, port)


def _open_socket() -> socket.socket:
    both = socket.has_dualstack_ipv6()
    opened = socket.socket(socket.AF_INET6 if both else socket.AF_INET, socket.SOCK_DGRAM)
    if both:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    opened.setblocking(False)
    # As WireGuard in the kernel: let routers fragment, rather than lose what a path with a smaller MTU and
    # without ICMP would swallow.
    opened.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DONT)
    _enlarge_buffers(opened)
    return opened


def _enlarge_buffers(opened: socket.socket) -> None:
    """A burst must not be lost while this process does something else."""
    for forced, modest in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (_SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            opened.setsockopt(socket.SOL_SOCKET, forced, BUFFER_SIZE_BYTES)
        except PermissionError:  # only as much as net.core.[rw]mem_max allows
            opened.setsockopt(socket.SOL_SOCKET, modest, BUFFER_SIZE_BYTES)


def _bind_error(port: int, cause: OSError) -> Conflict | Unauthorized | Unavailable:
    if cause.errno == errno.EADDRINUSE:
        return Conflict(
            f"UDP port {port} is in use ('ss -lunp sport = :{port}'): stop who uses it, or choose another."
        )
    if cause.errno == errno.EACCES:
        return Unauthorized(f"UDP port {port} may not be used by this user: choose one above 1023.")
    return Unavailable(f"UDP port {port} cannot be bound: {cause.strerror}.")
