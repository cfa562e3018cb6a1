# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The allocator against a real etcd: many at once, lost replies, tasks that die, a pool that is full.

What counts is the history that etcd kept: it is replayed revision by revision against what must always hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, ip_network
from itertools import groupby

import pytest
import pytest_asyncio

from cladnet.controller import keys, records
from cladnet.controller.allocator import Allocator
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.errors import Ambiguous
from cladnet.controller.etcd.informer import Informer
from cladnet.controller.etcd.watch import WatchTiming, open_watch
from cladnet.controller.follower import Follower
from cladnet.controller.networks import NetworkPatch, Networks
from cladnet.controller.places import NewPlace, PlacePatch, Places
from cladnet.controller.quarantine import Quarantine
from cladnet.controller.records import HostRecord
from cladnet.controller.stored_host import Member
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import Conflict, Exhausted, NotFound, Unauthorized
from cladnet.core.host_report import HostReport
from cladnet.core.host_state import HostState
from cladnet.core.network import NetworkSpec
from cladnet.wire import etcd_pb2 as pb
from tests.integration.controller.etcd_server import EtcdServer
from tests.integration.controller.waiting import until

NET = "demo"
RANDOM = random.SystemRandom()


def key(host: str, turn: int = 0) -> bytes:
    return f"{host}-{turn}".encode().ljust(32, b".")


def member(host: str, identity: str = "id") -> Member:
    return Member(NET, host, identity)


async def admit(client: EtcdClient, host: str, identity: str = "id") -> None:
    """What an enrolment leaves behind."""
    at = keys.host(NET, host)
    await client.txn([txn.absent(at)], [txn.put(at, records.write_host(HostRecord(identity)))])


@dataclass
class Site:
    """One controller as far as addresses go."""

    client: EtcdClient
    follower: Follower
    allocator: Allocator
    places: Places
    task: asyncio.Task[None]

    @classmethod
    async def open(cls, client: EtcdClient) -> Site:
        follower = Follower(Informer(client, keys.PREFIX), lambda _: None)
        quarantine = Quarantine(client)
        allocator = Allocator(client, follower.replica, quarantine)
        places = Places(client, follower.replica, quarantine, allocator)
        site = cls(client, follower, allocator, places, asyncio.create_task(follower.run()))
        await until(lambda: follower.synced, "the first listing")
        return site

    async def close(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        await self.client.close()


@pytest_asyncio.fixture
async def site(shared_etcd: EtcdServer, shared_client: EtcdClient) -> AsyncIterator[Site]:
    """A controller and the network demo of two addresses, without quarantine to wait for."""
    await Networks(shared_client).create(NetworkSpec(NET, IPv4Network("10.99.0.0/30"), quarantine_s=1))
    site = await Site.open(EtcdClient([shared_etcd.endpoint]))
    yield site
    await site.close()


async def test_the_first_report_gives_an_address_and_an_equal_one_writes_nothing(site: Site) -> None:
    await admit(site.client, "a")
    first = await site.allocator.report(member("a"), HostReport(key("a")))
    assert first.address in IPv4Network("10.99.0.0/30")
    before = await site.client.revision()
    assert (await site.allocator.report(member("a"), HostReport(key("a")))).address == first.address
    assert await site.client.revision() == before


async def test_a_new_endpoint_is_one_revision_and_a_lost_one_is_kept(site: Site) -> None:
    await admit(site.client, "a")
    endpoint = Endpoint("198.51.100.11", 8055)
    await site.allocator.report(member("a"), HostReport(key("a"), public_endpoint=endpoint))
    before = await site.client.revision()
    moved = Endpoint("198.51.100.12", 8055)
    await site.allocator.report(member("a"), HostReport(key("a"), public_endpoint=moved))
    assert await site.client.revision() == before + 1
    await site.allocator.report(member("a"), HostReport(key("a"), state=HostState.CONFIGURING))
    stored = await site.allocator.read(NET, "a")
    assert stored.peer is not None
    assert stored.peer.endpoint == moved, (
        "a restarted agent that does not know its endpoint yet stays reachable"
    )


async def test_a_new_public_key_replaces_the_old_one(site: Site) -> None:
    await admit(site.client, "a")
    await admit(site.client, "b")
    await site.allocator.report(member("a"), HostReport(key("a", 1)))
    await site.allocator.report(member("a"), HostReport(key("a", 2)))
    await site.allocator.report(member("b"), HostReport(key("a", 1)))
    with pytest.raises(Conflict, match="public key of host a"):
        await site.allocator.report(member("b"), HostReport(key("a", 2)))


async def test_who_is_refused(site: Site) -> None:
    await admit(site.client, "a")
    report = HostReport(key("a"))
    with pytest.raises(Unauthorized, match="not a member"):
        await site.allocator.report(member("stranger"), report)
    with pytest.raises(Unauthorized, match="enrolled anew"):
        await site.allocator.report(member("a", "old identity"), report)
    with pytest.raises(NotFound, match="lost"):
        await site.allocator.report(Member("lost", "a", "id"), report)
    overlapping = HostReport(key("a"), occupied_networks=(ip_network("10.99.0.0/16"),))
    with pytest.raises(Conflict, match=r"10\.99\.0\.0/16.*10\.99\.0\.0/30"):
        await site.allocator.report(member("a"), overlapping)
    assert not (await site.client.list(keys.peers(NET))).kvs


async def test_an_overlap_that_comes_later_is_known_to_the_operator(site: Site) -> None:
    await admit(site.client, "a")
    before = await site.allocator.report(member("a"), HostReport(key("a")))
    overlapping = HostReport(key("a"), occupied_networks=(ip_network("10.99.0.0/16"),), reason="overlap")
    after = await site.allocator.report(member("a"), overlapping)
    assert after.address == before.address
    stored = await site.allocator.read(NET, "a")
    assert stored.host is not None
    assert stored.host.report == overlapping


async def test_exhaustion_is_told_and_ends_with_the_quarantine(site: Site) -> None:
    for host in ("a", "b", "c"):
        await admit(site.client, host)
    await site.allocator.report(member("a"), HostReport(key("a")))
    lost = await site.allocator.report(member("b"), HostReport(key("b")))
    with pytest.raises(Exhausted, match=r"10\.99\.0\.0/30"):
        await site.allocator.report(member("c"), HostReport(key("c")))
    await site.follower.reached(await site.allocator.release(NET, "b"))
    with pytest.raises(Exhausted):
        await site.allocator.report(member("c"), HostReport(key("c")))

    async def gets_one() -> bool:
        with contextlib.suppress(Exhausted):
            return (await site.allocator.report(member("c"), HostReport(key("c")))).address == lost.address
        return False

    await until(gets_one, "the end of the quarantine", 10.0)


async def test_a_host_that_comes_back_gets_its_address_out_of_quarantine(site: Site) -> None:
    await admit(site.client, "a")
    before = await site.allocator.report(member("a"), HostReport(key("a")))
    await site.follower.reached(await site.allocator.release(NET, "a"))
    with pytest.raises(Unauthorized):
        await site.allocator.report(member("a"), HostReport(key("a")))
    await admit(site.client, "a")
    after = await site.allocator.report(member("a"), HostReport(key("a")))
    assert after.address == before.address
    (kv,) = (await site.client.list(keys.address(NET, before.address))).kvs
    assert (kv.value, kv.lease) == (b"A:a", 0), "the lease of the quarantine must not take it away again"


async def test_releasing_whom_nobody_knows(site: Site) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await site.allocator.release(NET, "nobody")


async def test_an_expired_lease_is_replaced(site: Site) -> None:
    await admit(site.client, "a")
    await site.allocator.report(member("a"), HostReport(key("a")))
    lease = await site.allocator._quarantine.lease(1)
    await site.client.revoke_lease(lease)
    await site.allocator.release(NET, "a")


async def test_an_address_space_changes_only_while_nobody_is_in_it(site: Site) -> None:
    networks = Networks(site.client)
    await networks.change(NET, NetworkPatch(cidr=IPv4Network("10.98.0.0/24"), mtu=1300))
    await admit(site.client, "a")
    allocation = await site.allocator.report(member("a"), HostReport(key("a")))
    assert allocation.address in IPv4Network("10.98.0.0/24")
    with pytest.raises(Conflict, match="hosts are in it"):
        await networks.change(NET, NetworkPatch(cidr=IPv4Network("10.97.0.0/24")))
    await networks.change(NET, NetworkPatch(mtu=1280))
    with pytest.raises(Conflict, match="still has hosts"):
        await networks.delete(NET, force=False)
    await networks.delete(NET, force=True)
    assert not (await site.client.list(keys.network(NET))).kvs


class LossyClient(EtcdClient):
    """Loses requests and replies of writes."""

    async def txn(
        self,
        compare: Iterable[pb.Compare],
        success: Iterable[pb.RequestOp],
        failure: Iterable[pb.RequestOp] = (),
        *,
        repeatable: bool = False,
    ) -> pb.TxnResponse:
        if not repeatable and RANDOM.random() < 0.08:
            raise Ambiguous("the request is lost")
        reply = await super().txn(compare, success, failure, repeatable=repeatable)
        if not repeatable and RANDOM.random() < 0.08:
            raise Ambiguous("the reply is lost")
        return reply


@dataclass
class Tally:
    """What happened in the chaos, to show that it was one."""

    given: int = 0
    taken: int = 0
    exhausted: int = 0
    kept: int = 0
    moved: int = 0
    refused: int = 0
    killed: int = 0
    addresses: set[str] = field(default_factory=set)


async def test_one_address_one_host_whatever_is_lost_or_dies(
    shared_etcd: EtcdServer, shared_client: EtcdClient
) -> None:
    await Networks(shared_client).create(NetworkSpec(NET, IPv4Network("10.99.0.0/28"), quarantine_s=1))
    start = await shared_client.revision()
    tally = Tally()
    await asyncio.gather(*(controller(shared_etcd.endpoint, tally, seconds=5.0) for _unused in range(4)))
    await check_history(shared_client, start)
    assert tally.given > 100
    assert tally.taken > 50
    assert tally.kept > 20
    assert tally.moved > 20
    assert tally.refused > 20
    assert tally.exhausted > 0
    assert tally.killed > 10
    assert len(tally.addresses) == 14, "the whole pool was used"


async def controller(endpoint: str, tally: Tally, seconds: float) -> None:
    """A controller that is killed and started again and again."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        site = await Site.open(LossyClient([endpoint], attempt_s=2.0, budget_s=4.0))
        workers = [asyncio.create_task(work(site, tally)) for _unused in range(3)]
        done, running = await asyncio.wait(workers, timeout=RANDOM.uniform(0.3, 1.5))
        for task in done:
            task.result()
        for task in running:
            task.cancel()
            tally.killed += 1
        await asyncio.gather(*running, return_exceptions=True)
        await site.close()


async def work(site: Site, tally: Tally) -> None:
    while True:
        host = f"h{RANDOM.randrange(20):02}"
        try:
            await RANDOM.choices((_give, _take, _keep, _move), (5, 4, 2, 2))[0](site, host, tally)
        except Exhausted:
            tally.exhausted += 1
        except Conflict:
            tally.refused += 1
        except (NotFound, Unauthorized, Ambiguous):
            pass


async def _give(site: Site, host: str, tally: Tally) -> None:
    await admit(site.client, host)
    allocation = await site.allocator.report(member(host), HostReport(key(host, RANDOM.randrange(2))))
    tally.given += 1
    tally.addresses.add(str(allocation.address))


async def _take(site: Site, host: str, tally: Tally) -> None:
    await site.allocator.release(NET, host)
    tally.taken += 1


async def _keep(site: Site, host: str, tally: Tally) -> None:
    """A place with a fixed address, or a WireGuard peer with any."""
    is_managed = RANDOM.random() < 0.6
    new = NewPlace(any_address()) if is_managed else NewPlace(public_key=key(host, 2))
    await site.places.create(NET, host, new)
    tally.kept += 1


async def _move(site: Site, host: str, tally: Tally) -> None:
    patch = PlacePatch(address=any_address()) if RANDOM.random() < 0.8 else PlacePatch(is_static=False)
    await site.places.change(NET, host, patch)
    tally.moved += 1


def any_address() -> IPv4Address:
    return IPv4Address("10.99.0.0") + RANDOM.randrange(1, 15)


async def check_history(client: EtcdClient, start: int) -> None:
    """Replays everything since a revision; after each revision all facts must fit together."""
    peers: dict[str, tuple[str, str]] = {}
    kept: dict[str, str] = {}
    holders: dict[str, bytes] = {}
    key_holders: dict[str, bytes] = {}
    for _unused, events in groupby(await history(client, start), lambda event: event.kv.mod_revision):
        for event in events:
            meaning = keys.parse(event.kv.key)
            assert isinstance(meaning, keys.NetworkKey)
            value = event.kv.value if event.type == pb.Event.PUT else None
            if meaning.kind == "peer":
                entry = None if value is None else records.read_peer(meaning.name, 0, value)
                _set(peers, meaning.name, entry and (str(entry.address), entry.public_key.hex()))
            elif meaning.kind == "place":
                address = None if value is None else records.read_place(value).address
                _set(kept, meaning.name, address and str(address))
            elif meaning.kind == "addr":
                before = holders.get(meaning.name)
                if value is None:
                    assert before is not None
                    assert before[:2] in (b"Q:", b"R:"), f"{before!r} had no quarantine"
                elif value[:2] in (b"A:", b"R:"):
                    own = (b"Q" + value[1:], b"R" + value[1:])
                    assert before in (None, *own), f"{value!r} took what was {before!r}"
                _set(holders, meaning.name, value)
            elif meaning.kind == "key":
                _set(key_holders, meaning.name, value)
        held = {address: holder[2:].decode() for address, holder in holders.items() if holder[:2] == b"A:"}
        assert {address: host for host, (address, _unused) in peers.items()} == held
        assert len(held) == len(peers)
        waiting = {address: holder[2:].decode() for address, holder in holders.items() if holder[:2] == b"R:"}
        assert {address: host for host, address in kept.items() if host not in peers} == waiting
        assert all(peers[host][0] == address for host, address in kept.items() if host in peers)
        assert {public: host.decode() for public, host in key_holders.items()} == {
            public: host for host, (_unused, public) in peers.items()
        }


def _set(facts: dict[str, object], name: str, value: object) -> None:
    if value is None:
        facts.pop(name, None)
    else:
        facts[name] = value


async def history(client: EtcdClient, start: int) -> list[pb.Event]:
    end = (await client.txn([], [txn.put(keys.network(NET) + b"end", b"")])).header.revision
    events: list[pb.Event] = []
    timing = WatchTiming()
    async with open_watch(client, keys.network(NET), start + 1, timing) as watch:
        async for part in watch.events(until=float("inf")):
            events += part
            if events[-1].kv.mod_revision >= end:
                return events
    raise AssertionError("the history ended early")
