# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""The groups cladnet_controllers and cladnet_agents, from the options of that name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.selection import by_labels
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.spread import spread

AGENTS, CONTROLLERS = "cladnet_agents", "cladnet_controllers"
ALL, NONE = "all", "none"


@dataclass(frozen=True)
class CladnetGroups:
    """Who does what in the network.

    Args:
        agents: ALL, NONE or a selector of labels.
        controllers: ALL, NONE or a selector of labels.
        subgroups: of which controllers are taken; empty means all.
        count: how many controllers are taken; 0 means all that are selected.
    """

    agents: str = NONE
    controllers: str = NONE
    subgroups: Sequence[str] = ()
    count: int = 0

    def groups(self, vms: Sequence[Vm]) -> dict[str, list[Vm]]:
        """The groups that are wanted, with their machines of whatever status; raises InvalidInput."""
        self._check()
        found = {}
        if self.agents != NONE:
            found[AGENTS] = _select(vms, self.agents, AGENTS)
        if self.controllers != NONE:
            found[CONTROLLERS] = self._controllers(vms)
        return found

    def _check(self) -> None:
        if self.count < 0:
            raise InvalidInput(f"{CONTROLLERS}_count is {self.count}, which is less than 0.")
        if self.controllers == NONE and (self.count or self.subgroups):
            raise InvalidInput(
                f"{CONTROLLERS} is none, but there is a choice of how many or of which subgroups.",
                hint=f"Set {CONTROLLERS} to all, or to a selector of labels.",
            )

    def _controllers(self, vms: Sequence[Vm]) -> list[Vm]:
        found = _select(vms, self.controllers, CONTROLLERS)
        if self.subgroups:
            found = [vm for vm in found if vm.subgroup in self.subgroups]
        return spread(found, self.count) if self.count else found


def _select(vms: Sequence[Vm], text: str, option: str) -> list[Vm]:
    selects: Callable[[Vm], bool] = by_labels("" if text == ALL else text, option)
    return [vm for vm in vms if selects(vm)]


def complaints(group: str, wanted: Sequence[Vm], present: Sequence[Vm]) -> list[str]:
    """What an operator should know about a group.

    Args:
        group: its name.
        wanted: the machines that belong to it.
        present: those of them that are hosts now.
    """
    found = [] if wanted else [f"The option {group} selects no VM, so that group is empty."]
    if group != CONTROLLERS or not wanted:
        return found
    there = {vm.path for vm in present}
    missing = [vm for vm in wanted if vm.path not in there]
    if missing:
        names = ", ".join(f"{vm.id} ({vm.status or 'no status'})" for vm in missing)
        found.append(
            f"{len(missing)} of the {len(wanted)} VMs that are controllers are no hosts now: {names}."
            " No other takes their place."
        )
    if len(wanted) % 2 == 0:
        fewer = len(wanted) - 1
        found.append(f"{len(wanted)} VMs are controllers, which survive no more failures than {fewer} would.")
    return found
