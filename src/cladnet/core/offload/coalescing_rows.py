# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets of one size at regular distances in memory, compared all at once.

Source: Linux net/ipv4/tcp_offload.c, tcp_gro_receive, and net/ipv4/udp_offload.c, udp_gro_receive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cladnet.core.offload.checksum import MODULUS, word_sum
from cladnet.core.offload.coalescing_layout import (
    DONT_FRAGMENT,
    IPV4_CHECKSUM_AT,
    IPV4_FRAGMENT_AT,
    IPV4_ID_AT,
    TCP_SEQUENCE_AT,
    UDP_CHECKSUM_AT,
    Layout,
)

Column = npt.NDArray[Any]

_STEPS = np.arange(1 << 11, dtype=np.uint32)
_ID_STEPS = _STEPS.astype(np.uint16)
_MAX_REMEMBERED_COMPARISONS = 16


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
        self._comparisons: dict[tuple[Layout, int], _Comparison] = {}

    def at(self, row: int) -> int:
        """Where the packet of a row begins."""
        return self.start + row * self.stride

    def payloads(self, first: int, count: int, layout: Layout, size: int) -> list[memoryview]:
        """What is behind the headers in each of some rows.

        Args:
            first: row.
            count: of rows.
            layout: of the packets.
            size: of each packet.
        """
        known = self._comparison(layout, size).payloads
        for row in range(len(known), first + count):
            begin = self.at(row)
            known.append(self._memory[begin + layout.header_bytes : begin + size])
        return known[first : first + count]

    def agreeing(self, first: int, count: int, layout: Layout, size: int) -> int:
        """How many rows, from `first` on, are segments that follow one another and have right checksums.

        Args:
            first: a row with a packet that may be any segment.
            count: how many rows to compare, at least one.
            layout: of the first packet.
            size: of the first packet.
        """
        start = self.at(first)
        is_atomic = not layout.is_ipv4 or bool(self._memory[start + IPV4_FRAGMENT_AT] & DONT_FRAGMENT)
        if layout.is_ipv4 and word_sum(self._memory[start : start + layout.ip_bytes]):
            return 0
        comparison = self._comparison(layout, size)
        remainders = comparison.remainders(first, count)
        if remainders[0] != comparison.right_remainder:
            return 0
        columns = [remainders, *comparison.columns(first, count, is_atomic=is_atomic)]
        if all(map(_is_uniform, columns)):
            return count
        same = np.ones(count, np.bool_)
        for column in columns:
            same &= (column == column[0]).reshape(count, -1).all(axis=1)
        return int(same.argmin())

    def column(self, at: int, dtype: str) -> Column:
        """One number of each row, that many bytes behind its beginning."""
        return np.ndarray((self._count,), dtype, self._memory, self.start + at, (self.stride,))

    def matrix(self, at: int, dtype: str, width: int) -> Column:
        """Several numbers, side by side, of each row."""
        strides = (self.stride, np.dtype(dtype).itemsize)
        return np.ndarray((self._count, width), dtype, self._memory, self.start + at, strides)

    def _comparison(self, layout: Layout, size: int) -> _Comparison:
        found = self._comparisons.get((layout, size))
        if found is None:
            if len(self._comparisons) >= _MAX_REMEMBERED_COMPARISONS:
                self._comparisons.clear()
            found = self._comparisons[layout, size] = _Comparison(self, layout, size)
        return found


class _Comparison:
    """What is compared of rows whose packets have one layout and size.

    Attributes:
        payloads: views of as many payloads as were needed so far.
        right_remainder: the word sum of addresses and transport where the checksum is right, with swapped
            bytes: what the rest of the pseudo-header makes 0.
    """

    def __init__(self, rows: PacketRows, layout: Layout, size: int) -> None:
        self.payloads: list[memoryview] = []
        self._layout = layout
        self._headers = rows.matrix(0, "u1", layout.header_bytes)
        self._words = rows.matrix(layout.addresses_at, "<u2", (size - layout.addresses_at) // 2)
        self._last_byte = rows.column(size - 1, "u1") if size & 1 else None
        self.right_remainder = -_swapped(layout.protocol + size - layout.ip_bytes) % MODULUS
        if layout.is_tcp:
            self._sequence = rows.column(layout.ip_bytes + TCP_SEQUENCE_AT, ">u4")
            self._sequence_steps = _STEPS * (size - layout.header_bytes)
        else:
            self._checksums = rows.column(layout.ip_bytes + UDP_CHECKSUM_AT, "<u2")
        self._ids = rows.column(IPV4_ID_AT, ">u2")
        self._header_checksums = rows.column(IPV4_CHECKSUM_AT, ">u2")

    def columns(self, first: int, count: int, *, is_atomic: bool) -> list[Column]:
        """What has to be the same in all rows; atomic are packets whose identification means nothing."""
        rows = slice(first, first + count)
        columns = [self._headers[rows] & self._layout.common_in_rows]
        if self._layout.is_tcp:
            columns.append(self._sequence[rows] - self._sequence_steps[:count])
        else:
            columns.append(self._checksums[rows] == 0)
        if self._layout.is_ipv4:
            columns.append(self._header_sums(rows))
        if not is_atomic:
            columns.append(self._ids[rows] - _ID_STEPS[:count])
        return columns

    def _header_sums(self, rows: slice) -> Column:
        """What differs in the word sums of IPv4 headers if nothing else of them does."""
        ids, checksums = self._ids[rows], self._header_checksums[rows]
        sums = ids + checksums
        if not _is_uniform(sums):  # one of both began anew, for example
            sums = np.add(ids, checksums, dtype=np.uint32) % MODULUS
        return sums

    def remainders(self, first: int, count: int) -> Column:
        """Word sums of the rows, with swapped bytes."""
        rows = slice(first, first + count)
        sums: Column = np.add.reduce(self._words[rows], axis=1, dtype=np.uint32)
        if self._last_byte is not None:
            sums += self._last_byte[rows]
        sums %= MODULUS
        return sums


def _is_uniform(column: Column) -> bool:
    octets = column.tobytes()
    count = len(column)
    return octets == octets[: len(octets) // count] * count


def _swapped(word: int) -> int:
    return word >> 8 | (word & 0xFF) << 8
