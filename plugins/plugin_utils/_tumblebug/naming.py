# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Names and variables of machines in the inventory: pure functions of what was fetched."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm

KINDS = ("namespace", "infra", "subgroup", "provider", "region", "zone", "vnet", "subnet", "label")
"""Everything that machines can be grouped by."""

_NAMES: tuple[Callable[[Vm], str], ...] = (
    lambda vm: vm.id,
    lambda vm: f"{vm.id}.{vm.infra}",
    lambda vm: f"{vm.id}.{vm.infra}.{vm.namespace}",
)
_HOST_NAME = re.compile(r"\w[\w.+:-]*")
_SYSTEM_LABEL = "sys."
_NO_HOSTVARS = frozenset({"key_file"})


def host_names(vms: Sequence[Vm]) -> list[str]:
    """A unique name for each machine, in the order given.

    The id, if no other machine has it; else the id with the infra; else with infra and namespace. Ids hold
    no dots, so the forms cannot be mistaken for each other. The names depend only on which machines exist,
    not on their order or status.
    """
    counts = [Counter(map(form, vms)) for form in _NAMES]
    return [
        next((form(vm) for form, count in zip(_NAMES, counts) if count[form(vm)] == 1), _NAMES[-1](vm))
        for vm in vms
    ]


def check_names(names: Sequence[str], vms: Sequence[Vm]) -> None:
    """Refuses names that Ansible cannot use, or that would make one host of several machines.

    Args:
        names: of the hosts.
        vms: their machines, in the same order.

    Raises:
        InvalidInput: naming the machines.
    """
    owners: dict[str, Vm] = {}
    for name, vm in zip(names, vms):
        if not _HOST_NAME.fullmatch(name):
            raise InvalidInput(
                f"The name of VM {'/'.join(vm.path)} is {name!r}, which no host can have.",
                hint="Let the option hostname give letters, digits, dots, hyphens and underscores.",
            )
        if name in owners:
            raise InvalidInput(
                f"VMs {'/'.join(owners[name].path)} and {'/'.join(vm.path)} would both be the host {name}.",
                hint="Add what tells them apart to the option hostname, such as the id and the infra.",
            )
        owners[name] = vm


@dataclass(frozen=True, order=True)
class Group:
    """A group; ``parts`` are what makes it unique, e.g. provider and region for a region."""

    kind: str
    parts: tuple[str, ...]

    def name(self, prefix: str) -> str:
        """A name that Ansible accepts: all but letters, digits and underscores becomes an underscore."""
        return re.sub(r"[^A-Za-z0-9_]", "_", prefix + "_".join((self.kind, *self.parts)))


def group_chains(vm: Vm, kinds: Collection[str]) -> list[tuple[Group, ...]]:
    """The groups of a machine, each chain from the widest to the narrowest; the machine is in the last.

    Args:
        vm: the machine.
        kinds: those of ``KINDS`` that are wanted.
    """
    chains = [
        _chain(kinds, ("namespace", vm.namespace), ("infra", vm.infra), ("subgroup", vm.subgroup)),
        _chain(kinds, ("provider", vm.provider), ("region", vm.region), ("zone", vm.zone)),
        _chain(kinds, ("vnet", vm.vnet), ("subnet", vm.subnet), within=(vm.namespace,)),
    ]
    if "label" in kinds:
        chains += [(Group("label", label),) for label in _user_labels(vm)]
    return [chain for chain in chains if chain]


def _chain(
    kinds: Collection[str], *levels: tuple[str, str], within: tuple[str, ...] = ()
) -> tuple[Group, ...]:
    groups = []
    for kind, value in levels:
        if not value:
            break
        within = (*within, value)
        if kind in kinds:
            groups.append(Group(kind, within))
    return tuple(groups)


def _user_labels(vm: Vm) -> list[tuple[str, ...]]:
    """Labels that people gave: the system's repeat what has groups of its own."""
    labels = sorted(vm.labels.items())
    return [(key, value) if value else (key,) for key, value in labels if not key.startswith(_SYSTEM_LABEL)]


def ambiguous(groups: Iterable[Group], prefix: str) -> dict[str, list[Group]]:
    """Names that several different groups would share, with those groups."""
    by_name: dict[str, set[Group]] = defaultdict(set)
    for group in groups:
        by_name[group.name(prefix)].add(group)
    return {name: sorted(found) for name, found in sorted(by_name.items()) if len(found) > 1}


def host_variables(vm: Vm, prefix: str) -> dict[str, Any]:
    """What Tumblebug says about a machine, as variables; nothing secret."""
    return {f"{prefix}{name}": value for name, value in vars(vm).items() if name not in _NO_HOSTVARS}
