# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an outer header's congestion mark does to an inner one (RFC 6040, figure 4)."""

from __future__ import annotations

import pytest
from inner_packets import checksum, ipv4, ipv6

from cladnet.core.ip.ecn import CE, ECT_0, ECT_1, NOT_ECT, changes_nothing, decapsulate

DROPPED = None
# Inner codepoint: what comes of it with Not-ECT, ECT(1), ECT(0) and CE outside.
FIGURE_4 = {
    NOT_ECT: (NOT_ECT, NOT_ECT, NOT_ECT, DROPPED),
    ECT_0: (ECT_0, ECT_1, ECT_0, CE),
    ECT_1: (ECT_1, ECT_1, ECT_1, CE),
    CE: (CE, CE, CE, CE),
}
CASES = [
    (inner, outer, result)
    for inner, results in FIGURE_4.items()
    for outer, result in zip((NOT_ECT, ECT_1, ECT_0, CE), results, strict=True)
]


def codepoint(packet: bytes) -> int:
    return packet[1] & 3 if packet[0] >> 4 == 4 else packet[1] >> 4 & 3


def marked(packet: bytes, ecn: int, rest: int) -> bytearray:
    """The packet with another service byte, and no other change but the checksum."""
    changed = bytearray(packet)
    if packet[0] >> 4 == 6:
        changed[0:2] = (0x6000 | rest << 6 | ecn << 4 | 0x0A).to_bytes(2, "big")
        return changed
    changed[1], changed[10:12] = rest << 2 | ecn, bytes(2)
    changed[10:12] = checksum(bytes(changed[:20])).to_bytes(2, "big")
    return changed


@pytest.mark.parametrize(("inner", "outer", "result"), CASES)
@pytest.mark.parametrize("packet", [ipv4(b"abcd"), ipv6(b"abcd")], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("rest", [0, 46, 63])
def test_decapsulation(packet: bytes, inner: int, outer: int, result: int | None, rest: int):
    before = marked(packet, inner, rest)
    memory = bytearray(b"?" * 5 + before + b"?")
    unchanged = changes_nothing(memoryview(memory), 5, outer)
    assert decapsulate(memoryview(memory), 5, outer) is (result is not DROPPED)
    after = memory[5:-1]
    assert unchanged == (result == inner)
    assert after == marked(packet, inner if result is DROPPED else result, rest)
    assert memory[:5] + memory[-1:] == b"?" * 6


@pytest.mark.parametrize("identification", range(0, 65536, 997))
def test_checksum_is_right_whatever_it_was(identification: int):
    packet = bytearray(ipv4(b""))
    packet[4:6] = identification.to_bytes(2, "big")
    packet = marked(bytes(packet), ECT_0, 0)
    assert decapsulate(memoryview(packet), 0, CE)
    assert checksum(bytes(packet[:20])) == 0
    assert codepoint(packet) == CE


@pytest.mark.parametrize("field", [0, 1, 2, 0x1234, 0xFFFD, 0xFFFE, 0xFFFF])
@pytest.mark.parametrize(("inner", "outer"), [(ECT_0, CE), (ECT_1, CE), (ECT_0, ECT_1)])
def test_a_wrong_checksum_stays_as_wrong_as_it_was(field: int, inner: int, outer: int):
    packet = marked(ipv4(b""), inner, 4)
    packet[10:12] = field.to_bytes(2, "big")
    before = checksum(bytes(packet))
    assert decapsulate(memoryview(packet), 0, outer)
    assert checksum(bytes(packet)) == before
    assert codepoint(packet) == outer
