# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two cryptographic suites on one device: which one a pair uses, and that nobody can make it another."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st
from two_hosts import Host, Wire, introduce, make_host

from cladnet.core.errors import InvalidInput
from cladnet.core.wireguard.constants import REJECT_AFTER_TIME_S, REKEY_ATTEMPT_TIME_S, REKEY_TIMEOUT_S
from cladnet.core.wireguard.handshake import (
    HandshakeError,
    InitiatorState,
    KeyPair,
    ProvenInitiation,
    RemoteIdentity,
    create_initiation,
    create_response,
    prove_claim,
    read_claim,
    read_response,
)
from cladnet.core.wireguard.messages import Initiation, MessageType, message_type
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, SUITES, Suite, suite_named

NAMES = {"chacha20-poly1305": CHACHA20_POLY1305, "aes-256-gcm": AES_256_GCM}
both_suites = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
both_orders = pytest.mark.parametrize(
    "suites", list(permutations(SUITES)), ids=["chacha20 first", "aes first"]
)
keys = st.binary(min_size=32, max_size=32)


def other_than(suite: Suite) -> Suite:
    return next(candidate for candidate in SUITES if candidate is not suite)


def suite_between(ours: Host, theirs: Host, now_s: float) -> str | None:
    return next(p for p in ours.device.status(now_s).peers if p.public_key == theirs.key).suite


def kinds(wire: Wire) -> list[MessageType | None]:
    return [message_type(datagram) for _host, datagram, _to in wire.sent]


def drops(host: Host) -> dict[str, int]:
    return host.device.status(0.0).drops


def allow(ours: Host, theirs: Host, wire: Wire, *suites: Suite) -> None:
    """Has one host use these suites with another from now on."""
    ours.device.set_peer(theirs.config(suites=suites), wire.now_s)


def introduce_with(ours: tuple[Suite, ...], theirs: tuple[Suite, ...]) -> tuple[Host, Host, Wire]:
    """Two hosts that each have their own suites for the other."""
    first, second = make_host(1), make_host(2)
    wire = Wire(first, second)
    allow(first, second, wire, *ours)
    allow(second, first, wire, *theirs)
    return first, second, wire


def lose(wire: Wire) -> None:
    """Has nothing arrive."""
    wire.collect()


class TestNames:
    @pytest.mark.parametrize(("name", "suite"), NAMES.items())
    def test_lead_to_their_suite(self, name: str, suite: Suite):
        assert suite_named(name) is suite
        assert suite.name == name

    @pytest.mark.parametrize("name", ["", "auto", "AES-256-GCM", "aes-128-gcm", "none"])
    def test_of_no_suite_are_refused(self, name: str):
        with pytest.raises(InvalidInput, match="chacha20-poly1305 or aes-256-gcm"):
            suite_named(name)

    def test_a_peer_needs_a_suite(self):
        with pytest.raises(InvalidInput, match="no cryptographic suite"):
            PeerConfig(bytes(32), (), suites=())


@both_suites
class TestAead:
    def test_works_in_place(self, suite: Suite):
        aead, nonce = suite.aead(b"k" * 32), bytes(12)
        buffer = memoryview(bytearray(b"a packet" + bytes(16)))
        assert aead.encrypt_into(nonce, buffer[:8], None, buffer) == 24
        assert bytes(buffer) == aead.encrypt(nonce, b"a packet", None)
        assert aead.decrypt_into(nonce, buffer, None, buffer[:8]) == 8
        assert bytes(buffer[:8]) == b"a packet"

    def test_refuses_what_was_changed(self, suite: Suite):
        aead = suite.aead(b"k" * 32)
        sealed = bytearray(aead.encrypt(bytes(12), b"a packet", None))
        sealed[3] ^= 1
        with pytest.raises(InvalidTag):
            aead.decrypt_into(bytes(12), sealed, None, bytearray(8))


def test_aes_is_the_one_of_the_specification():
    """McGrew and Viega, The Galois/Counter Mode of Operation, test case 14 (256-bit key)."""
    sealed = AES_256_GCM.aead(bytes(32)).encrypt(bytes(12), bytes(16), None)
    assert sealed.hex() == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"


def remote(of: KeyPair, seen_by: KeyPair, preshared_key: bytes = bytes(32)) -> RemoteIdentity:
    return RemoteIdentity(of.public, seen_by.shared_secret(of.public), preshared_key)


INITIATOR, RESPONDER = KeyPair.from_private_bytes(b"\1" * 32), KeyPair.from_private_bytes(b"\2" * 32)


def initiate(suite: Suite, ephemeral: bytes = b"\3" * 32) -> tuple[InitiatorState, Initiation]:
    return create_initiation(
        suite,
        INITIATOR,
        remote(RESPONDER, INITIATOR),
        local_index=7,
        ephemeral=KeyPair.from_private_bytes(ephemeral),
        timestamp=bytes(12),
    )


def prove(message: Initiation) -> ProvenInitiation:
    return prove_claim(read_claim(SUITES, RESPONDER, message), remote(INITIATOR, RESPONDER))


class TestInitiation:
    @both_suites
    @both_orders
    def test_tells_its_suite_in_whatever_order_it_is_tried(self, suite: Suite, suites: tuple[Suite, ...]):
        claim = read_claim(suites, RESPONDER, initiate(suite)[1])
        assert claim.initiator_public == INITIATOR.public
        assert prove_claim(claim, remote(INITIATOR, RESPONDER)).suite is suite

    @both_suites
    def test_costs_one_secret_however_many_suites_there_are(
        self, suite: Suite, monkeypatch: pytest.MonkeyPatch
    ):
        _unused, message = initiate(suite)
        agreed: list[bytes] = []
        shared_secret = KeyPair.shared_secret

        def counted(pair: KeyPair, public: bytes) -> bytes:
            agreed.append(public)
            return shared_secret(pair, public)

        monkeypatch.setattr(KeyPair, "shared_secret", counted)
        read_claim(SUITES, RESPONDER, message)
        assert agreed == [message.ephemeral]

    @both_suites
    def test_of_another_suite_is_no_claim(self, suite: Suite):
        with pytest.raises(HandshakeError):
            read_claim((other_than(suite),), RESPONDER, initiate(suite)[1])

    @given(st.sampled_from(SUITES), st.integers(0, 32 + 48 + 28 - 1), st.integers(1, 255))
    @settings(max_examples=60)
    def test_changed_anywhere_opens_under_no_suite(self, suite: Suite, position: int, difference: int):
        _unused, message = initiate(suite)
        body = bytearray(message.ephemeral + message.encrypted_static + message.encrypted_timestamp)
        body[position] ^= difference
        changed = Initiation(7, bytes(body[:32]), bytes(body[32:80]), bytes(body[80:]))
        with pytest.raises(HandshakeError):
            prove(changed)


@given(st.sampled_from(SUITES), keys, keys)
@settings(max_examples=40)
def test_handshake_of_one_suite_never_completes_with_the_other(suite: Suite, ours: bytes, theirs: bytes):
    state, message = initiate(suite, ours)
    response, _unused = create_response(
        prove(message), local_index=9, ephemeral=KeyPair.from_private_bytes(theirs)
    )
    confused = replace(state, transcript=replace(state.transcript, suite=other_than(suite)))
    afresh, _unused = initiate(other_than(suite), ours)
    assert read_response(state, response)
    for wrong in (confused, afresh):
        with pytest.raises(HandshakeError):
            read_response(wrong, response)


@given(keys, keys)
@settings(max_examples=20)
def test_the_same_keys_give_other_sessions_under_another_suite(ours: bytes, theirs: bytes):
    sessions = []
    for suite in SUITES:
        _unused, message = initiate(suite, ours)
        _response, session = create_response(
            prove(message), local_index=9, ephemeral=KeyPair.from_private_bytes(theirs)
        )
        sessions += [session.sending, session.receiving]
    assert len(set(sessions)) == 2 * len(SUITES)


class TestPair:
    @both_suites
    def test_talks(self, suite: Suite):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs, suites=(suite,))
        wire.send(ours, theirs, b"there")
        wire.settle()
        wire.send(theirs, ours, b"back")
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs, b"there")]
        assert ours.received == [theirs.packet_to(ours, b"back")]
        assert suite_between(ours, theirs, wire.now_s) == suite.name
        assert suite_between(theirs, ours, wire.now_s) == suite.name

    @both_orders
    def test_uses_the_first_suite_of_who_initiates(self, suites: tuple[Suite, ...]):
        ours, theirs, wire = introduce_with(suites, tuple(reversed(suites)))
        ours.device.connect(theirs.key, wire.now_s)
        wire.settle()
        assert suite_between(ours, theirs, wire.now_s) == suites[0].name
        assert suite_between(theirs, ours, wire.now_s) == suites[0].name

    def test_of_each_kind_live_on_one_device(self):
        agent, laptop, here = make_host(1), make_host(2), make_host(3)
        wire = Wire(agent, laptop, here)
        allow(agent, here, wire, AES_256_GCM)
        allow(laptop, here, wire, CHACHA20_POLY1305)
        allow(here, agent, wire, AES_256_GCM)
        allow(here, laptop, wire, CHACHA20_POLY1305)
        for host in (agent, laptop):
            wire.send(host, here)
        wire.settle()
        assert sorted(here.received) == sorted(host.packet_to(here) for host in (agent, laptop))
        assert suite_between(here, agent, wire.now_s) == "aes-256-gcm"
        assert suite_between(here, laptop, wire.now_s) == "chacha20-poly1305"

    def test_without_a_session_has_no_suite(self):
        ours, theirs, wire = introduce_with(SUITES, SUITES)
        assert suite_between(ours, theirs, wire.now_s) is None


class TestRefusal:
    @both_suites
    def test_is_silent_and_counted_and_both_say_what_they_want(self, suite: Suite):
        ours, theirs, wire = introduce_with((suite,), (other_than(suite),))
        wire.send(ours, theirs)
        wire.settle()
        assert kinds(wire) == [MessageType.INITIATION] * 2
        assert drops(theirs) == drops(ours) == {"wrong_suite": 1}
        assert suite_between(theirs, ours, wire.now_s) is None

    @both_suites
    def test_comes_to_an_end(self, suite: Suite):
        """Two that will never agree do not keep each other awake."""
        ours, theirs, wire = introduce_with((suite,), (other_than(suite),))
        wire.send(ours, theirs)
        wire.advance_to(wire.now_s + 2 * REKEY_ATTEMPT_TIME_S)
        assert len(wire.sent) <= 2 * (REKEY_ATTEMPT_TIME_S / REKEY_TIMEOUT_S)
        wire.sent.clear()
        wire.advance_to(wire.now_s + 3600)
        assert wire.sent == []

    def test_ends_with_its_reason(self):
        """What was refused does not stand in the way of what is allowed later."""
        ours, theirs, wire = introduce_with((AES_256_GCM,), (CHACHA20_POLY1305,))
        wire.send(ours, theirs)
        wire.settle()
        allow(theirs, ours, wire, AES_256_GCM)
        wire.advance_to(wire.now_s + 2 * REKEY_TIMEOUT_S)
        assert theirs.received == [ours.packet_to(theirs)]

    def test_of_the_same_message_again_is_a_replay(self):
        """Nobody else can have a host initiate, over and over, by sending again what it has refused."""
        ours, theirs, wire = introduce_with((AES_256_GCM,), (CHACHA20_POLY1305,))
        wire.send(ours, theirs)
        wire.settle()
        refused = wire.sent[0]
        for _unused in range(5):
            wire.advance_to(wire.now_s + 2 * REKEY_TIMEOUT_S, lambda: lose(wire))
            wire.sent.clear()
            wire.deliver(*refused)
            assert wire.collect() == []
        assert drops(theirs) == {"wrong_suite": 1, "replayed_initiation": 5}

    @both_suites
    @pytest.mark.parametrize("knows_endpoint", [True, False])
    def test_leads_to_the_suite_of_who_refuses_if_the_other_accepts_it(
        self, suite: Suite, knows_endpoint: bool
    ):
        """One has heard of a stricter rule, the other has not: it only initiates, and has nothing to fear."""
        ours, theirs = make_host(1), make_host(2)
        wire = Wire(ours, theirs)
        allow(ours, theirs, wire, other_than(suite), suite)
        stricter = ours.config(suites=(suite,), knows_endpoint=knows_endpoint)
        theirs.device.set_peer(stricter, wire.now_s)
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs)]
        assert suite_between(ours, theirs, wire.now_s) == suite.name
        assert suite_between(theirs, ours, wire.now_s) == suite.name

    def test_of_a_stranger_does_not_tell_suites(self):
        """Only who has proven its key is told apart from noise, and only in our own counters."""
        _ours, theirs, wire = introduce_with((AES_256_GCM,), (CHACHA20_POLY1305,))
        stranger = make_host(3)
        stranger.device.set_peer(theirs.config(suites=(AES_256_GCM,)), wire.now_s)
        stranger.device.connect(theirs.key, wire.now_s)
        [(datagram, _to)] = stranger.device.outbox.take_datagrams()
        theirs.device.datagram_received(datagram, stranger.endpoint, wire.now_s)
        assert drops(theirs) == {"unknown_peer": 1}
        assert not theirs.device.outbox.take_datagrams()

    @both_suites
    def test_meets_an_answer_to_what_is_not_to_be_used_any_more(self, suite: Suite):
        ours, theirs, wire = introduce_with((suite,), SUITES)
        ours.device.connect(theirs.key, wire.now_s)
        [initiation] = wire.collect()
        wire.deliver(*initiation)
        [response] = wire.collect()
        allow(ours, theirs, wire, other_than(suite))
        wire.deliver(*response)
        assert drops(ours) == {"wrong_suite": 1}
        wire.advance_to(wire.now_s + 1)
        assert suite_between(ours, theirs, wire.now_s) == other_than(suite).name


class TestNoDowngrade:
    """Somebody on the path takes out what he likes; nobody tries another suite because of that."""

    @both_orders
    def test_when_nothing_arrives(self, suites: tuple[Suite, ...]):
        ours, theirs, wire = introduce_with(suites, suites[1:])
        wire.send(ours, theirs)
        wire.advance_to(wire.now_s + REKEY_ATTEMPT_TIME_S, lambda: lose(wire))
        assert set(kinds(wire)) == {MessageType.INITIATION}
        sent = list(wire.sent)
        for initiation in sent:
            wire.deliver(*initiation)
        assert len(sent) > 10
        assert drops(theirs) == {"wrong_suite": len(sent)}

    @both_orders
    @pytest.mark.parametrize("lost", [MessageType.INITIATION, MessageType.RESPONSE])
    def test_when_one_kind_of_message_never_arrives(self, suites: tuple[Suite, ...], lost: MessageType):
        ours, theirs, wire = introduce_with(suites, suites)

        def move() -> None:
            for sender, datagram, to in wire.collect():
                if message_type(datagram) is not lost:
                    wire.deliver(sender, datagram, to)

        wire.send(ours, theirs)
        wire.advance_to(wire.now_s + 60, move)
        assert suite_between(ours, theirs, wire.now_s) is None
        wire.advance_to(wire.now_s + 30)
        wire.send(ours, theirs)
        wire.advance_to(wire.now_s + 6)
        assert suite_between(ours, theirs, wire.now_s) == suites[0].name


class TestChange:
    """Other suites for a pair that is talking."""

    def talking(self, *suites: Suite) -> tuple[Host, Host, Wire]:
        ours, theirs, wire = introduce_with(suites, suites)
        wire.send(ours, theirs)
        wire.settle()
        theirs.received.clear()
        wire.sent.clear()
        return ours, theirs, wire

    def exchange(self, ours: Host, theirs: Host, wire: Wire, for_s: int) -> None:
        """A packet each way every tenth of a second, none of which may be lost."""
        ours.received.clear()
        theirs.received.clear()
        for _unused in range(for_s * 10):
            wire.send(ours, theirs)
            wire.send(theirs, ours)
            wire.settle()
            wire.advance_to(wire.now_s + 0.1)
        wire.settle()
        assert (len(ours.received), len(theirs.received)) == (for_s * 10, for_s * 10)

    @both_suites
    @pytest.mark.parametrize("initiator_first", [True, False])
    def test_to_another_one_is_done_at_once_without_a_loss(self, suite: Suite, initiator_first: bool):
        ours, theirs, wire = self.talking(suite)
        changes = [(ours, theirs), (theirs, ours)] if initiator_first else [(theirs, ours), (ours, theirs)]
        for host, peer in changes:
            allow(host, peer, wire, other_than(suite))
            self.exchange(ours, theirs, wire, 1)
        assert suite_between(ours, theirs, wire.now_s) == other_than(suite).name
        assert suite_between(theirs, ours, wire.now_s) == other_than(suite).name

    @both_suites
    def test_at_the_same_time_on_both_sides_makes_one_new_session(self, suite: Suite):
        ours, theirs, wire = self.talking(suite)
        allow(ours, theirs, wire, other_than(suite))
        allow(theirs, ours, wire, other_than(suite))
        wire.advance_to(wire.now_s + 1)
        assert kinds(wire)[:2] == [MessageType.INITIATION, MessageType.RESPONSE]
        assert kinds(wire).count(MessageType.INITIATION) == 1
        self.exchange(ours, theirs, wire, 1)

    @both_suites
    def test_that_reaches_one_side_late_costs_nothing(self, suite: Suite):
        ours, theirs, wire = self.talking(suite)
        allow(ours, theirs, wire, other_than(suite))
        self.exchange(ours, theirs, wire, 3)
        assert suite_between(ours, theirs, wire.now_s) == suite.name
        allow(theirs, ours, wire, other_than(suite))
        self.exchange(ours, theirs, wire, 1)
        assert suite_between(ours, theirs, wire.now_s) == other_than(suite).name

    @both_suites
    def test_that_never_reaches_the_side_that_only_sends_cuts_nobody_who_accepts_both(self, suite: Suite):
        """The one that heard of it never has anything to say, and the other begins with what is refused."""
        ours, theirs, wire = self.talking(suite, other_than(suite))
        allow(theirs, ours, wire, other_than(suite))
        for number in range(600):
            wire.send(ours, theirs)
            wire.settle()
            wire.advance_to(wire.now_s + 1)
            assert len(theirs.received) == number + 1
        assert suite_between(ours, theirs, wire.now_s) == other_than(suite).name

    def test_of_the_order_waits_for_the_next_renewal(self):
        ours, theirs, wire = self.talking(CHACHA20_POLY1305, AES_256_GCM)
        for first, second in ((ours, theirs), (theirs, ours)):
            allow(first, second, wire, AES_256_GCM, CHACHA20_POLY1305)
        self.exchange(ours, theirs, wire, 5)
        assert suite_between(ours, theirs, wire.now_s) == "chacha20-poly1305"
        self.exchange(ours, theirs, wire, 120)
        assert suite_between(ours, theirs, wire.now_s) == "aes-256-gcm"

    def test_between_hosts_that_have_no_session_makes_none(self):
        ours, theirs, wire = introduce_with((AES_256_GCM,), (AES_256_GCM,))
        allow(ours, theirs, wire, CHACHA20_POLY1305)
        wire.settle()
        assert wire.sent == []

    def test_that_never_reaches_the_other_side_ends_with_the_session(self):
        ours, theirs, wire = self.talking(CHACHA20_POLY1305)
        allow(ours, theirs, wire, AES_256_GCM)
        wire.advance_to(wire.now_s + REJECT_AFTER_TIME_S)
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == []
        assert drops(theirs)["wrong_suite"] > 0
