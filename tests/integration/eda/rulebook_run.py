# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The real ansible-rulebook, with rulebooks of the collection."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.controller.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
RULEBOOKS = ROOT / "extensions" / "eda" / "rulebooks"
DEADLINE_S = 40.0
STOP_DEADLINE_S = 10.0


def shipped(name: str) -> list[dict[str, Any]]:
    """The rule sets of a rulebook of the collection."""
    return yaml.safe_load((RULEBOOKS / f"{name}.yml").read_text())


@dataclass
class RulebookRun:
    """A running ansible-rulebook."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        """What it said."""
        return self.log.read_text()

    def wait_for(self, text: str, *, count: int = 1) -> str:
        """Its output once the text is in it so often."""
        self.until(lambda: self.output.count(text) >= count, f"{text!r} x {count}")
        return self.output

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for a condition while it runs."""
        wait_for(lambda: condition() or self.process.poll() is not None, f"{what} in {self.log}", DEADLINE_S)
        assert condition(), self.output

    def exit_status(self) -> int:
        """Waits for its end."""
        return self.process.wait(DEADLINE_S)


@contextmanager
def ansible_rulebook(
    folder: Path, rule_sets: list[dict[str, Any]], variables: dict[str, Any], inventory: str = "localhost"
) -> Iterator[RulebookRun]:
    """Runs rule sets until the caller is done."""
    folder.mkdir(exist_ok=True)
    files = {
        "rulebook.yml": yaml.safe_dump(rule_sets),
        "variables.yml": yaml.safe_dump(variables),
        "hosts": f"{inventory}\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    command = [str(Path(sys.executable).with_name("ansible-rulebook")), "--rulebook", "rulebook.yml"]
    command += ["--vars", "variables.yml", "--inventory", "hosts", "--print-events"]
    log = folder / "rulebook.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=output, stderr=output)
    try:
        yield RulebookRun(process, log)
    finally:
        process.terminate()
        process.wait(STOP_DEADLINE_S)


def _environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    collections = str(ROOT / "build" / "collections")
    return {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_NOCOLOR": "1"}
