# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs the real ansible-inventory, and serves it what it asks for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Estate
from lab.tumblebug.server import running
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, Clock

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Result:
    """What an ansible-inventory command did."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict:
        assert self.status == 0, self.stderr
        return json.loads(self.stdout)

    @property
    def hostvars(self) -> dict[str, dict]:
        return self.json["_meta"]["hostvars"]

    @property
    def words(self) -> str:
        """What it complained of, without line breaks of its own."""
        return " ".join(self.stderr.split())


@dataclass
class Ansible:
    """Runs ansible-inventory as a user would, in a folder of its own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def file(self) -> Path:
        """The inventory file of the last options."""
        return self.folder / "test.tumblebug.yml"

    def inventory(self, *arguments: str, **options: object) -> Result:
        """``ansible-inventory --list`` (or the arguments) with an inventory file of these options."""
        self.write(**options)
        return self.run("-i", str(self.file), *(arguments or ("--list",)))

    def write(self, **options: object) -> None:
        """Writes the inventory file."""
        known = {"plugin": "cloud_barista.cladnet.tumblebug", "ssh_key_directory": str(self.keys)}
        self.file.write_text(yaml.safe_dump(known | options))

    def run(self, *arguments: str) -> Result:
        return self.command("ansible-inventory", *arguments)

    def command(self, program: str, *arguments: str) -> Result:
        """Runs a program of Ansible's, in the folder."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "ANSIBLE_CONFIG": str(ROOT / "examples" / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "TUMBLEBUG_PASSWORD": "default",
            **self.environment,
        }


class FreeClock(Clock):
    """Moves a second at each look: no limiter minds, so that tests of other things are fast."""

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


@dataclass
class Served:
    """A simulator in this process, and what it was asked."""

    bench: Bench
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.asked.append(request.path)
        return self.bench.api.answer(request)


@contextmanager
def serving(
    era: Era, estate: Estate, *, clock: Clock | None = None, unaddressed: frozenset[str] = frozenset()
) -> Iterator[Served]:
    """Serves an estate as an era does."""
    served = Served(Bench(era, clock=clock or FreeClock(), estate=estate, unaddressed=unaddressed))
    with running(served) as served.url:
        yield served
