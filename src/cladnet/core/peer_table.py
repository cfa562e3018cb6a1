# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The networking rule of one network as a controller holds it: the table, and what changed in it lately.

The recent changes let a host that comes back, from this controller or another one, get only what it missed:
the version of the table is etcd's revision. What it missed is one entry per peer, however often that changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleDelta, RuleTable

Controllers = tuple[ControllerEntry, ...]


@dataclass(frozen=True, slots=True)
class RemovedPeer:
    """A host that is no longer in the network."""

    host: str


Item = PeerEntry | RemovedPeer | NetworkRule | Controllers


class PeerTable:
    """One network's table with a ring of its recent changes.

    A cursor is the number of changes that a reader has seen; it stays valid for as long as the ring reaches
    back to it.

    Args:
        network: what all hosts share.
        controllers: where agents reach controllers.
        revision: as of which everything before is unknown.
        ring_size: how many changes are remembered.
    """

    def __init__(
        self, network: NetworkRule, controllers: Controllers, revision: int, *, ring_size: int = 100_000
    ) -> None:
        self.network = network
        self.controllers = controllers
        self.peers: dict[str, PeerEntry] = {}
        self._ring_size = ring_size
        self._first_cursor = 0
        self._floor = revision  # every change after this revision is in the ring
        self._revisions: list[int] = []
        self._items: list[Item] = []

    @property
    def head(self) -> int:
        """The cursor of a reader that has seen everything."""
        return self._first_cursor + len(self._items)

    def change(self, revision: int, items: Iterable[Item]) -> None:
        """Applies the changes of one revision, which must not be older than the last one."""
        for item in items:
            self._apply(item)
            self._revisions.append(revision)
            self._items.append(item)
        self._trim()

    def cursor_at(self, revision: int) -> int | None:
        """The cursor of a reader with the table as of a revision; None if the ring does not reach back."""
        if revision < self._floor:
            return None
        return self._first_cursor + bisect_right(self._revisions, revision)

    def delta(self, cursor: int, head: int) -> RuleDelta | None:
        """What changed between two cursors, the first below the second; None if the ring lost the first."""
        if cursor < self._first_cursor:
            return None
        peers: dict[str, PeerEntry] = {}
        removed: set[str] = set()
        network: NetworkRule | None = None
        controllers: Controllers | None = None
        start, end = cursor - self._first_cursor, head - self._first_cursor
        for item in self._items[start:end]:
            match item:
                case PeerEntry():
                    peers[item.host] = item
                    removed.discard(item.host)
                case RemovedPeer():
                    peers.pop(item.host, None)
                    removed.add(item.host)
                case NetworkRule():
                    network = item
                case tuple():
                    controllers = item
        return RuleDelta(
            self._revisions[end - 1], network, tuple(peers.values()), frozenset(removed), controllers
        )

    def snapshot(self, cluster_id: int, revision: int) -> RuleTable:
        """The whole table, as of a revision of a cluster."""
        return RuleTable(
            cluster_id, revision, self.network, MappingProxyType(dict(self.peers)), self.controllers
        )

    def _apply(self, item: Item) -> None:
        match item:
            case PeerEntry():
                self.peers[item.host] = item
            case RemovedPeer():
                self.peers.pop(item.host, None)
            case NetworkRule():
                self.network = item
            case tuple():
                self.controllers = item

    def _trim(self) -> None:
        """Keeps between half of the ring and all of it; never the half of a revision."""
        if len(self._items) <= self._ring_size:
            return
        keep_from = len(self._items) - self._ring_size // 2
        self._floor = self._revisions[keep_from - 1]
        keep_from = bisect_right(self._revisions, self._floor)
        del self._revisions[:keep_from]
        del self._items[:keep_from]
        self._first_cursor += keep_from
