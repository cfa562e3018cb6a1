# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cladnet.core.peer_table import Item, PeerTable, RemovedPeer
from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleTable, apply_delta

RULE = NetworkRule("demo", IPv4Network("10.99.0.0/24"))


def peer(host: str, number: int, revision: int = 0) -> PeerEntry:
    return PeerEntry(host, IPv4Address(0x0A630000 + number), bytes([number]) * 32, None, revision)


host_names = st.sampled_from(["a", "b", "c", "d"])
items = st.one_of(
    st.builds(peer, host_names, st.integers(1, 250)),
    st.builds(RemovedPeer, host_names),
    st.builds(lambda mtu: NetworkRule("demo", RULE.cidr, mtu), st.integers(576, 1500)),
    st.builds(lambda name: (ControllerEntry(name, ("192.0.2.1",)),), host_names),
)
histories = st.lists(st.lists(items, min_size=1, max_size=4), max_size=25)


def contents(table: RuleTable) -> tuple[object, ...]:
    return dict(table.peers), table.network, table.controllers


@settings(deadline=None)
@given(histories, st.integers(2, 12), st.data())
def test_a_reader_at_any_revision_gets_to_the_present_or_is_told_to_start_anew(
    history: list[list[Item]], ring_size: int, data: st.DataObject
) -> None:
    first = 10
    table = PeerTable(RULE, (), first, ring_size=ring_size)
    seen = {first: table.snapshot(1, first)}
    for step, changes in enumerate(history, first + 1):
        table.change(step, changes)
        seen[step] = table.snapshot(1, step)
    revision = data.draw(st.sampled_from(sorted(seen)))
    cursor = table.cursor_at(revision)
    if cursor is None:
        assert revision < first + len(history)
        return
    if cursor == table.head:
        assert contents(seen[revision]) == contents(table.snapshot(1, revision))
        return
    delta = table.delta(cursor, table.head)
    assert delta is not None
    assert delta.revision == first + len(history)
    assert contents(apply_delta(seen[revision], delta)) == contents(seen[delta.revision])
    assert not {each.host for each in delta.peers} & delta.removed_hosts


@given(histories, st.data())
def test_deltas_in_steps_end_where_one_delta_ends(history: list[list[Item]], data: st.DataObject) -> None:
    table = PeerTable(RULE, (), 0)
    start = table.snapshot(1, 0)
    heads = [table.head]
    for step, changes in enumerate(history, 1):
        table.change(step, changes)
        heads.append(table.head)
    stops = sorted({heads[0], heads[-1], *data.draw(st.lists(st.sampled_from(heads), max_size=3))})
    stepwise = start
    for cursor, head in itertools.pairwise(stops):
        delta = table.delta(cursor, head)
        assert delta is not None
        stepwise = apply_delta(stepwise, delta)
    assert contents(stepwise) == contents(table.snapshot(1, 0))


def test_many_changes_of_one_host_are_one_entry() -> None:
    table = PeerTable(RULE, (), 0)
    for revision in range(1, 101):
        table.change(revision, [peer("a", revision)])
    delta = table.delta(0, table.head)
    assert delta is not None
    assert delta.peers == (peer("a", 100),)
    assert delta.network is None
    assert delta.controllers is None


def test_a_reader_of_before_the_table_needs_a_snapshot() -> None:
    table = PeerTable(RULE, (), 100)
    assert table.cursor_at(99) is None
    assert table.cursor_at(100) == 0


def test_the_ring_keeps_whole_revisions_only() -> None:
    table = PeerTable(RULE, (), 0, ring_size=4)
    for revision in (1, 2, 3):
        table.change(revision, [peer("a", revision), peer("b", revision)])
    reachable = [revision for revision in range(4) if table.cursor_at(revision) is not None]
    assert reachable[-1] == 3
    for revision in reachable[:-1]:
        delta = table.delta(table.cursor_at(revision) or 0, table.head)
        assert delta is not None
        assert {each.host for each in delta.peers} == {"a", "b"}


def test_a_cursor_that_fell_out_of_the_ring_gives_no_delta() -> None:
    table = PeerTable(RULE, (), 0, ring_size=4)
    for revision in range(1, 20):
        table.change(revision, [peer("a", revision)])
    assert table.delta(0, table.head) is None


def test_a_snapshot_does_not_change_with_the_table() -> None:
    table = PeerTable(RULE, (), 0)
    before = table.snapshot(7, 0)
    table.change(1, [peer("a", 1)])
    assert before.peers == MappingProxyType({})
    assert before.cluster_id == 7


@pytest.mark.parametrize("revision", [5, 9])
def test_a_reader_that_is_up_to_date_stands_at_the_head(revision: int) -> None:
    table = PeerTable(RULE, (), 0)
    table.change(5, [peer("a", 1)])
    assert table.cursor_at(revision) == table.head
