# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A system under measurement, and what it is when it runs between two hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bench.datapath.hosts import Pair
from bench.datapath.software import Software

INNER_MTU_LESS_BYTES = 80  # what WireGuard needs over IPv6; all systems get the same room for their own needs


class Kind(Enum):
    """What a system is to the comparison."""

    LIMIT = "limit"  # nothing in user space
    PEER = "peer"
    OURS = "ours"
    MIXED = "mixed"  # ours to a peer, or back
    INFORMATION = "information"
    CORES = "cores"  # ours with a worker for each of several cores


@dataclass(frozen=True)
class Overlay:
    """A system that runs between two hosts.

    Args:
        target: address of the second host through it.
        pids: of its processes on the first and on the second host; those of the kernel have none.
    """

    pair: Pair
    target: str
    pids: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @property
    def all_pids(self) -> tuple[int, ...]:
        return self.pids[0] + self.pids[1]


@dataclass(frozen=True)
class System:
    """One that is compared.

    Args:
        name: for people and for ``--systems``.
        start: brings it up between two hosts with the files in a folder; raises BenchError.
        software: what has to be installed for it.
    """

    name: str
    kind: Kind
    start: Callable[[Pair, Path], Overlay]
    software: tuple[Software, ...] = field(default=())

    @property
    def missing(self) -> str:
        """What is not installed; empty if it can be started."""
        return ", ".join(filter(None, (each.missing() for each in self.software)))


def inner_mtu(pair: Pair) -> int:
    """MTU in bytes of every overlay on this pair."""
    return pair.setup.mtu - INNER_MTU_LESS_BYTES
