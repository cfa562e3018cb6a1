# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Hosts, groups and variables, written into the inventory of Ansible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible.utils.vars import combine_vars, validate_variable_name
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import (
    Group,
    ambiguous,
    group_chains,
    host_variables,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.trust import trust

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData

_IDENTITY = ("namespace", "infra", "id", "uid")


class HostWriter:
    """Adds machines as hosts.

    Args:
        inventory: of Ansible.
        hostvars_prefix: of the names of all variables that are Tumblebug's.
        group_prefix: of the names of all groups.
        warn: told about groups that fall together.

    Raises:
        InvalidInput: names with the prefix are none of variables.
    """

    def __init__(
        self,
        inventory: InventoryData,
        *,
        hostvars_prefix: str,
        group_prefix: str,
        warn: Callable[[str], None],
    ) -> None:
        self._inventory = inventory
        self._hostvars_prefix = hostvars_prefix
        self._group_prefix = group_prefix
        self._warn = warn
        self._check_prefix()

    def _check_prefix(self) -> None:
        try:
            validate_variable_name(f"{self._hostvars_prefix}id")
        except Exception as exc:  # of a type that is Ansible's own
            raise InvalidInput(
                f"hostvars_prefix is {self._hostvars_prefix!r}, with which no variable can begin.",
                hint="Use letters, digits and underscores, and a letter at the beginning.",
            ) from exc

    def add(self, name: str, vm: Vm, variables: Mapping[str, Any]) -> None:
        """Adds a host with what is known of its machine and further variables.

        Raises:
            InvalidInput: another machine, of an inventory source that was read before, has this name.
        """
        own = host_variables(vm, self._hostvars_prefix)
        known = self._inventory.get_host(name)
        if known:
            self._check_same(name, known.vars, own)
        self._inventory.add_host(name)
        host = self._inventory.get_host(name)
        # set_variable() checks and tags each value anew, which takes longer than all the rest.
        host.vars = combine_vars(
            host.vars, {key: trust(value) for key, value in {**own, **variables}.items()}
        )

    def _check_same(self, name: str, known: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        identity = [f"{self._hostvars_prefix}{part}" for part in _IDENTITY]
        if any(key in known and known[key] != own[key] for key in identity):
            raise InvalidInput(
                f"Another inventory source has a VM that is the host {name}, too:"
                f" {'/'.join(str(known.get(key, '')) for key in identity[:3])}.",
                hint="Give the hosts of one of them other names by the option hostname.",
            )

    def group(self, hosts: Sequence[tuple[str, Vm]], kinds: Collection[str]) -> None:
        """Groups hosts by what they are and where they stand, narrow groups within wider ones."""
        members: dict[tuple[Group, ...], list[str]] = defaultdict(list)
        for name, vm in hosts:
            for chain in group_chains(vm, kinds):
                members[chain].append(name)
        names = self._add_groups(members)
        for chain in sorted(members):  # while groups have no parents, in which each host would be looked for
            self.fill(names[chain[-1]], members[chain])
        self._link(names, members)

    def fill(self, group: str, hosts: Iterable[str]) -> None:
        """Puts hosts into a group, which is made if it does not exist."""
        self._inventory.add_group(group)
        for name in hosts:
            self._inventory.add_child(group, name)

    def _add_groups(self, chains: Collection[tuple[Group, ...]]) -> dict[Group, str]:
        """Adds every group of the chains; gives their names."""
        names = {group: group.name(self._group_prefix) for chain in chains for group in chain}
        self._warn_of_ambiguous(names)
        for name in sorted(set(names.values())):
            self._inventory.add_group(name)
        return names

    def _link(self, names: Mapping[Group, str], chains: Iterable[tuple[Group, ...]]) -> None:
        edges = {pair for chain in chains for pair in zip(chain, chain[1:])}
        for wider, narrower in sorted(edges):
            self._inventory.add_child(names[wider], names[narrower])

    def _warn_of_ambiguous(self, groups: Iterable[Group]) -> None:
        for name, found in ambiguous(groups, self._group_prefix).items():
            different = ", ".join(f"{group.kind} {'/'.join(group.parts)}" for group in found)
            self._warn(f"Group {name} holds the hosts of several: {different}.")
