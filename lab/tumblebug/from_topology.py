# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The hosts of a lab's topology as objects of Tumblebug."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.topology import Cloud, Host, Topology
from lab.tumblebug.cloud import Instance, StaticCloud
from lab.tumblebug.estate import Estate, Infra, KeyPair, Machine, Namespace, Network, Region


@dataclass(frozen=True, slots=True)
class Keys:
    """The SSH key pair of a cloud's hosts, as OpenSSH text."""

    private: str = ""
    public: str = ""


def estate(
    topology: Topology, *, namespace: str, infra: str, user: str, keys: Callable[[str], Keys]
) -> Estate:
    """One namespace with one infra of all hosts of the topology; machine ids are the host names.

    Args:
        topology: of the lab.
        namespace: id of the namespace.
        infra: id of the infra.
        user: whom the hosts know.
        keys: the keys of a cloud, by its name.
    """
    networks = {name: _network(cloud) for name, cloud in topology.clouds.items()}
    key_pairs = {name: _key_pair(cloud, keys(name)) for name, cloud in topology.clouds.items()}
    machines = tuple(
        Machine(
            id=host.name,
            group=host.group,
            resource=host.name,
            network=networks[host.cloud],
            key_pair=key_pairs[host.cloud],
            labels=host.labels,
            user=user,
        )
        for host in topology.hosts.values()
    )
    return {namespace: Namespace(namespace, {infra: Infra(infra, machines, description=topology.name)})}


def static_cloud(topology: Topology, *, transition_s: float, now: Callable[[], float]) -> StaticCloud:
    """The topology's hosts without a running lab: all running, with the addresses of the file."""
    instances = {name: _instance(host) for name, host in topology.hosts.items()}
    free = {name: _free_addresses(topology, cloud) for name, cloud in topology.clouds.items()}

    def new_address(host: str) -> str:
        return str(next(free[topology.hosts[host].cloud]))

    return StaticCloud(instances, new_address=new_address, transition_s=transition_s, now=now)


def _instance(host: Host) -> Instance:
    return Instance("Running", public_ip=str(host.public_ip), private_ip=str(host.private_ip.ip))


def _free_addresses(topology: Topology, cloud: Cloud) -> Iterator[IPv4Address]:
    """Public addresses of a cloud's pool, over and over, without those that the file gives to hosts."""
    taken = {host.public_ip for host in topology.hosts.values()}
    while True:
        yield from (address for address in cloud.public_pool.hosts() if address not in taken)


def _region(cloud: Cloud) -> Region:
    return Region(cloud.provider, cloud.region, cloud.connection, display=f"{cloud.provider} {cloud.region}")


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
