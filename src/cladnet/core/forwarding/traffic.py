# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What both halves of a device know of a peer's traffic, in memory that they share.

The forwarding half writes with every batch; the other half derives the timers of WireGuard (whitepaper,
section 6) from it when it looks. All times are seconds of the device's clock; 0.0 means never or not now.
"""

from __future__ import annotations

# Places in the times of a peer: an array of float64.
UNANSWERED_SINCE, OWES_SINCE, LAST_SENT, LAST_RECEIVED, LAST_DATA_SENT, WATCHED = range(6)
TIMES_COUNT = 8

# Places in the byte counters of a peer in one worker: an array of uint64.
TX_BYTES, RX_BYTES = range(2)
COUNTS_COUNT = 2


class Traffic:
    """One peer's share of the memory.

    Args:
        times: `TIMES_COUNT` float64, shared by everybody.
        counts: `COUNTS_COUNT` uint64, written by one worker only.
    """

    __slots__ = ("counts", "times")

    def __init__(self, times: memoryview[float], counts: memoryview[int]) -> None:
        self.times = times
        self.counts = counts

    @classmethod
    def private(cls) -> Traffic:
        """In memory that is not shared."""
        return cls(memoryview(bytearray(8 * TIMES_COUNT)).cast("d"), memoryview(bytearray(16)).cast("Q"))

    def data_sent(self, size_bytes: int, now_s: float) -> None:
        """Packets went out; they deserve some answer."""
        times = self.times
        if not times[UNANSWERED_SINCE]:
            times[UNANSWERED_SINCE] = now_s
        times[LAST_DATA_SENT] = times[LAST_SENT] = now_s
        times[OWES_SINCE] = 0.0
        self.counts[TX_BYTES] += size_bytes

    def keepalive_sent(self, size_bytes: int, now_s: float) -> None:
        """Something went out, so the peer is owed no answer."""
        times = self.times
        times[OWES_SINCE] = 0.0
        times[LAST_SENT] = now_s
        self.counts[TX_BYTES] += size_bytes

    def received(self, size_bytes: int, now_s: float, *, has_data: bool) -> None:
        """Authentic messages came; data deserves some answer."""
        times = self.times
        times[UNANSWERED_SINCE] = 0.0
        times[LAST_RECEIVED] = now_s
        if has_data and not times[OWES_SINCE]:
            times[OWES_SINCE] = now_s
        self.counts[RX_BYTES] += size_bytes
