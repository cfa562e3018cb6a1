# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What must hold between the parts of a topology, beyond each field being right by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from lab.errors import TopologyError

if TYPE_CHECKING:
    from lab.topology import Cloud, Host, Topology

NAME = re.compile(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?")
RESERVED_NAMES = frozenset({"rootfs"})  # a folder beside the folders of the labs
RESERVED_PARTS = frozenset(
    {"inet", "lan", "lo", "operator", "wan"}
)  # of namespaces, interfaces and partitions


def check(topology: Topology) -> None:
    """Raises TopologyError at the first thing that does not fit together."""
    _check_name("name", topology.name, RESERVED_NAMES)
    for cloud in topology.clouds.values():
        _check_cloud(topology, cloud)
    for host in topology.hosts.values():
        _check_host(topology, host)
    _check_unique("public address", [*_fixed_addresses(topology), *_public_addresses(topology)])
    for cloud in topology.clouds.values():
        _check_unique("private address", _private_addresses(topology, cloud))


def check_private_ip(cloud: Cloud, private_ip: IPv4Interface) -> None:
    """Refuses an address that a guest of the cloud cannot have; raises TopologyError."""
    wanted = 32 if cloud.mode.value == "gcp" else cloud.lan.prefixlen
    if private_ip.network.prefixlen != wanted:
        raise TopologyError(f"{private_ip} in cloud {cloud.name} must end in /{wanted}")
    if private_ip.ip not in cloud.lan or private_ip.ip in _unusable(cloud):
        raise TopologyError(f"{private_ip.ip} is no address for a host of {cloud.lan} in cloud {cloud.name}")


def check_public_ip(cloud: Cloud, public_ip: IPv4Address) -> None:
    """Refuses an address that the cloud has not to give; raises TopologyError."""
    if public_ip not in cloud.public_pool:
        raise TopologyError(
            f"{public_ip} is not in the public pool {cloud.public_pool} of cloud {cloud.name}"
        )


def _check_cloud(topology: Topology, cloud: Cloud) -> None:
    _check_name(f"clouds.{cloud.name}", cloud.name, RESERVED_PARTS)
    if cloud.gateway not in cloud.lan:
        raise TopologyError(f"clouds.{cloud.name}.gateway: {cloud.gateway} is not in {cloud.lan}")
    if not cloud.public_pool.subnet_of(topology.internet.cidr):
        raise TopologyError(f"clouds.{cloud.name}.public_pool: is not in {topology.internet.cidr}")
    for other in topology.clouds.values():
        if other.name != cloud.name and other.public_pool.overlaps(cloud.public_pool):
            raise TopologyError(f"clouds.{cloud.name}.public_pool: overlaps that of cloud {other.name}")
    for what, address in _fixed_addresses(topology):
        if address in cloud.public_pool:
            raise TopologyError(f"clouds.{cloud.name}.public_pool: contains {address} ({what})")


def _check_host(topology: Topology, host: Host) -> None:
    _check_name(f"hosts.{host.name}", host.name, RESERVED_PARTS | topology.clouds.keys())
    if host.cloud not in topology.clouds:
        raise TopologyError(
            f"hosts.{host.name}.cloud: no cloud {host.cloud!r}; there are {', '.join(topology.clouds)}"
        )
    cloud = topology.clouds[host.cloud]
    try:
        check_private_ip(cloud, host.private_ip)
        check_public_ip(cloud, host.public_ip)
    except TopologyError as exc:
        raise TopologyError(f"hosts.{host.name}: {exc}") from exc
    for route in host.routes:
        if route.via not in cloud.lan:
            raise TopologyError(f"hosts.{host.name}.routes: gateway {route.via} is not in {cloud.lan}")


def _check_name(where: str, name: str, reserved: frozenset[str]) -> None:
    if name in reserved:
        raise TopologyError(f"{where}: the name {name} is taken; choose another")
    if not NAME.fullmatch(name):  # Linux interface names are made of them: at most 15 bytes
        raise TopologyError(f"{where}: {name!r} must be 1 to 15 of a-z, 0-9 and '-', and begin with a letter")


def _check_unique(what: str, named: Iterable[tuple[str, IPv4Address]]) -> None:
    owners: dict[IPv4Address, str] = {}
    for name, address in named:
        if address in owners:
            raise TopologyError(f"{what} {address} is given to both {owners[address]} and {name}")
        owners[address] = name


def _fixed_addresses(topology: Topology) -> list[tuple[str, IPv4Address]]:
    internet = topology.internet
    fixed = [("internet.operator", internet.operator)]
    fixed += [(f"clouds.{cloud.name}.wan", cloud.wan) for cloud in topology.clouds.values()]
    for what, address in fixed:
        if address not in internet.cidr:
            raise TopologyError(f"{what}: {address} is not in {internet.cidr}")
    return fixed


def _public_addresses(topology: Topology) -> list[tuple[str, IPv4Address]]:
    return [(name, host.public_ip) for name, host in topology.hosts.items()]


def _private_addresses(topology: Topology, cloud: Cloud) -> list[tuple[str, IPv4Address]]:
    hosts = [(name, topology.hosts[name].private_ip.ip) for name in topology.hosts_of(cloud.name)]
    return [(f"the gateway of {cloud.name}", cloud.gateway), *hosts]


def _unusable(cloud: Cloud) -> tuple[IPv4Address, ...]:
    return (cloud.lan.network_address, cloud.lan.broadcast_address, cloud.gateway)
