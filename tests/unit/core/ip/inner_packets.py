# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets for tests, and what a receiver would make of them: plain and slow on purpose."""

from __future__ import annotations

import struct
from ipaddress import ip_address

SOURCE, DESTINATION = "10.77.0.2", "10.77.0.3"
SOURCE6, DESTINATION6 = "fd00::2", "fd00::3"
UDP, TCP = 17, 6
SYN, ACK = 0x02, 0x10


def checksum(data: bytes) -> int:
    """RFC 1071, by the book."""
    data += b"\0" * (len(data) % 2)
    total = sum(data[at] * 256 + data[at + 1] for at in range(0, len(data), 2))
    return ~(total % 0xFFFF or (0xFFFF if total else 0)) & 0xFFFF


def ipv4(
    payload: bytes,
    *,
    protocol: int = UDP,
    options: bytes = b"",
    flags_and_offset: int = 0,
    source: str = SOURCE,
    destination: str = DESTINATION,
) -> bytes:
    size = 20 + len(options) + len(payload)
    fields = (0x45 + len(options) // 4, 0x02, size, 4711, flags_and_offset, 63, protocol, 0)
    addresses = ip_address(source).packed + ip_address(destination).packed
    header = struct.pack("!BBHHHBBH", *fields) + addresses + options
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + payload


def ipv6(
    payload: bytes, *, protocol: int = UDP, source: str = SOURCE6, destination: str = DESTINATION6
) -> bytes:
    addresses = ip_address(source).packed + ip_address(destination).packed
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 63) + addresses + payload


def pseudo_header(source: bytes, destination: bytes, protocol: int, size: int) -> bytes:
    if len(source) == 4:
        return source + destination + struct.pack("!HH", protocol, size)
    return source + destination + struct.pack("!II", size, protocol)


def tcp(
    options: bytes,
    *,
    flags: int = SYN,
    payload: bytes = b"",
    source: str = SOURCE,
    destination: str = DESTINATION,
) -> bytes:
    """A segment with its checksum; the options are padded with their end."""
    options += b"\0" * (-len(options) % 4)
    fields = (40000, 443, 1, 2, (5 + len(options) // 4) << 4, flags, 65535, 0, 0)
    segment = struct.pack("!HHIIBBHHH", *fields) + options + payload
    pseudo = pseudo_header(ip_address(source).packed, ip_address(destination).packed, TCP, len(segment))
    return segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]


def has_right_transport_checksum(packet: bytes, start: int, protocol: int) -> bool:
    addresses = (packet[12:16], packet[16:20]) if packet[0] >> 4 == 4 else (packet[8:24], packet[24:40])
    pseudo = pseudo_header(*addresses, protocol, len(packet) - start)
    return checksum(pseudo + packet[start:]) == 0


def reassemble(fragments: list[bytes]) -> tuple[bytes, int, bool]:
    """What all fragments together carry, from which offset on, and whether more is to come."""
    parts, more = {}, True
    for piece in fragments:
        header_bytes = (piece[0] & 0x0F) * 4
        assert checksum(piece[:header_bytes]) == 0
        assert len(piece) == int.from_bytes(piece[2:4], "big")
        word = int.from_bytes(piece[6:8], "big")
        parts[(word & 0x1FFF) * 8] = piece[header_bytes:]
        more = more and bool(word & 0x2000)
    first = next_at = min(parts)
    for at in sorted(parts):
        assert at == next_at, "a hole or an overlap"
        next_at += len(parts[at])
    return b"".join(parts[at] for at in sorted(parts)), first, more
