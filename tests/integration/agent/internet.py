# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A small internet in network namespaces: a controller with its etcd in the middle, real agents around it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from pyroute2 import netns

from cladnet.core.identity import CONTROLLER_NAME
from tests.integration.datapath.namespaces import Namespace, eventually

SOURCE = Path(__file__).resolve().parents[3] / "src"
NETWORK, CIDR = "demo", "10.77.0.0/24"
CONTROLLER_ADDRESS = "198.51.100.1"
DEVICE = "cladnet0"
START_DEADLINE_S = 20.0
JOIN_DEADLINE_S = 10.0
API_PORT = 8053


class Daemon:
    """A process in a namespace that tests stop, kill and start again."""

    def __init__(self, namespace: Namespace, log: Path, *argv: str) -> None:
        self._namespace = namespace
        self._log = log
        self._argv = argv
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._namespace.command(*self._argv), stdout=output, stderr=output, env=environment
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> int:
        """SIGTERM, as systemctl stop; returns the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=10)


@dataclass
class Host:
    """A host with its agent."""

    name: str
    namespace: Namespace
    directory: Path
    agent: Daemon

    @property
    def configuration(self) -> Path:
        return self.directory / "etc" / f"{NETWORK}.toml"

    @property
    def state_dir(self) -> Path:
        return self.directory / "state"

    def cladnet(self, command: str, *arguments: str) -> tuple[int, Any]:
        """Runs the command ``cladnet`` on the host; returns exit status and JSON."""
        argv = [sys.executable, "-m", "cladnet.cli.main", command, "--json"]
        argv += ["--config-dir", str(self.configuration.parent), *arguments]
        done = subprocess.run(
            self.namespace.command(*argv),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            timeout=60,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def status(self) -> dict[str, Any]:
        return dict(self.cladnet("status")[1])

    @property
    def state(self) -> str:
        return str(self.status()["state"])

    def until_it_tunnels(self, deadline_s: float = JOIN_DEADLINE_S) -> None:
        """Waits, but not longer than that."""
        eventually(f"{self.name} tunnels", lambda: self.state == "tunneling", deadline_s)

    @property
    def address(self) -> str:
        return str(self.status()["address"])

    def ip(self, *arguments: str) -> str:
        return self.namespace.run("ip", *arguments).stdout

    def has_device_address(self) -> bool:
        shown = self.namespace.run("ip", "-br", "address", "show", "up", "dev", DEVICE, check=False).stdout
        return CIDR.rpartition(".")[0] in shown

    def take_address(self, address: str) -> None:
        """The underlay gives this host an address in place of what it had."""
        cable = self.namespace.cable
        self.ip("-4", "address", "flush", "dev", cable)
        self.ip("address", "add", f"{address}/24", "dev", cable)
        self.ip("route", "replace", "default", "via", CONTROLLER_ADDRESS)

    def enrol(self, token: str) -> None:
        self.state_dir.mkdir(mode=0o700, exist_ok=True)
        (self.state_dir / "enrolment.token").write_text(token + "\n")


@dataclass
class Internet:
    """The namespaces, the controller, and the hosts so far."""

    prefix: str
    folder: Path
    middle: Namespace
    etcd: Daemon
    controller: Daemon
    hosts: dict[str, Host] = field(default_factory=dict)
    machines: list[Namespace] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inside = ThreadPoolExecutor(1, initializer=netns.setns, initargs=(self.middle.name,))

    def start_controllers(self) -> None:
        self.etcd.start()
        self.controller.start()
        eventually(
            "the controller is healthy", lambda: self.call("GET", "/v1/health")[0] == 200, START_DEADLINE_S
        )

    def kill_controllers(self) -> None:
        self.controller.kill()
        self.etcd.kill()

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request to the API, as the operator; status 0 if nobody answers."""
        return self._inside.submit(self._call, method, path, body).result()

    def token(self, host: str) -> str:
        """A new enrolment token."""
        status, reply = self.call("POST", f"/v1/networks/{NETWORK}/enrolments", {"host": host})
        assert status == 201, reply
        return str(reply["token"])

    def peer(self, host: str) -> dict[str, Any]:
        """What the controller knows of a host."""
        return dict(self.call("GET", f"/v1/networks/{NETWORK}/peers/{host}")[1])

    def add_namespace(self, name: str, address: str) -> Namespace:
        """A machine with that public address, and nothing on it."""
        namespace = Namespace(f"{self.prefix}{name}", "eth0", address, "")
        _run("ip", "netns", "add", namespace.name)
        port = f"port-{name}"
        _run(
            "ip",
            "-n",
            self.middle.name,
            "link",
            "add",
            port,
            "type",
            "veth",
            "peer",
            "eth0",
            "netns",
            namespace.name,
        )
        self.middle.run("ip", "link", "set", port, "master", "bridge", "up")
        namespace.set_up("lo")
        namespace.set_up("eth0", f"{namespace.outer_ipv4}/24")
        namespace.run("ip", "route", "add", "default", "via", CONTROLLER_ADDRESS)
        self.machines.append(namespace)
        return namespace

    def add_host(self, name: str, number: int) -> Host:
        """A host with the public address 198.51.100.<number>, its agent configured but not started."""
        namespace = self.add_namespace(name, f"198.51.100.{number}")
        directory = self.folder / name
        configuration = directory / "etc" / f"{NETWORK}.toml"
        argv = [sys.executable, "-m", "cladnet.agent.main", "--config", str(configuration)]
        agent = Daemon(namespace, self.folder / f"{name}.log", *argv)
        host = self.hosts[name] = Host(name, namespace, directory, agent)
        configuration.parent.mkdir(parents=True)
        configuration.write_text(
            f'network = "{NETWORK}"\nhost = "{name}"\ncontrollers = ["{CONTROLLER_ADDRESS}"]\n'
            f'ca_file = "{self.folder}/controller/pki/ca.crt"\nstate_dir = "{host.state_dir}"\n'
            f'runtime_dir = "{directory}/run"\n'
        )
        return host

    def join(self, name: str, number: int) -> Host:
        """A new host that is enrolled and started."""
        host = self.add_host(name, number)
        host.enrol(self.token(name))
        host.agent.start()
        return host

    def tear_down(self) -> None:
        for host in self.hosts.values():
            host.agent.kill()
        self.kill_controllers()
        self._inside.shutdown()
        for namespace in [self.middle, *self.machines]:
            with contextlib.suppress(subprocess.CalledProcessError):
                _run("ip", "netns", "delete", namespace.name)

    def _call(self, method: str, path: str, body: object) -> tuple[int, Any]:
        state = self.folder / "controller"
        try:
            context = ssl.create_default_context(cafile=str(state / "pki" / "ca.crt"))
            token = (state / "admin.token").read_text().strip()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            with contextlib.closing(_Https(CONTROLLER_ADDRESS, API_PORT, context)) as connection:
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                response = connection.getresponse()
                text = response.read()
            return response.status, json.loads(text) if text else None
        except OSError:
            return 0, None


class _Https(HTTPConnection):
    """HTTPS to a controller by address, verified by the name in its certificate."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=10)
        self._context = context

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=CONTROLLER_NAME)


@contextlib.contextmanager
def internet(folder: Path) -> Iterator[Internet]:
    """An internet with a running controller and a network, gone afterwards with all that runs in it."""
    prefix = f"cladagt{os.getpid()}"
    middle = Namespace(f"{prefix}net", "bridge", CONTROLLER_ADDRESS, "")
    _run("ip", "netns", "add", middle.name)
    middle.set_up("lo")
    middle.run("ip", "link", "add", "bridge", "type", "bridge")
    middle.set_up("bridge", f"{CONTROLLER_ADDRESS}/24")
    world = Internet(prefix, folder, middle, _etcd(middle, folder), _controller(middle, folder))
    try:
        world.start_controllers()
        status, reply = world.call("POST", "/v1/networks", {"name": NETWORK, "cidr": CIDR})
        assert status == 201, reply
        yield world
    finally:
        world.tear_down()


def mesh(folder: Path, names: Iterable[str], deadline_s: float = JOIN_DEADLINE_S) -> Iterator[Internet]:
    """An internet with hosts of these names that tunnel, each within the deadline: the body of a fixture."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("network namespaces and TUN devices need root and /dev/net/tun")
    with internet(folder) as world:
        for number, name in enumerate(names, start=11):
            world.join(name, number)
        for host in world.hosts.values():
            host.until_it_tunnels(deadline_s)
        yield world
    shutil.rmtree(folder / "etcd", ignore_errors=True)  # 128 MiB of preallocated log


def seconds_until(what: str, condition: Callable[[], object], deadline_s: float) -> float:
    """How long it took until a condition held; fails after the deadline."""
    start_s = time.monotonic()
    eventually(what, condition, deadline_s)
    return time.monotonic() - start_s


def _etcd(namespace: Namespace, folder: Path) -> Daemon:
    peer = "http://127.0.0.1:2380"
    argv = ["etcd", "--name", "test", "--data-dir", str(folder / "etcd"), "--log-level", "error"]
    argv += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
    return Daemon(namespace, folder / "etcd.log", *argv, "--initial-cluster", f"test={peer}")


def _controller(namespace: Namespace, folder: Path) -> Daemon:
    (folder / "controller").mkdir()
    configuration = folder / "controller.toml"
    configuration.write_text(
        f'name = "ctl"\netcd_endpoints = ["127.0.0.1:2379"]\nstate_dir = "{folder}/controller"\n'
        f'advertise = ["{CONTROLLER_ADDRESS}"]\n'
    )
    argv = [sys.executable, "-m", "cladnet.controller.main", "--config", str(configuration)]
    return Daemon(namespace, folder / "controller.log", *argv)


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, timeout=20)
