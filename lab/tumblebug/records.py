# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What Tumblebug has stored about the machines: right when it last asked, not necessarily now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from lab.tumblebug.cloud import Action, Cloud
from lab.tumblebug.estate import Estate, Machine
from lab.tumblebug.status import IDLE

MachinePath = tuple[str, str, str]
"""namespace, infra, machine"""


@dataclass(frozen=True, slots=True)
class Record:
    """The stored state of one machine."""

    machine: Machine
    status: str
    public_ip: str
    private_ip: str
    ssh_port: int
    target_status: str = IDLE
    target_action: str = IDLE
    polled_at_s: float = 0.0


class Records:
    """All stored records, refreshed from the cloud by the rules of Tumblebug.

    Args:
        estate: the machines that exist.
        cloud: asked when a machine is polled.
        cache_s: status -> seconds in which that status is not asked again (v0.12.9 and newer; else empty).
        now: clock in seconds.
    """

    def __init__(
        self, estate: Estate, cloud: Cloud, *, cache_s: Mapping[str, float], now: Callable[[], float]
    ) -> None:
        self._cloud = cloud
        self._cache_s = cache_s
        self._now = now
        self._lock = threading.RLock()
        self._records = {path: self._created(machine) for path, machine in _machines(estate)}

    def stored(self, path: MachinePath) -> Record:
        """The record as it is stored, without asking the cloud."""
        with self._lock:
            return self._records[path]

    def polled(self, path: MachinePath) -> Record:
        """The record after a status poll.

        Addresses are read again only when a poll sees the target status reached; an address that changed
        outside of Tumblebug stays unseen.
        """
        with self._lock:
            record = self._records[path]
            if self._is_fresh(record):
                return record
            self._records[path] = self._reached(self._with_status(record))
            return self._records[path]

    def act(self, path: MachinePath, action: Action) -> None:
        """Starts an action at the cloud; the address is read again right after the call."""
        resource = self.stored(path).machine.resource
        self._cloud.act(resource, action)
        with self._lock:
            record = replace(self._records[path], target_action=action.title, target_status=action.final)
            self._records[path] = self._with_addresses(record)

    def live_addresses(self, path: MachinePath) -> tuple[str, str, int]:
        """Public address, private address and SSH port as the cloud says now (option=accessinfo)."""
        instance = self._cloud.instance(self.stored(path).machine.resource)
        return instance.public_ip, instance.private_ip, instance.ssh_port

    def _created(self, machine: Machine) -> Record:
        instance = self._cloud.instance(machine.resource)
        return Record(
            machine,
            status=instance.status,
            public_ip=instance.public_ip,
            private_ip=instance.private_ip,
            ssh_port=instance.ssh_port,
            polled_at_s=self._now(),
        )

    def _is_fresh(self, record: Record) -> bool:
        if record.target_action != IDLE:
            return False
        return self._now() - record.polled_at_s < self._cache_s.get(record.status, 0)

    def _with_status(self, record: Record) -> Record:
        status = self._cloud.instance(record.machine.resource).status
        return replace(record, status=status, polled_at_s=self._now())

    def _reached(self, record: Record) -> Record:
        if record.status != record.target_status:
            return record
        return replace(self._with_addresses(record), target_status=IDLE, target_action=IDLE)

    def _with_addresses(self, record: Record) -> Record:
        instance = self._cloud.instance(record.machine.resource)
        return replace(record, public_ip=instance.public_ip, ssh_port=instance.ssh_port)


def _machines(estate: Estate) -> Iterable[tuple[MachinePath, Machine]]:
    for namespace in estate.values():
        for infra in namespace.infras.values():
            for machine in infra.machines:
                yield (namespace.id, infra.id, machine.id), machine
