# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an agent sees of its host at one moment, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, ip_network

from cladnet.agent.host_cidrs import RT_TABLE_MAIN, DefaultInterface, HostNetwork, OccupiedNetwork, Route
from cladnet.core.device_plan import DeviceRoute, DeviceState

# Marks our routes to peers among those of others; a number that nobody has taken (see rt_protos of iproute2).
PEER_ROUTE_PROTOCOL = 77


@dataclass(frozen=True, slots=True)
class HostObservation:
    """The underlay of the host, the networks it occupies, and the tunnel device."""

    default_interface: DefaultInterface | None = None
    occupied: tuple[OccupiedNetwork, ...] = ()
    device: DeviceState | None = None

    @property
    def private_addresses(self) -> tuple[str, ...]:
        """The host's own addresses on its default interface."""
        interface = self.default_interface
        return () if interface is None else tuple(a for a in (interface.ipv4, interface.ipv6) if a)

    @property
    def occupied_cidrs(self) -> tuple[str, ...]:
        """The occupied networks, each once, in a stable order."""
        return tuple(dict.fromkeys(network.cidr for network in self.occupied))


def observe(host: HostNetwork, *, device: str, is_up: bool) -> HostObservation:
    """What matters to an agent in what the kernel says.

    Args:
        host: links, addresses and routes.
        device: name of the tunnel device; it counts neither as occupied nor as default interface.
        is_up: whether the link of the tunnel device is up.
    """
    exclude = frozenset({device})
    return HostObservation(
        default_interface=host.default_interface(exclude),
        occupied=tuple(host.occupied_networks(exclude)),
        device=_device_state(host, device, is_up),
    )


def overlap_with(observation: HostObservation, cidr: IPv4Network) -> str:
    """A sentence about a network of this host that overlaps the CLADNet; empty if there is none."""
    for occupied in observation.occupied:
        network = ip_network(occupied.cidr)
        if isinstance(network, IPv4Network) and network.overlaps(cidr):
            at = f" at {occupied.interface}" if occupied.interface else ""
            return (
                f"this host occupies {network} ({occupied.origin}{at}), which overlaps the CLADNet's {cidr}: "
                f"remove it from the host, or give the network another address space"
            )
    return ""


def _device_state(host: HostNetwork, device: str, is_up: bool) -> DeviceState | None:
    link = next((link for link in host.links.values() if link.name == device), None)
    if link is None:
        return None
    addresses = (a for a in host.addresses if a.link_index == link.index and a.network.version == 4)
    routes = (r for r in host.routes if link.index in r.link_indexes and r.table == RT_TABLE_MAIN)
    return DeviceState(
        index=link.index,
        is_up=is_up,
        mtu_bytes=link.mtu,
        addresses=frozenset(IPv4Interface(f"{a.local}/{a.network.prefixlen}") for a in addresses),
        routes=frozenset(_device_route(r, r.network) for r in routes if isinstance(r.network, IPv4Network)),
    )


def _device_route(route: Route, network: IPv4Network) -> DeviceRoute:
    return DeviceRoute(network, route.mtu, route.advertised_mss, route.protocol == PEER_ROUTE_PROTOCOL)
