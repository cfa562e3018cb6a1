# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Both ways to cut super-packets, against packets made one by one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cladnet.core.offload.segment_rows import (
    MEMORY_BYTES,
    OVERHEAD_BYTES,
    SegmentRows,
    gather,
    padded_bytes,
)
from cladnet.core.offload.segmentation import segments, shape_of
from cladnet.core.offload.virtio_net import GSO_ECN, GSO_TCPV4, HEADER_BYTES, NEEDS_CSUM, VnetHeader
from tests.unit.core.offload.coalesced_packets import CWR, FIN, PSH, Packet
from tests.unit.core.offload.super_packets import (
    MTU_BYTES,
    SuperPacket,
    same_checksum_of_zero,
    super_packets,
)

PREFIX, FIRST_COUNTER = 4 | 0xC0FFEE << 32, 2**40 - 3
OVERFLOW = memoryview(bytearray(0x10000 + HEADER_BYTES))


class Sealed:
    """An AEAD that hides nothing, and keeps what it got."""

    def __init__(self) -> None:
        self.nonces: list[bytes] = []
        self.plaintexts: list[bytes] = []

    def encrypt_into(
        self, nonce: memoryview, plaintext: memoryview, _data: None, datagram: memoryview
    ) -> int:
        assert len(datagram) == len(plaintext) + 16
        self.nonces.append(bytes(nonce))
        self.plaintexts.append(bytes(plaintext))
        datagram[: len(plaintext)] = bytes(byte ^ 0xFF for byte in plaintext)
        datagram[len(plaintext) :] = b"T" * 16
        return len(datagram)


def rows_for(made: SuperPacket, memory: bytearray | None = None) -> SegmentRows:
    shape = shape_of(made.packet(), made.vnet())
    assert shape is not None
    if memory is None:
        memory = bytearray(b"\xaa" * MEMORY_BYTES)
    return SegmentRows(memory, shape, made.read(), mtu_bytes=MTU_BYTES, overflow=OVERFLOW)


def scatter(rows: SegmentRows, read: bytes) -> None:
    """What the kernel does with a scattering read."""
    for vector in rows.vectors:
        part, read = read[: len(vector)], read[len(vector) :]
        vector[: len(part)] = part


def cut_and_seal(rows: SegmentRows, made: SuperPacket) -> tuple[list[bytes], list[bytes], Sealed]:
    """The plaintexts, the datagrams, and what the AEAD got."""
    sealed = Sealed()
    rows.write_headers(len(made.packet()), PREFIX, FIRST_COUNTER)
    whole, size = bytes(rows.seal(sealed.encrypt_into)), rows.datagram_bytes
    return sealed.plaintexts, [whole[at : at + size] for at in range(0, len(whole), size)], sealed


def assert_same(packets: list[bytes], made: SuperPacket) -> None:
    def uniform(packet: bytes) -> bytes:
        return same_checksum_of_zero(packet, made.transport_start)

    assert [uniform(packet) for packet in packets] == [uniform(packet) for packet in made.segments()]


@given(super_packets())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_plain_way(made: SuperPacket) -> None:
    shape = shape_of(made.packet(), made.vnet())
    assert shape is not None
    assert_same(segments(made.packet(), shape), made)


@given(super_packets(), super_packets())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_bulk_whatever_was_in_the_memory_before(before: SuperPacket, made: SuperPacket) -> None:
    memory = bytearray(b"\xaa" * MEMORY_BYTES)
    for number, each in enumerate((before, made)):
        rows = rows_for(each, memory)
        if number:
            scatter(rows, each.read())
            assert rows.landed(len(each.read()))
        else:
            rows.place(each.read())
        plaintexts, datagrams, sealed = cut_and_seal(rows, each)
        expected = each.segments()
        assert_same([plain[: len(packet)] for plain, packet in zip(plaintexts, expected, strict=True)], each)
        for number_in_batch, (plain, packet) in enumerate(zip(plaintexts, expected, strict=True)):
            assert plain[len(packet) :] == bytes(padded_bytes(len(packet), MTU_BYTES) - len(packet))
            header = struct.pack("<QQ", PREFIX, FIRST_COUNTER + number_in_batch)
            assert datagrams[number_in_batch][:16] == header
            assert sealed.nonces[number_in_batch] == bytes(4) + header[8:]
            assert len(datagrams[number_in_batch]) == len(plain) + OVERHEAD_BYTES


@given(super_packets())
@settings(max_examples=30, deadline=None)
def test_destination_traffic_class_and_count(made: SuperPacket) -> None:
    rows = rows_for(made)
    rows.place(made.read())
    destination = slice(16, 20) if made.whole.version == 4 else slice(24, 40)
    assert rows.destination() == made.packet()[destination]
    assert rows.traffic_class() == made.whole.tos
    assert rows.count_of(len(made.packet())) == len(made.segments())
    assert rows.gathered(len(made.read())) == made.read()
    assert_same(rows.segments(len(made.read())), made)


def test_edge_flags_are_only_on_the_edges() -> None:
    made = SuperPacket(Packet(payload=bytes(5000), flags=CWR | PSH | FIN), 1000)
    plaintexts, _datagrams, _sealed = cut_and_seal(_placed(made), made)
    assert [plain[33] for plain in plaintexts] == [CWR, 0, 0, 0, PSH | FIN]


def test_identifications_rise_where_routers_may_cut() -> None:
    made = SuperPacket(Packet(payload=bytes(3000), identification=0xFFFF, fragment=0), 1000)
    plaintexts, _datagrams, _sealed = cut_and_seal(_placed(made), made)
    assert [plain[4:6] for plain in plaintexts] == [b"\xff\xff", b"\0\0", b"\0\1"]


def test_what_is_of_another_shape_is_not_taken_for_the_same() -> None:
    made = SuperPacket(Packet(payload=bytes(3000), tos=2), 1000)
    others = {
        "gso_size": SuperPacket(made.whole, 999),
        "kind": SuperPacket(Packet(payload=bytes(3000), protocol=17), 1000),
        "options": SuperPacket(Packet(payload=bytes(3000), options=bytes(12)), 1000),
        "version": SuperPacket(Packet(payload=bytes(3000), version=6), 1000),
        "length": SuperPacket(Packet(payload=b""), 1000),
    }
    rows = rows_for(made)
    scatter(rows, made.read())
    assert rows.landed(len(made.read()))
    for what, other in others.items():
        scatter(rows, other.read())
        assert not rows.landed(len(other.read())), what
        assert rows.gathered(len(other.read())) == other.read()


@pytest.mark.parametrize(
    "change",
    [
        {"gso_type": 0},
        {"gso_type": 3},
        {"gso_type": GSO_ECN},
        {"gso_type": 4},
        {"gso_type": 5},
        {"gso_size": 0},
        {"gso_size": 0xFFFF},
        {"csum_start": 24},
        {"flags": 0},
    ],
)
def test_headers_that_contradict_the_packet_are_no_super_packets(change: dict[str, int]) -> None:
    made = SuperPacket(Packet(payload=bytes(3000)), 1000)
    assert shape_of(made.packet(), made.vnet()) is not None
    assert shape_of(made.packet(), made.vnet()._replace(**change)) is None


@given(
    st.binary(max_size=200),
    st.tuples(*[st.integers(0, 255)] * 2, *[st.integers(0, 65535)] * 4),
    st.sampled_from([0, 1, 4, 5]),
)
@settings(max_examples=300, deadline=None)
def test_junk_raises_nothing(packet: bytes, numbers: tuple[int, ...], kind: int) -> None:
    for vnet in (VnetHeader(*numbers), VnetHeader(NEEDS_CSUM, kind, 0, 7, 20, 16)):
        for junk in (packet, b"\x45" + packet, b"\x60" + packet, packet[:6] + b"\6" + packet[7:]):
            shape = shape_of(junk, vnet)
            assert shape is None or segments(junk, shape)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_super_packet_with_changed_bytes_raises_nothing(data: st.DataObject) -> None:
    made = SuperPacket(Packet(payload=bytes(3000), version=data.draw(st.sampled_from([4, 6]))), 1000)
    read = bytearray(made.read())
    for _unused in range(data.draw(st.integers(1, 6))):
        read[data.draw(st.integers(0, 90))] = data.draw(st.integers(0, 255))
    read = read[: data.draw(st.integers(HEADER_BYTES, len(read)))]
    shape = shape_of(bytes(read[HEADER_BYTES:]), VnetHeader.unpack(read))
    if shape is not None:
        expected = segments(bytes(read[HEADER_BYTES:]), shape)
        assert b"".join(packet[shape.header_bytes :] for packet in expected) == bytes(
            read[HEADER_BYTES + shape.header_bytes :]
        )


def test_a_read_longer_than_all_rows_goes_on_elsewhere() -> None:
    made = SuperPacket(Packet(payload=bytes(range(250)) * 240), 30_000)
    rows = rows_for(made)
    long = bytes(range(256)) * 256
    scatter(rows, long)
    assert not rows.landed(len(long))
    assert gather(rows.vectors, len(long)) == long


def test_the_shortest_header_that_is_only_a_prefix_is_no_shape() -> None:
    assert shape_of(b"", VnetHeader(NEEDS_CSUM, GSO_TCPV4, 0, 1, 20, 16)) is None


def _placed(made: SuperPacket) -> SegmentRows:
    rows = rows_for(made)
    rows.place(made.read())
    return rows
