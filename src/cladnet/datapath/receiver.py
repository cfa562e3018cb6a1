# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The way in: from the UDP socket, through sessions and checks, to a queue of the TUN device.

Everything happens where the kernel put the datagrams: messages are opened in place, and packets are delivered
from there. Datagrams of one size are rows of memory and are handled together, whether the kernel glued them
(UDP_GRO) or they came one by one into slots side by side.

Source: Linux Documentation/networking/tuntap.rst and segmentation-offloads.rst.
"""

from __future__ import annotations

import errno
import os
import socket

from cladnet.core.forwarding.envelope import Envelope
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.inner_packets import InnerPackets
from cladnet.core.forwarding.opening import Opening
from cladnet.core.forwarding.sealed_rows import SealedRows
from cladnet.core.offload.coalescing import MIN_ROWS, Coalescer
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.messages import MIN_TRANSPORT_SIZE_BYTES
from cladnet.datapath.error_log import ErrorLog
from cladnet.datapath.udp_receive import SLOT_BYTES, SLOTS, UdpReceiver

# How many datagrams one call receives. Glued ones are many each, and would be out of the processor's cache
# before they are opened.
_MANY, _FEW = 64, 4
_MAX_REMEMBERED_ROWS = 128


class Receiver:
    """Takes datagrams from one socket.

    Args:
        tun: descriptor of the queue, with virtio-net headers; below 0 while there is none.
        socket: non-blocking, with UDP_GRO and the ECN of datagrams switched on if the kernel has them.
        forwarder: has the sessions; gets what is to be told and counted.
        has_uso: whether the device takes UDP in bulk.

    Attributes:
        tun: as above; may be replaced.
    """

    def __init__(
        self,
        *,
        tun: int,
        socket: socket.socket,
        forwarder: Forwarder,
        has_uso: bool = True,
    ) -> None:
        self.tun = tun
        self._forwarder = forwarder
        self._udp = UdpReceiver(socket)
        self._coalescer = Coalescer(self._udp.memory, self._deliver, has_uso=has_uso)
        packets = InnerPackets(self._udp.memory, forwarder, self._coalescer)
        self._opening = Opening(self._udp.memory, forwarder, packets)
        self._errors = ErrorLog()
        self._slot = 0
        self._limit = _MANY
        self._rows: dict[tuple[int, int, int], SealedRows] = {}

    def run(self, budget: int, now_s: float) -> int:
        """Receives and delivers.

        Args:
            budget: how many batches of datagrams at most.
            now_s: time of the device.

        Returns:
            How many full batches there were; fewer than the budget if the socket is empty now.

        Raises:
            OSError: EBADFD, the device was deleted. What was not delivered by then is lost.
        """
        self._opening.now_s = now_s
        try:
            done = self._receive_batches(budget)
            self._coalescer.flush()
        except OSError:
            self._coalescer.discard()
            raise
        finally:
            self._opening.finish()
            self._slot = 0
        return done

    def _receive_batches(self, budget: int) -> int:
        for done in range(budget):
            limit = self._limit
            datagrams = self._receive(limit)
            if datagrams:
                self._take(datagrams)
            if len(datagrams) < limit:
                return done
        return budget

    def _receive(self, limit: int) -> list[tuple[int, Envelope | None]]:
        if self._slot and self._coalescer.is_empty:
            self._slot = 0
        elif self._slot + limit > (SLOTS if limit == _MANY else 2 * _FEW):
            self._coalescer.flush()
            self._slot = 0
        try:
            return self._udp.receive(self._slot, limit)
        except OSError as exc:
            self._errors.report("receiving from", "the UDP socket", exc, self._opening.now_s)
            return []

    def _take(self, datagrams: list[tuple[int, Envelope | None]]) -> None:
        """Takes datagrams from the next slots: glued ones each, others with those that are alike."""
        index, count = 0, len(datagrams)
        self._limit = _MANY
        size, envelope = datagrams[0]
        if count == 1 and envelope is not None and not envelope.segment_bytes:
            self._opening.take_one(self._slot * SLOT_BYTES, size, envelope)
            index = 1
        while index < count:
            envelope = datagrams[index][1]
            first, index = index, index + 1
            if envelope is None:
                self._forwarder.drops[Drop.MALFORMED_DATAGRAM] += 1
            elif envelope.segment_bytes:
                self._limit = _FEW
                self._take_glued((self._slot + first) * SLOT_BYTES, datagrams[first][0], envelope)
            else:
                while index < count and datagrams[index][1] is envelope:
                    index += 1
                sizes = [size for size, _envelope in datagrams[first:index]]
                self._take_slots(self._slot + first, sizes, envelope)
        self._slot += count

    def _take_glued(self, start: int, size: int, envelope: Envelope) -> None:
        segment_bytes = envelope.segment_bytes
        begin, end, count = start, start + size, size // segment_bytes
        if count >= MIN_ROWS and segment_bytes >= MIN_TRANSPORT_SIZE_BYTES:
            self._opening.take_rows(self._rows_of(start, segment_bytes, segment_bytes), 0, count, envelope)
            begin += count * segment_bytes
        if begin < end:
            begins = range(begin, end, segment_bytes)
            self._opening.take([(at, min(segment_bytes, end - at)) for at in begins], envelope)

    def _take_slots(self, first: int, sizes: list[int], envelope: Envelope) -> None:
        """Takes one datagram from each slot: rows where enough of them have one size."""
        others: list[tuple[int, int]] = []
        index, count = 0, len(sizes)
        while index < count:
            size, begin = sizes[index], index
            while index < count and sizes[index] == size:
                index += 1
            if index - begin >= MIN_ROWS and size >= MIN_TRANSPORT_SIZE_BYTES:
                self._opening.take(others, envelope)
                others = []
                rows = self._rows_of(0, SLOT_BYTES, size)
                self._opening.take_rows(rows, first + begin, index - begin, envelope)
            else:
                slots = range(first + begin, first + index)
                others += [(slot * SLOT_BYTES, size) for slot in slots]
        self._opening.take(others, envelope)

    def _rows_of(self, start: int, stride: int, size: int) -> SealedRows:
        rows = self._rows.get((start, stride, size))
        if rows is None:
            if len(self._rows) >= _MAX_REMEMBERED_ROWS:
                del self._rows[next(iter(self._rows))]
            count = SLOTS if stride == SLOT_BYTES else SLOT_BYTES // stride
            rows = SealedRows(self._udp.memory, start, stride, count, size)
            self._rows[start, stride, size] = rows
        return rows

    def _deliver(self, parts: list[memoryview]) -> None:
        try:
            if len(parts) == 1:
                os.write(self.tun, parts[0])
            else:
                os.writev(self.tun, parts)
        except OSError as exc:
            self._forwarder.drops[Drop.TUN_WRITE_FAILED] += len(parts)
            if exc.errno == errno.EBADFD:
                raise
            if self.tun >= 0:
                self._errors.report("delivering to", "the TUN device", exc, self._opening.now_s)
