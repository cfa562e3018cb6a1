# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What Tumblebug has stored about the machines: right when it last asked, not necessarily now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from lab.tumblebug.cloud import Action, Cloud, CloudError
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Machine, Namespace
from lab.tumblebug.status import IDLE

MachinePath = tuple[str, str, str]
"""namespace, infra, machine"""

GONE = frozenset({"Terminated", "Failed"})
"""Statuses of machines that are not at their cloud (any more)."""


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
    message: str = ""  # systemMessage
    host_key: str = ""  # as seen at the first ssh connection
    commands: tuple[Mapping[str, object], ...] = ()  # commandStatus, the newest last

    @property
    def at_cloud(self) -> bool:
        """Whether there is anything at the cloud to ask about."""
        return bool(self.machine.resource) and self.status not in GONE


class Records:
    """All stored records, refreshed from the cloud by the rules of Tumblebug.

    The record of a machine that exists no more stays: someone may just be reading its infra.

    Args:
        era: how long statuses are remembered, and what stands for an address that is not known yet.
        estate: the machines that exist.
        cloud: asked when a machine is polled.
        now: clock in seconds.
    """

    def __init__(
        self, era: Era, estate: Mapping[str, Namespace], cloud: Cloud, *, now: Callable[[], float]
    ) -> None:
        self._era = era
        self._cloud = cloud
        self._now = now
        self._lock = threading.RLock()
        self._records = {path: self._known(machine) for path, machine in _machines(estate)}

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
        record = self.stored(path)
        if not record.at_cloud:
            return "", "", 0
        instance = self._cloud.instance(record.machine.resource)
        return instance.public_ip, instance.private_ip, instance.ssh_port

    def creating(self, path: MachinePath, machine: Machine) -> None:
        """Notes a machine that shall be made."""
        action = Action.CREATE
        nowhere = self._era.unknown_address
        record = Record(machine, action.passing, nowhere, "", 0, action.final, action.title)
        with self._lock:
            self._records[path] = record

    def failed(self, path: MachinePath, message: str) -> None:
        """Notes that a machine could not be made."""
        with self._lock:
            self._records[path] = self._given_up(self._records[path], message)

    def greeted(self, path: MachinePath) -> None:
        """Notes the host key of a machine, as the first ssh connection to it does."""
        with self._lock:
            record = self._records[path]
            if not record.host_key and record.machine.resource:
                key = self._cloud.host_key(record.machine.resource)
                self._records[path] = replace(record, host_key=key)

    def forget_host_key(self, path: MachinePath) -> None:
        """Drops the host key, so that the next connection notes it anew."""
        with self._lock:
            self._records[path] = replace(self._records[path], host_key="")

    def note_command(self, path: MachinePath, entry: Mapping[str, object]) -> None:
        """Adds a command to the history of a machine."""
        with self._lock:
            record = self._records[path]
            numbered = {"index": len(record.commands) + 1, **entry}
            self._records[path] = replace(record, commands=(*record.commands, numbered))

    def replace_machine(self, path: MachinePath, machine: Machine) -> None:
        """Stores another description of a machine."""
        with self._lock:
            self._records[path] = replace(self._records[path], machine=machine)

    def _known(self, machine: Machine) -> Record:
        instance = self._cloud.instance(machine.resource)
        return Record(
            machine,
            status=instance.status,
            public_ip=instance.public_ip,
            private_ip=instance.private_ip,
            ssh_port=instance.ssh_port,
            polled_at_s=self._now(),
            message=instance.message,
            host_key=self._cloud.host_key(machine.resource),
        )

    def _is_fresh(self, record: Record) -> bool:
        if not record.at_cloud:
            return True
        if record.target_action != IDLE:
            return False
        return self._now() - record.polled_at_s < self._era.status_cache_s.get(record.status, 0)

    def _with_status(self, record: Record) -> Record:
        instance = self._cloud.instance(record.machine.resource)
        if instance.status == "Failed":
            return self._given_up(record, instance.message)
        return replace(record, status=instance.status, polled_at_s=self._now())

    def _given_up(self, record: Record, message: str) -> Record:
        failed = replace(record, status="Failed", message=message, polled_at_s=self._now())
        if self._era.failed_stay_targeted:
            return failed
        return replace(failed, target_status=IDLE, target_action=IDLE)

    def _reached(self, record: Record) -> Record:
        if record.status != record.target_status:
            return record
        return replace(self._with_addresses(record), target_status=IDLE, target_action=IDLE)

    def _with_addresses(self, record: Record) -> Record:
        try:
            instance = self._cloud.instance(record.machine.resource)
        except CloudError:
            return record
        private_ip = record.private_ip or instance.private_ip  # read once, when the machine is made
        return replace(
            record, public_ip=instance.public_ip, private_ip=private_ip, ssh_port=instance.ssh_port
        )


def _machines(estate: Mapping[str, Namespace]) -> Iterable[tuple[MachinePath, Machine]]:
    for namespace in estate.values():
        for infra in namespace.infras.values():
            for machine in infra.machines:
                yield (namespace.id, infra.id, machine.id), machine
