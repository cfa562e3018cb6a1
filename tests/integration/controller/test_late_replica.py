# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Reports to a controller whose copy of etcd is late."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timezone
from ipaddress import IPv4Network

import pytest
import pytest_asyncio

from cladnet.controller import keys, records
from cladnet.controller.agent_service import AgentService
from cladnet.controller.allocator import Allocator
from cladnet.controller.authority import Authority
from cladnet.controller.connectivity_tests import ConnectivityTests
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.informer import Batch, Informer
from cladnet.controller.follower import Follower
from cladnet.controller.networks import Networks
from cladnet.controller.presence import Presence
from cladnet.controller.quarantine import Quarantine
from cladnet.controller.records import HostRecord
from cladnet.controller.stored_host import Member
from cladnet.core.network import NetworkSpec
from cladnet.wire import agent_pb2
from tests.integration.controller.controller_process import NET
from tests.integration.controller.waiting import until

HOST = Member(NET, "a", "id")
ENDPOINT = agent_pb2.Endpoint(address="198.51.100.11", port=8055)
MOVED = agent_pb2.Endpoint(address="198.51.100.99", port=8055)
# Less than a controller waits for its own writes.
NO_ANSWER_S = 0.5


class LateInformer(Informer):
    """Passes nothing on while it is held back."""

    def __init__(self, client: EtcdClient) -> None:
        super().__init__(client, keys.PREFIX)
        self.may_pass = asyncio.Event()
        self.may_pass.set()

    async def batches(self) -> AsyncGenerator[Batch, None]:
        async with contextlib.aclosing(super().batches()) as batches:
            async for batch in batches:
                await self.may_pass.wait()
                yield batch


class LateController:
    """As much of a controller as takes in reports."""

    def __init__(self, client: EtcdClient) -> None:
        self.informer = LateInformer(client)
        self.follower = Follower(self.informer, lambda _network: None)
        self.allocator = Allocator(client, self.follower.replica, Quarantine(client))
        authority = Authority(Authority.create(datetime.now(timezone.utc)))
        presence = Presence(client, self.follower.replica, "c1")
        tests = ConnectivityTests(client, self.follower.replica)
        self._service = AgentService(client, self.follower, self.allocator, authority, presence, tests)

    async def report(self, *endpoints: agent_pb2.Endpoint) -> None:
        """One report of the host after the other, each after the answer to the one before."""
        for endpoint in endpoints:
            request = agent_pb2.ReportRequest(public_key=b"a" * 32, mtu=1420, public_endpoint=endpoint)
            await self._service.report(HOST, request)

    async def stores(self, endpoint: agent_pb2.Endpoint) -> bool:
        """Whether etcd has it."""
        peer = (await self.allocator.read(NET, HOST.host)).peer
        return peer is not None and str(peer.endpoint) == f"{endpoint.address}:{endpoint.port}"


@pytest_asyncio.fixture
async def controller(shared_client: EtcdClient) -> AsyncIterator[LateController]:
    """It follows a network with one host."""
    await Networks(shared_client).create(NetworkSpec(NET, IPv4Network("10.99.0.0/24")))
    record = records.write_host(HostRecord(HOST.identity))
    await shared_client.txn([], [txn.put(keys.host(NET, HOST.host), record)])
    late = LateController(shared_client)
    following = asyncio.create_task(late.follower.run())
    await until(lambda: late.follower.synced, "the first listing")
    yield late
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_a_report_that_takes_back_the_one_before_is_not_taken_for_old_news(
    controller: LateController,
) -> None:
    await controller.report(ENDPOINT)
    controller.informer.may_pass.clear()
    reports = asyncio.create_task(controller.report(MOVED, ENDPOINT))
    await until(lambda: controller.stores(MOVED), "the first of both to be written")
    await asyncio.wait({reports}, timeout=NO_ANSWER_S)
    controller.informer.may_pass.set()
    await reports
    assert await controller.stores(ENDPOINT)
