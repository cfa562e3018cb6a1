# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Carries the changes of a network's table to all its streams: many changes in one message, encoded once.

Changes wait for a short window, so that a burst becomes one message. The window grows with the time that the
last round took: else a controller with many streams would send for ever, and hosts would never get in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from cladnet.controller.agent_messages import delta_message, snapshot_message
from cladnet.controller.replica import Replica
from cladnet.core.peer_table import PeerTable

SHORTEST_WINDOW_S = 0.05
LONGEST_WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class EncodedSnapshot:
    """A whole table as a message, and the cursor of who has read it."""

    table: PeerTable
    cursor: int
    hosts: frozenset[str]
    message: bytes


class Feed:
    """What the streams of one network send.

    Args:
        network: its name.
        replica: where its table is.
        clock: seconds, only ever growing.
    """

    def __init__(
        self, network: str, replica: Replica, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._network = network
        self._replica = replica
        self._clock = clock
        self._window_s = SHORTEST_WINDOW_S
        self._round_began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._round = asyncio.Event()
        self._table: PeerTable | None = None
        self._deltas: dict[int, bytes | None] = {}
        self._snapshot: EncodedSnapshot | None = None
        self.head = 0
        self._publish()

    def changed(self) -> None:
        """The table has changed: the streams learn of it at the end of the window."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._window_s, self._begin_round)

    async def next_round(self) -> None:
        """Waits until a window ends in which something changed."""
        await self._round.wait()

    def delta(self, table: PeerTable, cursor: int) -> bytes | None:
        """What changed since a cursor below ``head``; None if only a snapshot can tell."""
        if table is not self._table:
            return None
        if cursor not in self._deltas:
            delta = table.delta(cursor, self.head)
            self._deltas[cursor] = None if delta is None else delta_message(delta)
        return self._deltas[cursor]

    def snapshot(self, host: str, cluster_id: int) -> EncodedSnapshot | None:
        """A whole table with the host in it; None if there is one only after the next round."""
        table = self._replica.network(self._network).table
        if self._snapshot is None or self._snapshot.table is not table:
            rule = table.snapshot(cluster_id, self._replica.revision)
            self._snapshot = EncodedSnapshot(table, table.head, frozenset(rule.peers), snapshot_message(rule))
        return self._snapshot if host in self._snapshot.hosts else None

    def sent(self) -> None:
        """A stream has got rid of its changes of this round."""
        took_s = self._clock() - self._round_began
        self._window_s = min(max(SHORTEST_WINDOW_S, 2 * took_s), LONGEST_WINDOW_S)

    def _begin_round(self) -> None:
        self._timer = None
        self._round_began = self._clock()
        self._publish()
        ended, self._round = self._round, asyncio.Event()
        ended.set()

    def _publish(self) -> None:
        """What the streams may send until the next round: fixed, so that all send the same."""
        state = self._replica.networks.get(self._network)
        self._table = None if state is None else state.table
        self.head = 0 if state is None else state.table.head
        self._deltas.clear()
        self._snapshot = None
