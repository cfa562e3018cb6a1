# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What is known of the VMs of CB-Tumblebug, and what another look at them changes. Pure.

A VM that is on its way (Creating, Resuming) or that Tumblebug cannot ask for (Undefined) counts as it was
before: only where it arrives is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import RUNNING, Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import (
    host_names,
    host_variables,
)

Path = tuple[str, str, str]  # namespace, infra, id

TERMINATED = "Terminated"
PUBLIC_IP_CHANGED = "public_ip_changed"
_TYPE_OF_STATUS = {
    RUNNING: "vm_running",
    "Suspended": "vm_stopped",
    TERMINATED: "vm_terminated",
    "Failed": "vm_failed",
}
TYPES = (*_TYPE_OF_STATUS.values(), PUBLIC_IP_CHANGED)


@dataclass(frozen=True)
class KnownVm:
    """A VM as it was last seen.

    ``status`` is the last at which it stayed, ``public_ip`` the last that it had; both may be empty.
    ``fields`` are what Tumblebug said, ``host`` its name in the inventory.
    """

    host: str
    status: str
    public_ip: str
    fields: Mapping[str, Any]

    @property
    def uid(self) -> str:
        return str(self.fields["uid"])


@dataclass(frozen=True)
class VmChange:
    """One thing that happened to a VM."""

    type: str
    vm: KnownVm
    previous_status: str = ""
    previous_public_ip: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """What the rules see."""
        return {
            **self.vm.fields,
            "type": self.type,
            "host": self.vm.host,
            "status": self.vm.status,
            "previous_status": self.previous_status,
            "previous_public_ip": self.previous_public_ip,
        }

    @property
    def identity(self) -> str:
        """The same whenever the same change is told again."""
        fields = self.vm.fields
        parts = [fields[key] for key in ("namespace", "infra", "id", "uid", "created", "public_ip")]
        return "/".join([self.type, self.previous_status, self.previous_public_ip, *parts])


class FleetView:
    """All VMs as they were last seen."""

    def __init__(self, vms: Mapping[Path, KnownVm] | None = None) -> None:
        self._vms = dict(vms or {})

    def began_to_run(self, vm: Vm) -> bool:
        """Whether it runs and was not known to: Tumblebug's first answer may then hold its old address."""
        known = self._vms.get(_path(vm))
        return vm.status == RUNNING and (known is None or known.status != RUNNING)

    def look(self, vms: Sequence[Vm]) -> tuple[FleetView, list[VmChange]]:
        """The view after a look at all VMs, and what happened since the one before."""
        changes: list[VmChange] = []
        after: dict[Path, KnownVm] = {}
        for host, vm in zip(host_names(vms), vms, strict=True):
            path = _path(vm)
            before = self._vms.get(path)
            if before is not None and _is_another(before, vm):
                changes += _end(before)
                before = None
            after[path] = _known(host, vm, before)
            changes += _changes(before, after[path])
        for path in self._vms.keys() - after.keys():
            changes += _end(self._vms[path])
        return FleetView(after), changes

    def to_document(self) -> dict[str, Any]:
        """For a state file."""
        return {"vms": [dict(vars(vm)) for vm in self._vms.values()]}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> FleetView:
        """From a state file; raises KeyError or TypeError if it holds something else."""
        known = [KnownVm(**fields) for fields in document["vms"]]
        return cls({(vm.fields["namespace"], vm.fields["infra"], vm.fields["id"]): vm for vm in known})


def _path(vm: Vm) -> Path:
    return vm.namespace, vm.infra, vm.id


def _is_another(before: KnownVm, vm: Vm) -> bool:
    """Whether a new VM has got the id of one that is gone."""
    return bool(before.uid and vm.uid and before.uid != vm.uid)


def _known(host: str, vm: Vm, before: KnownVm | None) -> KnownVm:
    status, public_ip = (before.status, before.public_ip) if before else ("", "")
    if vm.status in _TYPE_OF_STATUS and not (vm.status == RUNNING and not vm.address):
        status = vm.status
    if vm.status == RUNNING:
        public_ip = vm.public_ip or public_ip
    return KnownVm(host, status, public_ip, host_variables(vm, ""))


def _changes(before: KnownVm | None, after: KnownVm) -> Iterator[VmChange]:
    status, public_ip = (before.status, before.public_ip) if before else ("", "")
    if after.status != status:
        yield VmChange(_TYPE_OF_STATUS[after.status], after, status, public_ip)
    if public_ip and after.public_ip != public_ip:
        yield VmChange(PUBLIC_IP_CHANGED, after, status, public_ip)


def _end(vm: KnownVm) -> list[VmChange]:
    """A VM that is not there any more, unless it was told already that it ended."""
    if vm.status == TERMINATED:
        return []
    gone = KnownVm(vm.host, TERMINATED, vm.public_ip, {**vm.fields, "public_ip": ""})
    return [VmChange(_TYPE_OF_STATUS[TERMINATED], gone, vm.status, vm.public_ip)]
