# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The works: what every system has to do, and which figures come of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from bench.datapath import flows, iperf
from bench.datapath.hosts import JUMBO, VETH, WIRE, WIRE_WITHOUT_GRO, BenchError, Setup
from bench.datapath.iperf import Datagrams
from bench.datapath.overlay import Kind, Overlay, System
from bench.datapath.processes import alone_bytes, cpu_s, pss_bytes
from bench.datapath.rate_search import confirmed, greatest_rate

GBIT_PER_S = "Gbit/s"
CPU_S_PER_GB = "CPU s/GB"
PACKETS_PER_S = "packets/s"
CPU_US_PER_PACKET = "CPU us/packet"
P50_US = "us p50"
P99_US = "us p99"
MIB_PSS = "MiB PSS"
MIB_ALONE = "MiB if alone"

Figures = Mapping[str, float]
"""Values by unit."""

_COMPARED = frozenset({Kind.LIMIT, Kind.PEER, Kind.OURS})
_IN_USER_SPACE = frozenset({Kind.PEER, Kind.OURS})
_FIRST_RATE = 30_000.0
_FIRST_STEP = 1.6
_NEXT_STEP = 1.06
_PINGS = 300
_CORES = 4
_AVAILABLE_CONGESTION_CONTROLS = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")


def figures_text(figures: Figures) -> str:
    """For people."""
    return ", ".join(
        f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}" for unit, value in figures.items()
    )


@dataclass(frozen=True)
class Work:
    """Something that systems do in a setup.

    Args:
        name: for people and for ``--only``.
        measure: one run of so many seconds.
        kinds: which systems do it.
        loss_per_100000: what the wire loses.
        obstacle: why it cannot be done on this machine; empty if it can.
    """

    name: str
    setup: Setup
    measure: Callable[[Overlay, float], Figures]
    kinds: frozenset[Kind] = _COMPARED
    loss_per_100000: int = 0
    obstacle: str = ""

    def concerns(self, system: System) -> bool:
        """Whether a system does it."""
        return system.kind in self.kinds

    def prepare(self, overlay: Overlay) -> None:
        """Makes the wire what it has to be."""
        if self.setup.wire:
            overlay.pair.coalesce_received(on=self.setup.receive_gro)
            overlay.pair.lose(self.loss_per_100000)


def transfer(overlay: Overlay, seconds: float, *, streams: int = 1, congestion: str = "cubic") -> Figures:
    """TCP as fast as it can, and what that costs at both ends."""
    before_s = cpu_s(overlay.all_pids)
    moved = iperf.tcp(overlay, seconds, streams, congestion)
    used_s = cpu_s(overlay.all_pids) - before_s
    if not moved.received_bytes:
        raise BenchError("TCP moved nothing")
    figures = {GBIT_PER_S: moved.bits_per_s / 1e9}
    return figures | ({CPU_S_PER_GB: used_s * 1e9 / moved.received_bytes} if overlay.all_pids else {})


@dataclass(frozen=True)
class Packets:
    """Small packets as fast as they arrive with little loss.

    Args:
        measure: sends at a rate for some seconds.
        rates: where the search of the next round begins, by the name of the hosts.
    """

    measure: Callable[[Overlay, float, float], Datagrams]
    rates: dict[str, float] = field(default_factory=dict)

    def __call__(self, overlay: Overlay, seconds: float) -> Figures:
        """Searches the rate with short runs, and then confirms it."""
        key = overlay.pair.first.name
        rate, step = (self.rates[key], _NEXT_STEP) if key in self.rates else (_FIRST_RATE, _FIRST_STEP)
        short_s = max(1.0, seconds / 3)
        rate = greatest_rate(lambda rate: self.measure(overlay, rate, short_s), rate, step)
        used_s: list[float] = []
        result = (
            confirmed(lambda rate: self._measured(overlay, rate, seconds, used_s), rate) if rate else None
        )
        if result is None:
            raise BenchError("no rate with little loss")
        self.rates[key] = result.received_per_s
        figures = {PACKETS_PER_S: result.received_per_s}
        return figures | ({CPU_US_PER_PACKET: used_s[-1] * 1e6 / result.received} if overlay.all_pids else {})

    def _measured(self, overlay: Overlay, rate: float, seconds: float, used_s: list[float]) -> Datagrams:
        """One run, whose processor time is appended."""
        before_s = cpu_s(overlay.all_pids)
        result = self.measure(overlay, rate, seconds)
        used_s.append(cpu_s(overlay.all_pids) - before_s)
        return result


def idle_ping(overlay: Overlay, _seconds: float) -> Figures:
    """Round trips of echo requests that come one by one."""
    command = ["ping", "-n", "-c", str(_PINGS), "-i", "0.01", "-W", "1", overlay.target]
    result = subprocess.run(
        overlay.pair.first.command(*command), capture_output=True, text=True, check=False, timeout=60
    )
    return round_trips(result.stdout)


def round_trips(text: str) -> Figures:
    """Reads what ping says, less the first reply, which wakes a path."""
    times_us = sorted(float(word) * 1000 for word in re.findall(r"time=([\d.]+)", text)[1:])
    if not times_us:
        raise BenchError("no echo request was answered")
    return {P50_US: median(times_us), P99_US: times_us[int(len(times_us) * 0.99)]}


def memory(overlay: Overlay, _seconds: float) -> Figures:
    """What all processes of one host need after the works before."""
    return memory_of(overlay.pids[0])


def memory_of(pids: Sequence[int]) -> Figures:
    """PSS as the kernel has it, with all that runs here, and without others."""
    return {MIB_PSS: pss_bytes(pids) / 2**20, MIB_ALONE: alone_bytes(pids) / 2**20}


def _single_flow(overlay: Overlay, rate: float, seconds: float) -> Datagrams:
    return iperf.udp(overlay, seconds, rate)


def _many_flows(overlay: Overlay, rate: float, seconds: float) -> Datagrams:
    return flows.measured(overlay, 64, rate, seconds)


def _lossy_works() -> list[Work]:
    available = _AVAILABLE_CONGESTION_CONTROLS.read_text().split()
    return [
        Work(
            f"tcp-1-loss-{percent}-{congestion}",
            WIRE,
            partial(transfer, congestion=congestion),
            _IN_USER_SPACE,
            loss_per_100000=round(percent * 1000),
            obstacle="" if congestion in available else f"the kernel has no {congestion}",
        )
        for percent in (0.1, 1)
        for congestion in ("cubic", "bbr")
    ]


def all_works() -> list[Work]:
    """In the order in which they are done; those of one setup follow each other."""
    informing = _COMPARED | {Kind.INFORMATION}
    cores = os.cpu_count() or 1
    too_few = f"this machine has {cores} processors" if cores < _CORES else ""
    return [
        Work("tcp-1", VETH, transfer, informing | {Kind.MIXED}),
        Work("tcp-4", VETH, partial(transfer, streams=4)),
        Work("udp-small", VETH, Packets(_single_flow)),
        Work("udp-64-flows", VETH, Packets(_many_flows)),
        Work("ping", VETH, idle_ping, informing),
        Work("memory", VETH, memory, _IN_USER_SPACE),
        Work(
            "four-cores",
            VETH,
            partial(transfer, streams=_CORES),
            frozenset({Kind.OURS, Kind.CORES}),
            obstacle=too_few,
        ),
        Work("tcp-1", WIRE, transfer),
        Work("tcp-1", WIRE_WITHOUT_GRO, transfer),
        *_lossy_works(),
        Work("tcp-1", JUMBO, transfer),
    ]
