# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Which machines run the controllers: few, far from each other, and always the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import zip_longest

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm

GONE = ("Failed", "Terminated", "Terminating")
"""Statuses of machines that will not come back."""

_NUMBER = re.compile(r"[0-9]+")
_PLACES: tuple[Callable[[Vm], str], ...] = (
    lambda vm: vm.provider,
    lambda vm: vm.region,
    lambda vm: vm.zone,
)


def spread(vms: Sequence[Vm], count: int) -> list[Vm]:
    """So many machines, in turns from every provider, there from every region, there from every zone.

    The oldest come first, and what comes first does not depend on statuses: the same machines are chosen as
    long as they exist, unless machines in places without an older one join.

    Raises:
        InvalidInput: the number is even, or there are not so many machines.
    """
    alive = [vm for vm in vms if vm.status not in GONE]
    if count % 2 == 0:
        raise InvalidInput(
            f"cladnet_controllers_count is {count}, which survives no more failures than {count - 1} would.",
            hint="Choose an odd number: 1, 3 or 5.",
        )
    if count > len(alive):
        raise InvalidInput(
            f"cladnet_controllers_count is {count}, but cladnet_controllers selects only {len(alive)} VMs.",
            hint="Lower the number, or select more VMs.",
        )
    return in_turns(sorted(alive, key=_age), _PLACES)[:count]


def in_turns(vms: Sequence[Vm], places: Sequence[Callable[[Vm], str]]) -> list[Vm]:
    """The machines, one of each place after the other, and so on within each place."""
    if not places:
        return list(vms)
    parts: dict[str, list[Vm]] = {}
    for vm in vms:
        parts.setdefault(places[0](vm), []).append(vm)
    turns = zip_longest(*(in_turns(part, places[1:]) for part in parts.values()))
    return [vm for turn in turns for vm in turn if vm is not None]


def _age(vm: Vm) -> tuple[str, ...]:
    """Older first; machines of the same second by their ids, g1-2 before g1-10."""
    return vm.created, vm.namespace, vm.infra, _NUMBER.sub(lambda number: number[0].zfill(20), vm.id)
