# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Network

import pytest

from cladnet.controller import keys, records
from cladnet.controller.etcd.informer import Batch, Change
from cladnet.controller.feed import LONGEST_WINDOW_S, SHORTEST_WINDOW_S, Feed
from cladnet.controller.replica import Replica
from cladnet.core.network import NetworkSpec
from cladnet.core.rule_table import PeerEntry
from cladnet.wire import agent_pb2


class Site:
    """A network, its feed, and a clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0
        self.replica = Replica()
        spec = NetworkSpec("demo", IPv4Network("10.99.0.0/24"))
        config = Change(keys.config("demo"), records.write_network(spec), 2, 2)
        self.replica.apply(Batch(10, (config,), listed=True))
        self.feed = Feed("demo", self.replica, clock=lambda: self.now)

    def put(self, host: str, revision: int, number: int = 1) -> None:
        peer = PeerEntry(host, IPv4Address(0x0A630000 + number), bytes([number]) * 32)
        change = Change(keys.peer("demo", host), records.write_peer(peer), revision, revision)
        for network in self.replica.apply(Batch(revision, (change,))):
            self.feed.changed()
            assert network == "demo"

    @property
    def table(self):
        return self.replica.network("demo").table


def hosts(message: bytes | None) -> list[str]:
    assert message is not None
    return [peer.host for peer in agent_pb2.WatchReply.FromString(message).delta.peers]


@pytest.fixture
async def site() -> Site:
    return Site()


async def test_a_burst_is_one_round_with_one_message(site: Site) -> None:
    cursor = site.feed.head
    for revision in range(11, 61):
        site.put(f"h{revision}", revision, revision)
    assert site.feed.head == cursor, "nothing goes out before the window ends"
    await asyncio.wait_for(site.feed.next_round(), 2.0)
    assert len(hosts(site.feed.delta(site.table, cursor))) == 50
    assert site.feed.head == site.table.head


async def test_a_message_is_encoded_once_for_all_who_stand_at_the_same_place(site: Site) -> None:
    cursor = site.feed.head
    site.put("a", 11)
    await site.feed.next_round()
    assert site.feed.delta(site.table, cursor) is site.feed.delta(site.table, cursor)
    first = site.feed.snapshot("a", 1)
    assert first is not None
    assert site.feed.snapshot("a", 1) is first


async def test_what_comes_during_a_round_waits_for_the_next(site: Site) -> None:
    cursor = site.feed.head
    site.put("a", 11)
    await site.feed.next_round()
    site.put("b", 12)
    assert hosts(site.feed.delta(site.table, cursor)) == ["a"]
    cursor = site.feed.head
    await site.feed.next_round()
    assert hosts(site.feed.delta(site.table, cursor)) == ["b"]


async def test_a_host_newer_than_the_snapshot_waits_for_the_next_one(site: Site) -> None:
    site.put("a", 11)
    await site.feed.next_round()
    assert site.feed.snapshot("a", 1) is not None
    site.put("b", 12)
    assert site.feed.snapshot("b", 1) is None
    await asyncio.wait_for(site.feed.next_round(), 2.0)
    again = site.feed.snapshot("b", 1)
    assert again is not None
    assert again.hosts == {"a", "b"}


async def test_the_table_of_a_network_made_anew_has_no_deltas_of_the_old_one(site: Site) -> None:
    old, cursor = site.table, site.feed.head
    spec = NetworkSpec("demo", IPv4Network("10.98.0.0/24"))
    gone = Change(keys.config("demo"), None, 11)
    made = Change(keys.config("demo"), records.write_network(spec), 12, 12)
    site.replica.apply(Batch(12, (gone, made)))
    site.feed.changed()
    await site.feed.next_round()
    assert site.feed.delta(old, cursor) is None


@pytest.mark.parametrize(
    ("took_s", "window_s"),
    [(0.0, SHORTEST_WINDOW_S), (0.01, SHORTEST_WINDOW_S), (0.2, 0.4), (60.0, LONGEST_WINDOW_S)],
)
async def test_the_window_grows_with_the_time_that_sending_takes(
    site: Site, took_s: float, window_s: float
) -> None:
    site.put("a", 11)
    await site.feed.next_round()
    site.now += took_s
    site.feed.sent()
    began = asyncio.get_running_loop().time()
    site.put("b", 12)
    assert site.feed._timer is not None
    assert site.feed._timer.when() - began == pytest.approx(window_s, abs=0.02)
    site.feed._timer.cancel()
