# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""When a peer must act by itself: retries, keepalives, giving up, and erasing keys.

Pure: what happened comes in with the time, and `expire` says what is due. Packets move elsewhere: what is to
be known of them is looked up with `observe`. Source: WireGuard whitepaper, section 6.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from math import inf

from cladnet.core.forwarding.traffic import (
    LAST_DATA_SENT,
    LAST_RECEIVED,
    LAST_SENT,
    OWES_SINCE,
    UNANSWERED_SINCE,
)
from cladnet.core.wireguard.constants import (
    ERASE_KEYS_AFTER_S,
    KEEPALIVE_TIMEOUT_S,
    NO_ANSWER_TIMEOUT_S,
    REKEY_ATTEMPT_TIME_S,
    REKEY_TIMEOUT_S,
    WATCH_INTERVAL_S,
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
        "_answered_s",
        "_attempt_started_s",
        "_busy_s",
        "_erase_keys_at_s",
        "_jitter_s",
        "_keepalive_at_s",
        "_kept_alive_s",
        "_no_answer_at_s",
        "_no_answer_jitter_s",
        "_persistent_at_s",
        "_persistent_keepalive_s",
        "_retry_at_s",
        "_watch_at_s",
    )

    def __init__(self, jitter_s: Callable[[], float]) -> None:
        self._jitter_s = jitter_s
        self._no_answer_jitter_s = jitter_s()
        self._persistent_keepalive_s = 0
        self._attempt_started_s = -inf
        self._answered_s = -inf
        self._kept_alive_s = -inf
        self._busy_s = 0.0
        self._retry_at_s = inf
        self._keepalive_at_s = inf
        self._no_answer_at_s = inf
        self._erase_keys_at_s = inf
        self._persistent_at_s = inf
        self._watch_at_s = inf

    @property
    def next_s(self) -> float:
        """The earliest deadline."""
        return min(
            self._retry_at_s,
            self._keepalive_at_s,
            self._no_answer_at_s,
            self._erase_keys_at_s,
            self._persistent_at_s,
            self._watch_at_s,
        )

    def observe(self, times: memoryview[float], now_s: float) -> bool:
        """Takes the times of the peer's traffic, and looks at them again soon while there is some.

        Returns:
            Whether there was traffic since the last look: if not, nobody looks again.
        """
        self._observe_answers(times[UNANSWERED_SINCE], times[LAST_DATA_SENT])
        owes_s = times[OWES_SINCE]
        self._keepalive_at_s = max(owes_s, self._kept_alive_s) + KEEPALIVE_TIMEOUT_S if owes_s else inf
        before_s, self._busy_s = self._busy_s, max(times[LAST_SENT], times[LAST_RECEIVED])
        if self._persistent_keepalive_s and self._busy_s > before_s:
            self._authenticated_traffic(self._busy_s)
        is_busy = self._busy_s > before_s
        self._watch_at_s = now_s + WATCH_INTERVAL_S if is_busy else inf
        return is_busy

    def _observe_answers(self, unanswered_s: float, data_sent_s: float) -> None:
        if not unanswered_s or data_sent_s < self._answered_s:
            self._no_answer_at_s = inf
            return
        since_s = max(unanswered_s, self._answered_s)
        self._no_answer_at_s = since_s + NO_ANSWER_TIMEOUT_S + self._no_answer_jitter_s

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

    def handshake_received(self, now_s: float) -> None:
        """An authentic handshake message came, so the peer is alive."""
        self._answered_s = now_s
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
            self._answered_s = now_s  # not by the peer; but what came before is dealt with
            self._no_answer_jitter_s = self._jitter_s()
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
        if self._keepalive_at_s <= now_s:
            self._kept_alive_s = now_s
        self._keepalive_at_s = inf
        if self._persistent_at_s <= now_s:
            self._persistent_at_s = now_s + self._persistent_keepalive_s

    def _authenticated_traffic(self, now_s: float) -> None:
        if self._persistent_keepalive_s:
            self._persistent_at_s = now_s + self._persistent_keepalive_s
