# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""When to probe the path to a peer: only while packets are sent to it. Pure.

What was sent is read from byte counters, without our own probes. Probes of the peer are in there, since this
host answers each with one packet as long; a confirmation takes more than that, so that of two hosts that have
nothing else to send at least one falls silent.

Source: RFC 8899, sections 4.3 (black holes) and 5.1.1 (timers).
"""

from __future__ import annotations

from collections.abc import Iterable

from cladnet.core.endpoint import Endpoint
from cladnet.core.path_mtu import IPV4_OVERHEAD_BYTES, IPV6_OVERHEAD_BYTES, PathMtu, PathMtuBounds, Phase
from cladnet.core.wireguard.status import PeerStatus

CONFIRMATION_S = 10.0
RAISE_S = 600.0
# What silent peers are asked again for: more than keepalives and handshakes.
RETRY_TRAFFIC_BYTES = 500
# Less is not worth larger packets.
RAISE_TRAFFIC_BYTES = 1 << 20
_MESSAGE_OVERHEAD_BYTES = 32
_KEEPALIVES_BYTES = 1024


class PathWatch:
    """Watches the path to one peer.

    Args:
        bounds: of the device.

    Attributes:
        path: what is known of the path in use; another one after the peer or this host has moved.
    """

    def __init__(self, bounds: PathMtuBounds) -> None:
        self.path = PathMtu(bounds, IPV4_OVERHEAD_BYTES)
        self._bounds = bounds
        self._endpoint: Endpoint | None = None
        self._looked_s = self._searched_s = float("-inf")
        self._retry_s = CONFIRMATION_S
        self._is_known = False
        self._began_s = float("-inf")
        self._tx_bytes = self._probes_bytes = 0
        # What was sent apart from our probes, as of the last look and the last search.
        self._sent_looked = self._sent_searched = 0

    def observe(self, peer: PeerStatus, bounds: PathMtuBounds, now_s: float) -> None:
        """Begins to look at the path if enough is sent on it.

        Args:
            peer: what the tunnel says of it.
            bounds: of the device.
            now_s: seconds of any clock.
        """
        if peer.endpoint is None or peer.last_handshake_age_s is None:
            return
        self._count(peer.tx_bytes)
        if self._is_other_path(peer.endpoint, bounds):
            self._begin_path(peer.endpoint, bounds, now_s)
        elif peer.endpoint != self._endpoint:  # the same address: a NAT has forgotten the port
            self._endpoint, self._looked_s = peer.endpoint, float("-inf")
        if self.path.next_s is None:
            self._look(now_s, peer.last_data_sent_age_s)

    def probes_sent(self, sizes: Iterable[int]) -> None:
        """Packets of these sizes are no traffic."""
        self._probes_bytes += sum(size + _MESSAGE_OVERHEAD_BYTES for size in sizes)

    def restart(self) -> None:
        """This host has another way out: nothing is known of the path any more."""
        self._endpoint = None

    @property
    def _sent_bytes(self) -> int:
        return self._tx_bytes - self._probes_bytes

    def _count(self, tx_bytes: int) -> None:
        if tx_bytes < self._tx_bytes:  # the peer was removed, and added again
            self._probes_bytes = self._sent_looked = self._sent_searched = 0
        self._tx_bytes = tx_bytes

    def _is_other_path(self, endpoint: Endpoint, bounds: PathMtuBounds) -> bool:
        return self._endpoint is None or endpoint.address != self._endpoint.address or bounds != self._bounds

    def _begin_path(self, endpoint: Endpoint, bounds: PathMtuBounds, now_s: float) -> None:
        overhead = IPV6_OVERHEAD_BYTES if ":" in endpoint.address else IPV4_OVERHEAD_BYTES
        self.path = PathMtu(bounds, overhead)
        self._endpoint, self._bounds, self._retry_s = endpoint, bounds, CONFIRMATION_S
        if self._is_known:  # what was sent before went another way
            self._began_s = now_s
        self._is_known = True

    def _look(self, now_s: float, data_sent_age_s: float | None) -> None:
        age_s, sent_bytes = now_s - self._looked_s, self._sent_bytes - self._sent_looked
        if self.path.phase is Phase.FOUND:
            self._retry_s = CONFIRMATION_S
            if age_s >= CONFIRMATION_S and sent_bytes > 2 * self.path.mtu_bytes + _KEEPALIVES_BYTES:
                self._confirm_or_raise(now_s)
        elif self.path.phase is Phase.UNKNOWN:
            if data_sent_age_s is not None and now_s - data_sent_age_s >= self._began_s:
                self._search(now_s)
        elif age_s >= self._retry_s and sent_bytes >= RETRY_TRAFFIC_BYTES:
            self._retry_s = min(2 * self._retry_s, RAISE_S)
            self._search(now_s)

    def _confirm_or_raise(self, now_s: float) -> None:
        could_be_more = self.path.mtu_bytes < self._bounds.most_bytes
        is_worth_it = self._sent_bytes - self._sent_searched >= RAISE_TRAFFIC_BYTES
        if could_be_more and is_worth_it and now_s - self._searched_s >= RAISE_S:
            self._search(now_s)
            return
        self.path.confirm(now_s)
        self._looked_s, self._sent_looked = now_s, self._sent_bytes

    def _search(self, now_s: float) -> None:
        self.path.search(now_s)
        self._looked_s = self._searched_s = now_s
        self._sent_looked = self._sent_searched = self._sent_bytes
