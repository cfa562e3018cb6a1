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


def alone_bytes(pids: Iterable[int]) -> int:
    """Memory of processes and their descendants if nobody else ran on the machine.

    What is theirs alone counts in full, and what they share with whomever counts once: for each file the most
    that one of them has of it.
    """
    private, shared = 0, dict[str, int]()
    for pid in (pid for root in pids for pid in tree(root)):
        own: dict[str, int] = {}
        for file, key, size_bytes in _mappings(pid):
            private += size_bytes if key.startswith("Private_") else 0
            own[file] = own.get(file, 0) + (size_bytes if key.startswith("Shared_") else 0)
        shared |= {file: max(size, shared.get(file, 0)) for file, size in own.items()}
    return private + sum(shared.values())


def _mappings(pid: int) -> Iterator[tuple[str, str, int]]:
    """File, key and bytes of all lines in the kernel's list of what a process has mapped."""
    file = ""
    with contextlib.suppress(*_GONE):
        for line in (_PROC / str(pid) / "smaps").read_text().splitlines():
            words = line.split()
            if not words[0].endswith(":"):
                file = " ".join(words[5:])
            elif words[-1] == "kB":
                yield file, words[0], int(words[1]) * 1024


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
