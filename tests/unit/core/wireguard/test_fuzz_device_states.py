# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Devices in every state, given what is nearly a message: nothing happens, and they still find each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_hosts import Host, Overloaded, Wire, introduce, make_host

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.cookie import CookieJar
from cladnet.core.wireguard.messages import MACS_SIZE_BYTES, MessageType, message_type
from tests.unit.fuzz.fuzz_packets import WIREGUARD_DATAGRAMS, mutated

ELSEWHERE = Endpoint("203.0.113.5", 5555)
LATEST_RETRY_S = 6.0
HANDSHAKE = (MessageType.INITIATION, MessageType.RESPONSE)


@dataclass
class Scene:
    """Two hosts, and everything that they said so far or are about to say."""

    ours: Host
    theirs: Host
    wire: Wire

    def step(self) -> None:
        """What was said arrives; the answers do not."""
        for sender, datagram, to in self.wire.collect():
            self.wire.deliver(sender, datagram, to)

    def said(self) -> list[bytes]:
        self.wire.collect()
        return [datagram for _unused, datagram, _unused in self.wire.sent]


def scene(steps: int, *, loaded: bool = False) -> Scene:
    """The first packet of one host, and how far that came: 0 initiation, 1 response, 2 first packet, ..."""
    ours, theirs = make_host(1), make_host(2, load=Overloaded() if loaded else None)
    made = Scene(ours, theirs, introduce(ours, theirs))
    made.wire.send(ours, theirs)
    for _unused in range(steps):
        made.step()
    made.wire.collect()
    return made


def renewing() -> Scene:
    """Both have a session, and both have just initiated another one."""
    made = connected()
    made.wire.now_s += 130.0
    for host, other in ((made.ours, made.theirs), (made.theirs, made.ours)):
        host.device.connect(other.key, made.wire.now_s)
    made.wire.collect()
    return made


def connected() -> Scene:
    made = scene(4)
    made.wire.send(made.theirs, made.ours)
    made.wire.settle()
    return made


def expired() -> Scene:
    made = connected()
    made.wire.now_s += 200.0
    return made


STATES: dict[str, Callable[[], Scene]] = {
    "initiation sent": lambda: scene(0),
    "responded": lambda: scene(1),
    "initiator connected": lambda: scene(2),
    "connected": connected,
    "renewing": renewing,
    "expired": expired,
    "under load": lambda: scene(0, loaded=True),
    "asked for a cookie": lambda: scene(2, loaded=True),
}


def authentic_part(datagram: bytes) -> bytes:
    """What only the owner of a static key can make.

    Not the macs of a handshake message, which everybody can make, nor its session numbers, which only the
    macs cover: who changes them on the path keeps two hosts apart, as he can anyway.
    """
    kind = message_type(datagram)
    if kind not in HANDSHAKE:
        return datagram
    numbers_end = 8 if kind is MessageType.INITIATION else 12
    return datagram[:4] + datagram[numbers_end:-MACS_SIZE_BYTES]


def with_macs(datagram: bytes, victim: Host) -> bytes:
    """Made valid by somebody who knows the victim's public key, as everybody may."""
    if message_type(datagram) not in HANDSHAKE:
        return datagram
    return CookieJar(victim.key).add_macs(datagram[:-MACS_SIZE_BYTES], 0.0)


def attack(attacked: Scene, victim: Host, data: st.DataObject) -> None:
    said = attacked.said()
    known = {authentic_part(datagram) for datagram in said}
    for _unused in range(data.draw(st.integers(1, 6))):
        datagram = data.draw(st.one_of(mutated(st.sampled_from(said)), WIREGUARD_DATAGRAMS))
        if data.draw(st.booleans()):
            datagram = with_macs(datagram, victim)
        if authentic_part(datagram) not in known:
            victim.device.datagram_received(datagram, ELSEWHERE, attacked.wire.now_s)


@pytest.mark.parametrize("state", STATES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nearly_a_message_is_none(state: str, data: st.DataObject) -> None:
    attacked = STATES[state]()
    victim = data.draw(st.sampled_from([attacked.ours, attacked.theirs]))
    already = (len(attacked.ours.received), len(attacked.theirs.received))
    before = victim.device.status(attacked.wire.now_s).peers
    attack(attacked, victim, data)
    answers = [message_type(datagram) for _unused, datagram, _unused in attacked.wire.collect()]
    assert set(answers) <= ({MessageType.COOKIE_REPLY} if "load" in state or "cookie" in state else set())
    assert (len(attacked.ours.received), len(attacked.theirs.received)) == already
    assert victim.device.status(attacked.wire.now_s).peers == before
    assert_still_reachable(attacked)


def assert_still_reachable(attacked: Scene) -> None:
    """What was on its way is lost, but a repetition brings everything."""
    wire, pair = attacked.wire, (attacked.ours, attacked.theirs)
    for host in pair:
        host.received.clear()
    for _unused in range(4):
        wire.send(attacked.ours, attacked.theirs)
        wire.send(attacked.theirs, attacked.ours)
        wire.settle()
        wire.advance_to(wire.now_s + LATEST_RETRY_S)
    assert all(host.received for host in pair)
