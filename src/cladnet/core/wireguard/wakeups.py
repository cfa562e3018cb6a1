# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which of many peers to look at next, without looking at all of them."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from math import inf
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class WakeUpQueue(Generic[KeyT]):
    """Which of many peers to look at next.

    Deadlines move with every packet, so only those that come nearer are noted; whoever is woken too early
    looks at the real deadline and is noted again.
    """

    def __init__(self) -> None:
        self._at_s: dict[KeyT, float] = {}
        self._heap: list[tuple[float, int, KeyT]] = []
        self._sequence = 0

    @property
    def next_s(self) -> float | None:
        """When to call `take_due` next; None if nobody waits."""
        self._drop_stale_head()
        return self._heap[0][0] if self._heap else None

    def wake(self, key: KeyT, at_s: float) -> None:
        """Wakes someone not later than at that time."""
        if at_s >= self._at_s.get(key, inf):
            return
        self._at_s[key] = at_s
        self._push(key, at_s)
        if len(self._heap) > 4 * len(self._at_s) + 16:
            self._rebuild()

    def forget(self, key: KeyT) -> None:
        """Never wakes this one any more."""
        self._at_s.pop(key, None)

    def take_due(self, now_s: float) -> list[KeyT]:
        """Removes and gives those whose time has come."""
        due: list[KeyT] = []
        while self.next_s is not None and self._heap[0][0] <= now_s:
            key = heapq.heappop(self._heap)[2]
            del self._at_s[key]
            due.append(key)
        return due

    def _push(self, key: KeyT, at_s: float) -> None:
        self._sequence += 1  # keys need no order of their own
        heapq.heappush(self._heap, (at_s, self._sequence, key))

    def _drop_stale_head(self) -> None:
        while self._heap and self._at_s.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)

    def _rebuild(self) -> None:
        self._heap.clear()
        for key, at_s in self._at_s.items():
            self._push(key, at_s)
