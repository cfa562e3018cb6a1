# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cladnet.core.ip.mss import clamp_mss
from tests.unit.core.ip.inner_packets import (
    ACK,
    DESTINATION6,
    SOURCE6,
    SYN,
    TCP,
    has_right_transport_checksum,
    ipv4,
    ipv6,
    tcp,
)

NO_OPERATION = b"\1"
SACK_PERMITTED, WINDOW_SCALE = b"\4\2", b"\3\3\7"
HOP_BY_HOP, FRAGMENT = 0, 44


def mss(value: int) -> bytes:
    return bytes([2, 4]) + value.to_bytes(2, "big")


def tcp6(options: bytes, flags: int = SYN) -> bytes:
    return tcp(options, flags=flags, source=SOURCE6, destination=DESTINATION6)


@given(
    before=st.lists(st.sampled_from([NO_OPERATION, SACK_PERMITTED, WINDOW_SCALE]), max_size=6).map(b"".join),
    after=st.lists(st.sampled_from([NO_OPERATION, SACK_PERMITTED, WINDOW_SCALE]), max_size=4).map(b"".join),
    value=st.integers(0, 65535),
    mtu_bytes=st.integers(576, 65535),
    flags=st.sampled_from([SYN, SYN | ACK, SYN | ACK | 0x40]),
    payload=st.binary(max_size=9),
    is_ipv6=st.booleans(),
)
def test_mss_is_lowered_and_the_checksum_right(
    before: bytes, after: bytes, value: int, mtu_bytes: int, flags: int, payload: bytes, is_ipv6: bool
) -> None:
    assume(len(before + after) <= 36)
    options = before + mss(value) + after
    if is_ipv6:
        packet = bytearray(ipv6(tcp6(options, flags), protocol=TCP))
    else:
        packet = bytearray(ipv4(tcp(options, flags=flags, payload=payload), protocol=TCP))
    most, start = (mtu_bytes - 60, 40) if is_ipv6 else (mtu_bytes - 40, 20)
    original = bytes(packet)

    assert clamp_mss(packet, mtu_bytes) is (value > most)
    at = start + 20 + len(before) + 2
    assert packet[at : at + 2] == min(value, most).to_bytes(2, "big")
    assert has_right_transport_checksum(bytes(packet), start, TCP)
    packet[at : at + 2], packet[start + 16 : start + 18] = (
        original[at : at + 2],
        original[start + 16 : start + 18],
    )
    assert packet == original


def test_wrong_checksum_stays_wrong() -> None:
    packet = bytearray(ipv4(tcp(mss(1460)), protocol=TCP))
    packet[36] ^= 0x10
    assert clamp_mss(packet, 1280)
    assert not has_right_transport_checksum(bytes(packet), 20, TCP)


def test_mss_behind_extension_headers_and_in_a_view_is_found() -> None:
    hop_by_hop = bytes([FRAGMENT, 0, 1, 4, 0, 0, 0, 0])
    first_fragment = bytes([TCP, 0, 0, 1, 0, 0, 0, 7])
    packet = bytearray(ipv6(hop_by_hop + first_fragment + tcp6(mss(1440)), protocol=HOP_BY_HOP) + b"padding")
    assert clamp_mss(memoryview(packet), 1280)
    assert packet[78:80] == (1220).to_bytes(2, "big")
    assert has_right_transport_checksum(bytes(packet[:-7]), 56, TCP)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(tcp(mss(1460), flags=ACK), protocol=TCP),
        ipv4(tcp(b""), protocol=TCP),
        ipv4(tcp(mss(1460)), protocol=17),
        ipv4(tcp(mss(1460)), protocol=TCP, flags_and_offset=1),
        ipv4(tcp(mss(1460)), protocol=TCP)[:-1],
        ipv4(tcp(mss(1460))[:-1], protocol=TCP),
        ipv4(tcp(mss(1460))[:19], protocol=TCP),
        ipv4(tcp(b"\0" + mss(1460)), protocol=TCP),
        ipv4(tcp(bytes([3, 1, 0, 0]) + mss(1460)), protocol=TCP),
        ipv4(tcp(bytes([2, 3, 255, 0])), protocol=TCP),
        ipv4(tcp(bytes([1, 1, 1, 2])), protocol=TCP),
        ipv6(bytes([TCP, 0, 0, 8, 0, 0, 0, 7]) + tcp6(mss(1460)), protocol=FRAGMENT),
    ],
)
def test_other_packets_are_left_alone(packet: bytes) -> None:
    changed = bytearray(packet)
    assert not clamp_mss(changed, 576)
    assert changed == packet


@given(st.binary(max_size=100), st.sampled_from([0x45, 0x4F, 0x60]), st.sampled_from([6, 0, 44, 51]))
def test_garbage_does_not_raise(garbage: bytes, first: int, protocol: int) -> None:
    ipv4_like = bytes([first, 0, 0, 80, 0, 0, 0, 0, 64, protocol, 0, 0])
    ipv6_like = bytes([first, 0, 0, 0, 0, 60, protocol, 0]) + bytes(32)
    for header in (b"", ipv4_like, ipv6_like):
        clamp_mss(bytearray(header + garbage), 576)
