# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Tells peers how this host sees them, and picks peers that can tell this host: STUN without a controller.

A host that moved while no controller can be reached (or that runs the only one itself) learns its public
endpoint from its peers. Only a peer is answered, and only at the endpoint at which it has just proven to be
there by an authenticated packet: to strangers the tunnel's port stays silent.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cladnet.core.endpoint import Endpoint
from cladnet.core.stun import binding_response, read_binding_request
from cladnet.core.wireguard.status import TunnelStatus

MOST_WITNESSES = 3
_REFRESH_S = 0.5  # a flood of requests must not make us look through all peers each time


class Witness:
    """The STUN server on the tunnel's own socket.

    Args:
        status: of the tunnel.
        send: sends a datagram through the tunnel's socket.
    """

    def __init__(self, status: Callable[[], TunnelStatus], send: Callable[[bytes, Endpoint], None]) -> None:
        self._status = status
        self._send = send
        self._peers: frozenset[Endpoint] = frozenset()
        self._looked_s = float("-inf")

    def received(self, datagram: bytes, source: Endpoint) -> bool:
        """Takes in a datagram that is not WireGuard; False if it is no question."""
        transaction_id = read_binding_request(datagram)
        if transaction_id is None:
            return False
        if source in self._known_peers():
            self._send(binding_response(transaction_id, source), source)
        return True

    def candidates(self) -> list[Endpoint]:
        """The peers to ask: those that were heard last, and at the start any."""
        peers = [peer for peer in self._status().peers if peer.endpoint is not None]
        peers.sort(key=lambda peer: (peer.last_handshake_age_s is None, peer.last_handshake_age_s or 0.0))
        return [peer.endpoint for peer in peers[:MOST_WITNESSES] if peer.endpoint is not None]

    def _known_peers(self) -> frozenset[Endpoint]:
        now_s = time.monotonic()
        if now_s - self._looked_s >= _REFRESH_S:
            heard = (peer for peer in self._status().peers if peer.last_handshake_age_s is not None)
            self._peers = frozenset(peer.endpoint for peer in heard if peer.endpoint is not None)
            self._looked_s = now_s
        return self._peers
