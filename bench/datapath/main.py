# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Measures overlay networks between two hosts on this machine, all in turns, and compares them with ours."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from bench.datapath import agent_memory, many_peers
from bench.datapath.bars import bars_table, verdicts
from bench.datapath.hosts import BenchError, remove_leftovers
from bench.datapath.measuring import Measuring
from bench.datapath.overlay import Kind, System
from bench.datapath.overview import overview
from bench.datapath.plot import svg
from bench.datapath.profiling import profiles
from bench.datapath.saying import say
from bench.datapath.software import IPERF, ROOT
from bench.datapath.systems import SYSTEMS
from bench.datapath.works import Work, all_works
from bench.host import machine_class
from bench.rows import Row, table, write

RESULTS = ROOT / "build" / "bench"
QUICK_ROUNDS, QUICK_S = 1, 1.0
OURS_ALONE: dict[str, Callable[[int, float], Iterator[Row]]] = {
    many_peers.WORK: many_peers.rows,
    agent_memory.WORK: agent_memory.rows,
}
"""Works that only we do, by name: they take the rounds and the seconds."""


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench datapath", description=__doc__)
    setups = {work.setup.name for work in all_works()}
    choices = {
        "--only": {work.name for work in all_works()} | set(OURS_ALONE),
        "--setups": setups,
        "--systems": {system.name for system in SYSTEMS},
    }
    for option, names in choices.items():
        parser.add_argument(
            option, type=_some_of(names), default=names, help=f"with commas: {', '.join(sorted(names))}"
        )
    parser.add_argument("--rounds", type=int, default=3, help="how often every system does a work")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long it does it")
    parser.add_argument("--quick", action="store_true", help="one round of one second")
    parser.add_argument(
        "--profile", action="store_true", help="sample our processes instead of comparing; best with --only"
    )
    parser.add_argument("--no-install", action="store_true", help="compare with what is there")
    parser.add_argument("--newest", action="store_true", help="look again for the newest Go modules")
    parser.add_argument(
        "--output", type=Path, default=RESULTS / "datapath.json", help="JSON; the plot comes beside it"
    )
    options = parser.parse_args(argv)
    if options.quick:
        options.rounds, options.seconds = QUICK_ROUNDS, QUICK_S
    if options.rounds < 1 or options.seconds < 1:
        parser.error("at least one round of one second")
    return options


def _some_of(known: set[str]) -> Callable[[str], set[str]]:
    def parse(text: str) -> set[str]:
        names = set(text.split(","))
        if names - known:
            raise argparse.ArgumentTypeError(f"no such name: {', '.join(sorted(names - known))}")
        return names

    return parse


def chosen_works(options: argparse.Namespace) -> list[Work]:
    """Those that are asked for and can be done; says which cannot be done."""
    works = [work for work in all_works() if work.name in options.only and work.setup.name in options.setups]
    for work in works:
        if work.obstacle:
            say(f"{work.name} is left out: {work.obstacle}")
    return [work for work in works if not work.obstacle]


def installed(systems: Sequence[System], options: argparse.Namespace) -> list[System]:
    """Those that can be started; installs what is missing, and says what cannot be had."""
    for software in dict.fromkeys(each for system in systems for each in (IPERF, *system.software)):
        if not options.no_install:
            try:
                software.install(newest=options.newest)
            except BenchError as exc:
                say(str(exc))
    for system in systems:
        if system.missing:
            say(f"{system.name} is left out: not installed: {system.missing}")
    return [system for system in systems if not system.missing]


def measured(systems: Sequence[System], works: Sequence[Work], options: argparse.Namespace) -> Iterator[Row]:
    """All rows that are asked for."""
    yield from Measuring(options.rounds, options.seconds).rows(works, systems)
    for name, measure in OURS_ALONE.items():
        if name in options.only and any(system.kind is Kind.OURS for system in systems):
            say(name)
            try:
                yield from measure(options.rounds, options.seconds)
            except BenchError as exc:
                say(f"  {exc}")


def summary(rows: Sequence[Row], systems: Sequence[System]) -> str:
    """What is printed: the machine, the versions, all figures, and the bars."""
    versions = dict.fromkeys(each.version() for system in systems for each in system.software)
    done = {(row.work, row.setup) for row in rows}
    judged = [each for each in verdicts(rows) if (each.goal.figure.work, each.goal.figure.setup) in done]
    parts = [
        f"{datetime.now(timezone.utc):%Y-%m-%d}, {machine_class()}",
        f"{IPERF.version()}; {'; '.join(versions)}",
        table(rows),
        overview(rows),
        bars_table(judged) if judged else "",
    ]
    return "\n\n".join(filter(None, parts))


def main(argv: Sequence[str]) -> int:
    """Does what the command line says."""
    options = arguments(argv)
    remove_leftovers()
    works = chosen_works(options)
    systems = installed([system for system in SYSTEMS if system.name in options.systems], options)
    if options.profile:
        for text in profiles(works, systems, options.seconds):
            print(text)
        return 0
    return compare(systems, works, options)


def compare(systems: Sequence[System], works: Sequence[Work], options: argparse.Namespace) -> int:
    """Measures all, prints tables, writes the rows and draws them."""
    rows: list[Row] = []
    for row in measured(systems, works, options):
        rows.append(row)
        write(rows, options.output)  # what there is, should it be interrupted
    text = summary(rows, systems)
    print(text)
    limits = {system.name for system in SYSTEMS if system.kind is Kind.LIMIT}
    date_and_machine, versions = text.split("\n\n")[:2]
    options.output.with_suffix(".svg").write_text(svg(rows, date_and_machine, versions, limits))
    return 0
