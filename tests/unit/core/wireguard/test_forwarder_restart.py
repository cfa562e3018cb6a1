# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The half that forwards dies and is started again: sessions go on, and no nonce comes twice."""

from __future__ import annotations

from two_hosts import connected, introduce, make_host

from cladnet.core.wireguard.messages import MessageType, message_type, parse_transport


def test_sessions_go_on():
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    ours.device.restart_forwarder()
    wire.send(ours, theirs, b"one")
    wire.send(theirs, ours, b"two")
    wire.settle()
    assert theirs.received == [ours.packet_to(theirs, b"one")]
    assert ours.received == [theirs.packet_to(ours, b"two")]
    assert {message_type(datagram) for _unused, datagram, _unused in wire.sent} == {MessageType.TRANSPORT}


def test_no_counter_comes_twice():
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    for _unused in range(5):
        wire.send(ours, theirs)
        wire.collect()
        ours.device.restart_forwarder()
    counters = [parse_transport(datagram).counter for host, datagram, _unused in wire.sent if host is ours]
    assert len(set(counters)) == len(counters) == 5


def test_what_was_received_before_is_a_replay():
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    wire.send(ours, theirs)
    wire.settle()
    theirs.device.restart_forwarder()
    for host, datagram, to in wire.sent:
        wire.deliver(host, datagram, to)
    wire.settle()
    assert len(theirs.received) == 1
    assert theirs.device.status(0.0).drops["replayed"] >= 1


def test_session_that_waits_for_its_proof_still_waits():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    ours.device.connect(theirs.key, wire.now_s)
    [(_unused, initiation, _unused)] = wire.collect()
    theirs.device.datagram_received(initiation, ours.endpoint, wire.now_s)
    theirs.device.restart_forwarder()
    wire.send(theirs, ours, b"early")
    assert all(
        message_type(datagram) is not MessageType.TRANSPORT for _unused, datagram, _unused in wire.collect()
    )
    wire.settle()
