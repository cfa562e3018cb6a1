# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Finds out what the path to each peer carries, with pings through the tunnel, and tells who has to know.

It probes peers to which packets are sent, and those only; all probes together have a bounded rate.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import NamedTuple, Protocol

from cladnet.agent.path_mtu_socket import ProbeSocket
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import NotFound, Unauthorized
from cladnet.core.path_mtu import PathMtu, PathMtuBounds, Phase
from cladnet.core.path_watch import PathWatch
from cladnet.core.rule_table import PeerEntry
from cladnet.core.token_bucket import TokenBucket
from cladnet.core.wireguard.status import PeerStatus, TunnelStatus
from cladnet.tasks import wait_for_event

_log = logging.getLogger(__name__)

LOOK_S = 1.0
# 4 Mbit/s of probes; the first search of a path takes 15 kB, or 70 kB with jumbo frames.
PROBE_BYTES_PER_S = 500_000
PROBE_BURST_BYTES = 100_000


class PathTunnel(Protocol):
    """The part of a tunnel that has to do with path MTUs."""

    def status(self) -> TunnelStatus:
        """Peers with their counters."""

    def set_path_mtu(self, public_key: bytes, mtu_bytes: int) -> None:
        """Tells the data path the longest packet that reaches a peer."""


class _Probe(NamedTuple):
    path: PathMtu
    address: str
    size_bytes: int


class PathMtuProber:
    """Probes the paths to all peers.

    Args:
        tunnel: whose peers these are.
        peers: gives the peers with their overlay addresses, by host.
        bounds: gives what the device allows now.
        on_change: called when another MTU is in force for a peer.
        clock: monotonic, seconds.
    """

    def __init__(
        self,
        *,
        tunnel: PathTunnel,
        peers: Callable[[], Mapping[str, PeerEntry]],
        bounds: Callable[[], PathMtuBounds],
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tunnel = tunnel
        self._peers = peers
        self._bounds = bounds
        self._on_change = on_change
        self._clock = clock
        self._bucket = TokenBucket(PROBE_BYTES_PER_S, PROBE_BURST_BYTES)
        self._watches: dict[bytes, PathWatch] = {}
        self._addresses: dict[bytes, str] = {}
        self._peers_seen: Mapping[str, PeerEntry] | None = None
        self._bounds_seen: PathMtuBounds | None = None
        self._seen: dict[bytes, tuple[int, Endpoint | None]] = {}
        self._active: set[bytes] = set()
        self._told: dict[bytes, int] = {}
        self._sent: dict[int, _Probe] = {}
        self._wake = asyncio.Event()

    @property
    def path_mtus(self) -> Mapping[IPv4Address, int]:
        """The MTU in force for each peer of which something is known, by overlay address."""
        peers = self._peers().values()
        return {peer.address: self._told[peer.public_key] for peer in peers if peer.public_key in self._told}

    def path_of(self, public_key: bytes) -> PathMtu | None:
        """What is known of the path to a peer."""
        watch = self._watches.get(public_key)
        return None if watch is None else watch.path

    def restart(self) -> None:
        """The host has another way out: all paths are new."""
        self._seen.clear()
        for watch in self._watches.values():
            watch.restart()

    async def run(self) -> None:
        """Probes for ever; if pings may not be sent, every path keeps the MTU that is safe."""
        try:
            probes = ProbeSocket()
        except Unauthorized as exc:
            _log.warning("the MTU of paths cannot be found out: %s", exc)
            await asyncio.Event().wait()
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(probes.fileno(), self._receive, probes)
        try:
            await self._work(probes)
        finally:
            loop.remove_reader(probes.fileno())
            probes.close()

    async def _work(self, probes: ProbeSocket) -> None:
        look_s = self._clock()
        while True:
            now_s = self._clock()
            if now_s >= look_s:
                self._look(now_s)
                look_s = now_s + LOOK_S
            self._send_due(probes, now_s)
            await wait_for_event(self._wake, max(0.0, min(look_s, self._next_s(now_s)) - self._clock()))

    def _look(self, now_s: float) -> None:
        """Takes in what has changed; of peers to which nothing was sent, nothing has."""
        self._take_peers()
        bounds, seen = self._bounds(), self._seen
        if bounds != self._bounds_seen:
            self._bounds_seen = bounds
            seen.clear()
        statuses = {peer.public_key: peer for peer in self._tunnel.status().peers}
        for key in self._watches.keys() - (statuses.keys() & self._addresses.keys()):
            self._forget(key)
        for key, status in statuses.items():
            now, is_known = (status.tx_bytes, status.endpoint), status.path_mtu_bytes == self._told.get(key)
            if key in self._addresses and (seen.get(key) != now or not is_known):
                seen[key] = now
                self._observe(status, bounds, now_s)

    def _take_peers(self) -> None:
        peers = self._peers()
        if peers is not self._peers_seen:
            self._peers_seen = peers
            self._addresses = {peer.public_key: str(peer.address) for peer in peers.values()}

    def _observe(self, status: PeerStatus, bounds: PathMtuBounds, now_s: float) -> None:
        key = status.public_key
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = PathWatch(bounds)
        watch.observe(status, bounds, now_s)
        if watch.path.next_s is not None:
            self._active.add(key)
        if key in self._told and status.path_mtu_bytes != self._told[key]:
            self._tell_tunnel(key)  # the peer was removed, and added again
        self._tell(key, watch.path)

    def _forget(self, key: bytes) -> None:
        del self._watches[key]
        self._seen.pop(key, None)
        self._active.discard(key)
        if self._told.pop(key, None) is not None:
            self._on_change()

    def _tell(self, key: bytes, path: PathMtu) -> None:
        """Nothing is told of a path that nobody has looked at yet, unless something was told before."""
        is_news = path.mtu_bytes != self._told.get(key)
        if not is_news or (path.phase is Phase.UNKNOWN and key not in self._told):
            return
        self._told[key] = path.mtu_bytes
        self._tell_tunnel(key)
        self._on_change()

    def _tell_tunnel(self, key: bytes) -> None:
        with contextlib.suppress(NotFound):  # removed since we looked
            self._tunnel.set_path_mtu(key, self._told[key])

    def _next_s(self, now_s: float) -> float:
        due_s = min((self._due_s(key) for key in self._active), default=float("inf"))
        return max(due_s, now_s + self._bucket.wait_s(now_s))

    def _due_s(self, key: bytes) -> float:
        next_s = self._watches[key].path.next_s
        return float("inf") if next_s is None else next_s

    def _send_due(self, probes: ProbeSocket, now_s: float) -> None:
        for key in sorted(self._active, key=self._due_s):
            if self._due_s(key) > now_s or self._bucket.wait_s(now_s) > 0:
                return
            self._send_burst(probes, key, now_s)

    def _send_burst(self, probes: ProbeSocket, key: bytes, now_s: float) -> None:
        watch, address = self._watches[key], self._addresses[key]
        phase_before = watch.path.phase
        sizes = watch.path.burst(now_s)
        for size in sizes:
            self._sent[probes.send(address, size)] = _Probe(watch.path, address, size)
        watch.probes_sent(sizes)
        self._bucket.spend(sum(sizes))
        if watch.path.next_s is None:
            self._active.discard(key)
            self._sent = {
                number: probe for number, probe in self._sent.items() if probe.path is not watch.path
            }
            self._log_result(address, watch.path, phase_before)
        self._tell(key, watch.path)

    def _receive(self, probes: ProbeSocket) -> None:
        now_s = self._clock()
        for answer in probes.receive():
            probe = self._sent.pop(answer.sequence, None)
            if probe is not None and (probe.address, probe.size_bytes) == (answer.address, answer.size_bytes):
                probe.path.answered(probe.size_bytes, now_s)
        self._wake.set()

    @staticmethod
    def _log_result(address: str, path: PathMtu, phase_before: Phase) -> None:
        if path.phase is Phase.FOUND and phase_before is not Phase.FOUND:
            _log.info("the path to %s carries packets of %d bytes", address, path.mtu_bytes)
        elif path.phase is Phase.UNANSWERED:
            _log.info("%s answers no probe: packets of %d bytes are sent", address, path.mtu_bytes)
