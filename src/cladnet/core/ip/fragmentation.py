# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Cuts an IPv4 packet into fragments (RFC 791, section 3.2)."""

from __future__ import annotations

import struct

from cladnet.core.icmp import internet_checksum
from cladnet.core.ip.headers import IPV4_HEADER_BYTES, Packet, find_transport

_MORE_FRAGMENTS = 0x2000
_OFFSET_MASK = 0x1FFF
_UNIT_BYTES = 8
_COPIED = 0x80
_END_OF_OPTIONS, _NO_OPERATION = 0, 1
_CHECKSUM = slice(10, 12)


def fragment(packet: Packet, mtu_bytes: int) -> list[bytes]:
    """The fragments of an IPv4 packet that has no DF flag; one that is a fragment itself is cut further.

    Options that are not to be copied become no-operations behind the first fragment, so all headers have
    the same size.

    Args:
        packet: bytes behind the packet's own length do not matter.
        mtu_bytes: what a fragment may have at most.

    Returns:
        The fragments in order, each with its checksum; the packet alone if it fits. Empty for what cannot
        be cut: no whole IPv4 packet, an offset past the end, an MTU without room behind the header.
    """
    transport = find_transport(packet)
    if transport is None or transport.version != 4:
        return []
    if transport.end <= mtu_bytes:
        return [bytes(packet[: transport.end])]
    header, payload = bytes(packet[: transport.start]), bytes(packet[transport.start : transport.end])
    piece_bytes = (mtu_bytes - len(header)) // _UNIT_BYTES * _UNIT_BYTES
    if piece_bytes <= 0 or transport.fragment_offset + (len(payload) - 1) // _UNIT_BYTES > _OFFSET_MASK:
        return []
    later = _for_later_fragments(header)
    return [
        _fragment(later if at else header, payload[at : at + piece_bytes], at, len(payload))
        for at in range(0, len(payload), piece_bytes)
    ]


def _fragment(header: bytes, piece: bytes, at_bytes: int, payload_bytes: int) -> bytes:
    flags_and_offset = int.from_bytes(header[6:8], "big") + at_bytes // _UNIT_BYTES
    if at_bytes + len(piece) < payload_bytes:
        flags_and_offset |= _MORE_FRAGMENTS
    made = bytearray(header)
    struct.pack_into("!H", made, 2, len(header) + len(piece))
    struct.pack_into("!H", made, 6, flags_and_offset)
    made[_CHECKSUM] = b"\0\0"
    made[_CHECKSUM] = internet_checksum(bytes(made)).to_bytes(2, "big")
    return bytes(made) + piece


def _for_later_fragments(header: bytes) -> bytes:
    """The header with no-operations in place of the options that only the first fragment carries."""
    made, at = bytearray(header), IPV4_HEADER_BYTES
    while at < len(made) and made[at] != _END_OF_OPTIONS:
        length = _option_bytes(header, at)
        if length is None:
            made[at:] = bytes([_NO_OPERATION]) * (len(made) - at)
            break
        if not made[at] & _COPIED:
            made[at : at + length] = bytes([_NO_OPERATION]) * length
        at += length
    return bytes(made)


def _option_bytes(header: bytes, at: int) -> int | None:
    """None if the option goes past the header, or has no length."""
    if header[at] == _NO_OPERATION:
        return 1
    if at + 1 >= len(header) or not 2 <= header[at + 1] <= len(header) - at:
        return None
    return header[at + 1]
