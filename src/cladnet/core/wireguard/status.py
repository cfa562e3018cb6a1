# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What can be seen of a device from outside: counters and ages, never keys."""

from __future__ import annotations

from dataclasses import dataclass

from cladnet.core.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One peer, now.

    Args:
        public_key: 32 bytes.
        endpoint: where datagrams to the peer go, as configured or learned; None if unknown.
        last_handshake_age_s: seconds since both sides proved a session; None if they never did.
        rx_bytes: authenticated bytes from the peer, with WireGuard's own overhead.
        tx_bytes: bytes to the peer, with WireGuard's own overhead.
        suite: name of the cryptographic suite of the session in use; None if there is none.
        path_mtu_bytes: largest inner packet that reaches the peer; None if not known.
        last_data_sent_age_s: seconds since something else than a keepalive was sent; None if nothing was.
    """

    public_key: bytes
    endpoint: Endpoint | None
    last_handshake_age_s: float | None
    rx_bytes: int
    tx_bytes: int
    suite: str | None = None
    path_mtu_bytes: int | None = None
    last_data_sent_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class TunnelStatus:
    """A whole device, now.

    Args:
        peers: one entry per peer, in the order in which they were added.
        drops: how many datagrams and packets were dropped, by reason.
    """

    peers: list[PeerStatus]
    drops: dict[str, int]
