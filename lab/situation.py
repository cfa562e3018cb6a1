# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What may change while a lab is up: addresses and injected faults. Pure values and rules over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from lab.consistency import check_private_ip, check_public_ip
from lab.errors import UnknownHostError, WrongStateError
from lab.topology import Topology

OPERATOR = "operator"  # the far end of ssh, beside the hosts in partitions


@dataclass(frozen=True, slots=True)
class Addresses:
    """Of one host; ``public_ip`` is None while the host is suspended."""

    private_ip: IPv4Interface
    public_ip: IPv4Address | None
    last_public_ip: IPv4Address


@dataclass(frozen=True, slots=True)
class Partition:
    """Nothing passes between the hosts of the two sides."""

    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """The whole changing state of a lab."""

    rootfs: str
    addresses: Mapping[str, Addresses]
    partitions: tuple[Partition, ...] = ()
    loss_percent: int = 0
    complete: bool = False  # False until the first ``up`` has come to its end

    def with_addresses(self, host: str, addresses: Addresses) -> Situation:
        return replace(self, addresses={**self.addresses, host: addresses})

    def private_ip(self, host: str) -> IPv4Address:
        return self.addresses[host].private_ip.ip

    def taken(self) -> frozenset[IPv4Address]:
        """Public addresses in use."""
        return frozenset(each.public_ip for each in self.addresses.values() if each.public_ip)


def initial(topology: Topology, rootfs: str) -> Situation:
    """Everything as the topology file says."""
    hosts = topology.hosts.values()
    addresses = {host.name: Addresses(host.private_ip, host.public_ip, host.public_ip) for host in hosts}
    return Situation(rootfs=rootfs, addresses=addresses)


def completed(situation: Situation) -> Situation:
    """All hosts have booted."""
    return replace(situation, complete=True)


def released(situation: Situation, host: str) -> Situation:
    """The host has given its public address back."""
    return situation.with_addresses(host, replace(situation.addresses[host], public_ip=None))


def with_new_public_ip(
    topology: Topology, situation: Situation, host: str, wanted: IPv4Address | None = None
) -> Situation:
    """The host has another public address: the wanted one, or the next free one of its cloud's pool.

    Raises:
        TopologyError: the wanted address is not the cloud's.
        WrongStateError: it is taken, or the pool has no free address left.
    """
    address = wanted or _next_public_ip(topology, situation, host)
    check_public_ip(topology.cloud_of(host), address)
    if address in situation.taken():
        raise WrongStateError(f"{address} is in use; choose a free address of the pool, or name none")
    before = situation.addresses[host]
    return situation.with_addresses(host, replace(before, public_ip=address, last_public_ip=address))


def with_private_ip(
    topology: Topology, situation: Situation, host: str, private_ip: IPv4Interface
) -> Situation:
    """The host has another private address.

    Raises:
        TopologyError: the address cannot be one of the cloud's subnet.
        WrongStateError: another host of the cloud has it.
    """
    cloud = topology.cloud_of(host)
    check_private_ip(cloud, private_ip)
    for other in topology.hosts_of(cloud.name):
        if other != host and situation.private_ip(other) == private_ip.ip:
            raise WrongStateError(f"{private_ip.ip} belongs to {other}; choose another address")
    return situation.with_addresses(host, replace(situation.addresses[host], private_ip=private_ip))


def with_partition(topology: Topology, situation: Situation, one: str, others: tuple[str, ...]) -> Situation:
    """One host or cloud no longer reaches the others, or nobody at all if no others are named."""
    left = _members(topology, one)
    named = [host for other in others for host in _members(topology, other)]
    right = tuple(host for host in named or [*topology.hosts, OPERATOR] if host not in left)
    if not right:
        raise WrongStateError(f"a partition needs two different sides; {one} is on both")
    return replace(situation, partitions=(*situation.partitions, Partition(left, right)))


def with_loss(situation: Situation, percent: int) -> Situation:
    """So many of 100 packets between hosts get lost."""
    if not 0 <= percent <= 100:
        raise WrongStateError(f"a loss of {percent} percent cannot be; give a whole number from 0 to 100")
    return replace(situation, loss_percent=percent)


def healed(situation: Situation) -> Situation:
    """No partition and no loss."""
    return replace(situation, partitions=(), loss_percent=0)


def encode(situation: Situation) -> dict[str, Any]:
    """As JSON can hold it."""
    return {
        "rootfs": situation.rootfs,
        "complete": situation.complete,
        "loss_percent": situation.loss_percent,
        "partitions": [[each.left, each.right] for each in situation.partitions],
        "addresses": {
            host: [str(each.private_ip), str(each.public_ip or ""), str(each.last_public_ip)]
            for host, each in situation.addresses.items()
        },
    }


def decode(document: Mapping[str, Any]) -> Situation:
    """Reverse of ``encode``."""
    return Situation(
        rootfs=document["rootfs"],
        complete=document["complete"],
        loss_percent=document["loss_percent"],
        partitions=tuple(Partition(tuple(left), tuple(right)) for left, right in document["partitions"]),
        addresses={
            host: Addresses(
                IPv4Interface(private), IPv4Address(public) if public else None, IPv4Address(last_public)
            )
            for host, (private, public, last_public) in document["addresses"].items()
        },
    )


def _next_public_ip(topology: Topology, situation: Situation, host: str) -> IPv4Address:
    cloud, last = topology.cloud_of(host), situation.addresses[host].last_public_ip
    start = int(last) - int(cloud.public_pool.network_address)
    size = cloud.public_pool.num_addresses
    # After the last one, around the pool: clouds seldom give the same address again soon.
    in_turn = (cloud.public_pool[(start + step) % size] for step in range(1, size))
    for address in in_turn:
        if address not in situation.taken():
            return address
    raise WrongStateError(
        f"the public pool {cloud.public_pool} of cloud {cloud.name} has no other free address"
    )


def _members(topology: Topology, name: str) -> tuple[str, ...]:
    if name == OPERATOR:
        return (OPERATOR,)
    if name in topology.clouds:
        return topology.hosts_of(name)
    if name in topology.hosts:
        return (name,)
    known = ", ".join([*topology.clouds, *topology.hosts])
    raise UnknownHostError(f"no cloud or host {name!r} in lab {topology.name}; there are {known}")
