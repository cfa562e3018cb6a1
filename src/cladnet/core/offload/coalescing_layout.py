# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where the fields of packets are that may be coalesced: TCP or UDP behind an IP header without options.

Source: RFC 791, RFC 8200, RFC 9293, RFC 768.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cladnet.core.ip.headers import IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, TCP
from cladnet.core.offload.virtio_net import GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4

UDP = 17
UDP_HEADER_BYTES = 8

# Offsets in the IP header.
IPV4_LENGTH_AT, IPV4_ID_AT, IPV4_FRAGMENT_AT, IPV4_CHECKSUM_AT, IPV4_ADDRESSES_AT = 2, 4, 6, 10, 12
IPV6_LENGTH_AT, IPV6_ADDRESSES_AT = 4, 8
# Offsets in the transport header.
TCP_SEQUENCE_AT, TCP_DATA_OFFSET_AT, TCP_FLAGS_AT, TCP_CHECKSUM_AT = 4, 12, 13, 16
UDP_LENGTH_AT, UDP_CHECKSUM_AT = 4, 6

FIN, SYN, RST, PSH, ACK, URG, CWR = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x80
DONT_FRAGMENT = 0x40

# TCP's segmentation leaves these to the last segment.
LAST_SEGMENT_FLAGS = FIN | PSH
_NEVER_COALESCED = SYN | RST | URG
_TCP_RESERVED_BITS = 0x0F

_IPV4_WITHOUT_OPTIONS = 0x45
_IPV4_PROTOCOL_AT, _IPV6_PROTOCOL_AT = 9, 6
_PORTS_BYTES = 4
_MIN_TCP_HEADER_BYTES = 20


@dataclass(frozen=True, eq=False)
class Layout:
    """One kind of header: IP version, transport protocol, size of TCP's options.

    Attributes:
        is_ipv4: or IPv6.
        is_tcp: or UDP.
        protocol: number of the transport protocol.
        ip_bytes: of the IP header.
        header_bytes: of both headers.
        addresses_at: offset of both IP addresses, behind which the ports come.
        checksum_at: offset of the checksum in the transport header.
        gso_type: of a super-packet.
        common: which bits of the header all segments of a super-packet share, as a big-endian number.
        common_in_rows: the same of segments of one length none of which is the last, as bytes.
    """

    is_ipv4: bool
    is_tcp: bool
    protocol: int
    ip_bytes: int
    header_bytes: int
    addresses_at: int
    checksum_at: int
    gso_type: int
    common: int
    common_in_rows: npt.NDArray[np.uint8]

    @classmethod
    def make(cls, *, is_ipv4: bool, is_tcp: bool, transport_bytes: int) -> Layout:
        """The layout with a transport header of that size."""
        ip_bytes = IPV4_HEADER_BYTES if is_ipv4 else IPV6_HEADER_BYTES
        header_bytes = ip_bytes + transport_bytes
        in_rows = _common_in_rows(ip_bytes, header_bytes, is_tcp=is_tcp)
        return cls(
            is_ipv4=is_ipv4,
            is_tcp=is_tcp,
            protocol=TCP if is_tcp else UDP,
            ip_bytes=ip_bytes,
            header_bytes=header_bytes,
            addresses_at=IPV4_ADDRESSES_AT if is_ipv4 else IPV6_ADDRESSES_AT,
            checksum_at=TCP_CHECKSUM_AT if is_tcp else UDP_CHECKSUM_AT,
            gso_type=(GSO_TCPV4 if is_ipv4 else GSO_TCPV6) if is_tcp else GSO_UDP_L4,
            common=int.from_bytes(_common(in_rows, ip_bytes, is_tcp=is_tcp), "big"),
            common_in_rows=np.frombuffer(in_rows, np.uint8),
        )

    def may_coalesce(self, memory: memoryview, start: int, size: int) -> bool:
        """Whether a packet of this layout may be a segment of a super-packet at all."""
        if size == self.header_bytes:
            return False
        transport = start + self.ip_bytes
        if self.is_tcp:
            flags = memory[transport + TCP_FLAGS_AT]
            return (
                flags & (_NEVER_COALESCED | ACK) == ACK
                and not memory[transport + TCP_DATA_OFFSET_AT] & _TCP_RESERVED_BITS
            )
        length, checksum = transport + UDP_LENGTH_AT, transport + UDP_CHECKSUM_AT
        return (memory[length] << 8 | memory[length + 1]) == size - self.ip_bytes and bool(
            memory[checksum] or memory[checksum + 1]
        )

    def is_last_segment(self, memory: memoryview, start: int) -> bool:
        """Whether a packet is marked as one behind which no other may be joined."""
        return self.is_tcp and bool(memory[start + self.ip_bytes + TCP_FLAGS_AT] & LAST_SEGMENT_FLAGS)

    def flow(self, memory: memoryview, start: int) -> bytes:
        """Addresses and ports of a packet."""
        return bytes(memory[start + self.addresses_at : start + self.ip_bytes + _PORTS_BYTES])


def _common_in_rows(ip_bytes: int, header_bytes: int, *, is_tcp: bool) -> bytearray:
    mask = bytearray(b"\xff" * header_bytes)
    if ip_bytes == IPV4_HEADER_BYTES:
        _blank(mask, IPV4_ID_AT, 2)
        _blank(mask, IPV4_CHECKSUM_AT, 2)
    if is_tcp:
        _blank(mask, ip_bytes + TCP_SEQUENCE_AT, 4)
        _blank(mask, ip_bytes + TCP_CHECKSUM_AT, 2)
    else:
        _blank(mask, ip_bytes + UDP_CHECKSUM_AT, 2)
    return mask


def _common(in_rows: bytearray, ip_bytes: int, *, is_tcp: bool) -> bytearray:
    mask = bytearray(in_rows)
    _blank(mask, IPV4_LENGTH_AT if ip_bytes == IPV4_HEADER_BYTES else IPV6_LENGTH_AT, 2)
    if is_tcp:
        mask[ip_bytes + TCP_FLAGS_AT] &= ~(LAST_SEGMENT_FLAGS | CWR)
    else:
        _blank(mask, ip_bytes + UDP_LENGTH_AT, 2)
    return mask


def _blank(mask: bytearray, at: int, size: int) -> None:
    mask[at : at + size] = bytes(size)


def _tcp_layouts(*, is_ipv4: bool) -> dict[int, Layout]:
    """By the byte with the data offset, whatever its other bits are."""
    layouts = {}
    for size in range(_MIN_TCP_HEADER_BYTES, 64, 4):
        layout = Layout.make(is_ipv4=is_ipv4, is_tcp=True, transport_bytes=size)
        layouts.update(dict.fromkeys(range(size << 2, (size << 2) + 16), layout))
    return layouts


_TCP_IPV4, _TCP_IPV6 = _tcp_layouts(is_ipv4=True), _tcp_layouts(is_ipv4=False)
_UDP_IPV4 = Layout.make(is_ipv4=True, is_tcp=False, transport_bytes=UDP_HEADER_BYTES)
_UDP_IPV6 = Layout.make(is_ipv4=False, is_tcp=False, transport_bytes=UDP_HEADER_BYTES)


def layout_of(memory: memoryview, start: int, size: int) -> Layout | None:
    """The layout of a packet; None if it has none, or no whole header.

    Args:
        memory: has the packet, a whole one by its IP header.
        start: where it begins.
        size: how long it is.
    """
    if memory[start] == _IPV4_WITHOUT_OPTIONS:
        if memory[start + IPV4_FRAGMENT_AT] & 0x3F or memory[start + IPV4_FRAGMENT_AT + 1]:
            return None
        ip_bytes, protocol = IPV4_HEADER_BYTES, memory[start + _IPV4_PROTOCOL_AT]
        tcp, udp = _TCP_IPV4, _UDP_IPV4
    elif memory[start] >> 4 == 6:
        ip_bytes, protocol = IPV6_HEADER_BYTES, memory[start + _IPV6_PROTOCOL_AT]
        tcp, udp = _TCP_IPV6, _UDP_IPV6
    else:
        return None
    if protocol == TCP and size >= ip_bytes + _MIN_TCP_HEADER_BYTES:
        layout = tcp.get(memory[start + ip_bytes + TCP_DATA_OFFSET_AT])
    else:
        layout = udp if protocol == UDP else None
    return layout if layout is not None and size >= layout.header_bytes else None
