# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Explicit congestion notification of tunnels: what an outer header tells the inner one.

Source: RFC 6040, section 4.2.
"""

from __future__ import annotations

from cladnet.core.ip.mss import updated_checksum

NOT_ECT, ECT_1, ECT_0, CE = range(4)
ECN_MASK = 3
_CHECKSUM_AT = 10


def changes_nothing(memory: memoryview, start: int, outer: int) -> bool:
    """Whether the codepoint of the outer header leaves an inner packet as it is.

    Args:
        memory: has the packet, IPv4 or IPv6 with a whole header.
        start: where it begins.
        outer: the two bits of the outer header.
    """
    if outer in (NOT_ECT, ECT_0):
        return True
    inner = _inner(memory, start)
    return inner == CE or (outer == ECT_1 and inner != ECT_0)


def decapsulate(memory: memoryview, start: int, outer: int) -> bool:
    """Carries the codepoint of the outer header over to an inner packet; arguments as above.

    Returns:
        False if the packet is to be dropped: it met congestion and its sender would not understand that.
    """
    if changes_nothing(memory, start, outer):
        return True
    if _inner(memory, start) == NOT_ECT:
        return False
    if memory[start] >> 4 == 4:
        _change_ipv4(memory, start, outer)
    else:
        memory[start + 1] = memory[start + 1] & 0xCF | outer << 4
    return True


def _inner(memory: memoryview, start: int) -> int:
    return memory[start + 1] >> (0 if memory[start] >> 4 == 4 else 4) & ECN_MASK


def _change_ipv4(memory: memoryview, start: int, ecn: int) -> None:
    before = memory[start + 1]
    after = memory[start + 1] = before & ~ECN_MASK | ecn
    field = start + _CHECKSUM_AT
    checksum = updated_checksum(memory[field] << 8 | memory[field + 1], before, after)
    memory[field], memory[field + 1] = checksum >> 8, checksum & 0xFF
