# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The clouds of a running lab: what can be bought there are its hosts that are nobody's."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

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
    """``Cloud`` of a lab that is up: asks it for the hosts, and lets it act on them in the background.

    Whatever image is ordered, a host has that of the lab; whatever spec, the resources of this machine.

    Args:
        lab: that is up.
        free: hosts that can be bought; all others are machines already, under their own names.
    """

    def __init__(self, lab: Lab, free: Iterable[str] = ()) -> None:
        self._lab = lab
        self._free = list(free)
        self._hosts: dict[str, str] = {}  # resource -> host, of the machines that were bought
        self._ended: dict[str, Instance] = {}  # resource -> its last state
        self._going_on: dict[str, Action] = {}
        self._lock = threading.Lock()

    def empty_free_hosts(self) -> None:
        """Powers off and wipes what can be bought; raises LabError."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._lab.terminate, self._free))

    def instance(self, resource: str) -> Instance:
        with self._lock:
            if resource in self._ended:
                return self._ended[resource]
            going_on = self._going_on.get(resource)
        status = self._status(resource)
        return Instance(
            status=going_on.passing if going_on else _STATUS[status.state],
            public_ip=str(status.public_ip or ""),
            private_ip=str(status.private_ip.ip),
        )

    def create(self, order: Order) -> str:
        if order.spec.refused:
            raise CloudError(order.spec.refused)
        resource = f"i-{order.name}"
        with self._lock:
            self._hosts[resource] = self._taken(order.network.region.connection)
            self._ended.pop(resource, None)
            self._going_on[resource] = Action.CREATE
        self._begin(resource, self._lab.resume)
        return resource

    def act(self, resource: str, action: Action) -> None:
        with self._lock:
            if resource in self._going_on:
                raise CloudError(f"{resource} is {self._going_on[resource].passing}")
            operation = self._operation(resource, action)
            self._going_on[resource] = action
        self._begin(resource, operation)

    def host_key(self, resource: str) -> str:
        return self._lab.host_key(self._host(resource))

    def run(self, resource: str, user: str, command: str, timeout_s: float) -> Ran:
        try:
            login = self._lab.login_command(self._host(resource), user)
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

    def _host(self, resource: str) -> str:
        return self._hosts.get(resource, resource)

    def _status(self, resource: str) -> HostStatus:
        try:
            return self._lab.hosts[self._host(resource)]
        except LabError as exc:
            raise CloudError(str(exc)) from exc

    def _taken(self, connection: str) -> str:
        """Takes a free host of a connection."""
        for host in self._free:
            if self._lab.topology.cloud_of(host).connection == connection:
                self._free.remove(host)
                return host
        raise CloudError(f"InsufficientInstanceCapacity: no host of the lab is free in {connection}")

    def _operation(self, resource: str, action: Action) -> Callable[[str], object]:
        if action is Action.SUSPEND:
            return self._lab.suspend
        if action is Action.REBOOT:
            return self._lab.restart
        if action is Action.TERMINATE:
            return self._lab.terminate
        stopped = self._status(resource).state is HostState.STOPPED
        return self._lab.start if stopped else self._lab.resume

    def _begin(self, resource: str, operation: Callable[[str], object]) -> None:
        threading.Thread(target=self._run, args=(resource, operation), daemon=True).start()

    def _run(self, resource: str, operation: Callable[[str], object]) -> None:
        message = ""
        try:
            operation(self._host(resource))
        except LabError as exc:
            log.exception("%s: %s failed", resource, self._going_on[resource].title)
            message = str(exc)
        with self._lock:
            self._ends(resource, self._going_on.pop(resource), message)

    def _ends(self, resource: str, action: Action, message: str) -> None:
        """A machine that is terminated, or was never made, gives its host back."""
        if action is Action.TERMINATE and not message:
            self._give_back(resource, Instance(action.final, "", ""))
        if action is Action.CREATE and message:
            self._give_back(resource, Instance("Failed", "", "", message=message))

    def _give_back(self, resource: str, last: Instance) -> None:
        self._ended[resource] = last
        self._free.append(self._hosts.pop(resource, resource))
