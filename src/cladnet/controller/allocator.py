# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Gives addresses to hosts and takes them back: one etcd transaction for each transition.

A transaction is one entry of etcd's log, so no crash can show half of it, and its compares make it harmless
to run it again after a lost reply. Nothing here relies on a leader, a lock, a clock or an up-to-date replica:
the replica only says which address is worth asking for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from cladnet.controller import keys, records, stored_host
from cladnet.controller.addresses import MOST_TRIES, AddressBook, overtaken, vacate
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.errors import LeaseNotFound
from cladnet.controller.quarantine import Quarantine
from cladnet.controller.records import HostRecord
from cladnet.controller.replica import Replica
from cladnet.controller.settling import until_settled
from cladnet.controller.stored_host import Member, StoredHost
from cladnet.core import ipam
from cladnet.core.errors import Conflict, NotFound
from cladnet.core.host_report import HostReport
from cladnet.core.pair_suites import is_spoken
from cladnet.core.rule_table import PeerEntry
from cladnet.wire import etcd_pb2 as pb


@dataclass(frozen=True, slots=True)
class Allocation:
    """The address of a host in its network's space, and the revision at which that was so."""

    address: IPv4Address
    cidr: IPv4Network
    revision: int


class Allocator:
    """Writes what hosts report and takes out who leaves; what administrators decide is written by ``Places``.

    Args:
        client: connection to etcd.
        replica: hints which addresses are free.
        quarantine: leases for addresses whose host left.
    """

    def __init__(self, client: EtcdClient, replica: Replica, quarantine: Quarantine) -> None:
        self._client = client
        self._replica = replica
        self._quarantine = quarantine

    async def report(self, member: Member, report: HostReport) -> Allocation:
        """Takes in the report of a member; the first one allocates its address. Writes nothing if equal.

        Raises:
            NotFound: the network does not exist.
            Unauthorized: the host is no member, or was enrolled anew with another key.
            Conflict: a network of the host overlaps the CLADNet, another host has its public key, or its
                agent does not speak the network's cipher.
            Exhausted: no address is left.
            Unavailable: etcd does not answer in time.
        """
        return await until_settled(lambda: self._report(member, report))

    async def release(self, network: str, host: str) -> int:
        """Takes a host out of its network; its address goes into quarantine. Returns the revision.

        Raises:
            NotFound: the network does not exist, or the host is not in it.
            Unavailable: etcd does not answer in time.
        """
        attempted = False

        async def step() -> int:
            nonlocal attempted
            again, attempted = attempted, True
            stored = await self.read(network, host)
            if not stored.is_known:
                if again:
                    return stored.revision
                raise NotFound(f"Host {host} is not in network {network}.")
            return await self._release(host, stored)

        return await until_settled(step)

    async def read(self, network: str, host: str, public_key: bytes = b"") -> StoredHost:
        """What etcd itself holds of a host now.

        Raises:
            NotFound: the network does not exist.
            Unavailable: etcd does not answer in time.
        """
        reply = await self._client.txn([], stored_host.reads(network, host, public_key), repeatable=True)
        return stored_host.parse(network, host, reply)

    async def _report(self, member: Member, report: HostReport) -> Allocation:
        network, host = member.network, member.host
        book = AddressBook(network, self._replica)
        stored = await self.read(network, host, report.public_key)
        for _unused in range(MOST_TRIES):
            stored.authorize(member)
            _check_conflicts(stored, host, report)
            peer = _entry(stored, host, report, book)
            writes = _report_writes(member, report, stored, peer)
            if not writes:
                return Allocation(peer.address, stored.spec.cidr, stored.revision)
            reads = stored_host.reads(network, host, report.public_key) + book.reads(peer.address)
            reply = await self._client.txn(_report_compares(stored, report, peer, book), writes, reads)
            if reply.succeeded:
                return Allocation(peer.address, stored.spec.cidr, reply.header.revision)
            book.learn(peer.address, reply)
            stored = stored_host.parse(network, host, reply)
        raise overtaken(network, host)

    async def _release(self, host: str, stored: StoredHost) -> int:
        network = stored.spec.name
        for _unused in range(MOST_TRIES):
            try:
                writes = [*_removals(network, host, stored), *await self._vacate(host, stored)]
                reads = stored_host.reads(network, host, b"")
                reply = await self._client.txn(_release_compares(host, stored), writes, reads)
            except LeaseNotFound:
                self._quarantine.forget()
                continue
            if reply.succeeded:
                return reply.header.revision
            stored = stored_host.parse(network, host, reply)
        raise overtaken(network, host)

    async def _vacate(self, host: str, stored: StoredHost) -> list[pb.RequestOp]:
        """An address that the host had goes into quarantine; one only kept for it is free at once."""
        if stored.peer is not None:
            return [await vacate(self._quarantine, stored.spec, stored.peer.address, host)]
        if stored.address is None:
            return []
        return [txn.delete(keys.address(stored.spec.name, stored.address))]


def _removals(network: str, host: str, stored: StoredHost) -> list[pb.RequestOp]:
    """All that was written about the host, but for its address."""
    gone = [keys.host, keys.place, keys.order, keys.seen]
    if stored.peer is None:
        return [txn.delete(key(network, host)) for key in gone]
    key_of_peer = keys.public_key(network, stored.peer.public_key)
    return [*(txn.delete(key(network, host)) for key in (*gone, keys.peer)), txn.delete(key_of_peer)]


def _release_compares(host: str, stored: StoredHost) -> list[pb.Compare]:
    network = stored.spec.name
    compares = [
        txn.unchanged(keys.host(network, host), stored.host_revision),
        txn.unchanged(keys.peer(network, host), stored.peer_revision),
        txn.unchanged(keys.place(network, host), stored.place_revision),
    ]
    if stored.address is not None:
        holder = ipam.reserved_for(host) if stored.peer is None else ipam.held_by(host)
        compares.append(txn.holds(keys.address(network, stored.address), holder))
    return compares


def _check_conflicts(stored: StoredHost, host: str, report: HostReport) -> None:
    """Refuses what would disturb others; a later overlap disturbs the host alone, which says so."""
    spec = stored.spec
    overlap = report.overlap_with(spec.cidr)
    if overlap is not None and stored.peer is None:
        raise Conflict(
            f"Host {host} uses {overlap}, which overlaps {spec.cidr} of network {spec.name}.",
            hint="Give the network an address space that is free on all hosts, or change that of the host.",
        )
    if stored.key_holder not in ("", host):
        raise Conflict(
            f"Host {host} has the public key of host {stored.key_holder} in network {spec.name}: "
            "one is a copy of the other.",
            hint="On the copy delete wireguard.key and identity.key of the agent, then enrol it again.",
        )
    if not is_spoken(spec.cipher, report.suites):
        raise Conflict(
            f"The agent of host {host} does not speak {spec.cipher}, the cipher of network {spec.name}.",
            hint="Upgrade the agent, or set the network's cipher to auto.",
        )


def _entry(stored: StoredHost, host: str, report: HostReport, book: AddressBook) -> PeerEntry:
    """What others are to know of the host. It keeps its address, and its last known endpoint."""
    if stored.peer is not None:
        endpoint = report.public_endpoint or stored.peer.endpoint
        return replace(stored.peer, public_key=report.public_key, endpoint=endpoint, suites=report.suites)
    address = stored.address
    if address is None:
        address = book.choose(stored.spec, host)
    else:
        book.check_obtainable(stored.spec, host, address)
    return PeerEntry(host, address, report.public_key, report.public_endpoint, suites=report.suites)


def _report_writes(
    member: Member, report: HostReport, stored: StoredHost, peer: PeerEntry
) -> list[pb.RequestOp]:
    """Only what differs from what is there."""
    network, host = member.network, member.host
    record = HostRecord(member.identity, report)
    writes = []
    if record != stored.host:
        writes.append(txn.put(keys.host(network, host), records.write_host(record)))
    if peer != stored.peer:
        writes.append(txn.put(keys.peer(network, host), records.write_peer(peer)))
    if stored.peer is None:
        writes.append(txn.put(keys.address(network, peer.address), ipam.held_by(host)))
    if not stored.key_holder:
        writes.append(txn.put(keys.public_key(network, peer.public_key), host.encode()))
    if stored.peer is not None and stored.peer.public_key != peer.public_key:
        writes.append(txn.delete(keys.public_key(network, stored.peer.public_key)))
    return writes


def _report_compares(
    stored: StoredHost, report: HostReport, peer: PeerEntry, book: AddressBook
) -> list[pb.Compare]:
    """That nothing of what the decision rests on has changed; a changed network fences every allocation."""
    network, host = stored.spec.name, peer.host
    key = keys.public_key(network, report.public_key)
    compares = [
        txn.unchanged(keys.config(network), stored.config_revision),
        txn.unchanged(keys.host(network, host), stored.host_revision),
        txn.unchanged(keys.peer(network, host), stored.peer_revision),
        txn.holds(key, host.encode()) if stored.key_holder else txn.absent(key),
    ]
    if stored.peer is None:
        compares.append(txn.unchanged(keys.place(network, host), stored.place_revision))
        compares.append(book.unchanged(peer.address))
    return compares
