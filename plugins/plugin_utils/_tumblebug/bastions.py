# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Through which machine another one is reached."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import (
    DEFAULT_SSH_PORT,
    RUNNING,
    Vm,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.fetch import Fetched

_Place = tuple[str, ...]
_SCHEME = "ssh://"
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")  # never an option of ssh

MOST_OF_A_PLACE = 16
"""So many machines that nobody registered serve one subnet or vNet: enough to share the load."""


@dataclass(frozen=True)
class JumpHost:
    """A bastion that Tumblebug does not know; its keys are the user's business."""

    host: str
    user: str = ""
    port: int = DEFAULT_SSH_PORT

    @classmethod
    def parse(cls, url: str) -> JumpHost:
        """Reads ssh://user@host:port, of which user and port may be missing; raises InvalidInput."""
        try:
            parts = urlsplit(url)
            found = cls(parts.hostname or "", parts.username or "", parts.port or DEFAULT_SSH_PORT)
            extra = parts.password or parts.path.strip("/") or parts.query or parts.fragment
            usable = not extra and all(map(_WORD.fullmatch, (found.host, found.user or "user")))
        except ValueError:
            usable = False
        if not usable:
            raise InvalidInput("bastion is no address like ssh://user@host:port.")
        return found


class Bastions:
    """Finds the bastion of a machine as CB-Tumblebug itself does.

    The registered ones of its subnet come first, those that a person registered before Tumblebug's own; then
    any machine of its subnet, then of its vNet. Only running machines with a public address serve.

    Args:
        fetched: all machines and the registered bastions.
    """

    def __init__(self, fetched: Fetched) -> None:
        self._ranks: list[defaultdict[_Place, list[Vm]]] = [defaultdict(list) for _rank in range(4)]
        usable = {vm.path: vm for vm in fetched.all_vms if vm.public_ip and vm.status == RUNNING}
        self._own = {(bastion.place, bastion.path) for bastion in fetched.bastions}
        for bastion in fetched.bastions:
            if bastion.path in usable:
                self._ranks[0 if bastion.manual else 1][bastion.place].append(usable[bastion.path])
        for vm in usable.values():
            for rank, place in ((self._ranks[2], _subnet(vm)), (self._ranks[3], _vnet(vm))):
                if len(rank[place]) < MOST_OF_A_PLACE:
                    rank[place].append(vm)

    def of(self, target: Vm) -> Vm | None:
        """The bastion of a machine; None if there is none, or it is a bastion of its subnet itself."""
        if self.is_bastion(target):
            return None
        places = (_subnet(target), _subnet(target), _subnet(target), _vnet(target))
        for rank, place in zip(self._ranks, places):
            others = [vm for vm in rank.get(place, ()) if vm.path != target.path]
            if others:
                return _one_for(target, others)
        return None

    def is_bastion(self, vm: Vm) -> bool:
        """Whether a machine is registered as bastion of its own subnet, and has a public address."""
        return bool(vm.public_ip) and (_subnet(vm), vm.path) in self._own


def bastion_of_all(text: str, vms: Sequence[Vm]) -> Vm | JumpHost:
    """The bastion that a person chose for all machines.

    Args:
        text: ssh://user@host:port, or the id of a machine with or without infra and namespace.
        vms: all machines.

    Raises:
        InvalidInput: it is neither, or several machines have the id, or the one has no public address.
    """
    if text.startswith(_SCHEME):
        return JumpHost.parse(text)
    found = [vm for vm in vms if text in _forms(vm)]
    if len(found) != 1:
        owners = ", ".join(sorted(_forms(vm)[-1] for vm in found)) or "no VM"
        raise InvalidInput(
            f"bastion is {text!r}, which is the id of {owners}.",
            hint="Give the id of one VM, id.infra, id.infra.namespace, or ssh://user@host:port.",
        )
    if not found[0].public_ip:
        raise InvalidInput(f"bastion is {text!r}, but that VM has no public address.")
    return found[0]


def _forms(vm: Vm) -> tuple[str, ...]:
    return vm.id, f"{vm.id}.{vm.infra}", f"{vm.id}.{vm.infra}.{vm.namespace}"


def _one_for(target: Vm, bastions: Sequence[Vm]) -> Vm:
    """One of several, the same for the same machine: machines are spread evenly, and few move if one goes."""
    return max(bastions, key=lambda bastion: sha256(repr((target.path, bastion.path)).encode()).digest())


def _subnet(vm: Vm) -> _Place:
    return vm.namespace, vm.vnet, vm.subnet


def _vnet(vm: Vm) -> _Place:
    return vm.namespace, vm.vnet
