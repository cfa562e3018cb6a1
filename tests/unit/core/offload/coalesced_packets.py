# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets of flows, and the cutting of super-packets by the kernel's rules: plain and slow on purpose.

Source: Linux net/ipv4/tcp_offload.c, tcp_gso_segment; net/ipv4/udp_offload.c, __udp_gso_segment;
net/ipv4/af_inet.c, inet_gso_segment; include/linux/virtio_net.h.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cladnet.core.offload.coalescing import Coalescer
from cladnet.core.offload.coalescing_rows import PacketRows

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
TCP, UDP = 6, 17
VNET_HEADER = struct.Struct("=BBHHHH")


def internet_checksum(data: bytes) -> int:
    """RFC 1071, by the book."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@dataclass(frozen=True)
class Packet:
    """All that coalescing looks at."""

    payload: bytes = b"x" * 100
    version: int = 4
    protocol: int = TCP
    ports: tuple[int, int] = (1000, 2000)
    sequence: int = 1
    ack: int = 5
    flags: int = ACK
    window: int = 500
    options: bytes = b""
    urgent: int = 0
    reserved: int = 0
    tos: int = 0
    ttl: int = 64
    identification: int = 0
    fragment: int = 0x4000
    flow_label: int = 0
    ip_options: bytes = b""
    checksum_error: int = 0
    ip_checksum_error: int = 0
    has_checksum: bool = True

    def transport(self, checksum: int) -> bytes:
        if self.protocol == UDP:
            return struct.pack("!HHHH", *self.ports, 8 + len(self.payload), checksum) + self.payload
        offset = (5 + len(self.options) // 4) << 4 | self.reserved
        fields = (
            *self.ports,
            self.sequence,
            self.ack,
            offset,
            self.flags,
            self.window,
            checksum,
            self.urgent,
        )
        return struct.pack("!HHIIBBHHH", *fields) + self.options + self.payload

    def bytes(self) -> bytes:
        source, destination = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
        if self.version == 6:
            source, destination = (b"\xfd" + bytes(14) + end for end in (b"\1", b"\2"))
        transport = self.transport(0)
        pseudo = source + destination + struct.pack("!II", len(transport), self.protocol)
        checksum = internet_checksum(pseudo + transport)
        if self.protocol == UDP:
            checksum = checksum or 0xFFFF
        checksum = (checksum + self.checksum_error) % 0x10000 if self.has_checksum else 0
        return self.ip_header(source + destination, len(transport)) + self.transport(checksum)

    def ip_header(self, addresses: bytes, size: int) -> bytes:
        if self.version == 6:
            word = 6 << 28 | self.tos << 20 | self.flow_label
            return struct.pack("!IHBB", word, size, self.protocol, self.ttl) + addresses
        fields = (0x45 + len(self.ip_options) // 4, self.tos, 20 + len(self.ip_options) + size)
        rest = (self.identification, self.fragment, self.ttl, self.protocol, 0)
        header = struct.pack("!BBHHHBBH", *fields, *rest) + addresses + self.ip_options
        checksum = (internet_checksum(header) + self.ip_checksum_error) % 0x10000
        return header[:10] + checksum.to_bytes(2, "big") + header[12:]

    def next(self, **changes: object) -> Packet:
        """The one that may follow it."""
        following = {
            "sequence": (self.sequence + len(self.payload)) % 2**32,
            "identification": (self.identification + 1) % 2**16,
            "flags": self.flags & ~CWR,
        }
        return replace(self, **{**following, **changes})


def stream(first: Packet, count: int) -> list[Packet]:
    """Packets that follow one another, each like the first."""
    packets = [first]
    while len(packets) < count:
        packets.append(packets[-1].next())
    return packets


def cut(delivered: bytes) -> list[bytes]:
    """What the kernel makes of a super-packet on its way out; a packet alone stays as it is."""
    flags, gso_type, header_bytes, gso_size, start, offset = VNET_HEADER.unpack_from(delivered)
    packet = delivered[VNET_HEADER.size :]
    if gso_type == 0:
        assert (flags, header_bytes, gso_size, start, offset) == (0, 0, 0, 0, 0)
        return [packet]
    assert flags == 1
    is_tcp = gso_type & 0x7F != 5
    assert gso_type & 0x7F == (5 if not is_tcp else 1 if packet[0] >> 4 == 4 else 4)
    assert (start, offset) == (20 if packet[0] >> 4 == 4 else 40, 16 if is_tcp else 6)
    transport_bytes = (packet[start + 12] >> 4) * 4 if is_tcp else 8
    assert header_bytes == start + transport_bytes
    check_super_packet(packet, start, offset, is_tcp=is_tcp)
    assert bool(gso_type & 0x80) == bool(is_tcp and packet[start + 13] & CWR)
    payload = packet[header_bytes:]
    payloads = [payload[at : at + gso_size] for at in range(0, len(payload), gso_size)]
    assert len(payloads) > 1
    header = packet[:header_bytes]
    return [segment(header, start, n, payloads, gso_size, is_tcp=is_tcp) for n in range(len(payloads))]


def check_super_packet(packet: bytes, start: int, offset: int, *, is_tcp: bool) -> None:
    assert len(packet) <= 65535
    if start == 20:
        assert internet_checksum(packet[:20]) == 0
        assert int.from_bytes(packet[2:4], "big") == len(packet)
    else:
        assert int.from_bytes(packet[4:6], "big") == len(packet) - 40
    if not is_tcp:
        assert int.from_bytes(packet[start + 4 : start + 6], "big") == len(packet) - start
    field = packet[start + offset : start + offset + 2]
    pseudo = struct.pack("!II", len(packet) - start, TCP if is_tcp else UDP)
    addresses = packet[12:20] if start == 20 else packet[8:40]
    assert (int.from_bytes(field, "big") + internet_checksum(addresses + pseudo)) % 0xFFFF == 0


def segment(
    header: bytes, start: int, number: int, payloads: list[bytes], gso_size: int, *, is_tcp: bool
) -> bytes:
    """One segment of many."""
    changed, payload, is_last = bytearray(header), payloads[number], number == len(payloads) - 1
    size = len(header) + len(payload)
    if is_tcp:
        sequence = (int.from_bytes(header[start + 4 : start + 8], "big") + number * gso_size) % 2**32
        changed[start + 4 : start + 8] = sequence.to_bytes(4, "big")
        changed[start + 13] &= 0xFF if is_last else ~(FIN | PSH) & 0xFF
        changed[start + 13] &= ~CWR & 0xFF if number else 0xFF
    else:
        changed[start + 4 : start + 6] = (size - start).to_bytes(2, "big")
    if start == 20:
        changed[2:4] = size.to_bytes(2, "big")
        changed[4:6] = ((int.from_bytes(header[4:6], "big") + number) % 2**16).to_bytes(2, "big")
        changed[10:12] = bytes(2)
        changed[10:12] = internet_checksum(bytes(changed[:20])).to_bytes(2, "big")
    else:
        changed[4:6] = (size - 40).to_bytes(2, "big")
    field = start + (16 if is_tcp else 6)
    changed[field : field + 2] = bytes(2)
    pseudo = struct.pack("!II", size - start, TCP if is_tcp else UDP)
    addresses = header[12:20] if start == 20 else header[8:40]
    checksum = internet_checksum(addresses + pseudo + bytes(changed[start:]) + payload)
    if not is_tcp:
        checksum = checksum or 0xFFFF
    changed[field : field + 2] = checksum.to_bytes(2, "big")
    return bytes(changed) + payload


def without_meaningless_id(packet: bytes) -> bytes:
    """Blanks the identification of an IPv4 packet that may not be fragmented, if its header is right."""
    is_atomic = packet[0] == 0x45 and packet[6] & 0x40 and internet_checksum(packet[:20]) == 0
    return packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:] if is_atomic else packet


class Harness:
    """A coalescer whose deliveries are kept."""

    ROOM_BYTES = 16

    def __init__(self, *, has_uso: bool = True, size: int = 1 << 20) -> None:
        self.memory = bytearray(b"\xaa" * size)
        self.delivered: list[bytes] = []
        self.parts: list[int] = []
        view = memoryview(self.memory)
        self.coalescer = Coalescer(view, self._deliver, has_uso=has_uso)
        self._view = view
        self._next = self.ROOM_BYTES

    def add_all(self, packets: Sequence[bytes], stride: int | None) -> None:
        """Adds packets as rows that are so many bytes apart, or one by one."""
        if stride is not None:
            self.add_rows(packets, stride)
            return
        for packet in packets:
            self.add(packet)

    def add(self, packet: bytes) -> None:
        """Adds one packet at the next free place, somewhere before an odd number of other bytes."""
        start = self._place([packet], len(packet))
        self.coalescer.add(start, len(packet))

    def add_rows(self, packets: Sequence[bytes], stride: int) -> None:
        """Adds packets as rows; those that the coalescer does not take together it gets one by one."""
        start = self._place(packets, stride)
        rows = PacketRows(self._view, start, stride, len(packets))
        first = 0
        while first < len(packets):
            size = len(packets[first])
            alike = next(
                (n for n in range(first, len(packets)) if len(packets[n]) > stride - self.ROOM_BYTES),
                len(packets),
            )
            taken = self.coalescer.add_rows(rows, first, alike - first, size)
            if not taken:
                self.coalescer.add(rows.at(first), size)
            first += taken or 1

    def cut_all(self) -> list[bytes]:
        """All that was delivered, as the kernel would cut it."""
        self.coalescer.flush()
        return [packet for delivered in self.delivered for packet in cut(delivered)]

    def _place(self, packets: Sequence[bytes], stride: int) -> int:
        start = self._next
        for number, packet in enumerate(packets):
            at = start + number * stride
            self.memory[at : at + len(packet)] = packet
        self._next = start + len(packets) * stride + self.ROOM_BYTES + 1
        return start

    def _deliver(self, parts: list[memoryview]) -> None:
        self.delivered.append(b"".join(parts))
        self.parts.append(len(parts))
