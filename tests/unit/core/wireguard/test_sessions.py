# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sessions: ages, counters, and which of a peer's sessions is used for what."""

from __future__ import annotations

import pytest

from cladnet.core.forwarding.traffic import Traffic
from cladnet.core.wireguard.handshake import TransportKeys
from cladnet.core.wireguard.session import PeerSessions, Session
from cladnet.core.wireguard.suite import CHACHA20_POLY1305

KEYS = TransportKeys(sending=b"s" * 32, receiving=b"r" * 32)


def make(*, is_initiator: bool = True, created_s: float = 0.0) -> Session:
    return Session(
        CHACHA20_POLY1305, KEYS, local_index=1, remote_index=2, is_initiator=is_initiator, created_s=created_s
    )


@pytest.mark.parametrize(
    ("is_initiator", "data_sent_s", "received_s", "wanted"),
    [
        (True, 119.9, 164.9, False),
        (True, 120.0, 1.0, True),
        (True, 1.0, 165.0, True),
        (False, 179.9, 179.9, False),
    ],
)
def test_traffic_that_asks_for_a_new_one(
    is_initiator: bool, data_sent_s: float, received_s: float, wanted: bool
):
    traffic = Traffic.private()
    traffic.received(100, received_s, has_data=True)
    traffic.data_sent(100, data_sent_s)
    assert make(is_initiator=is_initiator).wants_rekey(traffic.times, sent_count=1) is wanted


def test_what_was_received_asks_only_once():
    session, traffic = make(), Traffic.private()
    traffic.received(100, 170.0, has_data=True)
    assert session.wants_rekey(traffic.times, sent_count=1)
    assert not session.wants_rekey(traffic.times, sent_count=1)


def test_too_many_messages_ask_for_a_new_one():
    session, times = make(is_initiator=False), Traffic.private().times
    assert not session.wants_rekey(times, sent_count=2**60)
    assert session.wants_rekey(times, sent_count=2**60 + 1)


class TestPeerSessions:
    def test_initiated_is_used_at_once_and_the_old_one_still_receives(self):
        sessions, old, new = PeerSessions(), make(), make()
        assert sessions.add_initiated(old) == []
        assert sessions.add_initiated(new) == []
        assert (sessions.next, sessions.current, sessions.previous) == (None, new, old)

    def test_responded_waits_for_its_proof(self):
        sessions, old, new = PeerSessions(), make(), make()
        sessions.add_initiated(old)
        assert sessions.add_responded(new) == []
        assert (sessions.next, sessions.current) == (new, old)
        assert sessions.confirm(new) == []
        assert (sessions.next, sessions.current, sessions.previous) == (None, new, old)

    def test_only_the_waiting_one_can_be_confirmed(self):
        sessions, old, new = PeerSessions(), make(), make()
        sessions.add_initiated(old)
        sessions.add_responded(new)
        assert sessions.confirm(old) is None
        assert sessions.current is old

    def test_both_sides_initiated_at_once(self):
        """What we answered stays for receiving, because the peer may send with it already."""
        sessions, old, answered, ours = PeerSessions(), make(), make(), make()
        sessions.add_initiated(old)
        sessions.add_responded(answered)
        assert sessions.add_initiated(ours) == [old]
        assert (sessions.next, sessions.current, sessions.previous) == (None, ours, answered)

    def test_says_what_is_out_of_use(self):
        sessions = PeerSessions()
        first, second, third, fourth = (make() for _unused in range(4))
        sessions.add_initiated(first)
        sessions.add_initiated(second)
        assert sessions.add_initiated(third) == [first]
        assert sessions.add_responded(fourth) == [second]
        assert sessions.clear() == [fourth, third]
        assert sessions.all() == []
