# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How many system calls it takes to send, and what happens when the kernel refuses."""

from __future__ import annotations

import errno
import logging
import os
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sending_end import NOW_S, SendingEnd

from cladnet.core.endpoint import Endpoint
from cladnet.core.offload.virtio_net import NO_OFFLOAD
from cladnet.core.wireguard.drops import Drop
from tests.unit.core.offload.coalesced_packets import UDP, Packet
from tests.unit.core.offload.super_packets import SuperPacket

UDP_SEGMENT = 103
STREAM = SuperPacket(Packet(payload=bytes(range(251)) * 200), 1300)


class Kernel:
    """A socket whose system calls are counted and may be refused."""

    def __init__(self) -> None:
        self.segmented = self.single = 0
        self.refuse: Callable[[bool, int], int] = lambda is_segmented, size_bytes: 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.udp, name)

    def sendmsg(
        self, buffers: list[memoryview], ancillary: list[tuple[int, int, bytes]], flags: int, to: object
    ) -> int:
        is_segmented = any(kind == UDP_SEGMENT for _level, kind, _data in ancillary)
        self.segmented += is_segmented
        self.single += not is_segmented
        error = self.refuse(is_segmented, sum(map(len, buffers)))
        if error:
            raise OSError(error, os.strerror(error))
        return self.udp.sendmsg(buffers, ancillary, flags, to)

    def wrap(self, udp: socket.socket) -> socket.socket:
        self.udp = udp
        return self  # type: ignore[return-value]


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def end(kernel: Kernel) -> Iterator[SendingEnd]:
    with closing(SendingEnd(wrap=kernel.wrap)) as sending:
        yield sending


@contextmanager
def refused(kernel: Kernel, when: Callable[[bool, int], int]) -> Iterator[None]:
    before, kernel.refuse = kernel.refuse, when
    yield
    kernel.refuse = before


def test_a_super_packet_is_one_system_call(end: SendingEnd, kernel: Kernel):
    end.queue_reads(STREAM.read(), STREAM.read())
    end.run()
    assert (kernel.segmented, kernel.single) == (2, 0)


def test_more_segments_than_one_call_carries(end: SendingEnd, kernel: Kernel):
    made = SuperPacket(Packet(payload=bytes(range(250)) * 20), 50)
    end.queue_reads(made.read())
    end.run()
    assert kernel.segmented == 2
    assert end.remote.packets() == made.segments()


def test_packets_of_one_length_are_one_system_call(end: SendingEnd, kernel: Kernel):
    end.queue(*[Packet().bytes()] * 64)
    end.run()
    assert (kernel.segmented, kernel.single) == (1, 0)


def test_long_packets_are_as_few_system_calls_as_possible(end: SendingEnd, kernel: Kernel):
    end.queue(*[Packet(payload=bytes(1300)).bytes()] * 64)
    end.run()
    assert kernel.segmented == 2
    assert len(end.remote.packets()) == 64


def test_a_mixture_of_64_flows_needs_few_system_calls(end: SendingEnd, kernel: Kernel):
    flows = [Packet(protocol=UDP, ports=(n, 9), payload=bytes(64 + 17 * n)) for n in range(64)]
    end.queue(*[flow.bytes() for flow in random.Random(1).sample(flows, 64)])  # noqa: S311
    end.run()
    assert kernel.segmented + kernel.single <= 16
    assert len(end.remote.packets()) == 64


@pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL])
def test_without_segmentation_everything_is_sent_singly(
    end: SendingEnd, kernel: Kernel, error: int, caplog: pytest.LogCaptureFixture
):
    with (
        refused(kernel, lambda is_segmented, _size: error if is_segmented else 0),
        caplog.at_level(logging.INFO),
    ):
        for _unused in range(3):
            end.queue_reads(STREAM.read(), *[NO_OFFLOAD + Packet(version=6).bytes()] * 10)
            end.run()
            assert end.remote.packets() == STREAM.segments() + [Packet(version=6).bytes()] * 10
    assert kernel.segmented == 1
    assert (len(caplog.records), end.drops()) == (1, {})


def test_another_way_may_have_segmentation_again(end: SendingEnd, kernel: Kernel):
    with refused(kernel, lambda is_segmented, _size: errno.EIO if is_segmented else 0):
        end.queue_reads(STREAM.read())
        end.run()
    end.peer.move_to(end.remote.endpoint)
    kernel.single = 0
    end.queue_reads(STREAM.read())
    end.run()
    assert (kernel.segmented, kernel.single) == (2, 0)


def test_datagrams_that_do_not_fit_say_nothing_about_segmentation(end: SendingEnd, kernel: Kernel):
    def too_long(is_segmented: bool, size_bytes: int) -> int:
        if is_segmented:
            return errno.EINVAL
        return errno.EMSGSIZE if size_bytes > 1000 else 0

    with refused(kernel, too_long):
        end.queue_reads(SuperPacket(Packet(payload=bytes(13_000)), 1300).read())
        end.run()
    assert end.drops() == {Drop.SEND_FAILED: 10}
    kernel.single = 0
    end.queue_reads(STREAM.read())
    end.run()
    assert kernel.single == 0
    assert end.remote.packets() == STREAM.segments()


def test_errors_are_counted_and_logged_once(
    end: SendingEnd, kernel: Kernel, caplog: pytest.LogCaptureFixture
):
    with refused(kernel, lambda _is_segmented, _size: errno.ENETUNREACH), caplog.at_level(logging.INFO):
        end.queue(*[Packet().bytes()] * 10, *[Packet(payload=b"").bytes()] * 3)
        end.run()
    assert end.drops() == {Drop.SEND_FAILED: 13}
    assert len(caplog.records) == 1
    assert end.peer.traffic.counts[0] == 0


def test_a_full_socket_is_waited_for_once(end: SendingEnd, kernel: Kernel):
    answers = [errno.EAGAIN]
    with refused(kernel, lambda _is_segmented, _size: answers.pop() if answers else 0):
        end.queue_reads(STREAM.read())
        end.run()
    assert kernel.segmented == 2
    assert end.remote.packets() == STREAM.segments()


def test_a_socket_that_stays_full_loses_datagrams_only(end: SendingEnd, kernel: Kernel):
    with refused(kernel, lambda _is_segmented, _size: errno.EAGAIN):
        end.queue_reads(STREAM.read())
        end.run()
    assert end.drops() == {Drop.SEND_FAILED: len(STREAM.segments())}
    end.queue_reads(STREAM.read())
    end.run()
    assert end.remote.packets() == STREAM.segments()


def test_nobody_knows_where_the_peer_is(end: SendingEnd):
    end.peer.move_to(None)
    end.queue_reads(STREAM.read(), NO_OFFLOAD + Packet().bytes())
    end.run()
    assert end.drops() == {Drop.NO_ENDPOINT: len(STREAM.segments()) + 1}


def test_the_device_of_a_link_local_address_is_gone(end: SendingEnd):
    end.peer.move_to(Endpoint("fe80::1%nosuchdevice", 9))
    end.queue(Packet().bytes())
    end.run()
    assert sum(end.drops().values()) == 1


def test_a_peer_that_moved_is_reached_at_its_new_place(end: SendingEnd):
    with closing(SendingEnd()) as other:
        end.queue(Packet().bytes())
        end.run()
        end.peer.move_to(other.remote.endpoint)
        end.queue(Packet(version=6).bytes())
        end.run()
        assert end.remote.packets() == [Packet().bytes()]
        assert other.remote.packets() == [Packet(version=6).bytes()]


def test_keepalives_are_sent(end: SendingEnd):
    end.forwarder.send_keepalive(end.peer, NOW_S)
    end.sender.send_pending(NOW_S)
    end.sender.send_pending(NOW_S)
    assert end.remote.packets() == [b""]
