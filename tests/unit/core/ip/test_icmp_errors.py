# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.ip.icmp_errors import fragmentation_needed
from tests.unit.core.ip.inner_packets import (
    DESTINATION,
    SOURCE,
    SOURCE6,
    checksum,
    has_right_transport_checksum,
    ipv4,
    ipv6,
)

ROUTER, ROUTER6 = ip_address("10.77.0.9").packed, ip_address("fd00::9").packed
ICMP, ICMPV6, FRAGMENT = 1, 58, 44
LATER_FRAGMENT, FIRST_FRAGMENT = bytes([17, 0, 0, 8, 0, 0, 0, 1]), bytes([17, 0, 0, 1, 0, 0, 0, 1])


@given(st.binary(max_size=3000), st.integers(68, 70000))
def test_ipv4_error_quotes_the_packet_and_tells_the_mtu(payload: bytes, mtu_bytes: int) -> None:
    packet = ipv4(payload)
    error = fragmentation_needed(memoryview(packet + b"padding"), mtu_bytes, ROUTER)
    assert error is not None
    assert (error[12:16], error[16:20]) == (ROUTER, ip_address(SOURCE).packed)
    assert (len(error), checksum(error[:20]), checksum(error[20:])) == (
        int.from_bytes(error[2:4], "big"),
        0,
        0,
    )
    assert (error[9], error[20:22], error[26:28]) == (ICMP, b"\3\4", min(mtu_bytes, 65535).to_bytes(2, "big"))
    assert error[28:] == packet[: 576 - 28]


@given(st.binary(max_size=3000), st.integers(68, 70000))
def test_ipv6_error_quotes_the_packet_and_tells_the_mtu(payload: bytes, mtu_bytes: int) -> None:
    packet = ipv6(payload)
    error = fragmentation_needed(memoryview(packet + b"padding"), mtu_bytes, ROUTER6)
    assert error is not None
    assert (error[0] >> 4, error[8:24], error[24:40]) == (6, ROUTER6, ip_address(SOURCE6).packed)
    assert len(error) == 40 + int.from_bytes(error[4:6], "big") <= 1280
    assert (error[6], error[40:42], int.from_bytes(error[44:48], "big")) == (
        58,
        b"\2\0",
        max(mtu_bytes, 1280),
    )
    assert has_right_transport_checksum(error, 40, ICMPV6)
    assert error[48:] == packet[: 1280 - 48]


@pytest.mark.parametrize("query", [0, 8, 13, 14])
def test_icmpv4_queries_are_told_of(query: int) -> None:
    assert fragmentation_needed(ipv4(bytes([query]) + bytes(2000), protocol=ICMP), 1280, ROUTER)


@pytest.mark.parametrize(
    "packet",
    [
        *(ipv4(bytes([kind]) + bytes(2000), protocol=ICMP) for kind in (3, 4, 5, 11, 12, 200)),
        ipv4(b"", protocol=ICMP),
        ipv4(bytes(2000), flags_and_offset=1),
        *(
            ipv4(bytes(2000), source=source, destination=DESTINATION)
            for source in ("0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255")  # noqa: S104
        ),
        *(ipv4(bytes(2000), destination=to) for to in ("224.0.0.1", "255.255.255.255", "127.0.0.1")),
        ipv4(bytes(2000))[:-1],
    ],
)
def test_no_icmpv4_error_where_none_may_be_sent(packet: bytes) -> None:
    assert fragmentation_needed(packet, 1280, ROUTER) is None


@pytest.mark.parametrize(
    "packet",
    [
        *(ipv6(bytes([kind]) + bytes(2000), protocol=ICMPV6) for kind in (1, 2, 3, 4, 127, 137)),
        ipv6(b"", protocol=ICMPV6),
        ipv6(bytes([ICMPV6]) + LATER_FRAGMENT[1:] + bytes([128]) * 2000, protocol=FRAGMENT),
        *(ipv6(bytes(2000), source=source) for source in ("::", "::1", "ff02::1")),
        ipv6(bytes(2000))[:-1],
    ],
)
def test_no_icmpv6_error_where_none_may_be_sent(packet: bytes) -> None:
    assert fragmentation_needed(packet, 1280, ROUTER6) is None


@pytest.mark.parametrize(
    "packet",
    [
        ipv6(bytes([128]) + bytes(2000), protocol=ICMPV6),
        ipv6(bytes(2000), destination="ff02::1"),
        ipv6(LATER_FRAGMENT + bytes(2000), protocol=FRAGMENT),
        ipv6(FIRST_FRAGMENT + bytes(2000), protocol=FRAGMENT),
    ],
)
def test_ipv6_senders_are_told_where_ipv4_ones_would_not_be(packet: bytes) -> None:
    assert fragmentation_needed(packet, 1280, ROUTER6)


def test_address_of_the_other_version_cannot_speak() -> None:
    assert fragmentation_needed(ipv4(bytes(2000)), 1280, ROUTER6) is None
    assert fragmentation_needed(ipv6(bytes(2000)), 1280, ROUTER) is None


@given(st.binary(max_size=100), st.sampled_from([0x45, 0x4F, 0x60]), st.sampled_from([0, 43, 44, 51, 58, 60]))
def test_garbage_does_not_raise(garbage: bytes, first: int, protocol: int) -> None:
    headers = (b"", bytes([first, 0, 0, 60]), bytes([first, 0, 0, 0, 0, 60, protocol, 0]))
    for packet in (header + garbage for header in headers):
        fragmentation_needed(packet, 1280, ROUTER)
        fragmentation_needed(packet, 1280, ROUTER6)
