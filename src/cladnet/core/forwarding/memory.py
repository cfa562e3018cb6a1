# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What both halves of a device keep in memory that they share: it outlives each process that works with it.

Flat arrays of 8-byte numbers, so that pages of peers that do not exist cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from contextlib import AbstractContextManager, nullcontext

from cladnet.core.forwarding.traffic import COUNTS_COUNT, RX_BYTES, TIMES_COUNT, TX_BYTES, Traffic
from cladnet.core.wireguard.drops import Drop

MAX_PEERS = 1 << 16
# A new session, the one before it, the one before that, and one that waits for its proof.
SLOTS_PER_PEER = 4
_NUMBER_BYTES = 8
_DROPS = {reason: place for place, reason in enumerate(Drop)}

Lock = Callable[[int], AbstractContextManager[object]]


class DropCounts:
    """Counts by reason, in shared memory.

    Args:
        numbers: one for each reason.
    """

    def __init__(self, numbers: MutableSequence[int] | memoryview[int]) -> None:
        self._numbers = numbers

    @classmethod
    def private(cls) -> DropCounts:
        """In memory that is not shared."""
        return cls([0] * len(Drop))

    def __getitem__(self, reason: Drop) -> int:
        return self._numbers[_DROPS[reason]]

    def __setitem__(self, reason: Drop, count: int) -> None:
        self._numbers[_DROPS[reason]] = count

    def by_name(self) -> dict[str, int]:
        """Those that are not zero."""
        return {reason.value: self[reason] for reason in Drop if self[reason]}


class Memory:
    """The arrays.

    Args:
        buffer: `size_bytes(...)` zeroed bytes that all processes share.
        workers: number of processes that forward.
        peers: number of peers there is room for.
        lock: keeps others from a place (8 bytes, given by its offset) of the buffer; needed if there are
            several workers.

    Attributes:
        greatest: of the counters received in each session, plus one.
    """

    def __init__(
        self, buffer: memoryview, *, workers: int, peers: int = MAX_PEERS, lock: Lock | None = None
    ) -> None:
        self._workers = workers
        self.peers = peers
        self._lock = lock or (lambda _offset: nullcontext())
        ends = _ends(workers, peers)
        times, counts, counters, greatest, drops = (
            buffer[start:end] for start, end in zip((0, *ends), ends, strict=False)
        )
        self._times: memoryview[float] = times.cast("d")
        self._counts: memoryview[int] = counts.cast("Q")
        self._counters: memoryview[int] = counters.cast("Q")
        self._counters_offset = ends[1]
        self.greatest: memoryview[int] = greatest.cast("Q")
        self._drops: memoryview[int] = drops.cast("Q")

    @staticmethod
    def size_bytes(workers: int, peers: int = MAX_PEERS) -> int:
        """How much is needed."""
        return _ends(workers, peers)[-1]

    @classmethod
    def private(cls, peers: int = 64) -> Memory:
        """For one worker in the same process."""
        return cls(memoryview(bytearray(cls.size_bytes(1, peers))), workers=1, peers=peers)

    def times(self, peer: int) -> memoryview[float]:
        """The times of a peer; see `Traffic`."""
        return self._times[peer * TIMES_COUNT : (peer + 1) * TIMES_COUNT]

    def traffic(self, peer: int, worker: int) -> Traffic:
        """The share of a peer, for a worker."""
        start = (worker * self.peers + peer) * COUNTS_COUNT
        return Traffic(self.times(peer), self._counts[start : start + COUNTS_COUNT])

    def tx_bytes(self, peer: int) -> int:
        """What all workers sent to the peer."""
        return self._count(peer, TX_BYTES)

    def rx_bytes(self, peer: int) -> int:
        """What all workers received from the peer."""
        return self._count(peer, RX_BYTES)

    def clear_peer(self, peer: int) -> None:
        """Makes the place of a peer as good as new."""
        times = self.times(peer)
        for place in range(TIMES_COUNT):
            times[place] = 0.0
        for worker in range(self._workers):
            counts = self.traffic(peer, worker).counts
            for place in range(COUNTS_COUNT):
                counts[place] = 0

    def clear_session(self, slot: int) -> None:
        """Forgets what was received with the session that had the slot before.

        Its send counter goes on instead: a process that does not know yet that the old session is over can so
        never use a counter of it twice. A session may begin with any counter.
        """
        self.greatest[slot] = 0

    def sent_count(self, slot: int) -> int:
        """How many counters of a session are out of use."""
        return self._counters[slot]

    def reservation(self, slot: int) -> Callable[[int], int]:
        """What takes counters of a session out of use; see `ForwardingSession.reserve`."""
        counters, offset = self._counters, self._counters_offset + slot * _NUMBER_BYTES

        def reserve(count: int) -> int:
            first = counters[slot]
            counters[slot] = first + count
            return first

        def reserve_alone(count: int) -> int:
            with self._lock(offset):
                return reserve(count)

        return reserve if self._workers == 1 else reserve_alone

    def drops(self, worker: int) -> DropCounts:
        """The counts of one worker."""
        return DropCounts(self._drops[worker * len(Drop) : (worker + 1) * len(Drop)])

    def drop_counts(self) -> dict[str, int]:
        """The counts of all workers together, by name."""
        totals: dict[str, int] = {}
        for worker in range(self._workers):
            for name, count in self.drops(worker).by_name().items():
                totals[name] = totals.get(name, 0) + count
        return totals

    def _count(self, peer: int, place: int) -> int:
        return sum(self.traffic(peer, worker).counts[place] for worker in range(self._workers))


def _ends(workers: int, peers: int) -> tuple[int, ...]:
    """Where each of the arrays ends: times, counts, counters, greatest, drops."""
    sizes = (
        peers * TIMES_COUNT,
        workers * peers * COUNTS_COUNT,
        peers * SLOTS_PER_PEER,
        peers * SLOTS_PER_PEER,
        workers * len(Drop),
    )
    return tuple(_NUMBER_BYTES * sum(sizes[: number + 1]) for number in range(len(sizes)))
