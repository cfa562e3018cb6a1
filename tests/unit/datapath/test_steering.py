# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which socket of the port gets what, as the kernel does it, over the loopback interface."""

from __future__ import annotations

import select
import socket
import struct
from contextlib import closing

import pytest

from cladnet.datapath.steering import worker_of
from cladnet.datapath.udp import UdpSocket

WORKERS = 3
TIMEOUT_S = 5.0


def transport(receiver_index: int) -> bytes:
    return struct.pack("<IIQ", 4, receiver_index, 0) + bytes(16)


def where_it_goes(port: UdpSocket, datagram: bytes) -> int:
    """The worker that gets a datagram; -1 for the first socket."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.sendto(datagram, ("127.0.0.1", port.port))
    places = {port.fileno(): -1} | {opened.fileno(): n for n, opened in enumerate(port.workers)}
    ready, _unused, _unused = select.select(list(places), [], [], TIMEOUT_S)
    [descriptor] = ready
    with closing(socket.socket(fileno=socket.dup(descriptor))) as taker:
        assert taker.recv(2048) == datagram
    return places[descriptor]


@pytest.mark.parametrize("receiver_index", [0, 1, 2, 3, 254, 255, 256, 0x80000001, 0xFFFFFFFF])
def test_transport_messages_go_to_the_worker_of_their_session(receiver_index: int):
    with closing(UdpSocket.bind(0, WORKERS)) as port:
        assert where_it_goes(port, transport(receiver_index)) == worker_of(receiver_index, WORKERS)


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(bytes([1, 0, 0, 0]) + bytes(144), id="initiation"),
        pytest.param(bytes([2, 0, 0, 0]) + bytes(88), id="response"),
        pytest.param(bytes([3, 0, 0, 0]) + bytes(60), id="cookie reply"),
        pytest.param(struct.pack(">HHI12s", 1, 0, 0x2112A442, bytes(12)), id="STUN"),
        pytest.param(b"\xff", id="one byte"),
        pytest.param(b"\4", id="a transport message that is cut before its number"),
    ],
)
def test_all_others_go_to_the_first_socket(datagram: bytes):
    with closing(UdpSocket.bind(0, WORKERS)) as port:
        assert where_it_goes(port, datagram) == -1


def test_kernel_that_cannot_steer(monkeypatch: pytest.MonkeyPatch):
    """One worker gets everything then, and hands over what is not its own."""

    def refuse(_group: socket.socket, _workers: int) -> None:
        raise OSError(92, "Protocol not available")

    monkeypatch.setattr("cladnet.datapath.steering.attach", refuse)
    with closing(UdpSocket.bind(0, WORKERS)) as port:
        assert not port.is_steered
        [worker] = port.workers
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
            other.sendto(transport(7), ("127.0.0.1", port.port))
        assert select.select([worker], [], [], TIMEOUT_S)[0]
        assert worker.recv(2048) == transport(7)
