# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How a network gets from what it is to what it shall be, and what stands in the way."""

from __future__ import annotations

import typing as t

from ._address_spaces import overlaps
from ._declarative import Action, Document, Plan, plan_absence, plan_presence
from ._errors import Conflict, InvalidInput
from ._network_spec import NetworkSpec, parse_cidr

if t.TYPE_CHECKING:
    from ._controller_api import ControllerApi

MAX_NAMED_OVERLAPS = 5
LIMITED = ("description", "mtu", "quarantine_s", "cipher")


class NetworkResource:
    """One network of a controller."""

    def __init__(self, api: ControllerApi, name: str, *, force: bool) -> None:
        self._api = api
        self._name = name
        self._force = force

    def create(self, spec: Document) -> Document:
        """Makes it and returns it as it is now."""
        return self._api.create_network(spec)

    def update(self, changes: Document) -> Document:
        """Changes what is given and returns it as it is now."""
        return self._api.update_network(self._name, changes)

    def delete(self) -> None:
        """Removes it."""
        self._api.delete_network(self._name, force=self._force)


def plan_network(before: Document | None, desired: Document, *, disjoint_from: t.Sequence[str]) -> Plan:
    """Plans that a network exists.

    :param desired: ``name`` and the options to set; ``None`` leaves one as it is.
    :param disjoint_from: networks in CIDR notation that its address space must not overlap.
    :raises InvalidInput: it has to be made and has no address space, or an option cannot be right; the
        controller would say the same, but not in check mode.
    :raises Conflict: the address space overlaps, or cannot change because the network has peers.
    """
    plan = plan_presence(before, desired)
    name, after = desired["name"], plan.after or {}
    if not after.get("cidr"):
        raise InvalidInput(
            f"Network {name} does not exist, and without cidr it cannot be made.",
            hint="Give cidr; the lookup cloud_barista.cladnet.available_address_spaces finds a free one.",
        )
    _check_limits(name, after)
    if plan.action is Action.UPDATE and "cidr" in plan.changes and (plan.before or {}).get("peers"):
        raise Conflict(_occupied_message(plan))
    _check_overlaps(name, after["cidr"], disjoint_from)
    return plan


def plan_no_network(before: Document | None, *, force: bool) -> Plan:
    """Plans that a network does not exist.

    :param force: whether it may still have peers.
    :raises Conflict: it has peers and ``force`` is not set.
    """
    plan = plan_absence(before)
    if before and before.get("peers") and not force:
        raise Conflict(
            f"Network {before['name']} still has {before['peers']} peers.",
            hint="Let the hosts leave first with the playbook cloud_barista.cladnet.uninstall, or set force.",
        )
    return plan


def _check_limits(name: str, after: Document) -> None:
    given = {option: after[option] for option in LIMITED if option in after}
    NetworkSpec(name, parse_cidr(after["cidr"]), **given)


def _occupied_message(plan: Plan) -> str:
    before = plan.before or {}
    return (
        f"Network {before['name']} has the address space {before['cidr']} and {before['peers']} peers, so it"
        f" cannot change to {plan.changes['cidr']}. Let the hosts leave first, or make another network."
    )


def _check_overlaps(name: str, cidr: str, disjoint_from: t.Sequence[str]) -> None:
    overlapping = overlaps(cidr, disjoint_from)
    if not overlapping:
        return
    named = ", ".join(overlapping[:MAX_NAMED_OVERLAPS])
    others = len(overlapping) - MAX_NAMED_OVERLAPS
    more = f" and {others} more" if others > 0 else ""
    raise Conflict(
        f"The address space {cidr} of network {name} overlaps {named}{more}.",
        hint="Choose another cidr with the lookup cloud_barista.cladnet.available_address_spaces, or remove"
        " that network from the hosts.",
    )
