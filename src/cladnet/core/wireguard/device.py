# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A WireGuard device: the machine over peers, sessions, timers and cryptokey routing.

Sans-IO: datagrams, packets and the time come in by method calls; datagrams to send and packets to deliver are
taken from it afterwards. It does not matter who moves them.

Source: WireGuard whitepaper; "now" is a monotonic clock in seconds that also counts while the machine sleeps.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput, NotFound
from cladnet.core.wireguard.allowed_ips import AllowedIps
from cladnet.core.wireguard.constants import (
    PADDING_MULTIPLE_BYTES,
    REKEY_TIMEOUT_JITTER_S,
    REKEY_TIMEOUT_S,
    REMEMBERED_STAMPS,
    STAGED_PACKETS_PER_PEER,
    STAGED_PACKETS_TOTAL,
    URGENT_INITIATION_INTERVAL_S,
)
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.handshake import HandshakeError, KeyPair, RemoteIdentity
from cladnet.core.wireguard.handshaking import Handshaking
from cladnet.core.wireguard.indices import IndexTable
from cladnet.core.wireguard.load import HandshakeLoad, LoadState
from cladnet.core.wireguard.messages import MessageType, message_type, pack_transport, parse_transport
from cladnet.core.wireguard.outbox import Outbox
from cladnet.core.wireguard.packet import parse_inner_packet
from cladnet.core.wireguard.peer import Peer
from cladnet.core.wireguard.peer_config import KEY_SIZE_BYTES, PeerConfig
from cladnet.core.wireguard.session import Session
from cladnet.core.wireguard.status import TunnelStatus
from cladnet.core.wireguard.tai64n import NO_TIMESTAMP
from cladnet.core.wireguard.timers import Due
from cladnet.core.wireguard.wakeups import WakeUpQueue


class Device:
    """One identity and its peers.

    Args:
        private_key: our static private key, 32 bytes.
        mtu: of the inner network, in bytes: padding never makes a packet longer.
        wall_time_ns: gives nanoseconds since 1970, for the time stamps of handshakes.
        random_bytes: gives that many random bytes.
        load: says when there are too many handshakes.

    Raises:
        InvalidInput: the key has not 32 bytes.
    """

    def __init__(
        self,
        private_key: bytes,
        *,
        mtu: int,
        wall_time_ns: Callable[[], int],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        load: LoadState | None = None,
    ) -> None:
        self._mtu = mtu
        self._random_bytes = random_bytes
        self._identity = _key_pair(private_key)
        self._peers: dict[bytes, Peer] = {}
        self._allowed_ips: AllowedIps[Peer] = AllowedIps()
        self._indices = IndexTable(random_bytes)
        self._wakeups: WakeUpQueue[Peer] = WakeUpQueue()
        self._staged_total = 0
        self._stamps_of_removed: dict[bytes, bytes] = {}
        self.outbox = Outbox()
        self._handshaking = Handshaking(
            self._identity,
            self._peers,
            self._indices,
            self.outbox,
            load=load if load is not None else HandshakeLoad(),
            random_bytes=random_bytes,
            wall_time_ns=wall_time_ns,
        )
        self._actions: dict[Due, Callable[[Peer, float], None]] = {
            Due.RETRY_HANDSHAKE: self._retry_handshake,
            Due.GIVE_UP_HANDSHAKE: self._give_up_handshake,
            Due.SEND_KEEPALIVE: self._send_keepalive,
            Due.START_HANDSHAKE: self._start_handshake,
            Due.ERASE_KEYS: self._erase_keys,
        }

    @property
    def public_key(self) -> bytes:
        """Our identity, 32 bytes."""
        return self._identity.public

    def set_private_key(self, private_key: bytes) -> None:
        """Changes our identity. Sessions live on until the other side has made new ones, so nothing is lost.

        Raises:
            InvalidInput: the key has not 32 bytes.
        """
        self._identity = _key_pair(private_key)
        self._handshaking.use_identity(self._identity)
        for peer in self._peers.values():
            self._handshaking.abandon(peer)
            peer.use_secret(self._identity.shared_secret(peer.remote.public))

    def set_peer(self, config: PeerConfig, now_s: float) -> None:
        """Adds a peer or updates it; see `cladnet.datapath.tunnel.Tunnel.set_peer`.

        Raises:
            InvalidInput: the key is our own, or one with which no secret can be agreed.
        """
        peer = self._peers.get(config.public_key) or self._new_peer(config)
        self._peers[config.public_key] = peer
        outdated = peer.configure(config, now_s)
        self._allowed_ips.assign(peer, config.allowed_ips)
        if outdated and (peer.sessions.all() or peer.timers.handshake_running):
            self._start_handshake_urgently(peer, now_s)
        self._schedule(peer)

    def remove_peer(self, public_key: bytes) -> None:
        """Forgets a peer and its sessions; an unknown one is ignored."""
        peer = self._peers.pop(public_key, None)
        if peer is None:
            return
        self._allowed_ips.remove(peer)
        self._indices.free_sessions(peer.sessions.clear())
        self._handshaking.abandon(peer)
        self._staged_total -= len(peer.staged)
        self._wakeups.forget(peer)
        self._remember_stamp(peer)

    def connect(self, public_key: bytes, now_s: float) -> None:
        """Makes the peer know where we are: by a handshake, or by a keepalive if one was just completed.

        Raises:
            NotFound: no such peer.
        """
        peer = self._peers.get(public_key)
        if peer is None:
            raise NotFound(f"The tunnel has no peer with the public key {_key_text(public_key)}.")
        if peer.handshake_age_s(now_s) < REKEY_TIMEOUT_S:
            self._send_keepalive(peer, now_s)
        else:
            self._start_handshake_urgently(peer, now_s)
        self._schedule(peer)

    def datagram_received(self, datagram: bytes, source: Endpoint, now_s: float) -> None:
        """Takes a datagram from the network. Whatever it is: no exception, and silence unless authentic."""
        kind = message_type(datagram)
        if kind is None:
            self.outbox.drop(Drop.MALFORMED_DATAGRAM)
            return
        if kind is MessageType.TRANSPORT:
            self._receive_transport(datagram, source, now_s)
            return
        ready = self._handshaking.receive(kind, datagram, source, now_s)
        if ready is not None:
            # Even with nothing to say: the peer may not use the session before it hears from us.
            self._send_keepalive(ready, now_s)
            self._schedule(ready)

    def packet_from_tun(self, packet: bytes, now_s: float) -> None:
        """Takes an inner packet of this host."""
        inner = parse_inner_packet(packet)
        if inner is None:
            self.outbox.drop(Drop.MALFORMED_PACKET)
            return
        peer = self._allowed_ips.owner_of(inner.destination)
        if peer is None:
            self.outbox.drop(Drop.NO_ROUTE)
            return
        session = peer.sessions.current
        if session is not None and session.can_send(now_s):
            self._send_data(peer, session, packet, now_s)
        else:
            self._send_later(peer, packet, now_s)
        self._schedule(peer)

    def handle_timers(self, now_s: float) -> None:
        """Does what is due."""
        for peer in self._wakeups.take_due(now_s):
            for due in peer.timers.expire(now_s):
                self._actions[due](peer, now_s)
            self._schedule(peer)

    def next_timer_s(self) -> float | None:
        """When to call `handle_timers` next, not later; None if nothing is to be done."""
        return self._wakeups.next_s

    def status(self, now_s: float) -> TunnelStatus:
        """Peers and drop counters."""
        peers = [peer.status(now_s) for peer in self._peers.values()]
        return TunnelStatus(peers, self.outbox.drop_counts())

    def _new_peer(self, config: PeerConfig) -> Peer:
        if config.public_key == self._identity.public:
            raise InvalidInput("The public key of the peer is this host's own: was the machine image cloned?")
        try:
            secret = self._identity.shared_secret(config.public_key)
        except HandshakeError as exc:
            raise InvalidInput(
                f"{_key_text(config.public_key)} is no usable public key: no secret can be agreed with it."
            ) from exc
        peer = Peer(RemoteIdentity(config.public_key, secret, config.preshared_key), self._jitter_s)
        peer.latest_stamp_sent = self._stamps_of_removed.pop(config.public_key, NO_TIMESTAMP)
        return peer

    def _remember_stamp(self, peer: Peer) -> None:
        """The other side may not have removed us, so it goes on to want greater ones than the last."""
        if len(self._stamps_of_removed) >= REMEMBERED_STAMPS:
            del self._stamps_of_removed[next(iter(self._stamps_of_removed))]
        self._stamps_of_removed[peer.remote.public] = peer.latest_stamp_sent

    def _receive_transport(self, datagram: bytes, source: Endpoint, now_s: float) -> None:
        message = parse_transport(datagram)
        found = self._indices.find(message.receiver_index)
        if found is None or found[1] is None:
            self.outbox.drop(Drop.UNKNOWN_SESSION)
            return
        peer, session = found[0], found[1]
        plaintext = session.open(message, now_s)
        if isinstance(plaintext, Drop):
            self.outbox.drop(plaintext)
            return
        peer.rx_bytes += len(datagram)
        peer.seen_at(source)
        peer.timers.authentic_received(now_s)
        self._confirm(peer, session, now_s)
        if plaintext:
            self._deliver(peer, plaintext, now_s)
        if session.wants_rekey_after_receiving(now_s):
            self._start_handshake(peer, now_s)
        self._schedule(peer)

    def _confirm(self, peer: Peer, session: Session, now_s: float) -> None:
        gone = peer.sessions.confirm(session)
        if gone is None:
            return
        self._indices.free_sessions(gone)
        peer.handshake_completed(now_s)
        self._send_staged(peer, session, now_s)

    def _deliver(self, peer: Peer, plaintext: bytes, now_s: float) -> None:
        peer.timers.data_received(now_s)
        inner = parse_inner_packet(plaintext)
        if inner is None:
            self.outbox.drop(Drop.MALFORMED_PACKET)
            return
        if self._allowed_ips.owner_of(inner.source) is not peer:
            self.outbox.drop(Drop.WRONG_INNER_SOURCE)
            return
        self.outbox.deliver(plaintext[: inner.size_bytes])

    def _send_data(self, peer: Peer, session: Session, packet: bytes, now_s: float) -> None:
        self._send_sealed(peer, session, self._padded(packet))
        peer.timers.data_sent(now_s)
        if session.wants_rekey_after_sending(now_s):
            self._start_handshake(peer, now_s)

    def _send_sealed(self, peer: Peer, session: Session, plaintext: bytes) -> None:
        if peer.endpoint is None:
            return
        datagram = pack_transport(session.seal(plaintext))
        peer.tx_bytes += len(datagram)
        self.outbox.send(datagram, peer.endpoint)

    def _padded(self, packet: bytes) -> bytes:
        missing = -len(packet) % PADDING_MULTIPLE_BYTES
        return packet + bytes(max(0, min(missing, self._mtu - len(packet))))

    def _send_later(self, peer: Peer, packet: bytes, now_s: float) -> None:
        if peer.endpoint is None and peer.sessions.next is None:
            self.outbox.drop(Drop.NO_ENDPOINT)
            return
        self._stage(peer, packet)
        self._start_handshake(peer, now_s)

    def _stage(self, peer: Peer, packet: bytes) -> None:
        """Keeps the newest packets: the oldest is the least worth by the time there is a session."""
        full = len(peer.staged) >= STAGED_PACKETS_PER_PEER or self._staged_total >= STAGED_PACKETS_TOTAL
        if full:
            self.outbox.drop(Drop.TOO_MANY_STAGED)
            if not peer.staged:
                return
            self._unstage(peer)
        peer.staged.append(packet)
        self._staged_total += 1

    def _unstage(self, peer: Peer) -> bytes:
        self._staged_total -= 1
        return peer.staged.popleft()

    def _send_staged(self, peer: Peer, session: Session, now_s: float) -> None:
        while peer.staged:
            self._send_data(peer, session, self._unstage(peer), now_s)

    def _send_keepalive(self, peer: Peer, now_s: float) -> None:
        session = peer.sessions.current
        if session is None or not session.can_send(now_s):
            self._start_handshake(peer, now_s)
        elif peer.staged:
            self._send_staged(peer, session, now_s)
        else:
            self._send_sealed(peer, session, b"")
            peer.timers.keepalive_sent(now_s)

    def _start_handshake(self, peer: Peer, now_s: float) -> None:
        """Initiates, unless that was done a moment ago: then the retry timer will."""
        self._initiate(peer, now_s, urgent=False)

    def _start_handshake_urgently(self, peer: Peer, now_s: float) -> None:
        """Initiates although that was done a moment ago, because that went to or from the wrong place."""
        self._initiate(peer, now_s, urgent=True)

    def _initiate(self, peer: Peer, now_s: float, *, urgent: bool) -> None:
        if peer.endpoint is None:
            return
        peer.timers.attempt_renewed(now_s)
        interval_s = URGENT_INITIATION_INTERVAL_S if urgent else REKEY_TIMEOUT_S
        earliest_s = peer.initiation_sent_s + interval_s
        if now_s >= earliest_s:
            self._handshaking.initiate(peer, peer.endpoint, now_s)
        elif urgent or not peer.timers.handshake_running:
            peer.timers.hasten_retry(earliest_s)

    def _retry_handshake(self, peer: Peer, now_s: float) -> None:
        if peer.endpoint is not None:
            self._handshaking.initiate(peer, peer.endpoint, now_s)

    def _give_up_handshake(self, peer: Peer, _now_s: float) -> None:
        self._handshaking.abandon(peer)
        while peer.staged:
            self._unstage(peer)
            self.outbox.drop(Drop.HANDSHAKE_FAILED)

    def _erase_keys(self, peer: Peer, now_s: float) -> None:
        """Drops the last references to keys; Python gives no way to overwrite them."""
        self._indices.free_sessions(peer.sessions.clear())
        if not peer.timers.handshake_running:
            self._give_up_handshake(peer, now_s)

    def _schedule(self, peer: Peer) -> None:
        self._wakeups.wake(peer, peer.timers.next_s)

    def _jitter_s(self) -> float:
        return self._random_bytes(1)[0] / 256 * REKEY_TIMEOUT_JITTER_S


def _key_pair(private_key: bytes) -> KeyPair:
    if len(private_key) != KEY_SIZE_BYTES:
        raise InvalidInput(f"A private key has {KEY_SIZE_BYTES} bytes; this one has {len(private_key)}.")
    return KeyPair.from_private_bytes(private_key)


def _key_text(key: bytes) -> str:
    return base64.b64encode(key).decode()
