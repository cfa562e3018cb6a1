# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Lowers the maximum segment size that a TCP connection begins with to what a path carries.

Source: RFC 9293, section 3.7.1 (the option), RFC 6691 (its relation to the MTU), RFC 1624 (checksum update).
"""

from __future__ import annotations

from cladnet.core.ip.headers import TCP, Transport, find_transport

IPV4_AND_TCP_BYTES = 40
IPV6_AND_TCP_BYTES = 60

_TCP_HEADER_BYTES = 20
_CHECKSUM, _DATA_OFFSET, _FLAGS = 16, 12, 13
_SYN = 0x02
_END_OF_OPTIONS, _NO_OPERATION, _MSS = 0, 1, 2
_MSS_OPTION_BYTES = 4


def clamp_mss(packet: bytearray | memoryview, mtu_bytes: int) -> bool:
    """Lowers the MSS option of a SYN or SYN-ACK in place, so that full segments fit an MTU.

    A SYN without the option is left alone: 536 bytes (IPv6: 1220) are assumed then, which fit everywhere.

    Args:
        packet: an IPv4 or IPv6 packet, writable, whose TCP checksum is complete (not partial, as for
            VIRTIO_NET_HDR_F_NEEDS_CSUM). A checksum that is wrong stays wrong.
        mtu_bytes: of the path, 576 or more; the headers are counted without options.

    Returns:
        Whether the packet was changed.
    """
    transport = find_transport(packet)
    if transport is None or transport.protocol != TCP or transport.fragment_offset:
        return False
    tcp = transport.start
    if tcp + _TCP_HEADER_BYTES > transport.end or not packet[tcp + _FLAGS] & _SYN:
        return False
    at = _mss_offset(packet, transport)
    if at is None:
        return False
    headers_bytes = IPV4_AND_TCP_BYTES if transport.version == 4 else IPV6_AND_TCP_BYTES
    return _lower(packet, tcp, at, mtu_bytes - headers_bytes)


def _mss_offset(packet: bytearray | memoryview, transport: Transport) -> int | None:
    """Where the value of the option is; None if there is none, or the options cannot be read."""
    at = transport.start + _TCP_HEADER_BYTES
    end = min(transport.start + (packet[transport.start + _DATA_OFFSET] >> 4) * 4, transport.end)
    while at + 1 < end and packet[at] != _END_OF_OPTIONS:
        kind, length = packet[at], packet[at + 1]
        if kind == _MSS:
            return at + 2 if length == _MSS_OPTION_BYTES and at + length <= end else None
        if kind != _NO_OPERATION and length < 2:
            return None
        at += 1 if kind == _NO_OPERATION else length
    return None


def _lower(packet: bytearray | memoryview, tcp: int, at: int, most: int) -> bool:
    old = packet[at] << 8 | packet[at + 1]
    if old <= most:
        return False
    packet[at], packet[at + 1] = most >> 8, most & 0xFF
    checksum_at = tcp + _CHECKSUM
    checksum = packet[checksum_at] << 8 | packet[checksum_at + 1]
    if (at - tcp) % 2:  # across two words of the sum: the same difference, with its bytes swapped
        old, most = _swapped(old), _swapped(most)
    checksum = updated_checksum(checksum, old, most)
    packet[checksum_at], packet[checksum_at + 1] = checksum >> 8, checksum & 0xFF
    return True


def updated_checksum(checksum: int, old: int, new: int) -> int:
    """The Internet checksum after one 16-bit word has changed (RFC 1624, equation 3)."""
    total = (~checksum & 0xFFFF) + (~old & 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8
