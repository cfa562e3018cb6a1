# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What has to be known of an ordinary packet to send it: read once for all packets that are alike."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from cladnet.core.ip.headers import find_transport
from cladnet.core.offload.segmentation import TCP, UDP
from cladnet.core.offload.virtio_net import HEADER_BYTES, NEEDS_CSUM, VnetHeader
from cladnet.core.wireguard.constants import PADDING_MULTIPLE_BYTES

if TYPE_CHECKING:
    from cladnet.core.offload.burst import Group

_FRAGMENT_BITS = 0x3FFF
_IPV4_HEADER_BYTES, _IPV6_HEADER_BYTES = 20, 40
_PORTS_BYTES = 4
_MAX_KNOWN_KINDS = 4096
# All that decides: virtio-net header, IP header without identification and checksum, ports.
_KEY_IPV4 = struct.Struct("14s2x4s2x12s")
_KEY_IPV6 = struct.Struct("54s")
_FINE_CLASSES_BYTES = 128


class PacketKind:
    """What packets of one flow, length and offload have in common.

    Args:
        destination: inner address, 4 or 16 bytes.
        size_bytes: of the packet.
        traffic_class: the TOS or traffic class byte.
        transport_start: offset of the transport header, if the packet has one.
        tcp: whether that is one of TCP.
        flow: addresses, protocol and ports; None if it cannot be told apart from other flows.
        csum_start: where the checksum begins that has to be finished; 0 if none has.
        csum_offset: of the checksum field, from there.

    Attributes:
        group_key: what packets must have in common, apart from their peer, to go into one group.
        group: where the last one of this kind went in the burst that is being made.
    """

    __slots__ = (
        "csum_offset",
        "csum_start",
        "destination",
        "flow",
        "group",
        "group_key",
        "size_bytes",
        "tcp",
        "traffic_class",
        "transport_start",
    )

    def __init__(
        self,
        *,
        destination: bytes,
        size_bytes: int,
        traffic_class: int,
        transport_start: int,
        tcp: bool,
        flow: bytes | None,
        csum_start: int,
        csum_offset: int,
    ) -> None:
        self.destination = destination
        self.size_bytes = size_bytes
        self.traffic_class = traffic_class
        self.transport_start = transport_start
        self.tcp = tcp
        self.flow = flow
        self.csum_start = csum_start
        self.csum_offset = csum_offset
        self.group_key = (size_class(size_bytes), traffic_class, csum_start, csum_offset)
        self.group: Group | None = None


class PacketKinds:
    """Remembers kinds by the bytes that make them.

    Nothing else decides what a kind is, so none is ever out of date; there are only too many at some point.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], PacketKind] = {}

    def of(self, memory: bytearray, start: int, size_bytes: int) -> PacketKind | None:
        """The kind of a packet; None for what is no packet.

        Args:
            memory: may hold anything behind the packet.
            start: offset of the packet, at least 10 (the virtio-net header is in front of it); the memory
                goes on for 54 bytes or more from there.
            size_bytes: of the packet.
        """
        layout = _KEY_IPV4 if memory[start] >> 4 == 4 else _KEY_IPV6
        key = layout.unpack_from(memory, start - HEADER_BYTES)
        kind = self._known.get(key)
        if kind is not None and kind.size_bytes == size_bytes:
            return kind
        return self._read(key, memory, start, size_bytes)

    def _read(
        self, key: tuple[bytes, ...], memory: bytearray, start: int, size_bytes: int
    ) -> PacketKind | None:
        vnet = VnetHeader.unpack(memory, start - HEADER_BYTES)
        kind = read_kind(bytes(memory[start : start + size_bytes]), vnet)
        if kind is None:
            return None
        if kind.flow is not None:  # else the key does not hold all that decides, or hardly comes again
            if len(self._known) >= _MAX_KNOWN_KINDS:
                self._known.clear()
            self._known[key] = kind
        return kind


def read_kind(packet: bytes, vnet: VnetHeader) -> PacketKind | None:
    """Reads the headers; None if this is no whole IPv4 or IPv6 packet that is as long as it says."""
    transport = find_transport(packet)
    if transport is None or transport.end != len(packet):
        return None
    checksum = _checksum_to_finish(vnet, len(packet))
    if checksum is None:
        return None
    is_ipv4 = transport.version == 4
    has_ports = transport.protocol in (TCP, UDP) and transport.start + _PORTS_BYTES <= transport.end
    is_plain = (
        has_ports
        and transport.start == (_IPV4_HEADER_BYTES if is_ipv4 else _IPV6_HEADER_BYTES)
        and not _is_fragment(packet)
    )
    addresses = packet[12:20] if is_ipv4 else packet[8:40]
    ports = packet[transport.start : transport.start + _PORTS_BYTES]
    return PacketKind(
        destination=packet[16:20] if is_ipv4 else packet[24:40],
        size_bytes=len(packet),
        traffic_class=packet[1] if is_ipv4 else (packet[0] << 4 | packet[1] >> 4) & 0xFF,
        transport_start=transport.start,
        tcp=transport.protocol == TCP and not transport.fragment_offset,
        flow=addresses + bytes([transport.protocol]) + ports if is_plain else None,
        csum_start=checksum[0],
        csum_offset=checksum[1],
    )


def _checksum_to_finish(vnet: VnetHeader, size_bytes: int) -> tuple[int, int] | None:
    """Where it begins and where it is stored; 0, 0 for none; None if that is nonsense."""
    if not vnet.flags & NEEDS_CSUM:
        return 0, 0
    is_inside = _IPV4_HEADER_BYTES <= vnet.csum_start <= size_bytes - vnet.csum_offset - 2
    is_even = not (vnet.csum_start | vnet.csum_offset) & 1  # as all headers of IP and above are
    return (vnet.csum_start, vnet.csum_offset) if is_inside and is_even else None


def _is_fragment(packet: bytes) -> bool:
    return packet[0] >> 4 == 4 and bool((packet[6] << 8 | packet[7]) & _FRAGMENT_BITS)


def size_class(packet_bytes: int) -> int:
    """Packets of one class may be padded to the length of the longest of them.

    Returns:
        The longest length in the class: a multiple of 16 that is less than 1.25 times the shortest, apart
        from very short packets.
    """
    padded = packet_bytes + -packet_bytes % PADDING_MULTIPLE_BYTES
    if padded <= _FINE_CLASSES_BYTES:
        return padded
    step = 1 << (padded - 1).bit_length() - 3
    return -(-padded // step) * step
