# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A peer whose every datagram is decided by a test."""

from __future__ import annotations

import base64
import select
import socket

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from namespace_sockets import open_udp
from namespaces import Namespace
from noise_initiator import CHACHA20_POLY1305, NoiseInitiator, Session, Suite, public_of
from tunnel_process import TunnelProcess

_ANSWER_TIMEOUT_S = 5.0
_SIZE_BYTES = 1 << 16


class ScriptedPeer:
    """Talks to a tunnel from a UDP socket of its own.

    Args:
        host: where its socket is.
        tunnel: with whom to talk; it does not know this peer yet.
        inner: the inner network that belongs to it, as soon as it is `let_in`.
    """

    def __init__(
        self,
        host: Namespace,
        tunnel: TunnelProcess,
        inner: str = "10.77.0.9/32",
        suite: Suite = CHACHA20_POLY1305,
    ) -> None:
        self._tunnel = tunnel
        self._inner = inner
        private = X25519PrivateKey.generate()
        self.noise = NoiseInitiator(private, base64.b64decode(tunnel.identity.public), suite=suite)
        self.public = base64.b64encode(public_of(private)).decode()
        self.socket = open_udp(host.name, host.outer_ipv4)
        self.to = (tunnel.host.outer_ipv4, tunnel.port)

    def __enter__(self) -> ScriptedPeer:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.socket.close()

    @property
    def endpoint(self) -> str:
        address, port = self.socket.getsockname()
        return f"{address}:{port}"

    def let_in(self, **options: object) -> None:
        """Makes the tunnel know this peer."""
        self._tunnel.add_peer(self.public, [self._inner], **options)

    def send(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.socket.sendto(datagram, self.to)

    def receive(self, timeout_s: float = _ANSWER_TIMEOUT_S) -> bytes | None:
        """The next datagram from the tunnel; None if there is none in time."""
        ready, _unused, _unused = select.select([self.socket], [], [], timeout_s)
        return self.socket.recv(_SIZE_BYTES, socket.MSG_DONTWAIT) if ready else None

    def handshake(self) -> Session:
        """Makes a session and proves it with a keepalive."""
        self.send(self.noise.initiation())
        response = self.receive()
        assert response is not None, "the tunnel did not answer an initiation"
        session = self.noise.session(response)
        self.send(session.seal(b""))
        return session
