# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.agent_plan import Connect, RemovePeer, SetPeer, plan, select_peers
from cladnet.core.endpoint import Endpoint
from cladnet.core.rule_table import NetworkRule, PeerEntry, RuleTable, by_host
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305

CIDR = IPv4Network("10.77.0.0/24")
OWN_KEY = bytes(32)


def peer(host: str, number: int, endpoint: str = "198.51.100.1:8055") -> PeerEntry:
    return PeerEntry(host, IPv4Address(f"10.77.0.{number}"), bytes([number]) * 32, Endpoint.parse(endpoint))


def table(*peers: PeerEntry, cipher: str = "auto") -> RuleTable:
    return RuleTable(7, 1, NetworkRule("demo", CIDR, cipher=cipher), by_host(peers))


def selected(*peers: PeerEntry) -> tuple[dict[str, PeerEntry], tuple[str, ...]]:
    selection = select_peers(table(*peers), own_host="me", own_key=OWN_KEY)
    return dict(selection.peers), selection.problems


def test_new_peer_is_set_and_greeted() -> None:
    b = peer("b", 3)
    assert plan({}, {"b": b}) == (SetPeer(b), Connect("b", b.public_key))


def test_unchanged_peer_is_left_alone_even_at_a_new_revision() -> None:
    b = peer("b", 3)
    assert plan({"b": b}, {"b": replace(b, revision=99)}) == ()


def test_moved_peer_is_set_and_greeted_but_not_removed() -> None:
    before, after = peer("b", 3), peer("b", 3, "198.51.100.2:8055")
    assert plan({"b": before}, {"b": after}) == (SetPeer(after), Connect("b", after.public_key))


def test_readdressed_peer_keeps_its_sessions() -> None:
    before = peer("b", 3)
    after = replace(before, address=IPv4Address("10.77.0.9"))
    assert plan({"b": before}, {"b": after}) == (SetPeer(after),)


def test_peer_without_endpoint_is_not_greeted() -> None:
    b = replace(peer("b", 3), endpoint=None)
    assert plan({}, {"b": b}) == (SetPeer(b),)


def test_new_key_replaces_the_peer_and_removals_come_first() -> None:
    before, after = peer("b", 3), replace(peer("b", 3), public_key=b"k" * 32)
    assert plan({"b": before}, {"b": after}) == (
        RemovePeer("b", before.public_key),
        SetPeer(after),
        Connect("b", after.public_key),
    )


def test_address_that_moves_to_another_host_is_free_before_it_is_taken() -> None:
    before, after = peer("b", 3), replace(peer("c", 4), address=IPv4Address("10.77.0.3"))
    actions = plan({"b": before}, {"c": after})
    assert actions.index(RemovePeer("b", before.public_key)) < actions.index(SetPeer(after))


def test_own_entry_is_no_peer() -> None:
    assert selected(replace(peer("me", 2), public_key=OWN_KEY), peer("b", 3)) == ({"b": peer("b", 3)}, ())


def test_harmful_entries_are_left_out_and_named() -> None:
    peers, problems = selected(
        replace(peer("me", 2), public_key=OWN_KEY),
        replace(peer("outside", 9), address=IPv4Address("10.78.0.9")),
        replace(peer("same-address", 5), address=IPv4Address("10.77.0.2")),
        replace(peer("clone", 6), public_key=OWN_KEY),
        peer("b", 3),
        replace(peer("c", 4), public_key=peer("b", 3).public_key),
    )
    assert set(peers) == {"b"}
    assert [problem.split()[0] for problem in problems] == ["c", "clone", "outside", "same-address"]


def test_endpoint_inside_the_overlay_is_not_used() -> None:
    peers, problems = selected(peer("b", 3, "10.77.0.4:8055"))
    assert peers["b"].endpoint is None
    assert "inside the overlay" in problems[0]


def fast(entry: PeerEntry) -> PeerEntry:
    """On a CPU with AES instructions."""
    return replace(entry, suites=(AES_256_GCM, CHACHA20_POLY1305))


ME = replace(peer("me", 2), public_key=OWN_KEY)


@pytest.mark.parametrize(
    ("cipher", "me", "suites"),
    [
        ("auto", ME, {"b": ["chacha20-poly1305"], "c": ["chacha20-poly1305"]}),
        (
            "auto",
            fast(ME),
            {"b": ["aes-256-gcm", "chacha20-poly1305"], "c": ["chacha20-poly1305", "aes-256-gcm"]},
        ),
        ("aes-256-gcm", fast(ME), {"b": ["aes-256-gcm"], "c": ["aes-256-gcm"]}),
        ("chacha20-poly1305", fast(ME), {"b": ["chacha20-poly1305"], "c": ["chacha20-poly1305"]}),
    ],
)
def test_peers_have_the_suites_of_the_pair(cipher: str, me: PeerEntry, suites: dict[str, list[str]]) -> None:
    selection = select_peers(
        table(me, fast(peer("b", 3)), peer("c", 4), cipher=cipher), own_host="me", own_key=OWN_KEY
    )
    assert {host: [s.name for s in entry.suites] for host, entry in selection.peers.items()} == suites


def test_peer_that_cannot_speak_the_cipher_is_named() -> None:
    wanted = table(fast(ME), fast(peer("b", 3)), peer("c", 4), cipher="aes-256-gcm")
    selection = select_peers(wanted, own_host="me", own_key=OWN_KEY)
    assert [problem.split()[0] for problem in selection.problems] == ["c"]
    assert selection.peers["c"].suites == (AES_256_GCM,), "nobody falls back by himself"


def test_another_cipher_of_the_network_sets_the_peers_and_greets_nobody() -> None:
    tables = [table(fast(ME), fast(peer("b", 3)), cipher=cipher) for cipher in ("auto", "chacha20-poly1305")]
    before, after = (select_peers(each, own_host="me", own_key=OWN_KEY).peers for each in tables)
    assert plan(before, after) == (SetPeer(after["b"]),)


hosts = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(peer, st.just("x"), st.integers(2, 9), st.sampled_from(["198.51.100.1:1", "198.51.100.2:2"])),
).map(lambda found: {host: replace(entry, host=host) for host, entry in found.items()})


@given(hosts, hosts)
def test_plan_leads_from_any_table_to_any_other(
    before: dict[str, PeerEntry], after: dict[str, PeerEntry]
) -> None:
    before = dict(select_peers(table(*before.values()), own_host="me", own_key=OWN_KEY).peers)
    after = dict(select_peers(table(*after.values()), own_host="me", own_key=OWN_KEY).peers)
    tunnel = {entry.public_key: entry for entry in before.values()}
    for action in plan(before, after):
        if isinstance(action, RemovePeer):
            del tunnel[action.public_key]
        elif isinstance(action, SetPeer):
            tunnel[action.peer.public_key] = action.peer
        else:
            assert action.public_key in tunnel
    assert tunnel == {entry.public_key: entry for entry in after.values()}
