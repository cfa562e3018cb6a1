# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the kernel does alone: the bare cable, and VXLAN without encryption."""

from __future__ import annotations

from pathlib import Path

from bench.datapath.hosts import Pair
from bench.datapath.overlay import Overlay


def start_nothing(pair: Pair, _folder: Path) -> Overlay:
    """The cable itself: the limit of this machine."""
    return Overlay(pair, pair.second.outer)


def start_vxlan(pair: Pair, _folder: Path) -> Overlay:
    """A VXLAN between the hosts; the kernel chooses its MTU."""
    for host, other in (pair.hosts, pair.hosts[::-1]):
        words = ["local", host.outer, "remote", other.outer, "dstport", "4789", "dev", "outer"]
        host.run("ip", "link", "add", "inner", "type", "vxlan", "id", "7", *words)
        host.set_up("inner", host.inner)
    return Overlay(pair, pair.second.inner)
