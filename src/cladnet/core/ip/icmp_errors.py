# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Tells the sender of a packet that it does not fit the path.

Source: RFC 1191 and RFC 1122, section 3.2.2 (IPv4); RFC 4443, sections 2.4 and 3.2 (IPv6).
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from cladnet.core.icmp import internet_checksum
from cladnet.core.ip.headers import (
    ICMP,
    ICMPV6,
    IPV4_HEADER_BYTES,
    IPV6_HEADER_BYTES,
    Packet,
    Transport,
    find_transport,
)

IPV6_MIN_MTU_BYTES = 1280
# RFC 1812, section 4.3.2.3: no ICMP error for IPv4 is longer.
_ICMPV4_MOST_BYTES = 576
_DESTINATION_UNREACHABLE, _FRAGMENTATION_NEEDED = 3, 4
_PACKET_TOO_BIG = 2
_ICMP_HEADER_BYTES = 8
_HOP_LIMIT = 64
_DONT_FRAGMENT = 0x4000
# RFC 1812, section 4.3.2.5: the precedence of ICMP errors is "internetwork control".
_INTERNETWORK_CONTROL = 0xC0
# What is no error among the ICMP messages; any type that is not known might be one.
_ICMPV4_QUERIES = frozenset({0, 8, 9, 10, 13, 14, 15, 16, 17, 18, 42, 43})
_ICMPV6_FIRST_INFORMATIONAL, _ICMPV6_REDIRECT = 128, 137


def fragmentation_needed(packet: Packet, mtu_bytes: int, source_address: bytes) -> bytes | None:
    """The ICMP error for a packet that must not be cut and is too long.

    Args:
        packet: the IPv4 or IPv6 packet; as much of it is quoted as is allowed.
        mtu_bytes: of the path; for IPv6 1280 is told if it is less.
        source_address: 4 or 16 bytes, the address of this host in the same IP version.

    Returns:
        A complete IP packet to the sender, or None where no error may be sent: about ICMP errors, later
        fragments, to and from what is no single host; and if the address is of the other IP version.
    """
    transport = find_transport(packet)
    if transport is None:
        return None
    whole = bytes(packet[: transport.end])
    if transport.version == 4:
        allowed = len(source_address) == 4 and _may_be_told_ipv4(whole, transport)
        return _ipv4_error(whole, mtu_bytes, source_address) if allowed else None
    allowed = len(source_address) == 16 and _may_be_told_ipv6(whole, transport)
    return _ipv6_error(whole, mtu_bytes, source_address) if allowed else None


def _may_be_told_ipv4(packet: bytes, transport: Transport) -> bool:
    if transport.fragment_offset:
        return False
    if transport.protocol == ICMP and _icmp_type(packet, transport) not in _ICMPV4_QUERIES:
        return False
    return _is_host(packet[12:16]) and _is_host(packet[16:20])


def _is_host(address: bytes) -> bool:
    """Not "this network", loopback, multicast or reserved (with the broadcast to all)."""
    found = IPv4Address(address)
    return not (found.is_multicast or found.is_loopback or found.is_reserved or address[0] == 0)


def _may_be_told_ipv6(packet: bytes, transport: Transport) -> bool:
    """Packets to a multicast group are told of, unlike for other errors (RFC 4443, section 2.4)."""
    if transport.protocol == ICMPV6 and not _is_informational(packet, transport):
        return False
    source = IPv6Address(packet[8:24])
    return not (source.is_multicast or source.is_unspecified or source.is_loopback)


def _is_informational(packet: bytes, transport: Transport) -> bool:
    """Of a later fragment nobody knows."""
    kind = None if transport.fragment_offset else _icmp_type(packet, transport)
    return kind is not None and kind >= _ICMPV6_FIRST_INFORMATIONAL and kind != _ICMPV6_REDIRECT


def _icmp_type(packet: bytes, transport: Transport) -> int | None:
    return packet[transport.start] if transport.start < transport.end else None


def _ipv4_error(packet: bytes, mtu_bytes: int, source_address: bytes) -> bytes:
    quoted = packet[: _ICMPV4_MOST_BYTES - IPV4_HEADER_BYTES - _ICMP_HEADER_BYTES]
    kind = (_DESTINATION_UNREACHABLE, _FRAGMENTATION_NEEDED)
    message = _message(struct.pack("!BBHHH", *kind, 0, 0, min(mtu_bytes, 0xFFFF)) + quoted)
    size = IPV4_HEADER_BYTES + len(message)
    fields = (0x45, _INTERNETWORK_CONTROL, size, 0, _DONT_FRAGMENT, _HOP_LIMIT, ICMP, 0)
    header = bytearray(struct.pack("!BBHHHBBH", *fields) + source_address + packet[12:16])
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2, "big")
    return bytes(header) + message


def _ipv6_error(packet: bytes, mtu_bytes: int, source_address: bytes) -> bytes:
    quoted = packet[: IPV6_MIN_MTU_BYTES - IPV6_HEADER_BYTES - _ICMP_HEADER_BYTES]
    unsummed = struct.pack("!BBHI", _PACKET_TOO_BIG, 0, 0, max(mtu_bytes, IPV6_MIN_MTU_BYTES)) + quoted
    addresses = source_address + packet[8:24]
    message = _message(unsummed, addresses + struct.pack("!II", len(unsummed), ICMPV6))
    return struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, _HOP_LIMIT) + addresses + message


def _message(unsummed: bytes, pseudo_header: bytes = b"") -> bytes:
    checksum = internet_checksum(pseudo_header + unsummed)
    return unsummed[:2] + checksum.to_bytes(2, "big") + unsummed[4:]
