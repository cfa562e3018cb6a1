# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How much of the machine others used while something was measured."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from bench.datapath.processes import tree

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KERNEL_THREADS_PARENT = 2
_LEAST_S = 1.0


class Noise:
    """Counts from its making on; what this process and its descendants do is no noise, nor is the kernel."""

    def __init__(self) -> None:
        self._before = _ticks_of_others()
        self._started_s = time.monotonic()

    def cpus(self) -> float:
        """Processors that others kept busy on average; 0 if that was too short to tell."""
        took_s = time.monotonic() - self._started_s
        if took_s < _LEAST_S:
            return 0.0
        ticks = sum(now - self._before.get(key, 0) for key, now in _ticks_of_others().items())
        return ticks / _TICKS_PER_S / took_s


def _ticks_of_others() -> dict[tuple[int, str], int]:
    """User and system time by process id and start time."""
    mine = set(tree(os.getpid()))
    ticks = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            if pid not in mine and int(fields[1]) != _KERNEL_THREADS_PARENT:
                ticks[pid, fields[19]] = int(fields[11]) + int(fields[12])
    return ticks
