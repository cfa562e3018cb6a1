# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the host sends, through a real UDP socket to who opens it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sending_end import ENOUGH_READS, EXPIRES_S, MTU_BYTES, NOW_S, SendingEnd

from cladnet.core.forwarding.events import Active, NeedSession
from cladnet.core.forwarding.traffic import LAST_DATA_SENT, TX_BYTES, UNANSWERED_SINCE
from cladnet.core.icmp import internet_checksum
from cladnet.core.offload.virtio_net import NEEDS_CSUM, NO_OFFLOAD, VnetHeader
from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.suite import SUITES, Suite
from cladnet.datapath.sender import MAX_SEGMENTS_PER_RUN
from tests.unit.core.ip.inner_packets import ipv4
from tests.unit.core.offload.coalesced_packets import ACK, SYN, TCP, UDP, Packet
from tests.unit.core.offload.super_packets import (
    SuperPacket,
    same_checksum_of_zero,
    super_packets,
    with_partial_checksum,
)

ECT_0 = 2
MAY_BE_CUT = 0
STREAM = SuperPacket(Packet(payload=bytes(range(251)) * 200, flags=ACK | 8), 1300)


@pytest.fixture(params=SUITES, ids=[suite.name for suite in SUITES])
def end(request: pytest.FixtureRequest) -> Iterator[SendingEnd]:
    suite: Suite = request.param
    with closing(SendingEnd(suite)) as sending:
        yield sending


@pytest.fixture(params=[False, True], ids=["together", "one-by-one"])
def plain_end(request: pytest.FixtureRequest) -> Iterator[SendingEnd]:
    with closing(SendingEnd(one_by_one=request.param)) as sending:
        yield sending


@pytest.fixture
def bulk_end() -> Iterator[SendingEnd]:
    with closing(SendingEnd()) as sending:
        yield sending


def uniform(packets: list[bytes]) -> list[bytes]:
    return [same_checksum_of_zero(packet, 20 if packet[0] >> 4 == 4 else 40) for packet in packets]


def partial(packet: Packet) -> bytes:
    """As read from a device that leaves checksums to us."""
    start = 40 if packet.version == 6 else 20
    vnet = VnetHeader(NEEDS_CSUM, 0, 0, 0, start, 6 if packet.protocol == UDP else 16)
    return vnet.pack() + with_partial_checksum(packet.bytes(), vnet)


def to_peer(packet: Packet, number: int) -> bytes:
    """The packet with an inner destination of another peer."""
    made = bytearray(packet.bytes())
    made[17] = number
    return bytes(made)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("size", [28, 31, 32, 33, 48, 1404, 1405, 1419, 1420])
def test_one_packet(end: SendingEnd, version: int, size: int):
    payload_bytes = max(0, size - (28 if version == 4 else 48))
    packet = Packet(version=version, protocol=UDP, payload=b"y" * payload_bytes).bytes()
    end.queue(packet)
    assert end.run() == 1
    [opened] = end.remote.opened()
    assert opened.packet == packet
    assert opened.padding == bytes(min(-len(packet) % 16, MTU_BYTES - len(packet)))
    assert (opened.counter, opened.tos, end.drops()) == (0, 0, {})


@pytest.mark.parametrize("protocol", [1, 2, 47, 50, 58, 132])
def test_packets_without_ports(plain_end: SendingEnd, protocol: int):
    """What is behind the IP header changes with every packet, and their lengths come again."""
    packets = [
        ipv4(bytes([number] * size), protocol=protocol, destination="10.0.0.2")
        for number, size in enumerate((40, 64, 40, 1200, 40, 1, 0, 64))
    ]
    for packet in packets:
        plain_end.queue(packet)
        plain_end.run()
    opened = plain_end.remote.opened()
    assert [one.packet for one in opened] == packets
    assert not any(b"".join(one.padding for one in opened))
    assert plain_end.drops() == {}


def test_nothing_to_send(plain_end: SendingEnd):
    assert plain_end.run() == 0
    assert plain_end.remote.packets() == []


def test_the_budget_is_of_reads(bulk_end: SendingEnd):
    bulk_end.queue(*[Packet().bytes()] * 5)
    assert bulk_end.sender.run(3, NOW_S) == 3
    assert len(bulk_end.remote.packets()) == 3
    assert bulk_end.sender.run(3, NOW_S) == 2


def test_many_segments_end_a_run(bulk_end: SendingEnd):
    reads = 3 * MAX_SEGMENTS_PER_RUN // len(STREAM.segments())
    bulk_end.queue_reads(*[STREAM.read()] * reads)
    runs = 1
    while bulk_end.run() == ENOUGH_READS:
        assert len(bulk_end.remote.packets()) <= MAX_SEGMENTS_PER_RUN + len(STREAM.segments())
        runs += 1
    assert runs == 3


def test_a_super_packet_becomes_packets(end: SendingEnd):
    end.queue_reads(STREAM.read(), STREAM.read())
    end.run()
    opened = end.remote.opened()
    assert [one.packet for one in opened] == STREAM.segments() * 2
    assert [one.counter for one in opened] == list(range(len(opened)))


@given(super_packets(most_segments=150))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_super_packet_landing_wrong_and_right(made: SuperPacket):
    with closing(SendingEnd()) as end:
        start = made.transport_start
        expected = [same_checksum_of_zero(packet, start) for packet in made.segments()]
        for _unused in range(2):
            end.queue_reads(made.read())
            end.run()
            assert [same_checksum_of_zero(packet, start) for packet in end.remote.packets()] == expected


@given(st.lists(st.one_of(super_packets(most_segments=20), st.integers(0, 1300)), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_packets_and_super_packets_in_any_order(mixture: list[SuperPacket | int]):
    with closing(SendingEnd()) as end:
        expected = []
        for number, one in enumerate(mixture):
            if isinstance(one, SuperPacket):
                one = replace(one, whole=replace(one.whole, ip_options=b""))
                end.queue_reads(one.read())
                expected += one.segments()
            else:
                packet = Packet(payload=bytes(one), ports=(number, 7), protocol=UDP)
                end.queue(packet.bytes())
                expected.append(packet.bytes())
        end.run()
        assert sorted(uniform(end.remote.packets())) == sorted(uniform(expected))
        assert end.drops() == {}


@pytest.mark.parametrize("count", [1, 5, 6, 64, 100])
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("protocol", [TCP, UDP])
@pytest.mark.parametrize("size", [0, 1, 51, 64, 1200])
def test_checksums_are_finished(plain_end: SendingEnd, count: int, version: int, protocol: int, size: int):
    one = Packet(version=version, protocol=protocol)
    packets = [replace(one, payload=bytes([n + 1] * size), identification=n) for n in range(count)]
    plain_end.queue_reads(*map(partial, packets))
    plain_end.run()
    assert uniform(plain_end.remote.packets()) == uniform([packet.bytes() for packet in packets])


@pytest.mark.parametrize("mtu_bytes", [1419, 1420])
@pytest.mark.parametrize("version", [4, 6])
def test_checksums_are_finished_where_sizes_are_mixed_and_slots_are_not_clean(mtu_bytes: int, version: int):
    one = Packet(protocol=UDP, version=version)
    sizes = [*[mtu_bytes - 48] * 64, *[100, 1290, 10, 1299, 101, 1301, 99, mtu_bytes - 48] * 8]
    packets = [
        replace(one, ports=(n, 9), payload=bytes([255 - n] * size), identification=n)
        for n, size in enumerate(sizes)
    ]
    with closing(SendingEnd(mtu_bytes=mtu_bytes)) as end:
        end.queue_reads(*map(partial, packets))
        end.run()
        assert sorted(uniform(end.remote.packets())) == sorted(
            uniform([packet.bytes() for packet in packets])
        )


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 1380), st.booleans(), st.sampled_from([0, 2, 0x2000])),
        min_size=1,
        max_size=100,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_packet_of_a_flow_overtakes_another(mixture: list[tuple[int, int, bool, int]]):
    """Flows 4 and 5 are fragments: which flow they are of cannot be seen."""
    flows: dict[int, list[bytes]] = {}
    with closing(SendingEnd(hosts=("127.0.0.1", "127.0.0.1"))) as end:
        for number, (flow, size, is_partial, tos) in enumerate(mixture):
            packet = Packet(
                protocol=UDP,
                ports=(flow, 9),
                payload=struct.pack("!I", number)[: size + 2] + bytes(size),
                fragment=0x2000 if flow >= 4 else 0,
                tos=tos & 2,
                identification=number,
            )
            end.queue_reads(partial(packet) if is_partial else NO_OFFLOAD + packet.bytes())
            flows.setdefault(min(flow, 4), []).append(packet.bytes())
        end.run()
        opened = sorted(end.remote.opened(), key=lambda one: one.counter)
    assert len(opened) == len(mixture)
    for flow, expected in flows.items():
        sent = [one.packet for one in opened if min(int.from_bytes(one.packet[20:22], "big"), 4) == flow]
        assert uniform(sent) == uniform(expected)


def test_fragments_do_not_overtake_what_came_before_and_are_not_overtaken(plain_end: SendingEnd):
    sizes = [100, 1000, 100, 1000]
    packets = [
        Packet(protocol=UDP, payload=bytes([n] * size), fragment=0x2000 if n in (1, 2) else 0).bytes()
        for n, size in enumerate(sizes)
    ]
    plain_end.queue(*packets)
    plain_end.run()
    opened = sorted(plain_end.remote.opened(), key=lambda one: one.counter)
    assert [one.packet for one in opened] == packets


def test_padding_to_the_longest_of_a_group_is_bounded(plain_end: SendingEnd):
    packets = [Packet(protocol=UDP, ports=(n, 9), payload=bytes(n)) for n in range(0, 1390, 7)]
    plain_end.queue(*[packet.bytes() for packet in packets])
    plain_end.run()
    opened = plain_end.remote.opened()
    assert {one.packet for one in opened} == {packet.bytes() for packet in packets}
    for one in opened:
        assert one.padding == bytes(len(one.padding))
        assert len(one.packet) + len(one.padding) <= max(1.25 * len(one.packet) + 16, 48)
        assert len(one.packet) + len(one.padding) <= MTU_BYTES


@pytest.mark.parametrize(("copy_dscp", "outer"), [(False, ECT_0), (True, 0xB8 | ECT_0)])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("version", [4, 6])
def test_the_outer_header_has_the_ecn_of_the_inner(copy_dscp: bool, outer: int, host: str, version: int):
    with closing(SendingEnd(hosts=(host,), copy_dscp=copy_dscp)) as end:
        tos = 0xB8 | ECT_0
        stream = replace(STREAM, whole=replace(STREAM.whole, tos=tos, version=version))
        end.queue(Packet(version=version, tos=tos).bytes(), Packet(version=version).bytes())
        end.queue_reads(stream.read())
        end.run()
        opened = end.remote.opened()
    assert [one.tos for one in opened] == [outer, 0] + [outer] * len(stream.segments())


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("127.0.0.1", socket.AF_INET6), ("::1", socket.AF_INET6)],
)
def test_outer_families(host: str, family: int):
    with closing(SendingEnd(hosts=(host,), family=family)) as end:
        end.queue_reads(STREAM.read())
        end.queue(Packet().bytes())
        end.run()
        assert end.remote.packets() == [*STREAM.segments(), Packet().bytes()]


def test_each_peer_gets_its_own_in_one_wake_up(plain_end: SendingEnd):
    with closing(SendingEnd(hosts=("127.0.0.1",) * 5)) as end:
        packets = [to_peer(Packet(ports=(n, 1)), n % 5) for n in range(50)]
        end.queue(*packets)
        end.run()
        for number, remote in enumerate(end.remotes):
            assert remote.packets() == packets[number::5]


def test_traffic_is_noted(plain_end: SendingEnd):
    plain_end.queue_reads(STREAM.read(), NO_OFFLOAD + Packet().bytes())
    plain_end.run()
    datagrams = plain_end.remote.datagrams()
    traffic = plain_end.peer.traffic
    assert traffic.counts[TX_BYTES] == sum(len(datagram) for datagram, _tos in datagrams)
    assert traffic.times[LAST_DATA_SENT] == traffic.times[UNANSWERED_SINCE] == NOW_S
    assert list(plain_end.forwarder.events) == [Active(0)]


def test_packets_wait_for_a_session_complete_and_cut(plain_end: SendingEnd):
    plain_end.peer.sending = None
    few = SuperPacket(replace(STREAM.whole, payload=bytes(5000)), 1000)
    one = Packet(protocol=UDP, payload=b"odd")
    plain_end.queue_reads(few.read(), partial(one))
    plain_end.run()
    assert list(plain_end.peer.staged) == [*few.segments(), one.bytes()]
    assert list(plain_end.forwarder.events) == [NeedSession(0)]
    plain_end.forwarder.use_session(
        plain_end.session(plain_end.peer, plain_end.remote.suite), NOW_S, announce=True
    )
    plain_end.sender.send_pending(NOW_S)
    assert plain_end.remote.packets() == [*few.segments(), one.bytes()]


def test_an_expired_session_is_not_used(plain_end: SendingEnd):
    plain_end.queue_reads(STREAM.read(), NO_OFFLOAD + Packet().bytes())
    plain_end.run(EXPIRES_S)
    assert plain_end.remote.packets() == []
    assert len(plain_end.peer.staged) == len(STREAM.segments()) + 1


@pytest.mark.parametrize("read", [STREAM.read(), NO_OFFLOAD + Packet().bytes()])
def test_no_counter_beyond_the_last(plain_end: SendingEnd, read: bytes):
    suite = plain_end.remote.suite
    plain_end.peer.sending = plain_end.session(plain_end.peer, suite, REJECT_AFTER_MESSAGES)
    plain_end.queue_reads(read)
    plain_end.run()
    assert plain_end.remote.packets() == []
    assert plain_end.peer.sending is None
    assert plain_end.peer.staged


@pytest.mark.parametrize(
    ("read", "reason", "count"),
    [
        (b"", Drop.MALFORMED_PACKET, 1),
        (b"short", Drop.MALFORMED_PACKET, 1),
        (NO_OFFLOAD, Drop.MALFORMED_PACKET, 1),
        (NO_OFFLOAD + b"\x45" * 19, Drop.MALFORMED_PACKET, 1),
        (NO_OFFLOAD + b"\x55" + Packet().bytes()[1:], Drop.MALFORMED_PACKET, 1),
        (NO_OFFLOAD + Packet().bytes() + b"x", Drop.MALFORMED_PACKET, 1),
        (VnetHeader(1, 0, 0, 0, 20, 5000).pack() + Packet().bytes(), Drop.MALFORMED_PACKET, 1),
        (VnetHeader(1, 0, 0, 0, 21, 16).pack() + Packet().bytes(), Drop.MALFORMED_PACKET, 1),
        (VnetHeader(1, 3, 0, 9, 20, 6).pack() + Packet().bytes(), Drop.MALFORMED_PACKET, 1),
        (STREAM.vnet()._replace(gso_size=0).pack() + STREAM.packet(), Drop.MALFORMED_PACKET, 1),
        (NO_OFFLOAD + to_peer(Packet(), 9), Drop.NO_ROUTE, 1),
        (
            STREAM.vnet().pack() + STREAM.packet()[:17] + b"\x09" + STREAM.packet()[18:],
            Drop.NO_ROUTE,
            len(STREAM.segments()),
        ),
    ],
)
def test_what_cannot_be_sent_is_counted(plain_end: SendingEnd, read: bytes, reason: Drop, count: int):
    plain_end.queue(Packet().bytes())
    plain_end.run()
    plain_end.queue_reads(STREAM.read()) if read else None
    plain_end.queue_reads(read or b"\0")
    plain_end.queue(Packet().bytes())
    plain_end.run()
    assert plain_end.drops() == {reason: count}
    assert plain_end.remote.packets()[-1] == Packet().bytes()


@given(st.lists(st.binary(max_size=120), max_size=10), st.booleans())
@settings(max_examples=150, deadline=None)
def test_junk_raises_nothing(junk: list[bytes], after_stream: bool):
    with closing(SendingEnd()) as end:
        if after_stream:
            end.queue_reads(STREAM.read())
        end.queue_reads(*[one or b"\0" for one in junk])
        end.run()


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reads_with_changed_bytes_raise_nothing(data: st.DataObject):
    with closing(SendingEnd()) as end:
        for _unused in range(3):
            source = data.draw(
                st.sampled_from([STREAM.read(), NO_OFFLOAD + Packet().bytes(), partial(Packet())])
            )
            read = bytearray(source)
            for _number in range(data.draw(st.integers(0, 4))):
                read[data.draw(st.integers(0, 69))] = data.draw(st.integers(0, 255))
            end.queue_reads(bytes(read[: data.draw(st.integers(1, len(read)))]))
        end.run()


@pytest.mark.parametrize("version", [4, 6])
def test_the_host_is_told_of_packets_that_do_not_fit_the_path(plain_end: SendingEnd, version: int):
    plain_end.peer.path_mtu_bytes = 1300
    too_long = bytearray(Packet(version=version, payload=bytes(1290)).bytes())
    if version == 6:
        too_long[8:10] = b"\xfd\0"  # nobody is told of what came from the loopback address
    plain_end.queue(bytes(too_long), Packet().bytes())
    plain_end.run()
    assert plain_end.drops() == {Drop.PACKET_TOO_BIG: 1}
    [told] = plain_end.told()
    assert told[:10] == NO_OFFLOAD
    kind = told[30:32] if version == 4 else told[50:51]
    assert kind == (b"\3\4" if version == 4 else b"\2")
    assert 1300 in struct.unpack("!4H", told[30:38] if version == 4 else told[50:58])
    assert plain_end.remote.packets() == [Packet().bytes()]


def test_a_super_packet_that_does_not_fit_the_path_is_told_of(plain_end: SendingEnd):
    plain_end.peer.path_mtu_bytes = 1300
    plain_end.queue_reads(STREAM.read(), STREAM.read())
    plain_end.run()
    assert plain_end.told()
    segments = [segment for segment in STREAM.segments() if len(segment) <= 1300]
    assert plain_end.remote.packets() == segments * 2
    assert plain_end.drops() == {Drop.PACKET_TOO_BIG: 2 * (len(STREAM.segments()) - len(segments))}


def test_errors_are_told_at_a_limited_rate(plain_end: SendingEnd):
    plain_end.peer.path_mtu_bytes = 1000
    plain_end.queue(*[Packet(payload=bytes(1000)).bytes()] * 500)
    plain_end.run()
    assert 0 < len(plain_end.told()) < 100


@pytest.mark.parametrize("is_partial", [False, True])
def test_what_may_be_cut_is_cut_for_the_path(plain_end: SendingEnd, is_partial: bool):
    plain_end.peer.path_mtu_bytes = 576
    packet = Packet(protocol=UDP, payload=bytes(range(250)) * 5, fragment=MAY_BE_CUT)
    plain_end.queue_reads(partial(packet) if is_partial else NO_OFFLOAD + packet.bytes())
    plain_end.run()
    fragments = plain_end.remote.packets()
    assert len(fragments) == 3
    assert max(map(len, fragments)) <= 576
    assert b"".join(piece[20:] for piece in fragments) == packet.bytes()[20:]
    assert all(internet_checksum(piece[:20]) == 0 for piece in fragments)
    assert (plain_end.drops(), plain_end.told()) == ({}, [])


def test_segments_that_fit_the_path_without_padding_only(plain_end: SendingEnd):
    made = SuperPacket(Packet(payload=bytes(13_000)), 1305 - 40)
    plain_end.peer.path_mtu_bytes = 1305
    plain_end.queue_reads(made.read(), made.read(), NO_OFFLOAD + made.segments()[0])
    plain_end.run()
    opened = plain_end.remote.opened()
    assert [one.packet for one in opened] == [*made.segments() * 2, made.segments()[0]]
    assert max(len(one.packet) + len(one.padding) for one in opened) == 1305


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("is_partial", [False, True])
@pytest.mark.parametrize("flags", [SYN, SYN | ACK])
def test_connections_begin_with_an_mss_that_fits_the_path(
    plain_end: SendingEnd, version: int, is_partial: bool, flags: int
):
    plain_end.peer.path_mtu_bytes = 1300
    mss = 1300 - (40 if version == 4 else 60)
    options, clamped = (b"\2\4" + struct.pack("!H", value) for value in (1380, mss))
    packet = Packet(version=version, flags=flags, options=options, payload=b"")
    other = replace(packet, flags=ACK)
    for one in (packet, other, packet):
        plain_end.queue_reads(partial(one) if is_partial else NO_OFFLOAD + one.bytes())
    plain_end.run()
    begun = replace(packet, options=clamped).bytes()
    assert uniform(plain_end.remote.packets()) == uniform([begun, other.bytes(), begun])


@pytest.mark.parametrize("mtu_bytes", [1280, 9000, 65475])
def test_other_mtus(mtu_bytes: int):
    with closing(SendingEnd(mtu_bytes=mtu_bytes)) as end:
        gso_size = mtu_bytes - 40
        made = SuperPacket(Packet(payload=(bytes(range(256)) * 256)[: min(65_400, 60 * gso_size)]), gso_size)
        longest = Packet(protocol=UDP, payload=bytes(mtu_bytes - 28))
        for read in (made.read(), *[NO_OFFLOAD + longest.bytes()] * 3, made.read()):
            end.queue_reads(read)
            end.run()
            expected = (
                made.segments() if len(read) != mtu_bytes + 10 or read == made.read() else [longest.bytes()]
            )
            assert uniform(end.remote.packets()) == uniform(expected)


def test_a_packet_longer_than_the_device_should_have(plain_end: SendingEnd):
    plain_end.queue(Packet(payload=bytes(3000)).bytes())
    plain_end.run()
    assert plain_end.drops() == {Drop.PACKET_TOO_BIG: 1}
    assert len(plain_end.told()) == 1


def test_a_device_that_is_gone_is_told(plain_end: SendingEnd):
    plain_end.sender.tun = -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        plain_end.run()
