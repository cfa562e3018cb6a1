# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.icmp import echo_request, internet_checksum, parse_echo_reply


@given(st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=65))
def test_echo_reply_is_read_with_and_without_ip_header(
    identifier: int, sequence: int, payload: bytes
) -> None:
    request = echo_request(identifier, sequence, payload)
    assert internet_checksum(request) == 0
    assert parse_echo_reply(request) is None
    body = bytes([0, 0, 0, 0]) + request[4:]
    reply = bytes([0, 0]) + internet_checksum(body).to_bytes(2, "big") + body[4:]
    for packet in (reply, bytes([0x45]) + bytes(19) + reply, bytes([0x46]) + bytes(23) + reply):
        parsed = parse_echo_reply(packet)
        assert parsed is not None
        assert (parsed.identifier, parsed.sequence, parsed.payload) == (identifier, sequence, payload)
    assert parse_echo_reply(reply[:-1] + bytes([reply[-1] ^ 1])) is None


@pytest.mark.parametrize("packet", [b"", b"\0", b"\x45", bytes(7), bytes([0x4F]) + bytes(10)])
def test_stump_is_no_echo_reply(packet: bytes) -> None:
    assert parse_echo_reply(packet) is None
