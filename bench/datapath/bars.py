# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the data path has to reach, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.datapath.systems import (
    DEBIAN_PEERS,
    NEWEST_PEERS,
    OURS,
    OURS_CHACHA,
    OURS_FOUR_WORKERS,
    PEERS,
    WIREGUARD_GOES,
)
from bench.datapath.works import (
    CPU_S_PER_GB,
    CPU_US_PER_PACKET,
    GBIT_PER_S,
    MIB_PSS,
    P50_US,
    P99_US,
    PACKETS_PER_S,
)
from bench.rows import Row

Choose = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Figure:
    """Which row is meant."""

    work: str
    setup: str
    unit: str


@dataclass(frozen=True)
class Bar:
    """A figure of a system has to be some factor of what others reach, or within a bound of its own.

    Args:
        text: for people.
        system: whose figure it is.
        wanted: the factor, or the bound if there are no others.
        others: with whom it is compared.
        choose: which of the others' figures counts.
        at_most: the factor or bound is the most that is allowed, not the least.
    """

    text: str
    figure: Figure
    system: str
    wanted: float
    others: tuple[str, ...] = ()
    choose: Choose = max
    at_most: bool = False


@dataclass(frozen=True)
class Verdict:
    """How far a bar is reached; without figures there is no verdict.

    Args:
        reached: ours.
        other: that of the others.
        which: the system that the other figure is of; empty if it is none's alone.
        absent: of the others, those that have no such figure.
    """

    goal: Bar
    reached: float | None
    other: float | None
    which: str
    absent: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """What is compared with what is wanted."""
        if self.reached is None or not self.goal.others:
            return self.reached
        return self.reached / self.other if self.other else None

    @property
    def word(self) -> str:
        if self.ratio is None:
            return "not measured"
        good = self.ratio <= self.goal.wanted if self.goal.at_most else self.ratio >= self.goal.wanted
        return "met" if good else "MISSED"


def _tcp_bars() -> list[Bar]:
    bars = []
    for streams in (1, 4):
        figure = Figure(f"tcp-{streams}", "veth", GBIT_PER_S)
        words = f"TCP, {streams} stream{'s' if streams > 1 else ''}"
        bars += [
            Bar(f"{words}, AES, best Debian peer", figure, OURS, 2.8, DEBIAN_PEERS),
            Bar(f"{words}, AES, newest peers", figure, OURS, 1.2, NEWEST_PEERS),
            Bar(f"{words}, ChaCha20, best Debian peer", figure, OURS_CHACHA, 2.0, DEBIAN_PEERS),
            Bar(f"{words}, ChaCha20, newest wireguard-go", figure, OURS_CHACHA, 1.0, WIREGUARD_GOES[1:]),
        ]
    return bars


def _mixed_bars() -> list[Bar]:
    figure = Figure("tcp-1", "veth", GBIT_PER_S)
    return [
        Bar(f"TCP, 1 stream, {way}, {name} to itself", figure, way, 1.0, (name,))
        for name in WIREGUARD_GOES
        for way in (f"ours-to-{name}", f"{name}-to-ours")
    ]


def _wire_bars() -> list[Bar]:
    gro, no_gro = (Figure("tcp-1", setup, GBIT_PER_S) for setup in ("wire-gro", "wire-no-gro"))
    lossy = [
        Bar(
            f"TCP, 1 stream, {percent}% loss, {congestion}",
            Figure(f"tcp-1-loss-{percent}-{congestion}", "wire-gro", GBIT_PER_S),
            OURS,
            wanted,
            PEERS,
        )
        for percent in ("0.1", "1")
        for congestion, wanted in (("bbr", 1.2), ("cubic", 0.8))
    ]
    return [
        Bar("TCP, 1 stream, wire with receive GRO, AES", gro, OURS, 2.4, PEERS),
        Bar("TCP, 1 stream, wire without receive GRO, AES", no_gro, OURS, 1.3, PEERS),
        *lossy,
    ]


def _packet_bars() -> list[Bar]:
    return [
        Bar(f"{words}, {suite}", Figure(work, "veth", PACKETS_PER_S), system, 1.3, PEERS)
        for work, words in (("udp-small", "UDP, 64 bytes"), ("udp-64-flows", "UDP, 64 flows of mixed sizes"))
        for suite, system in (("AES", OURS), ("ChaCha20", OURS_CHACHA))
    ]


def _cost_bars() -> list[Bar]:
    cpu = Figure("tcp-1", "veth", CPU_S_PER_GB)
    p50, p99 = (Figure("ping", "veth", unit) for unit in (P50_US, P99_US))
    agent = Figure("agent-memory", "100 peers", MIB_PSS)
    peers = Figure("1000-peers", "veth", CPU_US_PER_PACKET)
    return [
        Bar("CPU s/GB, both ends, AES", cpu, OURS, 2.7, at_most=True),
        Bar("CPU s/GB, both ends, ChaCha20", cpu, OURS_CHACHA, 4.4, at_most=True),
        Bar("idle ping p50, median of the peers", p50, OURS, 1.0, PEERS, median, at_most=True),
        Bar("idle ping p99, us", p99, OURS, 1500, at_most=True),
        Bar("CPU per packet, 1,000 peers to 2", peers, "1000 peers", 1.05, ("2 peers",), at_most=True),
        Bar("whole agent at 100 peers, MiB PSS", agent, "agent", 60, at_most=True),
    ]


BARS = (
    *_tcp_bars(),
    *_mixed_bars(),
    *_wire_bars(),
    *_packet_bars(),
    *_cost_bars(),
    Bar("TCP, 1 stream, MTU 9000, AES", Figure("tcp-1", "veth-9000", GBIT_PER_S), OURS, 1.5, PEERS),
    Bar(
        "4 flows on 4 cores to one",
        Figure("four-cores", "veth", GBIT_PER_S),
        OURS_FOUR_WORKERS,
        2.5,
        (OURS,),
    ),
)


def verdicts(rows: Sequence[Row], bars: Sequence[Bar] = BARS) -> list[Verdict]:
    """How far the rows reach the bars."""
    medians = {(Figure(row.work, row.setup, row.unit), row.system): row.median for row in rows}
    return [_verdict(goal, medians) for goal in bars]


def _verdict(goal: Bar, medians: dict[tuple[Figure, str], float]) -> Verdict:
    known = {name: medians[goal.figure, name] for name in goal.others if (goal.figure, name) in medians}
    other = goal.choose(list(known.values())) if known else None
    which = next((name for name, value in known.items() if value == other), "")
    absent = tuple(name for name in goal.others if name not in known)
    return Verdict(goal, medians.get((goal.figure, goal.system)), other, which, absent)


def bars_table(judged: Sequence[Verdict]) -> str:
    """The bars as Markdown."""
    lines = ["| bar | ours | others | which | wanted | reached | |", "|---|--:|--:|---|--:|--:|---|"]
    for verdict in judged:
        goal = verdict.goal
        sign, times = ("<=" if goal.at_most else ">="), ("x" if goal.others else "")
        cells = (
            goal.text,
            _text(verdict.reached),
            _text(verdict.other),
            verdict.which + (f" (without {', '.join(verdict.absent)})" if verdict.absent else ""),
            f"{sign} {goal.wanted:g}{times}",
            _text(verdict.ratio) + times if verdict.ratio is not None else "",
            verdict.word,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"
