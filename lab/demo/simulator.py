# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs the simulator of CB-Tumblebug as a process beside the lab."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.folders import ROOT

USERNAME = PASSWORD = "default"  # noqa: S105  # what CB-Tumblebug ships with
START_DEADLINE_S = 15.0
ACTION_DEADLINE_S = 60.0
ZOMBIE = "Z"
RATE_LIMIT_S = 0.5  # the server lets two requests a second through


@dataclass(frozen=True, slots=True)
class Simulator:
    """One simulator process, known by its pid file."""

    folder: Path
    topology: str
    port: int = 1323
    estate: str = "topology"  # or empty: all hosts can be bought

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
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        # a process that has just been made shows no command line for a moment; a dead one never again
        is_ours = b"lab.tumblebug" in command or not command
        return pid if is_ours and state != ZOMBIE else None

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

    def control(self, host: str, action: str) -> None:
        """Suspends, resumes or reboots a VM as an operator of CB-Tumblebug does, and waits for the end.

        Raises:
            LabError: the simulator refuses it, or it does not come to an end.
        """
        self._ask(f"ns/default/control/infra/{self.topology}/node/{host}?action={action}")
        deadline_s = time.monotonic() + ACTION_DEADLINE_S
        while self._busy(host):
            if time.monotonic() > deadline_s:
                raise LabError(f"{action} of {host} has not come to its end in {ACTION_DEADLINE_S} s")
            time.sleep(0.1)

    def _busy(self, host: str) -> bool:
        infra = self._ask(f"ns/default/infra/{self.topology}?option=status")["status"]
        return any(node["id"] == host and node["targetAction"] != "None" for node in infra["node"])

    def _ask(self, path: str) -> dict[str, Any]:
        credentials = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(f"{self.url}/tumblebug/{path}")  # noqa: S310
        request.add_header("Authorization", f"Basic {credentials}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                answered: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as exc:
            if exc.code == HTTPStatus.TOO_MANY_REQUESTS:
                time.sleep(RATE_LIMIT_S)
                return self._ask(path)
            raise LabError(f"CB-Tumblebug refuses: {json.load(exc).get('message')}") from exc
        except urllib.error.URLError as exc:
            raise LabError(f"CB-Tumblebug does not answer at {self.url}: {exc.reason}") from exc
        return answered

    def _spawn(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "lab.tumblebug", "--topology", self.topology]
        pid = os.posix_spawn(
            sys.executable,
            [*argv, "--estate", self.estate, "--listen", f"127.0.0.1:{self.port}"],
            {**os.environ, "PYTHONPATH": str(ROOT)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,  # lives on when this process ends
        )
        self._pid_file.write_text(f"{pid}\n", encoding="utf-8")

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/tumblebug/readyz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
