# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A WireGuard device: the machine over peers, handshakes, sessions and timers.

Packets are not its business: it gives orders to a forwarding half (`cladnet.core.forwarding`), which may live
in other processes, and hears of events from there. Sans-IO: handshake messages and the time come in by method
calls; messages to send are taken from it afterwards.

Source: WireGuard whitepaper; "now" is a monotonic clock in seconds that also counts while the machine sleeps.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import Exhausted, InvalidInput, NotFound
from cladnet.core.forwarding.events import Active, Event, NeedSession, Proven, Roamed
from cladnet.core.forwarding.memory import SLOTS_PER_PEER, Memory
from cladnet.core.forwarding.orders import (
    DropStaged,
    ForgetPeer,
    ForgetSession,
    InstallSession,
    MovePeer,
    Order,
    SendKeepalive,
    SetPeer,
    UseSession,
)
from cladnet.core.forwarding.traffic import LAST_RECEIVED, LAST_SENT, WATCHED
from cladnet.core.wireguard.allowed_ips import Network
from cladnet.core.wireguard.constants import (
    REKEY_AFTER_MESSAGES,
    REKEY_TIMEOUT_JITTER_S,
    REKEY_TIMEOUT_S,
    REMEMBERED_STAMPS,
    URGENT_INITIATION_INTERVAL_S,
)
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.handshake import HandshakeError, KeyPair, RemoteIdentity
from cladnet.core.wireguard.handshaking import Handshaking
from cladnet.core.wireguard.indices import IndexTable
from cladnet.core.wireguard.load import HandshakeLoad, LoadState
from cladnet.core.wireguard.messages import MessageType, message_type
from cladnet.core.wireguard.outbox import Outbox
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
        order: takes orders for the forwarding half, in order.
        memory: shared with the forwarding half.
        mtu: of the inner network, in bytes: what gets through to a peer, as long as nobody knows better.
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
        order: Callable[[Order], None],
        memory: Memory,
        mtu: int,
        wall_time_ns: Callable[[], int],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        load: LoadState | None = None,
    ) -> None:
        self._mtu = mtu
        self._random_bytes = random_bytes
        self._identity = _key_pair(private_key)
        self._peers: dict[bytes, Peer] = {}
        self._order = order
        self._memory = memory
        self._numbers: dict[int, Peer] = {}
        self._last_number = -1
        self._owners: dict[Network, Peer] = {}
        self._indices = IndexTable(random_bytes, self._session_added, self._session_freed)
        self._wakeups: WakeUpQueue[Peer] = WakeUpQueue()
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
            on_initiation=self._schedule,
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
            Exhausted: there are too many peers.
        """
        peer = self._peers.get(config.public_key) or self._new_peer(config)
        self._peers[config.public_key] = peer
        endpoint, allowed_ips = peer.endpoint, peer.allowed_ips
        is_urgent = peer.configure(config, now_s)
        self._claim(peer, allowed_ips)
        self._order(self._peer_order(peer))
        if peer.endpoint is not None and peer.endpoint != endpoint:
            self._order(MovePeer(peer.number, peer.endpoint))
        if is_urgent and (peer.sessions.all() or peer.timers.handshake_running):
            self._start_handshake_urgently(peer, now_s)
        self._schedule(peer)

    def set_path_mtu(self, public_key: bytes, path_mtu_bytes: int) -> None:
        """Notes the longest inner packet that gets through to a peer; an unknown one is ignored."""
        peer = self._peers.get(public_key)
        if peer is not None and peer.path_mtu_bytes != path_mtu_bytes:
            peer.path_mtu_bytes = path_mtu_bytes
            self._order(self._peer_order(peer))

    def remove_peer(self, public_key: bytes) -> None:
        """Forgets a peer and its sessions; an unknown one is ignored."""
        peer = self._peers.pop(public_key, None)
        if peer is None:
            return
        self._indices.free_sessions(peer.sessions.clear())
        self._handshaking.abandon(peer)
        self._wakeups.forget(peer)
        for network in peer.allowed_ips:
            del self._owners[network]
        self._order(ForgetPeer(peer.number))
        del self._numbers[peer.number]
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
            self._order(SendKeepalive(peer.number))
        else:
            self._start_handshake_urgently(peer, now_s)
        self._schedule(peer)

    def datagram_received(self, datagram: bytes, source: Endpoint, now_s: float) -> None:
        """Takes a handshake message. Whatever it is: no exception, and silence unless authentic."""
        kind = message_type(datagram)
        if kind is None or kind is MessageType.TRANSPORT:
            self.outbox.drop(Drop.MALFORMED_DATAGRAM)
            return
        ready = self._handshaking.receive(kind, datagram, source, now_s)
        if ready is not None and ready.sessions.current is not None:
            self._order(MovePeer(ready.number, source))
            # Even with nothing to say: the peer may not use the session before it hears from us.
            self._order(UseSession(ready.sessions.current.local_index, announce=True))
            self._schedule(ready)

    def event(self, event: Event, now_s: float) -> None:
        """Takes an event of the forwarding half."""
        match event:
            case NeedSession() | Roamed() | Active():
                peer = self._numbers.get(event.peer)
                if peer is not None:
                    self._peer_event(peer, event, now_s)
            case Proven():
                self._confirm(event, now_s)

    def handle_timers(self, now_s: float) -> None:
        """Does what is due."""
        for peer in self._wakeups.take_due(now_s):
            self._look_at_traffic(peer, now_s)
            for due in peer.timers.expire(now_s):
                self._actions[due](peer, now_s)
            self._schedule(peer)

    def next_timer_s(self) -> float | None:
        """When to call `handle_timers` next, not later; None if nothing is to be done."""
        return self._wakeups.next_s

    def orders_so_far(self) -> Iterator[Order]:
        """What a forwarding half that knows nothing, because it was just started again, is to be told."""
        for peer in self._peers.values():
            yield self._peer_order(peer)
            if peer.endpoint is not None:
                yield MovePeer(peer.number, peer.endpoint)
            for session in peer.sessions.all():
                yield _session_order(session, peer)
            if peer.sessions.current is not None:
                yield UseSession(peer.sessions.current.local_index, announce=False)

    def status(self, now_s: float) -> TunnelStatus:
        """Peers and drop counters."""
        peers = [
            peer.status(
                now_s,
                rx_bytes=self._memory.rx_bytes(peer.number),
                tx_bytes=self._memory.tx_bytes(peer.number),
            )
            for peer in self._peers.values()
        ]
        return TunnelStatus(peers, self._drop_counts())

    def _drop_counts(self) -> dict[str, int]:
        totals = self.outbox.drop_counts()
        for reason, count in self._memory.drop_counts().items():
            totals[reason] = totals.get(reason, 0) + count
        return totals

    def _new_peer(self, config: PeerConfig) -> Peer:
        if config.public_key == self._identity.public:
            raise InvalidInput("The public key of the peer is this host's own: was the machine image cloned?")
        try:
            secret = self._identity.shared_secret(config.public_key)
        except HandshakeError as exc:
            raise InvalidInput(
                f"{_key_text(config.public_key)} is no usable public key: no secret can be agreed with it."
            ) from exc
        remote = RemoteIdentity(config.public_key, secret, config.preshared_key)
        number = self._unused_number()
        peer = self._numbers[number] = Peer(number, remote, self._memory.times(number), self._jitter_s)
        peer.latest_stamp_sent = self._stamps_of_removed.pop(config.public_key, NO_TIMESTAMP)
        return peer

    def _unused_number(self) -> int:
        """Goes around, so that late events of a removed peer do not meet another one."""
        if len(self._numbers) >= self._memory.peers:
            raise Exhausted(f"The tunnel has {len(self._numbers)} peers; there is no room for more.")
        number = (self._last_number + 1) % self._memory.peers
        while number in self._numbers:
            number = (number + 1) % self._memory.peers
        self._last_number = number
        self._memory.clear_peer(number)
        return number

    def _claim(self, peer: Peer, before: tuple[Network, ...]) -> None:
        """An inner network has one owner, the last that claimed it; so it is after a repetition of orders."""
        for network in set(before) - set(peer.allowed_ips):
            del self._owners[network]
        for network in peer.allowed_ips:
            loser = self._owners.get(network)
            if loser is not None and loser is not peer:
                loser.allowed_ips = tuple(own for own in loser.allowed_ips if own != network)
            self._owners[network] = peer

    def _peer_order(self, peer: Peer) -> SetPeer:
        return SetPeer(peer.number, peer.allowed_ips, peer.path_mtu_bytes or self._mtu)

    def _remember_stamp(self, peer: Peer) -> None:
        """The other side may not have removed us, so it goes on to want greater ones than the last."""
        if len(self._stamps_of_removed) >= REMEMBERED_STAMPS:
            del self._stamps_of_removed[next(iter(self._stamps_of_removed))]
        self._stamps_of_removed[peer.remote.public] = peer.latest_stamp_sent

    def _peer_event(self, peer: Peer, event: NeedSession | Roamed | Active, now_s: float) -> None:
        match event:
            case NeedSession():
                self._provide_session(peer, now_s)
            case Roamed():
                peer.seen_at(event.source)
            case Active():
                self._look_at_traffic(peer, now_s)
        self._schedule(peer)

    def _provide_session(self, peer: Peer, now_s: float) -> None:
        """One of several who forward may not have heard yet of the session there is."""
        session = peer.sessions.current
        is_used_up = session is not None and self._memory.sent_count(session.slot) > REKEY_AFTER_MESSAGES
        if session is None or now_s >= session.expires_s or is_used_up:
            self._start_handshake(peer, now_s)
        else:
            self._order(UseSession(session.local_index, announce=False))

    def _look_at_traffic(self, peer: Peer, now_s: float) -> None:
        if not peer.timers.observe(peer.times, now_s):
            self._stop_watching(peer, now_s)
        session = peer.sessions.current
        if session is not None and session.wants_rekey(peer.times, self._memory.sent_count(session.slot)):
            self._start_handshake(peer, now_s)

    def _stop_watching(self, peer: Peer, now_s: float) -> None:
        """From now on the forwarding half speaks up; what came between the last look and now is looked at."""
        looked_s = max(peer.times[LAST_SENT], peer.times[LAST_RECEIVED])
        peer.times[WATCHED] = 0.0
        if max(peer.times[LAST_SENT], peer.times[LAST_RECEIVED]) > looked_s:
            peer.times[WATCHED] = 1.0
            peer.timers.observe(peer.times, now_s)

    def _session_added(self, session: Session, peer: Peer) -> None:
        first = peer.number * SLOTS_PER_PEER
        in_use = {other.slot for other in peer.sessions.all()}
        session.slot = next(slot for slot in range(first, first + SLOTS_PER_PEER) if slot not in in_use)
        self._memory.clear_session(session.slot)
        self._order(_session_order(session, peer))

    def _session_freed(self, session: Session) -> None:
        self._order(ForgetSession(session.local_index))

    def _confirm(self, event: Proven, now_s: float) -> None:
        found = self._indices.find(event.local_index)
        if found is None or found[1] is None:
            return
        peer, session = found[0], found[1]
        gone = peer.sessions.confirm(session)
        if gone is None:
            return
        self._indices.free_sessions(gone)
        peer.seen_at(event.source)
        peer.handshake_completed(now_s)
        self._order(UseSession(session.local_index, announce=False))
        self._schedule(peer)

    def _send_keepalive(self, peer: Peer, now_s: float) -> None:
        session = peer.sessions.current
        if session is None or now_s >= session.expires_s:
            self._start_handshake(peer, now_s)
        else:
            self._order(SendKeepalive(peer.number))

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
        self._order(DropStaged(peer.number))

    def _erase_keys(self, peer: Peer, now_s: float) -> None:
        """Drops the last references to keys; Python gives no way to overwrite them."""
        self._indices.free_sessions(peer.sessions.clear())
        if not peer.timers.handshake_running:
            self._give_up_handshake(peer, now_s)

    def _schedule(self, peer: Peer) -> None:
        self._wakeups.wake(peer, peer.timers.next_s)

    def _jitter_s(self) -> float:
        return self._random_bytes(1)[0] / 256 * REKEY_TIMEOUT_JITTER_S


def _session_order(session: Session, peer: Peer) -> InstallSession:
    return InstallSession(
        peer=peer.number,
        slot=session.slot,
        local_index=session.local_index,
        remote_index=session.remote_index,
        suite=session.suite,
        sending=session.keys.sending,
        receiving=session.keys.receiving,
        expires_s=session.expires_s,
        is_proven=session.is_initiator or session in (peer.sessions.current, peer.sessions.previous),
    )


def check_private_key(private_key: bytes) -> None:
    """Raises InvalidInput unless the key has 32 bytes."""
    if len(private_key) != KEY_SIZE_BYTES:
        raise InvalidInput(f"A private key has {KEY_SIZE_BYTES} bytes; this one has {len(private_key)}.")


def _key_pair(private_key: bytes) -> KeyPair:
    check_private_key(private_key)
    return KeyPair.from_private_bytes(private_key)


def _key_text(key: bytes) -> str:
    return base64.b64encode(key).decode()
