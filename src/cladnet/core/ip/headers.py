# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Finds the transport header of an inner packet, never looking behind the packet's end.

Source: RFC 791, RFC 8200.
"""

from __future__ import annotations

from typing import NamedTuple

Packet = bytes | bytearray | memoryview

ICMP, TCP, ICMPV6 = 1, 6, 58
IPV4_HEADER_BYTES = 20
IPV6_HEADER_BYTES = 40

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION_OPTIONS = 0, 43, 44, 51, 60
_IN_UNITS_OF_8 = frozenset({_HOP_BY_HOP, _ROUTING, _DESTINATION_OPTIONS})
_EXTENSIONS = _IN_UNITS_OF_8 | {_FRAGMENT, _AUTHENTICATION}
_FRAGMENT_HEADER_BYTES = 8
# The first bytes of each extension header that matter here: the next header, the length, the offset.
_EXTENSION_BYTES_READ = 4


class Transport(NamedTuple):
    """What an IP packet carries.

    Args:
        version: 4 or 6.
        protocol: of the payload, as the IP header or the last whole extension header names it.
        start: offset of the payload in bytes.
        end: offset behind the packet, by its own header.
        fragment_offset: in units of 8 bytes; above 0 there is no transport header.
    """

    version: int
    protocol: int
    start: int
    end: int
    fragment_offset: int


def find_transport(packet: Packet) -> Transport | None:
    """Reads the headers; None if this is no whole IPv4 or IPv6 packet (bytes behind it do not matter)."""
    if len(packet) < IPV4_HEADER_BYTES:
        return None
    version = packet[0] >> 4
    if version == 4:
        return _in_ipv4(packet)
    return _in_ipv6(packet) if version == 6 else None


def _in_ipv4(packet: Packet) -> Transport | None:
    start, end = (packet[0] & 0x0F) * 4, packet[2] << 8 | packet[3]
    if not IPV4_HEADER_BYTES <= start <= end <= len(packet):
        return None
    return Transport(4, packet[9], start, end, (packet[6] & 0x1F) << 8 | packet[7])


def _in_ipv6(packet: Packet) -> Transport | None:
    start, end = IPV6_HEADER_BYTES, IPV6_HEADER_BYTES + (packet[4] << 8 | packet[5])
    if end > len(packet):
        return None
    protocol, fragment_offset = packet[6], 0
    while protocol in _EXTENSIONS and not fragment_offset:
        if start + _EXTENSION_BYTES_READ > end or start + _extension_bytes(packet, start, protocol) > end:
            break  # a router does not look so far, and lets the packet pass
        if protocol == _FRAGMENT:
            fragment_offset = (packet[start + 2] << 8 | packet[start + 3]) >> 3
        protocol, start = packet[start], start + _extension_bytes(packet, start, protocol)
    return Transport(6, protocol, start, end, fragment_offset)


def _extension_bytes(packet: Packet, start: int, protocol: int) -> int:
    if protocol == _FRAGMENT:
        return _FRAGMENT_HEADER_BYTES
    length = packet[start + 1]
    return (length + 1) * 8 if protocol in _IN_UNITS_OF_8 else (length + 2) * 4
