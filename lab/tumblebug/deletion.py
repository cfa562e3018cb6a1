# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Deletion of infras and machines: a record goes when its machine is Terminated, or by force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.cloud import Action, CloudError
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Infra
from lab.tumblebug.lookup import Lookup, id_list
from lab.tumblebug.patience import Patience
from lab.tumblebug.records import GONE, MachinePath, Record, Records
from lab.tumblebug.register import Register
from lab.tumblebug.render_shared import Json
from lab.tumblebug.status import composite, refusal

MACHINE_WAIT_S = 6.0
DELETABLE = ("Terminated", "Undefined", "Failed")
DELETABLE_EMPTY = ("Preparing", "Prepared", "Empty")  # of infras without machines, from v0.12.6 on


class Deletion:
    """The routes of an era that delete."""

    def __init__(
        self,
        era: Era,
        *,
        find: Lookup,
        records: Records,
        register: Register,
        patience: Patience,
    ) -> None:
        self._era = era
        self._find = find
        self._records = records
        self._register = register
        self._patience = patience

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {"delete_infra": self.infra, "delete_machine": self.machine, "delete_infras": self.all_infras}

    def infra(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE of an infra."""
        namespace = self._find.namespace(parameters["ns"])
        self._find.infra(namespace, parameters["infra"])
        return id_list(self._delete(namespace.id, parameters["infra"], request.option.lower()))

    def all_infras(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE of all infras of a namespace."""
        namespace, title = self._find.namespace(parameters["ns"]), self._era.infra_title
        if not namespace.infras:
            return {"message": f"No {title} to delete"}
        for infra_id in sorted(namespace.infras):
            try:
                self._delete(namespace.id, infra_id, request.option.lower())
            except Refused as refused:
                raise Refused(500, f"Failed to delete All {title}s") from refused
        return {"message": f"All {title}s has been deleted"}

    def machine(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE of a machine."""
        path = (parameters["ns"], parameters["infra"], parameters["machine"])
        try:
            self._find.machine_path(parameters)
            self._end(path, force=request.option == "force")
        except (Refused, CloudError) as exc:
            text = f"Failed to delete the {self._era.node_title} info"
            raise Refused(self._era.client_error_code, text) from exc
        self._register.remove_machine(path)
        return {"message": f"Deleted the {self._era.node_title} info"}

    def refine(self, namespace: str, infra_id: str) -> None:
        """Drops the records of Failed and Undefined machines."""
        for path in self._paths(namespace, infra_id):
            if self._records.polled(path).status in ("Failed", "Undefined"):
                self._register.remove_machine(path)

    def give_back(self, namespace: str, infra_id: str) -> None:
        """Terminates all machines of an infra, waits for it and removes the infra."""
        self._terminate_all(namespace, infra_id)
        self._register.remove_infra(namespace, infra_id)

    def _delete(self, namespace: str, infra_id: str, option: str) -> list[str]:
        if option == "terminate" or (not option and self._era.terminates_by_default):
            self.refine(namespace, infra_id)
            self._terminate_all(namespace, infra_id)
        infra = self._find.namespace(namespace).infras[infra_id]
        records = [self._records.polled(path) for path in self._paths(namespace, infra_id)]
        status = infra.phase or composite(
            [record.status for record in records], failed_first=self._era.failed_first
        )
        if not self._deletable(status) and option != "force":
            raise Refused(500, self._not_deletable(infra_id, status))
        self._register.remove_infra(namespace, infra_id)
        return [*self._warnings(records), *self._gone(infra)]

    def _paths(self, namespace: str, infra_id: str) -> list[MachinePath]:
        infra = self._find.namespace(namespace).infras[infra_id]
        return sorted((namespace, infra_id, machine.id) for machine in infra.machines)

    def _terminate_all(self, namespace: str, infra_id: str) -> None:
        paths = self._paths(namespace, infra_id)
        for path in paths:
            record = self._records.polled(path)
            if record.at_cloud and record.status != Action.TERMINATE.passing:
                self._records.act(path, Action.TERMINATE)
        self._await_gone(paths, self._era.delete_wait_s)

    def _await_gone(self, paths: Sequence[MachinePath], limit_s: float) -> bool:
        deadline_s = self._patience.now() + limit_s
        return self._patience.until(
            lambda: all(self._records.polled(path).status in GONE for path in paths), deadline_s
        )

    def _end(self, path: MachinePath, *, force: bool) -> None:
        """Terminates a machine before its record goes; in newer tags ``force`` leaves it at its cloud."""
        if force and self._era.numeric:
            return
        record = self._records.polled(path)
        if not record.at_cloud or (refusal(Action.TERMINATE, record.status) and force):
            return
        if refusal(Action.TERMINATE, record.status):
            raise Refused(500, f"Terminate is not allowed for {self._era.node_title} under {record.status}")
        self._records.act(path, Action.TERMINATE)
        done = self._await_gone([path], MACHINE_WAIT_S)
        if self._era.numeric and not done:
            raise Refused(500, f"node {path[2]} not yet confirmed terminated; retry shortly")

    def _deletable(self, status: str) -> bool:
        words = (*DELETABLE, *DELETABLE_EMPTY) if self._era.numeric else DELETABLE
        return not status.startswith("Partial-") and any(word in status for word in words)

    def _not_deletable(self, infra_id: str, status: str) -> str:
        title = self._era.infra_title
        if not self._era.numeric:
            text = f"{title} {infra_id} is {status} and not {'/'.join(DELETABLE)}"
            return f"{text}, Deletion is not allowed (use option=force for force deletion)"
        if "Terminating" in status:
            text = f"{title} {infra_id} is still {status} — termination is in progress."
            return f"{text} Please retry deletion in a few minutes"
        text = f"{title} {infra_id} is {status}, which is not directly deletable."
        return f"{text} Use option=terminate to safely clean it up"

    def _warnings(self, records: Sequence[Record]) -> list[str]:
        """What a forced deletion has left behind at the clouds; older tags keep silent about it."""
        alive = [
            f"{each.machine.id}({each.machine.resource},{each.status})" for each in records if each.at_cloud
        ]
        if not alive or not self._era.numeric:
            return []
        return [f"[WARNING] {len(alive)} node(s) may remain on the CSP: {', '.join(alive)}"]

    def _gone(self, infra: Infra) -> list[str]:
        groups = sorted({machine.group for machine in infra.machines if machine.group})
        machines = sorted(machine.id for machine in infra.machines)
        lines = [f"{self._era.node_title}: {each}" for each in machines]
        lines += [f"{self._era.group_word}: {each}" for each in groups]
        lines.append(f"{self._era.infra_title}: {infra.id}")
        return [f"[Done] {line}" if self._era.has_uid else f"{line} [Done]" for line in lines]
