# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A session: the two keys that a handshake gave, with the counters that make every nonce unique.

Source: WireGuard whitepaper, sections 5.4.6 and 6.
"""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag

from cladnet.core.wireguard.constants import (
    REJECT_AFTER_MESSAGES,
    REJECT_AFTER_TIME_S,
    REKEY_AFTER_MESSAGES,
    REKEY_AFTER_TIME_S,
    REKEY_ON_RECEIVE_AFTER_TIME_S,
)
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.handshake import TransportKeys
from cladnet.core.wireguard.messages import Transport
from cladnet.core.wireguard.replay import ReplayWindow
from cladnet.core.wireguard.suite import Suite

_NONCE = struct.Struct("<4xQ")


class Session:
    """Both directions of a session. The send counter lives here and nowhere else.

    Args:
        suite: cryptographic suite of the handshake.
        keys: what the handshake agreed on.
        local_index: number in what we receive.
        remote_index: number in what we send.
        is_initiator: whether we started the handshake; only then we renew it by time.
        created_s: when the keys were made.
    """

    __slots__ = (
        "_next_counter",
        "_receiving",
        "_rekey_on_receive_done",
        "_sending",
        "_window",
        "created_s",
        "is_initiator",
        "local_index",
        "remote_index",
        "suite",
    )

    def __init__(
        self,
        suite: Suite,
        keys: TransportKeys,
        *,
        local_index: int,
        remote_index: int,
        is_initiator: bool,
        created_s: float,
    ) -> None:
        self.suite = suite
        self.local_index = local_index
        self.remote_index = remote_index
        self.is_initiator = is_initiator
        self.created_s = created_s
        self._sending = suite.aead(keys.sending)
        self._receiving = suite.aead(keys.receiving)
        self._window = ReplayWindow()
        self._next_counter = 0
        self._rekey_on_receive_done = False

    def can_send(self, now_s: float) -> bool:
        """Whether the session is young enough and has nonces left."""
        return self._next_counter < REJECT_AFTER_MESSAGES and not self.is_expired(now_s)

    def is_expired(self, now_s: float) -> bool:
        """Whether nothing may be sent or received with it any more."""
        return now_s - self.created_s >= REJECT_AFTER_TIME_S

    def seal(self, plaintext: bytes) -> Transport:
        """Encrypts the next packet. Only while `can_send`."""
        counter = self._next_counter
        self._next_counter = counter + 1
        return Transport(
            self.remote_index, counter, self._sending.encrypt(_NONCE.pack(counter), plaintext, None)
        )

    def open(self, message: Transport, now_s: float) -> bytes | Drop:
        """Decrypts a packet and uses up its counter, or says why not and changes nothing."""
        if message.counter >= REJECT_AFTER_MESSAGES or self.is_expired(now_s):
            return Drop.SESSION_EXPIRED
        if not self._window.is_new(message.counter):
            return Drop.REPLAYED
        try:
            plaintext = self._receiving.decrypt(_NONCE.pack(message.counter), message.ciphertext, None)
        except InvalidTag:
            return Drop.NOT_AUTHENTIC
        self._window.mark_used(message.counter)
        return plaintext

    def wants_rekey_after_sending(self, now_s: float) -> bool:
        """Whether a handshake is due because something was sent."""
        if self._next_counter > REKEY_AFTER_MESSAGES:
            return True
        return self.is_initiator and now_s - self.created_s >= REKEY_AFTER_TIME_S

    def wants_rekey_after_receiving(self, now_s: float) -> bool:
        """Whether a handshake is due because something was received just before the end. Says so once.

        An initiator that only receives would otherwise lose packets between the end of this session and its
        own next packet.
        """
        if self._rekey_on_receive_done or not self.is_initiator:
            return False
        self._rekey_on_receive_done = now_s - self.created_s >= REKEY_ON_RECEIVE_AFTER_TIME_S
        return self._rekey_on_receive_done


class PeerSessions:
    """The sessions of one peer: the one to send with, the one before it, and one that waits for its proof.

    Every method returns the sessions that are out of use now, so that their indices can be freed.
    """

    __slots__ = ("current", "next", "previous")

    def __init__(self) -> None:
        self.current: Session | None = None
        self.previous: Session | None = None
        self.next: Session | None = None

    def all(self) -> list[Session]:
        """What exists, newest first."""
        return [session for session in (self.next, self.current, self.previous) if session is not None]

    def add_initiated(self, session: Session) -> list[Session]:
        """Takes a session that we initiated: the response has proven it."""
        if self.next is not None:
            # Both sides initiated at once. The peer may already send with the one that we had not yet used.
            return self._replace(session, previous=self.next)
        return self._replace(session, previous=self.current)

    def add_responded(self, session: Session) -> list[Session]:
        """Takes a session that the peer initiated: not to be used for sending before `confirm`."""
        before = self.all()
        self.next, self.previous = session, None
        return self._gone(before)

    def confirm(self, session: Session) -> list[Session] | None:
        """Makes the waiting session the current one when a packet of it came.

        Returns:
            None if it was not the waiting one, so nothing changed.
        """
        if session is not self.next:
            return None
        return self._replace(session, previous=self.current)

    def clear(self) -> list[Session]:
        """Forgets all keys."""
        before = self.all()
        self.current = self.previous = self.next = None
        return before

    def _replace(self, session: Session, previous: Session | None) -> list[Session]:
        before = self.all()
        self.current, self.previous, self.next = session, previous, None
        return self._gone(before)

    def _gone(self, before: list[Session]) -> list[Session]:
        return [session for session in before if session not in self.all()]
