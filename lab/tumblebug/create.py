# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Dynamic creation of infras, and of more machines in them; a request lasts until its machines run.

``policyOnPartialFailure`` does what the API document says of it: continue keeps Failed machines, refine drops
them, rollback removes the whole infra and answers with an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.bodies import TEXTS, Shape, decoded
from lab.tumblebug.cloud import Action, Cloud, CloudError, Order
from lab.tumblebug.deletion import Deletion
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Infra, Machine, uid
from lab.tumblebug.groups import Group, Groups, check_name, group_shape, labels_of_text
from lab.tumblebug.holding import Holding
from lab.tumblebug.lookup import Lookup
from lab.tumblebug.patience import Patience
from lab.tumblebug.records import MachinePath, Record, Records
from lab.tumblebug.register import Register
from lab.tumblebug.render_shared import Json
from lab.tumblebug.shared import Sharing
from lab.tumblebug.views import Views

CREATE_DEADLINE_S = 1200.0
"""CB-Spider's limit for making one machine."""


class Creation:
    """The routes of an era that make machines."""

    def __init__(
        self,
        era: Era,
        *,
        find: Lookup,
        records: Records,
        register: Register,
        views: Views,
        cloud: Cloud,
        groups: Groups,
        sharing: Sharing,
        deletion: Deletion,
        holding: Holding,
        patience: Patience,
    ) -> None:
        self._era = era
        self._find = find
        self._records = records
        self._register = register
        self._views = views
        self._cloud = cloud
        self._groups = groups
        self._sharing = sharing
        self._deletion = deletion
        self._holding = holding
        self._patience = patience

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {"create": self.create, "add_group": self.add_group, "scale_out": self.scale_out}

    def create(self, request: Request, parameters: Mapping[str, str]) -> Json | None:
        """POST /ns/{ns}/mcisDynamic, mciDynamic, infraDynamic."""
        namespace, body = parameters["ns"], decoded(self._era, request, infra_shape(self._era))
        infra = self._claimed(namespace, body)
        try:
            groups = self._requested_groups(infra.id, body)
        except Refused:
            self._register.remove_infra(namespace, infra.id)
            raise
        if request.option == "hold" and self._withdrawn(namespace, infra.id):
            return None
        self._register.change_infra(namespace, infra.id, lambda each: replace(each, phase=""))
        new = [machine_id for group in groups for machine_id in self._make(namespace, infra.id, group, 1)]
        return self._created(namespace, infra.id, new, body.get("policyOnPartialFailure") or "continue")

    def add_group(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """POST .../{infra}/vmDynamic, nodeGroupDynamic: a new group in an infra."""
        namespace, infra = parameters["ns"], self._infra(parameters)
        body = decoded(self._era, request, group_shape(self._era))
        if body["name"].lower() in {each.group for each in infra.machines}:
            text = f"The name for {self._era.group_word} (prefix of VM Id) {body['name']} already exists."
            raise Refused(self._era.client_error_code, text)
        group = self._groups.one_of(f"{infra.id}{len(infra.machines)}", body)
        check_name(self._era, group.name)
        new = self._make(namespace, infra.id, group, 1)
        return self._grown(namespace, infra.id, group.name, new)

    def scale_out(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """POST .../{infra}/subgroup/{group}: more machines like those of a group."""
        namespace, infra, name = parameters["ns"], self._infra(parameters), parameters["group"]
        number = int if self._era.numeric else str
        body = decoded(self._era, request, {self._era.add_key: number})
        machines = [each for each in infra.machines if each.group == name]
        if not machines:  # the original indexes an empty list here, which its framework turns into a 500
            raise Refused(500, "Internal Server Error")
        group = _like(machines[0], _count(body[self._era.add_key]))
        new = self._make(namespace, infra.id, group, 1 + _highest(machines))
        return self._grown(namespace, infra.id, name, new)

    def _infra(self, parameters: Mapping[str, str]) -> Infra:
        return self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])

    def _claimed(self, namespace: str, body: Json) -> Infra:
        """The new infra without machines; refused if the name cannot be or is taken."""
        check_name(self._era, body["name"])
        label = body["label"]
        infra = Infra(
            body["name"],
            (),
            description=body["description"],
            labels=labels_of_text(label) if isinstance(label, str) else label,
            phase="Preparing",
        )
        if not self._register.claim_infra(namespace, infra):
            raise Refused(self._era.client_error_code, f"The {self._era.infra} {infra.id} already exists.")
        return infra

    def _requested_groups(self, infra: str, body: Json) -> Sequence[Group]:
        policy = body.get("policyOnPartialFailure")
        if policy and policy not in self._era.failure_policies:
            raise Refused(self._era.client_error_code, f"invalid policyOnPartialFailure: {policy}")
        if not body[self._era.dynamic_groups]:
            raise Refused(self._era.client_error_code, self._no_groups(infra))
        groups = self._groups.all_of(infra, body[self._era.dynamic_groups])
        for group in groups:
            check_name(self._era, group.name)
        if len({group.name for group in groups}) < len(groups):
            raise Refused(self._era.client_error_code, f"Duplicated {self._era.group_word} ID")
        return groups

    def _no_groups(self, infra: str) -> str:
        if self._era.numeric:
            return _failed_at_last(infra, "no VM requests provided")
        struct = f"Tb{self._era.infra_title.capitalize()}Req"
        return f"Key: '{struct}.Vm' Error:Field validation for 'Vm' failed on the 'required' tag"

    def _withdrawn(self, namespace: str, infra_id: str) -> bool:
        """Waits for a control action to go on or to give up; whether it was given up."""
        self._register.change_infra(namespace, infra_id, lambda each: replace(each, phase="Prepared"))
        self._patience.until(lambda: self._holding.decision(namespace, infra_id) is not None)
        if self._holding.taken(namespace, infra_id) == "continue":
            return False
        self._register.remove_infra(namespace, infra_id)
        return True

    def _make(self, namespace: str, infra_id: str, group: Group, first: int) -> list[str]:
        """Orders the machines of a group; returns their ids at once."""
        shared = self._sharing.of(self._find.namespace(namespace), group.region, group.zone)
        self._register.share(namespace, shared)
        ids = group.ids(first)
        for machine_id in ids:
            machine = Machine(
                id=machine_id,
                group=group.name if group.size else "",
                resource="",
                network=shared.network,
                key_pair=shared.key_pair,
                labels=group.labels or {},
                user=shared.user,
                created=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S"),
                description=group.description,
                spec=group.spec,
                image=group.image,
                root_disk_type=group.root_disk_type or "default",
                root_disk_gb=group.root_disk_gb,
            )
            self._register.add_machine(namespace, infra_id, machine)
        for machine_id in ids:
            self._order(namespace, infra_id, machine_id, group)
        return ids

    def _order(self, namespace: str, infra_id: str, machine_id: str, group: Group) -> None:
        path = (namespace, infra_id, machine_id)
        machine = self._records.stored(path).machine
        order = Order(uid(*path), machine.network, group.spec, group.image, machine.user)
        try:
            resource = self._cloud.create(order)
        except CloudError as exc:
            self._records.failed(path, str(exc))
            return
        self._register.change_machine(path, lambda each: replace(each, resource=resource))

    def _settled(self, namespace: str, infra_id: str, ids: Iterable[str]) -> list[Record]:
        """The records of machines when none of them is Creating any more."""
        deadline_s = self._patience.now() + CREATE_DEADLINE_S
        paths = [(namespace, infra_id, machine_id) for machine_id in ids]
        for path in paths:
            if not self._patience.until(partial(self._is_settled, path), deadline_s):
                self._records.failed(path, f"no answer of the cloud in {CREATE_DEADLINE_S:.0f} s")
        return [self._records.polled(path) for path in paths]

    def _is_settled(self, path: MachinePath) -> bool:
        return self._records.polled(path).status != Action.CREATE.passing

    def _created(self, namespace: str, infra_id: str, ids: Sequence[str], policy: str) -> Json:
        records = self._settled(namespace, infra_id, ids)
        failed = [record for record in records if record.status == "Failed"]
        if not self._era.failure_policies:
            return self._shown(namespace, infra_id) | _create_target()
        if not failed:
            return self._shown(namespace, infra_id)
        self._note_failures(namespace, infra_id, records, failed, policy)
        if len(failed) == len(records):
            raise Refused(self._era.client_error_code, _all_failed(infra_id, failed))
        if policy == "rollback":
            self._deletion.give_back(namespace, infra_id)
            raise Refused(self._era.client_error_code, _rolled_back(failed))
        if policy == "refine":
            self._deletion.refine(namespace, infra_id)
        return self._shown(namespace, infra_id) | {"creationErrors": _errors(records, failed, policy)}

    def _note_failures(
        self, namespace: str, infra_id: str, records: Sequence[Record], failed: Sequence[Record], policy: str
    ) -> None:
        lines = (
            f"VM creation failed for {len(failed)} out of {len(records)} VMs",
            *(f"VM '{each.machine.id}' creation failed: {each.message}" for each in failed),
            f"Failure handling policy: {policy}",
        )
        self._register.change_infra(namespace, infra_id, lambda infra: replace(infra, messages=lines))

    def _grown(self, namespace: str, infra_id: str, group: str, new: Sequence[str]) -> Json:
        self._settled(namespace, infra_id, new)
        document = self._shown(namespace, infra_id)
        if not self._era.numeric:  # up to v0.12.2 the whole group was called new
            new = [each["id"] for each in document[self._era.node] if each[self._era.group_key] == group]
        return document | {f"new{self._era.node.capitalize()}List": list(new)}

    def _shown(self, namespace: str, infra_id: str) -> Json:
        owner = self._find.namespace(namespace)
        return self._views.full(owner, self._find.infra(owner, infra_id))


def infra_shape(era: Era) -> dict[str, Shape]:
    """The body of a dynamic request."""
    label: Shape = TEXTS if era.has_uid else str
    policy = {"policyOnPartialFailure": str} if era.failure_policies else {}
    texts = ("name", "description", "installMonAgent", "systemLabel")
    return dict.fromkeys(texts, str) | policy | {"label": label, era.dynamic_groups: [group_shape(era)]}


def _create_target() -> Json:
    """Up to v0.11.3 the answer to a creation still shows the action, though it is done."""
    return {"targetAction": Action.CREATE.title, "targetStatus": Action.CREATE.final}


def _like(machine: Machine, count: int) -> Group:
    """A group of so many machines like this one; the original does not copy labels."""
    if machine.spec is None or machine.image is None:
        raise Refused(500, f"Failed to get the spec of {machine.id}: record not found")
    return Group(
        machine.group,
        count,
        machine.spec,
        machine.image,
        zone=machine.network.zone,
        description=machine.description,
        root_disk_type=machine.root_disk_type,
        root_disk_gb=machine.root_disk_gb,
    )


def _count(given: int | str) -> int:
    """How many machines to add: one, if that is no number of at least one."""
    if isinstance(given, str):
        given = int(given) if given.isdigit() else 1
    return max(given, 1)


def _highest(machines: Iterable[Machine]) -> int:
    numbers = [each.id.rpartition("-")[2] for each in machines]
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _all_failed(infra: str, failed: Sequence[Record]) -> str:
    reasons = "; ".join(sorted({each.message for each in failed}))
    detail = f"Infra '{infra}' creation failed: all {len(failed)} VMs failed to create.\n\nError: {reasons}"
    return _failed_at_last(infra, detail)


def _failed_at_last(infra: str, detail: str) -> str:
    return f"Infra '{infra}' creation failed in final provisioning stage.\n\nDetail: {detail}\n"


def _rolled_back(failed: Sequence[Record]) -> str:
    reasons = " ".join(f"VM creation failed for '{each.machine.id}': {each.message}" for each in failed)
    return f"VM creation failed, Infra rolled back: [{reasons}]"


def _errors(records: Sequence[Record], failed: Sequence[Record], policy: str) -> Json:
    stamp = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {
        "nodeObjectCreationErrors": None,
        "nodeCreationErrors": [
            {"nodeName": each.machine.id, "error": each.message, "phase": "vm_creation", "timestamp": stamp}
            for each in failed
        ],
        "totalNodeCount": len(records),
        "successfulNodeCount": len(records) - len(failed),
        "failedNodeCount": len(failed),
        "failureHandlingStrategy": policy,
    }
