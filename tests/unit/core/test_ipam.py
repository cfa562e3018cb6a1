# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cladnet.core.ipam import capacity, choose_address, held_by, quarantined_for

SMALL = IPv4Network("10.99.0.0/29")
hosts = st.sampled_from([f"h{number}" for number in range(10)])


@pytest.mark.parametrize(
    ("cidr", "hosts_that_fit"), [("10.0.0.0/30", 2), ("10.0.0.0/24", 254), ("10.0.0.0/8", 2**24 - 2)]
)
def test_capacity_leaves_out_network_and_broadcast(cidr: str, hosts_that_fit: int) -> None:
    assert capacity(IPv4Network(cidr)) == hosts_that_fit


@given(st.integers(0, 30), st.text(min_size=1, max_size=20))
def test_an_address_is_a_host_of_the_network(prefix: int, host: str) -> None:
    cidr = IPv4Network((0x0A000000, max(prefix, 8)))
    address = choose_address(cidr, host, lambda _: None)
    assert address in cidr
    assert address not in (cidr.network_address, cidr.broadcast_address)


def test_the_same_host_asks_for_the_same_address() -> None:
    assert len({choose_address(SMALL, "a1", lambda _: None) for _unused in range(5)}) == 1


def test_different_hosts_start_at_different_places() -> None:
    cidr = IPv4Network("10.0.0.0/16")
    assert len({choose_address(cidr, f"h{i}", lambda _: None) for i in range(100)}) > 90


def test_a_host_may_take_its_own_address_out_of_quarantine_and_no_other() -> None:
    first = choose_address(SMALL, "a1", lambda _: None)
    assert first is not None
    assert choose_address(SMALL, "a1", {first: quarantined_for("a1")}.get) == first
    assert choose_address(SMALL, "a1", {first: quarantined_for("a2")}.get) != first
    assert choose_address(SMALL, "a1", {first: held_by("a1")}.get) != first


def test_a_removed_host_does_not_free_the_address_of_the_next_one() -> None:
    """The original took the number of hosts plus 2: after one left, two hosts had one address."""
    holders: dict[IPv4Address, bytes] = {}
    for host in ("a", "b", "c", "d"):
        address = choose_address(SMALL, host, holders.get)
        assert address is not None
        holders[address] = held_by(host)
    del holders[next(a for a, holder in holders.items() if holder == held_by("b"))]
    fifth = choose_address(SMALL, "e", holders.get)
    assert fifth not in holders


class Pool(RuleBasedStateMachine):
    """Random joins, leaves and ends of quarantine against what must hold of any pool."""

    def __init__(self) -> None:
        super().__init__()
        self.holders: dict[IPv4Address, bytes] = {}
        self.address_of: dict[str, IPv4Address] = {}

    @rule(host=hosts)
    def join(self, host: str) -> None:
        if host in self.address_of:
            return
        usable = [a for a in SMALL.hosts() if self.holders.get(a) in (None, quarantined_for(host))]
        address = choose_address(SMALL, host, self.holders.get)
        if address is None:
            assert not usable
            return
        assert address in usable
        self.holders[address] = held_by(host)
        self.address_of[host] = address

    @rule(host=hosts)
    def leave(self, host: str) -> None:
        if host in self.address_of:
            self.holders[self.address_of.pop(host)] = quarantined_for(host)

    @rule(host=hosts)
    def expire(self, host: str) -> None:
        for address in [a for a, holder in self.holders.items() if holder == quarantined_for(host)]:
            del self.holders[address]

    @invariant()
    def every_address_has_one_host_and_every_host_one_address(self) -> None:
        held = {a: holder for a, holder in self.holders.items() if holder.startswith(b"A:")}
        assert {held_by(h): a for h, a in self.address_of.items()} == {h: a for a, h in held.items()}
        assert len(set(self.address_of.values())) == len(self.address_of)


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
