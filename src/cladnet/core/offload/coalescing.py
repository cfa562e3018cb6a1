# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Joins decrypted packets of one flow into super-packets, as generic receive offload of the kernel does.

Packets stay where they were decrypted: a super-packet is the first packet, with changed headers, and views
of the payloads of the others. Cutting it again, as the kernel does when it forwards, gives the packets that
it was made of; only the identification of IPv4 packets that may not be fragmented changes, which means
nothing (RFC 6864, section 4.1). The headers of a super-packet say "checksum still to be made", and that would
repair what was broken before it came to us. So a packet is joined only if its checksums are right; others
pass alone, as they are.

Source: Linux net/ipv4/tcp_offload.c, tcp_gro_receive, and net/ipv4/udp_offload.c, udp_gro_receive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cladnet.core.offload.coalescing_layout import ALONE, ANY, LAST, Layout, read_flow
from cladnet.core.offload.coalescing_rows import PacketRows
from cladnet.core.offload.coalescing_run import Run, max_segments
from cladnet.core.offload.virtio_net import HEADER_BYTES

# Fewer packets than this are not worth an array.
MIN_ROWS = 6
# The last of them is often not like the others.
_MIN_AGREEING_ROWS = MIN_ROWS - 1

_MAX_OPEN_RUNS = 64
_NO_OFFLOAD = bytes(HEADER_BYTES)


class Coalescer:
    """Holds packets until no other can follow them, or until it is flushed. Keeps the order of each flow.

    Args:
        memory: has all packets and, right before each, writable room for a virtio-net header. A packet has to
            stay there until it was delivered.
        deliver: takes one packet or super-packet: views of the virtio-net header and all that follows. There
            is one view for each packet that was joined.
        has_uso: whether UDP may be joined, too.
    """

    def __init__(
        self, memory: memoryview, deliver: Callable[[list[memoryview]], None], *, has_uso: bool = True
    ) -> None:
        self._memory = memory
        self._deliver = deliver
        self._has_uso = has_uso
        self._runs: dict[bytes, Run] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return not self._runs

    def add(self, start: int, size: int) -> None:
        """Takes one packet: a whole one by its IP header, without padding behind it.

        Args:
            start: where it begins.
            size: in bytes.
        """
        self._add(start, size, read_flow(self._memory, start, size))

    def add_one(self, start: int, size: int) -> None:
        """Takes a packet after which others need not come soon; arguments as above."""
        if self._runs:
            self.add(start, size)
        else:
            self._deliver_alone(start, size)

    def add_all(self, packets: Sequence[tuple[int, int]]) -> None:
        """Takes packets after which others need not come soon: what is alone in its flow is not held.

        Args:
            packets: where each begins, and its size in bytes.
        """
        memory = self._memory
        found = [read_flow(memory, start, size) for start, size in packets]
        repeated = _repeated(found)
        for (start, size), flow in zip(packets, found, strict=True):
            if flow is None or flow in repeated or flow[1] in self._runs:
                self._add(start, size, flow)
            else:
                self._deliver_alone(start, size)

    def add_rows(self, rows: PacketRows, first: int, count: int, size: int) -> int:
        """Takes as many rows as are packets of that size in one run, if that saves work.

        Args:
            rows: in the same memory.
            first: the first row to take.
            count: how many at most.
            size: of the packet in the first row.

        Returns:
            How many it took; 0 means that the first row is to be added as a packet.
        """
        start = rows.at(first)
        found = read_flow(self._memory, start, size)
        if found is None or count < MIN_ROWS or self._role(found[0], start, size) != ANY:
            return 0
        if read_flow(self._memory, rows.at(first + 1), size) != found:
            return 0  # before all are compared, with more effort
        layout, flow = found
        gso_size = size - layout.header_bytes
        run = self._runs.get(flow)
        if run is None:
            count = min(count, max_segments(layout, gso_size))
        elif run.gso_size == gso_size and run.accepts(start, size, layout):
            count = min(count, run.room)
        else:
            return 0
        count = self._agreeing(rows, first, count, size, layout)
        if count >= _MIN_AGREEING_ROWS:
            run = run or self._open(flow, start, size, layout)
            run.append_rows(rows, first, count)
            self._emit_if_full(flow, run)
            return count
        return 0

    def flush(self) -> None:
        """Delivers everything that is held."""
        runs, self._runs = self._runs, {}
        for run in runs.values():
            self._deliver(run.finish())

    def discard(self) -> None:
        """Gives up everything that is held."""
        self._runs.clear()

    def _add(self, start: int, size: int, found: tuple[Layout, bytes] | None) -> None:
        if found is None:
            self.flush()  # a fragment, say, must not overtake the flow that it belongs to
            self._deliver_alone(start, size)
            return
        layout, flow = found
        role = self._role(layout, start, size)
        run = self._runs.get(flow)
        if run is not None:
            if role and run.accepts(start, size, layout):
                run.append(start, size)
                self._emit_if_full(flow, run)
                return
            self._emit(flow)
        if role == ANY:
            self._open(flow, start, size, layout)
        else:
            self._deliver_alone(start, size)

    def _agreeing(self, rows: PacketRows, first: int, count: int, size: int, layout: Layout) -> int:
        """How many rows are like the first; one that may only be the last is left to be added alone."""
        if layout.role(self._memory, rows.at(first + count - 1), size) == LAST:
            count -= 1
        return rows.agreeing(first, count, layout, size) if count >= _MIN_AGREEING_ROWS else 0

    def _role(self, layout: Layout, start: int, size: int) -> int:
        return layout.role(self._memory, start, size) if layout.is_tcp or self._has_uso else ALONE

    def _open(self, flow: bytes, start: int, size: int, layout: Layout) -> Run:
        if len(self._runs) >= _MAX_OPEN_RUNS:
            self.flush()
        run = self._runs[flow] = Run(self._memory, start, size, layout)
        return run

    def _emit_if_full(self, flow: bytes, run: Run) -> None:
        if not run.room:
            self._emit(flow)

    def _emit(self, flow: bytes) -> None:
        self._deliver(self._runs.pop(flow).finish())

    def _deliver_alone(self, start: int, size: int) -> None:
        self._memory[start - HEADER_BYTES : start] = _NO_OFFLOAD
        self._deliver([self._memory[start - HEADER_BYTES : start + size]])


def _repeated(found: list[tuple[Layout, bytes] | None]) -> set[tuple[Layout, bytes] | None]:
    """What is there more than once."""
    seen: set[tuple[Layout, bytes] | None] = set()
    repeated: set[tuple[Layout, bytes] | None] = set()
    for flow in found:
        (repeated if flow in seen else seen).add(flow)
    return repeated
