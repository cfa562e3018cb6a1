# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Checksums against RFC 1071's own example and the word-by-word sum of the ICMP module."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from cladnet.core.icmp import internet_checksum
from cladnet.core.offload.checksum import (
    MODULUS,
    checksum_of,
    complete_checksum,
    pseudo_header_sum,
    word_sum,
)


def test_the_example_of_the_rfc() -> None:
    assert word_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


@given(st.binary(max_size=3000))
@settings(max_examples=200)
def test_sums_are_those_of_single_words(data: bytes) -> None:
    assert checksum_of(word_sum(data)) % MODULUS == internet_checksum(data) % MODULUS
    assert word_sum(memoryview(bytearray(data))) == word_sum(data)


def test_a_checksum_of_zero_is_never_written() -> None:
    assert checksum_of(word_sum(b"")) == checksum_of(word_sum(b"\xff\xff")) == 0xFFFF


@given(st.binary(min_size=8, max_size=1600), st.binary(min_size=8, max_size=8))
@settings(max_examples=100)
def test_a_partial_checksum_is_completed(payload: bytes, addresses: bytes) -> None:
    ports_and_length = struct.pack("!HHH", 5000, 53, 8 + len(payload))
    partial = pseudo_header_sum(addresses, 17, 8 + len(payload))
    packet = bytearray(b"header" + ports_and_length + struct.pack("!H", partial) + payload)
    assert complete_checksum(memoryview(packet), 6, 6)
    pseudo_header = addresses + struct.pack("!HH", 17, 8 + len(payload))
    assert internet_checksum(pseudo_header + packet[6:]) == 0
    assert packet[12:14] != b"\0\0"


def test_a_field_outside_the_packet_changes_nothing() -> None:
    for start, offset in ((0, 9), (9, 0), (65535, 65535), (10, 0)):
        packet = bytearray(range(10))
        assert not complete_checksum(memoryview(packet), start, offset)
        assert packet == bytes(range(10))
