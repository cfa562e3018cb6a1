# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Congestion marks across the tunnel, and what else of the outer header comes from the inner one.

Source: RFC 6040, sections 4.1 (normal mode) and 4.2.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import partial

from frame_switch import Frame
from ip_packets import CE, ECT_0, ECT_1, ETHERNET_HEADER_SIZE_BYTES, NOT_ECT, ethernet, ipv4, parse
from namespace_sockets import open_packet_socket, open_udp, receive_all
from namespaces import eventually
from switched_tunnels import FIRST, SwitchedTunnels

DSCP = 0x2E << 2
COUNT = 20
SIZE_BYTES = 500
# What the inner packet has, what the outer header has on arrival, and what comes out: None is a drop.
DECAPSULATION = [
    (NOT_ECT, NOT_ECT, NOT_ECT),
    (NOT_ECT, ECT_0, NOT_ECT),
    (NOT_ECT, ECT_1, NOT_ECT),
    (NOT_ECT, CE, None),
    (ECT_0, NOT_ECT, ECT_0),
    (ECT_0, ECT_0, ECT_0),
    (ECT_0, ECT_1, ECT_1),
    (ECT_0, CE, CE),
    (ECT_1, NOT_ECT, ECT_1),
    (ECT_1, ECT_0, ECT_1),
    (ECT_1, ECT_1, ECT_1),
    (ECT_1, CE, CE),
    (CE, NOT_ECT, CE),
    (CE, ECT_0, CE),
    (CE, ECT_1, CE),
    (CE, CE, CE),
]


def outer_mark(frame: Frame) -> int:
    """The traffic class of the outer header: DSCP and mark."""
    header = frame.data[ETHERNET_HEADER_SIZE_BYTES:]
    return header[1] if header[0] >> 4 == 4 else int.from_bytes(header[:2], "big") >> 4 & 0xFF


def marked(frame: Frame, mark: int) -> Frame:
    """The same IPv4 frame, as if a router on the way had set its mark."""
    packet = parse(frame.data[ETHERNET_HEADER_SIZE_BYTES:])
    ends = (socket.inet_ntop(socket.AF_INET, address) for address in (packet.source, packet.destination))
    again = ipv4(*ends, packet.protocol, packet.transport, tos=mark, fragment=0x4000)
    return Frame(frame.port, ethernet(frame.data[6:12], frame.data[:6], again), frame.datagram)


def test_mark_is_copied_outside(switched: SwitchedTunnels):
    """And nothing else: the class of the inner packet is nobody's business."""
    for mark in (NOT_ECT, ECT_0, ECT_1, CE):
        before = len(switched.transport_frames())
        _send(switched, DSCP | mark)
        _wait_for_frames(switched, before + COUNT)
        marks = {outer_mark(frame) for frame in switched.transport_frames()[before : before + COUNT]}
        assert marks == {mark}


def test_mark_of_the_way_comes_out_inside(switched: SwitchedTunnels):
    with open_packet_socket(switched.second.name, switched.them.device) as tun:
        for inner, outer, delivered in DECAPSULATION:
            switched.switch.policy = partial(_mark_all, outer)
            arrived: list[bytes] = []
            _send(switched, inner)
            if delivered is None:
                eventually("all are dropped", lambda: switched.them.drops()["ecn_broken"] >= COUNT)
            wanted = 0 if delivered is None else COUNT * SIZE_BYTES
            eventually("they arrive", lambda: _payload_bytes(tun, arrived) >= wanted)  # noqa: B023
            assert {packet[1] & 3 for packet in arrived} == ({delivered} if wanted else set()), (inner, outer)


def _send(switched: SwitchedTunnels, tos: int) -> None:
    with open_udp(switched.first.name, "10.77.0.1") as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        for _unused in range(COUNT):
            sender.sendto(bytes(SIZE_BYTES), ("10.77.0.2", 9))


def _mark_all(outer: int, frame: Frame) -> Iterable[Frame]:
    return (marked(frame, outer),) if frame.port == FIRST else (frame,)


def _wait_for_frames(switched: SwitchedTunnels, count: int) -> None:
    eventually("they are on the wire", lambda: len(switched.transport_frames()) >= count)


def _payload_bytes(tun: socket.socket, arrived: list[bytes]) -> int:
    """Of UDP alone; the tunnel may have joined packets of one flow."""
    arrived += [packet for packet in receive_all(tun) if packet[9] == socket.IPPROTO_UDP]
    return sum(len(packet) - 28 for packet in arrived)


def test_handshakes_carry_no_mark(switched: SwitchedTunnels):
    assert {outer_mark(frame) & 3 for frame in switched.switch.seen if frame.datagram[0] != 4} == {NOT_ECT}
