# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""When to believe a snapshot: a restored or damaged store must not tear a running network down.

A snapshot that lacks more than 30% of the peers known here (or all of them) is applied in what it adds and
changes, but the peers it lacks are kept until the controllers have said the same for ``CONFIRMATION_S``.
Removals that come as a delta name what is removed, and are believed at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from cladnet.core.rule_table import PeerEntry, RuleDelta, RuleTable, apply_delta

CONFIRMATION_S = 60.0
PLAUSIBLE_LOSS = 0.3


@dataclass(frozen=True, slots=True)
class HeldRemovals:
    """Peers that are kept although the controllers' snapshot lacks them."""

    hosts: frozenset[str]
    since_s: float


@dataclass(frozen=True, slots=True)
class BelievedRule:
    """The table to program, and what in it awaits confirmation."""

    table: RuleTable
    held: HeldRemovals | None = None

    @property
    def resumable(self) -> RuleTable:
        """The table as a later watch may resume from it: while removals are held only a snapshot will do."""
        return self.table if self.held is None else replace(self.table, cluster_id=0, revision=0)


def on_snapshot(believed: BelievedRule, snapshot: RuleTable, *, own_host: str, now_s: float) -> BelievedRule:
    """The rule after a snapshot.

    Args:
        believed: the rule so far.
        snapshot: what the controller says now.
        own_host: this host; its own entry does not count as a peer.
        now_s: monotonic clock, seconds.
    """
    known = believed.table.peers.keys() - {own_host}
    lost = frozenset(known - snapshot.peers.keys())
    snapshot = _with_own_entry(believed.table, snapshot, own_host)
    if not _is_suspicious(known_count=len(known), lost_count=len(lost)):
        return BelievedRule(snapshot)
    since_s = now_s if believed.held is None else believed.held.since_s
    return on_time(_keep(believed.table, snapshot, HeldRemovals(lost, since_s)), now_s=now_s)


def on_delta(believed: BelievedRule, delta: RuleDelta) -> BelievedRule:
    """The rule after a delta; what it names is believed at once."""
    table = apply_delta(believed.table, delta)
    if believed.held is None:
        return BelievedRule(table)
    named = delta.removed_hosts | {peer.host for peer in delta.peers}
    hosts = believed.held.hosts - named
    return BelievedRule(table, replace(believed.held, hosts=hosts) if hosts else None)


def on_time(believed: BelievedRule, *, now_s: float) -> BelievedRule:
    """The rule when time has passed with a controller connected that still says the same."""
    if believed.held is None or now_s < believed.held.since_s + CONFIRMATION_S:
        return believed
    remaining = {h: p for h, p in believed.table.peers.items() if h not in believed.held.hosts}
    return BelievedRule(replace(believed.table, peers=MappingProxyType(remaining)))


def _with_own_entry(before: RuleTable, snapshot: RuleTable, own_host: str) -> RuleTable:
    """A host keeps its address until it is told by name that it was removed; one that moved on is gone."""
    own = before.peers.get(own_host)
    if own is None or own_host in snapshot.peers:
        return snapshot
    if any(peer.address == own.address for peer in snapshot.peers.values()):
        return snapshot
    return replace(snapshot, peers=MappingProxyType({**snapshot.peers, own_host: own}))


def _is_suspicious(*, known_count: int, lost_count: int) -> bool:
    return lost_count > PLAUSIBLE_LOSS * known_count


def _keep(before: RuleTable, snapshot: RuleTable, held: HeldRemovals) -> BelievedRule:
    """The snapshot plus the held peers, but never two hosts on one address or key."""
    taken = {value for peer in snapshot.peers.values() for value in (peer.address, peer.public_key)}
    kept: dict[str, PeerEntry] = {
        host: before.peers[host]
        for host in sorted(held.hosts)
        if not taken & {before.peers[host].address, before.peers[host].public_key}
    }
    if not kept:
        return BelievedRule(snapshot)
    table = replace(snapshot, peers=MappingProxyType({**snapshot.peers, **kept}))
    return BelievedRule(table, replace(held, hosts=frozenset(kept)))
