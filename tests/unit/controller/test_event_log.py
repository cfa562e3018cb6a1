# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The log of events over a replica that takes in what etcd would say."""

from __future__ import annotations

import asyncio
import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cladnet.controller import keys, records
from cladnet.controller.etcd.informer import Batch, Change
from cladnet.controller.event_log import EventLog
from cladnet.controller.records import HostRecord
from cladnet.controller.replica import Replica
from cladnet.controller.rest.views import VIEWS
from cladnet.core.connectivity import ConnectivityTest, HostResult
from cladnet.core.endpoint import Endpoint
from cladnet.core.host_report import HostReport
from cladnet.core.host_state import HostState
from cladnet.core.network import NetworkSpec
from cladnet.core.place import Place
from cladnet.core.rule_table import PeerEntry

CLUSTER = 0xABC
KEY = b"k" * 32


def network(revision: int, name: str = "demo", *, mtu: int = 0, created: int = 2) -> Change:
    spec = NetworkSpec(name, IPv4Network("10.99.0.0/24"), mtu=mtu)
    return Change(keys.config(name), records.write_network(spec), revision, created)


def member(revision: int, host: str = "a1", **report: Any) -> Change:
    record = HostRecord("id", HostReport(KEY, **report))
    return Change(keys.host("demo", host), records.write_host(record), revision, 5)


def peer(revision: int, host: str = "a1", endpoint: Endpoint | None = None, last: int = 1) -> Change:
    entry = PeerEntry(host, IPv4Address("10.99.0.0") + last, KEY, endpoint)
    return Change(keys.peer("demo", host), records.write_peer(entry), revision, 5)


def seen(revision: int, host: str = "a1", controller: str = "c1") -> Change:
    return Change(keys.seen("demo", host), records.write_seen(controller), revision, revision)


class Bench:
    """A replica with a log, listed at revision 10 with the host a1."""

    def __init__(self, **limits: int) -> None:
        self.replica = Replica()
        self.log = EventLog(self.replica, VIEWS, lambda: CLUSTER, **limits)
        self.replica.observer = self.log
        self.list(10, network(2), member(5), peer(5))

    def list(self, revision: int, *changes: Change, new_history: bool = False) -> None:
        self.replica.apply(Batch(revision, changes, listed=True, new_history=new_history))

    def live(self, *changes: Change) -> None:
        self.replica.apply(Batch(changes[-1].revision, changes))

    def told(self, cursor: int = 0) -> list[tuple[str, str | None]]:
        """Type and host of each event."""
        return [(data["type"], data["host"]) for _unused, data in self.read(cursor)]

    def read(self, cursor: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Id and data of each event after a cursor."""
        events = self.log.since(cursor)
        assert events is not None
        return [parse(event.encoded) for event in events]


def parse(encoded: bytes) -> tuple[str, dict[str, Any]]:
    lines = dict(line.split(": ", 1) for line in encoded.decode().strip().split("\n"))
    data = json.loads(lines["data"])
    assert lines["event"] == data["type"]
    assert encoded.endswith(b"\n\n")
    return lines["id"], data


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_first_listing_is_no_event(bench: Bench) -> None:
    assert bench.told() == []
    _id, snapshot = parse(bench.log.snapshot(None))
    assert (_id, snapshot["cluster_id"], snapshot["revision"]) == ("abc-10", "abc", 10)
    assert [each["name"] for each in snapshot["networks"]] == ["demo"]
    assert [(each["network"], each["host"]) for each in snapshot["peers"]] == [("demo", "a1")]
    _id, other = parse(bench.log.snapshot("other"))
    assert (other["networks"], other["peers"]) == ([], [])


def test_a_move_is_an_event_with_before_and_after(bench: Bench) -> None:
    bench.live(peer(11, endpoint=Endpoint("198.51.100.9", 8055)))
    ((id_, data),) = bench.read()
    assert id_ == "abc-11"
    assert (data["type"], data["network"], data["host"], data["revision"]) == (
        "endpoint_changed",
        "demo",
        "a1",
        11,
    )
    assert data["changed"] == {"endpoint": [None, "198.51.100.9:8055"]}
    assert data["peer"]["endpoint"] == "198.51.100.9:8055"


def test_what_a_host_lives_through(bench: Bench) -> None:
    bench.live(Change(keys.place("demo", "b1"), records.write_place(Place()), 11, 11))
    bench.live(seen(12))
    bench.live(seen(13, controller="c2"))
    bench.live(member(14, state=HostState.TUNNELING), peer(14, last=9))
    bench.live(Change(keys.seen("demo", "a1"), None, 15))
    bench.live(*(Change(key("demo", "a1"), None, 16) for key in (keys.host, keys.peer)))
    assert bench.told() == [
        ("peer_joined", "b1"),
        ("peer_connected", "a1"),
        ("address_changed", "a1"),
        ("state_changed", "a1"),
        ("peer_lost", "a1"),
        ("peer_left", "a1"),
    ], "a host that changes its controller was never away"


def test_what_a_network_lives_through(bench: Bench) -> None:
    bench.live(network(11, mtu=1400))
    bench.live(network(12, "other", created=12))
    bench.live(Change(keys.config("demo"), None, 13), Change(keys.host("demo", "a1"), None, 13))
    bench.live(network(14, created=14))
    assert [(data["type"], data["network"]) for _id, data in bench.read()] == [
        ("network_changed", "demo"),
        ("network_created", "other"),
        ("network_deleted", "demo"),
        ("network_created", "demo"),
    ]


def test_a_network_made_again_while_nobody_watched_is_two_events(bench: Bench) -> None:
    bench.list(20, network(15, created=15), Change(keys.host("demo", "a1"), None, 20))
    assert bench.told() == [("network_deleted", None), ("network_created", None)]


def test_a_test_is_done_once(bench: Bench) -> None:
    at, lease_over = keys.connectivity_test("demo", "00ff"), Change
    test = ConnectivityTest(("a1",))
    bench.live(Change(at, records.write_test(test), 11, 11))
    result = Change(keys.test_result("demo", "00ff", "a1"), records.write_result(HostResult("")), 12, 12)
    bench.live(result)
    bench.live(Change(result.key, result.value, 13, 12))
    bench.live(lease_over(at, None, 14))
    ((_id, data),) = bench.read()
    assert (data["type"], data["test"]) == (
        "test_done",
        {"id": "00ff", "hosts": ["a1"], "missing": []},
    )


def test_containers_that_come_and_go_are_no_events(bench: Bench) -> None:
    networks = (IPv4Network("172.17.0.0/16"),)
    bench.live(member(11, occupied_networks=networks))
    assert bench.told() == []


def test_of_one_revision_only_the_last_event_lets_a_reader_go_on_behind_it(bench: Bench) -> None:
    bench.live(member(14, state=HostState.TUNNELING), peer(14, last=9))
    ids = [id_ for id_, _data in bench.read()]
    assert ids == ["abc-13", "abc-14"]
    after_first = bench.log.cursor_after(ids[0])
    assert after_first is not None
    assert len(bench.read(after_first)) == 2, "rather twice than never"
    assert bench.log.cursor_after(ids[1]) == bench.log.head


@pytest.mark.parametrize(
    "event_id", ["", "abc", "abc-", "abc-x", "abd-10", "abc-9", "abc-11", "abc-\u0661", "abc-" + "9" * 50]
)
def test_ids_that_cannot_be_resumed(bench: Bench, event_id: str) -> None:
    assert bench.log.cursor_after(event_id) is None


def test_a_reader_that_is_overtaken_has_lost_its_place() -> None:
    bench = Bench(most_events=10)
    cursor = bench.log.cursor_after("abc-10")
    for number in range(30):
        bench.live(peer(11 + number, endpoint=Endpoint("198.51.100.9", 1 + number)))
    assert cursor is not None
    assert bench.log.since(cursor) is None
    assert bench.log.cursor_after("abc-10") is None
    assert bench.log.cursor_after("abc-39") == bench.log.head - 1


def test_the_log_is_bounded_by_bytes() -> None:
    bench = Bench(most_bytes=5000)
    for number in range(100):
        bench.live(peer(11 + number, endpoint=Endpoint("198.51.100.9", 1 + number)))
        kept = bench.log.since(bench.log.head - len(bench.log._events))
        assert kept is not None
        assert sum(len(event.encoded) for event in kept) <= 5000 + 1000


def test_another_history_begins_anew(bench: Bench) -> None:
    bench.live(seen(11))
    epoch = bench.log.epoch
    bench.list(4, network(2), member(3), new_history=True)
    assert bench.log.epoch == epoch + 1
    assert bench.log.cursor_after("abc-11") is None
    assert bench.log.since(bench.log.head) == []
    assert parse(bench.log.snapshot(None))[1]["revision"] == 4


async def test_readers_are_woken_by_events_and_by_the_end(bench: Bench) -> None:
    log = bench.log
    assert not await log.wait(log.head, log.epoch, 0.01)
    waiting = asyncio.ensure_future(log.wait(log.head, log.epoch, 5.0))
    await asyncio.sleep(0)
    bench.live(seen(11))
    assert await waiting
    waiting = asyncio.ensure_future(log.wait(log.head, log.epoch, 5.0))
    await asyncio.sleep(0)
    log.close()
    assert await waiting


changes = st.sampled_from(["seen", "unseen", "peer", "member", "place", "unplace", "gone", "network"])


@settings(max_examples=60)
@given(steps=st.lists(st.tuples(changes, st.sampled_from(["a1", "b1"]), st.integers(1, 3)), max_size=25))
def test_who_follows_events_knows_what_a_snapshot_says(steps: list[tuple[str, str, int]]) -> None:
    bench = Bench()
    peers = {each["host"]: each for each in parse(bench.log.snapshot(None))[1]["peers"]}
    cursor = bench.log.head
    for revision, step in enumerate(steps, start=11):
        bench.live(*_step(revision, *step))
    for _id, data in bench.read(cursor):
        if data["host"] is not None:
            peers[data["host"]] = data["peer"]
    followed = {host: view for host, view in peers.items() if view is not None}
    snapshot = {each.pop("host"): each for each in parse(bench.log.snapshot(None))[1]["peers"]}
    assert followed.keys() == snapshot.keys()
    for host, view in snapshot.items():
        for name in view.keys() - {"network", "revision", "occupied_networks"}:
            assert followed[host][name] == view[name]


def _step(revision: int, what: str, host: str, number: int) -> list[Change]:
    match what:
        case "seen":
            return [seen(revision, host, f"c{number}")]
        case "unseen":
            return [Change(keys.seen("demo", host), None, revision)]
        case "peer":
            return [peer(revision, host, Endpoint("198.51.100.9", number)), member(revision, host)]
        case "member":
            return [member(revision, host, mtu=1400 + number)]
        case "place":
            place = Place(description=str(number))
            return [Change(keys.place("demo", host), records.write_place(place), revision, revision)]
        case "unplace":
            return [Change(keys.place("demo", host), None, revision)]
        case "gone":
            gone = (keys.host, keys.peer, keys.place, keys.seen)
            return [Change(key("demo", host), None, revision) for key in gone]
    return [network(revision, mtu=1400 + number)]
