# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sessions: ages, counters, and which of a peer's sessions is used for what."""

from __future__ import annotations

import pytest

from cladnet.core.wireguard import session as session_module
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.handshake import TransportKeys
from cladnet.core.wireguard.session import PeerSessions, Session
from cladnet.core.wireguard.suite import CHACHA20_POLY1305

KEYS = TransportKeys(sending=b"s" * 32, receiving=b"r" * 32)
MIRRORED = TransportKeys(sending=KEYS.receiving, receiving=KEYS.sending)


def make(keys: TransportKeys = KEYS, *, is_initiator: bool = True, created_s: float = 0.0) -> Session:
    return Session(
        CHACHA20_POLY1305, keys, local_index=1, remote_index=2, is_initiator=is_initiator, created_s=created_s
    )


def test_seals_with_rising_counters_for_the_remote_index():
    session = make()
    messages = [session.seal(b"same") for _unused in range(3)]
    assert [message.counter for message in messages] == [0, 1, 2]
    assert {message.receiver_index for message in messages} == {2}
    assert len({message.ciphertext for message in messages}) == 3


def test_opens_each_packet_once_in_any_order():
    sender, receiver = make(), make(MIRRORED)
    first, second = sender.seal(b"one"), sender.seal(b"two")
    assert receiver.open(second, 1.0) == b"two"
    assert receiver.open(first, 1.0) == b"one"
    assert receiver.open(first, 1.0) is Drop.REPLAYED


def test_forged_packet_uses_up_no_counter():
    sender, receiver = make(), make(MIRRORED)
    message = sender.seal(b"one")
    forged = message._replace(ciphertext=message.ciphertext[:-1] + bytes([message.ciphertext[-1] ^ 1]))
    assert receiver.open(forged, 1.0) is Drop.NOT_AUTHENTIC
    assert receiver.open(message, 1.0) == b"one"


@pytest.mark.parametrize(("age_s", "usable"), [(0.0, True), (179.9, True), (180.0, False), (1e6, False)])
def test_age_at_which_it_ends(age_s: float, usable: bool):
    sender, receiver = make(), make(MIRRORED)
    message = sender.seal(b"one")
    assert sender.can_send(age_s) is usable
    assert (receiver.open(message, age_s) == b"one") is usable


@pytest.mark.parametrize(
    ("is_initiator", "age_s", "after_sending", "after_receiving"),
    [
        (True, 119.9, False, False),
        (True, 120.0, True, False),
        (True, 164.9, True, False),
        (True, 165.0, True, True),
        (False, 120.0, False, False),
        (False, 179.9, False, False),
    ],
)
def test_age_at_which_it_wants_to_be_renewed(
    is_initiator: bool, age_s: float, after_sending: bool, after_receiving: bool
):
    session = make(is_initiator=is_initiator)
    assert session.wants_rekey_after_sending(age_s) is after_sending
    assert session.wants_rekey_after_receiving(age_s) is after_receiving


def test_wants_rekey_after_receiving_only_once():
    session = make()
    assert session.wants_rekey_after_receiving(170.0)
    assert not session.wants_rekey_after_receiving(171.0)


def test_number_of_messages_is_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session_module, "REKEY_AFTER_MESSAGES", 3)
    monkeypatch.setattr(session_module, "REJECT_AFTER_MESSAGES", 5)
    sender, receiver = make(is_initiator=False), make(MIRRORED)
    for number in range(5):
        assert sender.can_send(0.0)
        assert sender.wants_rekey_after_sending(0.0) is (number > 3)
        last = sender.seal(b"")
    assert not sender.can_send(0.0)
    assert receiver.open(last, 0.0) == b""
    assert receiver.open(last._replace(counter=5), 0.0) is Drop.SESSION_EXPIRED


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
