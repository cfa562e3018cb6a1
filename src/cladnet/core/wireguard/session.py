# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A session as handshakes and timers know it: who may use the keys, and until when.

Source: WireGuard whitepaper, section 6.
"""

from __future__ import annotations

from cladnet.core.forwarding.traffic import LAST_DATA_SENT, LAST_RECEIVED
from cladnet.core.wireguard.constants import (
    REJECT_AFTER_TIME_S,
    REKEY_AFTER_MESSAGES,
    REKEY_AFTER_TIME_S,
    REKEY_ON_RECEIVE_AFTER_TIME_S,
)
from cladnet.core.wireguard.handshake import TransportKeys
from cladnet.core.wireguard.suite import Suite


class Session:
    """Both directions of a session. Packets are sealed and opened elsewhere.

    Args:
        suite: cryptographic suite of the handshake.
        keys: what the handshake agreed on.
        local_index: number in what we receive.
        remote_index: number in what we send.
        is_initiator: whether we started the handshake; only then we renew it by time.
        created_s: when the keys were made.

    Attributes:
        slot: place of its counters in the memory of the forwarding half.
    """

    __slots__ = (
        "_rekey_on_receive_done",
        "created_s",
        "is_initiator",
        "keys",
        "local_index",
        "remote_index",
        "slot",
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
        self.keys = keys
        self.local_index = local_index
        self.remote_index = remote_index
        self.is_initiator = is_initiator
        self.created_s = created_s
        self.slot = 0
        self._rekey_on_receive_done = False

    @property
    def expires_s(self) -> float:
        """When nothing may be sent or received with it any more."""
        return self.created_s + REJECT_AFTER_TIME_S

    def wants_rekey(self, times: memoryview[float], sent_count: int) -> bool:
        """Whether a handshake is due because of what was sent or received.

        Args:
            times: of the peer's traffic.
            sent_count: messages that were sent with this session.
        """
        if sent_count > REKEY_AFTER_MESSAGES:
            return True
        if not self.is_initiator:
            return False
        if times[LAST_DATA_SENT] >= self.created_s + REKEY_AFTER_TIME_S:
            return True
        return self._wants_rekey_after_receiving(times[LAST_RECEIVED])

    def _wants_rekey_after_receiving(self, received_s: float) -> bool:
        """Says so once, shortly before the end: an initiator that only receives would otherwise lose packets
        between the end of this session and its own next packet."""
        if self._rekey_on_receive_done:
            return False
        self._rekey_on_receive_done = received_s >= self.created_s + REKEY_ON_RECEIVE_AFTER_TIME_S
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
