# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.ip.fragmentation import fragment
from tests.unit.core.ip.inner_packets import ipv4, ipv6, reassemble

MORE = 0x2000
# Record route (not copied), security (copied), no-operation, end.
OPTIONS = bytes([7, 7, 4, 0, 0, 0, 0, 130, 4, 1, 2, 0])


@given(
    payload=st.binary(max_size=5000),
    mtu_bytes=st.integers(68, 3000),
    options=st.sampled_from([b"", OPTIONS]),
    offset=st.integers(0, 1000),
    more=st.booleans(),
)
def test_fragments_fit_and_carry_the_same(
    payload: bytes, mtu_bytes: int, options: bytes, offset: int, more: bool
) -> None:
    if more:
        payload = payload[: len(payload) // 8 * 8]
    packet = ipv4(payload, options=options, flags_and_offset=offset | (MORE if more else 0))
    fragments = fragment(memoryview(packet + b"padding"), mtu_bytes)
    assert max(map(len, fragments)) <= mtu_bytes
    assert reassemble(fragments) == (payload, offset * 8, more)
    assert all(
        piece[4:6] + piece[8:10] + piece[12:20] == packet[4:6] + packet[8:10] + packet[12:20]
        for piece in fragments
    )


def test_packet_that_fits_stays_as_it_is() -> None:
    packet = ipv4(b"x" * 100)
    assert fragment(packet, 120) == [packet]
    assert len(fragment(packet, 119)) == 2


def test_options_are_copied_only_if_they_say_so() -> None:
    first, second, third = fragment(ipv4(bytes(300), options=OPTIONS), 152)
    assert first[20:32] == OPTIONS
    for later in (second, third):
        assert later[20:32] == bytes([1] * 7) + OPTIONS[7:]


@pytest.mark.parametrize(
    "options", [bytes([7, 1, 0, 0]), bytes([7, 9, 0, 0]), bytes([1, 1, 1, 130]), bytes([7, 0, 130, 4])]
)
def test_options_that_cannot_be_read_go_no_further_than_the_first_fragment(options: bytes) -> None:
    packet = ipv4(bytes(300), options=options)
    assert fragment(packet, 152)[0][20:24] == options
    assert fragment(packet, 152)[1][20:24] == b"\1\1\1\1"


@pytest.mark.parametrize(
    ("packet", "mtu_bytes"),
    [
        (ipv6(bytes(2000)), 1280),
        (ipv4(bytes(2000)), 27),
        (ipv4(bytes(2000), options=OPTIONS), 39),
        (ipv4(bytes(2000), flags_and_offset=0x1FFF), 1280),
        (ipv4(bytes(2000))[:-1], 1280),
    ],
)
def test_what_cannot_be_cut_gives_nothing(packet: bytes, mtu_bytes: int) -> None:
    assert fragment(packet, mtu_bytes) == []


def test_last_offset_that_there_is_can_be_used() -> None:
    packet = ipv4(bytes(16), flags_and_offset=0x1FFE)
    assert [piece[6:8] for piece in fragment(packet, 28)] == [b"\x3f\xfe", b"\x1f\xff"]


@given(st.binary(max_size=100), st.integers(0, 100))
def test_garbage_does_not_raise(garbage: bytes, mtu_bytes: int) -> None:
    fragment(garbage, mtu_bytes)
    fragment(b"\x45\0\0\x50" + garbage, mtu_bytes)
    fragment(b"\x4f\0\0\x50" + garbage, mtu_bytes)
