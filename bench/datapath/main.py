# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Measures overlay networks between two hosts on this machine, all in turns, and compares them with ours."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from bench.datapath.hosts import BenchError
from bench.datapath.measuring import Measuring, say
from bench.datapath.overlay import System
from bench.datapath.software import IPERF, ROOT
from bench.datapath.systems import SYSTEMS
from bench.datapath.works import Work, all_works
from bench.host import machine_class
from bench.rows import Row, table, write

RESULTS = ROOT / "build" / "bench"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench datapath", description=__doc__)
    names = sorted({work.name for work in all_works()})
    parser.add_argument("--only", type=_words, help=f"works, with commas: {', '.join(names)}")
    parser.add_argument(
        "--systems", type=_words, help=f"with commas: {', '.join(system.name for system in SYSTEMS)}"
    )
    setups = dict.fromkeys(work.setup.name for work in all_works())
    parser.add_argument("--setups", type=_words, help=f"with commas: {', '.join(setups)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often every system does a work")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long it does it")
    parser.add_argument("--quick", action="store_true", help="one round of one second")
    parser.add_argument("--no-install", action="store_true", help="compare with what is there")
    parser.add_argument("--newest", action="store_true", help="look again for the newest Go modules")
    parser.add_argument("--output", type=Path, help="JSON; default: build/bench/datapath.json")
    options = parser.parse_args(argv)
    if options.quick:
        options.rounds, options.seconds = 1, 1.0
    return options


def _words(text: str) -> list[str]:
    return text.split(",")


def chosen_systems(names: Sequence[str] | None) -> list[System]:
    """Those that are named, or all."""
    return [system for system in SYSTEMS if names is None or system.name in names]


def chosen_works(names: Sequence[str] | None, setups: Sequence[str] | None) -> list[Work]:
    """Those that are named and can be done, or all; says which cannot be done."""
    works = [
        work
        for work in all_works()
        if (names is None or work.name in names) and (setups is None or work.setup.name in setups)
    ]
    for work in works:
        if work.obstacle:
            say(f"{work.name} is left out: {work.obstacle}")
    return [work for work in works if not work.obstacle]


def installed(systems: Sequence[System], options: argparse.Namespace) -> list[System]:
    """Those that can be started; installs what is missing, and says what cannot be had."""
    for software in dict.fromkeys(each for system in systems for each in (*system.software, IPERF)):
        if not options.no_install:
            try:
                software.install(newest=options.newest)
            except BenchError as exc:
                say(str(exc))
    for system in systems:
        if system.missing:
            say(f"{system.name} is left out: not installed: {system.missing}")
    return [system for system in systems if not system.missing]


def main(argv: Sequence[str]) -> int:
    """Measures, prints a table and writes the rows."""
    options = arguments(argv)
    systems = installed(chosen_systems(options.systems), options)
    works = chosen_works(options.only, options.setups)
    output = options.output or RESULTS / "datapath.json"
    rows: list[Row] = []
    for row in Measuring(options.rounds, options.seconds).rows(works, systems):
        rows.append(row)
        write(rows, output)  # what there is, should it be interrupted
    print(f"{datetime.now(timezone.utc):%Y-%m-%d}, {machine_class()}\n\n{table(rows)}")
    return 0
