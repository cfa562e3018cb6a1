# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Looks at the VMs of CB-Tumblebug again and again, and tells the rules what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.daemon_thread import (
    in_daemon_thread,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.fleet_view import FleetView
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Outlet
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.state_file import StateFile
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._backoff import Backoff
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import NotFound, Unavailable
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm

LOG = logging.getLogger("cloud_barista.cladnet.tumblebug_vms")


@dataclass(frozen=True)
class Fleet:
    """Which VMs to look at; empty means all, or for ``era`` that it is found out."""

    era: str = ""
    namespaces: tuple[str, ...] = ()
    infras: tuple[str, ...] = ()

    def holds(self, namespace: str, infra: str) -> bool:
        """Whether an infra is meant, by id or by namespace/id."""
        return not self.infras or infra in self.infras or f"{namespace}/{infra}" in self.infras


@dataclass(frozen=True)
class Interest:
    """What the rules want to be told.

    Args:
        types: of events; empty for all.
        emit_existing: whether what is there at the very beginning is told as new.
        interval_s: how long to wait after one look before the next.
    """

    types: Collection[str] = ()
    emit_existing: bool = False
    interval_s: float = 30.0


class FleetPoller:
    """Looks, compares, tells, waits.

    Args:
        client: asks CB-Tumblebug, within its rate limit.
        fleet: what to look at.
        interest: what the rules want.
        outlet: where events go.
        state_file: remembers what is known.
        backoff: how long to wait in place of the interval when Tumblebug does not answer.
    """

    def __init__(
        self,
        client: Client,
        fleet: Fleet,
        interest: Interest,
        *,
        outlet: Outlet,
        state_file: StateFile,
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._fleet = fleet
        self._interest = interest
        self._outlet = outlet
        self._state_file = state_file
        self._backoff = backoff
        self._era = fleet.era
        self._view: FleetView | None = None
        self._missing: set[str] = set()  # infras that are wanted and were not there

    async def run(self) -> None:
        """Goes on until it is cancelled.

        Raises:
            Unauthorized: CB-Tumblebug does not accept the login.
            InvalidInput: an argument is wrong in a way that only shows when it is used.
        """
        self._view = await self._state_file.load(FleetView.of_document)
        while True:
            wait_s = await self._look()
            await asyncio.sleep(wait_s)

    async def _look(self) -> float:
        """One look; gives the seconds to wait until the next."""
        try:
            vms = await in_daemon_thread(self._vms)
        except (Unavailable, NotFound) as exc:
            LOG.warning("%s", exc)
            self._era = self._fleet.era  # CB-Tumblebug may come back as another release
            return self._backoff.next_s()
        self._backoff.reset()
        await self._tell(vms)
        return self._interest.interval_s

    async def _tell(self, vms: list[Vm]) -> None:
        before = self._view or FleetView()
        after, changes = before.look(vms)
        if self._view is None and not self._interest.emit_existing:
            changes = []
        wanted = self._interest.types
        for change in changes:
            if not wanted or change.type in wanted:
                host, identity = change.vm.host, change.identity
                await self._outlet.put("tumblebug", change.fields, host=host, identity=identity)
        self._view = after
        await self._state_file.save(after.to_document())

    # --- in a thread of its own, while nothing else happens here ---

    def _vms(self) -> list[Vm]:
        namespaces = self._fleet.namespaces or tuple(self._client.namespaces())
        if not namespaces:
            return []
        self._era = self._era or self._client.detect_era(namespaces[0])
        infras = [(each, infra) for each in namespaces for infra in self._client.infras(self._era, each)]
        self._warn_of_missing(infras)
        chosen = [infra for infra in infras if self._fleet.holds(*infra)]
        found = [vm for infra in chosen for vm in self._vms_of_infra(*infra)]
        return sorted(found, key=lambda vm: (vm.namespace, vm.infra, vm.id))

    def _warn_of_missing(self, infras: Sequence[tuple[str, str]]) -> None:
        """Says once of every infra that is wanted and not there that it is waited for."""
        there = {form for infra in infras for form in (infra[1], "/".join(infra))}
        missing = set(self._fleet.infras) - there
        for name in sorted(missing - self._missing):
            LOG.warning("CB-Tumblebug has no infra %s; as soon as it has, its VMs are looked at.", name)
        self._missing = missing

    def _vms_of_infra(self, namespace: str, infra: str) -> list[Vm]:
        view = self._view or FleetView()
        try:
            vms = self._client.vms(self._era, namespace, infra)
            if any(map(view.began_to_run, vms)):
                vms = self._client.vms(self._era, namespace, infra)  # now with the addresses that they have
        except NotFound:
            return []  # deleted since it was listed
        return vms
