# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.rule_table import NetworkRule, PeerEntry, RuleDelta, RuleTable, by_host
from cladnet.core.snapshot_hold import (
    CONFIRMATION_S,
    BelievedRule,
    on_delta,
    on_snapshot,
    on_time,
)


def peer(number: int) -> PeerEntry:
    return PeerEntry(f"h{number}", IPv4Address(f"10.77.0.{number}"), bytes([number]) * 32)


def table(*numbers: int, revision: int = 1, cluster_id: int = 7) -> RuleTable:
    network = NetworkRule("demo", IPv4Network("10.77.0.0/24"))
    return RuleTable(cluster_id, revision, network, by_host(map(peer, numbers)))


def after_snapshot(before: RuleTable, snapshot: RuleTable, now_s: float = 100.0) -> BelievedRule:
    return on_snapshot(BelievedRule(before), snapshot, own_host="h1", now_s=now_s)


@pytest.mark.parametrize(
    ("before", "snapshot", "is_held"),
    [
        ((), (1, 2, 3), False),  # the first one ever
        ((1,), (1,), False),
        ((1, 2), (1, 2, 3), False),
        ((1, 2, 3, 4, 5), (1, 2, 3, 4), False),  # one of four
        ((1, 2, 3, 4), (1, 2, 3), True),  # one of three
        ((1, 2), (1,), True),  # empty of peers
        ((1, 2, 3, 4, 5), (1, 6, 7, 8, 9), True),  # another world of the same size
    ],
)
def test_what_is_suspicious(before: tuple[int, ...], snapshot: tuple[int, ...], is_held: bool) -> None:
    believed = after_snapshot(table(*before), table(*snapshot, revision=9))
    assert (believed.held is not None) == is_held
    if not is_held:
        assert believed.table == table(*snapshot, revision=9)


def test_held_peers_stay_while_news_are_followed() -> None:
    moved = replace(peer(2), revision=9)
    snapshot = replace(table(revision=9), peers=by_host([peer(1), moved, peer(6)]))
    believed = after_snapshot(table(1, 2, 3, 4), snapshot)
    assert set(believed.table.peers) == {"h1", "h2", "h3", "h4", "h6"}
    assert believed.table.peers["h2"] == moved


def test_removals_come_true_when_the_controllers_say_the_same_long_enough() -> None:
    believed = after_snapshot(table(1, 2, 3), table(1))
    assert on_time(believed, now_s=100 + CONFIRMATION_S - 1) == believed
    assert on_time(believed, now_s=100 + CONFIRMATION_S) == BelievedRule(table(1))


def test_a_second_snapshot_does_not_start_the_time_anew() -> None:
    believed = after_snapshot(table(1, 2, 3), table(1))
    again = on_snapshot(believed, table(1, revision=2), own_host="h1", now_s=130)
    assert again.held == believed.held
    assert on_snapshot(again, table(1, revision=3), own_host="h1", now_s=100 + CONFIRMATION_S).held is None


def test_a_full_snapshot_ends_the_doubt() -> None:
    believed = after_snapshot(table(1, 2, 3), table(1))
    assert on_snapshot(believed, table(1, 2, 3), own_host="h1", now_s=101) == BelievedRule(table(1, 2, 3))


def test_what_a_delta_names_is_believed_at_once() -> None:
    believed = after_snapshot(table(1, 2, 3, 4), table(1))
    believed = on_delta(believed, RuleDelta(2, removed_hosts=frozenset({"h3"}), peers=(peer(4),)))
    assert set(believed.table.peers) == {"h1", "h2", "h4"}
    assert believed.held is not None
    assert believed.held.hosts == {"h2"}
    believed = on_delta(believed, RuleDelta(3, removed_hosts=frozenset({"h2"})))
    assert believed == BelievedRule(table(1, 4, revision=3))


def test_while_removals_are_held_a_watch_does_not_resume() -> None:
    believed = after_snapshot(table(1, 2, 3), table(1, revision=9))
    assert (believed.resumable.cluster_id, believed.resumable.revision) == (0, 0)
    assert (believed.table.cluster_id, believed.table.revision) == (7, 9)
    assert BelievedRule(table(1, revision=9)).resumable == table(1, revision=9)


def test_held_peer_gives_way_to_a_new_owner_of_its_address() -> None:
    snapshot = table(1)
    taker = replace(peer(9), address=peer(2).address)
    believed = after_snapshot(table(1, 2, 3), replace(snapshot, peers=by_host([peer(1), taker])))
    assert set(believed.table.peers) == {"h1", "h9", "h3"}


def test_host_keeps_its_own_address_through_a_snapshot_that_lacks_it() -> None:
    assert set(after_snapshot(table(1, 2, 3, 4, 5), table(2, 3, 4, 5)).table.peers) == {
        "h1", "h2", "h3", "h4", "h5"
    }  # fmt: skip
    taker = replace(peer(9), address=peer(1).address)
    other = replace(table(), peers=by_host([peer(2), taker]))
    assert "h1" not in after_snapshot(table(1, 2), other).table.peers


@given(st.sets(st.integers(1, 40)), st.sets(st.integers(1, 40)))
def test_no_snapshot_alone_takes_a_third_of_the_peers(before: set[int], snapshot: set[int]) -> None:
    believed = after_snapshot(table(*before), table(*snapshot))
    known = before - {1}
    left = {number for number in known if f"h{number}" in believed.table.peers}
    assert len(left) >= 0.7 * len(known)
    assert on_time(believed, now_s=1e9).table.peers.keys() >= {f"h{n}" for n in snapshot}
