# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets of one flow that follow one another, and the super-packet that they become.

Source: Linux net/ipv4/tcp_offload.c, tcp_gro_receive, net/ipv4/udp_offload.c, udp_gro_receive; Virtual I/O
Device (VIRTIO) version 1.2, section 5.1.6.
"""

from __future__ import annotations

from cladnet.core.offload.checksum import MODULUS, checksum_of, pseudo_header_sum, word_sum
from cladnet.core.offload.coalescing_layout import (
    CWR,
    DONT_FRAGMENT,
    IPV4_CHECKSUM_AT,
    IPV4_FRAGMENT_AT,
    IPV4_ID_AT,
    IPV4_LENGTH_AT,
    IPV6_LENGTH_AT,
    LAST_SEGMENT_FLAGS,
    TCP_FLAGS_AT,
    TCP_SEQUENCE_AT,
    UDP_LENGTH_AT,
    Layout,
)
from cladnet.core.offload.coalescing_rows import PacketRows
from cladnet.core.offload.virtio_net import GSO_ECN, HEADER, HEADER_BYTES, NEEDS_CSUM

_MAX_PACKET_BYTES = 65535
_MAX_UDP_SEGMENTS = 64
_NO_OFFLOAD = bytes(HEADER_BYTES)
_BROKEN = -1


class Run:
    """Begins with one packet.

    Args:
        memory: has all packets, and room for a virtio-net header before the first.
        start: where the first begins.
        size: of the first, in bytes.
        layout: of all.

    Attributes:
        gso_size: payload bytes of each packet but the last.
        room: how many packets of that size may still come; 0 after the last.
    """

    __slots__ = ("_common", "_layout", "_memory", "_size", "_start", "_views", "gso_size", "room")

    def __init__(self, memory: memoryview, start: int, size: int, layout: Layout) -> None:
        self._memory = memory
        self._start = start
        self._size = size
        self._layout = layout
        self._views = [memory[start - HEADER_BYTES : start + size]]
        self._common: int | None = None
        self.gso_size = size - layout.header_bytes
        self.room = max_segments(layout, self.gso_size) - 1

    def accepts(self, start: int, size: int, layout: Layout) -> bool:
        """Whether a packet, one that may be coalesced, may be the next."""
        if layout is not self._layout or not self.room or size - layout.header_bytes > self.gso_size:
            return False
        if layout.is_tcp and not self._follows(start):
            return False
        if self._common is None:
            first_size = layout.header_bytes + self.gso_size
            self._common = self._in_common(self._start, first_size)
        common = self._in_common(start, size)
        return common == self._common and common != _BROKEN and self._has_next_id(start)

    def append(self, start: int, size: int) -> None:
        """Takes a packet that it accepts."""
        layout, memory = self._layout, self._memory
        self._views.append(memory[start + layout.header_bytes : start + size])
        payload_bytes = size - layout.header_bytes
        self._size += payload_bytes
        self.room -= 1
        if layout.is_tcp:
            last_flags = memory[start + layout.ip_bytes + TCP_FLAGS_AT] & LAST_SEGMENT_FLAGS
            memory[self._start + layout.ip_bytes + TCP_FLAGS_AT] |= last_flags
            if last_flags:
                self.room = 0
        if payload_bytes < self.gso_size:
            self.room = 0

    def append_rows(self, rows: PacketRows, first: int, count: int) -> None:
        """Takes rows that follow, with packets as long as the first, none of them marked as the last.

        The first of them may be the packet that this begins with.
        """
        if rows.at(first) == self._start:
            first, count = first + 1, count - 1
        self._views += rows.payloads(first, count, self._layout, self._layout.header_bytes + self.gso_size)
        self._size += count * self.gso_size
        self.room -= count

    def finish(self) -> list[memoryview]:
        """Writes the headers of the super-packet; gives its parts, one for each packet, in order."""
        memory, start, layout = self._memory, self._start, self._layout
        if len(self._views) == 1:
            memory[start - HEADER_BYTES : start] = _NO_OFFLOAD
            return self._views
        self._write_lengths()
        transport_bytes = self._size - layout.ip_bytes
        addresses = memory[start + layout.addresses_at : start + layout.ip_bytes]
        _put(
            memory,
            start + layout.ip_bytes + layout.checksum_at,
            pseudo_header_sum(addresses, layout.protocol, transport_bytes),
        )
        self._write_vnet_header()
        return self._views

    def _follows(self, start: int) -> bool:
        """Whether a TCP segment begins where the last one ended, and may be behind another."""
        memory, transport_at = self._memory, self._layout.ip_bytes
        if memory[start + transport_at + TCP_FLAGS_AT] & CWR:
            return False
        at = transport_at + TCP_SEQUENCE_AT
        bytes_between = _get(memory, start + at, 4) - _get(memory, self._start + at, 4)
        return bytes_between & 0xFFFFFFFF == self._size - self._layout.header_bytes

    def _has_next_id(self, start: int) -> bool:
        memory = self._memory
        if not self._layout.is_ipv4 or memory[start + IPV4_FRAGMENT_AT] & DONT_FRAGMENT:
            return True
        ids_between = _get(memory, start + IPV4_ID_AT, 2) - _get(memory, self._start + IPV4_ID_AT, 2)
        return ids_between & 0xFFFF == len(self._views)

    def _in_common(self, start: int, size: int) -> int:
        """What all packets must have in common; `_BROKEN` if a checksum of this one is wrong."""
        memory, layout = self._memory, self._layout
        if layout.is_ipv4 and _get(memory, start, layout.ip_bytes) % MODULUS:
            return _BROKEN
        sums = word_sum(memory[start + layout.addresses_at : start + size])
        if (sums + layout.protocol + size - layout.ip_bytes) % MODULUS:
            return _BROKEN
        return _get(memory, start, layout.header_bytes) & layout.common

    def _write_lengths(self) -> None:
        memory, start, layout = self._memory, self._start, self._layout
        if layout.is_ipv4:
            _put(memory, start + IPV4_LENGTH_AT, self._size)
            _put(memory, start + IPV4_CHECKSUM_AT, 0)
            checksum = checksum_of(word_sum(memory[start : start + layout.ip_bytes]))
            _put(memory, start + IPV4_CHECKSUM_AT, checksum)
        else:
            _put(memory, start + IPV6_LENGTH_AT, self._size - layout.ip_bytes)
        if not layout.is_tcp:
            _put(memory, start + layout.ip_bytes + UDP_LENGTH_AT, self._size - layout.ip_bytes)

    def _write_vnet_header(self) -> None:
        memory, start, layout = self._memory, self._start, self._layout
        gso_type = layout.gso_type
        if layout.is_tcp and memory[start + layout.ip_bytes + TCP_FLAGS_AT] & CWR:
            gso_type |= GSO_ECN
        HEADER.pack_into(
            memory,
            start - HEADER_BYTES,
            NEEDS_CSUM,
            gso_type,
            layout.header_bytes,
            self.gso_size,
            layout.ip_bytes,
            layout.checksum_at,
        )


def max_segments(layout: Layout, gso_size: int) -> int:
    """How many segments of that many payload bytes fit into one super-packet."""
    fitting = (_MAX_PACKET_BYTES - layout.header_bytes) // gso_size
    return fitting if layout.is_tcp else min(fitting, _MAX_UDP_SEGMENTS)


def _get(memory: memoryview, at: int, size: int) -> int:
    return int.from_bytes(memory[at : at + size], "big")


def _put(memory: memoryview, at: int, word: int) -> None:
    memory[at], memory[at + 1] = word >> 8, word & 0xFF
