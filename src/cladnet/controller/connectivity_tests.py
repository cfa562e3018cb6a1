# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Connectivity tests in etcd: asked for by administrators, done by hosts, kept for an hour.

The times are those of each controller's own monotonic clock since it first heard of the test: clocks that
disagree end no test early. Whichever controller finds first that the time is over closes the test for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace

from cladnet.controller import keys, records
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.replica import NetworkState, Replica
from cladnet.core.connectivity import ConnectivityTest, HostResult, check_size
from cladnet.core.errors import CladnetError, InvalidInput, NotFound
from cladnet.wire import etcd_pb2 as pb

log = logging.getLogger(__name__)

KEPT_S = 3600
MOST_KEPT = 16  # of each network: the oldest goes
GRACE_S = 1.0  # for a result that is on its way when the time is over
_TICK_S = 0.5
_ID_BYTES = 8


class ConnectivityTests:
    """Makes tests, takes results, and ends what is over.

    Args:
        client: connection to etcd.
        replica: knows the tests and who has answered.
    """

    def __init__(self, client: EtcdClient, replica: Replica) -> None:
        self._client = client
        self._replica = replica
        self._heard_s: dict[tuple[str, str], float] = {}

    async def create(self, state: NetworkState, test: ConnectivityTest) -> tuple[str, int]:
        """Makes a test in a network; returns its id and the revision.

        Raises:
            InvalidInput: it is too large.
            NotFound: the network was deleted meanwhile.
            Unavailable: etcd does not answer in time.
        """
        check_size(len(test.hosts), len(state.table.peers) - 1)
        network, test_id = state.spec.name, secrets.token_hex(_ID_BYTES)
        lease = await self._client.grant_lease(KEPT_S)
        key = keys.connectivity_test(network, test_id)
        writes = [txn.put(key, records.write_test(test), lease=lease), *_trim(state)]
        same_network = txn.created_at(keys.config(network), state.created)
        reply = await self._client.txn([same_network], writes, repeatable=True)  # it has its own id
        if not reply.succeeded:
            raise NotFound(f"There is no network {network} any more.")
        return test_id, reply.header.revision

    async def finish(self, network: str, host: str, test_id: str, result: HostResult) -> None:
        """Takes in what a host found; what comes too late is not kept.

        Raises:
            NotFound: there is no such test (any more).
            InvalidInput: the host was not asked.
            Unavailable: etcd does not answer in time.
        """
        stored = await self._stored(network, test_id)
        test = records.read_test(stored.value)
        if host not in test.hosts:
            raise InvalidInput(f"Host {host} was not asked in test {test_id}.")
        if test.is_closed:
            return
        write = txn.put(
            keys.test_result(network, test_id, host), records.write_result(result), lease=stored.lease
        )
        same_test = txn.created_at(stored.key, stored.create_revision)
        await self._client.txn([same_test], [write], repeatable=True)

    async def results(self, network: str, test_id: str) -> dict[str, HostResult]:
        """What the hosts found so far, by host.

        Raises:
            Unavailable: etcd does not answer in time.
        """
        prefix = keys.test_results(network, test_id)
        listing = await self._client.list(prefix)
        return {kv.key[len(prefix) :].decode(): records.read_result(kv.value) for kv in listing.kvs}

    def remaining_s(self, network: str, test_id: str, test: ConnectivityTest) -> float:
        """How long a test still runs; not positive if it is over."""
        heard_s = self._heard_s.setdefault((network, test_id), time.monotonic())
        return heard_s + test.timeout_s - time.monotonic()

    async def run(self) -> None:
        """Closes tests when their time is over, for ever."""
        while True:
            await asyncio.sleep(_TICK_S)
            running = self._running()
            self._heard_s = {key: s for key, s in self._heard_s.items() if key in running}
            for (network, test_id), test in running.items():
                if self.remaining_s(network, test_id, test) < -GRACE_S:
                    with contextlib.suppress(CladnetError):  # another controller, or the next tick
                        await self._close(network, test_id)

    def _running(self) -> dict[tuple[str, str], ConnectivityTest]:
        return {
            (network, test_id): each.test
            for network, state in self._replica.networks.items()
            for test_id, each in state.tests.items()
            if not each.test.is_done(each.answered)
        }

    async def _close(self, network: str, test_id: str) -> None:
        stored = await self._stored(network, test_id)
        closed = replace(records.read_test(stored.value), is_closed=True)
        await self._client.txn(
            [txn.unchanged(stored.key, stored.mod_revision)],
            [txn.put_on_same_lease(stored.key, records.write_test(closed))],
        )

    async def _stored(self, network: str, test_id: str) -> pb.KeyValue:
        stored = await self._client.get(keys.connectivity_test(network, test_id))
        if stored is None:
            raise no_such_test(network, test_id)
        return stored


def no_such_test(network: str, test_id: str) -> NotFound:
    """There is no test of that id, or there was one."""
    return NotFound(
        f"Network {network} has no connectivity test {test_id[:80]!r}.",
        hint=f"Tests are kept for {KEPT_S // 3600} h, the last {MOST_KEPT} of a network.",
    )


def _trim(state: NetworkState) -> list[pb.RequestOp]:
    """Makes room for one more test."""
    oldest_first: Sequence[str] = sorted(state.tests, key=lambda test_id: state.tests[test_id].revision)
    network = state.spec.name
    return [
        operation
        for test_id in oldest_first[: max(0, len(oldest_first) - MOST_KEPT + 1)]
        for operation in (
            txn.delete(keys.connectivity_test(network, test_id)),
            txn.delete_under(keys.test_results(network, test_id)),
        )
    ]
