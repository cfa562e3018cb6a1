# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two hosts on this machine for every system: network namespaces, and what lies between them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 3.0
_POLL_INTERVAL_S = 0.02
_MEASURING_PID = re.compile(r"bench(\d+)-")
_FORWARDING = """
echo 1 >/proc/sys/net/ipv4/ip_forward
for device in first second; do
  echo 1 >/proc/sys/net/ipv4/conf/$device/proxy_arp
  echo 0 >/proc/sys/net/ipv4/conf/$device/send_redirects
done
"""


class BenchError(Exception):
    """Something that is needed for a measurement did not work; the message says what."""


@dataclass(frozen=True)
class Setup:
    """What lies between two hosts.

    Args:
        name: for people.
        mtu: of the cable, in bytes.
        wire: datagrams are cut to the MTU before a router in the middle, and delivered one by one, as by a
            network card without offloads for UDP; otherwise super-packets cross the cable as they are.
        receive_gro: receivers on a wire coalesce again what belongs together.
    """

    name: str
    mtu: int = 1500
    wire: bool = False
    receive_gro: bool = True


VETH = Setup("veth")
JUMBO = Setup("veth-9000", mtu=9000)
WIRE = Setup("wire-gro", wire=True)
WIRE_WITHOUT_GRO = Setup("wire-no-gro", wire=True, receive_gro=False)


def eventually(what: str, condition: Callable[[], object], deadline_s: float = 15.0) -> None:
    """Waits until a condition holds; raises BenchError with its name if it does not in time."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end_s:
            raise BenchError(f"not within {deadline_s:.0f} s: {what}")
        time.sleep(_POLL_INTERVAL_S)


def run(*argv: str, text: str | None = None) -> str:
    """Runs a command to its end and gives its output. Raises BenchError with what it complained about."""
    try:
        result = subprocess.run(
            argv, input=text, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise BenchError(f"{' '.join(argv)}: {exc}") from exc
    if result.returncode != 0:
        raise BenchError(f"{' '.join(argv)}: {(result.stdout + result.stderr).strip()[-500:]}")
    return result.stdout


@dataclass
class Host:
    """One end: a namespace with a device ``outer``.

    Args:
        name: of the namespace.
        outer: its address on the cable.
        inner: its address in the overlay.
    """

    name: str
    outer: str
    inner: str
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *argv: str) -> list[str]:
        """The command line that runs a command on this host."""
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv: str, text: str | None = None) -> str:
        """Runs a command on this host to its end."""
        return run(*self.command(*argv), text=text)

    def start(self, *argv: str, log: Path, environment: Mapping[str, str] | None = None) -> int:
        """Starts what runs until the host is removed; gives its process id."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(*argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=os.environ | dict(environment or {}),
            )
        self._started.append(process)
        return process.pid

    def converse(self, *argv: str) -> subprocess.Popen[str]:
        """Starts what is told line by line what to do, and answers so."""
        return subprocess.Popen(
            self.command(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def has_device(self, device: str) -> bool:
        """Whether a network device is there."""
        argv = ["ip", "-n", self.name, "link", "show", device]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def set_up(self, device: str, address: str, *, mtu: int = 0, prefix_length: int = 24) -> None:
        """Gives a device its address and switches it on."""
        self.run("ip", "address", "add", f"{address}/{prefix_length}", "dev", device)
        self.run("ip", "link", "set", device, *(["mtu", str(mtu)] if mtu else []), "up")

    def pings(self, address: str) -> bool:
        """Whether an echo request is answered within a second."""
        argv = self.command("ping", "-n", "-q", "-c", "1", "-W", "1", address)
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def ended(self) -> str:
        """Says which of the started commands have ended; empty if they all live."""
        return ", ".join(str(process.args) for process in self._started if process.poll() is not None)

    def remove(self) -> None:
        """Ends all that runs on this host, and the host."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            with contextlib.suppress(BenchError):
                eventually("processes end", lambda: not self._pids(), _END_TIMEOUT_S)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)

    def _pids(self) -> list[int]:
        for process in self._started:
            process.poll()  # one that has ended is not to be found any more
        argv = ["ip", "netns", "pids", self.name]
        return [int(word) for word in subprocess.run(argv, capture_output=True, check=False).stdout.split()]


@dataclass(frozen=True)
class Pair:
    """Two hosts; ``first`` sends. On a wire there is a router between them."""

    setup: Setup
    first: Host
    second: Host
    router: Host | None = None

    @property
    def hosts(self) -> tuple[Host, Host]:
        return self.first, self.second

    def coalesce_received(self, *, on: bool) -> None:
        """Switches receive GRO of both hosts."""
        for host in self.hosts:
            host.run("ethtool", "-K", "outer", "gro", "on" if on else "off")

    def lose(self, per_100000: int) -> None:
        """From now on the router loses so many packets of 100,000, at random."""
        if self.router is None:
            raise BenchError("only a wire can lose packets")
        self.router.run("nft", "flush", "ruleset")
        if per_100000:
            self.router.run("nft", "-f", "-", text=_loss_rules(per_100000))


def _loss_rules(per_100000: int) -> str:
    chains = "".join(
        f"chain {device} {{ type filter hook ingress device {device} priority 0; policy accept;"
        f" numgen random mod 100000 < {per_100000} drop; }}\n"
        for device in ("first", "second")
    )
    return f"table netdev loss {{\n{chains}}}\n"


def remove_leftovers() -> None:
    """Removes the hosts of measuring processes that were killed."""
    names = [line.split()[0] for line in run("ip", "netns", "list").splitlines()]
    for name, pid in ((name, _MEASURING_PID.match(name)) for name in names):
        if pid is not None and not Path(f"/proc/{pid[1]}").exists():
            Host(name, "", "").remove()


@contextmanager
def pair_of_hosts(name: str, setup: Setup) -> Iterator[Pair]:
    """Two hosts with a cable or a wire between them, gone afterwards with all that runs on them."""
    prefix = f"bench{os.getpid()}-{name}"
    first = Host(f"{prefix}-a", "192.0.2.1", "10.77.0.1")
    second = Host(f"{prefix}-b", "192.0.2.2", "10.77.0.2")
    router = Host(f"{prefix}-r", "", "") if setup.wire else None
    everybody = [host for host in (first, second, router) if host]
    try:
        for host in everybody:
            run("ip", "netns", "add", host.name)
            host.run("ip", "link", "set", "lo", "up")
        pair = Pair(setup, first, second, router)
        _connect(pair)
        yield pair
    finally:
        for host in everybody:
            host.remove()


def _connect(pair: Pair) -> None:
    if pair.router is None:
        _cable(pair.first, "outer", pair.second, "outer", pair.setup.mtu)
    else:
        _wire(pair, pair.router)
    for host in pair.hosts:
        host.set_up("outer", host.outer)


def _cable(one: Host, device: str, other: Host, its_device: str, mtu: int) -> None:
    words = ["type", "veth", "peer", "name", its_device, "netns", other.name, "mtu", str(mtu)]
    run("ip", "-n", one.name, "link", "add", device, "mtu", str(mtu), *words)


def _wire(pair: Pair, router: Host) -> None:
    for host, port in zip(pair.hosts, ("first", "second"), strict=True):
        _cable(host, "outer", router, port, pair.setup.mtu)
        for each, device in ((host, "outer"), (router, port)):
            each.run("ethtool", "-K", device, "tso", "off", "tx-udp-segmentation", "off")
        router.run("ip", "link", "set", port, "up")
        router.run("ip", "route", "add", f"{host.outer}/32", "dev", port)
    router.run("sh", "-ec", _FORWARDING)
    pair.coalesce_received(on=pair.setup.receive_gro)
