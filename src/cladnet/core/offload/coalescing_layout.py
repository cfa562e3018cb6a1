# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where the fields of packets are that may be coalesced: TCP or UDP behind an IP header without options.

Source: RFC 791, RFC 8200, RFC 9293, RFC 768.
"""

from __future__ import annotations

import struct
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

# What a packet may be in a super-packet: nothing, the last segment, any segment.
ALONE, LAST, ANY = range(3)

_IPV4_WITHOUT_OPTIONS = 0x45
_MIN_TCP_HEADER_BYTES = 20
_MIN_IPV4_UDP_BYTES, _MIN_IPV6_UDP_BYTES = IPV4_HEADER_BYTES + 8, IPV6_HEADER_BYTES + 8
_FRAGMENT_BITS = 0x3FFF  # more fragments, and the offset

_IPV4 = struct.Struct("!6xHxB2x12s")  # fragment, protocol, addresses and ports
_IPV6 = struct.Struct("!6xBx36s")  # next header, addresses and ports
_UDP_LENGTH_AND_CHECKSUM = struct.Struct("!4xHH")


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

    def role(self, memory: memoryview, start: int, size: int) -> int:
        """What a packet of this layout may be: `ALONE`, `LAST` or `ANY`."""
        transport = start + self.ip_bytes
        if size == self.header_bytes:
            return ALONE
        if not self.is_tcp:
            length, checksum = _UDP_LENGTH_AND_CHECKSUM.unpack_from(memory, transport)
            return ANY if checksum and length == size - self.ip_bytes else ALONE
        flags = memory[transport + TCP_FLAGS_AT]
        if flags & _NEVER_COALESCED or memory[transport + TCP_DATA_OFFSET_AT] & _TCP_RESERVED_BITS:
            return ALONE
        if not flags & ACK:
            return ALONE
        return LAST if flags & LAST_SEGMENT_FLAGS else ANY


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


def read_flow(memory: memoryview, start: int, size: int) -> tuple[Layout, bytes] | None:
    """Layout, addresses and ports of a packet; None if it is of another kind, or has no whole header.

    Args:
        memory: has the packet, a whole one by its IP header.
        start: where it begins.
        size: how long it is.
    """
    if memory[start] == _IPV4_WITHOUT_OPTIONS and size >= _MIN_IPV4_UDP_BYTES:
        fragment, protocol, flow = _IPV4.unpack_from(memory, start)
        if fragment & _FRAGMENT_BITS:
            return None
        tcp, udp, data_offset = _TCP_IPV4, _UDP_IPV4, IPV4_HEADER_BYTES + TCP_DATA_OFFSET_AT
    elif memory[start] >> 4 == 6 and size >= _MIN_IPV6_UDP_BYTES:
        protocol, flow = _IPV6.unpack_from(memory, start)
        tcp, udp, data_offset = _TCP_IPV6, _UDP_IPV6, IPV6_HEADER_BYTES + TCP_DATA_OFFSET_AT
    else:
        return None
    if protocol == UDP:
        return udp, flow
    layout = tcp.get(memory[start + data_offset]) if protocol == TCP and size > data_offset else None
    return (layout, flow) if layout is not None and size >= layout.header_bytes else None
