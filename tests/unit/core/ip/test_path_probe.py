# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.icmp import echo_request
from cladnet.core.ip.path_probe import is_path_probe, probe_payload
from tests.unit.core.ip.inner_packets import ipv4, ipv6

ICMP, DF = 1, 0x4000
NONCE = bytes(range(16))


def probe(size_bytes: int, **fields: int) -> bytes:
    message = echo_request(1, 2, probe_payload(NONCE, size_bytes))
    return ipv4(message, **({"protocol": ICMP, "flags_and_offset": DF} | fields))  # type: ignore[arg-type]


@given(st.integers(60, 9001))
def test_probe_has_its_size_and_is_known(size_bytes: int) -> None:
    packet = probe(size_bytes)
    assert len(packet) == size_bytes
    assert is_path_probe(memoryview(bytearray(packet)))


def test_reply_is_known_too() -> None:
    packet = bytearray(probe(1000))
    packet[20] = 0
    assert is_path_probe(packet)


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(echo_request(1, 2, bytes(1000)), protocol=ICMP),
        ipv4(b"\3" + echo_request(1, 2, probe_payload(NONCE, 1000))[1:], protocol=ICMP),
        probe(1000, protocol=17),
        probe(1000, flags_and_offset=1),
        probe(1000, flags_and_offset=256),
        b"\x46" + probe(1000)[1:],
        ipv6(echo_request(1, 2, probe_payload(NONCE, 1000)), protocol=ICMP),
        probe(60)[:43],
        b"",
    ],
)
def test_other_packets_are_no_probes(packet: bytes) -> None:
    assert not is_path_probe(packet)
