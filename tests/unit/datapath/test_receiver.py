# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Datagrams through a real UDP socket, and what becomes of them."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from receiving_end import EXPIRES_S, KEY, LOCAL_INDEX, NOW_S, Peer, ReceivingEnd

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.events import Active, Foreign, Proven, Roamed
from cladnet.core.forwarding.traffic import LAST_RECEIVED, OWES_SINCE, RX_BYTES
from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.suite import SUITES, Suite
from tests.unit.core.offload.coalesced_packets import UDP, Packet, cut, stream, without_meaningless_id

CE, ECT_0 = 3, 2
LONG = Packet(payload=b"x" * 1300)
HANDSHAKE = b"\2\0\0\0" + bytes(88)


@pytest.fixture(params=SUITES, ids=[suite.name for suite in SUITES])
def end(request: pytest.FixtureRequest) -> Iterator[ReceivingEnd]:
    suite: Suite = request.param
    receiving = ReceivingEnd(suite)
    yield receiving
    receiving.close()


def packets_of(delivered: list[bytes]) -> list[bytes]:
    return [without_meaningless_id(packet) for one in delivered for packet in cut(one)]


def expected(packets: list[Packet]) -> list[bytes]:
    return [without_meaningless_id(packet.bytes()) for packet in packets]


def send(end: ReceivingEnd, packets: list[Packet], *, glued: bool) -> list[bytes]:
    """Seals packets of one size and sends them; gives what was sent."""
    datagrams = [end.sender.seal(packet.bytes()) for packet in packets]
    end.sender.send_glued(datagrams) if glued else end.sender.send(*datagrams)
    return datagrams


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 1300])
def test_one_packet_without_its_padding(end: ReceivingEnd, version: int, size: int):
    packet = Packet(version=version, protocol=UDP, payload=b"y" * size)
    send(end, [packet], glued=False)
    assert packets_of(end.run()) == expected([packet])
    assert end.drops() == {}


@pytest.mark.parametrize("glued", [True, False])
@pytest.mark.parametrize("count", [2, 5, 6, 40])
def test_a_stream_is_delivered_with_one_write(end: ReceivingEnd, count: int, glued: bool):
    packets = stream(LONG, count)
    send(end, packets, glued=glued)
    delivered = end.run()
    assert len(delivered) == 1
    assert packets_of(delivered) == expected(packets)


@pytest.mark.parametrize("glued", [True, False])
def test_flows_and_sizes_in_any_mixture(end: ReceivingEnd, glued: bool):
    """Ten calls of ten datagrams each, so that some are rows and some are not."""
    flows = [stream(Packet(ports=(port, 9), payload=b"z" * (100 + port)), 20) for port in range(5)]
    order = [flow.pop(0) for flow in random.Random(1).sample(flows * 20, 100)]  # noqa: S311
    for first in range(0, 100, 10):
        batch = order[first : first + 10]
        if glued:
            for packet in batch:
                end.sender.send_glued([end.sender.seal(packet.bytes())])
        else:
            send(end, batch, glued=False)
    came = packets_of(end.run())
    assert sorted(came) == sorted(expected(order))
    for port in range(5):
        ports = port.to_bytes(2, "big") + b"\0\x09"
        flow = [packet for packet in came if packet[20:24] == ports]
        assert flow == [packet for packet in expected(order) if packet[20:24] == ports]


def test_keepalive_is_a_sign_of_life_and_no_packet(end: ReceivingEnd):
    end.sender.send(end.sender.seal(b""))
    assert end.run() == []
    source = Endpoint("127.0.0.1", end.sender.udp.getsockname()[1])
    assert end.events() == [Active(0), Roamed(0, source), Proven(LOCAL_INDEX, source)]
    times = end.peer.traffic.times
    assert (times[LAST_RECEIVED], times[OWES_SINCE]) == (NOW_S, 0.0)
    assert end.drops() == {}


@pytest.mark.parametrize("glued", [True, False])
def test_data_is_told_of_once(end: ReceivingEnd, glued: bool):
    datagrams = send(end, stream(LONG, 30), glued=glued)
    end.run()
    assert end.peer.traffic.times[OWES_SINCE] == NOW_S
    assert end.peer.traffic.counts[RX_BYTES] == sum(map(len, datagrams))
    assert end.peer.origin is not None
    end.events()
    send(end, stream(LONG, 30), glued=glued)
    end.run()
    assert end.events() == []


@pytest.mark.parametrize("glued", [True, False])
def test_a_peer_is_followed_to_another_address(end: ReceivingEnd, glued: bool):
    send(end, stream(LONG, 10), glued=glued)
    end.run()
    end.events()
    moved = Peer(end.sender.suite, ("::1", end.sender.to[1]), socket.AF_INET6, end.sender.counter)
    end.sender.udp, _before = moved.udp, end.sender.udp.close()
    send(end, stream(LONG, 10), glued=glued)
    end.run()
    source = Endpoint("::1", moved.udp.getsockname()[1])
    assert end.events() == [Roamed(0, source)]
    assert end.peer.endpoint == source


@pytest.mark.parametrize("glued", [True, False])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_a_replay_delivers_nothing(end: ReceivingEnd, count: int, glued: bool):
    datagrams = send(end, stream(LONG, count), glued=glued)
    end.run()
    end.sender.send_glued(datagrams) if glued else end.sender.send(*datagrams)
    assert end.run() == []
    assert end.drops() == {Drop.REPLAYED: count}


def test_replayed_within_one_batch(end: ReceivingEnd):
    datagrams = [end.sender.seal(packet.bytes()) for packet in stream(LONG, 10)]
    end.sender.send(*datagrams, *datagrams)
    assert packets_of(end.run()) == expected(stream(LONG, 10))
    assert end.drops() == {Drop.REPLAYED: 10}


@pytest.mark.parametrize("glued", [True, False])
def test_order_of_arrival_does_not_matter_to_the_window(end: ReceivingEnd, glued: bool):
    packets = stream(LONG, 20)
    datagrams = [end.sender.seal(packet.bytes()) for packet in packets]
    order = [*range(1, 20, 2), *range(0, 20, 2)]
    shuffled = [datagrams[number] for number in order]
    end.sender.send_glued(shuffled) if glued else end.sender.send(*shuffled)
    assert packets_of(end.run()) == expected([packets[number] for number in order])
    assert end.drops() == {}


@pytest.mark.parametrize("glued", [True, False])
@pytest.mark.parametrize("forged", [0, 7, 19])
def test_one_forged_datagram_costs_one_packet(end: ReceivingEnd, forged: int, glued: bool):
    packets = stream(LONG, 20)
    datagrams = [end.sender.seal(packet.bytes()) for packet in packets]
    datagrams[forged] = datagrams[forged][:-1] + bytes([datagrams[forged][-1] ^ 1])
    end.sender.send_glued(datagrams) if glued else end.sender.send(*datagrams)
    del packets[forged]
    assert packets_of(end.run()) == expected(packets)
    assert end.drops() == {Drop.NOT_AUTHENTIC: 1}


@pytest.mark.parametrize("glued", [True, False])
def test_a_forged_counter_does_not_move_the_window(end: ReceivingEnd, glued: bool):
    datagrams = [end.sender.seal(LONG.bytes(), key=KEY[::-1]) for _number in range(20)]
    end.sender.send_glued(datagrams) if glued else end.sender.send(*datagrams)
    assert end.run() == []
    assert end.drops() == {Drop.NOT_AUTHENTIC: 20}
    assert end.session.window.greatest == -1
    assert end.events() == []


@pytest.mark.parametrize("count", [1, 20])
def test_an_inner_source_of_another_peer(end: ReceivingEnd, count: int):
    wrong = bytearray(LONG.bytes())
    wrong[15] = 99
    end.sender.send(*[end.sender.seal(bytes(wrong)) for _number in range(count)])
    assert end.run() == []
    assert end.drops() == {Drop.WRONG_INNER_SOURCE: count}


def test_a_wrong_source_among_right_ones(end: ReceivingEnd):
    packets = stream(LONG, 20)
    plain = [bytearray(packet.bytes()) for packet in packets]
    plain[9][15] = 99
    end.sender.send_glued([end.sender.seal(bytes(packet)) for packet in plain])
    del packets[9]
    assert packets_of(end.run()) == expected(packets)
    assert end.drops() == {Drop.WRONG_INNER_SOURCE: 1}


@pytest.mark.parametrize(
    "plaintext",
    [
        b"\0",
        b"\x45" * 19,
        b"\x45\0\xff\xff" * 8,
        b"\x60" + bytes(15),
        b"\x60\0\0\0\xff\xff" * 9,
        b"\x15" * 80,
    ],
)
def test_what_is_no_inner_packet(end: ReceivingEnd, plaintext: bytes):
    end.sender.send(end.sender.seal(plaintext))
    end.sender.send_glued([end.sender.seal(plaintext) for _number in range(12)])
    assert end.run() == []
    assert end.drops() == {Drop.MALFORMED_PACKET: 13}


def test_a_shorter_handshake_message_behind_data(end: ReceivingEnd):
    packets = stream(LONG, 9)
    datagrams = [end.sender.seal(packet.bytes()) for packet in packets]
    end.sender.send_glued([*datagrams, HANDSHAKE])
    assert packets_of(end.run()) == expected(packets)
    source = Endpoint("127.0.0.1", end.sender.udp.getsockname()[1])
    assert Foreign(HANDSHAKE, source) in end.events()
    assert end.drops() == {}


CASES: dict[str, tuple[Callable[[ReceivingEnd], bytes], Drop]] = {
    "short": (lambda end: end.sender.seal(b"")[:31], Drop.MALFORMED_DATAGRAM),
    "nothing": (lambda end: b"", Drop.MALFORMED_DATAGRAM),
    "type only": (lambda end: b"\4\0\0\0", Drop.MALFORMED_DATAGRAM),
    "unknown": (lambda end: end.sender.seal(LONG.bytes(), index=5), Drop.UNKNOWN_SESSION),
    "truncated": (lambda end: end.sender.seal(LONG.bytes())[:-1], Drop.NOT_AUTHENTIC),
}


@pytest.mark.parametrize(("make", "reason"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("count", [1, 10])
def test_what_is_dropped(end: ReceivingEnd, make: Callable[[ReceivingEnd], bytes], reason: Drop, count: int):
    end.sender.send(*[make(end) for _number in range(count)])
    assert end.run() == []
    assert end.drops() == {reason: count}
    assert end.events() == []


@pytest.mark.parametrize("count", [1, 10])
def test_an_expired_session(end: ReceivingEnd, count: int):
    send(end, stream(LONG, count), glued=False)
    assert end.run(EXPIRES_S) == []
    assert end.drops() == {Drop.SESSION_EXPIRED: count}


def test_counters_at_the_end_of_a_session(end: ReceivingEnd):
    end.sender.counter = REJECT_AFTER_MESSAGES - 10
    packets = stream(LONG, 20)
    send(end, packets, glued=True)
    assert packets_of(end.run()) == expected(packets[:10])
    assert end.drops() == {Drop.SESSION_EXPIRED: 10}


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("count", [1, 20])
def test_congestion_marks_reach_the_inner_packets(family: int, count: int):
    with closing(ReceivingEnd(SUITES[0], family=family)) as end:
        end.sender.udp.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, CE)
        packets = stream(replace(LONG, tos=ECT_0), count)
        send(end, packets, glued=False)
        assert packets_of(end.run()) == expected([replace(packet, tos=CE) for packet in packets])
        send(end, stream(LONG, count), glued=False)
        assert end.run() == []
        assert end.drops() == {Drop.ECN_BROKEN: count}


def test_a_full_or_failing_device_costs_packets_only(end: ReceivingEnd, caplog: pytest.LogCaptureFixture):
    end.host.close()
    send(end, stream(LONG, 20), glued=True)
    end.receiver.run(1, NOW_S)
    assert end.drops() == {Drop.TUN_WRITE_FAILED: 20}
    assert len(caplog.messages) == 1


def test_a_deleted_device_is_told(end: ReceivingEnd, monkeypatch: pytest.MonkeyPatch):
    def deleted(*_arguments: object) -> int:
        raise OSError(errno.EBADFD, "File descriptor in bad state")

    send(end, stream(LONG, 20), glued=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", deleted)
        with pytest.raises(OSError, match="bad state"):
            end.run()
    assert end.session.window.greatest == 19
    send(end, stream(LONG, 20), glued=True)
    assert packets_of(end.run()) == expected(stream(LONG, 20))


def test_no_device(end: ReceivingEnd, caplog: pytest.LogCaptureFixture):
    end.receiver.tun = -1
    send(end, [LONG], glued=False)
    assert end.run() == []
    assert end.drops() == {Drop.TUN_WRITE_FAILED: 1}
    assert caplog.messages == []


def test_the_budget_says_whether_more_is_there(end: ReceivingEnd):
    packets = stream(Packet(), 200)
    send(end, packets, glued=False)
    assert end.receiver.run(1, NOW_S) == 1
    assert end.receiver.run(1, NOW_S) == 1
    assert end.receiver.run(2, NOW_S) == 1
    assert end.receiver.run(2, NOW_S) == 0
    assert packets_of(end.delivered()) == expected(packets)


DATAGRAM = st.one_of(
    st.binary(max_size=200),
    st.binary(min_size=12, max_size=200).map(lambda rest: b"\4\0\0\0" + rest),
    st.binary(min_size=8, max_size=2000).map(
        lambda rest: b"\4\0\0\0" + LOCAL_INDEX.to_bytes(4, "little") + rest
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(DATAGRAM, st.integers(1, 12)), max_size=6), st.booleans())
def test_garbage_is_counted_and_harms_nobody(garbage: list[tuple[bytes, int]], glued: bool):
    with closing(ReceivingEnd(SUITES[0])) as end:
        for datagram, count in garbage:
            if glued and datagram:
                end.sender.send_glued([datagram] * count)
            else:
                end.sender.send(*[datagram] * count)
        end.sender.send(end.sender.seal(LONG.bytes()))
        assert packets_of(end.run()) == expected([LONG])


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=120), st.integers(1, 12))
def test_authentic_garbage_is_delivered_as_it_is_or_not_at_all(plaintext: bytes, count: int):
    with closing(ReceivingEnd(SUITES[0])) as end:
        end.sender.send_glued([end.sender.seal(plaintext) for _number in range(count)])
        delivered = end.run()
        dropped = sum(end.drops().values())
        assert len([part for one in delivered for part in cut(one)]) + dropped == count


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_inner_headers_with_any_content(data: st.DataObject):
    """Packets that begin well, with some bytes changed: whatever is delivered is what came."""
    with closing(ReceivingEnd(SUITES[0])) as end:
        plain = []
        for packet in stream(Packet(version=data.draw(st.sampled_from([4, 6]))), 12):
            changed = bytearray(packet.bytes())
            for at in data.draw(st.lists(st.integers(0, 70), max_size=2)):
                changed[at] = data.draw(st.integers(0, 255))
            plain.append(bytes(changed))
        end.sender.send_glued([end.sender.seal(packet) for packet in plain])
        came = packets_of(end.run())
        assert len(came) + sum(end.drops().values()) == len(plain)
        known = [without_meaningless_id(packet) for packet in plain]
        assert all(any(sent.startswith(packet) for sent in known) for packet in came)
