# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two hosts with agents that know each other from their disks, and two routers with a narrow cable between.

The routers drop what is too long without a word: no ICMP error of theirs gets out.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cladnet.agent.state import StateDirectory
from cladnet.core.endpoint import Endpoint
from cladnet.core.rule_table import NetworkRule, PeerEntry, RuleTable
from tests.integration.agent.internet import Daemon, Host
from tests.integration.datapath.namespaces import Namespace

TRANSFER = Path(__file__).parents[1] / "datapath" / "tcp_transfer.py"
TRANSFER_BYTES = 10 << 20
TRANSFER_TIMEOUT_S = 60.0
# A wide one, so that only the cable between the routers matters.
EDGE_MTU = 9001
_SILENCE = "add table ip silence; add chain ip silence out { type filter hook output priority 0; }; \
add rule ip silence out icmp type destination-unreachable drop"


@dataclass(frozen=True)
class Overlay:
    """A network and what its agents use on their hosts."""

    name: str
    cidr: IPv4Network
    device: str
    port: int

    def address(self, number: int) -> IPv4Address:
        return self.cidr[number]


FIRST = Overlay("first", IPv4Network("10.77.0.0/24"), "cladnet0", 8055)
SECOND = Overlay("second", IPv4Network("10.78.0.0/24"), "cladnet1", 8057)


class NarrowPath:
    """The machines, and what tests do with them.

    Args:
        prefix: of the namespaces' names.
        folder: for the agents' files.
    """

    def __init__(self, prefix: str, folder: Path) -> None:
        self._folder = folder
        self.machines = [
            Namespace(f"{prefix}a", "edge", "198.51.100.2", ""),
            Namespace(f"{prefix}r", "edge", "198.51.100.1", ""),
            Namespace(f"{prefix}s", "edge", "203.0.113.1", ""),
            Namespace(f"{prefix}b", "edge", "203.0.113.2", ""),
        ]
        self.agents: dict[tuple[str, str], Host] = {}

    @property
    def ends(self) -> tuple[Namespace, Namespace]:
        return self.machines[0], self.machines[3]

    def build(self) -> None:
        """Makes machines and cables."""
        a, r, s, b = self.machines
        for machine in self.machines:
            _ip("netns", "add", machine.name)
            machine.set_up("lo")
        for end, router in ((a, r), (b, s)):
            _cable(end, "edge", router, "edge")
            for machine in (end, router):
                machine.run("ip", "link", "set", "edge", "mtu", str(EDGE_MTU))
                machine.set_up("edge", f"{machine.outer_ipv4}/24")
            end.run("ip", "route", "add", "default", "via", router.outer_ipv4)
        _cable(r, "middle", s, "middle")
        for router, address, other, beyond in (
            (r, "192.0.2.1", "192.0.2.2", b),
            (s, "192.0.2.2", "192.0.2.1", a),
        ):
            router.set_up("middle", f"{address}/24")
            router.run("ip", "route", "add", f"{beyond.outer_ipv4}/32", "via", other)
            router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
            router.run("nft", _SILENCE)

    def narrow(self, mtu_bytes: int) -> None:
        """Gives the cable between the routers an MTU."""
        for router in self.machines[1:3]:
            router.run("ip", "link", "set", "middle", "mtu", str(mtu_bytes))

    def start_agents(self, overlay: Overlay, options: str = "") -> tuple[Host, Host]:
        """Starts an agent on each end that knows the other one from its disk."""
        keys = {name: X25519PrivateKey.generate() for name in ("a", "b")}
        peers = {
            name: PeerEntry(
                name,
                overlay.address(number),
                keys[name].public_key().public_bytes_raw(),
                Endpoint(machine.outer_ipv4, overlay.port),
            )
            for number, (name, machine) in enumerate(zip(keys, self.ends, strict=True), start=2)
        }
        table = RuleTable(1, 1, NetworkRule(overlay.name, overlay.cidr), MappingProxyType(peers))
        a, b = (
            self._start_agent(overlay, name, machine, keys[name].private_bytes_raw(), table, options)
            for name, machine in zip(keys, self.ends, strict=True)
        )
        return a, b

    def tear_down(self) -> None:
        for host in self.agents.values():
            host.agent.kill()
        for machine in self.machines:
            subprocess.run(["ip", "netns", "delete", machine.name], stderr=subprocess.DEVNULL, check=False)

    def _start_agent(
        self, overlay: Overlay, name: str, machine: Namespace, key: bytes, table: RuleTable, options: str
    ) -> Host:
        directory = self._folder / overlay.name / name
        configuration = directory / "etc" / f"{overlay.name}.toml"
        configuration.parent.mkdir(parents=True)
        (directory / "ca.crt").touch()
        configuration.write_text(
            f'network = "{overlay.name}"\nhost = "{name}"\ncontrollers = ["192.0.2.99"]\n'
            f'device = "{overlay.device}"\nlisten_port = {overlay.port}\nca_file = "{directory}/ca.crt"\n'
            f'state_dir = "{directory}/state"\nruntime_dir = "{directory}/run"\n{options}\n'
        )
        state = StateDirectory(directory / "state")
        state.store_wireguard_key(key)
        state.store_table(table)
        argv = [sys.executable, "-m", "cladnet.agent.main", "--config", str(configuration)]
        host = Host(name, machine, directory, Daemon(machine, directory / "agent.log", *argv))
        self.agents[overlay.name, name] = host
        host.agent.start()
        return host


def path_of(host: Host) -> tuple[int | None, str]:
    """The MTU that an agent has found for its only peer, and how far it is with that."""
    (peer,) = host.status()["peers"]
    return peer["path_mtu_bytes"], peer["path_mtu_phase"]


def transfer(source: Host, target: Host, address: IPv4Address, port: int) -> None:
    """Sends 10 MiB over TCP, and checks that they arrive as they are."""
    words = ("serve", str(TRANSFER_BYTES), str(address), str(port))
    server = source.namespace.start(sys.executable, str(TRANSFER), *words)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "listening\n"
        command = target.namespace.command(sys.executable, str(TRANSFER), "fetch", str(address), str(port))
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TRANSFER_TIMEOUT_S, check=False
        )
        sent, _unused = server.communicate(timeout=TRANSFER_TIMEOUT_S)
        assert (done.returncode, done.stdout) == (0, sent), done.stderr
    finally:
        server.kill()
        server.communicate()


@contextlib.contextmanager
def narrow_path(folder: Path) -> Iterator[NarrowPath]:
    """The machines, gone afterwards with all that runs in them."""
    path = NarrowPath(f"cladmtu{os.getpid()}", folder)
    try:
        path.build()
        yield path
    finally:
        path.tear_down()


def _cable(one: Namespace, one_device: str, other: Namespace, other_device: str) -> None:
    _ip("-n", one.name, "link", "add", one_device, "type", "veth", "peer", other_device, "netns", other.name)


def _ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True, timeout=20)
