# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs the simulator of CB-Tumblebug as a process beside the lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.folders import ROOT

USERNAME = PASSWORD = "default"  # noqa: S105  # what CB-Tumblebug ships with
START_DEADLINE_S = 15.0


@dataclass(frozen=True, slots=True)
class Simulator:
    """One simulator process, known by its pid file."""

    folder: Path
    topology: str
    port: int = 1323

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the inventory plugin needs to ask this simulator."""
        return {
            "TUMBLEBUG_URL": self.url,
            "TUMBLEBUG_USERNAME": USERNAME,
            "TUMBLEBUG_PASSWORD": PASSWORD,
        }

    @property
    def _pid_file(self) -> Path:
        return self.folder / "simulator.pid"

    @property
    def log(self) -> Path:
        return self.folder / "simulator.log"

    def pid(self) -> int | None:
        """Of the running process; None if there is none."""
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if b"lab.tumblebug" in command else None

    def start(self) -> None:
        """Starts it unless it runs, and waits until it answers; raises LabError."""
        if self.pid() is None:
            self._spawn()
        deadline_s = time.monotonic() + START_DEADLINE_S
        while not self._ready():
            if self.pid() is None or time.monotonic() > deadline_s:
                said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise LabError(f"the CB-Tumblebug simulator does not answer at {self.url}: {' '.join(said)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it, if it runs."""
        if pid := self.pid():
            os.kill(pid, signal.SIGTERM)
        self._pid_file.unlink(missing_ok=True)

    def _spawn(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "lab.tumblebug", "--topology", self.topology]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [*argv, "--listen", f"127.0.0.1:{self.port}"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(f"{process.pid}\n", encoding="utf-8")

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/tumblebug/readyz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
