# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sends batches of datagrams to peers: one system call for many of one length (UDP GSO).

Source: Linux Documentation/networking/segmentation-offloads.rst, udp(7) (UDP_SEGMENT), ip(7), ipv6(7).
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.memory import DropCounts
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.wireguard.drops import Drop
from cladnet.datapath.error_log import ErrorLog

MAX_SEGMENTS = 64
MAX_SEND_BYTES = 65507
MAX_WAIT_MS = 10

_UDP_SEGMENT = 103  # linux/udp.h; not in Python's socket module
_MAPPED_PREFIX = "::ffff:"
_MAX_KNOWN_ANCILLARIES = 256
# What the kernel says where it cannot cut: no checksum offload or IPsec on the way (EIO), an old kernel or a
# segment that does not fit the device (EINVAL).
_CANNOT_SEGMENT = frozenset({errno.EIO, errno.EINVAL})

_IPV4_TOS = (socket.IPPROTO_IP, socket.IP_TOS)
_IPV6_TOS = (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)

_Address = tuple[str, int] | tuple[str, int, int, int]
_Ancillary = tuple[tuple[int, int, bytes], ...]


@dataclass(slots=True)
class Destination:
    """An endpoint as the kernel wants it.

    Args:
        endpoint: for people.
        address: for the socket.
        tos_option: level and name of the control message with the TOS.
        takes_segments: whether UDP GSO works on the way there, as far as is known.
    """

    endpoint: Endpoint
    address: _Address
    tos_option: tuple[int, int]
    takes_segments: bool


class UdpSender:
    """Sends on one socket.

    Args:
        udp: non-blocking and bound; of AF_INET6 for both families, or AF_INET.
        drops: where datagrams that could not be sent are counted.
    """

    def __init__(self, udp: socket.socket, drops: DropCounts) -> None:
        self._socket = udp
        self._drops = drops
        self._errors = ErrorLog()
        self._is_dual_stack = udp.family == socket.AF_INET6
        self._has_segmentation = _has_segmentation(udp)
        self._is_stuck = False
        self._ancillaries: dict[tuple[int, int, tuple[int, int]], _Ancillary] = {}

    def send(
        self, peer: ForwardingPeer, datagrams: Sequence[memoryview], size_bytes: int, tos: int, now_s: float
    ) -> int:
        """Sends datagrams of one length; waits a moment if the socket is full. Never raises.

        Args:
            peer: to whom.
            datagrams: buffers whose bytes one after the other are the datagrams.
            size_bytes: of each datagram; only the last may be shorter.
            tos: of the outer packets.
            now_s: monotonic seconds.

        Returns:
            How many bytes the kernel took.
        """
        destination = peer.destination or self._prepare(peer, now_s)
        if destination is None:
            self._drops[Drop.NO_ENDPOINT] += _count(datagrams, size_bytes)
            return 0
        total_bytes = sum(map(len, datagrams))
        if total_bytes > size_bytes and not destination.takes_segments:
            return self._send_singly(destination, datagrams, size_bytes, tos, now_s)
        segment_bytes = size_bytes if total_bytes > size_bytes else 0
        try:
            self._transmit(destination, datagrams, segment_bytes, tos)
        except OSError as exc:
            if segment_bytes and exc.errno in _CANNOT_SEGMENT:
                return self._without_segmentation(destination, datagrams, size_bytes, tos, now_s, exc)
            self._failed(destination, _count(datagrams, size_bytes), exc, now_s)
            return 0
        return total_bytes

    def send_one(self, peer: ForwardingPeer, datagram: memoryview, tos: int, now_s: float) -> int:
        """The same for one datagram, with less effort."""
        destination = peer.destination or self._prepare(peer, now_s)
        if destination is None:
            self._drops[Drop.NO_ENDPOINT] += 1
            return 0
        try:
            self._transmit(destination, (datagram,), 0, tos)
        except OSError as exc:
            self._failed(destination, 1, exc, now_s)
            return 0
        return len(datagram)

    def _prepare(self, peer: ForwardingPeer, now_s: float) -> Destination | None:
        endpoint = peer.endpoint
        if endpoint is None:
            return None
        try:
            address = self._address(endpoint)
        except OSError as exc:  # there is no device of that name any more
            self._errors.report("finding the device of", endpoint, exc, now_s)
            return None
        tos_option = _IPV6_TOS if ":" in endpoint.address else _IPV4_TOS
        destination = peer.destination = Destination(endpoint, address, tos_option, self._has_segmentation)
        return destination

    def _address(self, endpoint: Endpoint) -> _Address:
        if ":" in endpoint.address:
            return _with_scope(endpoint)
        prefix = _MAPPED_PREFIX if self._is_dual_stack else ""
        return prefix + endpoint.address, endpoint.port

    def _transmit(
        self, destination: Destination, buffers: Sequence[memoryview], segment_bytes: int, tos: int
    ) -> None:
        """One system call, again if the socket was full; a socket that stays full is not waited for again."""
        key = (segment_bytes, tos, destination.tos_option)
        ancillary = self._ancillaries.get(key)
        if ancillary is None:
            ancillary = self._add_ancillary(*key)
        try:
            self._socket.sendmsg(buffers, ancillary, 0, destination.address)
        except BlockingIOError:
            if self._is_stuck:
                raise
            self._wait_for_room()
            self._socket.sendmsg(buffers, ancillary, 0, destination.address)
        self._is_stuck = False

    def _wait_for_room(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        self._is_stuck = not poll.poll(MAX_WAIT_MS)

    def _add_ancillary(self, segment_bytes: int, tos: int, tos_option: tuple[int, int]) -> _Ancillary:
        made: _Ancillary = ()
        if segment_bytes:
            made += ((socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", segment_bytes)),)
        if tos:
            made += ((*tos_option, struct.pack("=i", tos)),)
        if len(self._ancillaries) >= _MAX_KNOWN_ANCILLARIES:
            self._ancillaries.clear()
        self._ancillaries[segment_bytes, tos, tos_option] = made
        return made

    def _without_segmentation(
        self,
        destination: Destination,
        datagrams: Sequence[memoryview],
        size_bytes: int,
        tos: int,
        now_s: float,
        cause: OSError,
    ) -> int:
        """Sends singly what the kernel would not cut, and does so from now on if that was the obstacle."""
        sent_bytes = self._send_singly(destination, datagrams, size_bytes, tos, now_s)
        if sent_bytes:
            destination.takes_segments = False
            self._errors.report("UDP segmentation offload for", destination.endpoint, cause, now_s)
        return sent_bytes

    def _send_singly(
        self,
        destination: Destination,
        datagrams: Sequence[memoryview],
        size_bytes: int,
        tos: int,
        now_s: float,
    ) -> int:
        sent_bytes = 0
        for datagram in _single(datagrams, size_bytes):
            try:
                self._transmit(destination, (datagram,), 0, tos)
            except OSError as exc:
                self._failed(destination, 1, exc, now_s)
            else:
                sent_bytes += len(datagram)
        return sent_bytes

    def _failed(self, destination: Destination, count: int, cause: OSError, now_s: float) -> None:
        self._drops[Drop.SEND_FAILED] += count
        self._errors.report("sending to", destination.endpoint, cause, now_s)


def datagrams_per_send(size_bytes: int) -> int:
    """How many datagrams of that length one UDP GSO send may carry."""
    return max(1, min(MAX_SEGMENTS, MAX_SEND_BYTES // size_bytes))


def _has_segmentation(udp: socket.socket) -> bool:
    try:
        udp.getsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True


def _with_scope(endpoint: Endpoint) -> tuple[str, int, int, int]:
    address, _separator, scope = endpoint.address.partition("%")
    if not scope:
        return address, endpoint.port, 0, 0
    return address, endpoint.port, 0, int(scope) if scope.isdecimal() else socket.if_nametoindex(scope)


def _single(datagrams: Sequence[memoryview], size_bytes: int) -> Iterator[memoryview]:
    for buffer in datagrams:
        for at in range(0, len(buffer), size_bytes):
            yield buffer[at : at + size_bytes]


def _count(datagrams: Sequence[memoryview], size_bytes: int) -> int:
    return -(-sum(map(len, datagrams)) // size_bytes)
