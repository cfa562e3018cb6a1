# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""At which address a machine is reached, and through which bastion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.bastions import (
    Bastions,
    JumpHost,
)

PUBLIC, PRIVATE, OVERLAY = "public", "private", "overlay"


@dataclass(frozen=True)
class Route:
    """How a machine is reached; ``address`` is empty if it has none."""

    address: str
    through: Vm | JumpHost | None = None
    is_public: bool = True  # an address that no other machine has


@dataclass(frozen=True)
class Router:
    """Decides on the route of each machine.

    Args:
        connect_with: one of PUBLIC, PRIVATE, OVERLAY.
        overlay: addresses in the CLADNet by host.
        everyone_through: the bastion of all, if there is one.
        bastions: finds one for each machine that is reached at its private address, if that is wanted.
    """

    connect_with: str = PUBLIC
    overlay: Mapping[str, str] = field(default_factory=dict)
    everyone_through: Vm | JumpHost | None = None
    bastions: Bastions | None = None

    def lacks_bastion(self, route: Route) -> bool:
        """Whether a bastion was looked for and not found."""
        return bool(self.bastions and route.address and not route.is_public and not route.through)

    def route(self, host: str, vm: Vm) -> Route:
        """The route to a machine that is named so."""
        if vm == self.everyone_through:
            return Route(vm.public_ip)
        if host in self.overlay:
            return Route(self.overlay[host], self.everyone_through)
        address = own_address(vm, self.connect_with)
        is_public = address == vm.public_ip
        if self.everyone_through or not self.bastions or is_public:
            return Route(address, self.everyone_through, is_public)
        through = self.bastions.of(vm)
        if not through and self.bastions.is_bastion(vm):
            return Route(vm.public_ip)
        return Route(address, through, is_public=False)


def own_address(vm: Vm, connect_with: str) -> str:
    """The address of the wanted kind, else the other one."""
    if connect_with == PRIVATE:
        return vm.private_ip or vm.public_ip
    return vm.public_ip or vm.private_ip


def needs_bastion(vm: Vm, connect_with: str) -> bool:
    """Whether a machine is reached at its private address."""
    return own_address(vm, connect_with) != vm.public_ip
