# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Everything that a device remembers of one peer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import inf

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.cookie import CookieJar
from cladnet.core.wireguard.handshake import InitiatorState, RemoteIdentity
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.session import PeerSessions
from cladnet.core.wireguard.status import PeerStatus
from cladnet.core.wireguard.tai64n import NO_TIMESTAMP
from cladnet.core.wireguard.timers import PeerTimers


class Peer:
    """The state of one peer. Compared by identity.

    Args:
        remote: who the peer is.
        jitter_s: for the peer's timers.

    Attributes:
        endpoint: where to send to, now: configured, or learned from an authentic packet.
        handshake: our unanswered initiation.
        staged: packets that wait for a session, oldest first.
    """

    def __init__(self, remote: RemoteIdentity, jitter_s: Callable[[], float]) -> None:
        self.remote = remote
        self.endpoint: Endpoint | None = None
        self.cookies = CookieJar(remote.public)
        self.timers = PeerTimers(jitter_s)
        self.sessions = PeerSessions()
        self.handshake: InitiatorState | None = None
        self.staged: deque[bytes] = deque()
        self.initiation_sent_s = -inf
        self.initiation_received_s = -inf
        self.latest_stamp_sent = NO_TIMESTAMP
        self.latest_stamp_received = NO_TIMESTAMP
        self.rx_bytes = 0
        self.tx_bytes = 0
        self._configured_endpoint: Endpoint | None = None
        self._completed_s = -inf

    def configure(self, config: PeerConfig, now_s: float) -> bool:
        """Takes a configuration, apart from the allowed IPs.

        Returns:
            Whether the endpoint moved. One that was configured before does not override a learned one.
        """
        static = self.remote.static_secret
        self.remote = RemoteIdentity(config.public_key, static, config.preshared_key)
        self.timers.set_persistent_keepalive(config.persistent_keepalive_s, now_s)
        if config.endpoint is None or config.endpoint == self._configured_endpoint:
            return False
        self._configured_endpoint = config.endpoint
        moved = config.endpoint != self.endpoint
        self.endpoint = config.endpoint
        return moved

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

    def status(self, now_s: float) -> PeerStatus:
        """What others may see of it."""
        age_s = self.handshake_age_s(now_s)
        return PeerStatus(
            public_key=self.remote.public,
            endpoint=self.endpoint,
            last_handshake_age_s=None if age_s == inf else age_s,
            rx_bytes=self.rx_bytes,
            tx_bytes=self.tx_bytes,
        )
