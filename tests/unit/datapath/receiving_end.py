# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A receiver between a real UDP socket and a queue of packets, and the peer that sends to it."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from cladnet.core.forwarding.events import Event
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.session import ForwardingSession, nonce
from cladnet.core.forwarding.traffic import Traffic
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.replay import ReplayWindow
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, Suite
from cladnet.datapath.receiver import Receiver

UDP_SEGMENT, UDP_GRO, IP_RECVTOS = 103, 104, 13
KEY, LOCAL_INDEX, NOW_S, EXPIRES_S = bytes(range(32)), 0xC0FFEE, 10.0, 190.0
MTU_BYTES = 1420
ENOUGH_BATCHES = 1000
NETWORKS = [ip_network("10.0.0.1/32"), ip_network("fd00::1/128")]


@dataclass
class Peer:
    """Who seals messages and sends them.

    Args:
        suite: of the session.
        to: address of the receiver's socket.
        family: of the socket to send with.
    """

    suite: Suite
    to: tuple[str, int]
    family: int = socket.AF_INET
    counter: int = 0
    udp: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.udp = socket.socket(self.family, socket.SOCK_DGRAM)
        self.udp.connect(self.to)

    def seal(self, packet: bytes, *, index: int = LOCAL_INDEX, key: bytes = KEY) -> bytes:
        """The next message."""
        padded = packet + bytes(-len(packet) % 16) if len(packet) <= MTU_BYTES - 16 else packet
        sealed = self.suite.aead(key).encrypt(nonce(self.counter), padded, None)
        self.counter += 1
        return struct.pack("<IIQ", 4, index, self.counter - 1) + sealed

    def send(self, *datagrams: bytes) -> None:
        """Sends them one by one."""
        for datagram in datagrams:
            self.udp.send(datagram)

    def send_glued(self, datagrams: Sequence[bytes]) -> None:
        """Sends them with one call; all but the last have the size of the first."""
        size = struct.pack("=H", len(datagrams[0]))
        self.udp.sendmsg([b"".join(datagrams)], [(socket.IPPROTO_UDP, UDP_SEGMENT, size)])


class ReceivingEnd:
    """The receiver, with one peer and one session."""

    def __init__(self, suite: Suite = CHACHA20_POLY1305, *, family: int = socket.AF_INET6) -> None:
        self.udp = bound_socket(family)
        self.tun, self.host = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.tun, self.host):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
            end.setblocking(False)
        self.forwarder = Forwarder(MTU_BYTES)
        self.peer = ForwardingPeer(0, Traffic.private(), MTU_BYTES)
        self.forwarder.set_allowed_ips(self.peer, NETWORKS)
        self.session = self.add_session(suite)
        self.receiver = Receiver(tun=self.tun.fileno(), socket=self.udp, forwarder=self.forwarder)
        self.sender = Peer(suite, ("127.0.0.1", self.udp.getsockname()[1]))

    def add_session(self, suite: Suite) -> ForwardingSession:
        session = ForwardingSession(
            self.peer,
            local_index=LOCAL_INDEX,
            remote_index=1,
            sending=suite.aead(KEY),
            receiving=suite.aead(KEY),
            expires_s=EXPIRES_S,
            is_proven=False,
            reserve=lambda count: 0,
            window=ReplayWindow(),
        )
        self.forwarder.add_session(session)
        return session

    def run(self, now_s: float = NOW_S) -> list[bytes]:
        """Receives everything that was sent, and gives what was delivered."""
        select.select([self.udp], [], [], 5.0)
        while self.receiver.run(ENOUGH_BATCHES, now_s) == ENOUGH_BATCHES:
            pass
        return self.delivered()

    def delivered(self) -> list[bytes]:
        packets = []
        while True:
            try:
                packets.append(self.host.recv(1 << 17))
            except BlockingIOError:
                return packets

    def drops(self) -> dict[Drop, int]:
        return {drop: self.forwarder.drops[drop] for drop in Drop if self.forwarder.drops[drop]}

    def events(self) -> list[Event]:
        events = list(self.forwarder.events)
        self.forwarder.events.clear()
        return events

    def close(self) -> None:
        for end in (self.udp, self.tun, self.host, self.sender.udp):
            end.close()


def bound_socket(family: int) -> socket.socket:
    """As the workers get it: non-blocking, with datagrams glued and ECN told."""
    udp = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    udp.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
    udp.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    udp.bind(("::" if family == socket.AF_INET6 else "127.0.0.1", 0))
    udp.setblocking(False)
    return udp
