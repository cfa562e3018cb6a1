# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""ICMP echo messages (RFC 792): made and read, not sent."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ECHO_REPLY = 0
ECHO_REQUEST = 8
_HEADER = struct.Struct("!BBHHH")
_IPV4_VERSION = 4


@dataclass(frozen=True, slots=True)
class EchoReply:
    """An answer to an echo request."""

    identifier: int
    sequence: int
    payload: bytes


def echo_request(identifier: int, sequence: int, payload: bytes) -> bytes:
    """An echo request with its checksum; identifier and sequence have 16 bits."""
    header = _HEADER.pack(ECHO_REQUEST, 0, 0, identifier, sequence)
    checksum = internet_checksum(header + payload)
    return _HEADER.pack(ECHO_REQUEST, 0, checksum, identifier, sequence) + payload


def parse_echo_reply(packet: bytes) -> EchoReply | None:
    """The echo reply in a packet, with or without an IPv4 header in front (raw sockets give one)."""
    message = _without_ip_header(packet)
    if len(message) < _HEADER.size:
        return None
    kind, code, _unused, identifier, sequence = _HEADER.unpack_from(message)
    if (kind, code) != (ECHO_REPLY, 0) or internet_checksum(message) != 0:
        return None
    return EchoReply(identifier, sequence, message[_HEADER.size :])


def internet_checksum(data: bytes) -> int:
    """The ones' complement checksum of RFC 1071; 0 over data that holds its own right checksum."""
    padded = data + b"\0" if len(data) % 2 else data
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _without_ip_header(packet: bytes) -> bytes:
    if not packet or packet[0] >> 4 != _IPV4_VERSION:
        return packet
    return packet[(packet[0] & 0x0F) * 4 :]
