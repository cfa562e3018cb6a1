# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from cladnet.controller import keys, records
from cladnet.controller.etcd.informer import Batch, Change
from cladnet.controller.records import HostRecord
from cladnet.controller.replica import Replica
from cladnet.core.errors import NotFound
from cladnet.core.ipam import held_by
from cladnet.core.network import NetworkSpec
from cladnet.core.rule_table import ControllerEntry, PeerEntry

SPEC = NetworkSpec("demo", IPv4Network("10.99.0.0/24"))
ADDRESS = IPv4Address("10.99.0.1")


def network_change(revision: int, spec: NetworkSpec = SPEC, created: int = 2) -> Change:
    return Change(keys.config(spec.name), records.write_network(spec), revision, created)


def join(host: str, revision: int, number: int = 1) -> list[Change]:
    address = IPv4Address(0x0A630000 + number)
    peer = PeerEntry(host, address, bytes([number]) * 32)
    return [
        Change(keys.address("demo", address), held_by(host), revision, revision),
        Change(keys.host("demo", host), records.write_host(HostRecord(f"id-{host}")), revision, revision),
        Change(keys.peer("demo", host), records.write_peer(peer), revision, revision),
    ]


def listing(revision: int, *changes: Change, new_history: bool = False) -> Batch:
    ordered = sorted(changes, key=lambda change: change.key)
    return Batch(revision, tuple(ordered), listed=True, new_history=new_history)


def live(*changes: Change) -> Batch:
    return Batch(changes[-1].revision, changes)


@pytest.fixture
def replica() -> Replica:
    """One network with the host a1, listed at revision 10."""
    replica = Replica()
    replica.apply(listing(10, network_change(2), *join("a1", 5)))
    return replica


def test_a_listing_in_the_order_of_keys_is_understood(replica: Replica) -> None:
    state = replica.network("demo")
    assert list(state.hosts) == ["a1"]
    assert state.table.peers["a1"].address == ADDRESS
    assert state.table.peers["a1"].revision == 5
    assert state.holders == {ADDRESS: held_by("a1")}
    assert replica.revision == 10


def test_nobody_can_resume_from_before_the_listing(replica: Replica) -> None:
    table = replica.network("demo").table
    assert table.cursor_at(9) is None
    assert table.cursor_at(10) == table.head


def test_a_join_wakes_the_network_and_is_one_delta(replica: Replica) -> None:
    table = replica.network("demo").table
    head = table.head
    assert replica.apply(live(*join("a2", 11, 2))) == {"demo"}
    delta = table.delta(head, table.head)
    assert delta is not None
    assert [peer.host for peer in delta.peers] == ["a2"]
    assert delta.revision == 11


def test_a_new_state_of_a_host_wakes_nobody(replica: Replica) -> None:
    same_identity = Change(keys.host("demo", "a1"), records.write_host(HostRecord("id-a1")), 11, 5)
    assert replica.apply(live(same_identity)) == set()


def test_a_new_identity_of_a_host_wakes_its_stream(replica: Replica) -> None:
    other = Change(keys.host("demo", "a1"), records.write_host(HostRecord("other")), 11, 5)
    assert replica.apply(live(other)) == {"demo"}
    assert replica.network("demo").hosts["a1"].record.identity == "other"


def test_a_description_is_nothing_to_hosts_but_an_mtu_is(replica: Replica) -> None:
    described = NetworkSpec("demo", SPEC.cidr, "text")
    assert replica.apply(live(network_change(11, described))) == {"demo"}
    table = replica.network("demo").table
    head = table.head
    replica.apply(live(network_change(12, NetworkSpec("demo", SPEC.cidr, "text", 1300))))
    delta = table.delta(head, table.head)
    assert delta is not None
    assert delta.network is not None
    assert delta.network.mtu == 1300


def test_a_removed_host_leaves_by_name(replica: Replica) -> None:
    table = replica.network("demo").table
    head = table.head
    gone = [Change(keys.peer("demo", "a1"), None, 11), Change(keys.host("demo", "a1"), None, 11)]
    assert replica.apply(live(*gone)) == {"demo"}
    delta = table.delta(head, table.head)
    assert delta is not None
    assert delta.removed_hosts == {"a1"}
    assert not replica.network("demo").hosts


def test_a_deleted_network_is_gone_and_its_readers_are_woken(replica: Replica) -> None:
    deletions = sorted(key for change in [network_change(2), *join("a1", 5)] for key in [change.key])
    assert replica.apply(live(*(Change(key, None, 11) for key in deletions))) == {"demo"}
    with pytest.raises(NotFound, match="demo"):
        replica.network("demo")


def test_a_network_made_again_is_another_one(replica: Replica) -> None:
    old = replica.network("demo").table
    replica.apply(live(Change(keys.config("demo"), None, 11), network_change(12, created=12)))
    assert replica.network("demo").table is not old
    assert replica.network("demo").table.cursor_at(11) is None
    assert not replica.network("demo").hosts


def test_a_network_made_again_while_nobody_watched_is_another_one(replica: Replica) -> None:
    old = replica.network("demo").table
    gone = [Change(change.key, None, 20) for change in join("a1", 5)]
    replica.apply(listing(20, *gone, network_change(15, created=15)))
    assert replica.network("demo").table is not old
    assert not replica.network("demo").holders


def test_controllers_that_come_and_go_are_told_to_every_network(replica: Replica) -> None:
    entry = ControllerEntry("c1", ("192.0.2.1",))
    came = Change(keys.member("c1"), records.write_controller(entry, "0.1.0"), 11, 11)
    assert replica.apply(live(came)) == {"demo"}
    assert replica.network("demo").table.controllers == (entry,)
    again = Change(keys.member("c1"), records.write_controller(entry, "0.1.0"), 12, 12)
    assert replica.apply(live(again)) == set(), "the same controller on a new lease is no news"
    assert replica.apply(live(Change(keys.member("c1"), None, 13))) == {"demo"}
    assert replica.network("demo").table.controllers == ()


def test_a_new_history_replaces_everything(replica: Replica) -> None:
    old = replica.network("demo").table
    replica.apply(listing(3, network_change(2), new_history=True))
    assert replica.network("demo").table is not old
    assert replica.network("demo").hosts == {}
    assert replica.revision == 3


@pytest.mark.parametrize(
    "key",
    [
        keys.config("other"),
        keys.host("demo", "x"),
        keys.peer("demo", "x"),
        keys.member("x"),
        b"/clad/v1/net/demo/addr/x",
    ],
)
def test_one_damaged_value_stops_nothing(replica: Replica, key: bytes) -> None:
    replica.apply(live(Change(key, b"damaged", 11, 11), *join("a2", 11, 2)))
    assert sorted(replica.network("demo").table.peers) == ["a1", "a2"]
    assert "other" not in replica.networks
    assert replica.controllers == ()


def test_parts_of_no_network_are_ignored(replica: Replica) -> None:
    replica.apply(live(Change(b"/clad/v1/net/lost/peer/a", b"{}", 11, 11)))
    assert list(replica.networks) == ["demo"]
