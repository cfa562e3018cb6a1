# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Makes, changes and deletes networks in etcd."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from cladnet.controller import keys, records, stored_host
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient, Listing
from cladnet.controller.settling import until_settled
from cladnet.core.errors import Conflict, NotFound
from cladnet.core.network import NetworkSpec
from cladnet.core.pair_suites import is_spoken
from cladnet.core.rule_table import PeerEntry
from cladnet.wire import etcd_pb2 as pb

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class NetworkPatch:
    """What is to be changed in a network; None leaves it as it is."""

    cidr: IPv4Network | None = None
    description: str | None = None
    mtu: int | None = None
    quarantine_s: int | None = None
    cipher: str | None = None

    def applied_to(self, spec: NetworkSpec) -> NetworkSpec:
        """The network after the change.

        Raises:
            InvalidInput: a value that cannot be right.
        """
        return replace(
            spec,
            cidr=spec.cidr if self.cidr is None else self.cidr,
            description=spec.description if self.description is None else self.description,
            mtu=spec.mtu if self.mtu is None else self.mtu,
            quarantine_s=spec.quarantine_s if self.quarantine_s is None else self.quarantine_s,
            cipher=spec.cipher if self.cipher is None else self.cipher,
        )


class Networks:
    """The only writer of networks; every method returns the revision of the write.

    Args:
        client: connection to etcd.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client

    async def create(self, spec: NetworkSpec) -> int:
        """Makes a network.

        Raises:
            Conflict: there is one of that name.
            Unavailable: etcd does not answer in time.
        """
        key, value = keys.config(spec.name), records.write_network(spec)
        attempted = False

        async def step() -> int:
            nonlocal attempted
            again, attempted = attempted, True
            reply = await self._client.txn([txn.absent(key)], [txn.put(key, value)], [txn.get(key)])
            if not reply.succeeded and not (again and _value(reply) == value):
                raise Conflict(f"Network {spec.name} exists already.")
            return reply.header.revision

        return await until_settled(step)

    async def change(self, name: str, patch: NetworkPatch) -> int:
        """Changes a network; its address space only while no host is in it, its cipher to one that all speak.

        Raises:
            NotFound: there is none of that name.
            Conflict: hosts are in it, a host does not speak the cipher, or somebody else changes the network
                or its hosts at the same time.
            InvalidInput: a value that cannot be right.
            Unavailable: etcd does not answer in time.
        """

        async def step() -> int:
            stored = await self._read(name)
            old = records.read_network(name, stored.value)
            new = patch.applied_to(old)
            if new == old:
                return stored.mod_revision
            compares = [txn.unchanged(stored.key, stored.mod_revision)]
            if new.cidr != old.cidr:
                compares += _nobody_in(name)
            if new.cipher != old.cipher:
                compares.append(await self._all_speak(new))
            reply = await self._client.txn(compares, [txn.put(stored.key, records.write_network(new))])
            if not reply.succeeded:
                raise _not_changed(old, new)
            return reply.header.revision

        return await until_settled(step)

    async def delete(self, name: str, *, force: bool) -> int:
        """Deletes a network and all that belongs to it.

        Args:
            name: the network.
            force: even while hosts are in it.

        Raises:
            NotFound: there is none of that name.
            Conflict: hosts are in it, and not ``force``.
            Unavailable: etcd does not answer in time.
        """
        attempted = False

        async def step() -> int:
            nonlocal attempted
            again, attempted = attempted, True
            try:
                stored = await self._read(name)
            except NotFound:
                if again:
                    return await self._client.revision()
                raise
            compares = [txn.created_at(stored.key, stored.create_revision)]
            if not force:
                compares += _nobody_in(name)
            reply = await self._client.txn(compares, [txn.delete_under(keys.network(name))])
            if not reply.succeeded:
                raise Conflict(
                    f"Network {name} still has hosts.", hint="Remove them first, or delete it with force."
                )
            return reply.header.revision

        return await until_settled(step)

    async def _all_speak(self, spec: NetworkSpec) -> pb.Compare:
        """Looks whether all hosts speak the network's cipher; holds if there are still no others.

        Raises:
            Conflict: a host does not speak it.
        """
        listing = await self._client.list(keys.peers(spec.name))
        unable = [host for host, peer in _peers(listing) if not is_spoken(spec.cipher, peer.suites)]
        if unable:
            raise Conflict(
                f"{_named(unable)} in network {spec.name} cannot speak {spec.cipher}: nothing was changed.",
                hint="Plain WireGuard peers cannot, nor can agents of release 0.2: remove the ones, "
                "upgrade the others, or set the cipher to auto.",
            )
        return txn.none_written_since(keys.peers(spec.name), listing.revision)

    async def _read(self, name: str) -> pb.KeyValue:
        stored = await self._client.get(keys.config(name))
        if stored is None:
            raise NotFound(f"There is no network {name!r}.")
        return stored


def _not_changed(old: NetworkSpec, new: NetworkSpec) -> Conflict:
    if new.cidr != old.cidr:
        return Conflict(
            f"Network {old.name} was not changed: hosts are in it, or somebody else changes it now.",
            hint="Its cidr can be changed only while no host is in it.",
        )
    return Conflict(
        f"Network {old.name} was not changed: somebody else changes it or its hosts now.", hint="Try again."
    )


def _peers(listing: Listing) -> Iterable[tuple[str, PeerEntry]]:
    for stored in listing.kvs:
        host = stored.key.decode().rpartition("/")[2]
        yield host, records.read_peer(host, stored.mod_revision, stored.value)


def _named(hosts: list[str]) -> str:
    """A few of them by name, and how many more."""
    more = f" and {len(hosts) - MOST_NAMED} more hosts" if len(hosts) > MOST_NAMED else ""
    return ", ".join(hosts[:MOST_NAMED]) + more


def _nobody_in(name: str) -> list[pb.Compare]:
    """Holds if no host is in the network, and none is expected."""
    return [txn.none_under(keys.hosts(name)), txn.none_under(keys.places(name))]


def _value(reply: pb.TxnResponse) -> bytes | None:
    stored = stored_host.found(reply.responses[0])
    return None if stored is None else stored.value
