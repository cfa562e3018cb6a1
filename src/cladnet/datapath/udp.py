# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel's UDP port: a socket for handshakes and one for each worker, for IPv4 and IPv6 if possible."""

from __future__ import annotations

import errno
import logging
import socket
import struct
from collections import deque

from cladnet.core.endpoint import MAX_PORT, Endpoint
from cladnet.core.errors import Conflict, InvalidInput, Unauthorized, Unavailable
from cladnet.datapath import steering

BUFFER_SIZE_BYTES = 4 << 20
WORKER_BUFFER_SIZE_BYTES = 16 << 20
_RECEIVE_SIZE_BYTES = 65535
_MAX_KNOWN_SOURCES = 4096
_MAPPED_PREFIX = "::ffff:"

# Not in Python's socket module (linux/in.h, asm-generic/socket.h).
_IP_MTU_DISCOVER = 10
_IPV6_MTU_DISCOVER = 23
_PMTUDISC_PROBE = 3
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
_UDP_GRO = 104
_IP_RECVTOS = 13
_INT = struct.Struct("=i")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_INT.size)

_log = logging.getLogger(__name__)

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


class UdpSocket:
    """A bound, non-blocking socket that speaks of endpoints, and the sockets that workers have at its port.

    Args:
        bound: the socket.
        workers: the sockets of the workers.

    Attributes:
        is_steered: whether transport messages go to the workers' sockets, and only these; if not, the one
            worker there is gets everything, and nothing is to be received here.
    """

    def __init__(self, bound: socket.socket, workers: list[socket.socket], *, is_steered: bool) -> None:
        self._socket = bound
        self.workers = workers
        self.is_steered = is_steered
        self._has_ipv6 = bound.family == socket.AF_INET6
        self._sources: dict[SocketAddress, Endpoint] = {}
        self._received: deque[tuple[bytes, Endpoint | None]] = deque()

    @classmethod
    def bind(cls, port: int, workers: int = 1) -> UdpSocket:
        """Opens the sockets on all addresses.

        Args:
            port: 0 takes any free one.
            workers: how many sockets besides.

        Raises:
            InvalidInput: no such port.
            Conflict: the port is in use.
            Unauthorized: the port may not be used.
            Unavailable: the kernel refuses for another reason.
        """
        if not 0 <= port <= MAX_PORT:
            raise InvalidInput(f"Port {port} is out of range: give 1 to {MAX_PORT}, or 0 for any free one.")
        group: list[socket.socket] = []
        try:
            for number in range(1 + workers):
                # Only the sockets after the first share, so that a port which somebody has is noticed.
                group.append(_bound_socket(port, is_first=number == 0))
                port = group[0].getsockname()[1]
            return cls._steered(group)
        except BaseException:
            for opened in group:
                opened.close()
            raise

    @classmethod
    def _steered(cls, group: list[socket.socket]) -> UdpSocket:
        control, *workers = group
        try:
            steering.attach(control, len(workers))
        except OSError as exc:
            _log.warning(
                "this kernel cannot steer datagrams to workers (%s); one gets them all", exc.strerror
            )
            for surplus in workers:
                surplus.close()
            workers, is_steered = [control.dup()], False
        else:
            is_steered = True
        # All of them: before it steers, the kernel asks any socket of the port whether to glue datagrams.
        for opened in (control, *workers):
            _glue_datagrams(opened)
        for opened in workers:
            _prepare_for_bulk(opened)
        return cls(control, workers, is_steered=is_steered)

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
        if not self._received:
            self._receive_glued()
        return self._received.popleft() if self._received else None

    def _receive_glued(self) -> None:
        """Takes what the kernel glued into one datagram apart."""
        try:
            glued, ancillary, _flags, address = self._socket.recvmsg(_RECEIVE_SIZE_BYTES, _ANCILLARY_BYTES)
        except BlockingIOError:
            return
        source = self._sources.get(address) or self._remember(address)
        size = next((_INT.unpack(data)[0] for _level, kind, data in ancillary if kind == _UDP_GRO), 0)
        size = size or max(len(glued), 1)
        self._received += [(glued[at : at + size], source) for at in range(0, len(glued) or 1, size)]

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
        """Closes the sockets."""
        for opened in (self._socket, *self.workers):
            opened.close()

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


def _bound_socket(port: int, *, is_first: bool) -> socket.socket:
    opened = _open_socket()
    try:
        if not is_first:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(("::" if opened.family == socket.AF_INET6 else "0.0.0.0", port))  # noqa: S104
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError as exc:
        opened.close()
        raise _bind_error(port, exc) from exc
    return opened


def _open_socket() -> socket.socket:
    both = socket.has_dualstack_ipv6()
    opened = socket.socket(socket.AF_INET6 if both else socket.AF_INET, socket.SOCK_DGRAM)
    # The MTU of each path is probed by ourselves, since the ICMP messages of routers may be blocked or
    # forged: no fragments, whatever the kernel believes.
    opened.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
    if both:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
    opened.setblocking(False)
    _enlarge_buffers(opened, BUFFER_SIZE_BYTES)
    return opened


def _prepare_for_bulk(opened: socket.socket) -> None:
    """Lets the kernel tell how congested the way of datagrams was."""
    _enlarge_buffers(opened, WORKER_BUFFER_SIZE_BYTES)
    opened.setsockopt(socket.IPPROTO_IP, _IP_RECVTOS, 1)
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)


def _glue_datagrams(opened: socket.socket) -> None:
    """Lets the kernel hand over datagrams of one flow together."""
    try:
        opened.setsockopt(socket.IPPROTO_UDP, _UDP_GRO, 1)
    except OSError as exc:
        _log.warning("this kernel has no UDP receive offload (%s); carrying on without", exc.strerror)


def _enlarge_buffers(opened: socket.socket, size_bytes: int) -> None:
    """A burst must not be lost while this process does something else."""
    for forced, modest in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (_SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            opened.setsockopt(socket.SOL_SOCKET, forced, size_bytes)
        except PermissionError:  # only as much as net.core.[rw]mem_max allows
            opened.setsockopt(socket.SOL_SOCKET, modest, size_bytes)


def _bind_error(port: int, cause: OSError) -> Conflict | Unauthorized | Unavailable:
    if cause.errno == errno.EADDRINUSE:
        return Conflict(
            f"UDP port {port} is in use ('ss -lunp sport = :{port}'): stop who uses it, or choose another."
        )
    if cause.errno == errno.EACCES:
        return Unauthorized(f"UDP port {port} may not be used by this user: choose one above 1023.")
    return Unavailable(f"UDP port {port} cannot be bound: {cause.strerror}.")
