# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Super-packets, kinds of packets, coalescing and marks of congestion; targets as in `fuzz_targets`."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from fuzz_buffers import FILLERS, in_foreign_memory

from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.inner_packets import InnerPackets
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.traffic import Traffic
from cladnet.core.ip import ecn
from cladnet.core.ip.headers import find_transport
from cladnet.core.ip.mss import updated_checksum
from cladnet.core.ip.path_probe import is_path_probe
from cladnet.core.offload.checksum import MODULUS, pseudo_header_sum, word_sum
from cladnet.core.offload.coalescing import Coalescer
from cladnet.core.offload.coalescing_rows import PacketRows
from cladnet.core.offload.packet_kind import PacketKind, PacketKinds, read_kind
from cladnet.core.offload.segment_rows import FIRST_PACKET, MEMORY_BYTES, OVERHEAD_BYTES, SegmentRows
from cladnet.core.offload.segmentation import TCP, UDP, Shape, segments, shape_of
from cladnet.core.offload.virtio_net import HEADER_BYTES, VnetHeader
from cladnet.core.wireguard.messages import TRANSPORT_HEADER_SIZE_BYTES
from cladnet.core.wireguard.packet import parse_inner_packet
from tests.unit.core.offload.coalesced_packets import cut, without_meaningless_id

Target = Callable[[bytes, int], None]
MTU_BYTES = 1420
OVERFLOW = memoryview(bytearray(0x10000 + HEADER_BYTES))
TAG_BYTES = 16
ROWS = 9
KIND_FIELDS = ("destination", "size_bytes", "traffic_class", "transport_start", "tcp")
KIND_FIELDS += ("csum_start", "csum_offset")


def super_packet(data: bytes, number: int) -> None:
    """A virtio-net header and a packet; cut in both ways."""
    if len(data) < HEADER_BYTES:
        return
    packet = data[HEADER_BYTES:]
    shape = shape_of(packet, VnetHeader.unpack(data))
    if shape is None:
        return
    expected = segments(packet, shape)
    assert b"".join(made[shape.header_bytes :] for made in expected) == packet[shape.header_bytes :]
    for made in expected:
        _check_segment(made, shape)
    mtu_bytes = max(shape.segment_bytes, number % 9001)
    in_rows = [_cut_in_rows(data, shape, mtu_bytes, filler) for filler in FILLERS]
    assert in_rows[0] == in_rows[1] == in_rows[2], "what was in the memory before is in the packets"
    if in_rows[0] is not None:
        assert [plain[: len(made)] for plain, made in zip(in_rows[0], expected, strict=True)] == expected
        assert not any(any(plain[len(made) :]) for plain, made in zip(in_rows[0], expected, strict=True))


def _check_segment(made: bytes, shape: Shape) -> None:
    found = find_transport(made)
    assert found is not None
    assert (found.start, found.end) == (shape.transport_start, len(made))
    assert len(made) <= shape.segment_bytes
    assert shape.version == 6 or word_sum(made[: found.start]) % MODULUS == 0
    protocol = TCP if shape.is_tcp else UDP
    pseudo_header = pseudo_header_sum(made[shape.addresses], protocol, len(made) - found.start)
    assert (pseudo_header + word_sum(made[found.start :])) % MODULUS == 0


def _cut_in_rows(data: bytes, shape: Shape, mtu_bytes: int, filler: bytes) -> list[bytes] | None:
    """The plaintexts that are sealed; None if there are more than rows."""
    memory = bytearray(filler[:1] * (MEMORY_BYTES + len(filler)) + filler)
    before = bytes(memory)
    rows = SegmentRows(memory, shape, data, mtu_bytes=mtu_bytes, overflow=OVERFLOW)
    count = rows.count_of(len(data) - HEADER_BYTES)
    if count > rows.capacity:
        return None
    rows.place(data)
    rows.write_headers(len(data) - HEADER_BYTES, 4, 0)
    plaintexts: list[bytes] = []

    def keep(_nonce: memoryview, plain: memoryview, _data: None, datagram: memoryview) -> int:
        assert len(datagram) == len(plain) + TAG_BYTES
        plaintexts.append(bytes(plain))
        return len(datagram)

    sealed = rows.seal(keep)
    assert len(sealed) == sum(len(plain) + OVERHEAD_BYTES for plain in plaintexts)
    # Where the last packet is shorter, the rest of its row is cleared.
    end = max((count - 1) * rows.datagram_bytes + FIRST_PACKET + shape.segment_bytes + TAG_BYTES, len(sealed))
    assert memory[end:] == before[end:], "foreign memory was written"
    return plaintexts


def kind_of_packet(data: bytes, number: int) -> None:
    """A virtio-net header and a packet, after other packets, some of which differ in a byte only."""
    if len(data) < HEADER_BYTES:
        return
    expected = _fields(read_kind(data[HEADER_BYTES:], VnetHeader.unpack(data)))
    kinds = PacketKinds()
    at = number % min(len(data), 64)  # in the headers
    for other in (b"", data, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at]):
        _kind_in_memory(kinds, other.ljust(HEADER_BYTES, b"\0"), b"\0")
        for filler in FILLERS:
            assert _kind_in_memory(kinds, data, filler) == expected


def _kind_in_memory(kinds: PacketKinds, data: bytes, filler: bytes) -> list[object] | None:
    memory = bytearray(filler + data + filler.ljust(64, b"\0"))
    return _fields(kinds.of(memory, len(filler) + HEADER_BYTES, len(data) - HEADER_BYTES))


def _fields(kind: PacketKind | None) -> list[object] | None:
    if kind is None:
        return None
    assert not kind.csum_start or kind.csum_start + kind.csum_offset + 2 <= kind.size_bytes
    return [getattr(kind, name) for name in KIND_FIELDS]


def coalesced_packets(data: bytes, number: int) -> None:
    """A packet and what may follow it: the same again, and with one bit changed."""
    inner = parse_inner_packet(data)
    if inner is None:
        return
    whole = data[: inner.size_bytes]
    at = number % len(whole)
    changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    following = changed if parse_inner_packet(changed) is not None else whole
    packets = [_next(whole, step) for step in range(number % 5)] + [following, whole]
    in_foreign_memory(
        b"".join(bytes(HEADER_BYTES) + packet for packet in packets),
        lambda memory: _coalesce(memory, packets),
    )


def _coalesce(memory: memoryview, packets: list[bytes]) -> list[bytes]:
    delivered: list[bytes] = []
    coalescer = Coalescer(memory, lambda parts: delivered.append(b"".join(parts)))
    start = 0
    for packet in packets:
        start += HEADER_BYTES
        inner = parse_inner_packet(packet)
        assert inner is not None
        coalescer.add(start, inner.size_bytes)
        start += len(packet)
    coalescer.flush()
    _check_delivered(delivered, packets)
    return delivered


def _check_delivered(delivered: list[bytes], packets: list[bytes]) -> None:
    """As many payloads as came; what was not joined is as it was."""
    count = 0
    for one in delivered:
        vnet, packet = VnetHeader.unpack(one), one[HEADER_BYTES:]
        if vnet.gso_type:
            shape = shape_of(packet, vnet)
            assert shape is not None
            count += len(segments(packet, shape))
        else:
            assert packet in packets or any(whole.startswith(packet) for whole in packets)
            count += 1
    assert count == len(packets)


def _next(packet: bytes, step: int) -> bytes:
    """The packet as a later segment of its flow, if it is one of TCP; its checksum is as right as before."""
    found = find_transport(packet)
    if found is None or found.protocol != TCP or found.start + 20 > found.end:
        return packet
    at, payload_bytes = found.start + 4, found.end - found.start - (packet[found.start + 12] >> 4) * 4
    sequence = int.from_bytes(packet[at : at + 4], "big") + step * payload_bytes
    made = bytearray(packet)
    _change_word(made, at, sequence >> 16 & 0xFFFF, found.start + 16)
    _change_word(made, at + 2, sequence & 0xFFFF, found.start + 16)
    return bytes(made)


def _change_word(made: bytearray, at: int, word: int, checksum_at: int) -> None:
    before = int.from_bytes(made[at : at + 2], "big")
    checksum = int.from_bytes(made[checksum_at : checksum_at + 2], "big")
    made[at : at + 2] = word.to_bytes(2, "big")
    made[checksum_at : checksum_at + 2] = updated_checksum(checksum, before, word).to_bytes(2, "big")


def plaintexts_of_messages(data: bytes, number: int) -> None:
    """What an authentic peer sealed: any bytes, in messages of one size, one of them with one bit changed."""
    if not data:
        return
    at = number % min(len(data), 64)
    rows = [_next(data, step) for step in range(ROWS)]
    rows[number % ROWS] = data[:at] + bytes([data[at] ^ 1 << number % 8]) + data[at + 1 :]
    in_rows, one_by_one = (
        in_foreign_memory(_side_by_side(rows), lambda memory, how=how: how(memory, len(data), number & 3))[0]
        for how in (_together, _one_by_one)
    )
    assert in_rows == one_by_one


def _side_by_side(rows: list[bytes]) -> bytes:
    return b"".join(bytes(TRANSPORT_HEADER_SIZE_BYTES) + row for row in rows)


def _together(memory: memoryview, size: int, outer_ecn: int) -> object:
    return _add_rows(memory, size, outer_ecn, at_once=ROWS)


def _one_by_one(memory: memoryview, size: int, outer_ecn: int) -> object:
    return _add_rows(memory, size, outer_ecn, at_once=1)


def _add_rows(memory: memoryview, size: int, outer_ecn: int, *, at_once: int) -> object:
    packets, delivered, forwarder, peer = _inner_packets(memory)
    stride = TRANSPORT_HEADER_SIZE_BYTES + size
    rows = PacketRows(memory, TRANSPORT_HEADER_SIZE_BYTES, stride, ROWS)
    for first in range(0, ROWS, at_once):
        packets.add_rows(peer, rows, first, at_once, size, outer_ecn)
    return delivered(), forwarder.drops.by_name()


def _inner_packets(
    memory: memoryview,
) -> tuple[InnerPackets, Callable[[], list[bytes]], Forwarder, ForwardingPeer]:
    """With a peer that owns half of all addresses."""
    forwarder = Forwarder(MTU_BYTES)
    peer = ForwardingPeer(0, Traffic.private(), MTU_BYTES)
    forwarder.set_allowed_ips(peer, [ip_network("0.0.0.0/1"), ip_network("8000::/1")])
    parts: list[bytes] = []
    coalescer = Coalescer(memory, lambda views: parts.append(b"".join(views)))

    def delivered() -> list[bytes]:
        coalescer.flush()
        return sorted(without_meaningless_id(packet) for part in parts for packet in cut(part))

    return InnerPackets(memory, forwarder, coalescer), delivered, forwarder, peer


def decapsulated_ecn(data: bytes, number: int) -> None:
    if parse_inner_packet(data) is None:
        return
    outer = number & ecn.ECN_MASK
    kept, after = in_foreign_memory(data, lambda packet: ecn.decapsulate(packet, 0, outer))
    unchanged, _unused = in_foreign_memory(data, lambda packet: ecn.changes_nothing(packet, 0, outer))
    assert after == data or (kept and not unchanged)
    different = [at for at in range(len(data)) if data[at] != after[at]]
    assert set(different) <= ({1, 10, 11} if data[0] >> 4 == 4 else {1})
    if data[0] >> 4 == 4:
        assert word_sum(data[:20]) == word_sum(after[:20])


def path_probe(data: bytes, _number: int) -> None:
    found, _unused = in_foreign_memory(data, is_path_probe)
    assert found is is_path_probe(data)
    assert not found or data[0] >> 4 == 4


OFFLOAD_TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        super_packet,
        kind_of_packet,
        coalesced_packets,
        plaintexts_of_messages,
        decapsulated_ecn,
        path_probe,
    )
}
