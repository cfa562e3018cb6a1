# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel device as it should be, and what to change where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network

DEFAULT_UNDERLAY_MTU_BYTES = 1500
# Outer IPv6 (40) + UDP (8) + WireGuard data header and tag (32).
TUNNEL_OVERHEAD_BYTES = 80
MIN_MTU_BYTES = 576


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A link as the kernel has it: its IPv4 addresses, and the networks that are routed to it."""

    index: int
    is_up: bool
    mtu_bytes: int
    addresses: frozenset[IPv4Interface]
    routes: frozenset[IPv4Network] = frozenset()


@dataclass(frozen=True, slots=True)
class DesiredDevice:
    """What the tunnel device should look like; no address while the host has none."""

    address: IPv4Interface | None
    mtu_bytes: int
    is_up: bool = True


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Put the address (and with it the route to the network) on the device."""

    address: IPv4Interface


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take an address off the device that is not ours (any more)."""

    address: IPv4Interface


@dataclass(frozen=True, slots=True)
class SetMtu:
    """Set the largest packet, in bytes."""

    mtu_bytes: int


@dataclass(frozen=True, slots=True)
class SetUp:
    """Bring the link up."""


@dataclass(frozen=True, slots=True)
class SetDown:
    """Take the link down."""


@dataclass(frozen=True, slots=True)
class RestoreRoute:
    """Route the network of the address to the device again; the kernel made that route, somebody took it."""

    address: IPv4Interface


DeviceAction = AddAddress | RemoveAddress | SetMtu | SetUp | SetDown | RestoreRoute


def plan_device(observed: DeviceState, desired: DesiredDevice) -> tuple[DeviceAction, ...]:
    """The changes that bring the device into shape; none if it is.

    The link comes up last, so that nothing is sent from a half-made device. One that is to be down is taken
    down, and left alone otherwise.
    """
    if not desired.is_up:
        return (SetDown(),) if observed.is_up else ()
    wanted = frozenset() if desired.address is None else frozenset({desired.address})
    surplus = sorted(observed.addresses - wanted)
    missing = sorted(wanted - observed.addresses)
    actions: list[DeviceAction] = [*map(RemoveAddress, surplus), *map(AddAddress, missing)]
    if observed.mtu_bytes != desired.mtu_bytes:
        actions.append(SetMtu(desired.mtu_bytes))
    if not observed.is_up:
        actions.append(SetUp())
    return (*actions, *_lost_route(observed, desired))


def _lost_route(observed: DeviceState, desired: DesiredDevice) -> tuple[RestoreRoute, ...]:
    """A route is lost only where the kernel should have one: it comes with the address and the link."""
    settled = observed.is_up and desired.address in observed.addresses
    if desired.address is None or not settled or desired.address.network in observed.routes:
        return ()
    return (RestoreRoute(desired.address),)


def tunnel_mtu(*, configured: int, network: int, underlay: int | None) -> int:
    """The MTU of the tunnel device in bytes: the host's option, else the network's, else from the underlay.

    An underlay of more than 1500 (jumbo frames inside a cloud) does not count: between clouds 1500 is what
    gets through, and a larger packet would vanish without a word.
    """
    if configured or network:
        return configured or network
    usable = min(underlay or DEFAULT_UNDERLAY_MTU_BYTES, DEFAULT_UNDERLAY_MTU_BYTES)
    return max(usable - TUNNEL_OVERHEAD_BYTES, MIN_MTU_BYTES)
