# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Every reason for which a datagram or a packet can be dropped is counted under its name."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from ip_packets import ipv4, udp
from namespace_sockets import open_packet_socket, open_udp, receive_all
from namespaces import eventually
from noise_initiator import COOKIE_REPLY, INITIATION, MACS_SIZE_BYTES, NoiseInitiator, timestamp, with_macs
from scripted_peer import ScriptedPeer
from switched_tunnels import SwitchedTunnels, refusals
from tunnel_process import Identity, TunnelProcess, preshared_key

from cladnet.core.wireguard.cookie import CookieJar
from cladnet.core.wireguard.messages import parse_cookie_reply

COUNTER_LIMIT = 2**64 - 2**13 - 1
FLOOD_COUNT = 3000


def counts(tunnel: TunnelProcess, reason: str, wanted: int = 1) -> None:
    eventually(f"{reason} is counted", lambda: tunnel.drops()[reason] >= wanted)


def test_datagrams_that_are_no_messages(switched: SwitchedTunnels):
    lengths = (4, 15, 31, 147, 149)
    datagrams = [bytes([kind, 0, 0, 0]) + bytes(length - 4) for kind in (1, 2, 3) for length in lengths]
    datagrams.append(bytes([4, 0, 0, 0]) + bytes(27))
    with ScriptedPeer(switched.third, switched.them) as peer:
        reasons = refusals(switched.them, datagrams, peer.send)
        assert reasons == {"malformed_datagram": len(datagrams)}
        assert peer.receive(0) is None


def test_strangers(switched: SwitchedTunnels):
    with ScriptedPeer(switched.third, switched.them) as peer:
        initiation = peer.noise.initiation()
        assert refusals(switched.them, [initiation[:-17] + bytes(17)], peer.send) == {"wrong_mac": 1}
        assert refusals(switched.them, [initiation], peer.send) == {"unknown_peer": 1}
        unknown = b"\x04\0\0\0" + bytes(28)
        assert refusals(switched.them, [unknown], peer.send) == {"unknown_session": 1}
        forged = with_macs(
            bytes([INITIATION]) + bytes(3) + peer.noise.initiation()[4:40] + bytes(76), _public(switched.them)
        )
        assert refusals(switched.them, [forged], peer.send) == {"not_authentic": 1}
        assert peer.receive(0) is None


def test_initiations_of_a_known_peer(switched: SwitchedTunnels):
    with ScriptedPeer(switched.third, switched.them) as peer:
        peer.let_in()
        first = peer.noise.initiation(timestamp(10**18))
        later = [peer.noise.initiation(timestamp(10**18 + number)) for number in range(1, 100)]
        peer.send(first, *later)
        counts(switched.them, "initiation_too_soon")
        peer.send(first)
        counts(switched.them, "replayed_initiation")


def test_wrong_preshared_key(switched: SwitchedTunnels):
    """The initiator finds out; the responder cannot know."""
    them = switched.them.identity.public
    switched.us.call("remove_peer", public_key=them)
    endpoint = f"{switched.second.outer_ipv4}:{switched.them.port}"
    switched.us.add_peer(them, ["10.77.0.2/32"], endpoint=endpoint, preshared_key=preshared_key())
    switched.us.call("connect", public_key=them)
    counts(switched.us, "not_authentic")


def test_inside_a_session(switched: SwitchedTunnels):
    with ScriptedPeer(switched.third, switched.them) as peer:
        peer.let_in()
        session = peer.handshake()
        once = session.seal(b"")
        peer.send(once)
        assert refusals(switched.them, [once], peer.send) == {"replayed": 1}
        forged = session.seal(b"")[:-1] + b"?"
        assert refusals(switched.them, [forged], peer.send) == {"not_authentic": 1}
        spent = session.seal(b"", COUNTER_LIMIT)
        assert refusals(switched.them, [spent], peer.send) == {"session_expired": 1}
        wrong = ipv4("10.77.0.1", "10.77.0.2", 17, udp(1, 1, b""))
        assert refusals(switched.them, [session.seal(wrong)], peer.send) == {"wrong_inner_source": 1}


def test_packets_that_are_none(switched: SwitchedTunnels):
    good = ipv4("10.77.0.9", "10.77.0.2", 17, udp(1, 1, bytes(20)))
    malformed = [
        b"x",
        b"\x45" + bytes(18),
        b"\x50" + good[1:],
        good[:-1],
        b"\x60" + bytes(38),
        b"\x0f" + good[1:],
    ]
    malformed += [good[:2] + size.to_bytes(2, "big") + good[4:] for size in (0, 19, 49, 65535)]
    with ScriptedPeer(switched.third, switched.them) as peer:
        peer.let_in()
        session = peer.handshake()
        delivered = switched.them.packets_delivered()
        reasons = refusals(switched.them, malformed, lambda packet: peer.send(session.seal(packet)))
        assert reasons == {"malformed_packet": len(malformed)}
        assert switched.them.packets_delivered() == delivered


def test_malformed_from_the_host(switched: SwitchedTunnels):
    with open_packet_socket(switched.first.name, switched.us.device) as tun:
        tun.send(b"\x45" + bytes(18))
        counts(switched.us, "malformed_packet")


def test_nowhere_to_send(switched: SwitchedTunnels):
    switched.first.run("ip", "route", "add", "10.99.0.0/24", "dev", switched.us.device)
    assert not switched.first.pings("10.99.0.1")
    counts(switched.us, "no_route")
    switched.us.add_peer(Identity.generate().public, ["10.99.0.1/32"])
    assert not switched.first.pings("10.99.0.1")
    counts(switched.us, "no_endpoint")


def test_too_many_wait_for_a_session(switched: SwitchedTunnels):
    switched.us.add_peer(Identity.generate().public, ["10.77.0.99/32"], endpoint="192.0.2.3:9")
    with open_udp(switched.first.name, "10.77.0.1") as sender:
        for _unused in range(200):
            sender.sendto(b"wait", ("10.77.0.99", 9))
    counts(switched.us, "too_many_staged", 100)
    switched.check_up()


def test_the_kernel_refuses(switched: SwitchedTunnels):
    switched.first.run("ip", "link", "set", switched.first.cable, "down")
    assert not switched.first.pings("10.77.0.2")
    counts(switched.us, "send_failed")
    switched.first.run("ip", "link", "set", switched.first.cable, "up")
    switched.second.run("ip", "link", "set", switched.them.device, "down")
    assert not switched.first.pings("10.77.0.2")
    counts(switched.them, "tun_write_failed")


def test_load(switched: SwitchedTunnels):
    """Under load a cookie is asked for; who has one gets only so many answers."""
    with ScriptedPeer(switched.third, switched.them) as peer:
        peer.let_in()
        jar = CookieJar(_public(switched.them))
        eventually("a cookie is given", lambda: _take_cookie(peer, jar, switched.them))
        counts(switched.them, "cookie_asked")
        eventually("the source is limited", lambda: _insist(peer, jar, switched.them))


def _take_cookie(peer: ScriptedPeer, jar: CookieJar, tunnel: TunnelProcess) -> bool:
    _flood(peer, tunnel)
    peer.send(jar.add_macs(_without_macs(peer.noise.initiation()), 0.0))
    counts(tunnel, "cookie_asked")
    return any(
        jar.accept(parse_cookie_reply(reply), 0.0) for reply in receive_all(peer.socket) if _is_cookie(reply)
    )


def _insist(peer: ScriptedPeer, jar: CookieJar, tunnel: TunnelProcess) -> int:
    _flood(peer, tunnel)
    for _unused in range(30):
        peer.send(jar.add_macs(_without_macs(peer.noise.initiation()), 0.0))
    return tunnel.drops()["source_too_fast"]


def _flood(peer: ScriptedPeer, tunnel: TunnelProcess) -> None:
    """More handshakes of a stranger than a tunnel wants to pay for, and all of them counted."""
    stranger = NoiseInitiator(X25519PrivateKey.generate(), _public(tunnel))
    message = _without_macs(stranger.initiation())
    numbered = [message[:4] + number.to_bytes(4, "big") + message[8:] for number in range(FLOOD_COUNT)]
    refusals(tunnel, [with_macs(each, _public(tunnel)) for each in numbered], peer.send)


def _without_macs(message: bytes) -> bytes:
    return message[:-MACS_SIZE_BYTES]


def _is_cookie(datagram: bytes) -> bool:
    return datagram[0] == COOKIE_REPLY


def _public(tunnel: TunnelProcess) -> bytes:
    return base64.b64decode(tunnel.identity.public)
