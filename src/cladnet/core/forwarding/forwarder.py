# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Moves packets between an inner and an outer network with the sessions that it was given.

This is the path of one packet at a time, with copies; bulk paths use the same state. Sans-IO.

Source: WireGuard whitepaper, sections 5.4.6 and 6; the check of inner sources is section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.events import Active, Event, NeedSession, Proven, Roamed
from cladnet.core.forwarding.memory import DropCounts
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.session import ForwardingSession, nonce
from cladnet.core.forwarding.traffic import WATCHED
from cladnet.core.ip.path_probe import is_path_probe
from cladnet.core.wireguard.allowed_ips import AllowedIps, Network
from cladnet.core.wireguard.constants import (
    PADDING_MULTIPLE_BYTES,
    REJECT_AFTER_MESSAGES,
    STAGED_PACKETS_PER_PEER,
    STAGED_PACKETS_TOTAL,
)
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.messages import (
    MessageType,
    Transport,
    message_type,
    pack_transport,
    parse_transport,
)
from cladnet.core.wireguard.packet import parse_inner_packet

_MAX_REMEMBERED_ROUTES = 1 << 16
_UNKNOWN = object()


class Forwarder:
    """Peers, routes and sessions, and what to do with a packet.

    Args:
        mtu_bytes: of the inner device: padding never makes a packet longer.
        drops: where to count what went no further, by reason.

    Attributes:
        sessions: by our own number, which is in every message that we get.
        on_unknown_session: called when a message of an unknown session came: its order may be on the way.
        datagrams: to be sent, in order, with their destination.
        packets: to be delivered, in order.
        events: for the other half, in order; a dictionary, so that each is there once.
        route_changes: how often it has changed what goes to whom, or how long it may be.
    """

    def __init__(self, mtu_bytes: int, drops: DropCounts | None = None) -> None:
        self.mtu_bytes = mtu_bytes
        self.drops = drops or DropCounts.private()
        self.sessions: dict[int, ForwardingSession] = {}
        self.on_unknown_session: Callable[[], None] = lambda: None
        self.datagrams: list[tuple[bytes, ForwardingPeer]] = []
        self.packets: list[bytes] = []
        self.events: dict[Event, None] = {}
        self._allowed_ips: AllowedIps[ForwardingPeer] = AllowedIps()
        self.route_changes = 0
        self._routes: dict[bytes, ForwardingPeer | None] = {}
        self._staged_total = 0

    @property
    def staged_total(self) -> int:
        """Packets that wait for sessions."""
        return self._staged_total

    def set_allowed_ips(self, peer: ForwardingPeer, networks: Iterable[Network]) -> None:
        """Gives the peer exactly these inner networks."""
        self._allowed_ips.assign(peer, networks)
        self._routes.clear()
        self.route_changes += 1

    def forget_peer(self, peer: ForwardingPeer) -> None:
        """Forgets a peer with its sessions and what waits for it."""
        self.set_allowed_ips(peer, ())
        self._staged_total -= len(peer.staged)
        peer.staged.clear()
        peer.sending = None
        for index in [index for index, session in self.sessions.items() if session.peer is peer]:
            del self.sessions[index]

    def add_session(self, session: ForwardingSession) -> None:
        """Understands messages of this session from now on."""
        self.sessions[session.local_index] = session
        session.peer.session_count += 1

    def forget_session(self, local_index: int) -> None:
        """Uses a session no more."""
        session = self.sessions.pop(local_index, None)
        if session is None:
            return
        session.peer.session_count -= 1
        if session.peer.sending is session:
            session.peer.sending = None

    def session_of(self, receiver_index: int) -> ForwardingSession | None:
        """The session that a message belongs to; None, and counted, if there is none."""
        session = self.sessions.get(receiver_index)
        if session is None:
            self.on_unknown_session()
            session = self.sessions.get(receiver_index)
            if session is None:
                self.drops[Drop.UNKNOWN_SESSION] += 1
        return session

    def use_session(self, session: ForwardingSession, now_s: float, *, announce: bool) -> None:
        """Sends with this session from now on, first what waited for it.

        Args:
            session: a proven one.
            announce: send a keepalive if nothing waited, because the peer waits for a sign of us.
        """
        session.is_proven = True
        session.peer.sending = session
        if session.peer.staged:
            self.send_staged(session.peer, now_s)
        elif announce:
            self.send_keepalive(session.peer, now_s)

    def owner_of(self, address: bytes) -> ForwardingPeer | None:
        """The peer that an inner address of 4 or 16 bytes belongs to."""
        found = self._routes.get(address, _UNKNOWN)
        if found is _UNKNOWN:
            return self._look_up(address)
        return found  # type: ignore[return-value]

    def _look_up(self, address: bytes) -> ForwardingPeer | None:
        if len(self._routes) >= _MAX_REMEMBERED_ROUTES:
            self._routes.clear()
        owner = self._routes[bytes(address)] = self._allowed_ips.owner_of(address)
        return owner

    def packet_from_tun(self, packet: bytes, now_s: float) -> None:
        """Takes one inner packet of this host."""
        inner = parse_inner_packet(packet)
        if inner is None:
            self.drops[Drop.MALFORMED_PACKET] += 1
            return
        peer = self.owner_of(inner.destination)
        if peer is None:
            self.drops[Drop.NO_ROUTE] += 1
            return
        if not self._send(peer, self._padded(packet, peer), now_s):
            self.stage(peer, packet)

    def send_keepalive(self, peer: ForwardingPeer, now_s: float) -> None:
        """Sends an empty message, or asks for a session to send it with."""
        if not self._send(peer, b"", now_s):
            self._tell(NeedSession(peer.number))

    def _padded(self, packet: bytes, peer: ForwardingPeer) -> bytes:
        """The packet with zeros behind it, as the protocol wants it, but not beyond the MTU of the path."""
        if is_path_probe(packet):
            return packet
        missing, mtu_bytes = -len(packet) % PADDING_MULTIPLE_BYTES, min(self.mtu_bytes, peer.path_mtu_bytes)
        return packet + bytes(max(0, min(missing, mtu_bytes - len(packet))))

    def stage(self, peer: ForwardingPeer, packet: bytes) -> None:
        """Keeps a packet until there is a session; the oldest is the least worth by then.

        Args:
            peer: its destination.
            packet: inner packet, not padded.
        """
        if peer.endpoint is None and not peer.session_count:
            self.drops[Drop.NO_ENDPOINT] += 1
            return
        self._tell(NeedSession(peer.number))
        if len(peer.staged) >= STAGED_PACKETS_PER_PEER or self._staged_total >= STAGED_PACKETS_TOTAL:
            self.drops[Drop.TOO_MANY_STAGED] += 1
            if not peer.staged:
                return
            self._unstage(peer)
        peer.staged.append(packet)
        self._staged_total += 1

    def drop_staged(self, peer: ForwardingPeer, reason: Drop) -> None:
        """Gives up what waits for a session."""
        while peer.staged:
            self._unstage(peer)
            self.drops[reason] += 1

    def send_staged(self, peer: ForwardingPeer, now_s: float) -> None:
        """Sends what waited."""
        while peer.staged and self._send(peer, self._padded(peer.staged[0], peer), now_s):
            self._unstage(peer)

    def datagram_received(self, datagram: bytes, source: Endpoint, now_s: float) -> None:
        """Takes one transport message. Whatever it is: no exception, and silence."""
        if message_type(datagram) is not MessageType.TRANSPORT:
            self.drops[Drop.MALFORMED_DATAGRAM] += 1
            return
        message = parse_transport(datagram)
        session = self.session_of(message.receiver_index)
        if session is None:
            return
        plaintext = self._open(session, message, now_s)
        if plaintext is None:
            return
        self.authentic(session, source, len(datagram), now_s, has_data=bool(plaintext))
        if plaintext:
            self._deliver(session.peer, plaintext)

    def authentic(
        self, session: ForwardingSession, source: Endpoint, size_bytes: int, now_s: float, *, has_data: bool
    ) -> None:
        """Notes that new authentic messages of a session came.

        Args:
            session: theirs.
            source: of the last of them.
            size_bytes: of all datagrams together.
            now_s: time.
            has_data: whether one of them was no keepalive.
        """
        peer = session.peer
        peer.traffic.received(size_bytes, now_s, has_data=has_data)
        if not peer.traffic.times[WATCHED]:
            self.watch(peer)
        if source is not peer.endpoint and source != peer.endpoint:
            peer.move_to(source)
            self._tell(Roamed(peer.number, source))
        if not session.is_proven:
            self._tell(Proven(session.local_index, source))
            self.use_session(session, now_s, announce=False)

    def data_sent(self, peer: ForwardingPeer, size_bytes: int, now_s: float) -> None:
        """Notes that datagrams with data went to a peer, all of them together that long."""
        peer.traffic.data_sent(size_bytes, now_s)
        if not peer.traffic.times[WATCHED]:
            self.watch(peer)

    def watch(self, peer: ForwardingPeer) -> None:
        """Makes the other half watch the traffic of a peer."""
        peer.traffic.times[WATCHED] = 1.0
        self._tell(Active(peer.number))

    def owns_source(self, peer: ForwardingPeer, address: bytes) -> bool:
        """Whether an inner source belongs to the peer whose key decrypted it; counted if not."""
        if self.owner_of(address) is peer:
            return True
        self.drops[Drop.WRONG_INNER_SOURCE] += 1
        return False

    def _tell(self, event: Event) -> None:
        self.events[event] = None

    def _send(self, peer: ForwardingPeer, plaintext: bytes, now_s: float) -> bool:
        session = peer.sending
        if session is None or now_s >= session.expires_s:
            return False
        counter = session.reserve(1)
        if counter >= REJECT_AFTER_MESSAGES:
            peer.sending = None
            return False
        ciphertext = session.sending.encrypt(nonce(counter), plaintext, None)
        datagram = pack_transport(Transport(session.remote_index, counter, ciphertext))
        if plaintext:
            peer.traffic.data_sent(len(datagram), now_s)
        else:
            peer.traffic.keepalive_sent(len(datagram), now_s)
        if not peer.traffic.times[WATCHED]:
            self.watch(peer)
        self.datagrams.append((datagram, peer))
        return True

    def _open(self, session: ForwardingSession, message: Transport, now_s: float) -> bytes | None:
        refusal = self.refusal(session, message.counter, now_s)
        if refusal is not None:
            self.drops[refusal] += 1
            return None
        try:
            plaintext = session.receiving.decrypt(nonce(message.counter), message.ciphertext, None)
        except InvalidTag:
            self.drops[Drop.NOT_AUTHENTIC] += 1
            return None
        session.window.mark_used(message.counter)
        return plaintext

    def refusal(self, session: ForwardingSession, counter: int, now_s: float) -> Drop | None:
        """Why a message is not worth to be opened, if it is not."""
        if counter >= REJECT_AFTER_MESSAGES or now_s >= session.expires_s:
            return Drop.SESSION_EXPIRED
        return None if session.window.is_new(counter) else Drop.REPLAYED

    def _deliver(self, peer: ForwardingPeer, plaintext: bytes) -> None:
        inner = parse_inner_packet(plaintext)
        if inner is None:
            self.drops[Drop.MALFORMED_PACKET] += 1
        elif self.owns_source(peer, inner.source):
            self.packets.append(plaintext[: inner.size_bytes])

    def _unstage(self, peer: ForwardingPeer) -> bytes:
        self._staged_total -= 1
        return peer.staged.popleft()
