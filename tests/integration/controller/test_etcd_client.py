# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The etcd client against a real etcd that is killed, held, compacted and made anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.errors import Ambiguous, HistoryChanged, LeaseNotFound
from cladnet.controller.etcd.informer import Batch, Informer
from cladnet.controller.etcd.lease import Lease
from cladnet.controller.etcd.watch import WatchTiming
from cladnet.core.errors import Unavailable
from tests.integration.controller.etcd_server import EtcdServer, free_port
from tests.integration.controller.waiting import until

PREFIX = b"/t/"
QUICK = WatchTiming(silence_s=0.5, answer_s=0.5)


async def put(client: EtcdClient, name: str, value: str) -> int:
    return (await client.txn([], [txn.put(PREFIX + name.encode(), value.encode())])).header.revision


async def delete(client: EtcdClient, name: str) -> int:
    return (await client.txn([], [txn.delete(PREFIX + name.encode())])).header.revision


async def contents(client: EtcdClient) -> dict[bytes, bytes]:
    return {kv.key: kv.value for kv in (await client.list(PREFIX)).kvs}


class View:
    """A copy of etcd made of an informer's batches; holds each batch against what it promises."""

    def __init__(self, informer: Informer) -> None:
        self.informer = informer
        self.keys: dict[bytes, bytes] = {}
        self.batches: list[Batch] = []
        self.task = asyncio.create_task(self._follow())

    @property
    def revision(self) -> int:
        return self.batches[-1].revision if self.batches else 0

    async def reaches(self, revision: int) -> None:
        await until(lambda: self.revision == revision, f"revision {revision}")

    async def _follow(self) -> None:
        async for batch in self.informer.batches():
            assert batch.revision >= self.revision or batch.new_history
            if batch.new_history:
                self.keys.clear()
            for change in batch.changes:
                if change.value is None:
                    assert self.keys.pop(change.key, None) is not None or batch.new_history
                else:
                    self.keys[change.key] = change.value
            self.batches.append(batch)


@pytest_asyncio.fixture
async def view(etcd: EtcdServer) -> AsyncIterator[Callable[..., View]]:
    """Makes views of the test's own etcd."""
    async with views(etcd) as make:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield make


@pytest_asyncio.fixture
async def shared_view(shared_etcd: EtcdServer) -> AsyncIterator[Callable[..., View]]:
    """Makes views of the shared etcd."""
    async with views(shared_etcd) as make:  # pylint: disable=contextmanager-generator-missing-cleanup
        yield make


@contextlib.asynccontextmanager
async def views(etcd: EtcdServer) -> AsyncIterator[Callable[..., View]]:
    """Makes views, each with a client of its own."""
    made: list[tuple[View, EtcdClient]] = []

    def make(resync_s: float = 600.0) -> View:
        client = EtcdClient([etcd.endpoint], attempt_s=1.0, budget_s=1.0)
        made.append((View(Informer(client, PREFIX, timing=QUICK, resync_s=resync_s)), client))
        return made[-1][0]

    yield make
    for each, client in made:
        if each.task.done():
            each.task.result()
        each.task.cancel()
        await client.close()


async def test_sees_what_is_there_and_what_changes(
    shared_client: EtcdClient, shared_view: Callable[..., View]
) -> None:
    await put(shared_client, "old", "1")
    follower = shared_view()
    await until(lambda: follower.revision > 0, "the first listing")
    assert follower.batches[0].listed
    await put(shared_client, "new", "2")
    last = await delete(shared_client, "old")
    await until(lambda: follower.revision == last, "the deletion")
    assert follower.keys == {PREFIX + b"new": b"2"}
    assert not any(batch.listed for batch in follower.batches[1:])


async def test_all_keys_of_one_transaction_arrive_together(
    shared_client: EtcdClient, shared_view: Callable[..., View]
) -> None:
    follower = shared_view()
    await until(lambda: follower.informer.connected, "the watch")
    large = bytes(100_000)
    operations = [txn.put(PREFIX + b"%03d" % i, large) for i in range(15)]  # 1.5 MB: etcd splits the answer
    last = (await shared_client.txn([], operations)).header.revision
    await until(lambda: follower.revision == last, "the revision")
    assert [len(batch.changes) for batch in follower.batches if batch.revision == last] == [15]


async def test_lists_more_than_one_page(shared_client: EtcdClient) -> None:
    for start in range(0, 2100, 100):
        await shared_client.txn([], [txn.put(PREFIX + b"%05d" % (start + i), b"") for i in range(100)])
    listing = await shared_client.list(PREFIX)
    assert [kv.key for kv in listing.kvs] == [PREFIX + b"%05d" % i for i in range(2100)]
    assert listing.revision == await shared_client.revision()


async def test_loses_nothing_when_etcd_is_killed(
    etcd: EtcdServer, client: EtcdClient, view: Callable[..., View]
) -> None:
    follower = view()
    for turn in range(3):
        await put(client, f"before-{turn}", "x")
        await until(lambda: follower.informer.connected, "the watch")
        etcd.kill()
        await until(lambda: not follower.informer.connected, "the loss to be noticed")
        etcd.start()
        await until(lambda: client_answers(client), "etcd to be back")
        last = await put(client, f"after-{turn}", "x")
        await follower.reaches(last)
    assert follower.keys == await contents(client)
    assert sum(batch.listed for batch in follower.batches) == 1, "a restart needs no new listing"


async def client_answers(client: EtcdClient) -> bool:
    try:
        await client.revision()
    except Unavailable:
        return False
    return True


async def test_lists_again_when_what_it_missed_was_compacted(
    etcd: EtcdServer, client: EtcdClient, view: Callable[..., View]
) -> None:
    await put(client, "stays", "1")
    await put(client, "goes", "1")
    follower = view()
    await until(lambda: follower.informer.connected, "the watch")
    etcd.stop()
    await until(lambda: not follower.informer.connected, "the hung server to be noticed")
    follower.informer._backoff.next_s = lambda: 1.0  # type: ignore[method-assign]  # out of the way meanwhile
    etcd.resume()
    await until(lambda: client_answers(client), "etcd to be back")
    await delete(client, "goes")
    await client.compact(await put(client, "comes", "1"))
    await until(lambda: follower.keys.keys() == {PREFIX + b"stays", PREFIX + b"comes"}, "the new state")
    assert follower.batches[-1].listed
    assert not follower.batches[-1].new_history


async def test_notices_a_hung_server_and_the_end_of_it(
    etcd: EtcdServer, client: EtcdClient, view: Callable[..., View]
) -> None:
    follower = view()
    await until(lambda: follower.informer.connected, "the watch")
    etcd.stop()
    await until(lambda: not follower.informer.connected, "the hung server to be noticed", 5.0)
    etcd.resume()
    await until(lambda: follower.informer.connected, "the watch again")
    last = await put(client, "a", "1")
    await until(lambda: follower.revision == last, "the write")


async def test_stays_connected_through_silence(
    shared_client: EtcdClient, shared_view: Callable[..., View]
) -> None:
    follower = shared_view()
    await until(lambda: follower.informer.connected, "the watch")
    lost = False
    for _unused in range(20):
        await asyncio.sleep(0.1)  # four times the silence after which the member is asked for a sign of life
        lost |= not follower.informer.connected
    assert not lost


async def test_a_new_cluster_at_the_old_address_is_a_new_history(
    etcd: EtcdServer, client: EtcdClient, view: Callable[..., View]
) -> None:
    for name in ("a", "b", "c"):
        await put(client, name, "old")
    follower = view()
    await until(lambda: follower.informer.connected, "the watch")
    etcd.kill()
    etcd.wipe()
    etcd.start()
    with pytest.raises(HistoryChanged):
        await until(lambda: client_refuses(client), "the client to notice")
    client.forget_cluster()
    last = await put(client, "new", "1")
    await until(lambda: follower.revision == last, "the new cluster")
    assert follower.keys == {PREFIX + b"new": b"1"}
    assert any(batch.new_history for batch in follower.batches)


async def client_refuses(client: EtcdClient) -> bool:
    try:
        await client.revision()
    except HistoryChanged:
        raise
    except Unavailable:
        return False
    return False


async def test_a_revision_that_goes_back_is_a_new_history(
    shared_client: EtcdClient, shared_view: Callable[..., View]
) -> None:
    last = await put(shared_client, "a", "1")
    follower = shared_view(resync_s=0.3)
    await until(lambda: follower.revision == last, "the listing")
    follower.informer._revision += 1000  # as after a restore: etcd is behind what we have seen
    await until(lambda: any(batch.new_history for batch in follower.batches), "the new history")
    assert follower.keys == {PREFIX + b"a": b"1"}


async def test_repairs_what_a_watch_lost(shared_client: EtcdClient, shared_view: Callable[..., View]) -> None:
    follower = shared_view(resync_s=0.3)
    last = await put(shared_client, "a", "1")
    await until(lambda: follower.revision == last, "the write")
    follower.informer._known.clear()  # as if etcd had never sent the event
    seen = len(follower.batches)
    await until(lambda: any(b.listed and b.changes for b in follower.batches[seen:]), "the repair")


async def test_goes_on_to_the_next_endpoint(shared_etcd: EtcdServer) -> None:
    client = EtcdClient([f"127.0.0.1:{free_port()}", shared_etcd.endpoint], attempt_s=1.0, budget_s=3.0)
    client.connections._endpoints.sort(key=lambda endpoint: endpoint == shared_etcd.endpoint)
    assert await client.revision() > 0
    assert client.connections.endpoint == shared_etcd.endpoint
    await client.close()


async def test_without_etcd_each_call_ends_in_time_with_an_error_that_fits() -> None:
    client = EtcdClient([f"127.0.0.1:{free_port()}"], attempt_s=0.3, budget_s=0.5)
    with pytest.raises(Unavailable) as read:
        await asyncio.wait_for(client.get(b"x"), 2.0)
    assert not isinstance(read.value, Ambiguous)
    with pytest.raises(Ambiguous):
        await asyncio.wait_for(client.txn([], [txn.put(b"x", b"y")]), 2.0)
    await client.close()


async def test_a_hung_server_costs_a_deadline_not_a_hang(etcd: EtcdServer) -> None:
    client = EtcdClient([etcd.endpoint], attempt_s=0.3, budget_s=0.5)
    await client.revision()
    etcd.stop()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(client.get(b"x"), 3.0)
    etcd.resume()
    await client.close()


async def test_a_lease_keeps_its_key_until_it_is_revoked(shared_client: EtcdClient) -> None:
    lease = await Lease.grant(shared_client, 1)
    await shared_client.txn([], [txn.put(b"/t/held", b"1", lease=lease.lease_id)])
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(2.5)  # more than twice the time to live
    assert await shared_client.get(b"/t/held") is not None
    await shared_client.revoke_lease(lease.lease_id)
    await asyncio.wait_for(keeping, 3.0)
    assert await shared_client.get(b"/t/held") is None
    with pytest.raises(LeaseNotFound):
        await shared_client.txn([], [txn.put(b"/t/held", b"1", lease=lease.lease_id)])


async def test_a_lease_counts_as_lost_before_etcd_may_end_it(etcd: EtcdServer, client: EtcdClient) -> None:
    lease = await Lease.grant(client, 1)
    keeping = asyncio.create_task(lease.keep())
    etcd.stop()
    await asyncio.wait_for(keeping, 2.0)
    etcd.resume()


@pytest.mark.parametrize(("key", "end"), [(b"/a/", b"/a0"), (b"a\xff", b"b"), (b"a", b"b")])
def test_the_end_of_a_prefix(key: bytes, end: bytes) -> None:
    assert txn.prefix_end(key) == end
