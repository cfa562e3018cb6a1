# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Tells agents and other controllers that this controller runs, for as long as it does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable

from cladnet import __version__
from cladnet.controller import keys, records
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.lease import Lease
from cladnet.core.backoff import Backoff
from cladnet.core.errors import CladnetError
from cladnet.core.rule_table import ControllerEntry

log = logging.getLogger(__name__)

LEASE_S = 10


class Membership:
    """The entry of this controller in etcd, on a lease.

    Args:
        client: connection to etcd.
        controller: name and addresses at which agents reach this controller from outside.
        on_lease: told the lease on which this controller may write what ends with it; 0 while there is none.
    """

    def __init__(
        self, client: EtcdClient, controller: ControllerEntry, on_lease: Callable[[int], None]
    ) -> None:
        self._client = client
        self._controller = controller
        self._on_lease = on_lease
        self._lease: Lease | None = None

    async def run(self) -> None:
        """Keeps the entry there for ever, whatever happens to etcd."""
        backoff = Backoff(first_s=0.2, ceiling_s=3.0, rng=random.SystemRandom())
        while True:
            with contextlib.suppress(CladnetError):  # the informer says what is wrong with etcd
                lease = await self._enter()
                backoff.reset()
                log.info("Registered as controller %s.", self._controller.name)
                self._on_lease(lease.lease_id)
                await lease.keep()
                self._on_lease(0)
                log.warning("The registration as controller %s was lost.", self._controller.name)
            await asyncio.sleep(backoff.next_s())

    async def leave(self) -> None:
        """Takes the entry away. The lease runs on: hosts that were connected here have that time to go on."""
        if self._lease is not None:
            entry = txn.delete(keys.member(self._controller.name))
            with contextlib.suppress(CladnetError):
                await self._client.txn([], [entry], repeatable=True)

    async def _enter(self) -> Lease:
        self._lease = lease = await Lease.grant(self._client, LEASE_S)
        entry = txn.put(
            keys.member(self._controller.name),
            records.write_controller(self._controller, __version__),
            lease=lease.lease_id,
        )
        await self._client.txn([], [entry], repeatable=True)
        return lease
