# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A device over time: when it renews, repeats, gives up, keeps alive and forgets."""

from __future__ import annotations

from two_hosts import Host, Wire, connected, introduce, make_host

from cladnet.core.wireguard.messages import MIN_TRANSPORT_SIZE_BYTES, MessageType, message_type

JITTER_S = 0.334


def sent_by(wire: Wire, host: Host, kind: MessageType) -> int:
    return sum(sender is host and message_type(datagram) is kind for sender, datagram, _unused in wire.sent)


def keepalives_of(wire: Wire, host: Host) -> int:
    return sum(
        sender is host and len(datagram) == MIN_TRANSPORT_SIZE_BYTES
        for sender, datagram, _unused in wire.sent
    )


def talk(wire: Wire, first: Host, second: Host, until_s: float, every_s: float = 1.0) -> None:
    """Question and answer, again and again."""
    while wire.now_s < until_s:
        wire.send(first, second)
        wire.settle()
        wire.send(second, first)
        wire.settle()
        wire.advance_to(wire.now_s + every_s)


def make_pair() -> tuple[Host, Host, Wire, float]:
    """Two hosts with a session that the first initiated, and the time at which that was."""
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    return ours, theirs, wire, wire.now_s


def test_initiator_renews_after_120_seconds():
    ours, theirs, wire, start_s = make_pair()
    talk(wire, ours, theirs, start_s + 119.0)
    assert sent_by(wire, ours, MessageType.INITIATION) == 0
    talk(wire, ours, theirs, start_s + 125.0)
    assert sent_by(wire, ours, MessageType.INITIATION) == 1


def test_responder_never_renews_by_itself():
    ours, theirs, wire, start_s = make_pair()
    talk(wire, ours, theirs, start_s + 1000.0)
    assert sent_by(wire, theirs, MessageType.INITIATION) == 0
    assert sent_by(wire, ours, MessageType.INITIATION) == 8


def test_nothing_is_lost_over_many_renewals():
    ours, theirs, wire, start_s = make_pair()
    talk(wire, ours, theirs, start_s + 1000.0)
    assert len(ours.received) == len(theirs.received) == 1000
    assert ours.device.status(0.0).drops == theirs.device.status(0.0).drops == {}


def test_initiator_that_only_receives_renews_at_165_seconds():
    ours, theirs, wire, start_s = make_pair()
    while wire.now_s < start_s + 164.0:
        wire.send(theirs, ours)
        wire.settle()
        # Keepalives are due every 10 s and would renew at 120 s: they are lost here.
        wire.advance_to(wire.now_s + 1.0, between=wire.collect)
    assert sent_by(wire, ours, MessageType.INITIATION) == 0
    wire.now_s = start_s + 165.5
    wire.send(theirs, ours)
    wire.settle()
    assert sent_by(wire, ours, MessageType.INITIATION) == 1


def test_old_session_is_not_used_any_more():
    ours, theirs, wire, start_s = make_pair()
    wire.now_s = start_s + 180.0
    wire.send(theirs, ours)
    [(_unused, datagram, _unused)] = wire.collect()
    assert message_type(datagram) is MessageType.INITIATION


def test_late_packet_of_an_old_session_is_refused():
    ours, theirs, wire, start_s = make_pair()
    wire.send(ours, theirs)
    [(_unused, datagram, _unused)] = wire.collect()
    theirs.device.datagram_received(datagram, ours.endpoint, start_s + 180.0)
    assert theirs.device.status(0.0).drops == {"session_expired": 1}


def test_repeats_every_5_seconds_and_gives_up_after_90():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    start_s = wire.now_s
    wire.send(ours, theirs)
    wire.advance_to(start_s + 300.0, between=wire.collect)
    count = sent_by(wire, ours, MessageType.INITIATION)
    assert 90 / (5 + JITTER_S) <= count <= 90 / 5
    assert ours.device.status(0.0).drops == {"handshake_failed": 1}
    assert ours.device._staged_total == 0


def test_after_giving_up_a_packet_begins_anew():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    wire.send(ours, theirs)
    wire.advance_to(wire.now_s + 300.0, between=wire.collect)
    wire.send(ours, theirs, b"later")
    wire.settle()
    assert theirs.received == [ours.packet_to(theirs, b"later")]


def test_repetitions_differ_and_the_last_one_counts():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    wire.send(ours, theirs)
    wire.collect()
    wire.advance_to(wire.now_s + 6.0, between=wire.collect)
    first, second = (datagram for _unused, datagram, _unused in wire.sent)
    assert first != second
    theirs.device.datagram_received(first, ours.endpoint, wire.now_s)
    wire.settle()
    assert ours.device.status(0.0).drops == {"unknown_session": 1}
    theirs.device.datagram_received(second, ours.endpoint, wire.now_s + 0.1)
    wire.settle()
    assert theirs.received == [ours.packet_to(theirs)]


def test_who_only_receives_says_so_after_10_seconds():
    ours, theirs, wire, start_s = make_pair()
    wire.send(ours, theirs)
    wire.settle()
    wire.advance_to(start_s + 9.9)
    assert keepalives_of(wire, theirs) == 0
    wire.advance_to(start_s + 30.0)
    assert keepalives_of(wire, theirs) == 1
    assert keepalives_of(wire, ours) == 0, "a keepalive must not answer a keepalive"


def test_silence_after_data_makes_a_new_handshake_after_15_seconds():
    ours, theirs, wire, start_s = make_pair()
    wire.send(ours, theirs)
    wire.collect()
    wire.advance_to(start_s + 14.9, between=wire.collect)
    assert sent_by(wire, ours, MessageType.INITIATION) == 0
    wire.advance_to(start_s + 15.0 + JITTER_S, between=wire.collect)
    assert sent_by(wire, ours, MessageType.INITIATION) == 1


def test_peer_that_lost_its_keys_is_found_again():
    ours, _unused, wire, start_s = make_pair()
    restarted = make_host(2, seed=0)
    restarted.device.set_peer(ours.config(), start_s)
    wire.hosts = (ours, restarted)
    for _unused in range(20):
        wire.send(ours, restarted)
        wire.settle()
        wire.advance_to(wire.now_s + 1.0)
    assert len(restarted.received) >= 3


def test_keys_are_erased_after_540_seconds():
    ours, theirs, wire, start_s = make_pair()
    wire.advance_to(start_s + 539.0)
    assert len(ours.device._indices) == len(theirs.device._indices) == 1
    wire.advance_to(start_s + 540.0)
    assert len(ours.device._indices) == len(theirs.device._indices) == 0
    assert ours.device.next_timer_s() is None


def test_initiation_that_nobody_needs_any_more_is_erased_with_the_keys():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    ours.device.connect(theirs.key, wire.now_s)
    wire.collect()
    theirs.device.connect(ours.key, wire.now_s)
    wire.settle()
    assert len(ours.device._indices) == 2
    wire.advance_to(wire.now_s + 600.0)
    assert len(ours.device._indices) == 0


def test_session_goes_on_while_it_is_renewed():
    ours, theirs, wire, _unused = make_pair()
    wire.now_s += 6.0
    ours.device.connect(theirs.key, wire.now_s)
    wire.collect()
    wire.send(theirs, ours)
    wire.send(ours, theirs)
    wire.settle()
    assert (len(ours.received), len(theirs.received)) == (1, 1)


def test_persistent_keepalive_holds_a_session_for_ever():
    ours, theirs = make_host(1), make_host(2)
    wire = Wire(ours, theirs)
    theirs.device.set_peer(ours.config(knows_endpoint=False), wire.now_s)
    ours.device.set_peer(theirs.config(persistent_keepalive_s=25), wire.now_s)
    wire.advance_to(wire.now_s + 1000.0)
    assert theirs.device.status(wire.now_s).peers[0].last_handshake_age_s < 180.0
    wire.send(theirs, ours)
    wire.settle()
    assert ours.received == [theirs.packet_to(ours)]
    assert keepalives_of(wire, ours) >= 1000 / 25 - 10


def test_idle_device_does_nothing():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    assert ours.device.next_timer_s() is None
    ours.device.handle_timers(wire.now_s + 1e6)
    assert wire.collect() == []
