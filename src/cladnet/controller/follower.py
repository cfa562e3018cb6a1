# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Keeps the replica up with etcd, and lets others wait for what they wrote or for what comes next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from cladnet.controller.etcd.informer import Batch, Informer
from cladnet.controller.replica import NetworkState, Replica
from cladnet.core.errors import Unavailable

_OWN_WRITE_S = 2.0


class Follower:
    """The replica and the informer that feeds it.

    Args:
        informer: follows everything of ours in etcd.
        on_change: called with the name of each network whose hosts have something to learn.
    """

    def __init__(self, informer: Informer, on_change: Callable[[str], None]) -> None:
        self.replica = Replica()
        self.synced = False
        self._informer = informer
        self._on_change = on_change
        self._moved = asyncio.Condition()

    @property
    def connected(self) -> bool:
        """Whether changes arrive now; if not, the replica is the last known state."""
        return self._informer.connected

    def networks(self) -> dict[str, NetworkState]:
        """All networks by name.

        Raises:
            Unavailable: etcd was not read since the start.
        """
        self._check_synced()
        return self.replica.networks

    def network(self, name: str) -> NetworkState:
        """The network of that name.

        Raises:
            NotFound: there is none.
            Unavailable: etcd was not read since the start.
        """
        self._check_synced()
        return self.replica.network(name)

    async def run(self) -> None:
        """Follows etcd for ever."""
        async with contextlib.aclosing(self._informer.batches()) as batches:
            async for batch in batches:
                await self._take_in(batch)

    async def reached(self, revision: int) -> None:
        """Waits a moment until the replica has the revision, so that a caller reads its own write."""

        async def wait() -> None:
            async with self._moved:
                await self._moved.wait_for(lambda: self.replica.revision >= revision)

        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(wait(), _OWN_WRITE_S)

    async def _take_in(self, batch: Batch) -> None:
        for network in self.replica.apply(batch):
            self._on_change(network)
        if batch.new_history:
            for network in self.replica.networks:
                self._on_change(network)
        self.synced = True
        async with self._moved:
            self._moved.notify_all()

    def _check_synced(self) -> None:
        if not self.synced:
            raise Unavailable(
                "This controller has not read etcd since its start.", hint="Check that etcd runs and answers."
            )
