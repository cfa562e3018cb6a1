# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The timers of one peer, as a table of events and of what is due when."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from cladnet.core.forwarding.traffic import Traffic
from cladnet.core.wireguard.timers import Due, PeerTimers

# A time of traffic that is 0 means never.
START_S = 1000.0


class Timers(PeerTimers):
    """Timers that look at traffic, which happens some seconds after the start."""

    def __init__(self, jitter_s: Callable[[], float]) -> None:
        super().__init__(jitter_s)
        self.traffic = Traffic.private()

    def data_received(self, after_s: float) -> None:
        self.traffic.received(100, START_S + after_s, has_data=True)
        self.look(after_s)

    def keepalive_received(self, after_s: float) -> None:
        self.traffic.received(32, START_S + after_s, has_data=False)
        self.look(after_s)

    def data_sent(self, after_s: float) -> None:
        self.traffic.data_sent(100, START_S + after_s)
        self.look(after_s)

    def keepalive_sent(self, after_s: float) -> None:
        self.traffic.keepalive_sent(32, START_S + after_s)
        self.look(after_s)

    def look(self, after_s: float) -> None:
        self.observe(self.traffic.times, START_S + after_s)


def initiate(timers: PeerTimers) -> None:
    timers.attempt_renewed(START_S)
    timers.initiation_sent(START_S)


Event = Callable[[Timers], None]


def run(events: list[Event], until_s: float, jitter_s: float = 0.0) -> list[tuple[float, Due]]:
    """Applies events, then lets time pass, and gives everything that was due, with its time."""
    timers = Timers(lambda: jitter_s)
    for event in events:
        event(timers)
    happened = []
    while (at_s := timers.next_s) <= START_S + until_s:
        timers.look(at_s - START_S)
        happened += [(at_s - START_S, what) for what in timers.expire(at_s)]
    return happened


def session_made(after_s: float) -> Event:
    return lambda timers: timers.session_made(START_S + after_s)


def keepalive_every_25_s(after_s: float) -> Event:
    return lambda timers: timers.set_persistent_keepalive(25, START_S + after_s)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="nothing happened, nothing is due"),
        pytest.param([initiate], [(5.0, Due.RETRY_HANDSHAKE)], id="no response"),
        pytest.param([initiate, lambda t: t.handshake_completed()], [], id="response came"),
        pytest.param(
            [initiate, lambda t: t.hasten_retry(START_S + 0.125)],
            [(0.125, Due.RETRY_HANDSHAKE)],
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
            [lambda t: t.data_sent(0.0), lambda t: t.keepalive_received(14.0)], [], id="an answer came"
        ),
        pytest.param(
            [lambda t: t.data_sent(0.0), lambda t: t.handshake_received(START_S + 14.0)],
            [],
            id="a handshake message came",
        ),
        pytest.param(
            [
                lambda t: t.data_sent(0.0),
                lambda t: t.handshake_received(START_S + 14.0),
                lambda t: t.data_sent(20.0),
            ],
            [(29.0, Due.START_HANDSHAKE)],
            id="more data after a handshake message",
        ),
        pytest.param([lambda t: t.keepalive_sent(0.0)], [], id="keepalives need no answer"),
        pytest.param([session_made(0.0)], [(540.0, Due.ERASE_KEYS)], id="keys grow old"),
        pytest.param(
            [session_made(0.0), session_made(100.0)],
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
        if renew_at_s is not None and at_s >= START_S + renew_at_s:
            timers.attempt_renewed(START_S + renew_at_s)
            renew_at_s = None
        for due in timers.expire(at_s):
            happened.append((at_s - START_S, due))
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
    timers.expire(START_S + 5.0)
    timers.initiation_sent(START_S + 5.0)
    assert timers.expire(START_S + 95.0) == [Due.GIVE_UP_HANDSHAKE]
    assert timers.next_s == START_S + 95.0 + 540.0


class TestPersistentKeepalive:
    def test_begins_at_once_and_goes_on(self):
        happened = run([keepalive_every_25_s(0.0)], until_s=60.0)
        assert happened == [(0.0, Due.SEND_KEEPALIVE), (25.0, Due.SEND_KEEPALIVE), (50.0, Due.SEND_KEEPALIVE)]

    def test_traffic_puts_it_off(self):
        events: list[Event] = [
            keepalive_every_25_s(0.0),
            lambda t: t.keepalive_received(20.0),
        ]
        assert run(events, until_s=50.0) == [(45.0, Due.SEND_KEEPALIVE)]

    def test_same_interval_again_changes_nothing(self):
        events: list[Event] = [
            keepalive_every_25_s(0.0),
            lambda t: t.keepalive_received(20.0),
            keepalive_every_25_s(21.0),
        ]
        assert run(events, until_s=50.0) == [(45.0, Due.SEND_KEEPALIVE)]

    def test_can_be_switched_off(self):
        events: list[Event] = [
            keepalive_every_25_s(0.0),
            lambda t: t.set_persistent_keepalive(0, START_S + 1.0),
        ]
        assert run(events, until_s=500.0) == []


def test_new_timers_wait_for_nothing():
    assert PeerTimers(lambda: 0.0).next_s == inf


def test_looks_again_while_there_is_traffic_and_then_no_more():
    timers = Timers(lambda: 0.0)
    timers.keepalive_received(0.0)
    assert timers.next_s == START_S + 1.0
    timers.keepalive_received(0.5)
    assert timers.next_s == START_S + 1.5
    timers.look(1.5)
    assert timers.next_s == inf
