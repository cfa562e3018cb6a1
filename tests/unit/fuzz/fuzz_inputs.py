# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which bytes each target is fed with."""

from __future__ import annotations

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
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Input = tuple[bytes, int]
_LIKELY = {
    "wireguard_messages": WIREGUARD_DATAGRAMS,
    "stun_messages": STUN_MESSAGES,
    "icmp_echo_reply": ICMP_ECHOES,
    "clamped_mss": SYN_PACKETS,
    "fragments": FRAGMENTABLE,
    "super_packet": SUPER_PACKETS,
    "kind_of_packet": TUN_READS,
    "coalesced_packets": SEGMENT_PACKETS,
    "plaintexts_of_messages": SEGMENT_PACKETS,
    "decapsulated_ecn": SEGMENT_PACKETS,
}


def inputs(name: str) -> st.SearchStrategy[Input]:
    """Mostly what the target is there for; else anything."""
    return st.tuples(mostly(_LIKELY.get(name, IP_PACKETS)), NUMBERS)


def examples(name: str, count: int) -> list[Input]:
    """Some inputs of a target."""
    found: list[Input] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(name))
    def keep(one: Input) -> None:
        found.append(one)

    keep()
    return found
