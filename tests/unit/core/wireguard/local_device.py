# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Both halves of a device in one process, with nothing between them, so that tests see them as one."""

from __future__ import annotations

from collections.abc import Callable

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.execution import Execution
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.memory import Memory
from cladnet.core.forwarding.orders import Order
from cladnet.core.wireguard.device import Device
from cladnet.core.wireguard.load import LoadState
from cladnet.core.wireguard.messages import MessageType
from cladnet.core.wireguard.outbox import Outbox
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.status import TunnelStatus


class LocalOutbox:
    """What both halves want done."""

    def __init__(self, handshakes: Outbox, forwarder: Forwarder) -> None:
        self._handshakes = handshakes
        self._forwarder = forwarder

    def take_datagrams(self) -> list[tuple[bytes, Endpoint]]:
        taken, self._forwarder.datagrams = self._forwarder.datagrams, []
        transport = [(datagram, peer.endpoint) for datagram, peer in taken if peer.endpoint is not None]
        return self._handshakes.take_datagrams() + transport

    def take_packets(self) -> list[bytes]:
        taken, self._forwarder.packets = self._forwarder.packets, []
        return taken


class LocalDevice:
    """A device with the face that one process would have."""

    def __init__(
        self,
        private_key: bytes,
        *,
        mtu: int,
        wall_time_ns: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        load: LoadState,
    ) -> None:
        self.memory = Memory.private()
        self.forwarder = Forwarder(mtu, self.memory.drops(0))
        self._execution = Execution(self.forwarder, self.memory)
        self._now_s = 0.0
        self.control = Device(
            private_key,
            order=self._carry_out,
            memory=self.memory,
            mtu=mtu,
            wall_time_ns=wall_time_ns,
            random_bytes=random_bytes,
            load=load,
        )
        self.outbox = LocalOutbox(self.control.outbox, self.forwarder)
        self._indices = self.control._indices
        self._handshaking = self.control._handshaking

    @property
    def public_key(self) -> bytes:
        return self.control.public_key

    @property
    def _staged_total(self) -> int:
        return self.forwarder.staged_total

    def set_private_key(self, private_key: bytes) -> None:
        self.control.set_private_key(private_key)

    def set_peer(self, config: PeerConfig, now_s: float) -> None:
        self._now_s = now_s
        self.control.set_peer(config, now_s)
        self._exchange()

    def remove_peer(self, public_key: bytes) -> None:
        self.control.remove_peer(public_key)

    def connect(self, public_key: bytes, now_s: float) -> None:
        self._now_s = now_s
        self.control.connect(public_key, now_s)
        self._exchange()

    def datagram_received(self, datagram: bytes, source: Endpoint, now_s: float) -> None:
        self._now_s = now_s
        if datagram[:1] == bytes([MessageType.TRANSPORT]):
            self.forwarder.datagram_received(datagram, source, now_s)
        else:
            self.control.datagram_received(datagram, source, now_s)
        self._exchange()

    def packet_from_tun(self, packet: bytes, now_s: float) -> None:
        self._now_s = now_s
        self.forwarder.packet_from_tun(packet, now_s)
        self._exchange()

    def handle_timers(self, now_s: float) -> None:
        self._now_s = now_s
        self.control.handle_timers(now_s)
        self._exchange()

    def next_timer_s(self) -> float | None:
        return self.control.next_timer_s()

    def status(self, now_s: float) -> TunnelStatus:
        return self.control.status(now_s)

    def restart_forwarder(self) -> None:
        """The process that forwards died, and another one took its place."""
        self.forwarder.__init__(self.forwarder.mtu_bytes, self.memory.drops(0))  # type: ignore[misc]
        self._execution = Execution(self.forwarder, self.memory)
        for order in self.control.orders_so_far():
            self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        self._execution.carry_out(order, self._now_s)

    def _exchange(self) -> None:
        """Hands over events until there are no more, and lets nobody wait for the next look at traffic."""
        while events := list(self.forwarder.events):
            self.forwarder.events.clear()
            for event in events:
                self.control.event(event, self._now_s)
        for peer in self.control._peers.values():
            self.control._look_at_traffic(peer, self._now_s)
            self.control._schedule(peer)
