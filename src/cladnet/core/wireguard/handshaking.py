# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The handshakes of a device with all its peers: who may start one, who gets an answer, who gets silence.

Each peer has its suites. The initiator takes the first; the responder finds out which one an initiation was
made with, and answers with the same if it accepts that one from that peer. Else it is silent, and initiates
itself with its own first. Nothing is offered and nothing is chosen on the wire, and nobody ever tries another
suite than his own first because one has failed. So there is nothing that somebody on the path could take out,
change or hold back to have two hosts use another suite than the first of one of them: all he can do is to
keep them apart, as he can anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.constants import COOKIE_ANSWER_DELAY_S, MIN_INITIATION_INTERVAL_S, REKEY_TIMEOUT_S
from cladnet.core.wireguard.cookie import CookieChecker
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.handshake import (
    HandshakeError,
    KeyPair,
    ProvenInitiation,
    TransportKeys,
    create_initiation,
    create_response,
    prove_claim,
    read_claim,
    read_response,
)
from cladnet.core.wireguard.indices import IndexTable
from cladnet.core.wireguard.load import LoadState, SourceLimiter
from cladnet.core.wireguard.messages import (
    MessageType,
    parse_cookie_reply,
    parse_initiation,
    parse_response,
)
from cladnet.core.wireguard.outbox import Outbox
from cladnet.core.wireguard.peer import Peer
from cladnet.core.wireguard.session import Session
from cladnet.core.wireguard.suite import SUITES, Suite
from cladnet.core.wireguard.tai64n import Tai64nClock

_PRIVATE_KEY_SIZE_BYTES = 32


class Handshaking:
    """Makes sessions.

    Args:
        identity: our static key pair.
        peers: all peers by public key; a view on the device's own table.
        indices: where sessions and handshakes are found by number.
        outbox: where results go.
        load: says when there is too much to do.
        random_bytes: gives that many random bytes.
        wall_time_ns: nanoseconds since 1970.
        on_initiation: told of every peer whose timers have changed because of an initiation of ours.
    """

    def __init__(
        self,
        identity: KeyPair,
        peers: Mapping[bytes, Peer],
        indices: IndexTable,
        outbox: Outbox,
        *,
        load: LoadState,
        random_bytes: Callable[[int], bytes],
        wall_time_ns: Callable[[], int],
        on_initiation: Callable[[Peer], None],
    ) -> None:
        self._peers = peers
        self._indices = indices
        self._outbox = outbox
        self._load = load
        self._random_bytes = random_bytes
        self._wall_time_ns = wall_time_ns
        self._on_initiation = on_initiation
        self._stamps = Tai64nClock()
        self._sources = SourceLimiter()
        self.use_identity(identity)

    def use_identity(self, identity: KeyPair) -> None:
        """Makes and answers handshakes with this key pair from now on."""
        self._identity = identity
        self._cookies = CookieChecker(identity.public, self._random_bytes)

    def initiate(self, peer: Peer, endpoint: Endpoint, now_s: float) -> None:
        """Sends an initiation; an unanswered earlier one is forgotten."""
        self.abandon(peer)
        peer.latest_stamp_sent = self._stamps.stamp(self._wall_time_ns(), after=peer.latest_stamp_sent)
        peer.handshake, message = create_initiation(
            peer.suites[0],
            self._identity,
            peer.remote,
            local_index=self._indices.unused(),
            ephemeral=self._ephemeral(),
            timestamp=peer.latest_stamp_sent,
        )
        self._indices.add_handshake(peer.handshake.local_index, peer)
        peer.initiation_sent_s = now_s
        peer.timers.initiation_sent(now_s)
        self._send(peer, message.pack(), endpoint, now_s)
        self._on_initiation(peer)

    def abandon(self, peer: Peer) -> None:
        """Forgets our unanswered initiation, with its secrets."""
        if peer.handshake is not None:
            self._indices.free(peer.handshake.local_index)
            peer.handshake = None

    def receive(self, kind: MessageType, datagram: bytes, source: Endpoint, now_s: float) -> Peer | None:
        """Handles a handshake message.

        Returns:
            The peer to which there is a new session to send with.
        """
        if kind is MessageType.COOKIE_REPLY:
            self._receive_cookie_reply(datagram, now_s)
            return None
        if not self._deserves_work(datagram, source, now_s):
            return None
        if kind is MessageType.INITIATION:
            self._receive_initiation(datagram, source, now_s)
            return None
        return self._receive_response(datagram, source, now_s)

    def _deserves_work(self, datagram: bytes, source: Endpoint, now_s: float) -> bool:
        """Whether to spend public-key cryptography on a message."""
        if not self._cookies.mac1_is_valid(datagram):
            self._outbox.drop(Drop.WRONG_MAC)
            return False
        if not self._load.handshake_arrived(now_s):
            return True
        if not self._cookies.mac2_is_valid(datagram, source, now_s):
            self._outbox.drop(Drop.COOKIE_ASKED)
            self._outbox.send(self._cookies.reply(datagram, source, now_s).pack(), source)
            return False
        if not self._sources.allows(source, now_s):
            self._outbox.drop(Drop.SOURCE_TOO_FAST)
            return False
        return True

    def _receive_initiation(self, datagram: bytes, source: Endpoint, now_s: float) -> None:
        message = parse_initiation(datagram)
        try:
            claim = read_claim(SUITES, self._identity, message)
            peer = self._peers.get(claim.initiator_public)
            if peer is None:
                self._outbox.drop(Drop.UNKNOWN_PEER)
                return
            initiation = prove_claim(claim, peer.remote)
        except HandshakeError:
            self._outbox.drop(Drop.NOT_AUTHENTIC)
            return
        refusal = _refusal(peer, initiation, now_s)
        if refusal is not None:
            self._outbox.drop(refusal)
        if refusal is Drop.WRONG_SUITE:
            self._initiate_instead(peer, initiation, source, now_s)
        if refusal is None:
            peer.rx_bytes += len(datagram)
            self._respond(peer, initiation, source, now_s)

    def _initiate_instead(
        self, peer: Peer, initiation: ProvenInitiation, source: Endpoint, now_s: float
    ) -> None:
        """The peer may accept what it does not begin with: it may not have heard yet that we want our suite.
        Not twice within the timeout, so that two that refuse each other come to an end."""
        peer.latest_stamp_received = initiation.timestamp
        if now_s - peer.initiation_sent_s >= REKEY_TIMEOUT_S:
            self.initiate(peer, source, now_s)

    def _respond(self, peer: Peer, initiation: ProvenInitiation, source: Endpoint, now_s: float) -> None:
        """Answers to where the initiation came from. The peer's endpoint stays as it is until the peer proves
        the session: after our restart, the initiation may be an old one that somebody else sends again."""
        peer.latest_stamp_received = initiation.timestamp
        peer.initiation_received_s = now_s
        index = self._indices.unused()
        try:
            response, keys = create_response(initiation, local_index=index, ephemeral=self._ephemeral())
        except HandshakeError:
            self._outbox.drop(Drop.NOT_AUTHENTIC)
            return
        remote_index = initiation.message.sender_index
        session = self._session(
            peer, initiation.suite, keys, index, remote_index, is_initiator=False, now_s=now_s
        )
        self._indices.free_sessions(peer.sessions.add_responded(session))
        peer.timers.handshake_received(now_s)
        self._send(peer, response.pack(), source, now_s)

    def _receive_response(self, datagram: bytes, source: Endpoint, now_s: float) -> Peer | None:
        message = parse_response(datagram)
        found = self._indices.find(message.receiver_index)
        if found is None or found[0].handshake is None or found[1] is not None:
            self._outbox.drop(Drop.UNKNOWN_SESSION)
            return None
        peer, state = found[0], found[0].handshake
        if state.suite not in peer.suites:
            self._outbox.drop(Drop.WRONG_SUITE)
            return None
        try:
            keys = read_response(state, message)
        except HandshakeError:
            self._outbox.drop(Drop.NOT_AUTHENTIC)
            return None
        peer.handshake = None
        session = self._session(
            peer, state.suite, keys, state.local_index, message.sender_index, is_initiator=True, now_s=now_s
        )
        self._indices.free_sessions(peer.sessions.add_initiated(session))
        peer.rx_bytes += len(datagram)
        peer.seen_at(source)
        peer.timers.handshake_received(now_s)
        peer.handshake_completed(now_s)
        return peer

    def _receive_cookie_reply(self, datagram: bytes, now_s: float) -> None:
        reply = parse_cookie_reply(datagram)
        found = self._indices.find(reply.receiver_index)
        if found is None:
            self._outbox.drop(Drop.UNKNOWN_SESSION)
        elif not found[0].cookies.accept(reply, now_s):
            self._outbox.drop(Drop.NOT_AUTHENTIC)
        elif found[0].handshake is not None:
            found[0].timers.hasten_retry(now_s + COOKIE_ANSWER_DELAY_S)
            self._on_initiation(found[0])

    def _session(
        self,
        peer: Peer,
        suite: Suite,
        keys: TransportKeys,
        local_index: int,
        remote_index: int,
        *,
        is_initiator: bool,
        now_s: float,
    ) -> Session:
        session = Session(
            suite,
            keys,
            local_index=local_index,
            remote_index=remote_index,
            is_initiator=is_initiator,
            created_s=now_s,
        )
        self._indices.add_session(session, peer)
        peer.timers.session_made(now_s)
        return session

    def _send(self, peer: Peer, message: bytes, to: Endpoint, now_s: float) -> None:
        datagram = peer.cookies.add_macs(message, now_s)
        peer.tx_bytes += len(datagram)
        self._outbox.send(datagram, to)

    def _ephemeral(self) -> KeyPair:
        return KeyPair.from_private_bytes(self._random_bytes(_PRIVATE_KEY_SIZE_BYTES))


def _refusal(peer: Peer, initiation: ProvenInitiation, now_s: float) -> Drop | None:
    if initiation.timestamp <= peer.latest_stamp_received:
        return Drop.REPLAYED_INITIATION
    if now_s - peer.initiation_received_s < MIN_INITIATION_INTERVAL_S:
        return Drop.INITIATION_TOO_SOON
    if initiation.suite not in peer.suites:
        return Drop.WRONG_SUITE
    return None
