# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How a peer gets from what it is to what it shall be, and what stands in the way."""

from __future__ import annotations

import binascii
import typing as t
from base64 import b64decode, b64encode
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from ._declarative import Action, Document, Plan, plan_presence
from ._endpoint import Endpoint
from ._errors import Conflict, InvalidInput
from ._names import check_host_name

if t.TYPE_CHECKING:
    from ._controller_api import ControllerApi

KEY_BYTES = 32
UNMANAGED_ONLY = ("public_key", "endpoint")
UNIQUE = {"address", "public_key"}


class PeerResource:
    """One peer of a network of a controller."""

    def __init__(self, api: ControllerApi, network: str, host: str) -> None:
        self._api = api
        self._network = network
        self._host = host

    def create(self, spec: Document) -> Document:
        """Keeps a place for it and returns it as it is now."""
        is_pinned = spec.get("static") and not spec.get("address")
        place = {option: value for option, value in spec.items() if option != "static"}
        made = self._api.create_peer(self._network, place)
        return self.update({"static": True}) if is_pinned else made

    def update(self, changes: Document) -> Document:
        """Changes what is given and returns it as it is now."""
        return self._api.update_peer(self._network, self._host, changes)

    def delete(self) -> None:
        """Takes it out of the network."""
        self._api.delete_peer(self._network, self._host)


def desired_peer(params: t.Mapping[str, t.Any]) -> Document:
    """Returns what the options of the module ask for, in the words of the API; None leaves one as it is.

    :raises InvalidInput: an option cannot be right.
    """
    if params["address"] and params["static"] is False:
        raise InvalidInput(
            f"Host {params['host']} cannot have the address {params['address']} and not keep it.",
            hint="An address that is given is static; leave out address or static.",
        )
    return {
        "host": check_host_name(params["host"]),
        "address": _address(params["address"]),
        "static": True if params["address"] else params["static"],
        "description": params["description"],
        "details": _details(params["details"]),
        "public_key": _public_key(params["public_key"]),
        "endpoint": _endpoint(params["endpoint"]),
    }


def plan_peer(before: Document | None, desired: Document) -> Plan:
    """Plans that a peer has its place in the network.

    :raises InvalidInput: a peer that has to be made has an endpoint and no key.
    :raises Conflict: what only a peer without agent has is asked of a host with one.
    """
    if desired["endpoint"] == "" and not (before and before["endpoint"]):
        desired = {**desired, "endpoint": None}  # nothing to forget
    plan = plan_presence(_comparable(before), desired)
    _check_kind(before, desired)
    is_addressed = desired["public_key"] or (before and before["address"])
    if plan.changes.get("static") and not desired["address"] and not is_addressed:
        raise InvalidInput(f"Host {desired['host']} has no address yet that could be fixed. Give address.")
    return plan


def needs_network(plan: Plan) -> bool:
    """Whether the plan can only be judged by the network and its other peers."""
    return plan.action is Action.CREATE or not UNIQUE.isdisjoint(plan.changes)


def check_place(network: Document, peers: t.Sequence[Document], plan: Plan) -> None:
    """Says what the network has against a plan; the controller would say the same, but not in check mode.

    :raises InvalidInput: the address is none that hosts of the network can have.
    :raises Conflict: another peer has the address or the public key.
    """
    _check_usable(network, plan.changes.get("address"))
    host = (plan.after or {})["host"]
    for option in sorted(UNIQUE & set(plan.changes)):
        value = plan.changes[option]
        holder = next(
            (peer["host"] for peer in peers if peer[option] == value and peer["host"] != host), None
        )
        if holder is not None:
            what = option.replace("_", " ")
            raise Conflict(f"The {what} {value} is that of host {holder} of network {network['name']}.")


def _check_usable(network: Document, address: str | None) -> None:
    space = IPv4Network(network["cidr"])
    if address is None or space[0] < IPv4Address(address) < space[-1]:
        return
    raise InvalidInput(
        f"{address} is no address for a host of network {network['name']}.",
        hint=f"Choose one from {space[1]} to {space[-2]}.",
    )


def _check_kind(before: Document | None, desired: Document) -> None:
    """Keeps apart what a host with an agent has and what a peer without has."""
    if before is None and desired["endpoint"] and not desired["public_key"]:
        raise InvalidInput(
            f"Host {desired['host']} has an endpoint and no public_key.",
            hint="Only a peer without agent has an endpoint to be told, and a public_key.",
        )
    misplaced = [option for option in UNMANAGED_ONLY if desired[option] is not None]
    if before and before["managed"] and misplaced:
        raise Conflict(
            f"Host {desired['host']} has an agent, so its {misplaced[0]} is not yours to choose.",
            hint="To make it a peer without agent, remove it first with state absent.",
        )


def _comparable(before: Document | None) -> Document | None:
    """The details without those that are empty, as ``desired_peer`` has them."""
    return before and {**before, "details": _details(before.get("details") or {})}


def _details(details: t.Mapping[str, str | None] | None) -> dict[str, str] | None:
    if details is None:
        return None
    return {name: value for name, value in sorted(details.items()) if value}


def _address(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(IPv4Address(text))
    except AddressValueError as exc:
        raise InvalidInput(f"address is {text!r}, which is no IPv4 address: {exc}.") from exc


def _public_key(text: str | None) -> str | None:
    if text is None:
        return None
    with suppress(binascii.Error, ValueError):  # ValueError: not ASCII
        key = b64decode(text, validate=True)
        if len(key) == KEY_BYTES:
            return b64encode(key).decode()
    raise InvalidInput(
        f"public_key is {text!r}, which is no WireGuard key.",
        hint="Give the 44 characters that 'wg pubkey' prints.",
    )


def _endpoint(text: str | None) -> str | None:
    """Nothing leaves it as it is, an empty text forgets it."""
    return str(Endpoint.parse(text)) if text else text
