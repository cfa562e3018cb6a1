# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The few fields of an inner IP packet that a tunnel looks at.

Source: RFC 791, RFC 8200.
"""

from __future__ import annotations

from typing import NamedTuple

_IPV4_HEADER_SIZE_BYTES = 20
_IPV6_HEADER_SIZE_BYTES = 40


class InnerPacket(NamedTuple):
    """Addresses (4 or 16 bytes) and the size of a packet by its own header, without padding behind it."""

    source: bytes
    destination: bytes
    size_bytes: int


def parse_inner_packet(packet: bytes) -> InnerPacket | None:
    """Reads the header; None if this is no whole IPv4 or IPv6 packet."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= _IPV4_HEADER_SIZE_BYTES:
        size_bytes = int.from_bytes(packet[2:4], "big")
        if _IPV4_HEADER_SIZE_BYTES <= size_bytes <= len(packet):
            return InnerPacket(packet[12:16], packet[16:20], size_bytes)
    if version == 6 and len(packet) >= _IPV6_HEADER_SIZE_BYTES:
        size_bytes = _IPV6_HEADER_SIZE_BYTES + int.from_bytes(packet[4:6], "big")
        if size_bytes <= len(packet):
            return InnerPacket(packet[8:24], packet[24:40], size_bytes)
    return None
