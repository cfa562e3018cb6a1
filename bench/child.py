# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a command costs: its processor time, with that of its own children, and how long it takes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Cost:
    """Seconds of user and system time together, and of the clock on the wall."""

    cpu_s: float
    wall_s: float


class CommandError(Exception):
    """A command that is measured has failed; the message has the end of what it said."""


def cost_of(command: Sequence[str], environment: Mapping[str, str], output: Path | None = None) -> Cost:
    """Runs a command to its end; its output goes to a file, or nowhere. Raises CommandError."""
    errors = Path(environment["HOME"]) / "stderr"
    with Path(output or os.devnull).open("wb") as stdout, errors.open("wb") as stderr:
        started_s = time.perf_counter()
        status, cpu_s = _waited(command, environment, stdout, stderr)
        wall_s = time.perf_counter() - started_s
    if status != 0:
        raise CommandError(f"{' '.join(command)}: status {status}: {errors.read_text()[-2000:]}")
    return Cost(cpu_s, wall_s)


def _waited(
    command: Sequence[str], environment: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
) -> tuple[int, float]:
    process = subprocess.Popen(command, env=environment, stdout=stdout, stderr=stderr)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime
