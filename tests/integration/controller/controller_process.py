# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A real controller process on free ports, its API for an administrator, and hosts enrolled with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cladnet.agent.controller_connection import ControllerConnection, Credentials, connect
from cladnet.agent.identity import certificate_request, new_identity_key
from cladnet.core.identity import SpiffeId
from cladnet.core.orders import Orders
from cladnet.wire import agent_pb2
from tests.integration.controller.etcd_server import free_port
from tests.integration.controller.waiting import until, wait_for

SOURCE = Path(__file__).resolve().parents[3] / "src"
NET = "demo"

# A call of the API holds up also an asynchronous test: there is nothing else to do meanwhile.
Operator = httpx.Client
Answer = httpx.Response


class NotifySocket:
    """What a service manager would hear."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        self.heard = ""

    def hears(self, text: str) -> bool:
        """Whether this was said until now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard += self._socket.recv(4096).decode() + "\n"
        return text in self.heard

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()


class ControllerProcess:
    """A controller: its configuration, its process, its log."""

    def __init__(self, folder: Path, etcd_endpoint: str, name: str = "c1") -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self.api_port, self.agent_port, self.stun_port = free_port(), free_port(), free_port()
        self.log = folder / "log"
        self.notified = NotifySocket(folder / "notify")
        self.config = folder / "controller.toml"
        self.config.write_text(
            f'name = "{name}"\netcd_endpoints = ["{etcd_endpoint}"]\nstate_dir = "{self.state}"\n'
            f'api_listen = "127.0.0.1:{self.api_port}"\nagent_listen = "127.0.0.1:{self.agent_port}"\n'
            f'stun_listen = "127.0.0.1:{self.stun_port}"\nadvertise = ["192.0.2.1"]\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it says that it is ready."""
        command = [sys.executable, "-m", "cladnet.controller.main", "--config", self.config]
        environment = os.environ | {"PYTHONPATH": str(SOURCE), "NOTIFY_SOCKET": str(self.notified.path)}
        self.notified.heard = ""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        wait_for(lambda: self.notified.hears("READY=1") or self._ended(), f"{self.log} to say ready", 20.0)
        assert not self._ended(), self.log.read_text()

    def terminate(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(10.0)
        self._process = None
        return status

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def ca(self) -> Path:
        """The CA of the controller."""
        return self.state / "pki" / "ca.crt"

    def api(self, token: str | None = None) -> httpx.Client:
        """The API, as an administrator sees it (or with another token)."""
        shown = (self.state / "admin.token").read_text().strip() if token is None else token
        return httpx.Client(
            base_url=f"https://localhost:{self.api_port}/v1",
            verify=ssl.create_default_context(cafile=str(self.ca)),
            headers={"Authorization": f"Bearer {shown}"} if shown else {},
            timeout=15.0,
            trust_env=False,
        )

    def is_healthy(self) -> bool:
        """Whether it says so itself."""
        with self.api("") as api:
            return api.get("/health").status_code == 200

    def enrol(self, host: str, network: str = NET) -> Host:
        """Makes a host a member, as an operator and an agent would."""
        key = new_identity_key()
        with self.api() as api:
            token = api.post(f"/networks/{network}/enrolments", json={"host": host}).json()["token"]
            request = certificate_request(key, SpiffeId(network, host)).decode()
            reply = api.post("/enrol", json={"token": token, "csr_pem": request})
        assert reply.status_code == 200, reply.text
        certificate = reply.json()["certificate_pem"].encode()
        return Host(network, host, Credentials(self.ca.read_bytes(), certificate, key))

    def connect(self, credentials: Credentials) -> AbstractAsyncContextManager[ControllerConnection]:
        """A connection as an agent makes it."""
        return connect("127.0.0.1", self.agent_port, credentials)

    async def report(self, host: Host, **changes: Any) -> agent_pb2.ReportReply:
        """Reports as that host; returns when the API shows it."""
        async with self.connect(host.credentials) as connection:
            reply = await connection.report(host.report(**changes))
        await until(lambda: self._revision() >= reply.revision, "the report to be shown")
        return reply

    async def join(self, name: str) -> Host:
        """A member that has reported once."""
        host = self.enrol(name)
        await self.report(host)
        return host

    @contextlib.asynccontextmanager
    async def replies(
        self, host: Host, cluster_id: int = 0, revision: int = 0, known: Orders | None = None
    ) -> AsyncIterator[AsyncIterator[agent_pb2.WatchReply]]:
        """What that host hears on its stream, with this rule and these orders known to it."""
        async with self.connect(host.credentials) as connection:
            stream = connection.watch(cluster_id, revision, known)
            async with contextlib.aclosing(stream):
                yield stream

    def _revision(self) -> int:
        with self.api("") as api:
            return int(api.get("/health").json()["etcd"]["revision"])

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


def running_controller(folder: Path, etcd_endpoint: str) -> Iterator[ControllerProcess]:
    """One that is healthy, until the generator goes on: the body of a fixture."""
    controller = ControllerProcess(folder, etcd_endpoint)
    controller.start()
    wait_for(controller.is_healthy, "the controller to be healthy")
    yield controller
    controller.kill()
    controller.notified.close()


@dataclass(frozen=True)
class Host:
    """A member of a network, and what it shows."""

    network: str
    name: str
    credentials: Credentials

    def report(self, **changes: Any) -> agent_pb2.ReportRequest:
        """A report of this host."""
        public_key = self.name.encode().ljust(32, b".")
        return agent_pb2.ReportRequest(**{"public_key": public_key, "mtu": 1420, **changes})


class Stream:
    """What a host hears on its stream."""

    def __init__(self, replies: AsyncIterator[agent_pb2.WatchReply]) -> None:
        self._replies = replies
        self.peers: dict[str, agent_pb2.Peer] = {}
        self.revision = 0
        self.cluster_id = 0

    def follow(self, replies: AsyncIterator[agent_pb2.WatchReply]) -> None:
        """Goes on with another stream."""
        self._replies = replies

    async def next(self) -> agent_pb2.WatchReply:
        """The next message; the table is kept up with it."""
        reply = await anext(self._replies)
        if reply.HasField("snapshot"):
            self.cluster_id = reply.snapshot.cluster_id
            self.revision = reply.snapshot.revision
            self.peers = {peer.host: peer for peer in reply.snapshot.peers}
            return reply
        self.revision = reply.delta.revision
        for host in reply.delta.removed_hosts:
            self.peers.pop(host)
        self.peers.update({peer.host: peer for peer in reply.delta.peers})
        return reply
