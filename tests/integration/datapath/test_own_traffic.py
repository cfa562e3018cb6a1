# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a host itself sends through the tunnel, seen where it leaves the other one: all sums are right.

Its network stack leaves checksums and segments to the device, so here somebody has to finish them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from forwarding_chain import END_ADDRESSES, END_ADDRESSES_IPV6, LEFT, RIGHT, Chain, forwarding_chain
from ip_packets import IpPacket, is_sound, packet_of
from many_flows import move
from namespace_sockets import open_packet_socket, open_socket, receive_all
from namespaces import Namespace, eventually
from tunnel_process import MTU

SIZE_BYTES = 3_000_000
UDP_SEGMENT = 103
SO_NO_CHECK = 11
SEGMENT_SIZE_BYTES = 1300
PORT = 5005


@pytest.fixture(scope="module")
def chain(tun_driver: None) -> Iterator[Chain]:
    with forwarding_chain(tunnelled=True) as made:
        yield made


@pytest.mark.parametrize("end", END_ADDRESSES[1:] + END_ADDRESSES_IPV6[1:])
def test_udp_in_bulk(chain: Chain, end: str):
    """An application hands over many datagrams at once; the kernel may leave the cutting to the device."""
    data = bytes(range(256)) * 200
    with _sender(chain.routers[LEFT], end) as sender:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT_SIZE_BYTES)
        sender.sendto(data, (end, PORT))
    arrived: list[IpPacket] = []
    wanted = -(-len(data) // SEGMENT_SIZE_BYTES)
    eventually("all datagrams have arrived", lambda: len(_collect(chain, arrived)) >= wanted)
    assert len(arrived) == wanted
    assert all(is_sound(packet) for packet in arrived)
    assert b"".join(packet.transport[8:] for packet in arrived) == data


@pytest.mark.parametrize("size_bytes", [0, 1, 999, MTU - 28])
def test_udp_without_checksum(chain: Chain, size_bytes: int):
    with _sender(chain.routers[LEFT], END_ADDRESSES[RIGHT]) as sender:
        sender.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        sender.sendto(bytes(size_bytes), (END_ADDRESSES[RIGHT], PORT))
    arrived: list[IpPacket] = []
    eventually("it has arrived", lambda: _collect(chain, arrived))
    assert [packet.transport[6:] for packet in arrived] == [bytes(2 + size_bytes)]


@pytest.mark.parametrize("address", ["10.82.0.2/24", "fd82::2/64"])
def test_tcp(chain: Chain, address: str):
    """A real connection to a host behind the other router; every packet is looked at on its last leg."""
    right = chain.routers[RIGHT]
    end = Namespace(f"{right.name}e", "end", "", "")
    end.run("sysctl", "-qw", "net.ipv6.conf.end.disable_ipv6=0")
    end.set_up("lo")
    end.set_up("end", address)
    gateway = "fd82::1" if ":" in address else "10.82.0.1"
    end.run("ip", "route", "add", "default", "via", gateway)
    with open_packet_socket(end.name, "end") as watching:
        move(chain.routers[LEFT], end, address.partition("/")[0], flows=2, size_bytes=SIZE_BYTES // 2)
        packets = [packet for packet in _packets(watching) if packet.protocol == socket.IPPROTO_TCP]
    assert sum(len(packet.transport) for packet in packets) > SIZE_BYTES
    assert all(is_sound(packet) for packet in packets)
    assert max(len(packet.whole) for packet in packets) == MTU


def _sender(host: Namespace, to: str) -> socket.socket:
    return open_socket(host.name, socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)


def _collect(chain: Chain, arrived: list[IpPacket]) -> list[IpPacket]:
    arrived += [packet for packet in chain.receive(RIGHT) if packet.protocol == socket.IPPROTO_UDP]
    return arrived


def _packets(watching: socket.socket) -> Iterator[IpPacket]:
    return (packet for frame in receive_all(watching) if (packet := packet_of(frame)))
