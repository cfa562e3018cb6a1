# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The networking rule as one host knows it: who is in the network, and where to send to.

A table is immutable; a snapshot replaces it, a delta makes the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

from cladnet.core.endpoint import Endpoint
from cladnet.core.network import AUTO_CIPHER
from cladnet.core.pair_suites import DEFAULT_SUITES
from cladnet.core.wireguard.suite import Suite


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """What all hosts of a network share."""

    name: str
    cidr: IPv4Network
    mtu: int = 0  # bytes; 0: each host derives it from its own underlay
    rule_type: str = "basic"
    cipher: str = AUTO_CIPHER


@dataclass(frozen=True, slots=True)
class PeerEntry:
    """One host of the network.

    Args:
        host: name.
        address: in the overlay.
        public_key: 32 bytes.
        endpoint: where to send to; None while unknown.
        revision: at which the entry was last written.
        suites: in a table: what the host speaks, the fastest on its CPU first. As a peer of this host:
            what the pair uses, the one to initiate with first.
    """

    host: str
    address: IPv4Address
    public_key: bytes
    endpoint: Endpoint | None = None
    revision: int = 0
    suites: tuple[Suite, ...] = DEFAULT_SUITES


@dataclass(frozen=True, slots=True)
class ControllerEntry:
    """A controller and the addresses at which agents reach it from outside."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The whole rule at one revision of one cluster; ``peers`` by host name, the own host included."""

    cluster_id: int = 0
    revision: int = 0
    network: NetworkRule | None = None
    peers: Mapping[str, PeerEntry] = field(default_factory=lambda: MappingProxyType({}))
    controllers: tuple[ControllerEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleDelta:
    """What changed up to ``revision``; None means: unchanged."""

    revision: int
    network: NetworkRule | None = None
    peers: tuple[PeerEntry, ...] = ()
    removed_hosts: frozenset[str] = frozenset()
    controllers: tuple[ControllerEntry, ...] | None = None


def by_host(peers: Iterable[PeerEntry]) -> Mapping[str, PeerEntry]:
    """Peers as a table holds them."""
    return MappingProxyType({peer.host: peer for peer in peers})


def apply_delta(table: RuleTable, delta: RuleDelta) -> RuleTable:
    """The table after the delta. A host both removed and given is there: it went before it came back."""
    peers = {host: peer for host, peer in table.peers.items() if host not in delta.removed_hosts}
    peers.update((peer.host, peer) for peer in delta.peers)
    return replace(
        table,
        revision=delta.revision,
        network=delta.network or table.network,
        peers=MappingProxyType(peers),
        controllers=table.controllers if delta.controllers is None else delta.controllers,
    )
