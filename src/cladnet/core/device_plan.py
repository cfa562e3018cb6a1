# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel device as it should be, and what to change where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from types import MappingProxyType

from cladnet.core.path_mtu import IPV6_OVERHEAD_BYTES, SAFE_BYTES, PathMtuBounds

DEFAULT_UNDERLAY_MTU_BYTES = 1500
MIN_MTU_BYTES = 576
# The longest that fits a UDP datagram with what the tunnel adds, rounded down.
MAX_MTU_BYTES = 65455
_IPV4_AND_TCP_BYTES = 40


@dataclass(frozen=True, slots=True)
class DeviceRoute:
    """A route to the device.

    Args:
        network: where to.
        mtu_bytes: of packets that this host sends there; 0 if it is the device's.
        advertised_mss: what TCP tells the other end, in bytes; 0 if it follows from the MTU.
        is_ours: a route to one peer, made by us; the kernel and administrators make others.
    """

    network: IPv4Network
    mtu_bytes: int = 0
    advertised_mss: int = 0
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A link as the kernel has it: its IPv4 addresses, and the networks that are routed to it."""

    index: int
    is_up: bool
    mtu_bytes: int
    addresses: frozenset[IPv4Interface]
    routes: frozenset[DeviceRoute] = frozenset()


@dataclass(frozen=True, slots=True)
class DesiredDevice:
    """What the tunnel device should look like.

    Args:
        address: None while the host has none.
        mtu_bytes: the longest packet of any path.
        path_mtu_bytes: of paths of which nothing is known.
        path_mtus: of the other paths, by overlay address.
        is_up: whether the link is to be up.
    """

    address: IPv4Interface | None
    mtu_bytes: int
    path_mtu_bytes: int
    path_mtus: Mapping[IPv4Address, int] = field(default_factory=lambda: MappingProxyType({}))
    is_up: bool = True

    @property
    def routes(self) -> frozenset[DeviceRoute]:
        """The network's route with what is safe on any path, and one to each peer whose path differs.

        TCP tells the other end what this host takes, not what the path back is thought to carry: the other
        end knows that better, and a connection that began before it did can still get larger segments.
        """
        if self.address is None:
            return frozenset()
        mss, cidr = self.mtu_bytes - _IPV4_AND_TCP_BYTES, self.address.network
        differing = {peer: mtu for peer, mtu in self.path_mtus.items() if mtu != self.path_mtu_bytes}
        peers = (
            DeviceRoute(IPv4Network(peer), mtu, mss, is_ours=True)
            for peer, mtu in differing.items()
            if peer in cidr
        )
        return frozenset({DeviceRoute(cidr, self.path_mtu_bytes, mss), *peers})


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
class SetRoute:
    """Route a network to the device, however it is routed now; the source is an address of this host."""

    route: DeviceRoute
    source: IPv4Address


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Take away a route of ours to a peer."""

    route: DeviceRoute


DeviceAction = AddAddress | RemoveAddress | SetMtu | SetUp | SetDown | SetRoute | RemoveRoute


def plan_device(observed: DeviceState, desired: DesiredDevice) -> tuple[DeviceAction, ...]:
    """The changes that bring the device into shape; none if it is.

    The link comes up behind its address, and the routes come last, since the kernel makes and removes some of
    them with both. A device that is to be down is taken down, and left alone otherwise.
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
    return (*actions, *_route_changes(observed, desired))


def _route_changes(observed: DeviceState, desired: DesiredDevice) -> Iterable[SetRoute | RemoveRoute]:
    """Routes that others have made to the device are theirs, unless they lead to the network itself."""
    lost_with_link = not observed.is_up or desired.address not in observed.addresses
    there = frozenset() if lost_with_link else observed.routes
    networks = {route.network for route in desired.routes}
    for route in sorted(observed.routes, key=_by_network):
        if route.is_ours and route.network not in networks:
            yield RemoveRoute(route)
    if desired.address is not None:
        for route in sorted(desired.routes - there, key=_by_network):
            yield SetRoute(route, desired.address.ip)


def _by_network(route: DeviceRoute) -> IPv4Network:
    return route.network


def tunnel_mtu(*, configured: int, network: int, underlay: int | None) -> int:
    """The MTU of the tunnel device in bytes: the host's option, else the network's, else from the underlay.

    It is what no path exceeds; what each path carries is found out and set for the path.
    """
    if configured or network:
        return configured or network
    usable = (underlay or DEFAULT_UNDERLAY_MTU_BYTES) - IPV6_OVERHEAD_BYTES
    return min(max(usable, MIN_MTU_BYTES), MAX_MTU_BYTES)


def path_mtu_bounds(*, configured: int, network: int, underlay: int | None) -> PathMtuBounds:
    """What paths begin with, and what they have at most.

    An option is taken at its word until a path turns out to carry less; without one, what every path carries
    is used until more is proven.
    """
    most = tunnel_mtu(configured=configured, network=network, underlay=underlay)
    return PathMtuBounds(most if configured or network else min(most, SAFE_BYTES), most)
