# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Cuts a super-packet (TSO, USO) into the packets that it stands for, one after the other.

This is the plain way, for what is rare; `segment_rows` does the same in bulk.

Source: Linux Documentation/networking/segmentation-offloads.rst; RFC 3168, section 6.1.2 (CWR); RFC 6864
(identification).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from cladnet.core.ip.headers import find_transport
from cladnet.core.offload.checksum import checksum_of, pseudo_header_sum, word_sum
from cladnet.core.offload.virtio_net import (
    GSO_ECN,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    NEEDS_CSUM,
    VnetHeader,
)

TCP, UDP = 6, 17
DONT_FRAGMENT = 0x40  # in byte 6 of an IPv4 header
FIN, SYN, PSH, CWR = 0x01, 0x02, 0x08, 0x80
TCP_CHECKSUM, UDP_CHECKSUM = 16, 6
TCP_SEQUENCE, TCP_FLAGS, UDP_LENGTH = 4, 13, 4

_FRAGMENT_BITS = 0x3FFF
_TCP_HEADER_BYTES, _UDP_HEADER_BYTES = 20, 8
_U16, _U32 = struct.Struct("!H"), struct.Struct("!I")
_KINDS = {GSO_TCPV4: (4, TCP), GSO_TCPV6: (6, TCP)}


class Shape(NamedTuple):
    """How a super-packet is to be cut.

    Args:
        version: of IP.
        is_tcp: else it is UDP.
        transport_start: bytes of IP headers.
        header_bytes: of IP and transport headers, which every segment gets.
        gso_size: payload bytes of each segment but the last.
    """

    version: int
    is_tcp: bool
    transport_start: int
    header_bytes: int
    gso_size: int

    @property
    def segment_bytes(self) -> int:
        """Length of each packet but the last."""
        return self.header_bytes + self.gso_size

    @property
    def addresses(self) -> slice:
        """Where source and destination are."""
        return slice(12, 20) if self.version == 4 else slice(8, 40)

    @property
    def checksum_at(self) -> int:
        """Offset of the transport checksum in the packet."""
        return self.transport_start + (TCP_CHECKSUM if self.is_tcp else UDP_CHECKSUM)


def shape_of(packet: bytes, vnet: VnetHeader) -> Shape | None:
    """Reads the headers; None if this is no whole super-packet of a kind that was offered to the kernel.

    Neither `hdr_len` nor the lengths in the packet's own headers are relied on.
    """
    if len(packet) > 0xFFFF or not vnet.gso_size or not vnet.flags & NEEDS_CSUM:
        return None
    transport = find_transport(_with_own_length(packet))
    if transport is None or transport.start != vnet.csum_start:
        return None
    if transport.fragment_offset or _is_fragment(packet, transport.version):
        return None
    kind = vnet.gso_type & ~GSO_ECN
    expected = (transport.version, UDP) if kind == GSO_UDP_L4 else _KINDS.get(kind)
    if (transport.version, transport.protocol) != expected:
        return None
    is_tcp = transport.protocol == TCP
    header_bytes = _header_bytes(packet, transport.start, is_tcp)
    if header_bytes is None or header_bytes >= len(packet) or header_bytes + vnet.gso_size > 0xFFFF:
        return None
    return Shape(transport.version, is_tcp, transport.start, header_bytes, vnet.gso_size)


def segments(packet: bytes, shape: Shape) -> list[bytes]:
    """The packets that a super-packet stands for, in order, with all their checksums."""
    header = packet[: shape.header_bytes]
    payloads = [
        packet[at : at + shape.gso_size] for at in range(shape.header_bytes, len(packet), shape.gso_size)
    ]
    last = len(payloads) - 1
    return [
        _segment(header, payload, shape, index, is_last=index == last)
        for index, payload in enumerate(payloads)
    ]


def _with_own_length(packet: bytes) -> bytes:
    """The headers with the length that the packet really has, if there is a header at all."""
    if len(packet) < 20:
        return b""
    if packet[0] >> 4 == 4:
        return packet[:2] + _U16.pack(len(packet)) + packet[4:]
    return packet[:4] + _U16.pack(max(len(packet) - 40, 0)) + packet[6:]


def _is_fragment(packet: bytes, version: int) -> bool:
    return version == 4 and bool((packet[6] << 8 | packet[7]) & _FRAGMENT_BITS)


def _header_bytes(packet: bytes, start: int, is_tcp: bool) -> int | None:
    if not is_tcp:
        return start + _UDP_HEADER_BYTES
    if start + _TCP_HEADER_BYTES > len(packet):
        return None
    size = (packet[start + 12] >> 4) * 4
    return start + size if size >= _TCP_HEADER_BYTES else None


def _segment(header: bytes, payload: bytes, shape: Shape, index: int, *, is_last: bool) -> bytes:
    made = bytearray(header + payload)
    _finish_ip(made, shape.version, shape.transport_start, index)
    if shape.is_tcp:
        _place_in_stream(made, shape, index, is_last=is_last)
    else:
        _U16.pack_into(made, shape.transport_start + UDP_LENGTH, len(made) - shape.transport_start)
    _sum_transport(made, shape)
    return bytes(made)


def _finish_ip(made: bytearray, version: int, header_bytes: int, index: int) -> None:
    if version == 6:
        _U16.pack_into(made, 4, len(made) - 40)
        return
    _U16.pack_into(made, 2, len(made))
    if not made[6] & DONT_FRAGMENT:
        _U16.pack_into(made, 4, (_U16.unpack_from(made, 4)[0] + index) & 0xFFFF)
    _U16.pack_into(made, 10, 0)
    _U16.pack_into(made, 10, checksum_of(word_sum(made[:header_bytes])))


def _place_in_stream(made: bytearray, shape: Shape, index: int, *, is_last: bool) -> None:
    at = shape.transport_start + TCP_SEQUENCE
    _U32.pack_into(made, at, (_U32.unpack_from(made, at)[0] + index * shape.gso_size) & 0xFFFFFFFF)
    if not is_last:
        made[shape.transport_start + TCP_FLAGS] &= ~(FIN | PSH)
    if index:
        made[shape.transport_start + TCP_FLAGS] &= ~CWR


def _sum_transport(made: bytearray, shape: Shape) -> None:
    length = len(made) - shape.transport_start
    _U16.pack_into(made, shape.checksum_at, 0)
    total = pseudo_header_sum(made[shape.addresses], TCP if shape.is_tcp else UDP, length)
    total += word_sum(made[shape.transport_start :])
    _U16.pack_into(made, shape.checksum_at, checksum_of(total))
