# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How much of the machine others used while something was measured."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from pathlib import Path

from bench.datapath.processes import cpu_s

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KERNEL_THREADS_PARENT = "2"
_LEAST_S = 1.0
_BUSY_COLUMNS = (1, 2, 3, 8)  # user, nice, system, steal; softirqs are the traffic that is measured


class Noise:
    """Counts from its making on; what this process and its descendants do is no noise, nor is the kernel."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._before_s = _others_s()

    def cpus(self) -> float:
        """Processors that others kept busy on average; 0 if the time was too short to tell."""
        took_s = time.monotonic() - self._started_s
        return max(0.0, _others_s() - self._before_s) / took_s if took_s >= _LEAST_S else 0.0


def _others_s() -> float:
    """Seconds of processor time that are not ours; also of what has come and gone meanwhile."""
    words = Path("/proc/stat").read_text().split(maxsplit=9)
    busy_s = sum(int(words[column]) for column in _BUSY_COLUMNS) / _TICKS_PER_S
    return busy_s - _ended_children_s() - cpu_s([os.getpid()]) - _kernel_threads_s()


def _ended_children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _kernel_threads_s() -> float:
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if fields[1] == _KERNEL_THREADS_PARENT:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS_PER_S
