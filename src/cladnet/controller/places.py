# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What administrators decide about single hosts: places kept for them, fixed addresses, WireGuard peers.

Every transition is one etcd transaction, as in ``allocator``, and keeps what holds there: a host has one
address, an address has one host, and what a host leaves goes into quarantine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Address

from cladnet.controller import keys, records, stored_host
from cladnet.controller.addresses import MOST_TRIES, AddressBook, overtaken, vacate
from cladnet.controller.allocator import Allocator
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.errors import LeaseNotFound
from cladnet.controller.quarantine import Quarantine
from cladnet.controller.replica import Replica
from cladnet.controller.settling import until_settled
from cladnet.controller.stored_host import StoredHost
from cladnet.core import ipam
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import Conflict, InvalidInput, NotFound
from cladnet.core.host_report import Cloud
from cladnet.core.identity import check_host_name
from cladnet.core.network import NetworkSpec
from cladnet.core.pair_suites import DEFAULT_SUITES, is_spoken
from cladnet.core.place import Place
from cladnet.core.rule_table import PeerEntry
from cladnet.wire import etcd_pb2 as pb


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A host that is to be expected, or with a public key (32 bytes) a WireGuard peer without an agent."""

    address: IPv4Address | None = None
    description: str = ""
    details: Cloud = field(default_factory=Cloud)
    public_key: bytes | None = None
    endpoint: Endpoint | None = None

    def __post_init__(self) -> None:
        if self.public_key is None and self.endpoint is not None:
            raise InvalidInput(
                "An endpoint is given without a public key.",
                hint="Only a WireGuard peer without an agent is given an endpoint; an agent finds out.",
            )


@dataclass(frozen=True, slots=True)
class PlacePatch:
    """What is to be changed about a host; None leaves it as it is.

    Args:
        address: to be the host's fixed address.
        is_static: False: the address is kept, but not fixed any more.
        description: for people.
        details: all of them.
        public_key: of a WireGuard peer without an agent.
        endpoint: of such a peer.
        forgets_endpoint: such a peer is to have no given endpoint any more.
    """

    address: IPv4Address | None = None
    is_static: bool | None = None
    description: str | None = None
    details: Cloud | None = None
    public_key: bytes | None = None
    endpoint: Endpoint | None = None
    forgets_endpoint: bool = False

    @property
    def is_about_wireguard(self) -> bool:
        """Whether only a peer without an agent can be meant."""
        return self.public_key is not None or self.endpoint is not None or self.forgets_endpoint

    def place(self, place: Place, address: IPv4Address | None) -> Place:
        """The place after the change.

        Args:
            place: before it.
            address: that the host has, or that is kept for it.

        Raises:
            InvalidInput: a value that cannot be right, or none to fix.
        """
        return replace(
            place,
            address=self._address(place, address),
            is_static=self._is_static(place, address),
            description=place.description if self.description is None else self.description,
            details=place.details if self.details is None else self.details,
        )

    def peer(self, peer: PeerEntry | None, address: IPv4Address | None) -> PeerEntry | None:
        """The entry in the table after the change, with this address."""
        if peer is None or address is None:
            return None
        endpoint = self.endpoint or (None if self.forgets_endpoint else peer.endpoint)
        return replace(
            peer, address=address, public_key=self.public_key or peer.public_key, endpoint=endpoint
        )

    def _address(self, place: Place, address: IPv4Address | None) -> IPv4Address | None:
        if self.address is not None:
            return self.address
        return address if self.is_static else place.address

    def _is_static(self, place: Place, address: IPv4Address | None) -> bool:
        if self.address is not None and self.is_static is False:
            raise InvalidInput("An address is given together with static: false.", hint="Give one of them.")
        if self.is_static and self.address is None and address is None:
            raise InvalidInput("The host has no address yet that could be fixed.", hint="Give the address.")
        if self.is_static is not None:
            return self.is_static
        return place.is_static or self.address is not None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How a host is to be."""

    place: Place
    peer: PeerEntry | None

    @property
    def address(self) -> IPv4Address | None:
        return self.place.address if self.peer is None else self.peer.address


_Decision = Callable[[StoredHost, AddressBook], _Wanted]


class Places:
    """Writes what administrators decide about hosts; every method returns the revision of the write.

    Args:
        client: connection to etcd.
        replica: hints which addresses are free.
        quarantine: leases for addresses that a host has left.
        allocator: reads hosts.
    """

    def __init__(
        self, client: EtcdClient, replica: Replica, quarantine: Quarantine, allocator: Allocator
    ) -> None:
        self._client = client
        self._replica = replica
        self._quarantine = quarantine
        self._allocator = allocator

    async def create(self, network: str, host: str, new: NewPlace) -> int:
        """Keeps a place for a host, or puts a WireGuard peer without an agent into the network.

        Raises:
            InvalidInput: the name or the address cannot be one of a host.
            NotFound: the network does not exist.
            Conflict: the host is there already, another has the address or the public key, or the network's
                cipher is not that of plain WireGuard.
            Exhausted: no address is left.
            Unavailable: etcd does not answer in time.
        """
        check_host_name(host)
        attempted = False

        async def step() -> int:
            nonlocal attempted
            again, attempted = attempted, True
            stored = await self._allocator.read(network, host, new.public_key or b"")
            if again and _is_made(stored, new):
                return stored.revision
            return await self._write(host, stored, new, partial(_made, host, new))

        return await until_settled(step)

    async def change(self, network: str, host: str, patch: PlacePatch) -> int:
        """Changes what is decided about a host; a new address moves it there. Writes nothing if equal.

        Raises:
            InvalidInput: a value that cannot be right.
            NotFound: the network does not exist, or the host is not in it.
            Conflict: another host has the address or the public key, or the host makes its own key.
            Unavailable: etcd does not answer in time.
        """

        async def step() -> int:
            stored = await self._allocator.read(network, host, patch.public_key or b"")
            return await self._write(host, stored, patch, partial(_changed, host, patch))

        return await until_settled(step)

    async def _write(
        self, host: str, stored: StoredHost, asked: NewPlace | PlacePatch, decide: _Decision
    ) -> int:
        """Makes true what is decided on what is stored; decides again if others were faster."""
        network = stored.spec.name
        book = AddressBook(network, self._replica)
        if asked.address is not None:  # a refusal must not rest on what the replica has not heard of yet
            book.note(asked.address, await self._client.get(keys.address(network, asked.address)))
        for _unused in range(MOST_TRIES):
            wanted = decide(stored, book)
            if (wanted.place, wanted.peer) == (stored.place or Place(), stored.peer) and stored.is_known:
                return stored.revision
            try:
                reply = await self._client.txn(
                    _compares(host, stored, wanted, book),
                    await self._writes(host, stored, wanted),
                    stored_host.reads(network, host, asked.public_key or b"") + book.reads(wanted.address),
                )
            except LeaseNotFound:
                self._quarantine.forget()
                continue
            if reply.succeeded:
                return reply.header.revision
            book.learn(wanted.address, reply)
            stored = stored_host.parse(network, host, reply)
        raise overtaken(network, host)

    async def _writes(self, host: str, stored: StoredHost, wanted: _Wanted) -> list[pb.RequestOp]:
        """Only what differs from what is there."""
        network = stored.spec.name
        writes = []
        if wanted.place != stored.place:
            writes.append(txn.put(keys.place(network, host), records.write_place(wanted.place)))
        if wanted.peer is not None and wanted.peer != stored.peer:
            writes.append(txn.put(keys.peer(network, host), records.write_peer(wanted.peer)))
        writes += _key_writes(host, stored, wanted)
        if wanted.address != stored.address:
            writes += await self._address_writes(host, stored, wanted)
        return writes

    async def _address_writes(self, host: str, stored: StoredHost, wanted: _Wanted) -> list[pb.RequestOp]:
        """Takes the new address; one that the host really had goes into quarantine."""
        network = stored.spec.name
        writes = []
        if wanted.address is not None:
            holder = ipam.reserved_for(host) if wanted.peer is None else ipam.held_by(host)
            writes.append(txn.put(keys.address(network, wanted.address), holder))
        if stored.peer is not None:
            writes.append(await vacate(self._quarantine, stored.spec, stored.peer.address, host))
        elif stored.address is not None:
            writes.append(txn.delete(keys.address(network, stored.address)))
        return writes


def _is_made(stored: StoredHost, new: NewPlace) -> bool:
    """Whether an earlier try has made what is wanted, and only its answer was lost."""
    place = stored.place
    if place is None or (place.description, place.details) != (new.description, new.details):
        return False
    return new.address in (None, stored.address) and new.public_key == (
        None if stored.peer is None else stored.peer.public_key
    )


def _made(host: str, new: NewPlace, stored: StoredHost, book: AddressBook) -> _Wanted:
    """A place for a host that is not there."""
    if stored.is_known:
        raise Conflict(f"Host {host} is in network {stored.spec.name} already.", hint="Change it instead.")
    is_static = new.address is not None
    is_managed = new.public_key is None
    if new.address is not None:
        book.check_obtainable(stored.spec, host, new.address)
    place = Place(new.address, is_static, new.description, new.details, is_managed)
    if new.public_key is None:
        return _Wanted(place, None)
    _check_key_is_free(host, stored)
    _check_cipher(host, stored.spec)
    address = new.address or book.choose(stored.spec, host)
    return _Wanted(place, PeerEntry(host, address, new.public_key, new.endpoint))


def _changed(host: str, patch: PlacePatch, stored: StoredHost, book: AddressBook) -> _Wanted:
    """What becomes of a host that is there."""
    if not stored.is_known:
        raise NotFound(f"Host {host[:80]!r} is not in network {stored.spec.name}.")
    if patch.is_about_wireguard and stored.is_managed:
        raise Conflict(
            f"Host {host} has an agent, which makes its key and finds out its endpoint.",
            hint="Have its key changed with the action rekey.",
        )
    place = patch.place(stored.place or Place(), stored.address)
    address = place.address or stored.address
    if address is not None and address != stored.address:
        book.check_obtainable(stored.spec, host, address)
    if patch.public_key is not None:
        _check_key_is_free(host, stored)
    return _Wanted(place, patch.peer(stored.peer, address))


def _check_key_is_free(host: str, stored: StoredHost) -> None:
    if stored.key_holder not in ("", host):
        raise Conflict(f"Host {stored.key_holder} has this public key in network {stored.spec.name}.")


def _check_cipher(host: str, spec: NetworkSpec) -> None:
    """A plain WireGuard peer speaks what every WireGuard implementation speaks, and nothing else."""
    if not is_spoken(spec.cipher, DEFAULT_SUITES):
        raise Conflict(
            f"{host} cannot be a WireGuard peer without an agent in network {spec.name}: its cipher is "
            f"{spec.cipher}, which plain WireGuard does not speak.",
            hint="Set the network's cipher to auto, or run an agent on the host.",
        )


def _compares(host: str, stored: StoredHost, wanted: _Wanted, book: AddressBook) -> list[pb.Compare]:
    """That nothing of what the decision rests on has changed."""
    network = stored.spec.name
    compares = [
        txn.unchanged(keys.config(network), stored.config_revision),
        txn.unchanged(keys.host(network, host), stored.host_revision),
        txn.unchanged(keys.peer(network, host), stored.peer_revision),
        txn.unchanged(keys.place(network, host), stored.place_revision),
    ]
    if wanted.address is not None and wanted.address != stored.address:
        compares.append(book.unchanged(wanted.address))
    if _is_new_key(stored, wanted) and wanted.peer is not None:
        compares.append(txn.absent(keys.public_key(network, wanted.peer.public_key)))
    return compares


def _key_writes(host: str, stored: StoredHost, wanted: _Wanted) -> list[pb.RequestOp]:
    if wanted.peer is None or not _is_new_key(stored, wanted):
        return []
    network = stored.spec.name
    writes = [txn.put(keys.public_key(network, wanted.peer.public_key), host.encode())]
    if stored.peer is not None:
        writes.append(txn.delete(keys.public_key(network, stored.peer.public_key)))
    return writes


def _is_new_key(stored: StoredHost, wanted: _Wanted) -> bool:
    if wanted.peer is None:
        return False
    return stored.peer is None or stored.peer.public_key != wanted.peer.public_key
