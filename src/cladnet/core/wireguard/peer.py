# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Everything that a device remembers of one peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.traffic import LAST_DATA_SENT
from cladnet.core.wireguard.allowed_ips import Network
from cladnet.core.wireguard.cookie import CookieJar
from cladnet.core.wireguard.handshake import InitiatorState, RemoteIdentity
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.session import PeerSessions
from cladnet.core.wireguard.status import PeerStatus
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, Suite
from cladnet.core.wireguard.tai64n import NO_TIMESTAMP
from cladnet.core.wireguard.timers import PeerTimers


class Peer:
    """The state of one peer. Compared by identity.

    Args:
        number: by which the forwarding half knows it.
        remote: who the peer is.
        times: of its traffic.
        jitter_s: for the peer's timers.

    Attributes:
        endpoint: where to send to, now: configured, or learned from an authentic packet.
        suites: what the peer may use; we initiate with the first.
        handshake: our unanswered initiation.
        allowed_ips: inner networks that are its own.
        path_mtu_bytes: the longest inner packet that gets through to it; None if nobody knows.
        rx_bytes: of its handshake messages.
        tx_bytes: of our handshake messages.
    """

    def __init__(
        self, number: int, remote: RemoteIdentity, times: memoryview[float], jitter_s: Callable[[], float]
    ) -> None:
        self.number = number
        self.remote = remote
        self.times = times
        self.endpoint: Endpoint | None = None
        self.suites: tuple[Suite, ...] = (CHACHA20_POLY1305,)
        self.cookies = CookieJar(remote.public)
        self.timers = PeerTimers(jitter_s)
        self.sessions = PeerSessions()
        self.handshake: InitiatorState | None = None
        self.allowed_ips: tuple[Network, ...] = ()
        self.path_mtu_bytes: int | None = None
        self.initiation_sent_s = -inf
        self.initiation_received_s = -inf
        self.latest_stamp_sent = NO_TIMESTAMP
        self.latest_stamp_received = NO_TIMESTAMP
        self.rx_bytes = 0
        self.tx_bytes = 0
        self._configured_endpoint: Endpoint | None = None
        self._completed_s = -inf

    def configure(self, config: PeerConfig, now_s: float) -> bool:
        """Takes a configuration.

        Returns:
            Whether the session, if there is one, is to be renewed at once: the endpoint moved, or the suite
            is not to be used any more. An endpoint that was configured before does not override a learned
            one.
        """
        moved = self._take_endpoint(config.endpoint)
        self.suites = config.suites
        self.allowed_ips = config.allowed_ips
        self.timers.set_persistent_keepalive(config.persistent_keepalive_s, now_s)
        static = self.remote.static_secret
        self.remote = RemoteIdentity(config.public_key, static, config.preshared_key)
        return moved or self._suite_is_refused()

    def _take_endpoint(self, endpoint: Endpoint | None) -> bool:
        if endpoint is None or endpoint == self._configured_endpoint:
            return False
        self._configured_endpoint = endpoint
        moved = endpoint != self.endpoint
        self.endpoint = endpoint
        return moved

    def _suite_is_refused(self) -> bool:
        """Whether our newest initiation was made with a suite that is not to be used any more.

        A session that the peer initiated is the peer's to renew: if both did at once, packets could be lost.
        """
        if self.handshake is not None:
            return self.handshake.suite not in self.suites
        newest = next(iter(self.sessions.all()), None)
        return newest is not None and newest.is_initiator and newest.suite not in self.suites

    def use_secret(self, static_secret: bytes) -> None:
        """Takes the secret of both static keys after ours has changed."""
        self.remote = replace(self.remote, static_secret=static_secret)

    def seen_at(self, source: Endpoint) -> None:
        """Follows the peer to where something authentic and new came from."""
        if source is not self.endpoint and source != self.endpoint:
            self.endpoint = source

    def handshake_completed(self, now_s: float) -> None:
        """Both sides have proven a session."""
        self._completed_s = now_s
        self.timers.handshake_completed()

    def handshake_age_s(self, now_s: float) -> float:
        """Seconds since a session was proven; infinity if never."""
        return now_s - self._completed_s

    def status(self, now_s: float, *, rx_bytes: int, tx_bytes: int) -> PeerStatus:
        """What others may see of it.

        Args:
            now_s: time.
            rx_bytes: of transport messages.
            tx_bytes: of transport messages.
        """
        age_s, data_sent_s = self.handshake_age_s(now_s), self.times[LAST_DATA_SENT]
        session = self.sessions.current
        return PeerStatus(
            public_key=self.remote.public,
            endpoint=self.endpoint,
            last_handshake_age_s=None if age_s == inf else age_s,
            rx_bytes=self.rx_bytes + rx_bytes,
            tx_bytes=self.tx_bytes + tx_bytes,
            suite=session.suite.name if session is not None else None,
            path_mtu_bytes=self.path_mtu_bytes,
            last_data_sent_age_s=now_s - data_sent_s if data_sent_s else None,
        )
