# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Cuts a super-packet into WireGuard transport messages where it lies, in bulk.

Memory is seen as rows, one for each message, so close together that all of them are one UDP GSO send:

    | transport header 16 | IP and TCP headers | payload: gso_size | padding | tag 16 |

A scattering read (preadv) of the next super-packet of the same shape lets every payload land in its row, with
the virtio-net header in front of the first packet, where the transport header comes later. What is left to do
are the headers, all rows at once, and one AEAD call for each row, in place. No payload is ever copied.

Source: as for `segmentation`; WireGuard whitepaper, section 5.4.6 (padding).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from cladnet.core.offload.checksum import MODULUS, checksum_of, pseudo_header_sum, word_sum
from cladnet.core.offload.segmentation import (
    CWR,
    DONT_FRAGMENT,
    FIN,
    PSH,
    TCP,
    TCP_FLAGS,
    TCP_SEQUENCE,
    UDP,
    UDP_LENGTH,
    Shape,
    segments,
)
from cladnet.core.offload.virtio_net import GSO_ECN, HEADER_BYTES
from cladnet.core.wireguard.constants import PADDING_MULTIPLE_BYTES
from cladnet.core.wireguard.messages import TAG_SIZE_BYTES, TRANSPORT_HEADER_SIZE_BYTES

EncryptInto = Callable[[memoryview, memoryview, None, memoryview], int]

MAX_ROWS = 128
OVERHEAD_BYTES = TRANSPORT_HEADER_SIZE_BYTES + TAG_SIZE_BYTES
# A super-packet with 256 bytes for the headers, the padding and the tag of each segment.
MEMORY_BYTES = 0x10000 + MAX_ROWS * 256
# Where the first packet lands; as a multiple of 8 it leaves most fields on their natural boundaries.
FIRST_PACKET = TRANSPORT_HEADER_SIZE_BYTES
_VNET = FIRST_PACKET - HEADER_BYTES

_U16, _U32, _PREFIX = struct.Struct("!H"), struct.Struct("!I"), struct.Struct("<Q")
_ZEROS = memoryview(bytes(0x10000 + OVERHEAD_BYTES))


def padded_bytes(packet_bytes: int, mtu_bytes: int) -> int:
    """The length of a packet with its padding: a multiple of 16, unless that is beyond the MTU."""
    return max(packet_bytes, min(packet_bytes + -packet_bytes % PADDING_MULTIPLE_BYTES, mtu_bytes))


def gather(vectors: list[memoryview], read_bytes: int) -> bytes:
    """What a scattering read brought, in one piece."""
    if read_bytes <= len(vectors[0]):
        return bytes(vectors[0][:read_bytes])
    return b"".join(vectors)[:read_bytes]


class SegmentRows:
    """Rows for super-packets of one shape.

    Args:
        memory: `MEMORY_BYTES`, or more; may be shared with other rows that are not in use.
        shape: of the super-packets.
        read: such a super-packet with its virtio-net header.
        mtu_bytes: beyond which packets are not padded.
        overflow: where a read goes on if it is longer than all rows, at least 65,536 bytes.

    Attributes:
        shape: as given.
        vectors: where to read the next super-packet into, with its virtio-net header.
        padded_bytes: length of each packet but the last, with its padding.
        datagram_bytes: length of each datagram but the last.
        capacity: how many rows there are.
    """

    def __init__(
        self,
        memory: bytearray,
        shape: Shape,
        read: bytes,
        *,
        mtu_bytes: int,
        overflow: memoryview,
    ) -> None:
        self.shape = shape
        self._memory = memory
        self._view = memoryview(memory)
        self._mtu_bytes = mtu_bytes
        self.padded_bytes = padded_bytes(shape.segment_bytes, mtu_bytes)
        self.datagram_bytes = self.padded_bytes + OVERHEAD_BYTES
        self.capacity = min(MAX_ROWS, -(-0x10000 // shape.gso_size), len(memory) // self.datagram_bytes)
        self._nonces = bytearray(12 * self.capacity)
        self._columns: dict[int, _Columns] = {}
        self._count = 0
        self._last_bytes = 0
        self._identify(read)
        self._make_views(overflow)

    def _identify(self, read: bytes) -> None:
        """Remembers by what a super-packet of the same shape is known."""
        shape, packet = self.shape, read[HEADER_BYTES:]
        self._gso_type = read[1] & ~GSO_ECN
        self._offload = read[4:HEADER_BYTES]
        self._destination = (
            slice(FIRST_PACKET + 16, FIRST_PACKET + 20)
            if shape.version == 4
            else slice(FIRST_PACKET + 24, FIRST_PACKET + 40)
        )
        self._protocol_at = FIRST_PACKET + (9 if shape.version == 4 else 6)
        self._data_offset_at = FIRST_PACKET + shape.transport_start + 12
        self._first_byte_mask = 0xFF if shape.version == 4 else 0xF0  # the version, for IPv4 with its length
        self._first_byte = packet[0] & self._first_byte_mask
        self._protocol = packet[self._protocol_at - FIRST_PACKET]
        self._data_offset = packet[shape.transport_start + 12] & 0xF0 if shape.is_tcp else 0

    def _make_views(self, overflow: memoryview) -> None:
        view, stride, shape = self._view, self.datagram_bytes, self.shape
        starts = [row * stride + FIRST_PACKET for row in range(self.capacity)]
        first = view[_VNET : FIRST_PACKET + shape.segment_bytes]
        payloads = [view[at + shape.header_bytes : at + shape.segment_bytes] for at in starts]
        self.vectors = [first, *payloads[1:], overflow]
        nonces = memoryview(self._nonces)
        self._sealing = [
            (
                nonces[12 * row : 12 * row + 12],
                view[at : at + self.padded_bytes],
                view[at : at + self.padded_bytes + TAG_SIZE_BYTES],
            )
            for row, at in enumerate(starts)
        ]

    def landed(self, read_bytes: int) -> bool:
        """Whether what was read into `vectors` is a super-packet of this shape that the rows can take."""
        memory, shape = self._memory, self.shape
        return (
            memory[_VNET + 4 : FIRST_PACKET] == self._offload
            and memory[_VNET + 1] & ~GSO_ECN == self._gso_type
            and memory[FIRST_PACKET] & self._first_byte_mask == self._first_byte
            and memory[self._protocol_at] == self._protocol
            and (not shape.is_tcp or memory[self._data_offset_at] & 0xF0 == self._data_offset)
            and 0 < read_bytes - HEADER_BYTES - shape.header_bytes <= self.capacity * shape.gso_size
        )

    def gathered(self, read_bytes: int) -> bytes:
        """What was read into `vectors`, in one piece."""
        return gather(self.vectors, read_bytes)

    def place(self, read: bytes) -> None:
        """Puts a super-packet that was read elsewhere where it would have landed.

        Args:
            read: with its virtio-net header; of this shape, of no more segments than `capacity`.
        """
        at = 0
        for vector in self.vectors:
            part = read[at : at + len(vector)]
            vector[: len(part)] = part
            at += len(vector)

    def segments(self, read_bytes: int) -> list[bytes]:
        """The packets of what landed, made the plain way."""
        return segments(self.gathered(read_bytes)[HEADER_BYTES:], self.shape)

    def destination(self) -> bytes:
        """The inner destination of what landed: 4 or 16 bytes."""
        return bytes(self._memory[self._destination])

    def traffic_class(self) -> int:
        """The TOS or traffic class byte of what landed."""
        first, second = self._memory[FIRST_PACKET], self._memory[FIRST_PACKET + 1]
        return second if self.shape.version == 4 else (first << 4 | second >> 4) & 0xFF

    def count_of(self, packet_bytes: int) -> int:
        """Of how many segments a super-packet of that length is."""
        return -((self.shape.header_bytes - packet_bytes) // self.shape.gso_size)

    def write_headers(self, packet_bytes: int, message_prefix: int, first_counter: int) -> None:
        """Makes complete packets of what landed, with a transport header in front of each.

        Args:
            packet_bytes: length of the super-packet.
            message_prefix: type and receiver index, as one little-endian number.
            first_counter: of the first; the others follow.
        """
        count = self._count = self.count_of(packet_bytes)
        self._last_bytes = packet_bytes - (count - 1) * self.shape.gso_size
        columns = self._columns.get(count) or self._add_columns(count)
        flags = self._write_first_headers(message_prefix)
        if count > 1:
            columns.other_headers[...] = columns.first_header
        counters = columns.steps + first_counter
        columns.counters[...] = counters
        columns.nonces[...] = counters
        if columns.padding is not None:
            columns.padding[...] = 0
        self._number(columns)
        self._finish_last(count)
        if self.shape.is_tcp and flags & (FIN | PSH | CWR):
            self._set_edge_flags(count, flags)
        self._sum(columns)

    def seal(self, encrypt_into: EncryptInto) -> memoryview:
        """Encrypts every packet in place.

        Args:
            encrypt_into: of the AEAD of the session.

        Returns:
            All datagrams in one piece, `datagram_bytes` each, the last maybe shorter.
        """
        last = self._count - 1
        for nonce, plaintext, datagram in self._sealing[:last]:
            encrypt_into(nonce, plaintext, None, datagram)
        nonce, plaintext, datagram = self._sealing[last]
        size = padded_bytes(self._last_bytes, self._mtu_bytes)
        encrypt_into(nonce, plaintext[:size], None, datagram[: size + TAG_SIZE_BYTES])
        return self._view[: last * self.datagram_bytes + size + OVERHEAD_BYTES]

    def _add_columns(self, count: int) -> _Columns:
        columns = self._columns[count] = _Columns(self, self._memory, self._nonces, count)
        return columns

    def _write_first_headers(self, message_prefix: int) -> int:
        """Writes what all rows but the last have in common into the first; gives its TCP flags."""
        memory, shape = self._memory, self.shape
        _PREFIX.pack_into(memory, 0, message_prefix)
        at = FIRST_PACKET + shape.transport_start
        self._write_lengths(FIRST_PACKET, shape.segment_bytes)
        if not shape.is_tcp:
            return 0
        flags = memory[at + TCP_FLAGS]
        memory[at + TCP_FLAGS] = flags & ~(FIN | PSH | CWR)
        return flags

    def _write_lengths(self, packet: int, packet_bytes: int) -> None:
        """Writes all that follows from the length of one packet."""
        memory, shape = self._memory, self.shape
        transport = packet + shape.transport_start
        transport_bytes = packet_bytes - shape.transport_start
        if shape.version == 4:
            _U16.pack_into(memory, packet + 2, packet_bytes)
            _U16.pack_into(memory, packet + 10, 0)
            _U16.pack_into(memory, packet + 10, checksum_of(word_sum(self._view[packet:transport])))
        else:
            _U16.pack_into(memory, packet + 4, packet_bytes - 40)
        if not shape.is_tcp:
            _U16.pack_into(memory, transport + UDP_LENGTH, transport_bytes)
        # Part of the sum over the row, so that the pseudo-header is in it.
        addresses = self._view[packet + shape.addresses.start : packet + shape.addresses.stop]
        pseudo_header = pseudo_header_sum(addresses, TCP if shape.is_tcp else UDP, transport_bytes)
        _U16.pack_into(memory, packet + shape.checksum_at, pseudo_header)

    def _number(self, columns: _Columns) -> None:
        """Gives every packet its place in the stream, and its identification where it may be fragmented."""
        if self.shape.is_tcp:
            at = FIRST_PACKET + self.shape.transport_start + TCP_SEQUENCE
            columns.sequences[...] = columns.offsets + np.uint32(_U32.unpack_from(self._memory, at)[0])
        if self.shape.version == 4 and not self._memory[FIRST_PACKET + 6] & DONT_FRAGMENT:
            self._identify_packets(columns)

    def _identify_packets(self, columns: _Columns) -> None:
        first = _U16.unpack_from(self._memory, FIRST_PACKET + 4)[0]
        columns.identifications[...] = columns.steps + first  # modulo 2^16
        # The sum of each header is that of the first and the difference of their identifications.
        total = MODULUS - _U16.unpack_from(self._memory, FIRST_PACKET + 10)[0] + MODULUS - first
        columns.ip_checksums[...] = MODULUS - (columns.identifications + np.uint32(total)) % MODULUS

    def _finish_last(self, count: int) -> None:
        """Corrects the headers of the last packet if it is shorter, and clears what is behind it."""
        missing = self.shape.segment_bytes - self._last_bytes
        if not missing:
            return
        packet = (count - 1) * self.datagram_bytes + FIRST_PACKET
        self._write_lengths(packet, self._last_bytes)
        end = packet + self._last_bytes
        self._view[end : end + missing] = _ZEROS[:missing]

    def _set_edge_flags(self, count: int, flags: int) -> None:
        at = FIRST_PACKET + self.shape.transport_start + TCP_FLAGS
        self._memory[at] |= flags & CWR
        self._memory[at + (count - 1) * self.datagram_bytes] |= flags & (FIN | PSH)

    def _sum(self, columns: _Columns) -> None:
        totals = np.add.reduce(columns.words, 1, np.uint32)
        columns.checksums[...] = MODULUS - totals % MODULUS


class _Columns:
    """The same field of a number of rows, as arrays over their memory."""

    def __init__(self, rows: SegmentRows, memory: bytearray, nonces: bytearray, count: int) -> None:
        shape, stride = rows.shape, rows.datagram_bytes
        transport = FIRST_PACKET + shape.transport_start

        def column(kind: str, offset: int) -> np.ndarray:
            return np.ndarray((count,), kind, memory, offset, (stride,))

        def block(kind: str, start: int, end: int) -> np.ndarray:
            size = np.dtype(kind).itemsize
            return np.ndarray((count, (end - start) // size), kind, memory, start, (stride, size))

        headers = block("u1", 0, FIRST_PACKET + shape.header_bytes)
        self.first_header, self.other_headers = headers[0], headers[1:]
        self.counters = column("<u8", 8)
        self.nonces = np.ndarray((count,), "<u8", nonces, 4, (12,))
        self.steps = np.arange(count, dtype=np.uint64)
        self.offsets = (self.steps * shape.gso_size).astype(np.uint32)
        self.sequences = column(">u4", transport + TCP_SEQUENCE)
        self.identifications = column(">u2", FIRST_PACKET + 4)
        self.ip_checksums = column(">u2", FIRST_PACKET + 10)
        # In the host's own byte order, which ones' complement sums allow (RFC 1071, section 2).
        end = FIRST_PACKET + shape.segment_bytes
        odd = shape.segment_bytes - shape.transport_start & 1
        self.words = block("=u2", transport, end + odd)
        self.checksums = column("=u2", FIRST_PACKET + shape.checksum_at)
        # What is behind the payload: padding, and half a word of the sum.
        behind = max(stride - OVERHEAD_BYTES - shape.segment_bytes, odd)
        self.padding = block("u1", end, end + behind) if behind else None
