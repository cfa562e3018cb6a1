# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Checks what came out of messages, and hands it on to be coalesced and delivered.

Source: WireGuard whitepaper, section 2 (cryptokey routing); RFC 6040 (ECN); RFC 791; RFC 8200.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.ip import ecn
from cladnet.core.ip.headers import IPV4_HEADER_BYTES, IPV6_HEADER_BYTES
from cladnet.core.offload.coalescing import MIN_ROWS, Coalescer
from cladnet.core.offload.coalescing_rows import PacketRows
from cladnet.core.wireguard.drops import Drop

_IPV4 = struct.Struct("!2xH8x4s")  # total length, source
_IPV6 = struct.Struct("!4xH2x16s")  # payload length, source
_NO_PACKET = (0, b"")

# After so many rows in turn that fit to no other, the rest is not compared any more.
_PATIENCE_ROWS = 2


class InnerPackets:
    """The way of plaintexts to the coalescer.

    Args:
        memory: has all plaintexts.
        forwarder: knows whose inner addresses are whose; counts drops.
        coalescer: of the same memory.
    """

    def __init__(self, memory: memoryview, forwarder: Forwarder, coalescer: Coalescer) -> None:
        self._memory = memory
        self._forwarder = forwarder
        self._coalescer = coalescer

    def add(self, peer: ForwardingPeer, plaintexts: Iterable[tuple[int, int]], outer_ecn: int) -> None:
        """Takes the plaintexts of messages.

        Args:
            peer: who sealed them.
            plaintexts: where each begins, and how many bytes it has, with padding.
            outer_ecn: codepoint of the outer headers.
        """
        packets = []
        for start, room_bytes in plaintexts:
            size = self._checked(peer, start, room_bytes, outer_ecn)
            if size:
                packets.append((start, size))
        self._coalescer.add_all(packets)

    def add_one(self, peer: ForwardingPeer, start: int, room_bytes: int, outer_ecn: int) -> None:
        """Takes the plaintext of a message after which others need not come soon."""
        size = self._checked(peer, start, room_bytes, outer_ecn)
        if size:
            self._coalescer.add_one(start, size)

    def _checked(self, peer: ForwardingPeer, start: int, room_bytes: int, outer_ecn: int) -> int:
        """The size in bytes of a packet that may be delivered; 0, and counted, if it may not."""
        drops = self._forwarder.drops
        size, source = self._read(start, room_bytes)
        if not size:
            drops[Drop.MALFORMED_PACKET] += 1
            return 0
        if self._forwarder.owner_of(source) is not peer:
            drops[Drop.WRONG_INNER_SOURCE] += 1
            return 0
        if outer_ecn and not ecn.decapsulate(self._memory, start, outer_ecn):
            drops[Drop.ECN_BROKEN] += 1
            return 0
        return size

    def add_rows(
        self, peer: ForwardingPeer, rows: PacketRows, first: int, count: int, room_bytes: int, outer_ecn: int
    ) -> None:
        """Takes rows of plaintexts, all of them that long."""
        end, misses = first + count, 0
        while end - first >= MIN_ROWS and misses < _PATIENCE_ROWS:
            taken = self._add_run(peer, rows, first, end - first, room_bytes, outer_ecn)
            if taken:
                misses = 0
            else:
                misses += 1
                self._hold(peer, rows.at(first), room_bytes, outer_ecn)
            first += taken or 1
        self.add(peer, [(rows.at(row), room_bytes) for row in range(first, end)], outer_ecn)

    def _hold(self, peer: ForwardingPeer, start: int, room_bytes: int, outer_ecn: int) -> None:
        """Takes the plaintext of a message after which others are to be expected."""
        size = self._checked(peer, start, room_bytes, outer_ecn)
        if size:
            self._coalescer.add(start, size)

    def _add_run(
        self, peer: ForwardingPeer, rows: PacketRows, first: int, count: int, room_bytes: int, outer_ecn: int
    ) -> int:
        """Takes the rows that are like the first: all have its source, and its ECN."""
        start = rows.at(first)
        size, source = self._read(start, room_bytes)
        if not size or not ecn.changes_nothing(self._memory, start, outer_ecn):
            return 0
        if self._forwarder.owner_of(source) is not peer:
            return 0
        return self._coalescer.add_rows(rows, first, count, size)

    def _read(self, start: int, room_bytes: int) -> tuple[int, bytes]:
        """Size in bytes, by its own header, and source of a packet; size 0 if this is no whole packet."""
        version = self._memory[start] >> 4
        if version == 4 and room_bytes >= IPV4_HEADER_BYTES:
            size, source = _IPV4.unpack_from(self._memory, start)
            return (size, source) if IPV4_HEADER_BYTES <= size <= room_bytes else _NO_PACKET
        if version == 6 and room_bytes >= IPV6_HEADER_BYTES:
            payload_bytes, source = _IPV6.unpack_from(self._memory, start)
            size = IPV6_HEADER_BYTES + payload_bytes
            return (size, source) if size <= room_bytes else _NO_PACKET
        return _NO_PACKET
