# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""When a peer must act by itself: retries, keepalives, giving up, and erasing keys.

Pure: events come in with the time, and `expire` says what is due. Source: WireGuard whitepaper, section 6.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from math import inf

from cladnet.core.wireguard.constants import (
    ERASE_KEYS_AFTER_S,
    KEEPALIVE_TIMEOUT_S,
    NO_ANSWER_TIMEOUT_S,
    REKEY_ATTEMPT_TIME_S,
    REKEY_TIMEOUT_S,
)


class Due(Enum):
    """What a peer has to do now."""

    RETRY_HANDSHAKE = auto()
    GIVE_UP_HANDSHAKE = auto()
    SEND_KEEPALIVE = auto()
    START_HANDSHAKE = auto()
    ERASE_KEYS = auto()


class PeerTimers:
    """The deadlines of one peer, in seconds of the monotonic clock; infinity means not set.

    Args:
        jitter_s: gives a random time, 0 to `REKEY_TIMEOUT_JITTER_S`, so that two peers do not stay in step.
    """

    __slots__ = (
        "_attempt_started_s",
        "_erase_keys_at_s",
        "_jitter_s",
        "_keepalive_at_s",
        "_no_answer_at_s",
        "_persistent_at_s",
        "_persistent_keepalive_s",
        "_retry_at_s",
    )

    def __init__(self, jitter_s: Callable[[], float]) -> None:
        self._jitter_s = jitter_s
        self._persistent_keepalive_s = 0
        self._attempt_started_s = -inf
        self._retry_at_s = inf
        self._keepalive_at_s = inf
        self._no_answer_at_s = inf
        self._erase_keys_at_s = inf
        self._persistent_at_s = inf

    @property
    def next_s(self) -> float:
        """The earliest deadline."""
        return min(
            self._retry_at_s,
            self._keepalive_at_s,
            self._no_answer_at_s,
            self._erase_keys_at_s,
            self._persistent_at_s,
        )

    @property
    def handshake_running(self) -> bool:
        """Whether an initiation of ours waits for its answer."""
        return self._retry_at_s < inf

    def set_persistent_keepalive(self, interval_s: int, now_s: float) -> None:
        """Changes the longest silence from our side (0: no limit); a new one begins with sending at once."""
        if interval_s != self._persistent_keepalive_s:
            self._persistent_keepalive_s = interval_s
            self._persistent_at_s = now_s if interval_s else inf

    def attempt_renewed(self, now_s: float) -> None:
        """Somebody wants the peer now, so the time after which a handshake is given up begins anew."""
        self._attempt_started_s = now_s

    def initiation_sent(self, now_s: float) -> None:
        """An initiation of ours is on its way."""
        self._retry_at_s = now_s + REKEY_TIMEOUT_S + self._jitter_s()
        self._authenticated_traffic(now_s)

    def hasten_retry(self, at_s: float) -> None:
        """The next initiation of an attempt shall not wait longer than until then."""
        self._retry_at_s = min(self._retry_at_s, at_s)

    def handshake_completed(self) -> None:
        """Both sides have proven a session."""
        self._retry_at_s = inf

    def session_made(self, now_s: float) -> None:
        """New keys exist, proven or not."""
        self._erase_keys_at_s = now_s + ERASE_KEYS_AFTER_S

    def data_sent(self, now_s: float) -> None:
        """A packet with data went out; it deserves some answer."""
        if self._no_answer_at_s == inf:
            self._no_answer_at_s = now_s + NO_ANSWER_TIMEOUT_S + self._jitter_s()
        self.keepalive_sent(now_s)

    def keepalive_sent(self, now_s: float) -> None:
        """A packet of any kind went out."""
        self._keepalive_at_s = inf
        self._authenticated_traffic(now_s)

    def data_received(self, now_s: float) -> None:
        """A packet with data came; the peer deserves some answer."""
        if self._keepalive_at_s == inf:
            self._keepalive_at_s = now_s + KEEPALIVE_TIMEOUT_S

    def authentic_received(self, now_s: float) -> None:
        """Anything authentic came, so the peer is alive."""
        self._no_answer_at_s = inf
        self._authenticated_traffic(now_s)

    def expire(self, now_s: float) -> list[Due]:
        """Takes the deadlines that have passed and says what they ask for, in the order in which to do it."""
        due: list[Due] = []
        if self._erase_keys_at_s <= now_s:
            self._erase_keys_at_s = inf
            due.append(Due.ERASE_KEYS)
        if self._no_answer_at_s <= now_s:
            self._no_answer_at_s = inf
            due.append(Due.START_HANDSHAKE)
        if self._retry_at_s <= now_s:
            due.append(self._expire_retry(now_s))
        if min(self._keepalive_at_s, self._persistent_at_s) <= now_s:
            self._expire_keepalives(now_s)
            due.append(Due.SEND_KEEPALIVE)
        return due

    def _expire_retry(self, now_s: float) -> Due:
        self._retry_at_s = inf
        if now_s - self._attempt_started_s < REKEY_ATTEMPT_TIME_S:
            return Due.RETRY_HANDSHAKE
        self._erase_keys_at_s = min(self._erase_keys_at_s, now_s + ERASE_KEYS_AFTER_S)
        return Due.GIVE_UP_HANDSHAKE

    def _expire_keepalives(self, now_s: float) -> None:
        self._keepalive_at_s = inf
        if self._persistent_at_s <= now_s:
            self._persistent_at_s = now_s + self._persistent_keepalive_s

    def _authenticated_traffic(self, now_s: float) -> None:
        if self._persistent_keepalive_s:
            self._persistent_at_s = now_s + self._persistent_keepalive_s
