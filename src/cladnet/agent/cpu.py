# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The CPU of this host."""

from __future__ import annotations

from pathlib import Path

from cladnet.core.cpu_suites import suites_for_cpu
from cladnet.core.wireguard.suite import Suite

_CPUINFO = Path("/proc/cpuinfo")


def suites_of_this_cpu(cpuinfo: Path = _CPUINFO) -> tuple[Suite, ...]:
    """All cryptographic suites, the fastest on this host first."""
    try:
        return suites_for_cpu(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return suites_for_cpu("")
