# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The lab as a program uses it: several clouds with real hosts, and everything that can happen to them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from lab import access, folders
from lab import situation as situations
from lab import topology as topologies
from lab.commands import require_root_and_tools
from lab.construction import Construction
from lab.errors import WrongStateError
from lab.image import USER
from lab.machine import Machine
from lab.network import Network
from lab.progress import Progress, silent
from lab.situation import Situation
from lab.store import Store
from lab.topology import Topology

ADDRESSES = "addresses"  # what is locked while addresses or faults change


class HostState(Enum):
    """What a cloud would say about a VM."""

    RUNNING = "running"
    STOPPED = "stopped"  # keeps its public address
    SUSPENDED = "suspended"  # has given it back


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host as it is now."""

    name: str
    cloud: str
    state: HostState
    private_ip: IPv4Interface
    public_ip: IPv4Address | None


class Lab:
    """One lab, up or not. All methods may be called from several threads and processes at once."""

    def __init__(self, topology: Topology, document: str, progress: Progress = silent) -> None:
        """Use ``load``.

        Args:
            topology: of the running lab, or for the next one.
            document: the text that it was read from.
            progress: gets one line of text at each step of ``up``.
        """
        self.topology = topology
        self.folders = folders.of_lab(topology.name)
        self._document = document
        self._progress = progress
        self._store = Store(self.folders.state)
        self._network = Network(topology)
        self._construction = Construction(topology, self.folders, self._store)

    @classmethod
    def load(
        cls,
        topology: str | Path = "demo",
        *,
        name: str | None = None,
        progress: Progress = silent,
    ) -> Lab:
        """Finds a lab by its topology; if it is up, as it was brought up.

        Args:
            topology: ``demo`` or another one of lab/topologies, or the path of a .yml file.
            name: instead of the topology's own, to run several side by side.
            progress: gets one line of text at each step of ``up``.

        Raises:
            TopologyError: the file says something that cannot be.
        """
        wanted = topologies.load(topology, name=name)
        lab = cls(wanted, topologies.path_of(topology).read_text(encoding="utf-8"), progress)
        if not lab.is_up:
            return lab
        running = lab.folders.topology
        return cls(topologies.load(running, name=wanted.name), running.read_text(encoding="utf-8"), progress)

    # -- the whole lab

    @property
    def is_up(self) -> bool:
        """Whether an ``up`` has come to its end, and since then no ``down`` and no reboot of the machine."""
        return self._store.exists and self._store.read().complete and self._network.exists

    @property
    def hosts(self) -> Mapping[str, HostStatus]:
        """All hosts as they are now; raises WrongStateError if the lab is not up."""
        situation = self._situation()
        return {name: self._status(situation, name) for name in self.topology.hosts}

    def up(self) -> None:
        """Makes the image if needed, the network and the hosts, and returns when all have booted.

        What a failed or interrupted ``up`` has left behind is removed first; if this one fails, at its end.

        Raises:
            WrongStateError: the lab is up already, or another lab of this name is.
            LabError: a tool is missing or fails.
        """
        require_root_and_tools()
        with self._store.exclusive():
            if self.is_up:
                raise WrongStateError(f"lab {self.topology.name} is up already")
            self._construction.build(self._document, self._progress)

    def down(self) -> None:
        """Powers all hosts off and removes everything, whatever state it is in; nothing to do is no error."""
        require_root_and_tools()
        with self._store.exclusive():
            self._construction.remove()

    # -- one host

    def start(self, host: str) -> None:
        """Powers a stopped host on and waits until it has booted."""
        with self._changing(host) as machine:
            if self._suspended(host):
                raise WrongStateError(f"{host} is suspended; resume it to get a public address")
            machine.power_on(self._situation()).wait()

    def kill(self, host: str) -> None:
        """Cuts the power of a host: no goodbye, nothing synced. Its public address stays its own."""
        with self._changing(host) as machine:
            self._require_running(machine)
            machine.cut_power()

    def restart(self, host: str) -> None:
        """Shuts a host down in good order and powers it on again."""
        with self._changing(host) as machine:
            self._require_running(machine)
            machine.shut_down()
            machine.power_on(self._situation()).wait()

    def suspend(self, host: str) -> None:
        """Shuts a host down in good order; its public address goes back to the cloud's pool."""
        with self._changing(host) as machine:
            if self._suspended(host):
                raise WrongStateError(f"{host} is suspended already")
            machine.shut_down()
            self._change_addresses(host, lambda now: situations.released(now, host))

    def resume(self, host: str) -> IPv4Address:
        """Powers a suspended host on with another public address, which is returned."""
        with self._changing(host) as machine:
            if not self._suspended(host):
                raise WrongStateError(f"{host} is not suspended")
            public_ip = self._give_public_ip(host, None)
            machine.power_on(self._situation()).wait()
            return public_ip

    def terminate(self, host: str) -> None:
        """Shuts a host down for good: its address goes back, and its disk is that of a VM never booted.

        The host is suspended then; ``resume`` makes a new VM of it, with another identity and address.
        """
        with self._changing(host) as machine:
            machine.shut_down()
            self._change_addresses(host, lambda now: self._renewed(now, host))

    def change_public_ip(self, host: str, wanted: IPv4Address | None = None) -> IPv4Address:
        """Gives a host another public address while it runs: the wanted one or the pool's next."""
        with self._changing(host):
            if self._suspended(host):
                raise WrongStateError(f"{host} is suspended; resume gives it a public address")
            return self._give_public_ip(host, wanted)

    def readdress(self, host: str, private_ip: IPv4Interface) -> None:
        """Gives a host another private address, at once if it runs; its public address stays."""
        with self._changing(host) as machine:
            changed = self._change_addresses(
                host, lambda now: situations.with_private_ip(self.topology, now, host, private_ip)
            )
            if machine.running:
                self._network.readdress_host(changed, host)

    def exec(
        self, host: str, argv: Sequence[str], *, stdin: str = "", timeout_s: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command as root on a host's console, also while its network is cut.

        Raises:
            WrongStateError: the host is not running.
            subprocess.TimeoutExpired: the command took longer than ``timeout_s``.
        """
        command = self.console_command(host, argv)
        return subprocess.run(
            command,
            input=stdin,
            timeout=timeout_s,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def console_command(self, host: str, argv: Sequence[str]) -> list[str]:
        """The command by which ``exec`` does it, for those who want its terminal or its output at once."""
        self._situation()
        return self._machine(host).console_command(argv)

    # -- faults

    def partition(self, one: str, *others: str) -> None:
        """Nothing passes between a host or cloud and the others, or everybody if none are named."""
        self._change_faults(lambda now: situations.with_partition(self.topology, now, one, others))

    def lose(self, percent: int) -> None:
        """So many of 100 packets between hosts get lost, 0 for none."""
        self._change_faults(lambda now: situations.with_loss(now, percent))

    def heal(self) -> None:
        """Ends all partitions and all loss."""
        self._change_faults(situations.healed)

    # -- access

    def ssh_args(self) -> str:
        """The value of ANSIBLE_SSH_COMMON_ARGS with which Ansible reaches the hosts' public addresses."""
        return access.ssh_arguments(self._ssh_options())

    def login_command(self, host: str, user: str = USER) -> list[str]:
        """The ssh command that logs in to a host at its public address."""
        cloud = self.topology.cloud_of(host)
        public_ip = self._situation().addresses[host].public_ip
        if public_ip is None:
            raise WrongStateError(f"{host} is suspended and has no public address; resume it first")
        return access.login_command(self._ssh_options(), self.private_key(cloud.name), str(public_ip), user)

    def private_key(self, cloud: str) -> Path:
        """The file of the key that logs in to all hosts of a cloud; its public half has .pub appended."""
        return self.folders.private_key(self.topology.clouds[cloud].ssh_key_id)

    def host_key(self, host: str) -> str:
        """The public key that proves a host's identity: type and base64."""
        return access.host_public_key(self.folders, self.topology.host(host).name)

    # -- inside

    def _situation(self) -> Situation:
        if not self.is_up:
            raise WrongStateError(f"lab {self.topology.name} is not up; bring it up first")
        return self._store.read()

    def _status(self, situation: Situation, host: str) -> HostStatus:
        addresses = situation.addresses[host]
        stopped = HostState.STOPPED if addresses.public_ip else HostState.SUSPENDED
        state = HostState.RUNNING if self._machine(host).running else stopped
        cloud = self.topology.hosts[host].cloud
        return HostStatus(host, cloud, state, addresses.private_ip, addresses.public_ip)

    def _machine(self, host: str) -> Machine:
        return Machine(self.topology.host(host).name, self.folders, self._network)

    @contextmanager
    def _changing(self, host: str) -> Iterator[Machine]:
        machine = self._machine(host)
        self._situation()
        with self._store.locked(host):
            yield machine

    def _require_running(self, machine: Machine) -> None:
        if not machine.running:
            raise WrongStateError(f"{machine.name} is not running; start or resume it first")

    def _suspended(self, host: str) -> bool:
        return self._situation().addresses[host].public_ip is None

    def _give_public_ip(self, host: str, wanted: IPv4Address | None) -> IPv4Address:
        changed = self._change_addresses(
            host, lambda now: situations.with_new_public_ip(self.topology, now, host, wanted)
        )
        return changed.addresses[host].last_public_ip

    def _change_addresses(self, host: str, change: Callable[[Situation], Situation]) -> Situation:
        cloud = self.topology.cloud_of(host)
        with self._store.locked(ADDRESSES):
            before = self._situation()
            after = change(before)
            self._store.write(after)
            self._network.apply_addresses(after, [cloud])
            self._network.apply_faults(after)
            self._network.forget_connections(cloud.name, str(before.private_ip(host)))
            access.write_known_hosts(self.folders, after)
        return after

    def _renewed(self, situation: Situation, host: str) -> Situation:
        """Renews the disk while addresses are locked: known hosts are written from the keys on the disks."""
        shutil.rmtree(self.folders.host(host))
        access.create_disk(self.topology, self.folders, host)
        return situations.released(situation, host)

    def _change_faults(self, change: Callable[[Situation], Situation]) -> None:
        self._situation()
        with self._store.locked(ADDRESSES):
            after = change(self._situation())
            self._store.write(after)
            self._network.apply_faults(after)

    def _ssh_options(self) -> list[str]:
        return access.ssh_options(self.folders, self._network.namespace("inet"))
