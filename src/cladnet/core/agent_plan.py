# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""From one rule table to the next: what has to be done to the tunnel, and nothing more.

A peer that did not change is in no action, so its sessions live on through every update.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Network, ip_address

from cladnet.core.endpoint import Endpoint
from cladnet.core.network import AUTO_CIPHER
from cladnet.core.pair_suites import DEFAULT_SUITES, is_spoken, suites_of_pair
from cladnet.core.rule_table import PeerEntry, RuleTable


@dataclass(frozen=True, slots=True)
class SetPeer:
    """Add the peer, or bring it up to date."""

    peer: PeerEntry


@dataclass(frozen=True, slots=True)
class RemovePeer:
    """Forget the peer and its sessions."""

    host: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Connect:
    """Greet the peer, so that both sides know each other's endpoint before there is traffic."""

    host: str
    public_key: bytes


Action = RemovePeer | SetPeer | Connect


@dataclass(frozen=True, slots=True)
class PeerSelection:
    """The peers that can be programmed, by host, and a sentence for each entry that cannot (fully) be."""

    peers: Mapping[str, PeerEntry]
    problems: tuple[str, ...]


def plan(before: Mapping[str, PeerEntry], after: Mapping[str, PeerEntry]) -> tuple[Action, ...]:
    """The actions that lead from one set of peers to the other.

    Removals come first: an address or a key may move from one host to another.
    """
    changed = [peer for host, peer in after.items() if not _same(before.get(host), peer)]
    return (*_removals(before, after), *map(SetPeer, changed), *_greetings(before, changed))


def select_peers(table: RuleTable, *, own_host: str, own_key: bytes) -> PeerSelection:
    """The peers of a table that a tunnel may hold: all others, without what would do harm.

    Left out are entries outside the network's space, with this host's own key, or with an address or a key
    that another entry has already. An endpoint inside the overlay is not used: the tunnel would feed itself.
    The suites of each are those of the pair.
    """
    peers: dict[str, PeerEntry] = {}
    problems: list[str] = []
    taken: set[object] = {own_key, *_addresses(table, own_host)}
    for host in sorted(table.peers.keys() - {own_host}):
        peer = table.peers[host]
        problem = _harm(peer, table, taken)
        if problem:
            problems.append(problem)
            continue
        taken.update((peer.address, peer.public_key))
        peers[host] = in_pair(_without_loop(peer, table, problems), table, own_host)
        problems += _not_understood(peer, table)
    return PeerSelection(peers, tuple(problems))


def in_pair(peer: PeerEntry, table: RuleTable, own_host: str) -> PeerEntry:
    """The entry of a peer with the suites that this host uses with it."""
    own = table.peers.get(own_host)
    ours = DEFAULT_SUITES if own is None else own.suites
    return replace(peer, suites=suites_of_pair(_cipher(table), ours, peer.suites))


def _same(before: PeerEntry | None, after: PeerEntry) -> bool:
    """Whether the tunnel would see no difference (a revision alone is none)."""
    return before is after or (before is not None and replace(before, revision=after.revision) == after)


def _removals(before: Mapping[str, PeerEntry], after: Mapping[str, PeerEntry]) -> Iterable[RemovePeer]:
    for host, peer in before.items():
        successor = after.get(host)
        if successor is None or successor.public_key != peer.public_key:
            yield RemovePeer(host, peer.public_key)


def _greetings(before: Mapping[str, PeerEntry], changed: Iterable[PeerEntry]) -> Iterable[Connect]:
    for peer in changed:
        old = before.get(peer.host)
        is_news = old is None or (old.endpoint, old.public_key) != (peer.endpoint, peer.public_key)
        if peer.endpoint is not None and is_news:
            yield Connect(peer.host, peer.public_key)


def _addresses(table: RuleTable, own_host: str) -> Iterable[object]:
    own = table.peers.get(own_host)
    return () if own is None else (own.address,)


def _harm(peer: PeerEntry, table: RuleTable, taken: set[object]) -> str:
    if table.network is not None and peer.address not in table.network.cidr:
        return f"{peer.host} left out: its address {peer.address} is outside {table.network.cidr}"
    if peer.address in taken:
        return f"{peer.host} left out: another host has its address {peer.address}"
    if peer.public_key in taken:
        return f"{peer.host} left out: another host has its public key (cloned image?)"
    return ""


def _without_loop(peer: PeerEntry, table: RuleTable, problems: list[str]) -> PeerEntry:
    if table.network is None or not _inside(peer.endpoint, table.network.cidr):
        return peer
    problems.append(f"{peer.host}: endpoint {peer.endpoint} lies inside the overlay and is not used")
    return replace(peer, endpoint=None)


def _not_understood(peer: PeerEntry, table: RuleTable) -> Iterable[str]:
    if not is_spoken(_cipher(table), peer.suites):
        yield f"{peer.host} does not speak {_cipher(table)}, the cipher of the network: is its agent too old?"


def _cipher(table: RuleTable) -> str:
    return AUTO_CIPHER if table.network is None else table.network.cipher


def _inside(endpoint: Endpoint | None, cidr: IPv4Network) -> bool:
    return endpoint is not None and _parsed(endpoint.address) in cidr


# The same endpoints are looked at for every change of a table.
_parsed = lru_cache(maxsize=1 << 16)(ip_address)
