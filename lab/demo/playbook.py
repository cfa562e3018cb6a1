# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs ansible-playbook as a user would, keeps its output in a log, and tells what it is doing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
HEADING = re.compile(r"^(PLAY|TASK|RUNNING HANDLER) \[(.*)\]")
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class Recap:
    """One host's line of the play recap."""

    host: str
    ok: int
    changed: int
    unreachable: int
    failed: int

    @classmethod
    def of(cls, line: str) -> Recap | None:
        """The recap that the line shows, if it is one."""
        found = RECAP.match(line)
        return cls(found[1], *(int(count) for count in found.groups()[1:])) if found else None

    def __str__(self) -> str:
        counts = f"ok={self.ok} changed={self.changed} unreachable={self.unreachable} failed={self.failed}"
        return f"{self.host}: {counts}"


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of a playbook came to."""

    status: int
    recaps: tuple[Recap, ...]
    log: Path

    @property
    def changed(self) -> int:
        return sum(recap.changed for recap in self.recaps)


def run(
    playbook: str,
    *,
    inventory: Sequence[Path],
    environment: Mapping[str, str],
    variables: Mapping[str, object],
    limit: str = "",
    log: Path,
    tell: Callable[[str], None],
) -> Run:
    """Runs a playbook, of all hosts or those of a limit; ``tell`` hears each heading.

    Raises:
        LabError: it failed; the message holds the end of its output and names the log.
    """
    argv = [str(ANSIBLE_PLAYBOOK), playbook, *(["--limit", limit] if limit else [])]
    argv += [word for source in inventory for word in ("--inventory", str(source))]
    argv += ["--extra-vars", json.dumps(variables)]
    lines = []
    with log.open("w", encoding="utf-8") as kept, _start(argv, environment) as process:
        for line in process.stdout or ():
            kept.write(line)
            kept.flush()
            lines.append(line.rstrip())
            if heading := HEADING.match(line):
                tell(heading[2])
    if process.returncode != 0:
        tail = "\n".join(line for line in lines[-TAIL_LINES:] if line)
        raise LabError(f"{playbook} ended with status {process.returncode}; all of its output: {log}\n{tail}")
    return Run(process.returncode, tuple(recap for line in lines if (recap := Recap.of(line))), log)


def _start(argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
