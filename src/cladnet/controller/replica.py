# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A copy of etcd in memory, kept up by batches of changes: what is read is read here. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import groupby
from typing import Protocol

from cladnet.controller import keys, records
from cladnet.controller.etcd.informer import Batch, Change
from cladnet.controller.records import HostRecord
from cladnet.core.connectivity import ConnectivityTest
from cladnet.core.errors import InvalidInput, NotFound
from cladnet.core.network import NetworkSpec
from cladnet.core.orders import Orders
from cladnet.core.peer_table import Controllers, Item, PeerTable, RemovedPeer
from cladnet.core.place import Place
from cladnet.core.rule_table import ControllerEntry, NetworkRule

log = logging.getLogger(__name__)


@dataclass(slots=True)
class HostState:
    """A member and the revision at which its record was last written."""

    record: HostRecord
    revision: int


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What an administrator decided about a host, and the revision at which that was last written."""

    place: Place
    revision: int


@dataclass(frozen=True, slots=True)
class TestState:
    """A connectivity test, when it was last written, and who has answered."""

    test: ConnectivityTest
    revision: int
    answered: set[str]


@dataclass(slots=True)
class NetworkState:
    """Everything known of one network.

    Args:
        spec: the network.
        revision: at which it was last written.
        created: revision at which it came into being.
        table: what its hosts are told.
        hosts: its members by name.
        places: what administrators decided about hosts, by name.
        orders: what administrators want hosts to do, by name.
        seen: the controller that has the stream of a host, by host.
        tests: connectivity tests by id.
        holders: what stands at each address that is taken.
    """

    spec: NetworkSpec
    revision: int
    created: int
    table: PeerTable
    hosts: dict[str, HostState] = field(default_factory=dict)
    places: dict[str, PlaceState] = field(default_factory=dict)
    orders: dict[str, Orders] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    tests: dict[str, TestState] = field(default_factory=dict)
    holders: dict[IPv4Address, bytes] = field(default_factory=dict)

    def take_in(self, kind: str, name: str, change: Change) -> list[Item] | None:
        """Takes in a change of one of its parts.

        Returns:
            What becomes of the table; None if its hosts have nothing to learn.
        """
        match kind:
            case "peer":
                return self._take_in_peer(name, change)
            case "host":
                return self._take_in_host(name, change)
            case "place":
                self._take_in_place(name, change)
            case "test":
                return self._take_in_test(name, change)
            case "result":
                self._take_in_result(name, change)
            case "seen":
                self._take_in_seen(name, change)
            case "order":
                return self._take_in_orders(name, change)
            case "addr":
                self._take_in_address(name, change)
        return None

    @property
    def host_names(self) -> set[str]:
        """All hosts that are in the network or expected there."""
        return self.hosts.keys() | self.places.keys()

    def place(self, host: str) -> Place:
        """What an administrator decided about a host; the defaults if nothing."""
        known = self.places.get(host)
        return Place() if known is None else known.place

    def _take_in_peer(self, host: str, change: Change) -> list[Item] | None:
        if change.value is None:
            return [RemovedPeer(host)]
        try:
            return [records.read_peer(host, change.revision, change.value)]
        except InvalidInput as exc:
            _ignored(change, exc)
            return None

    def _take_in_host(self, host: str, change: Change) -> list[Item] | None:
        known = self.hosts.get(host)
        if change.value is None:
            self.hosts.pop(host, None)
            return []
        try:
            record = records.read_host(change.value)
        except InvalidInput as exc:
            _ignored(change, exc)
            return None
        self.hosts[host] = HostState(record, change.revision)
        # Another identity: a stream of the old one must end.
        return None if known is None or known.record.identity == record.identity else []

    def _take_in_place(self, host: str, change: Change) -> None:
        if change.value is None:
            self.places.pop(host, None)
            return
        try:
            self.places[host] = PlaceState(records.read_place(change.value), change.revision)
        except InvalidInput as exc:
            _ignored(change, exc)

    def _take_in_test(self, test_id: str, change: Change) -> list[Item] | None:
        if change.value is None:
            self.tests.pop(test_id, None)
            return None
        try:
            test = records.read_test(change.value)
        except InvalidInput as exc:
            _ignored(change, exc)
            return None
        known = self.tests.get(test_id)
        self.tests[test_id] = TestState(test, change.revision, set() if known is None else known.answered)
        return []

    def _take_in_result(self, name: str, change: Change) -> None:
        test_id, _unused, host = name.partition(".")
        if change.value is not None and test_id in self.tests:
            self.tests[test_id].answered.add(host)

    def _take_in_seen(self, host: str, change: Change) -> None:
        if change.value is None:
            self.seen.pop(host, None)
            return
        try:
            self.seen[host] = records.read_seen(change.value)
        except InvalidInput as exc:
            _ignored(change, exc)

    def _take_in_orders(self, host: str, change: Change) -> list[Item] | None:
        if change.value is None:
            self.orders.pop(host, None)
            return []
        try:
            self.orders[host] = records.read_orders(change.value)
        except InvalidInput as exc:
            _ignored(change, exc)
            return None
        return []

    def _take_in_address(self, name: str, change: Change) -> None:
        try:
            address = IPv4Address(name)
        except ValueError as exc:
            _ignored(change, InvalidInput(str(exc)))
            return
        if change.value is None:
            self.holders.pop(address, None)
        else:
            self.holders[address] = change.value


_KINDS_OF_HOST = frozenset({"host", "peer", "place", "order", "seen"})


@dataclass(frozen=True, slots=True)
class Touched:
    """What changes of one revision are about.

    Args:
        networks: by name.
        hosts: by network and name.
        tests: by network and id.
    """

    networks: set[str] = field(default_factory=set)
    hosts: set[tuple[str, str]] = field(default_factory=set)
    tests: set[tuple[str, str]] = field(default_factory=set)

    def note(self, change: Change) -> None:
        """Takes in one more change."""
        match keys.parse(change.key):
            case keys.NetworkKey(network, "cfg"):
                self.networks.add(network)
            case keys.NetworkKey(network, "test", test_id):
                self.tests.add((network, test_id))
            case keys.NetworkKey(network, "result", name):
                self.tests.add((network, name.partition(".")[0]))
            case keys.NetworkKey(network, kind, host) if kind in _KINDS_OF_HOST:
                self.hosts.add((network, host))


class Observer(Protocol):
    """Who is told of every revision that a replica takes in."""

    def reset(self) -> None:
        """etcd has another history: what was before means nothing now."""

    def take_in(self, revision: int, touched: Touched) -> None:
        """The replica has come to a revision, by changes that are about this."""


class Replica:
    """All networks and controllers as of one revision of etcd."""

    def __init__(self) -> None:
        self.networks: dict[str, NetworkState] = {}
        self.revision = 0
        self.observer: Observer | None = None
        self._members: dict[str, ControllerEntry] = {}

    @property
    def controllers(self) -> Controllers:
        """The controllers that run, by name."""
        return tuple(self._members[name] for name in sorted(self._members))

    def network(self, name: str) -> NetworkState:
        """The network of that name.

        Raises:
            NotFound: there is none.
        """
        try:
            return self.networks[name]
        except KeyError:
            raise NotFound(f"There is no network {name[:80]!r}.") from None

    def apply(self, batch: Batch) -> set[str]:
        """Takes in a batch; returns the names of the networks whose hosts have something to learn from it."""
        if batch.new_history:
            self.networks.clear()
            self._members.clear()
            if self.observer is not None:
                self.observer.reset()
        touched: set[str] = set()
        for revision, group in _by_revision(batch):
            changes = list(group)
            pending = self._take_in(changes, batch.revision)
            for name, items in pending.items():
                if name in self.networks:
                    self.networks[name].table.change(revision, items)
            touched |= pending.keys()
            self.revision = revision
            self._tell_observer(revision, changes)
        self.revision = batch.revision
        return touched

    def _tell_observer(self, revision: int, changes: Iterable[Change]) -> None:
        if self.observer is None:
            return
        touched = Touched()
        for change in changes:
            touched.note(change)
        self.observer.take_in(revision, touched)

    def _take_in(self, changes: Iterable[Change], now: int) -> dict[str, list[Item]]:
        """Takes in the changes of one revision; returns what becomes of each table that is concerned."""
        pending: dict[str, list[Item]] = {}
        for change in changes:
            match keys.parse(change.key):
                case keys.MemberKey(name):
                    before = self.controllers
                    self._take_in_member(name, change)
                    for network in self.networks if self.controllers != before else ():
                        pending.setdefault(network, []).append(self.controllers)
                case keys.NetworkKey(network, "cfg"):
                    pending[network] = [
                        *pending.get(network, []),
                        *self._take_in_network(network, change, now),
                    ]
                case keys.NetworkKey(network, kind, name) if network in self.networks:
                    items = self.networks[network].take_in(kind, name, change)
                    if items is not None:
                        pending.setdefault(network, []).extend(items)
        return pending

    def _take_in_network(self, name: str, change: Change, now: int) -> list[Item]:
        if change.value is None:
            self.networks.pop(name, None)
            return []
        try:
            spec = records.read_network(name, change.value)
        except InvalidInput as exc:
            _ignored(change, exc)
            return []
        rule = NetworkRule(spec.name, spec.cidr, spec.mtu, spec.rule_type, spec.cipher)
        state = self.networks.get(name)
        if state is None or state.created != change.create_revision:
            table = PeerTable(rule, self.controllers, now)
            self.networks[name] = NetworkState(spec, change.revision, change.create_revision, table)
            return []
        state.spec, state.revision = spec, change.revision
        return [] if rule == state.table.network else [rule]

    def _take_in_member(self, name: str, change: Change) -> None:
        if change.value is None:
            self._members.pop(name, None)
            return
        try:
            self._members[name] = records.read_controller(name, change.value)
        except InvalidInput as exc:
            _ignored(change, exc)


def _ignored(change: Change, error: InvalidInput) -> None:
    """One key that somebody else wrote must not stop everything."""
    log.error("The key %r is ignored: %s", change.key, error)


def _listing_order(change: Change) -> tuple[bool, bool]:
    """Networks before their parts, tests before their results: or these belong to nothing yet."""
    return not change.key.endswith(b"/cfg"), b"/result/" in change.key


def _by_revision(batch: Batch) -> Iterable[tuple[int, Iterable[Change]]]:
    """The changes of each revision; those of a listing all count as of its own revision.

    A listing comes in the order of the keys, which is not that in which they make sense.
    """
    if batch.listed:
        return [(batch.revision, sorted(batch.changes, key=_listing_order))]
    return [(revision, list(group)) for revision, group in groupby(batch.changes, lambda c: c.revision)]
