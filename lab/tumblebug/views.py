# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Infras and machines as they are shown: which records are polled for it, and how fresh they are."""

from __future__ import annotations

from dataclasses import replace

from lab.tumblebug import render_infra
from lab.tumblebug.answers import Request
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Infra, Machine, Namespace
from lab.tumblebug.records import Record, Records
from lab.tumblebug.render_shared import Json


class Views:
    """Renders infras of an era."""

    def __init__(self, era: Era, records: Records) -> None:
        self._era = era
        self._records = records

    def listed(self, request: Request, namespace: Namespace, infra: Infra) -> Json:
        """The infra inside a list."""
        era, owner = self._era, (namespace.id, infra.id)
        if era.simple_is_full:
            return self.full(namespace, infra)
        records = self.polled(namespace, infra)
        if request.option == "simple":
            nodes = [render_infra.simple_machine(era, record) for record in records]
        elif era.lists_infra_records:
            nodes = [render_infra.listed_machine(era, owner, infra, record) for record in records]
        else:
            nodes = [render_infra.machine(era, owner, record) for record in records]
        return render_infra.infra(era, namespace.id, infra, nodes, [record.status for record in records])

    def full(self, namespace: Namespace, infra: Infra) -> Json:
        """The infra with fresh statuses; the addresses are those from before the status poll."""
        owner = (namespace.id, infra.id)
        before = [self._records.stored((*owner, each.id)) for each in in_order(infra)]
        after = self.polled(namespace, infra)
        nodes = [
            render_infra.machine(self._era, owner, _with_status_of(old, new))
            for old, new in zip(before, after, strict=True)
        ]
        statuses = [record.status for record in after]
        document = render_infra.infra(self._era, namespace.id, infra, nodes, statuses)
        return render_infra.with_target(document, after)

    def status(self, namespace: Namespace, infra: Infra) -> Json:
        """The status object of the infra."""
        return render_infra.status(self._era, namespace.id, infra, self.polled(namespace, infra))

    def access(self, request: Request, namespace: Namespace, infra: Infra) -> Json:
        """How to log in to the machines of the infra; Terminated ones are left out."""
        show_key = request.query.get("accessInfoOption", "").lower() == "showsshkey"
        rendered = []
        for record in self.polled(namespace, infra):
            if record.status == "Terminated":
                continue
            live = self._records.live_addresses((namespace.id, infra.id, record.machine.id))
            access = render_infra.machine_access(self._era, record, live, show_key=show_key)
            rendered.append((record, access))
        return render_infra.access(self._era, infra.id, rendered)

    def machine(self, namespace: Namespace, infra: Infra, machine_id: str) -> Json:
        """A machine as it is stored."""
        record = self._records.stored((namespace.id, infra.id, machine_id))
        return render_infra.machine(self._era, (namespace.id, infra.id), record)

    def polled(self, namespace: Namespace, infra: Infra) -> list[Record]:
        """The records of all machines after a status poll."""
        return [self._records.polled((namespace.id, infra.id, each.id)) for each in in_order(infra)]


def in_order(infra: Infra) -> list[Machine]:
    """Machines come in the order of their ids as text: g1-10 before g1-2."""
    return sorted(infra.machines, key=lambda machine: machine.id)


def _with_status_of(record: Record, polled: Record) -> Record:
    return replace(
        record,
        status=polled.status,
        target_status=polled.target_status,
        target_action=polled.target_action,
        message=polled.message,
    )
