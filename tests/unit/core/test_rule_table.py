# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.network import CIPHERS
from cladnet.core.rule_table import (
    ControllerEntry,
    NetworkRule,
    PeerEntry,
    RuleDelta,
    RuleTable,
    apply_delta,
    by_host,
)
from cladnet.core.rule_table_document import table_from_document, table_to_document
from cladnet.core.wireguard.suite import SUITES

CIDR = IPv4Network("10.77.0.0/24")


def peer(host: str, last_octet: int, endpoint: str | None = None) -> PeerEntry:
    at = Endpoint.parse(endpoint) if endpoint else None
    return PeerEntry(host, IPv4Address(f"10.77.0.{last_octet}"), bytes([last_octet]) * 32, at)


def table(*peers: PeerEntry, revision: int = 1) -> RuleTable:
    return RuleTable(7, revision, NetworkRule("demo", CIDR), by_host(peers))


def test_delta_adds_changes_and_removes() -> None:
    before = table(peer("a", 2), peer("b", 3), peer("c", 4))
    moved = peer("b", 3, "198.51.100.9:8055")
    after = apply_delta(before, RuleDelta(2, peers=(moved, peer("d", 5)), removed_hosts=frozenset({"c"})))
    assert dict(after.peers) == {"a": peer("a", 2), "b": moved, "d": peer("d", 5)}
    assert (after.revision, after.network) == (2, before.network)
    assert set(before.peers) == {"a", "b", "c"}


def test_host_that_came_back_in_the_same_delta_is_there() -> None:
    after = apply_delta(
        table(peer("a", 2)), RuleDelta(2, peers=(peer("a", 9),), removed_hosts=frozenset({"a"}))
    )
    assert after.peers["a"].address == IPv4Address("10.77.0.9")


def test_unset_parts_of_a_delta_change_nothing() -> None:
    before = RuleTable(
        7, 1, NetworkRule("demo", CIDR), controllers=(ControllerEntry("a1", ("198.51.100.1",)),)
    )
    assert apply_delta(before, RuleDelta(5)).controllers == before.controllers
    assert apply_delta(before, RuleDelta(5, controllers=())).controllers == ()
    other = NetworkRule("demo", CIDR, mtu=1300)
    assert apply_delta(before, RuleDelta(5, network=other)).network == other


endpoints = st.none() | st.builds(
    Endpoint, st.ip_addresses().map(str), st.integers(min_value=1, max_value=65535)
)
peers = st.builds(
    PeerEntry,
    st.text(min_size=1, max_size=10),
    st.ip_addresses(v=4),
    st.binary(min_size=32, max_size=32),
    endpoints,
    st.integers(0, 2**63),
    st.permutations(SUITES).map(tuple) | st.sampled_from([(suite,) for suite in SUITES]),
)
tables = st.builds(
    RuleTable,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**63),
    st.none() | st.builds(NetworkRule, st.just("demo"), st.just(CIDR), cipher=st.sampled_from(CIPHERS)),
    st.lists(peers, max_size=4).map(by_host),
    st.lists(st.builds(ControllerEntry, st.text(max_size=5), st.just(("198.51.100.1",))), max_size=2).map(
        tuple
    ),
)


@given(tables)
def test_table_survives_the_disk(before: RuleTable) -> None:
    assert table_from_document(json.loads(json.dumps(table_to_document(before)))) == before


def test_table_of_another_release_is_read() -> None:
    document = table_to_document(table(peer("a", 2)))
    del document["network"]["cipher"], document["peers"][0]["suites"]
    assert table_from_document(document) == table(peer("a", 2))
    document["network"]["cipher"], document["peers"][0]["suites"] = "post-quantum", ["post-quantum"]
    assert table_from_document(document) == table(peer("a", 2))


DOCUMENT = table_to_document(table(peer("a", 2, "198.51.100.1:8055")))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"format": 2},
        {"format": 1},
        {**DOCUMENT, "peers": None},
        {**DOCUMENT, "revision": "x"},
        {**DOCUMENT, "network": {"name": "demo"}},
        {**DOCUMENT, "network": {**DOCUMENT["network"], "cidr": "10.77.0.1/24"}},
        {**DOCUMENT, "peers": [{**DOCUMENT["peers"][0], "public_key": "AAAA"}]},
        {**DOCUMENT, "peers": [{**DOCUMENT["peers"][0], "endpoint": "nowhere"}]},
        {**DOCUMENT, "peers": [{**DOCUMENT["peers"][0], "address": "10.77"}]},
    ],
)
def test_damaged_document_is_refused(document: object) -> None:
    with pytest.raises(InvalidInput):
        table_from_document(document)
