# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel of a host: one TUN device and one UDP socket around a WireGuard device, in the running loop."""

from __future__ import annotations

from collections.abc import Callable

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.status import PeerStatus, TunnelStatus

__all__ = ["PeerStatus", "Tunnel", "TunnelStatus"]


class Tunnel:
    """Moves packets between a TUN device and WireGuard peers.

    Attributes:
        on_foreign: called with every datagram that is not WireGuard (STUN), and where it came from.
        on_device_recreated: called after somebody deleted the TUN device and the tunnel made it again; its
            address and its link state are gone then.
    """

    on_foreign: Callable[[bytes, Endpoint], None] | None
    on_device_recreated: Callable[[], None] | None

    @classmethod
    async def open(cls, *, device: str, private_key: bytes, listen_port: int, mtu: int) -> Tunnel:
        """Creates the TUN device (down, without address) and binds the socket.

        Args:
            device: name of the TUN device, at most 15 bytes.
            private_key: 32 bytes.
            listen_port: UDP port; 0 takes any free one.
            mtu: bytes, set on the TUN device.

        Raises:
            InvalidInput: a name, key or number that cannot be right.
            Conflict: the device name or the port is in use.
            Unauthorized: CAP_NET_ADMIN is missing.
            Unavailable: the host has no /dev/net/tun.
        """
        raise NotImplementedError

    @property
    def listen_port(self) -> int:
        """UDP port that is really bound."""
        raise NotImplementedError

    def set_peer(self, peer: PeerConfig) -> None:
        """Adds a peer or updates it.

        An endpoint that is the same as in the last configuration (or None) leaves a roamed endpoint alone; a
        changed one replaces it, and a handshake to it starts at once if there was a session or an attempt.

        Raises:
            InvalidInput: the key is this device's own, or one with which no secret can be agreed.
        """
        raise NotImplementedError

    def remove_peer(self, public_key: bytes) -> None:
        """Removes a peer and drops its sessions at once; an unknown one is ignored."""
        raise NotImplementedError

    def connect(self, public_key: bytes) -> None:
        """Starts a handshake now, unless one was completed in the last 5 s (then a keepalive tells our address).

        Raises:
            NotFound: no such peer.
        """
        raise NotImplementedError

    def send_foreign(self, datagram: bytes, to: Endpoint) -> None:
        """Sends a datagram that is not WireGuard from the tunnel's own socket."""
        raise NotImplementedError

    def status(self) -> TunnelStatus:
        """Peers and drop counters, now."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the socket and removes the TUN device."""
        raise NotImplementedError
