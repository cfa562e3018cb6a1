# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Everything that etcd holds of one host, read as of one revision: what a transition is decided on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from cladnet.controller import keys, records
from cladnet.controller.etcd import txn
from cladnet.controller.records import HostRecord
from cladnet.core.errors import NotFound, Unauthorized
from cladnet.core.network import NetworkSpec
from cladnet.core.place import Place
from cladnet.core.rule_table import PeerEntry
from cladnet.wire import etcd_pb2 as pb


@dataclass(frozen=True, slots=True)
class Member:
    """Who asks, as the certificate says: network, host, and SHA-256 (hex) of the certified public key."""

    network: str
    host: str
    identity: str


@dataclass(frozen=True, slots=True)
class StoredHost:
    """A host of a network that exists.

    Args:
        spec: its network.
        config_revision: at which the network was last written.
        network_created: at which the network came into being.
        host: the member; None if it is none.
        host_revision: at which the member was last written; 0 if it is none.
        peer: its entry in the table; None if it has no address.
        key_holder: the host that has the public key that was asked for; empty if nobody has.
        place: what an administrator decided about it; None if nothing.
        place_revision: at which that was last written; 0 if there is nothing.
        revision: as of which all this is so.
    """

    spec: NetworkSpec
    config_revision: int
    network_created: int
    host: HostRecord | None
    host_revision: int
    peer: PeerEntry | None
    key_holder: str
    place: Place | None
    place_revision: int
    revision: int

    @property
    def is_known(self) -> bool:
        """Whether the host is in the network, or expected there."""
        return self.host is not None or self.peer is not None or self.place is not None

    @property
    def is_managed(self) -> bool:
        """Whether there is, or may be, an agent."""
        return self.place is None or self.place.is_managed

    @property
    def address(self) -> IPv4Address | None:
        """The address that the host has, or that is kept for it."""
        if self.peer is not None:
            return self.peer.address
        return None if self.place is None else self.place.address

    @property
    def peer_revision(self) -> int:
        """The revision at which the entry in the table was last written; 0 if there is none."""
        return 0 if self.peer is None else self.peer.revision

    def authorize(self, member: Member) -> HostRecord:
        """The member that asks.

        Raises:
            Unauthorized: the host is no member, or was enrolled anew with another key.
        """
        return authorize(self.host, member)


def authorize(record: HostRecord | None, member: Member) -> HostRecord:
    """The record of the member that asks.

    Raises:
        Unauthorized: the host is no member, or was enrolled anew with another key.
    """
    if record is None:
        raise Unauthorized(
            f"Host {member.host} is not a member of network {member.network} (any more).",
            hint="Enrol it again if it should be.",
        )
    if record.identity != member.identity:
        raise Unauthorized(
            f"Host {member.host} of network {member.network} was enrolled anew; this certificate is void.",
            hint="If this is another machine, give it a name of its own; else enrol it again.",
        )
    return record


def reads(network: str, host: str, public_key: bytes) -> list[pb.RequestOp]:
    """The operations whose answers ``parse`` reads."""
    return [
        txn.get(keys.config(network)),
        txn.get(keys.host(network, host)),
        txn.get(keys.peer(network, host)),
        txn.get(keys.public_key(network, public_key)),
        txn.get(keys.place(network, host)),
    ]


def parse(network: str, host: str, reply: pb.TxnResponse) -> StoredHost:
    """What the answers to ``reads``, first in the reply, say.

    Raises:
        NotFound: the network does not exist.
        InvalidInput: somebody else wrote into our keys.
    """
    config, member, peer, key, place = (found(response) for response in reply.responses[:5])
    if config is None:
        raise NotFound(f"There is no network {network}.")
    return StoredHost(
        spec=records.read_network(network, config.value),
        config_revision=config.mod_revision,
        network_created=config.create_revision,
        host=None if member is None else records.read_host(member.value),
        host_revision=0 if member is None else member.mod_revision,
        peer=None if peer is None else records.read_peer(host, peer.mod_revision, peer.value),
        key_holder="" if key is None else key.value.decode("utf-8", "replace"),
        place=None if place is None else records.read_place(place.value),
        place_revision=0 if place is None else place.mod_revision,
        revision=reply.header.revision,
    )


def found(response: pb.ResponseOp) -> pb.KeyValue | None:
    """The key that a read found, if any."""
    kvs = response.response_range.kvs
    return kvs[0] if kvs else None
