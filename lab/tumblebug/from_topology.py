# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The hosts of a lab's topology as objects of Tumblebug."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.topology import Cloud, Host, Topology
from lab.tumblebug import catalogue as catalogues
from lab.tumblebug.cloud import Instance, Ran, StaticCloud
from lab.tumblebug.estate import (
    Estate,
    Image,
    Infra,
    KeyPair,
    Machine,
    Namespace,
    Network,
    Region,
    Shared,
    Spec,
)

OTHER_ADDRESSES = IPv4Network("198.18.0.0/16").hosts()  # RFC 2544: nobody's
"""Public addresses of the clouds that are not in the topology."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The SSH key pair of a cloud's hosts, as OpenSSH text."""

    private: str = ""
    public: str = ""


def places(topology: Topology, *, user: str, keys: Callable[[str], Keys]) -> dict[str, Shared]:
    """Connection -> where its machines are: the networks of the topology.

    Args:
        topology: of the lab.
        user: whom the hosts know.
        keys: the keys of a cloud, by its name.
    """
    return {
        cloud.connection: Shared(_network(cloud), _key_pair(cloud, keys(name)), user)
        for name, cloud in topology.clouds.items()
    }


def estate(
    topology: Topology, where: Mapping[str, Shared], *, namespace: str, infra: str, hosts: Iterable[str]
) -> Estate:
    """One namespace with one infra of hosts of the topology; machine ids are the host names.

    Args:
        topology: of the lab.
        where: its networks, from ``places``.
        namespace: id of the namespace.
        infra: id of the infra.
        hosts: names of the hosts; without any there is no infra.
    """
    machines = tuple(_machine(topology, where, topology.host(name)) for name in hosts)
    infras = {infra: Infra(infra, machines, description=topology.name)} if machines else {}
    return {namespace: Namespace(namespace, infras)}


def static_cloud(
    topology: Topology,
    *,
    hosts: Iterable[str],
    transition_s: float,
    now: Callable[[], float],
    user: str,
    shell: Callable[[str, str, float], Ran],
    capacity: Mapping[str, int] | None = None,
) -> StaticCloud:
    """Hosts of the topology without a running lab: all running, with the addresses of the file."""
    names = list(hosts)
    pools = {cloud.connection: _free_addresses(topology, cloud) for cloud in topology.clouds.values()}
    return StaticCloud(
        {name: _instance(topology.hosts[name]) for name in names},
        connections={name: topology.cloud_of(name).connection for name in names},
        new_address=lambda connection: str(next(pools.get(connection, OTHER_ADDRESSES))),
        transition_s=transition_s,
        now=now,
        capacity=capacity,
        user=user,
        shell=shell,
    )


def _machine(topology: Topology, where: Mapping[str, Shared], host: Host) -> Machine:
    place = where[topology.clouds[host.cloud].connection]
    return Machine(
        id=host.name,
        group=host.group,
        resource=host.name,
        network=place.network,
        key_pair=place.key_pair,
        labels=host.labels,
        user=place.user,
        spec=_usual_spec(place.network.region),
        image=_usual_image(place.network.region),
    )


def _usual_spec(region: Region) -> Spec | None:
    """What a host of the lab would have been bought as: 2 CPUs and 2 GiB at least."""
    here = (each for each in catalogues.load().specs if each.region.connection == region.connection)
    return next((each for each in here if each.cpus >= 2 and each.memory_gib >= 2), None)


def _usual_image(region: Region) -> Image | None:
    """The image that the hosts of the lab are made of, as the region's cloud calls it."""
    here = (each for each in catalogues.load().images if each.region.connection == region.connection)
    return next((each for each in here if each.os == "debian12"), None)


def _instance(host: Host) -> Instance:
    return Instance("Running", public_ip=str(host.public_ip), private_ip=str(host.private_ip.ip))


def _free_addresses(topology: Topology, cloud: Cloud) -> Iterator[IPv4Address]:
    """Public addresses of a cloud's pool, over and over, without those that the file gives to hosts."""
    taken = {host.public_ip for host in topology.hosts.values()}
    while True:
        yield from (address for address in cloud.public_pool.hosts() if address not in taken)


def _region(cloud: Cloud) -> Region:
    known = catalogues.load().region(cloud.connection)
    return known or Region(
        cloud.provider, cloud.region, cloud.connection, display=f"{cloud.provider} {cloud.region}"
    )


def _key_pair(cloud: Cloud, keys: Keys) -> KeyPair:
    return KeyPair(cloud.ssh_key_id, _region(cloud), private_key=keys.private, public_key=keys.public)


def _network(cloud: Cloud) -> Network:
    return Network(
        vnet_id=cloud.vnet_id,
        subnet_id=cloud.subnet_id,
        csp_vnet_id=cloud.csp_vnet_id,
        csp_subnet_id=cloud.csp_subnet_id,
        vnet_cidr=str(cloud.lan),
        subnet_cidr=str(cloud.lan),
        region=_region(cloud),
        zone=cloud.zone,
    )
