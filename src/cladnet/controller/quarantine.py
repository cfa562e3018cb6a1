# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Leases on which addresses stay reserved after their host left."""

from __future__ import annotations

import time

from cladnet.controller.etcd.client import EtcdClient


class Quarantine:
    """One lease for all addresses that are released within the same moment, not one for each.

    Args:
        client: connection to etcd.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client
        self._leases: dict[
            int, tuple[int, float]
        ] = {}  # by quarantine: lease id, monotonic time it is good until

    async def lease(self, quarantine_s: int) -> int:
        """A lease that keeps a key for at least ``quarantine_s`` seconds from now, and not much longer.

        Raises:
            Unavailable: etcd does not answer in time.
        """
        lease_id, good_until = self._leases.get(quarantine_s, (0, 0.0))
        if time.monotonic() < good_until:
            return lease_id
        shared_s = max(1, quarantine_s // 5)
        good_until = time.monotonic() + shared_s
        lease_id = await self._client.grant_lease(quarantine_s + shared_s)
        self._leases[quarantine_s] = (lease_id, good_until)
        return lease_id

    def forget(self) -> None:
        """Takes new leases from now on: etcd does not know one of ours any more."""
        self._leases.clear()
