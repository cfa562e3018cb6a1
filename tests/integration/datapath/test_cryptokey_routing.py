# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Who may send what, and from where: inner sources belong to a key, outer ones to who proves to be new."""

from __future__ import annotations

import socket

import pytest
from inner_stream import inner_stream
from ip_packets import ipv4, ipv6, summed, udp
from namespace_sockets import open_udp, receive_all
from namespaces import eventually
from noise_initiator import Session
from scripted_peer import ScriptedPeer
from switched_tunnels import SwitchedTunnels, refusals

MEMBER = "10.77.0.9"
MEMBER_IPV6 = "fd77::9"
PORT = 4242
# Whatever a member may claim to be.
WRONG_SOURCES = (
    "10.77.0.1",  # another member
    "10.77.0.2",  # the receiver itself
    "10.77.0.8",
    "10.77.0.255",
    "255.255.255.255",
    "0.0.0.0",  # noqa: S104 - an address in a packet
    "127.0.0.1",
    "224.0.0.1",
    "169.254.1.1",
    "192.0.2.2",  # its outer address
    "8.8.8.8",
)
WRONG_SOURCES_IPV6 = ("fd77::1", "fd77::2", "fd77::9", "::", "::1", "ff02::1", "fe80::1", "::ffff:10.77.0.9")


def packet(source: str, destination: str) -> bytes:
    """A UDP packet, IPv4 or IPv6."""
    datagram = summed(source, destination, socket.IPPROTO_UDP, udp(PORT, PORT, b"from " + source.encode()))
    build = ipv6 if ":" in source else ipv4
    return build(source, destination, socket.IPPROTO_UDP, datagram)


def test_wrong_inner_sources(switched: SwitchedTunnels):
    with ScriptedPeer(switched.third, switched.them, inner=f"{MEMBER}/32") as member:
        member.let_in()
        session = member.handshake()
        packets = [packet(source, "10.77.0.2") for source in WRONG_SOURCES]
        packets += [packet(source, "fd77::2") for source in WRONG_SOURCES_IPV6]
        delivered = switched.them.packets_delivered()
        reasons = refusals(switched.them, packets, lambda wrong: member.send(session.seal(wrong)))
        assert reasons == {"wrong_inner_source": len(packets)}
        assert switched.them.packets_delivered() == delivered
        _check_own_source_arrives(switched, member, session)
    switched.check_up()


def _check_own_source_arrives(switched: SwitchedTunnels, member: ScriptedPeer, session: Session) -> None:
    with open_udp(switched.second.name, "10.77.0.2", PORT) as receiver:
        member.send(session.seal(packet(MEMBER, "10.77.0.2")))
        arrived: list[bytes] = []
        eventually("its own source arrives", lambda: arrived.extend(receive_all(receiver)) or arrived)
        assert arrived == [b"from " + MEMBER.encode()]


def test_no_member_gets_what_is_for_another(switched: SwitchedTunnels):
    """A third member has a session, too; the packets for the second reach the second alone."""
    with ScriptedPeer(switched.third, switched.us) as member:
        member.let_in(endpoint=member.endpoint)
        session = member.handshake()
        with inner_stream(switched.first, switched.second) as stream:
            stream.pump(1000)
            assert stream.arrived == list(range(1000))
        received = []
        while datagram := member.receive(0):
            received.append(datagram)
        assert [session.open(datagram) for datagram in received if datagram[0] == 4] == [b""] * len(received)


def test_most_specific_network_wins_and_moves_at_once(switched: SwitchedTunnels):
    with ScriptedPeer(switched.third, switched.us, inner="10.77.0.0/24") as member:
        member.let_in(endpoint=member.endpoint)
        member.handshake()
        assert switched.first.ping("10.77.0.2")
        switched.us.add_peer(member.public, ["10.77.0.2/32"], endpoint=member.endpoint)
        assert not switched.first.pings("10.77.0.2")
        assert member.receive() is not None
        endpoint = f"{switched.second.outer_ipv4}:{switched.them.port}"
        switched.us.add_peer(switched.them.identity.public, ["10.77.0.2/32"], endpoint=endpoint)
        assert switched.first.ping("10.77.0.2")


@pytest.mark.parametrize("address", ["192.0.2.3", "2001:db8::3"])
def test_authentic_datagram_from_another_place_moves_the_endpoint(switched: SwitchedTunnels, address: str):
    us, them = switched.us, switched.them
    to = switched.second.outer_ipv6 if ":" in address else switched.second.outer_ipv4
    with (
        inner_stream(switched.first, switched.second) as stream,
        open_udp(switched.third.name, address) as third,
    ):
        frame = switched.hold_one(stream)
        third.sendto(frame.datagram, (to, them.port))
        eventually("the packet has arrived", lambda: stream.arrived == [0])
        host = f"[{address}]" if ":" in address else address
        assert them.endpoint_of(us.identity.public) == f"{host}:{third.getsockname()[1]}"
        stream.pump(1)
        assert them.endpoint_of(us.identity.public) == f"{switched.first.outer_ipv4}:{us.port}"


def test_nothing_else_moves_the_endpoint(switched: SwitchedTunnels):
    """Replayed, changed and foreign datagrams from another place, and initiations of another time."""
    us, them = switched.us, switched.them
    with inner_stream(switched.first, switched.second) as stream:
        stream.pump(100)
        new = switched.hold_one(stream).datagram
    datagrams = [frame.datagram for frame in switched.switch.seen if frame.port == 0][:-1]
    datagrams += [new[:-1] + bytes([new[-1] ^ 1]), new[:40], b"hello", bytes(1000)]
    with open_udp(switched.third.name, switched.third.outer_ipv4) as third:
        to = (switched.second.outer_ipv4, them.port)
        refusals(them, datagrams, lambda datagram: third.sendto(datagram, to))
        assert them.endpoint_of(us.identity.public) == f"{switched.first.outer_ipv4}:{us.port}"
        assert receive_all(third) == []
    switched.check_up()
