# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The clouds of a running lab."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable

from lab.errors import LabError
from lab.lab import HostState, HostStatus, Lab
from lab.tumblebug.cloud import Action, CloudError, Instance, Order, Ran, refused_login

SSH_FAILED = 255
log = logging.getLogger(__name__)

_STATUS = {
    HostState.RUNNING: "Running",
    HostState.STOPPED: "Suspended",  # clouds do not tell a stopped machine from a suspended one
    HostState.SUSPENDED: "Suspended",
}


class LabCloud:
    """``Cloud`` of a lab that is up: asks it for the hosts, and lets it act on them in the background."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._going_on: dict[str, Action] = {}
        self._lock = threading.Lock()

    def instance(self, resource: str) -> Instance:
        status = self._status(resource)
        going_on = self._going_on.get(resource)
        return Instance(
            status=going_on.passing if going_on else _STATUS[status.state],
            public_ip=str(status.public_ip or ""),
            private_ip=str(status.private_ip.ip),
        )

    def create(self, order: Order) -> str:
        raise CloudError(f"InsufficientInstanceCapacity: no free host in {order.network.region.connection}")

    def host_key(self, resource: str) -> str:
        return self._lab.host_key(resource)

    def run(self, resource: str, user: str, command: str, timeout_s: float) -> Ran:
        try:
            login = self._lab.login_command(resource, user)
            done = subprocess.run(
                [*login, command],
                stdin=subprocess.DEVNULL,
                timeout=timeout_s,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except LabError as exc:
            raise CloudError(str(exc)) from exc
        except subprocess.TimeoutExpired as exc:
            raise CloudError("command execution cancelled: context deadline exceeded") from exc
        if done.returncode == SSH_FAILED and "Permission denied" in done.stderr:
            raise refused_login(user)
        return Ran(done.returncode, done.stdout, done.stderr)

    def act(self, resource: str, action: Action) -> None:
        with self._lock:
            if resource in self._going_on:
                raise CloudError(f"{resource} is {self._going_on[resource].passing}")
            operation = self._operation(resource, action)
            self._going_on[resource] = action
        threading.Thread(target=self._run, args=(resource, operation), daemon=True).start()

    def _status(self, resource: str) -> HostStatus:
        try:
            return self._lab.hosts[resource]
        except LabError as exc:
            raise CloudError(str(exc)) from exc

    def _operation(self, resource: str, action: Action) -> Callable[[str], object]:
        if action is Action.SUSPEND:
            return self._lab.suspend
        if action is Action.REBOOT:
            return self._lab.restart
        stopped = self._status(resource).state is HostState.STOPPED
        return self._lab.start if stopped else self._lab.resume

    def _run(self, resource: str, operation: Callable[[str], object]) -> None:
        try:
            operation(resource)
        except LabError:
            log.exception("%s: %s failed", resource, self._going_on[resource].verb)
        finally:
            with self._lock:
                del self._going_on[resource]
