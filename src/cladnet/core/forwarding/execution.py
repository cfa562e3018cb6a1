# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Carries out the orders of the other half of a device. Pure."""

from __future__ import annotations

from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.memory import Memory
from cladnet.core.forwarding.orders import (
    DropStaged,
    ForgetPeer,
    ForgetSession,
    InstallSession,
    MovePeer,
    Order,
    Receive,
    SendKeepalive,
    SetPeer,
    UseSession,
)
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.session import ForwardingSession
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.replay import ReplayWindow


class Execution:
    """Keeps a forwarder as it is ordered to be.

    Args:
        forwarder: that one.
        memory: shared with the other half.
        worker: our number among those who get the same orders; the first one speaks for all.
    """

    def __init__(self, forwarder: Forwarder, memory: Memory, worker: int = 0) -> None:
        self._forwarder = forwarder
        self._memory = memory
        self._worker = worker
        self._peers: dict[int, ForwardingPeer] = {}

    def carry_out(self, order: Order, now_s: float) -> None:
        """Does what the order says; one for a peer or session that is gone does nothing."""
        match order:
            case SetPeer():
                self._set_peer(order)
            case InstallSession():
                self._install_session(order)
            case UseSession():
                self._use_session(order, now_s)
            case ForgetSession():
                self._forwarder.forget_session(order.local_index)
            case Receive():
                self._forwarder.datagram_received(order.datagram, order.source, now_s)
            case _:
                self._do_with_peer(order, now_s)

    def _do_with_peer(self, order: MovePeer | ForgetPeer | SendKeepalive | DropStaged, now_s: float) -> None:
        peer = self._peers.get(order.peer)
        if peer is None:
            return
        match order:
            case MovePeer():
                peer.move_to(order.endpoint)
            case ForgetPeer():
                del self._peers[order.peer]
                self._forwarder.forget_peer(peer)
            case SendKeepalive() if self._worker == 0:
                self._forwarder.send_keepalive(peer, now_s)
            case DropStaged():
                self._forwarder.drop_staged(peer, Drop.HANDSHAKE_FAILED)

    def _set_peer(self, order: SetPeer) -> None:
        peer = self._peers.get(order.peer)
        if peer is None:
            traffic = self._memory.traffic(order.peer, self._worker)
            peer = self._peers[order.peer] = ForwardingPeer(order.peer, traffic, order.path_mtu_bytes)
        peer.path_mtu_bytes = order.path_mtu_bytes
        self._forwarder.set_allowed_ips(peer, order.allowed_ips)

    def _install_session(self, order: InstallSession) -> None:
        peer = self._peers.get(order.peer)
        if peer is None or order.local_index in self._forwarder.sessions:
            return
        session = ForwardingSession(
            peer,
            local_index=order.local_index,
            remote_index=order.remote_index,
            sending=order.suite.aead(order.sending),
            receiving=order.suite.aead(order.receiving),
            expires_s=order.expires_s,
            is_proven=order.is_proven,
            reserve=self._memory.reservation(order.slot),
            window=ReplayWindow(self._memory.greatest[order.slot : order.slot + 1]),
        )
        self._forwarder.add_session(session)

    def _use_session(self, order: UseSession, now_s: float) -> None:
        session = self._forwarder.sessions.get(order.local_index)
        if session is not None:
            announce = order.announce and self._worker == 0
            self._forwarder.use_session(session, now_s, announce=announce)
