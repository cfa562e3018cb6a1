# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What is joined is cut again by the kernel's rules, and has to be what it was then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
from coalesced_packets import (
    ACK,
    CWR,
    ECE,
    FIN,
    PSH,
    RST,
    SYN,
    UDP,
    URG,
    Harness,
    Packet,
    stream,
    without_meaningless_id,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from cladnet.core.offload.coalescing import MIN_ROWS

TIMESTAMPS = b"\1\1\x08\x0a" + bytes(range(8))
FIRSTS = {
    "TCP": Packet(),
    "TCP with options": Packet(options=TIMESTAMPS),
    "TCP, odd size": Packet(payload=b"abcdefg" * 7),
    "TCP, may be fragmented": Packet(fragment=0, identification=65534),
    "TCP, sequence wraps": Packet(sequence=2**32 - 150),
    "TCP, ECE": Packet(flags=ACK | ECE),
    "TCP, CWR first": Packet(flags=ACK | CWR),
    "TCP, long": Packet(payload=bytes(range(256)) * 5),
    "TCP over IPv6": Packet(version=6, options=TIMESTAMPS, flow_label=77, tos=0xB9),
    "UDP": Packet(protocol=UDP, payload=b"y" * 64),
    "UDP, odd size": Packet(protocol=UDP, payload=b"y" * 33),
    "UDP over IPv6": Packet(version=6, protocol=UDP),
}


def assert_same(harness: Harness, packets: list[bytes]) -> None:
    assert list(map(without_meaningless_id, harness.cut_all())) == list(map(without_meaningless_id, packets))


@pytest.mark.parametrize("first", FIRSTS.values(), ids=FIRSTS)
@pytest.mark.parametrize("count", [2, 5, 20])
def test_packets_of_a_flow_become_one(first: Packet, count: int):
    packets = [packet.bytes() for packet in stream(first, count)]
    harness = Harness()
    for packet in packets:
        harness.add(packet)
    assert_same(harness, packets)
    assert harness.parts == [count]


@pytest.mark.parametrize("first", FIRSTS.values(), ids=FIRSTS)
@pytest.mark.parametrize("last", ["full", "short", "pushed"])
def test_rows_of_a_flow_become_one(first: Packet, last: str):
    run = stream(first, 30)
    if last == "short":
        run[-1] = replace(run[-1], payload=run[-1].payload[:-7])
    if last == "pushed" and first.protocol != UDP:
        run[-1] = replace(run[-1], flags=run[-1].flags | PSH)
    packets = [packet.bytes() for packet in run]
    harness = Harness()
    harness.add_rows(packets, len(packets[0]) + 32)
    assert_same(harness, packets)
    assert harness.parts == [30]


@pytest.mark.parametrize("stride", [1500, 1501])
def test_rows_go_on_where_others_ended(stride: int):
    packets = [packet.bytes() for packet in stream(Packet(), 40)]
    harness = Harness()
    harness.add(packets[0])
    harness.add_rows(packets[1:20], stride)
    harness.add_rows(packets[20:39], stride + 7)
    harness.add(packets[39])
    assert_same(harness, packets)
    assert harness.parts == [40]


SECOND = Packet().next()
NO_FOLLOWERS = {
    "gap": SECOND.next(),
    "repeated": Packet(),
    "longer": replace(SECOND, payload=b"x" * 101),
    "other acknowledgement": replace(SECOND, ack=6),
    "other window": replace(SECOND, window=501),
    "other options": replace(SECOND, options=TIMESTAMPS),
    "no payload": replace(SECOND, payload=b""),
    "SYN": replace(SECOND, flags=ACK | SYN),
    "RST": replace(SECOND, flags=ACK | RST),
    "URG": replace(SECOND, flags=ACK | URG),
    "ECE": replace(SECOND, flags=ACK | ECE),
    "CWR": replace(SECOND, flags=ACK | CWR),
    "no ACK": replace(SECOND, flags=0),
    "urgent pointer": replace(SECOND, urgent=1),
    "accurate ECN": replace(SECOND, reserved=1),
    "other service": replace(SECOND, tos=4),
    "congestion experienced": replace(SECOND, tos=3),
    "other time to live": replace(SECOND, ttl=63),
    "may be fragmented": replace(SECOND, fragment=0),
    "fragment": replace(SECOND, fragment=0x2000),
    "last fragment": replace(SECOND, fragment=0x0001),
    "reserved bit": replace(SECOND, fragment=0xC000),
    "IP options": replace(SECOND, ip_options=b"\1\1\1\0"),
    "wrong checksum": replace(SECOND, checksum_error=1),
    "wrong IP checksum": replace(SECOND, ip_checksum_error=1),
    "other flow": replace(SECOND, ports=(1000, 2001)),
    "ICMP": replace(SECOND, protocol=1),
}


@pytest.mark.parametrize("second", NO_FOLLOWERS.values(), ids=NO_FOLLOWERS)
@pytest.mark.parametrize("in_rows", [False, True])
def test_what_does_not_fit_stays_alone(second: Packet, in_rows: bool):
    """In rows, it is in the midst of others that fit."""
    run = [packet.bytes() for packet in stream(Packet(), 8)] if in_rows else [Packet().bytes()]
    packets = [*run, second.bytes(), *run] if in_rows else [*run, second.bytes()]
    harness = Harness()
    harness.add_all(packets, 300 if in_rows else None)
    harness.coalescer.flush()
    alone = [delivered[10:] for delivered in harness.delivered]
    assert second.bytes() in alone
    if second.ports == Packet().ports:
        assert_same(harness, packets)


def test_a_broken_packet_is_not_repaired_by_those_that_follow():
    run = stream(Packet(), 9)
    run[0] = replace(run[0], checksum_error=1)
    packets = [packet.bytes() for packet in run]
    for in_rows in (False, True):
        harness = Harness()
        harness.add_all(packets, 300 if in_rows else None)
        assert_same(harness, packets)
        assert harness.parts == [1, 8]


@pytest.mark.parametrize("broken", [0, 4, 8])
@pytest.mark.parametrize("in_rows", [False, True])
def test_two_wrong_checksums_do_not_make_up_for_each_other(broken: int, in_rows: bool):
    run = stream(Packet(), 9)
    run[broken] = replace(run[broken], checksum_error=256, ip_checksum_error=-256)
    packets = [packet.bytes() for packet in run]
    harness = Harness()
    harness.add_all(packets, 300 if in_rows else None)
    assert_same(harness, packets)


@pytest.mark.parametrize("flags", [ACK | PSH, ACK | FIN, ACK | PSH | FIN])
def test_the_last_segment_is_delivered_at_once(flags: int):
    run = stream(Packet(), 3)
    harness = Harness()
    for packet in [*run[:2], replace(run[2], flags=flags)]:
        harness.add(packet.bytes())
    assert harness.coalescer.is_empty
    assert harness.parts == [3]


def test_udp_without_checksum_stays_so():
    packets = [packet.bytes() for packet in stream(Packet(protocol=UDP, has_checksum=False), 10)]
    harness = Harness()
    harness.add_rows(packets, 200)
    assert_same(harness, packets)
    assert harness.parts == [1] * 10


def test_udp_stays_apart_where_the_kernel_cannot_cut_it():
    packets = [packet.bytes() for packet in stream(Packet(protocol=UDP), 10)]
    harness = Harness(has_uso=False)
    harness.add_rows(packets, 200)
    assert_same(harness, packets)
    assert harness.parts == [1] * 10


@pytest.mark.parametrize("first", [Packet(payload=b"x" * 1400), Packet(payload=b"x" * 1400, version=6)])
def test_a_super_packet_is_no_longer_than_a_packet_can_be(first: Packet):
    packets = [packet.bytes() for packet in stream(first, 100)]
    for in_rows in (False, True):
        harness = Harness()
        harness.add_all(packets, 1500 if in_rows else None)
        assert_same(harness, packets)
        assert len(harness.parts) == 3


def test_flows_side_by_side_do_not_part_one_another():
    flows = [stream(Packet(ports=(port, 1)), 10) for port in range(20)]
    harness = Harness()
    for packets in zip(*flows, strict=True):
        for packet in packets:
            harness.add(packet.bytes())
    harness.coalescer.flush()
    assert harness.parts == [10] * 20


def test_what_was_discarded_is_not_delivered():
    harness = Harness()
    harness.add(Packet().bytes())
    assert not harness.coalescer.is_empty
    harness.coalescer.discard()
    assert harness.cut_all() == []


CHANGES = st.sampled_from(
    [
        {},
        {"payload": b""},
        {"payload": b"z" * 31},
        {"payload": b"z" * 160},
        {"flags": ACK | PSH},
        {"flags": ACK | FIN},
        {"flags": ACK | CWR},
        {"flags": ACK | ECE},
        {"flags": SYN},
        {"ack": 99},
        {"tos": 3},
        {"fragment": 0},
        {"fragment": 0x2000},
        {"identification": 7},
        {"checksum_error": 3},
        {"ip_checksum_error": 3},
        {"has_checksum": False},
        {"protocol": 1},
        {"sequence": 12345},
        {"ip_options": b"\1\1\1\0"},
    ]
)
FIRST = st.sampled_from(
    [
        *(
            replace(first, ports=(1000 + n, 2))
            for n, first in enumerate(FIRSTS.values())
            if len(first.payload) <= 160
        ),
    ]
)
ACTION = st.tuples(st.integers(0, 3), st.integers(1, 2 * MIN_ROWS), CHANGES, st.booleans())


@settings(max_examples=150, deadline=None)
@given(st.lists(FIRST, min_size=4, max_size=4), st.lists(ACTION, max_size=12))
def test_any_mixture_comes_out_as_it_went_in_flow_by_flow(
    firsts: list[Packet], actions: list[tuple[int, int, dict[str, object], bool]]
):
    following, harness, sent = dict(enumerate(firsts)), Harness(), defaultdict(list)
    for flow, count, changes, in_rows in actions:
        run = stream(following[flow], count)
        following[flow] = run[-1].next()
        run[-1] = replace(run[-1], **changes)
        packets = [packet.bytes() for packet in run]
        for packet in packets:
            sent[ports(packet)].append(without_meaningless_id(packet))
        harness.add_all(packets, 300 if in_rows else None)
    came = defaultdict(list)
    for packet in harness.cut_all():
        came[ports(packet)].append(without_meaningless_id(packet))
    assert came == sent


def ports(packet: bytes) -> bytes:
    start = (packet[0] & 0x0F) * 4 if packet[0] >> 4 == 4 else 40
    return packet[start : start + 4]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(min_size=20, max_size=120), max_size=8), st.booleans())
def test_garbage_passes_alone(garbage: list[bytes], is_ipv6: bool):
    harness = Harness()
    packets = [bytes([0x60 if is_ipv6 else 0x45]) + packet[1:] for packet in garbage]
    packets = [packet if not is_ipv6 else packet.ljust(40, b"\6") for packet in packets]
    for packet in packets:
        harness.add(packet)
    harness.coalescer.flush()
    assert sorted(delivered[10:] for delivered in harness.delivered) == sorted(packets)
