# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a device must never do, whatever comes from the network."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_hosts import Calm, Host, Overloaded, Wire, connected, introduce, make_host

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.cookie import CookieJar
from cladnet.core.wireguard.messages import (
    Initiation,
    MessageType,
    message_type,
    parse_transport,
)

ELSEWHERE = Endpoint("203.0.113.5", 5555)


def drops(host: Host) -> dict[str, int]:
    return host.device.status(0.0).drops


def initiation(ours: Host, theirs: Host, wire: Wire) -> bytes:
    """A real one, taken from the wire."""
    wire.send(ours, theirs)
    [(_unused, datagram, _unused)] = wire.collect()
    return datagram


def flip(datagram: bytes, bit: int) -> bytes:
    changed = bytearray(datagram)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class TestSilence:
    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda valid, _key: valid[:-1], "malformed_datagram"),
            (lambda valid, _key: valid + b"\0", "malformed_datagram"),
            (lambda valid, _key: bytes([5]) + valid[1:], "malformed_datagram"),
            (lambda valid, _key: valid[:116] + bytes(32), "wrong_mac"),
            (
                lambda _valid, key: CookieJar(key).add_macs(
                    Initiation(1, b"e" * 32, bytes(48), bytes(28)).pack(), 0
                ),
                "not_authentic",
            ),
            (
                lambda _valid, key: CookieJar(key).add_macs(
                    Initiation(1, bytes(32), bytes(48), bytes(28)).pack(), 0
                ),
                "not_authentic",
            ),
            (lambda _valid, _key: b"\4\0\0\0" + bytes(60), "unknown_session"),
            (lambda _valid, _key: b"\3\0\0\0" + bytes(60), "unknown_session"),
        ],
        ids=["short", "long", "type", "mac", "forged", "low order", "transport", "cookie"],
    )
    def test_to_strangers(self, make: Callable[[bytes, bytes], bytes], reason: str):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        datagram = make(initiation(ours, theirs, wire), theirs.key)
        theirs.device.datagram_received(datagram, ELSEWHERE, wire.now_s)
        assert wire.collect() == []
        assert drops(theirs) == {reason: 1}

    def test_to_a_key_that_is_not_in_the_table(self):
        stranger, theirs = make_host(1), make_host(2)
        wire = Wire(stranger, theirs)
        stranger.device.set_peer(theirs.config(), wire.now_s)
        wire.send(stranger, theirs)
        wire.settle()
        assert len(wire.sent) == 1
        assert drops(theirs) == {"unknown_peer": 1}

    def test_responder_waits_for_the_first_packet(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        datagram = initiation(ours, theirs, wire)
        theirs.device.datagram_received(datagram, ours.endpoint, wire.now_s)
        wire.send(theirs, ours)
        kinds = [message_type(sent) for _unused, sent, _unused in wire.collect()]
        assert MessageType.TRANSPORT not in kinds


class TestReplayedInitiation:
    def test_gets_no_answer(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        datagram = initiation(ours, theirs, wire)
        theirs.device.datagram_received(datagram, ours.endpoint, wire.now_s)
        assert len(wire.collect()) == 1
        theirs.device.datagram_received(datagram, ELSEWHERE, wire.now_s + 10.0)
        assert wire.collect() == []
        assert drops(theirs) == {"replayed_initiation": 1}

    def test_after_a_restart_moves_nothing(self):
        """A restarted responder cannot know that an initiation is old. It answers, and does nothing more."""
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        datagram = initiation(ours, theirs, wire)
        theirs.device.datagram_received(datagram, ELSEWHERE, wire.now_s)
        [(_unused, _unused, to)] = wire.collect()
        assert to == ELSEWHERE
        [peer] = theirs.device.status(wire.now_s).peers
        assert (peer.endpoint, peer.last_handshake_age_s) == (ours.endpoint, None)
        wire.send(theirs, ours)
        assert [to for _unused, _unused, to in wire.collect()] == [ours.endpoint]

    def test_burst_of_one_peer_is_limited(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        first = initiation(ours, theirs, wire)
        ours.device.remove_peer(theirs.key)
        ours.device.set_peer(theirs.config(), wire.now_s)
        second = initiation(ours, theirs, wire)
        theirs.device.datagram_received(first, ours.endpoint, wire.now_s)
        theirs.device.datagram_received(second, ours.endpoint, wire.now_s + 0.01)
        assert drops(theirs) == {"initiation_too_soon": 1}
        theirs.device.datagram_received(second, ours.endpoint, wire.now_s + 0.06)
        assert len(wire.collect()) == 2


def test_wall_clock_that_goes_back_stops_nobody():
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    ours.device._handshaking._wall_time_ns = lambda: 0
    wire.now_s += 200.0
    wire.send(ours, theirs)
    wire.settle()
    assert theirs.received == [ours.packet_to(theirs)]


def test_response_must_name_the_initiation_that_it_answers():
    """Macs can be made by everybody who knows the public key, and do not cover whom the number stands for."""
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    wire.send(theirs, ours)
    [(_unused, packet, _unused)] = wire.collect()
    wire.now_s += 6.0
    ours.device.connect(theirs.key, wire.now_s)
    [(_unused, datagram, _unused)] = wire.collect()
    theirs.device.datagram_received(datagram, ours.endpoint, wire.now_s)
    [(_unused, response, _unused)] = wire.collect()
    renamed = CookieJar(ours.key).add_macs(response[:8] + packet[4:8] + response[12:60], 0.0)
    ours.device.datagram_received(renamed, theirs.endpoint, wire.now_s)
    assert wire.collect() == []
    assert drops(ours) == {"unknown_session": 1}


class TestUnderLoad:
    def pair(self) -> tuple[Host, Host, Wire]:
        ours, theirs = make_host(1), make_host(2, load=Overloaded())
        return ours, theirs, introduce(ours, theirs)

    def test_answers_with_a_cookie_and_then_lets_in(self):
        ours, theirs, wire = self.pair()
        wire.send(ours, theirs)
        wire.settle()
        assert [message_type(sent) for _unused, sent, _unused in wire.sent] == [
            MessageType.INITIATION,
            MessageType.COOKIE_REPLY,
        ]
        assert drops(theirs) == {"cookie_asked": 1}
        wire.advance_to(wire.now_s + 6.0)
        assert theirs.received == [ours.packet_to(theirs)]

    def test_loaded_initiator_asks_the_responder(self):
        ours, theirs = make_host(1, load=Overloaded()), make_host(2)
        wire = introduce(ours, theirs)
        wire.send(ours, theirs)
        wire.settle()
        assert drops(ours) == {"cookie_asked": 1}
        wire.advance_to(wire.now_s + 6.0)
        assert theirs.received == [ours.packet_to(theirs)]

    def test_cookie_of_another_address_is_worth_nothing(self):
        ours, theirs, wire = self.pair()
        wire.send(ours, theirs)
        wire.settle()
        wire.advance_to(wire.now_s + 6.0, between=wire.collect)
        _unused, datagram, _unused = wire.sent[-1]
        theirs.device.datagram_received(datagram, ELSEWHERE, wire.now_s)
        assert drops(theirs) == {"cookie_asked": 2}

    def test_strangers_still_get_silence(self):
        ours, theirs, wire = self.pair()
        datagram = initiation(ours, theirs, wire)
        theirs.device.datagram_received(datagram[:116] + bytes(32), ELSEWHERE, wire.now_s)
        assert wire.collect() == []

    def test_one_source_cannot_take_all(self):
        ours, theirs, wire = self.pair()
        wire.send(ours, theirs)
        wire.settle()
        wire.advance_to(wire.now_s + 6.0, between=wire.collect)
        _unused, datagram, _unused = wire.sent[-1]
        for _unused in range(10):
            theirs.device.datagram_received(datagram, ours.endpoint, wire.now_s)
        counts = drops(theirs)
        assert counts["source_too_fast"] == 5
        assert counts["replayed_initiation"] == 4


class TestAnything:
    @settings(max_examples=300)
    @given(st.lists(st.binary(max_size=200), max_size=20))
    def test_from_the_network(self, datagrams: list[bytes]):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        for datagram in datagrams:
            theirs.device.datagram_received(datagram, ELSEWHERE, wire.now_s)
        assert wire.collect() == []
        assert theirs.received == []

    @settings(max_examples=300)
    @given(st.sampled_from([1, 2, 3, 4]), st.binary(min_size=12, max_size=200), st.booleans())
    def test_that_looks_like_wireguard(self, kind: int, rest: bytes, addressed: bool):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        if addressed:
            wire.send(ours, theirs)
            [(_unused, real, _unused)] = wire.collect()
            rest = real[4:8] + rest[4:]
        theirs.device.datagram_received(bytes([kind, 0, 0, 0]) + rest, ELSEWHERE, wire.now_s)
        assert wire.collect() == []

    @settings(max_examples=300)
    @given(st.binary(max_size=100), st.sampled_from([b"", b"\x45", b"\x60"]))
    def test_from_the_host(self, rest: bytes, start: bytes):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        ours.device.packet_from_tun(start + rest, wire.now_s)
        wire.settle()

    @pytest.mark.parametrize("size", [*range(200), 1500, 65507])
    def test_cut_or_lengthened(self, size: int):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        wire.send(ours, theirs)
        [(_unused, datagram, _unused)] = wire.collect()
        if size != len(datagram):
            theirs.device.datagram_received((datagram + bytes(65507))[:size], ours.endpoint, wire.now_s)
        assert wire.collect() == []
        assert theirs.received == []


class TestBitFlips:
    def test_in_a_packet(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        wire.send(ours, theirs)
        [(_unused, datagram, _unused)] = wire.collect()
        for bit in range(8 * len(datagram)):
            theirs.device.datagram_received(flip(datagram, bit), ours.endpoint, wire.now_s)
        wire.collect()
        assert theirs.received == []
        theirs.device.datagram_received(datagram, ours.endpoint, wire.now_s)
        wire.collect()
        assert len(theirs.received) == 1

    def test_in_an_initiation(self):
        """mac2 is not looked at while there is no load, so its bits are left alone."""
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        datagram = initiation(ours, theirs, wire)
        for bit in range(8 * (len(datagram) - 16)):
            theirs.device.datagram_received(flip(datagram, bit), ours.endpoint, wire.now_s)
        assert wire.collect() == []

    def test_in_a_response(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        theirs.device.datagram_received(initiation(ours, theirs, wire), ours.endpoint, wire.now_s)
        [(_unused, datagram, _unused)] = wire.collect()
        for bit in range(8 * (len(datagram) - 16)):
            ours.device.datagram_received(flip(datagram, bit), theirs.endpoint, wire.now_s)
        assert wire.collect() == []

    @given(st.integers(0, 10**9), st.integers(0, 10**9))
    @settings(max_examples=100)
    def test_with_valid_macs(self, position: int, seed: int):
        """Whoever knows the public key can make valid macs, so changes must be found behind them, too."""
        ours, theirs = make_host(1, seed=seed), make_host(2, seed=seed)
        wire = introduce(ours, theirs)
        body = initiation(ours, theirs, wire)[:116]
        changed = flip(body, 64 + position % (8 * 108))
        theirs.device.datagram_received(
            CookieJar(theirs.key).add_macs(changed, 0.0), ours.endpoint, wire.now_s
        )
        assert wire.collect() == []
        assert drops(theirs) == {"not_authentic": 1}


class LossyNetwork:
    """Loses, doubles and reorders datagrams as a random source says."""

    def __init__(self, wire: Wire, source: random.Random) -> None:
        self._wire = wire
        self._source = source
        self._waiting: list[tuple[Host, bytes, Endpoint]] = []

    def move(self) -> None:
        for _unused in range(6):
            self._waiting += self._wire.collect()
            self._source.shuffle(self._waiting)
            half = len(self._waiting) // 2 + 1
            now, self._waiting = self._waiting[:half], self._waiting[half:]
            for sent in now:
                for _copy in range(self._source.choice([0, 0, 1, 1, 2])):
                    self._wire.deliver(*sent)

    def flush(self) -> None:
        for sent in self._waiting:
            self._wire.deliver(*sent)
        self._waiting.clear()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 200))
def test_two_hosts_always_find_each_other_again(seed: int, bad_time_s: int):
    source = random.Random(seed)  # noqa: S311
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    network = LossyNetwork(wire, source)
    end_s = wire.now_s + bad_time_s
    while wire.now_s < end_s:
        for sender, receiver in ((ours, theirs), (theirs, ours)):
            if source.random() < 0.5:
                wire.send(sender, receiver)
        network.move()
        wire.advance_to(wire.now_s + source.choice([0.01, 1.0, 7.0]), between=network.move)
    network.flush()
    for _unused in range(25):
        wire.send(ours, theirs)
        wire.send(theirs, ours)
        wire.settle()
        wire.advance_to(wire.now_s + 1.0)
    ours.received.clear()
    theirs.received.clear()
    wire.send(ours, theirs)
    wire.send(theirs, ours)
    wire.settle()
    assert (len(ours.received), len(theirs.received)) == (1, 1)
    assert_no_nonce_twice(wire)


def assert_no_nonce_twice(wire: Wire) -> None:
    transports = [
        datagram
        for _unused, datagram, _unused in wire.sent
        if message_type(datagram) is MessageType.TRANSPORT
    ]
    nonces = Counter(
        (message.receiver_index, message.counter) for message in map(parse_transport, transports)
    )
    assert not [nonce for nonce, count in nonces.items() if count > 1]


def test_handshakes_leave_nothing_behind():
    """Memory per peer is bounded: three sessions and one initiation, whatever happens."""
    ours, theirs = make_host(1, load=Calm()), make_host(2)
    wire = introduce(ours, theirs)
    for _unused in range(50):
        wire.now_s += 6.0
        ours.device.connect(theirs.key, wire.now_s)
        theirs.device.connect(ours.key, wire.now_s)
        wire.settle()
        assert len(ours.device._indices) <= 4
        assert len(theirs.device._indices) <= 4


def test_no_nonce_twice_over_renewals():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    for _unused in range(300):
        wire.send(ours, theirs)
        wire.send(theirs, ours)
        wire.settle()
        wire.advance_to(wire.now_s + 2.0)
    assert_no_nonce_twice(wire)
    assert len({datagram[8:40] for _unused, datagram, _unused in wire.sent if datagram[0] == 1}) >= 5


def test_keys_of_others_do_not_open_packets():
    """A packet for one host, delivered to another that knows the sender: no session, no packet."""
    ours, theirs, third = (make_host(number) for number in (1, 2, 3))
    wire = connected(ours, theirs)
    third.device.set_peer(replace(ours.config(), endpoint=None), wire.now_s)
    wire.send(ours, theirs)
    [(_unused, datagram, _unused)] = wire.collect()
    third.device.datagram_received(datagram, ours.endpoint, wire.now_s)
    assert third.device.outbox.take_packets() == []
    assert drops(third) == {"unknown_session": 1}
