# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Feeds everything that reads what others wrote with valid, mutated and random bytes."""

from __future__ import annotations

import pytest
from fuzz_packets import (
    FRAGMENTABLE,
    ICMP_ECHOES,
    IP_PACKETS,
    NUMBERS,
    SEGMENT_PACKETS,
    STUN_MESSAGES,
    SUPER_PACKETS,
    SYN_PACKETS,
    TUN_READS,
    WIREGUARD_DATAGRAMS,
    mostly,
)
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings

LIKELY = {
    "wireguard_messages": WIREGUARD_DATAGRAMS,
    "stun_messages": STUN_MESSAGES,
    "icmp_echo_reply": ICMP_ECHOES,
    "clamped_mss": SYN_PACKETS,
    "fragments": FRAGMENTABLE,
    "super_packet": SUPER_PACKETS,
    "coalesced_packets": SEGMENT_PACKETS,
    "decapsulated_ecn": SEGMENT_PACKETS,
    "kind_of_packet": TUN_READS,
}


def run(name: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mostly(LIKELY.get(name, IP_PACKETS)), NUMBERS)
    def feed(data: bytes, number: int) -> None:
        TARGETS[name](data, number)

    feed()


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_comes_in_does_harm(name: str) -> None:
    run(name, examples=300)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_comes_in_does_harm_in_the_long_run(name: str) -> None:
    for _unused in range(20):
        run(name, examples=5000)
