# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What processes cost, with all their descendants: processor time and memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROC = Path("/proc")
_GONE = (FileNotFoundError, ProcessLookupError)


def tree(pid: int) -> Iterator[int]:
    """A process and its descendants, as far as they live."""
    yield pid
    with contextlib.suppress(*_GONE):
        for task in (_PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds that processes and their descendants have been on a processor until now."""
    return sum(_cpu_ns(pid) for root in pids for pid in tree(root)) / 1e9


def pss_bytes(pids: Iterable[int]) -> int:
    """Memory of processes and their descendants; what they share with others counts in part."""
    return sum(_pss_bytes(pid) for root in pids for pid in tree(root))


def _cpu_ns(pid: int) -> int:
    total_ns = 0
    with contextlib.suppress(*_GONE):
        for task in (_PROC / str(pid) / "task").iterdir():
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns


def _pss_bytes(pid: int) -> int:
    with contextlib.suppress(*_GONE):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
