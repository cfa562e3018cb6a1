# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The networking rule as this host follows it: what it believes, programmed into the tunnel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface, IPv4Network
from typing import Protocol

from cladnet.core.agent_plan import Connect, PeerSelection, RemovePeer, SetPeer, plan, select_peers
from cladnet.core.errors import InvalidInput
from cladnet.core.rule_table import PeerEntry, RuleDelta, RuleTable
from cladnet.core.snapshot_hold import BelievedRule, on_delta, on_snapshot, on_time
from cladnet.core.wireguard.peer_config import PeerConfig

_log = logging.getLogger(__name__)


class PeerTable(Protocol):
    """The part of a tunnel that the rule is programmed into."""

    def set_peer(self, peer: PeerConfig) -> None:
        """Adds or updates a peer."""

    def remove_peer(self, public_key: bytes) -> None:
        """Forgets a peer."""


class NetworkingRule:
    """Applies snapshots and deltas; a peer that did not change is not touched.

    Args:
        host: name of this host.
        public_key: of this host's tunnel.
        table: the last-good rule from disk.
        is_suspended: the tunnel is to have no peer.
        tunnel: where peers are programmed.
        announce: greets peers, by public key.
        on_change: called after the rule has changed.
        clock: monotonic, seconds.
    """

    def __init__(
        self,
        *,
        host: str,
        public_key: bytes,
        table: RuleTable,
        tunnel: PeerTable,
        announce: Callable[[list[bytes]], None],
        on_change: Callable[[], None],
        clock: Callable[[], float],
        is_suspended: bool = False,
    ) -> None:
        self._host = host
        self._public_key = public_key
        self._believed = BelievedRule(table)
        self._tunnel = tunnel
        self._announce = announce
        self._on_change = on_change
        self._clock = clock
        self._peers: Mapping[str, PeerEntry] = {}
        self._problems: frozenset[str] = frozenset()
        self._is_suspended = is_suspended

    @property
    def table(self) -> RuleTable:
        """The rule as it is followed now."""
        return self._believed.table

    @property
    def resumable(self) -> RuleTable:
        """The rule as it is kept on disk and a watch resumes from."""
        return self._believed.resumable

    @property
    def peers(self) -> Mapping[str, PeerEntry]:
        """The peers that are programmed, by host."""
        return self._peers

    @property
    def address(self) -> IPv4Interface | None:
        """This host's overlay address with the network's prefix length; None while it has none."""
        own, network = self.table.peers.get(self._host), self.table.network
        if own is None or network is None or own.address not in network.cidr:
            return None
        return IPv4Interface(f"{own.address}/{network.cidr.prefixlen}")

    @property
    def removals_held(self) -> str:
        """A sentence about peers that the controllers do not know any more but are kept; mostly empty."""
        held = self._believed.held
        if held is None:
            return ""
        return (
            f"the controllers suddenly know {len(held.hosts)} of the peers no more; "
            f"they are kept until this is confirmed"
        )

    def program(self) -> None:
        """Puts the whole rule into the tunnel: at the start."""
        self._peers = {}
        self._apply()

    def suspend(self, *, is_suspended: bool) -> None:
        """Keeps the tunnel without any peer, or lets it have them again; the rule itself goes on."""
        if is_suspended != self._is_suspended:
            self._is_suspended = is_suspended
            self._apply()
            self._on_change()

    def use_key(self, public_key: bytes) -> None:
        """This host has another public key now."""
        self._public_key = public_key
        self._apply()

    def snapshot(self, table: RuleTable) -> None:
        """Follows a whole table from a controller."""
        self._follow(on_snapshot(self._believed, table, own_host=self._host, now_s=self._clock()))

    def delta(self, delta: RuleDelta) -> None:
        """Follows changes from a controller."""
        self._follow(on_delta(self._believed, delta))

    def confirm(self) -> None:
        """Lets held removals come true when their time is over; call it while a controller is connected."""
        believed = on_time(self._believed, now_s=self._clock())
        if believed is not self._believed:
            self._follow(believed)

    def forget(self) -> None:
        """Drops everything: this host is no member (any more)."""
        if self.table != RuleTable():
            self._follow(BelievedRule(RuleTable()))

    def announce_all(self) -> None:
        """Tells every peer where this host is now."""
        self._announce([peer.public_key for peer in self._peers.values() if peer.endpoint is not None])

    def _follow(self, believed: BelievedRule) -> None:
        if believed.held is not None and self._believed.held is None:
            _log.warning("%d peers are missing in the snapshot of the controller", len(believed.held.hosts))
        self._believed = believed
        self._apply()
        self._on_change()

    def _apply(self) -> None:
        table = RuleTable() if self._is_suspended else self.table
        selection = select_peers(table, own_host=self._host, own_key=self._public_key)
        self._log_problems(selection)
        greetings = []
        for action in plan(self._peers, selection.peers):
            if isinstance(action, RemovePeer):
                self._tunnel.remove_peer(action.public_key)
            elif isinstance(action, SetPeer):
                self._set_peer(action.peer)
            elif isinstance(action, Connect):
                greetings.append(action.public_key)
        self._peers = selection.peers
        self._announce(greetings)

    def _set_peer(self, peer: PeerEntry) -> None:
        try:
            self._tunnel.set_peer(_peer_config(peer))
        except InvalidInput as exc:
            _log.warning("peer %s left out: %s", peer.host, exc)

    def _log_problems(self, selection: PeerSelection) -> None:
        problems = frozenset(selection.problems)
        for problem in sorted(problems - self._problems):
            _log.warning("%s", problem)
        self._problems = problems


def _peer_config(peer: PeerEntry) -> PeerConfig:
    return PeerConfig(
        public_key=peer.public_key,
        allowed_ips=(IPv4Network(peer.address),),
        endpoint=peer.endpoint,
        suites=peer.suites,
    )
