# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Finds the longest packet that reaches a peer: probes that are answered prove that their size gets through.

A search sends all sizes that are likely at once, biggest first, and then narrows down what is left between
the biggest answered and the smallest lost one. With each burst goes a probe of the base size, which every
path carries: only what is lost again and again while the base comes through was too big. So neither loss nor
a silent peer makes the MTU smaller, and no ICMP error of a router is needed (or believed).

Source: RFC 8899 (Datagram PLPMTUD); its PLPMTU is the MTU of inner packets here. Sans-IO.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

BASE_BYTES = 576
# The least that IPv6 and QUIC need inside (RFC 8200, section 5; RFC 9000, section 14); nearly every path
# carries that, with what the tunnel adds.
SAFE_BYTES = 1280
IPV4_OVERHEAD_BYTES = 60
IPV6_OVERHEAD_BYTES = 80
MAX_PROBES = 4
PROBE_TIMEOUT_S = 1.0

# The MTU of paths that there are: IPv6's least, tunnels, VXLAN, GCP, GRE, PPPoE, Ethernet, jumbo frames.
_COMMON_BYTES = (
    *(1280, 1360, 1400, 1420, 1450, 1460, 1476, 1480, 1492, 1500),
    *(2000, 4000, 6000, 8500, 8896, 9000, 9001),
)
# Sizes of one narrowing burst.
_POINTS = 8
# Answers of one burst come one after the other; so much later than the last one nothing more will come.
_MARGIN_S, _MARGIN_SHARE_OF_TRIP = 0.02, 0.25


class Phase(Enum):
    """How far the search for a path's MTU has come."""

    UNKNOWN = "unknown"
    SEARCHING = "searching"
    FOUND = "found"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class PathMtuBounds:
    """Between what the MTU of a path is.

    Args:
        initial_bytes: in force until something is proven.
        most_bytes: of the device; no packet is longer.
    """

    initial_bytes: int
    most_bytes: int


class PathMtu:
    """The MTU of the path to one peer.

    Args:
        bounds: of the device.
        overhead_bytes: that the tunnel adds on this path, with the outer headers.

    Attributes:
        mtu_bytes: in force now.
        phase: of the search.
        next_s: when to ask for the next burst; None while nothing is looked for.
    """

    def __init__(self, bounds: PathMtuBounds, overhead_bytes: int) -> None:
        self.mtu_bytes = bounds.initial_bytes
        self.phase = Phase.UNKNOWN
        self.next_s: float | None = None
        self._most = bounds.most_bytes
        self._common = [size - overhead_bytes for size in _COMMON_BYTES]
        self._low = 0  # the biggest that was answered
        self._high = 0  # the smallest that seems too big
        self._open: set[int] = set()  # sizes of this round that no answer has settled
        self._attempts = self._silences = 0
        self._sent_s: float | None = None
        self._is_heard = False

    def search(self, now_s: float) -> None:
        """Begins to look for the MTU; what is proven already is proven again and what is above it tried."""
        start = self.mtu_bytes if self.phase is Phase.FOUND else 0
        sizes = {start, start + 1, self._most, *self._common_between(start, self._most)}
        self._begin(sizes if start else sizes - {0, 1}, self._most + 1, now_s)

    def confirm(self, now_s: float) -> None:
        """Begins to prove again what is in force; the search for less follows if it does not get through."""
        self._begin({self.mtu_bytes}, self.mtu_bytes + 1, now_s)

    def burst(self, now_s: float) -> tuple[int, ...]:
        """The sizes of the packets to send now, in this order; none if the search is over.

        May be called later than at ``next_s``, but not earlier.
        """
        if self._sent_s is not None:
            self._close_attempt()
        if self._silences >= MAX_PROBES:
            return self._end(Phase.FOUND if self.phase is Phase.FOUND else Phase.UNANSWERED)
        if not self._open or self._attempts >= MAX_PROBES:
            self._close_round()
        if not self._open:
            self.mtu_bytes = self._low
            return self._end(Phase.FOUND)
        self._sent_s, self._is_heard = now_s, False
        self.next_s = now_s + PROBE_TIMEOUT_S
        return (*sorted(self._open - {BASE_BYTES}, reverse=True), BASE_BYTES)

    def answered(self, size_bytes: int, now_s: float) -> None:
        """A probe of that size came back, maybe late; one that came from elsewhere must not get here."""
        if self._sent_s is None or self.next_s is None:
            return
        self._is_heard = True
        self._low = max(self._low, size_bytes)
        if self._low >= self._high:  # it was not too big after all
            self._high = self._most + 1
        self._open = {size for size in self._open if size > self._low}
        if not self._open:
            self.next_s = now_s
        elif size_bytes == BASE_BYTES:  # sent last
            trip_s = now_s - self._sent_s
            self.next_s = min(self.next_s, now_s + _MARGIN_S + trip_s * _MARGIN_SHARE_OF_TRIP)

    def _common_between(self, above: int, below: int) -> Iterable[int]:
        return (size for size in self._common if above < size < below)

    def _begin(self, sizes: set[int], too_big: int, now_s: float) -> None:
        if self.phase is not Phase.FOUND:
            self.phase = Phase.SEARCHING
        self._low, self._high = 0, too_big
        self._open = {size for size in sizes if BASE_BYTES <= size <= self._most} or {BASE_BYTES}
        self._attempts = self._silences = 0
        self._sent_s, self.next_s = None, now_s

    def _close_attempt(self) -> None:
        if not self._is_heard:
            self._silences += 1
            return
        self._silences, self._attempts = 0, self._attempts + 1
        self.mtu_bytes = max(self.mtu_bytes, self._low)

    def _close_round(self) -> None:
        """Settles what the sizes of this round have shown, and chooses those of the next."""
        self._high = min(self._open, default=self._high)
        self._attempts = 0
        if self._high <= self.mtu_bytes:
            self._fall_back()
        self._open = set(self._between())

    def _fall_back(self) -> None:
        """A black hole: packets that were thought to fit are lost."""
        self.mtu_bytes = max(self._low, SAFE_BYTES if self._high > SAFE_BYTES else BASE_BYTES)
        self.phase = Phase.SEARCHING

    def _between(self) -> Iterable[int]:
        gap = self._high - self._low - 1
        if gap <= _POINTS:
            return range(self._low + 1, self._high)
        points = (self._low + 1 + step * gap // _POINTS for step in range(_POINTS))
        return (*points, *self._common_between(self._low, self._high))

    def _end(self, phase: Phase) -> tuple[int, ...]:
        self.phase, self.next_s, self._sent_s = phase, None, None
        return ()
