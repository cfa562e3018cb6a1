# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The timers of one peer, as a table of events and of what is due when."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from cladnet.core.wireguard.timers import Due, PeerTimers


def initiate(timers: PeerTimers) -> None:
    timers.attempt_renewed(0.0)
    timers.initiation_sent(0.0)


Event = Callable[[PeerTimers], None]


def run(events: list[Event], until_s: float, jitter_s: float = 0.0) -> list[tuple[float, Due]]:
    """Applies events, then lets time pass, and gives everything that was due, with its time."""
    timers = PeerTimers(lambda: jitter_s)
    for event in events:
        event(timers)
    happened = []
    while (at_s := timers.next_s) <= until_s:
        due = timers.expire(at_s)
        assert due, "woken for nothing"
        happened += [(at_s, what) for what in due]
    return happened


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="nothing happened, nothing is due"),
        pytest.param([initiate], [(5.0, Due.RETRY_HANDSHAKE)], id="no response"),
        pytest.param([initiate, lambda t: t.handshake_completed()], [], id="response came"),
        pytest.param(
            [initiate, lambda t: t.hasten_retry(0.1)],
            [(0.1, Due.RETRY_HANDSHAKE)],
            id="endpoint changed meanwhile",
        ),
        pytest.param([lambda t: t.data_received(0.0)], [(10.0, Due.SEND_KEEPALIVE)], id="passive keepalive"),
        pytest.param(
            [lambda t: t.data_received(0.0), lambda t: t.data_received(9.0)],
            [(10.0, Due.SEND_KEEPALIVE)],
            id="more data does not put the keepalive off",
        ),
        pytest.param(
            [lambda t: t.data_received(0.0), lambda t: t.keepalive_sent(3.0)],
            [],
            id="anything sent is enough",
        ),
        pytest.param([lambda t: t.data_sent(0.0)], [(15.0, Due.START_HANDSHAKE)], id="no answer to data"),
        pytest.param(
            [lambda t: t.data_sent(0.0), lambda t: t.data_sent(9.0)],
            [(15.0, Due.START_HANDSHAKE)],
            id="more data does not put it off",
        ),
        pytest.param(
            [lambda t: t.data_sent(0.0), lambda t: t.authentic_received(14.0)], [], id="an answer came"
        ),
        pytest.param([lambda t: t.keepalive_sent(0.0)], [], id="keepalives need no answer"),
        pytest.param([lambda t: t.session_made(0.0)], [(540.0, Due.ERASE_KEYS)], id="keys grow old"),
        pytest.param(
            [lambda t: t.session_made(0.0), lambda t: t.session_made(100.0)],
            [(640.0, Due.ERASE_KEYS)],
            id="newer keys",
        ),
    ],
)
def test_due(events: list[Event], expected: list[tuple[float, Due]]):
    assert run(events, until_s=1000.0) == expected


def test_jitter_delays_retries_and_new_handshakes():
    assert run([initiate], 100.0, jitter_s=0.25) == [(5.25, Due.RETRY_HANDSHAKE)]
    assert run([lambda t: t.data_sent(0.0)], 100.0, jitter_s=0.25) == [(15.25, Due.START_HANDSHAKE)]


def attempts(renew_at_s: float | None = None) -> list[tuple[float, Due]]:
    """A handshake that nobody answers."""
    timers = PeerTimers(lambda: 0.0)
    initiate(timers)
    happened = []
    while timers.handshake_running:
        at_s = timers.next_s
        if renew_at_s is not None and at_s >= renew_at_s:
            timers.attempt_renewed(renew_at_s)
            renew_at_s = None
        for due in timers.expire(at_s):
            happened.append((at_s, due))
            if due is Due.RETRY_HANDSHAKE:
                timers.initiation_sent(at_s)
    return happened


def test_gives_up_after_90_seconds():
    happened = attempts()
    assert happened[:-1] == [(5.0 * number, Due.RETRY_HANDSHAKE) for number in range(1, 18)]
    assert happened[-1] == (90.0, Due.GIVE_UP_HANDSHAKE)


def test_who_wants_the_peer_begins_the_90_seconds_anew():
    assert attempts(renew_at_s=60.0)[-1] == (150.0, Due.GIVE_UP_HANDSHAKE)


def test_after_giving_up_keys_are_erased():
    timers = PeerTimers(lambda: 0.0)
    initiate(timers)
    timers.expire(5.0)
    timers.initiation_sent(5.0)
    assert timers.expire(95.0) == [Due.GIVE_UP_HANDSHAKE]
    assert timers.next_s == 95.0 + 540.0


class TestPersistentKeepalive:
    def test_begins_at_once_and_goes_on(self):
        happened = run([lambda t: t.set_persistent_keepalive(25, 0.0)], until_s=60.0)
        assert happened == [(0.0, Due.SEND_KEEPALIVE), (25.0, Due.SEND_KEEPALIVE), (50.0, Due.SEND_KEEPALIVE)]

    def test_traffic_puts_it_off(self):
        events: list[Event] = [
            lambda t: t.set_persistent_keepalive(25, 0.0),
            lambda t: t.authentic_received(20.0),
        ]
        assert run(events, until_s=50.0) == [(45.0, Due.SEND_KEEPALIVE)]

    def test_same_interval_again_changes_nothing(self):
        events: list[Event] = [
            lambda t: t.set_persistent_keepalive(25, 0.0),
            lambda t: t.authentic_received(20.0),
            lambda t: t.set_persistent_keepalive(25, 21.0),
        ]
        assert run(events, until_s=50.0) == [(45.0, Due.SEND_KEEPALIVE)]

    def test_can_be_switched_off(self):
        events: list[Event] = [
            lambda t: t.set_persistent_keepalive(25, 0.0),
            lambda t: t.set_persistent_keepalive(0, 1.0),
        ]
        assert run(events, until_s=500.0) == []


def test_new_timers_wait_for_nothing():
    assert PeerTimers(lambda: 0.0).next_s == inf
