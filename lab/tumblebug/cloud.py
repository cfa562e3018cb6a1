# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the providers say and do: the boundary to the lab, and a stand-in that keeps it all in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol


class Action(Enum):
    """A control action: its name in the URL, how it is shown, its passing and its final status."""

    SUSPEND = ("suspend", "Suspend", "Suspending", "Suspended")
    RESUME = ("resume", "Resume", "Resuming", "Running")
    REBOOT = ("reboot", "Reboot", "Rebooting", "Running")

    def __init__(self, verb: str, title: str, passing: str, final: str) -> None:
        self.verb = verb
        self.title = title
        self.passing = passing
        self.final = final

    @classmethod
    def of(cls, verb: str) -> Action | None:
        """The action of that URL name, or None."""
        return next((action for action in cls if action.verb == verb), None)


@dataclass(frozen=True, slots=True)
class Instance:
    """What a provider says about one machine at this moment."""

    status: str
    public_ip: str
    private_ip: str
    ssh_port: int = 22


class CloudError(Exception):
    """A provider cannot be asked, or refuses."""


class Cloud(Protocol):
    """All providers together, by the machines' resource names. Its methods raise CloudError."""

    def instance(self, resource: str) -> Instance:
        """The machine as it is now."""

    def act(self, resource: str, action: Action) -> None:
        """Starts an action and returns; ``instance`` shows the passing status until it is done."""


class StaticCloud:
    """Machines in memory. A resumed machine gets another public address, as in real clouds.

    Args:
        instances: resource name -> first state.
        new_address: the public address that a resumed machine gets, by its resource name.
        transition_s: how long an action takes.
        now: clock in seconds.
    """

    def __init__(
        self,
        instances: dict[str, Instance],
        *,
        new_address: Callable[[str], str],
        transition_s: float,
        now: Callable[[], float],
    ) -> None:
        self._instances = dict(instances)
        self._new_address = new_address
        self._transition_s = transition_s
        self._now = now
        self._pending: dict[str, tuple[float, Action]] = {}
        self._lock = threading.Lock()

    def instance(self, resource: str) -> Instance:
        with self._lock:
            self._finish_due(resource)
            return self._instances[resource]

    def act(self, resource: str, action: Action) -> None:
        with self._lock:
            self._pending[resource] = (self._now() + self._transition_s, action)
            self._instances[resource] = replace(self._instances[resource], status=action.passing)

    def _finish_due(self, resource: str) -> None:
        due_at, action = self._pending.get(resource, (None, None))
        if due_at is None or action is None or self._now() < due_at:
            return
        del self._pending[resource]
        address = self._address_after(resource, action)
        self._instances[resource] = replace(self._instances[resource], status=action.final, public_ip=address)

    def _address_after(self, resource: str, action: Action) -> str:
        if action is Action.SUSPEND:
            return ""
        if action is Action.RESUME:
            return self._new_address(resource)
        return self._instances[resource].public_ip
