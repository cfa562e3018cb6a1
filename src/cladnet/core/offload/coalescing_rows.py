# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets of one size at regular distances in memory, compared all at once.

Source: Linux net/ipv4/tcp_offload.c, tcp_gro_receive, and net/ipv4/udp_offload.c, udp_gro_receive.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from cladnet.core.offload.checksum import MODULUS, word_sum
from cladnet.core.offload.coalescing_layout import (
    DONT_FRAGMENT,
    IPV4_FRAGMENT_AT,
    IPV4_ID_AT,
    TCP_SEQUENCE_AT,
    UDP_CHECKSUM_AT,
    Layout,
)

Column = npt.NDArray[Any]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_ZEROS = bytes(1 << 16)
_MAX_REMEMBERED = 64


class PacketRows:
    """Rows of memory with a packet at the beginning of each.

    Args:
        memory: all of it.
        start: of the first row.
        stride: from one row to the next.
        count: of rows.
    """

    def __init__(self, memory: memoryview, start: int, stride: int, count: int) -> None:
        self.start = start
        self.stride = stride
        self._memory = memory
        self._count = count
        self._payloads: dict[tuple[int, int], list[memoryview]] = {}
        self._headers: dict[int, npt.NDArray[np.uint8]] = {}
        self._words: dict[tuple[int, int], Column] = {}

    def at(self, row: int) -> int:
        """Where the packet of a row begins."""
        return self.start + row * self.stride

    def payloads(self, first: int, count: int, header_bytes: int, size: int) -> list[memoryview]:
        """What is behind the headers in each of some rows with packets that long."""
        known = self._payloads.get((header_bytes, size))
        if known is None:
            known = []
            _remember(self._payloads, (header_bytes, size), known)
        for row in range(len(known), first + count):
            begin = self.at(row)
            known.append(self._memory[begin + header_bytes : begin + size])
        return known[first : first + count]

    def agreeing(self, first: int, count: int, size: int, layout: Layout) -> int:
        """How many rows, from `first` on, are segments that follow one another and have right checksums.

        Args:
            first: a row with a packet of that layout.
            count: how many rows to compare, at least one.
            size: of the first packet.
            layout: of the first packet.
        """
        rows = slice(first, first + count)
        deviations = [self._different_headers(rows, layout), self._wrong_checksums(rows, size, layout)]
        if layout.is_tcp:
            deviations.append(self._sequence_gaps(rows, size, layout))
        else:
            deviations.append(self._missing_checksums(rows, layout))
        if layout.is_ipv4 and not self._memory[self.at(first) + IPV4_FRAGMENT_AT] & DONT_FRAGMENT:
            deviations.append(self._id_gaps(rows))
        if all(deviation.tobytes() == _ZEROS[: deviation.nbytes] for deviation in deviations):
            return count
        wrong = np.zeros(count, np.bool_)
        for deviation in deviations:
            wrong |= deviation.reshape(count, -1).any(axis=1)
        return int(wrong.argmax())

    def _different_headers(self, rows: slice, layout: Layout) -> Column:
        size = layout.header_bytes
        headers = self._headers.get(size)
        if headers is None:
            headers = self._matrix(0, np.dtype(np.uint8), size)
            _remember(self._headers, size, headers)
        headers = headers[rows]
        different: Column = (headers ^ headers[0]) & layout.common_in_rows
        return different

    def _wrong_checksums(self, rows: slice, size: int, layout: Layout) -> Column:
        """What the word sums of pseudo-header, transport and IPv4's own header together differ from 0."""
        begin = 0 if layout.is_ipv4 else layout.addresses_at
        words = self._words.get((begin, size))
        if words is None:
            words = self._matrix(begin, np.dtype("<u2"), (size - begin) // 2)
            _remember(self._words, (begin, size), words)
        sums: Column = np.add.reduce(words[rows], axis=1, dtype=np.uint32)
        if size & 1:
            sums += self._column(size - 1, np.dtype(np.uint8))[rows]
        rest = layout.protocol + size - layout.ip_bytes
        if layout.is_ipv4:
            rest += word_sum(
                self._addresses(rows.start, layout)
            )  # have summed them once, and need them twice
        sums += _swapped(rest % MODULUS)
        sums %= MODULUS
        return sums

    def _addresses(self, row: int, layout: Layout) -> memoryview:
        start = self.at(row)
        return self._memory[start + layout.addresses_at : start + layout.ip_bytes]

    def _missing_checksums(self, rows: slice, layout: Layout) -> Column:
        missing: Column = self._column(layout.ip_bytes + UDP_CHECKSUM_AT, np.dtype("<u2"))[rows] == 0
        return missing

    def _sequence_gaps(self, rows: slice, size: int, layout: Layout) -> Column:
        sequence = self._column(layout.ip_bytes + TCP_SEQUENCE_AT, np.dtype(">u4"))[rows]
        payload = size - layout.header_bytes
        gaps: Column = sequence - (_STEPS[: len(sequence)] * payload + sequence[0])
        return gaps

    def _id_gaps(self, rows: slice) -> Column:
        ids = self._column(IPV4_ID_AT, np.dtype(">u2"))[rows]
        gaps: Column = ids - (_STEPS[: len(ids)] + ids[0]).astype(np.uint16)
        return gaps

    def _column(self, at: int, dtype: np.dtype[Any]) -> Column:
        return np.ndarray((self._count,), dtype, self._memory, self.start + at, (self.stride,))

    def _matrix(self, at: int, dtype: np.dtype[Any], width: int) -> Column:
        shape, strides = (self._count, width), (self.stride, dtype.itemsize)
        return np.ndarray(shape, dtype, self._memory, self.start + at, strides)


_STEPS = np.arange(1 << 11, dtype=np.uint32)


def _swapped(word: int) -> int:
    return word >> 8 | (word & 0xFF) << 8


def _remember(known: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    if len(known) >= _MAX_REMEMBERED:
        known.clear()
    known[key] = value
