# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the kernel hands to a real device with offloads, sent and opened: packets with the right checksums."""

from __future__ import annotations

import errno
import os
import random
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from namespace_sockets import inside, open_offloading_socket
from namespaces import Namespace, remove_namespace, run_ip

from cladnet.core.icmp import internet_checksum
from cladnet.core.ip.headers import find_transport
from cladnet.core.wireguard.suite import SUITES, Suite
from cladnet.datapath.tun import TunDevice
from tests.unit.core.offload.coalesced_packets import ACK, CWR, PSH, UDP, Packet
from tests.unit.core.offload.super_packets import SuperPacket, same_checksum_of_zero
from tests.unit.datapath.sending_end import ENOUGH_READS, MTU_BYTES, NOW_S, SendingEnd

UDP_SEGMENT, IP_MTU_DISCOVER, PMTUDISC_DO = 103, 10, 2
THERE = {socket.AF_INET: "10.0.0.2", socket.AF_INET6: "fd00::2"}
DEADLINE_S, QUIET_S = 5.0, 0.05
DEVICE = "out"
LONG = Packet(payload=bytes(range(250)) * 200, flags=ACK | PSH)


@dataclass
class SendingHost:
    """A host whose device is read by a sender."""

    namespace: str
    device: TunDevice
    end: SendingEnd

    def udp(self, family: int) -> socket.socket:
        opened = inside(self.namespace, lambda: socket.socket(family, socket.SOCK_DGRAM))
        opened.connect((THERE[family], 9))
        return opened

    def sent(self) -> list[bytes]:
        """What left the host, without what its kernel sends by itself."""
        packets: list[bytes] = []
        while select.select([self.device.queues[0]], [], [], QUIET_S if packets else DEADLINE_S)[0]:
            assert self.end.sender.run(ENOUGH_READS, NOW_S) < ENOUGH_READS
            packets += [packet for packet in self.end.remote.packets() if is_for_peer(packet)]
        return packets


def is_for_peer(packet: bytes) -> bool:
    return packet[16:20] == bytes([10, 0, 0, 2]) or packet[24:40] == socket.inet_pton(
        socket.AF_INET6, THERE[socket.AF_INET6]
    )


@pytest.fixture(params=SUITES, ids=[suite.name for suite in SUITES])
def host(request: pytest.FixtureRequest, tun_driver: None) -> Iterator[SendingHost]:
    suite: Suite = request.param
    namespace = Namespace(f"cladtx{os.getpid()}", "", "", "")
    with ExitStack() as stack:
        run_ip("netns", "add", namespace.name)
        stack.callback(remove_namespace, namespace.name)
        device = inside(namespace.name, lambda: TunDevice.open(DEVICE, MTU_BYTES))
        stack.callback(device.close)
        namespace.set_up(DEVICE, "10.0.0.1/16", "fd00::1/32")
        end = SendingEnd(suite)
        stack.callback(end.close)
        end.sender.tun = device.queues[0]
        yield SendingHost(namespace.name, device, end)


def payload_of(packet: bytes) -> bytes:
    """The payload of a UDP packet whose lengths and checksums are right."""
    transport = find_transport(packet)
    assert transport is not None
    assert transport.end == len(packet)
    message = packet[transport.start :]
    addresses = packet[12:20] if transport.version == 4 else packet[8:40]
    assert transport.version == 6 or internet_checksum(packet[: transport.start]) == 0
    assert internet_checksum(addresses + struct.pack("!II", len(message), UDP) + message) == 0
    assert int.from_bytes(message[4:6], "big") == len(message)
    return message[8:]


@pytest.mark.parametrize("family", list(THERE))
@pytest.mark.parametrize("size", [1, 333, 1000, 1372])
def test_segments_of_a_udp_socket(host: SendingHost, family: int, size: int) -> None:
    payload = random.Random(size).randbytes(size * 20 - size // 2)  # noqa: S311
    if family == socket.AF_INET6 and size > 1352:
        payload, size = payload[:20_000], 1352
    with host.udp(family) as udp:
        udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        udp.send(payload)
        sent = [payload_of(packet) for packet in host.sent()]
    assert sent == [payload[at : at + size] for at in range(0, len(payload), size)]


@pytest.mark.parametrize("family", list(THERE))
def test_datagrams_of_all_sizes_in_order(host: SendingHost, family: int) -> None:
    payloads = [random.Random(size).randbytes(size * 7 % 1350) for size in range(150)]  # noqa: S311
    with host.udp(family) as udp:
        for payload in payloads:
            udp.send(payload)
        assert [payload_of(packet) for packet in host.sent()] == payloads


@pytest.mark.parametrize(
    "made",
    [
        SuperPacket(LONG, 1368),
        SuperPacket(replace(LONG, options=bytes(12), identification=65530, fragment=0), 1000),
        SuperPacket(replace(LONG, flags=ACK | PSH | CWR, tos=2), 1368),
        SuperPacket(replace(LONG, version=6, flow_label=5), 1348),
    ],
    ids=["IPv4", "options, may be fragmented", "CWR", "IPv6"],
)
def test_super_packets_of_tcp(host: SendingHost, made: SuperPacket) -> None:
    made = replace(made, hdr_len=made.transport_start + 20 + len(made.whole.options))
    with open_offloading_socket(host.namespace, DEVICE) as inject:
        for _unused in range(3):
            inject.send(made.read())
    expected = [same_checksum_of_zero(packet, made.transport_start) for packet in made.segments()] * 3
    assert [same_checksum_of_zero(packet, made.transport_start) for packet in host.sent()] == expected


def test_the_kernel_learns_what_the_path_carries(host: SendingHost) -> None:
    host.end.peer.path_mtu_bytes = 1300
    with host.udp(socket.AF_INET) as udp:
        udp.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
        udp.send(bytes(1350))
        udp.send(bytes(10))
        assert [len(packet) for packet in host.sent()] == [38]
        with pytest.raises(OSError) as refused:
            udp.send(bytes(1350))
    assert refused.value.errno == errno.EMSGSIZE


def test_a_deleted_device_is_told(host: SendingHost) -> None:
    run_ip("-n", host.namespace, "link", "delete", DEVICE)
    with pytest.raises(OSError) as gone:
        host.end.run()
    assert gone.value.errno == errno.EBADFD
