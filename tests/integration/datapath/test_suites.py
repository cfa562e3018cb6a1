# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""AES-256-GCM between hosts that agree on it, as an implementation that is not ours speaks it."""

from __future__ import annotations

import pytest
from ip_packets import ipv4, udp
from many_flows import move
from namespace_sockets import open_udp, receive_all
from namespaces import Namespace, eventually
from noise_initiator import AES_256_GCM, CHACHA20_POLY1305, INITIATION, Suite
from scripted_peer import ScriptedPeer
from switched_tunnels import SwitchedTunnels, refusals
from tunnel_pair import OUR_ADDRESSES, OURS, THEIR_ADDRESSES, THEIRS, Start

Hosts = tuple[Namespace, Namespace]
PORT = 4343
AES, CHACHA = "aes-256-gcm", "chacha20-poly1305"


@pytest.mark.parametrize(
    ("suite", "name"), [(AES_256_GCM, AES), (CHACHA20_POLY1305, CHACHA)], ids=[AES, CHACHA]
)
def test_each_suite_with_another_implementation(switched: SwitchedTunnels, suite: Suite, name: str):
    with (
        ScriptedPeer(switched.third, switched.them, suite=suite) as peer,
        open_udp(switched.second.name, "10.77.0.2", PORT) as receiver,
    ):
        peer.let_in(suites=[name])
        session = peer.handshake()
        peer.send(session.seal(ipv4("10.77.0.9", "10.77.0.2", 17, udp(PORT, PORT, b"hello"))))
        arrived: list[bytes] = []
        eventually("it arrives", lambda: arrived.extend(receive_all(receiver)) or arrived)
        assert arrived == [b"hello"]
        receiver.sendto(b"and back", ("10.77.0.9", PORT))
        answers: list[bytes] = []
        eventually("it answers", lambda: b"and back" in b"".join(_open_next(peer, session, answers)))


def test_suites_that_were_not_agreed_on(switched: SwitchedTunnels):
    for suite, agreed in ((AES_256_GCM, CHACHA), (CHACHA20_POLY1305, AES)):
        with ScriptedPeer(switched.third, switched.them, suite=suite) as peer:
            peer.let_in(suites=[agreed])
            assert refusals(switched.them, [peer.noise.initiation()], peer.send) == {"wrong_suite": 1}
            answer = peer.receive()  # it tries with a suite of its own, and does not follow ours
            assert answer is not None
            assert answer[0] == INITIATION


def test_both_ends_ours(hosts: Hosts, start_tunnel: Start):
    us, them = start_tunnel(hosts[0]), start_tunnel(hosts[1])
    us.add_peer(
        them.identity.public, THEIRS, endpoint=f"{hosts[1].outer_ipv4}:{them.port}", suites=[AES, CHACHA]
    )
    them.add_peer(us.identity.public, OURS, suites=[CHACHA, AES])
    us.host.set_up(us.device, *OUR_ADDRESSES)
    them.host.set_up(them.device, *THEIR_ADDRESSES)
    assert us.host.ping("10.77.0.2")
    move(us.host, them.host, "10.77.0.2", flows=4, size_bytes=1 << 20)
    move(them.host, us.host, "fd77::1", flows=4, size_bytes=1 << 20)


def _open_next(peer: ScriptedPeer, session, answers: list[bytes]) -> list[bytes]:
    datagram = peer.receive(0)
    if datagram is not None:
        answers.append(session.open(datagram))
    return answers
