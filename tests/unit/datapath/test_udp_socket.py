# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tunnel's socket, over the loopback interface."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from contextlib import closing

import pytest

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import Conflict, InvalidInput
from cladnet.datapath import udp
from cladnet.datapath.udp import SocketAddress, UdpSocket, endpoint_of

TIMEOUT_S = 5.0


@pytest.fixture(params=["both", "ipv4-only"])
def bound(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[UdpSocket]:
    if request.param == "ipv4-only":
        monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    opened = UdpSocket.bind(0)
    yield opened
    opened.close()


def receive(opened: UdpSocket) -> tuple[bytes, Endpoint | None]:
    assert select.select([opened], [], [], TIMEOUT_S)[0], "nothing came"
    received = opened.receive()
    assert received is not None
    return received


def test_speaks_of_ipv4_endpoints_as_such(bound: UdpSocket):
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(TIMEOUT_S)
        other.sendto(b"question", ("127.0.0.1", bound.port))
        datagram, source = receive(bound)
        assert (datagram, source) == (b"question", Endpoint("127.0.0.1", other.getsockname()[1]))
        assert source is not None
        bound.send(b"answer", source)
        assert other.recvfrom(100) == (b"answer", ("127.0.0.1", bound.port))


def test_speaks_ipv6():
    with (
        closing(UdpSocket.bind(0)) as bound,
        closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as other,
    ):
        if bound.families == "IPv4":
            pytest.skip("this kernel has no IPv6")
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.skip("the loopback interface has no IPv6 address here")
        bound.send(b"to you", Endpoint("::1", other.getsockname()[1]))
        assert other.recvfrom(100)[0] == b"to you"
        other.sendto(b"to me", ("::1", bound.port))
        assert receive(bound) == (b"to me", Endpoint("::1", other.getsockname()[1]))


def test_says_when_there_is_nothing(bound: UdpSocket):
    assert bound.receive() is None


def test_empty_datagram_is_not_nothing(bound: UdpSocket):
    bound.send(b"", Endpoint("127.0.0.1", bound.port))
    assert receive(bound)[0] == b""


def test_buffers_hold_a_burst(bound: UdpSocket):
    for number in range(500):
        bound.send(b"\1" + bytes([number % 256]) * 1400, Endpoint("127.0.0.1", bound.port))
    assert [receive(bound)[0][1] for _unused in range(500)] == [number % 256 for number in range(500)]


def test_ipv6_over_an_ipv4_socket_is_an_os_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with closing(UdpSocket.bind(0)) as opened, pytest.raises(OSError):
        opened.send(b"x", Endpoint("2001:db8::1", 1))


def test_memory_of_sources_is_bounded(bound: UdpSocket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(udp, "_MAX_KNOWN_SOURCES", 3)
    for port in range(1, 20):
        bound._remember(("127.0.0.1", port))
        assert len(bound._sources) <= 3


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("192.0.2.1", 5), "192.0.2.1:5"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1:5"),
        (("2001:db8::1", 5, 0, 0), "[2001:db8::1]:5"),
        (("fe80::1", 5, 0, 3), "[fe80::1%3]:5"),
        (("fe80::1%eth0", 5, 0, 3), "[fe80::1%3]:5"),
        (("192.0.2.1", 0), "None"),
    ],
)
def test_endpoint_of_a_socket_address(address: SocketAddress, expected: str):
    assert str(endpoint_of(address)) == expected


def test_port_in_use(bound: UdpSocket):
    with pytest.raises(Conflict, match=f"UDP port {bound.port} is in use"):
        UdpSocket.bind(bound.port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_no_such_port(port: int):
    with pytest.raises(InvalidInput, match=str(port)):
        UdpSocket.bind(port)


def test_takes_apart_what_the_kernel_glued():
    """Over the loopback interface, segments that were sent together stay together."""
    with (
        closing(UdpSocket.bind(0)) as bound,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other,
    ):
        segments = [b"\1" + bytes([number]) * 9 for number in range(7)] + [b"\1last"]
        segment_size = (socket.IPPROTO_UDP, 103, struct.pack("=H", 10))
        other.sendmsg([b"".join(segments)], [segment_size], 0, ("127.0.0.1", bound.port))
        assert [receive_one(bound) for _unused in segments] == segments
        assert bound.receive() is None


def receive_one(opened: UdpSocket) -> bytes:
    received = opened.receive()
    return receive(opened)[0] if received is None else received[0]
