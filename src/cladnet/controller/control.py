# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Writes what administrators want hosts to do; these are told on their streams, now or when they are back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cladnet.controller import keys, records, stored_host
from cladnet.controller.addresses import overtaken
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.settling import until_settled
from cladnet.core.errors import Conflict, NotFound
from cladnet.core.orders import Action, Orders, ordered
from cladnet.wire import etcd_pb2 as pb

_HOSTS_AT_ONCE = 40  # etcd takes 128 operations in a transaction, and each host needs three
_MOST_TRIES = 20


@dataclass(frozen=True, slots=True)
class _Target:
    """One host and what is wanted of it.

    Args:
        host: its name.
        at: the key that makes it one of the network.
        created: revision at which that key came into being.
        orders: so far.
        orders_revision: at which they were last written; 0 if never.
        rekeys_done: as the host last reported.
    """

    host: str
    at: bytes
    created: int
    orders: Orders
    orders_revision: int
    rekeys_done: int


class _Wish:
    """What is to become of each host's orders; what others order at the same time stays.

    A count of new keys is fixed before the first try: a lost answer must not rekey a host twice.
    """

    def __init__(self, action: Action) -> None:
        self._action = action
        self._rekeys: dict[str, int] = {}

    def note(self, targets: Iterable[_Target]) -> None:
        """Takes in how the hosts are before anything is written."""
        for target in targets:
            after = ordered(target.orders, self._action, rekeys_done=target.rekeys_done)
            self._rekeys[target.host] = after.rekeys_requested

    def orders(self, target: _Target) -> Orders:
        """The orders that the host should have."""
        if self._action is not Action.REKEY:
            return ordered(target.orders, self._action)
        return replace(
            target.orders, rekeys_requested=max(target.orders.rekeys_requested, self._rekeys[target.host])
        )


class Control:
    """The writer of orders.

    Args:
        client: connection to etcd.
    """

    def __init__(self, client: EtcdClient) -> None:
        self._client = client

    async def order(self, network: str, action: Action, hosts: Sequence[str]) -> int:
        """Orders something of hosts of a network that exists; writes nothing where it is ordered already.

        Returns:
            The revision as of which it is ordered.

        Raises:
            NotFound: one of the hosts is not in the network; then nothing is ordered.
            Conflict: one of them has no agent; then nothing is ordered.
            Unavailable: etcd does not answer in time; some of them may have their orders.
        """
        parts = [hosts[at : at + _HOSTS_AT_ONCE] for at in range(0, len(hosts), _HOSTS_AT_ONCE)]
        wish = _Wish(action)
        for part in parts:
            targets, _unused = await self._read(network, part)
            wish.note(targets)
        revision = 0
        for part in parts:
            revision = await until_settled(partial(self._write, network, part, wish))
        return revision or await self._client.revision()

    async def _write(self, network: str, hosts: Sequence[str], wish: _Wish) -> int:
        """Writes what differs."""
        for _unused in range(_MOST_TRIES):
            targets, revision = await self._read(network, hosts)
            changed = [target for target in targets if wish.orders(target) != target.orders]
            if not changed:
                return revision
            writes = [
                txn.put(keys.order(network, target.host), records.write_orders(wish.orders(target)))
                for target in changed
            ]
            reply = await self._client.txn(_compares(network, changed), writes)
            if reply.succeeded:
                return reply.header.revision
        raise overtaken(network, ", ".join(hosts))

    async def _read(self, network: str, hosts: Sequence[str]) -> tuple[list[_Target], int]:
        reads = [txn.get(key(network, host)) for host in hosts for key in (keys.host, keys.place, keys.order)]
        reply = await self._client.txn([], reads, repeatable=True)
        found = [stored_host.found(response) for response in reply.responses]
        targets = [_target(network, host, *found[3 * at : 3 * at + 3]) for at, host in enumerate(hosts)]
        return targets, reply.header.revision


def _target(
    network: str, host: str, member: pb.KeyValue | None, place: pb.KeyValue | None, orders: pb.KeyValue | None
) -> _Target:
    if place is not None and not records.read_place(place.value).is_managed:
        raise Conflict(f"Host {host} of network {network} has no agent that could be ordered to do anything.")
    anchor = member or place
    if anchor is None:
        raise NotFound(f"Host {host[:80]!r} is not in network {network}.")
    report = None if member is None else records.read_host(member.value).report
    return _Target(
        host=host,
        at=anchor.key,
        created=anchor.create_revision,
        orders=Orders() if orders is None else records.read_orders(orders.value),
        orders_revision=0 if orders is None else orders.mod_revision,
        rekeys_done=0 if report is None else report.rekeys_done,
    )


def _compares(network: str, targets: Iterable[_Target]) -> list[pb.Compare]:
    """That the hosts are still the same ones, and nobody else has given them orders meanwhile."""
    compares = []
    for target in targets:
        compares.append(txn.created_at(target.at, target.created))
        compares.append(txn.unchanged(keys.order(network, target.host), target.orders_revision))
    return compares
