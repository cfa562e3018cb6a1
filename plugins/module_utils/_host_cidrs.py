# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which networks a host occupies, and which interface leads to the world: read from the kernel over netlink.

Used by the fact module and by the agent. Reading needs no privilege. The caller brings the netlink
socket (``pyroute2.IPRoute``), so this file imports nothing outside the standard library.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from socket import AF_INET, AF_INET6

Network = t.Union[IPv4Network, IPv6Network]
Patterns = t.AbstractSet[str]
NetlinkSocket = t.Any  # pyroute2.IPRoute; the library has no types
NetlinkMessage = t.Any

# Numbers of the kernel: rtnetlink(7), linux/rtnetlink.h and linux/if_addr.h.
RT_TABLE_MAIN = 254
RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE = 1, 2, 6
RTM_F_CLONED = 0x200
IFA_F_SECONDARY, IFA_F_DEPRECATED, IFA_F_TENTATIVE = 0x01, 0x20, 0x40
IFF_LOOPBACK = 0x08

DEFAULT_ROUTES = frozenset(
    # A VPN client that takes all traffic lays two halves over the default route; 2000::/3 is all of IPv6.
    ip_network(text)
    for text in ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "::/1", "8000::/1", "2000::/3")
)
# A blackhole of a whole block of RFC 1918 keeps stray packets at home; nothing lives behind it.
# A narrower one is a pod network of a CNI (Calico) and is occupied.
PRIVATE_BLOCKS = frozenset(ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


@dataclass(frozen=True)
class OccupiedNetwork:
    """A network that no overlay of this host may overlap."""

    cidr: str
    """Network address and prefix length; one address is a /32 or /128."""
    family: str
    """``ipv4`` or ``ipv6``"""
    origin: str
    """``interface``, ``bridge`` (an interface that is a bridge, as of Docker or a CNI) or ``route``"""
    interface: str
    """Name of the interface; empty for a route that has none (blackhole)."""


@dataclass(frozen=True)
class DefaultInterface:
    """The interface that carries the default route."""

    name: str
    mtu: int
    ipv4: str
    """Address without prefix length, empty when there is none."""
    ipv6: str
    gateway: str
    """Empty on a point-to-point interface."""


@dataclass(frozen=True)
class Link:
    """One interface of the host."""

    index: int
    name: str
    kind: str
    mtu: int
    is_loopback: bool


@dataclass(frozen=True)
class Address:
    """One address of an interface; ``network`` is that of the other end on a point-to-point link."""

    local: str
    network: Network
    link_index: int
    flags: int

    def is_usable_on(self, link: Link, version: int) -> bool:
        """Whether other hosts can be reached from it through ``link``."""
        return (
            self.link_index == link.index
            and self.network.version == version
            and not self.network.is_link_local
            and not self.flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE)
        )


@dataclass(frozen=True)
class Route:
    """One entry of any routing table."""

    network: Network
    kind: int
    table: int
    priority: int
    gateway: str
    source: str
    link_indexes: tuple[int, ...]
    protocol: int = 0
    """Who made it."""
    mtu: int = 0
    """Its own, in bytes; 0 is that of the interface."""
    advertised_mss: int = 0
    """What TCP tells the other end, in bytes; 0 follows from the MTU."""

    @property
    def is_default(self) -> bool:
        """Whether it stands for everything that no other route names."""
        return self.network in DEFAULT_ROUTES

    @property
    def is_occupied(self) -> bool:
        """Whether somebody lives behind it, as far as a routing table tells."""
        if self.is_default:
            return False
        if self.kind == RTN_LOCAL:
            return self.network.num_addresses > 1  # AnyIP; single addresses are known from their interface
        return self.kind == RTN_UNICAST or (self.kind == RTN_BLACKHOLE and self.network not in PRIVATE_BLOCKS)


@dataclass(frozen=True)
class HostNetwork:
    """Links, addresses and routes of one host at one moment."""

    links: t.Mapping[int, Link]
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]

    def excluded_interfaces(self, exclude: Patterns) -> list[str]:
        """Returns the names of the interfaces that match a pattern (fnmatch), sorted."""
        return sorted(link.name for link in self.links.values() if _matches(link.name, exclude))

    def occupied_networks(self, exclude: Patterns) -> list[OccupiedNetwork]:
        """Returns every network the host occupies, without those of the interfaces that match ``exclude``.

        Sorted by family, address and interface; a network that an address and a route give alike stands once.
        """
        found: dict[tuple[Network, str], str] = {}
        for network, interface, origin in [*self._address_networks(), *self._route_networks(exclude)]:
            if not _is_noise(network) and not _matches(interface, exclude):
                found.setdefault((network, interface), origin)
        return [
            OccupiedNetwork(str(network), _family_name(network), found[network, interface], interface)
            for network, interface in sorted(found, key=_sort_key)
        ]

    def default_interface(self, exclude: Patterns) -> DefaultInterface | None:
        """Returns the interface of the best default route (IPv4 before IPv6), or None without one."""
        routes = [route for route in self.routes if self._leads_outside(route, exclude)]
        if not routes:
            return None
        best = min(routes, key=lambda route: (route.network.version, route.priority, route.link_indexes))
        link = self.links[best.link_indexes[0]]
        return DefaultInterface(
            name=link.name,
            mtu=link.mtu,
            ipv4=self._main_address(link, best, 4),
            ipv6=self._main_address(link, best, 6),
            gateway=best.gateway,
        )

    def _address_networks(self) -> t.Iterator[tuple[Network, str, str]]:
        for address in self.addresses:
            link = self.links.get(address.link_index)
            if link is None:  # gone between the two readings
                continue
            origin = "bridge" if link.kind == "bridge" else "interface"
            yield address.network, link.name, origin
            if ip_address(address.local) not in address.network:
                yield ip_network(address.local), link.name, origin

    def _route_networks(self, exclude: Patterns) -> t.Iterator[tuple[Network, str, str]]:
        for route in self.routes:
            if route.is_occupied:
                names = [self.links[index].name for index in route.link_indexes if index in self.links]
                outside = [name for name in names if not _matches(name, exclude)]
                yield route.network, next(iter([*outside, *names]), ""), "route"

    def _leads_outside(self, route: Route, exclude: Patterns) -> bool:
        if route.network.prefixlen or route.table != RT_TABLE_MAIN or route.kind != RTN_UNICAST:
            return False
        link = self.links.get(route.link_indexes[0]) if route.link_indexes else None
        return link is not None and not link.is_loopback and not _matches(link.name, exclude)

    def _main_address(self, link: Link, default_route: Route, version: int) -> str:
        if default_route.source and default_route.network.version == version:
            return default_route.source
        usable = [address for address in self.addresses if address.is_usable_on(link, version)]
        primary = [address for address in usable if not address.flags & IFA_F_SECONDARY]
        return next((address.local for address in [*primary, *usable]), "")


def read_host_network(ipr: NetlinkSocket) -> HostNetwork:
    """Reads links, addresses and routes of the network namespace that the socket belongs to.

    :param ipr: ``pyroute2.IPRoute``; an ordinary user may open one.
    """
    links = [_link(message) for message in ipr.get_links()]
    families = (AF_INET, AF_INET6)
    return HostNetwork(
        links={link.index: link for link in links},
        addresses=tuple(_address(message) for family in families for message in ipr.get_addr(family=family)),
        routes=tuple(
            _route(message)
            for family in families
            for message in ipr.get_routes(family=family)
            if not message["flags"] & RTM_F_CLONED
        ),
    )


def occupied_networks(
    ipr: NetlinkSocket, exclude: Patterns = frozenset({"cladnet0"})
) -> list[OccupiedNetwork]:
    """Returns every network this host occupies, without those of interfaces that match ``exclude`` (fnmatch).

    :param ipr: ``pyroute2.IPRoute``
    """
    return read_host_network(ipr).occupied_networks(exclude)


def default_interface(
    ipr: NetlinkSocket, exclude: Patterns = frozenset({"cladnet0"})
) -> DefaultInterface | None:
    """Returns the interface of the default route, or None without one. See ``occupied_networks``."""
    return read_host_network(ipr).default_interface(exclude)


def _link(message: NetlinkMessage) -> Link:
    return Link(
        index=message["index"],
        name=message.get_attr("IFLA_IFNAME"),
        kind=message.get_nested("IFLA_LINKINFO", "IFLA_INFO_KIND") or "",
        mtu=message.get_attr("IFLA_MTU"),
        is_loopback=bool(message["flags"] & IFF_LOOPBACK),
    )


def _address(message: NetlinkMessage) -> Address:
    address = message.get_attr("IFA_ADDRESS")
    return Address(
        local=message.get_attr("IFA_LOCAL") or address,
        network=ip_interface(f"{address}/{message['prefixlen']}").network,
        link_index=message["index"],
        flags=message["flags"],
    )


def _route(message: NetlinkMessage) -> Route:
    destination = message.get_attr("RTA_DST") or ("::" if message["family"] == AF_INET6 else "0.0.0.0")  # noqa: S104
    return Route(
        network=ip_network(f"{destination}/{message['dst_len']}"),
        kind=message["type"],
        table=message.get_attr("RTA_TABLE") or message["table"],
        priority=message.get_attr("RTA_PRIORITY") or 0,
        gateway=_gateway(message),
        source=message.get_attr("RTA_PREFSRC") or "",
        link_indexes=_link_indexes(message),
        protocol=message["proto"],
        mtu=message.get_nested("RTA_METRICS", "RTAX_MTU") or 0,
        advertised_mss=message.get_nested("RTA_METRICS", "RTAX_ADVMSS") or 0,
    )


def _next_hops(message: NetlinkMessage) -> list[NetlinkMessage]:
    return [message, *(message.get_attr("RTA_MULTIPATH") or [])]


def _gateway(message: NetlinkMessage) -> str:
    for hop in _next_hops(message):
        via = hop.get_attr("RTA_VIA") or {}  # an IPv4 route through an IPv6 neighbour (RFC 5549)
        gateway = hop.get_attr("RTA_GATEWAY") or via.get("addr")
        if gateway:
            return str(gateway)
    return ""


def _link_indexes(message: NetlinkMessage) -> tuple[int, ...]:
    single = message.get_attr("RTA_OIF")
    if single:
        return (single,)
    return tuple(hop["oif"] for hop in message.get_attr("RTA_MULTIPATH") or [])


def _matches(name: str, patterns: Patterns) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _family_name(network: Network) -> str:
    return f"ipv{network.version}"


def _is_noise(network: Network) -> bool:
    """Tells networks that every host has and no overlay can collide with (RFC 1122, RFC 4291)."""
    return network.is_loopback or network.is_multicast or (network.version == 6 and network.is_link_local)


def _sort_key(key: tuple[Network, str]) -> tuple[int, int, int, str]:
    network, interface = key
    return (network.version, int(network.network_address), network.prefixlen, interface)
