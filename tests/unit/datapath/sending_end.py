# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A sender between a queue of packets and a real UDP socket, and the peers that open what comes."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.session import ForwardingSession, nonce
from cladnet.core.forwarding.traffic import Traffic
from cladnet.core.offload.virtio_net import NO_OFFLOAD
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.replay import ReplayWindow
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, Suite
from cladnet.datapath.sender import Sender

KEY, REMOTE_INDEX, NOW_S, EXPIRES_S = bytes(range(32)), 0xC0FFEE, 10.0, 190.0
MTU_BYTES = 1420
ENOUGH_READS = 1000


@dataclass(frozen=True)
class Opened:
    """A datagram as its receiver sees it.

    Args:
        packet: without padding.
        padding: behind it.
        counter: in the session.
        tos: of the outer header.
    """

    packet: bytes
    padding: bytes
    counter: int
    tos: int


@dataclass
class RemotePeer:
    """Who receives, and opens with the session's key."""

    suite: Suite
    host: str = "127.0.0.1"
    udp: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if family == socket.AF_INET6:
            self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            self.udp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        self.udp.bind((self.host, 0))
        self.udp.setblocking(False)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.host, self.udp.getsockname()[1])

    def datagrams(self) -> list[tuple[bytes, int]]:
        """All that came, each with its outer TOS."""
        received = []
        while True:
            try:
                datagram, ancillary, _flags, _source = self.udp.recvmsg(1 << 17, 100)
            except BlockingIOError:
                return received
            received.append((datagram, ancillary[0][2][0]))

    def opened(self) -> list[Opened]:
        """All that came, decrypted."""
        return [self._open(datagram, tos) for datagram, tos in self.datagrams()]

    def packets(self) -> list[bytes]:
        return [opened.packet for opened in self.opened()]

    def _open(self, datagram: bytes, tos: int) -> Opened:
        kind, index, counter = struct.unpack_from("<IIQ", datagram)
        assert (kind, index) == (4, REMOTE_INDEX)
        plaintext = self.suite.aead(KEY).decrypt(nonce(counter), datagram[16:], None)
        if not plaintext:
            return Opened(b"", b"", counter, tos)
        is_ipv4 = plaintext[0] >> 4 == 4
        size = (
            int.from_bytes(plaintext[2:4], "big") if is_ipv4 else 40 + int.from_bytes(plaintext[4:6], "big")
        )
        assert size <= len(plaintext)
        return Opened(plaintext[:size], plaintext[size:], counter, tos)


class SendingEnd:
    """The sender, with one peer or several, each with a session."""

    def __init__(
        self,
        suite: Suite = CHACHA20_POLY1305,
        *,
        hosts: Sequence[str] = ("127.0.0.1",),
        family: int = socket.AF_INET6,
        copy_dscp: bool = False,
        mtu_bytes: int = MTU_BYTES,
        one_by_one: bool = False,
        wrap: Callable[[socket.socket], socket.socket] = lambda udp: udp,
    ) -> None:
        self.host, self.tun = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.tun, self.host):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
            end.setblocking(False)
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self.udp.setblocking(False)
        self._one_by_one = one_by_one
        self.forwarder = Forwarder(mtu_bytes)
        self.remotes = [RemotePeer(suite, host) for host in hosts]
        self.peers = [self._add_peer(number, remote) for number, remote in enumerate(self.remotes)]
        self.sender = Sender(
            tun=self.tun.fileno(),
            socket=wrap(self.udp),
            forwarder=self.forwarder,
            mtu_bytes=mtu_bytes,
            copy_dscp=copy_dscp,
        )

    @property
    def remote(self) -> RemotePeer:
        return self.remotes[0]

    @property
    def peer(self) -> ForwardingPeer:
        return self.peers[0]

    def _add_peer(self, number: int, remote: RemotePeer) -> ForwardingPeer:
        peer = ForwardingPeer(number, Traffic.private(), self.forwarder.mtu_bytes)
        peer.move_to(remote.endpoint)
        networks = [f"10.{number}.0.0/16", f"fd00:{number}::/32"] + (["::2/128"] if not number else [])
        self.forwarder.set_allowed_ips(peer, [ip_network(network) for network in networks])
        peer.sending = self.session(peer, remote.suite)
        return peer

    def session(self, peer: ForwardingPeer, suite: Suite, first_counter: int = 0) -> ForwardingSession:
        counters = [first_counter]

        def reserve(count: int) -> int:
            counters[0] += count
            return counters[0] - count

        return ForwardingSession(
            peer,
            local_index=1,
            remote_index=REMOTE_INDEX,
            sending=suite.aead(KEY),
            receiving=suite.aead(KEY),
            expires_s=EXPIRES_S,
            is_proven=True,
            reserve=reserve,
            window=ReplayWindow(),
        )

    def queue(self, *packets: bytes) -> None:
        """Lets the host send complete packets."""
        self.queue_reads(*(NO_OFFLOAD + packet for packet in packets))

    def queue_reads(self, *reads: bytes) -> None:
        """Lets the host send packets with their virtio-net headers."""
        for read in reads:
            self.host.send(read)

    def run(self, now_s: float = NOW_S) -> int:
        """Sends everything; says how many reads it took."""
        if not self._one_by_one:
            return self.sender.run(ENOUGH_READS, now_s)
        reads = 0
        while self.sender.run(1, now_s):
            reads += 1
        return reads

    def told(self) -> list[bytes]:
        """What the host was sent by the sender."""
        packets = []
        while select.select([self.host], [], [], 0)[0]:
            packets.append(self.host.recv(1 << 17))
        return packets

    def drops(self) -> dict[Drop, int]:
        return {drop: self.forwarder.drops[drop] for drop in Drop if self.forwarder.drops[drop]}

    def close(self) -> None:
        for end in (self.host, self.tun, self.udp, *(remote.udp for remote in self.remotes)):
            end.close()
