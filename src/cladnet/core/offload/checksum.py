# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Internet checksums (RFC 1071), fast in Python.

A word sum is the ones' complement sum of 16-bit words in network byte order, as a number below 65,535. Sums
may be added, subtracted and put together as any numbers modulo 65,535.
"""

from __future__ import annotations

import struct

import numpy as np

MODULUS = 0xFFFF

_FIELD = struct.Struct("!H")

# Below this many bytes one big number is cheaper than an array.
_ARRAY_FROM_BYTES = 700


def word_sum(data: bytes | bytearray | memoryview) -> int:
    """The word sum of any number of bytes; a missing last byte counts as 0."""
    size = len(data)
    if size >= _ARRAY_FROM_BYTES:
        return _long_word_sum(data)
    number = int.from_bytes(data, "big")
    return (number << 8 if size & 1 else number) % MODULUS


def _long_word_sum(data: bytes | bytearray | memoryview) -> int:
    size = len(data)
    total = int(np.add.reduce(np.frombuffer(data, ">u2", size >> 1), dtype=np.uint64))
    return (total + (data[size - 1] << 8 if size & 1 else 0)) % MODULUS


def checksum_of(total: int) -> int:
    """The checksum field for a word sum, never 0: that would mean "none" to UDP, and 0xFFFF is as right."""
    return MODULUS - total % MODULUS


def pseudo_header_sum(addresses: bytes | bytearray | memoryview, protocol: int, length_bytes: int) -> int:
    """The word sum of the pseudo-header of TCP and UDP (RFC 9293, section 3.1; RFC 8200, section 8.1).

    Args:
        addresses: source and destination, 8 or 32 bytes.
        protocol: of the transport header.
        length_bytes: of transport header and payload.
    """
    return (word_sum(addresses) + protocol + length_bytes) % MODULUS


def complete_checksum(packet: memoryview, csum_start: int, csum_offset: int) -> bool:
    """Finishes a checksum field that holds the sum of the pseudo-header only (`NEEDS_CSUM`).

    Args:
        packet: writable, without anything behind its end.
        csum_start: where the sum begins.
        csum_offset: of the field, from there.

    Returns:
        False if the field is not in the packet; nothing is changed then.
    """
    field = csum_start + csum_offset
    if field + 2 > len(packet):
        return False
    _FIELD.pack_into(packet, field, MODULUS - word_sum(packet[csum_start:]))
    return True
