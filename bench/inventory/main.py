# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Measures inventories of several sizes: cold, from the cache, and with groups by key."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bench.child import Cost, cost_of
from bench.host import machine_class
from bench.inventory.systems import IN_MEMORY, OURS, PLUGINS, STATIC, Options, System, static_inventory
from bench.rounds import in_turns
from bench.rows import Row, table, write

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "bench" / "inventory.json"
ANSIBLE = ROOT / "build" / "ansible" / "bin"


@dataclass(frozen=True)
class Setup:
    """How the plugins are used."""

    name: str
    cached: bool = False
    keyed_groups: bool = False


COLD = Setup("cold")
CACHED = Setup("from cache", cached=True)
KEYED = Setup("cold, 3 keyed_groups", keyed_groups=True)


@dataclass(frozen=True)
class Prepared:
    """An inventory file, and what ``ansible-inventory --list`` says of it."""

    file: Path
    listed: Options


@dataclass(frozen=True)
class Fleet:
    """So many hosts at every cloud, and a folder for what is measured over them."""

    hosts: int
    url: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_INVENTORY_PLUGINS": str(Path(__file__).parent / "plugins"),
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def prepare(self, system: System, setup: Setup) -> Prepared:
        """Writes the inventory file, fills the cache, and sees that all hosts come."""
        folder = self.folder / setup.name.replace(" ", "-").replace(",", "")
        file = folder / system.file_name
        cache = str(folder / f"cache-{system.file_name}") if setup.cached else ""
        folder.mkdir(exist_ok=True)
        file.write_text(json.dumps(system.inventory(self.url, cache, keyed_groups=setup.keyed_groups)))
        prepared = self._listed(file)
        found = len(prepared.listed["_meta"]["hostvars"])
        if found != self.hosts:
            raise SystemExit(f"bench: {system.name} found {found} hosts of {self.hosts}")
        return prepared

    def prepare_floors(self, ours: Prepared) -> dict[str, Path]:
        """Writes our hosts, groups and variables into files that Ansible reads without us."""
        static, in_memory = ours.file.with_name("static.json"), ours.file.with_name("in_memory.yml")
        listed = ours.file.with_name("listed.txt")
        listed.write_text(json.dumps(ours.listed))
        static.write_text(json.dumps(static_inventory(ours.listed)))
        in_memory.write_text(json.dumps({"plugin": "in_memory", "listed": str(listed)}))
        for floor in (static, in_memory):
            if set(self._listed(floor).listed["_meta"]["hostvars"]) != set(ours.listed["_meta"]["hostvars"]):
                raise SystemExit(f"bench: {floor.name} has other hosts than the plugin")
        return {STATIC: static, IN_MEMORY: in_memory}

    def _listed(self, file: Path) -> Prepared:
        output = self.folder / "listed.json"
        cost_of(_list_command(file), self.environment, output)
        return Prepared(file, json.loads(output.read_text()))

    def list_cost(self, file: Path) -> Cost:
        """The cost of the whole command, as a person or AWX runs it."""
        return cost_of(_list_command(file), self.environment)

    def parse_cost(self, file: Path) -> Cost:
        """The cost of parsing alone, without Python's start and without printing."""
        output = self.folder / "parsed"
        command = [str(ANSIBLE / "python"), "-m", "bench.inventory.parse", str(file)]
        cost_of(command, self.environment, output)
        cpu_s, wall_s = map(float, output.read_text().split())
        return Cost(cpu_s, wall_s)


def _list_command(file: Path) -> list[str]:
    return [str(ANSIBLE / "ansible-inventory"), "--list", "--inventory", str(file)]


@contextmanager
def fleet_of(hosts: int) -> Iterator[Fleet]:
    """Serves fleets of so many hosts while the context lasts."""
    command = [sys.executable, "-m", "bench.inventory.served", str(hosts)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip() if server.stdout else ""
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            yield Fleet(hosts, url, Path(folder))
    finally:
        server.terminate()
        server.communicate()


def measure(fleet: Fleet, setup: Setup, rounds: int) -> Iterator[Row]:
    """All rows of one size and setup."""
    prepared = {system.name: fleet.prepare(system, setup) for system in PLUGINS}
    files = {name: each.file for name, each in prepared.items()}
    if not setup.keyed_groups:
        files |= fleet.prepare_floors(prepared[OURS.name])
    parts = {"ansible-inventory --list": fleet.list_cost, "parsing alone": fleet.parse_cost}
    for part, cost in parts.items():
        work = f"{fleet.hosts} hosts, {part}"
        results = in_turns({name: _measure_of(cost, file) for name, file in files.items()}, rounds)
        yield from _rows(work, setup.name, results)


def _measure_of(cost: Callable[[Path], Cost], file: Path) -> Callable[[], Cost]:
    return lambda: cost(file)


def _rows(work: str, setup: str, results: dict[str, list[Cost]]) -> Iterator[Row]:
    for name, costs in results.items():
        yield Row.of(work, setup, name, [cost.cpu_s for cost in costs], "s CPU")
    for floor in filter(results.__contains__, (STATIC, IN_MEMORY)):
        beyond = [
            ours.cpu_s - least.cpu_s for ours, least in zip(results[OURS.name], results[floor], strict=True)
        ]
        yield Row.of(work, setup, f"{OURS.name}, beyond {floor}", beyond, "s CPU")
    for name, costs in results.items():
        yield Row.of(work, setup, name, [cost.wall_s for cost in costs], "s wall")


def rounds_of(hosts: int, rounds: int) -> int:
    """Fewer for large fleets, which take long and vary little."""
    return max(1, min(rounds, rounds * 5000 // hosts))


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench inventory", description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1000, 5000, 10000])
    parser.add_argument("--rounds", type=int, default=3, help="up to 5000 hosts; fewer beyond")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="JSON; default: build/bench/inventory.json"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Measures, prints a table and writes the rows."""
    options = arguments(argv)
    rows: list[Row] = []
    for hosts in options.hosts:
        with fleet_of(hosts) as fleet:
            for setup in (COLD, CACHED, KEYED):
                print(f"bench: {hosts} hosts, {setup.name}", file=sys.stderr)
                rows += measure(fleet, setup, rounds_of(hosts, options.rounds))
                write(rows, options.output)  # what there is, should it be interrupted
    print(f"{datetime.now(timezone.utc):%Y-%m-%d}, {machine_class()}\n\n{table(rows)}")
    return 0
