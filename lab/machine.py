# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The life of one host: power on, shut down, power cut, console."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import cgroup
from lab.errors import LabError, WrongStateError
from lab.folders import ROOT, Folders
from lab.network import Network
from lab.situation import Situation

BOOT_DEADLINE_S = 60.0
SHUTDOWN_DEADLINE_S = 20.0
KILL_DEADLINE_S = 10.0
POWER_OFF = signal.SIGRTMIN + 4  # to systemd as PID 1: start poweroff.target
CONSOLE_ENVIRONMENT = (
    "HOME=/root",
    "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)


@dataclass(frozen=True)
class Boot:
    """A host on its way up."""

    machine: Machine
    ready_fd: int
    deadline: float

    def wait(self) -> None:
        """Returns when the host has booted; raises LabError if it does not, and then powers it off."""
        if not self._ready():
            words = self.machine.last_words()
            self.cancel()
            raise LabError(f"{self.machine.name} did not boot; the end of its console:\n{words}")
        os.close(self.ready_fd)

    def cancel(self) -> None:
        """Ends the boot wherever it is."""
        os.close(self.ready_fd)
        self.machine.cut_power()

    def _ready(self) -> bool:
        left_s = max(0.0, self.deadline - time.monotonic())
        readable, _unused, _unused = select.select([self.ready_fd], [], [], left_s)
        return bool(readable) and os.read(self.ready_fd, 1) == b"+"


class Machine:
    """One host of a lab that is up."""

    def __init__(self, name: str, folders: Folders, network: Network) -> None:
        self.name = name
        self._folders = folders
        self._network = network
        self._cgroup = folders.host_cgroup(name)

    @property
    def running(self) -> bool:
        return cgroup.populated(self._cgroup)

    def power_on(self, situation: Situation) -> Boot:
        """Starts a boot; raises WrongStateError if the host runs already."""
        if self.running:
            raise WrongStateError(f"{self.name} is running already")
        self._network.create_host(situation, self.name)
        for part in ("supervisor", "machine", "console"):
            cgroup.create(self._cgroup / part)
        ready_fd, announce_fd = os.pipe()
        try:
            self._spawn_supervisor(announce_fd)
        finally:
            os.close(announce_fd)
        return Boot(self, ready_fd, time.monotonic() + BOOT_DEADLINE_S)

    def shut_down(self) -> None:
        """Powers off in good order, as clouds do by ACPI; cuts the power if the host does not follow."""
        leader = self.leader()
        if leader is not None:
            os.kill(leader, POWER_OFF)
            cgroup.wait_until_empty(self._cgroup, SHUTDOWN_DEADLINE_S)
        self.cut_power()

    def cut_power(self) -> None:
        """Powers off at once: no goodbye on the network, nothing is synced."""
        self._network.remove_host(self.name)
        cgroup.kill(self._cgroup)
        if not cgroup.wait_until_empty(self._cgroup, KILL_DEADLINE_S):
            raise LabError(f"processes of {self.name} do not end, see {self._cgroup}/**/cgroup.procs")
        self._network.remove_host(self.name)  # the supervisor may have been about to make it anew
        cgroup.remove(self._cgroup)

    def leader(self) -> int | None:
        """Process id, on the machine, of the host's PID 1; None while there is none."""
        candidates = cgroup.processes(self._cgroup / "machine" / "payload" / "init.scope")
        return next(filter(_is_pid_1, candidates), None)

    def console_command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` as root inside the host, whatever its network does."""
        leader = self.leader()
        if leader is None:
            raise WrongStateError(f"{self.name} is not running; start or resume it first")
        namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]
        enter_host = ["nsenter", "--target", str(leader), *namespaces, "--wdns=/"]
        terminal = f"TERM={os.environ.get('TERM', 'dumb')}"
        return [*self._entering("console"), *enter_host, "env", "-i", *CONSOLE_ENVIRONMENT, terminal, *argv]

    def last_words(self) -> str:
        """The end of the host's console."""
        path = self._folders.console(self.name)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        return "\n".join(lines[-15:]) or "its console says nothing"

    def _spawn_supervisor(self, announce_fd: int) -> None:
        """Returns when the supervisor is in its cgroup, and so within reach of ``cut_power``.

        It is nobody's child and has a session of its own: it outlives this command, and its Ctrl-C.
        """
        arguments = [self._folders.state.name, self.name, str(announce_fd)]
        supervisor = ["setsid", "--fork", sys.executable, "-m", "lab.supervisor", *arguments]
        with self._folders.console(self.name).open("ab") as console:
            subprocess.run(
                [*self._entering("supervisor"), *supervisor],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                pass_fds=[announce_fd],
                check=True,
            )

    def _entering(self, part: str) -> list[str]:
        """A command prefix: what follows runs in that part of the host's cgroup."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self._cgroup / part / "cgroup.procs")]


def _is_pid_1(pid: int) -> bool:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        numbers = next(line for line in status if line.startswith("NSpid:")).split()[1:]
        return len(numbers) > 1 and numbers[-1] == "1"
    return False
