# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What has to be known of an ordinary packet to send it: read once for all packets that are alike."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from cladnet.core.ip.headers import ICMP, find_transport
from cladnet.core.offload.segmentation import TCP, UDP
from cladnet.core.offload.virtio_net import HEADER_BYTES, NEEDS_CSUM, VnetHeader
from cladnet.core.wireguard.constants import PADDING_MULTIPLE_BYTES

if TYPE_CHECKING:
    from cladnet.core.offload.burst import Channel

_FRAGMENT_BITS = 0x3FFF
_IPV4_HEADER_BYTES, _IPV6_HEADER_BYTES = 20, 40
_PORTS_BYTES = 4
# All that decides: virtio-net header, IP header without identification and checksum, ports if there are any.
_KEY_IPV4, _KEY_IPV4_WITH_PORTS = struct.Struct("14s2x4s2x8s"), struct.Struct("14s2x4s2x12s")
_KEY_IPV6, _KEY_IPV6_WITH_PORTS = struct.Struct("50s"), struct.Struct("54s")
_WITH_PORTS = frozenset({TCP, UDP})
_FINE_CLASSES_BYTES = 128


class Likeness(NamedTuple):
    """What packets must have in common to go into one group, apart from their peer.

    Args:
        size_class: longest length that the shortest packet may be padded to.
        traffic_class: the TOS or traffic class byte.
        csum_start: where the checksum begins that has to be finished; 0 if none has.
        csum_offset: of the checksum field, from there.
    """

    size_class: int
    traffic_class: int
    csum_start: int
    csum_offset: int


class Flow:
    """Packets that must not overtake each other.

    Attributes:
        last_order: of the group of its last packet.
    """

    __slots__ = ("last_order",)

    def __init__(self) -> None:
        self.last_order = -1


class PacketKind:
    """What packets of one flow, length and offload have in common.

    Args:
        destination: inner address, 4 or 16 bytes.
        size_bytes: of the packet.
        traffic_class: the TOS or traffic class byte.
        transport_start: offset of the transport header, if the packet has one.
        tcp: whether that is one of TCP.
        icmp: whether that is one of ICMP for IPv4.
        flow_key: addresses, protocol and, if it has them, ports; None if it cannot be told from other flows.
        csum_start: where the checksum begins that has to be finished; 0 if none has.
        csum_offset: of the checksum field, from there.

    Attributes:
        likeness: what it must have in common with others.
        flow: its flow; shared with other kinds.
        channel: the way that it goes, as soon as that is known.
        padded_bytes: its length with padding on that way.
    """

    __slots__ = (
        "channel",
        "csum_offset",
        "csum_start",
        "destination",
        "flow",
        "flow_key",
        "icmp",
        "likeness",
        "padded_bytes",
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
        icmp: bool,
        flow_key: bytes | None,
        csum_start: int,
        csum_offset: int,
    ) -> None:
        self.destination = destination
        self.size_bytes = size_bytes
        self.traffic_class = traffic_class
        self.transport_start = transport_start
        self.tcp = tcp
        self.icmp = icmp
        self.flow_key = flow_key
        self.csum_start = csum_start
        self.csum_offset = csum_offset
        self.likeness = Likeness(size_class(size_bytes), traffic_class, csum_start, csum_offset)
        self.flow = Flow()
        self.channel: Channel | None = None
        self.padded_bytes = size_bytes


class PacketKinds:
    """Remembers kinds by the bytes that make them.

    Nothing else decides what a kind is, so none is ever out of date; the channel of one may be.

    Attributes:
        count: how many there are.
    """

    def __init__(self) -> None:
        self.count = 0
        self._known: dict[tuple[bytes, ...], PacketKind] = {}
        self._flows: dict[bytes, Flow] = {}

    def of(self, memory: bytearray, start: int, size_bytes: int) -> PacketKind | None:
        """The kind of a packet; None for what is no packet.

        Args:
            memory: may hold anything behind the packet.
            start: offset of the packet, at least 10 (the virtio-net header is in front of it); the memory
                goes on for 54 bytes or more from there.
            size_bytes: of the packet.
        """
        if memory[start] >> 4 == 4:
            layout = _KEY_IPV4_WITH_PORTS if memory[start + 9] in _WITH_PORTS else _KEY_IPV4
        else:
            layout = _KEY_IPV6_WITH_PORTS if memory[start + 6] in _WITH_PORTS else _KEY_IPV6
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
        if kind is not None and kind.flow_key is not None:
            # Of others the key does not hold all that decides, or hardly comes again.
            self._known[key] = kind
            self.count = len(self._known)
            kind.flow = self._flows.setdefault(kind.flow_key, kind.flow)
        return kind

    def clear(self) -> None:
        """Forgets all; never while there are packets in a burst, or their order is forgotten, too."""
        self.count = 0
        self._known.clear()
        self._flows.clear()


def read_kind(packet: bytes, vnet: VnetHeader) -> PacketKind | None:
    """Reads the headers; None if this is no whole IPv4 or IPv6 packet that is as long as it says."""
    transport = find_transport(packet)
    if transport is None or transport.end != len(packet):
        return None
    checksum = _checksum_to_finish(vnet, len(packet))
    if checksum is None:
        return None
    is_ipv4 = transport.version == 4
    ports_bytes = _PORTS_BYTES if transport.protocol in _WITH_PORTS else 0
    is_plain = (
        transport.start == (_IPV4_HEADER_BYTES if is_ipv4 else _IPV6_HEADER_BYTES)
        and transport.start + ports_bytes <= transport.end
        and not _is_fragment(packet)
    )
    addresses = packet[12:20] if is_ipv4 else packet[8:40]
    ports = packet[transport.start : transport.start + ports_bytes]
    return PacketKind(
        destination=packet[16:20] if is_ipv4 else packet[24:40],
        size_bytes=len(packet),
        traffic_class=packet[1] if is_ipv4 else (packet[0] << 4 | packet[1] >> 4) & 0xFF,
        transport_start=transport.start,
        tcp=transport.protocol == TCP and not transport.fragment_offset,
        icmp=is_ipv4 and transport.protocol == ICMP,
        flow_key=addresses + bytes([transport.protocol]) + ports if is_plain else None,
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
