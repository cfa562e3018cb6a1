# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a packet costs on a host of ours with 1,000 peers, 100 of them active, and on one with 2.

Both have as many flows, as many packets per second and runs of packets as long. One process plays all the
other ends, so that the cost of the host alone is measured: once while it sends, once while it receives.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.datapath import flows
from bench.datapath.crowd import PREFIX_LENGTH, Crowd, crowd, members
from bench.datapath.hosts import VETH, BenchError, pair_of_hosts
from bench.datapath.overlay import INNER_MTU_LESS_BYTES
from bench.datapath.peers.wireguard import PORT, Identity, start_our_node
from bench.datapath.processes import cpu_s
from bench.datapath.saying import say
from bench.datapath.works import CPU_US_PER_PACKET, Figures, figures_text
from bench.rounds import in_turns
from bench.rows import Row

WORK = "1000-peers"
_TABLES = ((2, 2), (1000, 100))
_PACKETS_PER_S = 10_000.0
_LEAST_PART_MOVED = 0.9


def rows(rounds: int, seconds: float) -> Iterator[Row]:
    """CPU per packet by size of the table."""
    with ExitStack() as stack:
        measures = {f"{peers} peers": _measure(peers, active, seconds, stack) for peers, active in _TABLES}
        for system, results in in_turns(measures, rounds).items():
            runs = [figures for figures in results if figures]
            for unit in runs[0] if runs else ():
                yield Row.of(WORK, VETH.name, system, [figures[unit] for figures in runs], unit)


def _measure(peers: int, active: int, seconds: float, stack: ExitStack) -> Callable[[], Figures]:
    pid, others = _start(peers, active, stack)

    def measure() -> Figures:
        try:
            sending = _cost_of(pid, lambda: others.from_hub(_PACKETS_PER_S, seconds), seconds)
            receiving = _cost_of(pid, lambda: _received(others, seconds), seconds)
        except BenchError as exc:
            say(f"  {peers} peers: {exc}")
            return {}
        figures = {
            CPU_US_PER_PACKET: (sending + receiving) / 2,
            f"{CPU_US_PER_PACKET} sent": sending,
            f"{CPU_US_PER_PACKET} received": receiving,
        }
        say(f"  {peers} peers: {figures_text(figures)}")
        return figures

    return measure


def _start(peers: int, active: int, stack: ExitStack) -> tuple[int, Crowd]:
    """A hub with its table, and the active others with a session each."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    pair = stack.enter_context(pair_of_hosts(f"{peers}p", VETH))
    hub, everybody = Identity.generate(), members(peers)
    table = [
        {
            "public_key": member.identity.public,
            "allowed_ips": [f"{member.inner}/32"],
            "endpoint": f"{pair.second.outer}:{member.port}",
            "suite": "aes-256-gcm",
        }
        for member in everybody
    ]
    config = {"device": "clad0", "private_key": hub.private, "listen_port": PORT, "peers": table}
    config |= {"mtu": VETH.mtu - INNER_MTU_LESS_BYTES}
    others = stack.enter_context(crowd(pair, folder, hub.public, everybody[:: peers // active]))
    pid = start_our_node(pair.first, folder, config, prefix_length=PREFIX_LENGTH)
    others.greet()
    return pid, others


def _cost_of(pid: int, move: Callable[[], int], seconds: float) -> float:
    """Microseconds of processor time per packet; without meaning if much was lost."""
    before_s = cpu_s([pid])
    moved = move()
    if moved < _LEAST_PART_MOVED * _PACKETS_PER_S * seconds:
        raise BenchError(f"of {_PACKETS_PER_S * seconds:.0f} packets only {moved} were moved")
    return (cpu_s([pid]) - before_s) * 1e6 / moved


def _received(others: Crowd, seconds: float) -> int:
    with flows.receiving(others.pair.first) as received:
        others.send(_PACKETS_PER_S, seconds)
        return received()
