# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Inner packets: what is read of them, and what is none."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from two_hosts import ip_packet

from cladnet.core.wireguard.packet import parse_inner_packet


@pytest.mark.parametrize(
    ("source", "destination"), [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")], ids=["ipv4", "ipv6"]
)
@pytest.mark.parametrize("padding", [0, 1, 15])
def test_addresses_and_true_size(source: str, destination: str, padding: int):
    packet = ip_packet(source, destination, b"payload")
    inner = parse_inner_packet(packet + bytes(padding))
    assert inner == (ip_address(source).packed, ip_address(destination).packed, len(packet))


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x45",
        ip_packet("10.0.0.1", "10.0.0.2", b"")[:19],
        ip_packet("10.0.0.1", "10.0.0.2", b"payload")[:-1],
        b"\x45\0\0\x13" + bytes(40),
        ip_packet("fd00::1", "fd00::2", b"")[:39],
        ip_packet("fd00::1", "fd00::2", b"payload")[:-1],
        b"\x55" + bytes(60),
        bytes(60),
    ],
    ids=["empty", "1 byte", "short 4", "cut 4", "size 19", "short 6", "cut 6", "version 5", "version 0"],
)
def test_what_is_no_packet(packet: bytes):
    assert parse_inner_packet(packet) is None


@given(st.binary(max_size=80))
def test_never_reads_beyond_the_end(packet: bytes):
    inner = parse_inner_packet(packet)
    assert inner is None or inner.size_bytes <= len(packet)
