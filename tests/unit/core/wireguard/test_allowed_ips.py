# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Cryptokey routing against the obvious model: try every network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.wireguard.allowed_ips import AllowedIps, Network


def table(**owners: list[str]) -> AllowedIps[str]:
    allowed: AllowedIps[str] = AllowedIps()
    for owner, networks in owners.items():
        allowed.assign(owner, [ip_network(text) for text in networks])
    return allowed


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("10.0.0.7", "exact"),
        ("10.0.0.8", "wide"),
        ("10.1.0.0", "anything"),
        ("fd00::7", "exact"),
        ("fd00::8", "wide"),
        ("2001:db8::1", None),
    ],
)
def test_longest_prefix_wins(address: str, owner: str | None):
    allowed = table(
        anything=["0.0.0.0/0"], wide=["10.0.0.0/24", "fd00::/64"], exact=["10.0.0.7/32", "fd00::7/128"]
    )
    assert allowed.owner_of(ip_address(address).packed) == owner


def test_a_network_has_one_owner_the_last():
    allowed = table(first=["10.0.0.1/32", "10.0.0.2/32"], second=["10.0.0.2/32"])
    assert allowed.owner_of(ip_address("10.0.0.2").packed) == "second"
    allowed.remove("first")
    assert allowed.owner_of(ip_address("10.0.0.2").packed) == "second"
    assert allowed.owner_of(ip_address("10.0.0.1").packed) is None


def test_assigning_again_replaces():
    allowed = table(peer=["10.0.0.1/32"])
    allowed.assign("peer", [ip_network("10.0.0.2/32")])
    assert allowed.owner_of(ip_address("10.0.0.1").packed) is None
    assert allowed.owner_of(ip_address("10.0.0.2").packed) == "peer"


NETWORK = st.one_of(
    st.builds(
        lambda number, length: IPv4Network((number >> (32 - length) << (32 - length), length)),
        st.integers(0, 15).map(lambda low: 0x0A000000 | low),
        st.integers(26, 32),
    ),
    st.builds(
        lambda number, length: IPv6Network((number >> (128 - length) << (128 - length), length)),
        st.integers(0, 15),
        st.integers(122, 128),
    ),
)


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(NETWORK, max_size=4)), max_size=8))
def test_decides_as_the_model(assignments: list[tuple[int, list[Network]]]):
    allowed: AllowedIps[int] = AllowedIps()
    model: dict[Network, int] = {}
    for owner, networks in assignments:
        allowed.assign(owner, networks)
        model = {network: other for network, other in model.items() if other != owner}
        model.update(dict.fromkeys(networks, owner))
    for low in range(16):
        for address in (IPv4Address(0x0A000000 | low), IPv6Address(low)):
            matching = [network for network in model if address in network]
            best = max(matching, key=lambda network: network.prefixlen, default=None)
            assert allowed.owner_of(address.packed) == (None if best is None else model[best])
