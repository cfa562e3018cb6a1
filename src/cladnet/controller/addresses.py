# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What stands at the addresses of a network as far as one transition knows, and how an address is left."""

from __future__ import annotations

from ipaddress import IPv4Address

from cladnet.controller import keys, stored_host
from cladnet.controller.etcd import txn
from cladnet.controller.quarantine import Quarantine
from cladnet.controller.replica import Replica
from cladnet.core import ipam
from cladnet.core.errors import Conflict, Exhausted, InvalidInput, Unavailable
from cladnet.core.network import NetworkSpec
from cladnet.wire import etcd_pb2 as pb

MOST_TRIES = 500  # a lost race costs one; many hosts that ask for few free addresses lose many


class AddressBook:
    """What stands at each address: as etcd itself just said, else as the replica knows.

    Args:
        network: whose addresses.
        replica: hints which addresses are free.
    """

    def __init__(self, network: str, replica: Replica) -> None:
        state = replica.networks.get(network)
        self._network = network
        self._known = {} if state is None else state.holders
        self._seen: dict[IPv4Address, bytes | None] = {}

    def holder(self, address: IPv4Address) -> bytes | None:
        """What stands at an address; None if it is free."""
        return self._seen[address] if address in self._seen else self._known.get(address)

    def reads(self, address: IPv4Address | None) -> list[pb.RequestOp]:
        """The operation whose answer ``learn`` takes."""
        return [] if address is None else [txn.get(keys.address(self._network, address))]

    def learn(self, address: IPv4Address | None, reply: pb.TxnResponse) -> None:
        """Takes in what etcd said of an address, last in its reply."""
        if address is not None:
            self.note(address, stored_host.found(reply.responses[-1]))

    def note(self, address: IPv4Address, stored: pb.KeyValue | None) -> None:
        """Takes in what stands at an address in etcd now."""
        self._seen[address] = None if stored is None else stored.value

    def unchanged(self, address: IPv4Address) -> pb.Compare:
        """Holds if at the address still stands what is known."""
        key, known = keys.address(self._network, address), self.holder(address)
        return txn.absent(key) if known is None else txn.holds(key, known)

    def choose(self, spec: NetworkSpec, host: str) -> IPv4Address:
        """An address for the host.

        Raises:
            Exhausted: none is left.
        """
        address = ipam.choose_address(spec.cidr, host, self.holder)
        if address is None:
            raise Exhausted(
                f"Network {spec.name} ({spec.cidr}) has no free address for host {host}.",
                hint="Remove hosts that are gone and wait until quarantine ends, or make a larger network.",
            )
        return address

    def check_obtainable(self, spec: NetworkSpec, host: str, address: IPv4Address) -> None:
        """Lets pass an address that this host may have.

        Raises:
            InvalidInput: it is none of the network's addresses for hosts.
            Conflict: another host has it, or had it a moment ago, or it is kept for another host.
        """
        if not ipam.is_usable(spec.cidr, address):
            raise InvalidInput(
                f"{address} is no address for a host of network {spec.name} ({spec.cidr}).",
                hint=f"Take one from {spec.cidr.network_address + 1} to {spec.cidr.broadcast_address - 1}.",
            )
        holder = self.holder(address)
        if holder in (None, ipam.quarantined_for(host), ipam.reserved_for(host)):
            return
        kind, _unused, other = (holder or b"").decode("utf-8", "replace").partition(":")
        what = {"A": "is that of", "R": "is reserved for", "Q": "was until a moment ago that of"}
        hint = f"Wait {spec.quarantine_s} s at most, or take another one." if kind == "Q" else ""
        raise Conflict(f"{address} {what.get(kind, 'belongs to')} host {other} in {spec.name}.", hint=hint)


async def vacate(quarantine: Quarantine, spec: NetworkSpec, address: IPv4Address, host: str) -> pb.RequestOp:
    """The write with which a host leaves an address that it had: into quarantine.

    Raises:
        Unavailable: etcd gives no lease in time.
    """
    at_address = keys.address(spec.name, address)
    if not spec.quarantine_s:
        return txn.delete(at_address)
    lease = await quarantine.lease(spec.quarantine_s)
    return txn.put(at_address, ipam.quarantined_for(host), lease=lease)


def overtaken(network: str, host: str) -> Unavailable:
    """Others were faster for as long as it was tried."""
    return Unavailable(f"Others changed host {host} of network {network} again and again; try again.")
