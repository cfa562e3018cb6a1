# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets that a receiver joined, forwarded by the kernel: what leaves the host is what was sealed."""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from namespace_sockets import inside
from namespaces import Namespace, remove_namespace, run_ip

from cladnet.core.offload.virtio_net import HEADER_BYTES
from cladnet.datapath.tun import TunDevice
from tests.unit.core.offload.coalesced_packets import (
    ACK,
    CWR,
    ECE,
    PSH,
    UDP,
    Packet,
    stream,
    without_meaningless_id,
)
from tests.unit.datapath.receiving_end import ReceivingEnd

_TUNSETOFFLOAD = 0x400454D0
QUIET_S = 0.05
DEVICES = ("in", "out")
SETTINGS = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0")
IPV4_SOURCE, IPV6_SOURCE = bytes([10, 0, 0, 1]), b"\xfd" + bytes(14) + b"\1"
OPTIONS = b"\1\1\x08\x0a" + bytes(range(8))
LONG = Packet(payload=bytes(range(256)) * 5, options=OPTIONS)
FIRSTS = {
    "TCP": LONG,
    "TCP, odd size": replace(LONG, payload=LONG.payload[:-3]),
    "TCP, may be fragmented": replace(LONG, fragment=0, identification=65530),
    "TCP, sequence wraps": replace(LONG, sequence=2**32 - 5000),
    "TCP, CWR first": replace(LONG, flags=ACK | CWR, tos=2),
    "TCP, ECE": replace(LONG, flags=ACK | ECE, tos=2),
    "TCP over IPv6": replace(LONG, version=6, flow_label=0x12345, tos=0xB8),
    "UDP": Packet(protocol=UDP, payload=b"y" * 64),
    "UDP, odd size": Packet(protocol=UDP, payload=b"y" * 77),
    "UDP over IPv6": Packet(protocol=UDP, payload=b"y" * 1200, version=6),
}


@dataclass
class Router:
    """A host whose packets come from a receiver, and leave through a device that takes none in bulk."""

    receiving: ReceivingEnd
    way_out: int

    def forward(self, packets: list[Packet], *, glued: bool) -> list[bytes]:
        """Seals packets and sends them; gives what left the host."""
        sender = self.receiving.sender
        datagrams = [sender.seal(packet.bytes()) for packet in packets]
        sender.send_glued(datagrams) if glued else sender.send(*datagrams)
        self.receiving.run()
        return self._left()

    def _left(self) -> list[bytes]:
        packets = []
        while select.select([self.way_out], [], [], QUIET_S)[0]:
            read = os.read(self.way_out, 1 << 16)
            assert read[:HEADER_BYTES] == bytes(HEADER_BYTES)
            packets.append(read[HEADER_BYTES:])
        return [packet for packet in packets if packet[12:16] == IPV4_SOURCE or packet[8:24] == IPV6_SOURCE]


@pytest.fixture(scope="module")
def router(tun_driver: None) -> Iterator[Router]:
    host = Namespace(f"cladrx{os.getpid()}", "", "", "")
    with ExitStack() as stack:
        run_ip("netns", "add", host.name)
        stack.callback(remove_namespace, host.name)
        way_in, way_out = (
            inside(host.name, lambda name=name: TunDevice.open(name, 1420)) for name in DEVICES
        )
        stack.callback(way_in.close)
        stack.callback(way_out.close)
        fcntl.ioctl(way_out.queues[0], _TUNSETOFFLOAD, 0)
        for device in DEVICES:
            host.set_up(device)
        for setting in SETTINGS:
            host.run("sysctl", "-qw", setting)
        host.run("ip", "route", "add", "10.0.0.2/32", "dev", "out")
        host.run("ip", "route", "add", "fd00::2/128", "dev", "out")
        receiving = ReceivingEnd()
        stack.callback(receiving.close)
        receiving.receiver.tun = way_in.queues[0]
        yield Router(receiving, way_out.queues[0])


@pytest.mark.parametrize("first", FIRSTS.values(), ids=FIRSTS)
@pytest.mark.parametrize("last", ["full", "short", "pushed"])
@pytest.mark.parametrize("glued", [True, False])
def test_what_leaves_is_what_was_sealed(router: Router, first: Packet, last: str, glued: bool):
    packets = stream(first, 40)
    if last == "short":
        packets[-1] = replace(packets[-1], payload=packets[-1].payload[:-5])
    if last == "pushed":
        packets[-1] = replace(packets[-1], flags=packets[-1].flags | PSH)
    left = router.forward(packets, glued=glued)
    assert list(map(without_meaningless_id, left)) == a_hop_later(packets)


@pytest.mark.parametrize("broken", [0, 5, 39])
def test_what_is_broken_leaves_broken(router: Router, broken: int):
    packets = stream(LONG, 40)
    packets[broken] = replace(packets[broken], checksum_error=1)
    left = router.forward(packets, glued=True)
    assert list(map(without_meaningless_id, left)) == a_hop_later(packets)


def a_hop_later(packets: list[Packet]) -> list[bytes]:
    return [without_meaningless_id(replace(packet, ttl=packet.ttl - 1).bytes()) for packet in packets]
