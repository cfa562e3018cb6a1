# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the providers say and do: the boundary to the lab, and a stand-in that keeps it all in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Network
from itertools import islice
from typing import Protocol

from lab.tumblebug.estate import Image, Network, Spec

RESERVED_ADDRESSES = 9
"""How many of a subnet's first addresses a cloud keeps for itself."""


class Action(Enum):
    """What is done to a machine: its name in the URL, how it is shown, its passing and its final status."""

    CREATE = ("", "Create", "Creating", "Running")
    SUSPEND = ("suspend", "Suspend", "Suspending", "Suspended")
    RESUME = ("resume", "Resume", "Resuming", "Running")
    REBOOT = ("reboot", "Reboot", "Rebooting", "Running")
    TERMINATE = ("terminate", "Terminate", "Terminating", "Terminated")

    def __init__(self, verb: str, title: str, passing: str, final: str) -> None:
        self.verb = verb
        self.title = title
        self.passing = passing
        self.final = final

    @classmethod
    def of(cls, verb: str) -> Action | None:
        """The action of that URL name, or None."""
        return next((action for action in cls if verb and action.verb == verb), None)


@dataclass(frozen=True, slots=True)
class Instance:
    """What a provider says about one machine at this moment."""

    status: str
    public_ip: str
    private_ip: str
    ssh_port: int = 22
    message: str = ""  # why it has failed


@dataclass(frozen=True, slots=True)
class Order:
    """A machine that a provider shall make."""

    name: str  # as Tumblebug calls it towards the cloud: unique
    network: Network
    spec: Spec
    image: Image
    user: str  # who is to have an account on it


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did on a machine."""

    exit_status: int
    stdout: str = ""
    stderr: str = ""


class CloudError(Exception):
    """A provider cannot be asked, or refuses."""


def refused_login(user: str) -> CloudError:
    """What Tumblebug says of an account that does not exist or does not take the key."""
    return CloudError(
        "SSH authentication failed. Please check: 1) private key is valid "
        f"2) user '{user}' exists on target 3) authorized_keys is properly configured"
    )


class Cloud(Protocol):
    """All providers together, by the machines' resource names. Its methods raise CloudError."""

    def instance(self, resource: str) -> Instance:
        """The machine as it is now."""

    def create(self, order: Order) -> str:
        """Starts to make a machine and returns its resource name; raises CloudError if it is refused."""

    def act(self, resource: str, action: Action) -> None:
        """Starts an action and returns; ``instance`` shows the passing status until it is done."""

    def host_key(self, resource: str) -> str:
        """The public ssh host key, as type and base64; empty if nobody knows it."""

    def run(self, resource: str, user: str, command: str, timeout_s: float) -> Ran:
        """Runs a command line over ssh; raises CloudError if there is no login or the time is over."""


class StaticCloud:
    """Machines in memory. A resumed machine gets another public address, as in real clouds.

    Args:
        instances: resource name -> first state.
        connections: resource name -> connection, for the machines of which this matters.
        new_address: the next public address of a connection, for a machine that is new or resumed.
        transition_s: how long an action takes.
        now: clock in seconds.
        capacity: connection -> how many machines it can hold; what is not named is without limit.
        host_keys: resource name -> public ssh host key.
        user: the account that all machines have.
        shell: runs a command line for a machine: resource name, command, seconds it may take.
    """

    def __init__(
        self,
        instances: Mapping[str, Instance],
        *,
        new_address: Callable[[str], str],
        transition_s: float,
        now: Callable[[], float],
        connections: Mapping[str, str] | None = None,
        capacity: Mapping[str, int] | None = None,
        host_keys: Mapping[str, str] | None = None,
        user: str = "cb-user",
        shell: Callable[[str, str, float], Ran] | None = None,
    ) -> None:
        self._instances = dict(instances)
        self._connections = dict(connections or {})
        self._capacity = dict(capacity or {})
        self._host_keys = dict(host_keys or {})
        self._user = user
        self._shell = shell
        self._new_address = new_address
        self._transition_s = transition_s
        self._now = now
        self._pending: dict[str, tuple[float, Action]] = {}
        self._lock = threading.Lock()

    def instance(self, resource: str) -> Instance:
        with self._lock:
            if resource not in self._instances:
                raise CloudError(f"there is no machine {resource}")
            self._finish_due(resource)
            return self._instances[resource]

    def create(self, order: Order) -> str:
        connection = order.network.region.connection
        with self._lock:
            self._check_capacity(order.spec, connection)
            resource = f"i-{order.name}"
            self._connections[resource] = connection
            self._instances[resource] = Instance("", "", self._free_private_ip(order.network))
            self._begin(resource, Action.CREATE)
        return resource

    def act(self, resource: str, action: Action) -> None:
        with self._lock:
            self._begin(resource, action)

    def host_key(self, resource: str) -> str:
        return self._host_keys.get(resource, "")

    def learn_host_key(self, resource: str, key: str) -> None:
        """Gives a machine a host key, as type and base64."""
        self._host_keys[resource] = key

    def run(self, resource: str, user: str, command: str, timeout_s: float) -> Ran:
        if user != self._user:
            raise refused_login(user)
        if self._shell is None:
            raise CloudError("nothing runs commands for machines in memory")
        return self._shell(resource, command, timeout_s)

    def _begin(self, resource: str, action: Action) -> None:
        self._pending[resource] = (self._now() + self._transition_s, action)
        self._instances[resource] = replace(self._instances[resource], status=action.passing)

    def _check_capacity(self, spec: Spec, connection: str) -> None:
        if spec.refused:
            raise CloudError(spec.refused)
        limit = self._capacity.get(connection)
        if limit is not None and self._used(connection) >= limit:
            raise CloudError(
                f"Quota exceeded: {connection} holds {limit} machines and has no room for another"
            )

    def _used(self, connection: str) -> int:
        here = [resource for resource, each in self._connections.items() if each == connection]
        for resource in here:
            self._finish_due(resource)
        return sum(self._instances[resource].status != Action.TERMINATE.final for resource in here)

    def _free_private_ip(self, network: Network) -> str:
        alive = (each for each in self._instances.values() if each.status != Action.TERMINATE.final)
        taken = {each.private_ip for each in alive}
        hosts = islice(IPv4Network(network.subnet_cidr).hosts(), RESERVED_ADDRESSES, None)
        free = next((str(address) for address in hosts if str(address) not in taken), None)
        if free is None:
            raise CloudError(f"InsufficientFreeAddressesInSubnet: {network.subnet_id} is full")
        return free

    def _finish_due(self, resource: str) -> None:
        due_at, action = self._pending.get(resource, (None, None))
        if due_at is None or action is None or self._now() < due_at:
            return
        del self._pending[resource]
        address = self._address_after(resource, action)
        self._instances[resource] = replace(self._instances[resource], status=action.final, public_ip=address)

    def _address_after(self, resource: str, action: Action) -> str:
        if action in (Action.SUSPEND, Action.TERMINATE):
            return ""
        if action in (Action.CREATE, Action.RESUME):
            return self._new_address(self._connections.get(resource, ""))
        return self._instances[resource].public_ip
