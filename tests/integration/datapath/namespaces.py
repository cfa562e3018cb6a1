# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two hosts on one machine: network namespaces with a cable between them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

COMMAND_TIMEOUT_S = 20.0
_POLL_INTERVAL_S = 0.02


def eventually(what: str, condition: Callable[[], object], deadline_s: float = 10.0) -> None:
    """Waits until a condition holds, and fails with its name if it does not in time."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        time.sleep(_POLL_INTERVAL_S)


@dataclass(frozen=True)
class Namespace:
    """One host.

    Args:
        name: of the network namespace.
        cable: its end of the cable.
        outer_ipv4: address on the cable.
        outer_ipv6: address on the cable.
    """

    name: str
    cable: str
    outer_ipv4: str
    outer_ipv6: str

    def command(self, *argv: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *argv]

    def run(
        self, *argv: str, check: bool = True, timeout_s: float = COMMAND_TIMEOUT_S
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            self.command(*argv), capture_output=True, text=True, timeout=timeout_s, check=False
        )
        assert result.returncode == 0 or not check, f"{argv}: {result.stdout}{result.stderr}"
        return result

    def start(self, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ping(self, address: str, *options: str) -> bool:
        """Whether three echo requests out of three are answered."""
        argv = ("ping", "-n", "-q", "-c", "3", "-i", "0.05", "-W", "2", *options, address)
        result = self.run(*argv, check=False)
        return " 0% packet loss" in result.stdout

    def pings(self, address: str, *options: str) -> bool:
        """Whether one echo request is answered soon."""
        argv = ("ping", "-n", "-q", "-c", "1", "-W", "1", *options, address)
        return self.run(*argv, check=False).returncode == 0

    def set_up(self, device: str, *addresses: str) -> None:
        """Gives a device its addresses and switches it on."""
        for address in addresses:
            nodad = ["nodad"] if ":" in address else []
            self.run("ip", "address", "add", address, "dev", device, *nodad)
        self.run("ip", "link", "set", device, "up")


@contextmanager
def two_hosts() -> Iterator[tuple[Namespace, Namespace]]:
    """Two namespaces with a cable, gone afterwards with all that runs in them."""
    prefix = f"cladtun{os.getpid()}"
    hosts = (
        Namespace(f"{prefix}a", "cable", "192.0.2.1", "2001:db8::1"),
        Namespace(f"{prefix}b", "cable", "192.0.2.2", "2001:db8::2"),
    )
    try:
        for host in hosts:
            run_ip("netns", "add", host.name)
        first, second = hosts
        run_ip(
            "-n", first.name, "link", "add", "cable", "type", "veth", "peer", "cable", "netns", second.name
        )
        for host in hosts:
            host.set_up("lo")
            host.set_up(host.cable, f"{host.outer_ipv4}/24", f"{host.outer_ipv6}/64")
        yield hosts
    finally:
        for host in hosts:
            remove_namespace(host.name)


def kill(process: subprocess.Popen[str]) -> None:
    """Ends a process now, whatever it does."""
    process.kill()
    process.communicate()


def remove_namespace(name: str) -> None:
    """Ends all that runs in a namespace, and the namespace."""
    pids = subprocess.run(
        ["ip", "netns", "pids", name], capture_output=True, text=True, check=False
    ).stdout.split()
    for pid in pids:
        subprocess.run(["kill", "-KILL", pid], check=False)
    subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)


def run_ip(*argv: str) -> None:
    """Runs ip(8) in the namespace of this process."""
    subprocess.run(["ip", *argv], check=True, timeout=COMMAND_TIMEOUT_S)
