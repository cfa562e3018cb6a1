# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""An agent of which only the control plane is real, and what tests of that share."""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cladnet.agent.config import AgentConfig
from cladnet.agent.control import Control
from cladnet.agent.enrolment import Enrolment
from cladnet.agent.health import Health
from cladnet.agent.identity import certificate_request
from cladnet.agent.networking_rule import NetworkingRule
from cladnet.agent.order_follower import OrderFollower
from cladnet.agent.state import StateDirectory
from cladnet.agent.tunnel_keys import TunnelKeys
from cladnet.core.host_state import HostState
from cladnet.core.identity import SpiffeId
from cladnet.core.rule_table import RuleTable
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.wire import agent_pb2
from tests.unit.agent.fake_controller import LOOPBACK, FakeController, snapshot

DEADLINE_S = 10.0
CIDR = "10.77.0.0/24"
OWN_KEY, KEY_2, KEY_3 = b"\1" * 32, b"\2" * 32, b"\3" * 32
HOSTS = {
    "h1": ("10.77.0.2", OWN_KEY, ""),
    "h2": ("10.77.0.3", KEY_2, "198.51.100.2:8055"),
    "h3": ("10.77.0.4", KEY_3, "198.51.100.3:8055"),
}


async def eventually(is_so: Callable[[], object], what: str) -> None:
    """Waits until something is so, but not for ever."""
    end_s = asyncio.get_running_loop().time() + DEADLINE_S
    while not is_so():
        assert asyncio.get_running_loop().time() < end_s, f"not in time: {what}"
        await asyncio.sleep(0.01)


@dataclass
class RecordingPeers:
    """Takes the place of a tunnel, which needs privileges."""

    peers: dict[bytes, PeerConfig] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def set_peer(self, peer: PeerConfig) -> None:
        self.peers[peer.public_key] = peer
        self.calls.append(f"set {peer.public_key[0]}")

    def remove_peer(self, public_key: bytes) -> None:
        del self.peers[public_key]
        self.calls.append(f"remove {public_key[0]}")


class Host:
    """An agent without tunnel, netlink and STUN: what is left is its control plane."""

    def __init__(self, directory: Path, controller: FakeController, table: RuleTable | None = None) -> None:
        self.directory = directory
        self.controller = controller
        self.config = AgentConfig(
            network="demo",
            host="h1",
            controllers=(LOOPBACK,),
            ca_file=directory / "ca.crt",
            state_dir=directory / "state",
            runtime_dir=directory / "run",
            api_port=controller.api_port,
            agent_port=controller.agent_port,
        )
        self.config.ca_file.write_bytes(controller.authority.pem)
        self.state = StateDirectory(self.config.state_dir)
        self.tunnel = RecordingPeers()
        self.greeted: list[bytes] = []
        self.now_s = 1000.0
        self.mtu = 1420
        self.health = Health(self._on_health)
        self.rule = NetworkingRule(
            host="h1",
            public_key=OWN_KEY,
            table=table or RuleTable(),
            tunnel=self.tunnel,
            announce=self.greeted.extend,
            on_change=self._on_rule,
            clock=lambda: self.now_s,
        )
        self.rule.program()
        self.keys = TunnelKeys(self.state)
        self.orders = OrderFollower(
            self.state, self.keys, health=self.health, on_orders=self._on_orders, on_key=self._on_key
        )
        self.tests: list[agent_pb2.ConnectivityTest] = []
        self.keys_used: list[bytes] = []
        rng = random.SystemRandom()
        self.control = Control(
            self.config,
            enrolment=Enrolment(self.config, self.state, self.health, rng),
            rule=self.rule,
            orders=self.orders,
            health=self.health,
            report=self._report,
            test=self.tests.append,
            rng=rng,
        )
        self.task: asyncio.Task[None] | None = None

    @property
    def situation(self) -> tuple[HostState, str]:
        assessment = self.health.assessment
        return assessment.state, assessment.reason

    def give_token(self, token: str = "token") -> None:  # noqa: S107  (no secret)
        (self.config.state_dir / "enrolment.token").write_text(token + "\n")

    def give_certificate(self, life: datetime.timedelta = datetime.timedelta(days=90)) -> None:
        request = certificate_request(self.state.identity_key(), SpiffeId("demo", "h1"))
        self.state.store_certificate(self.controller.authority.sign_request(request, life))

    def start(self) -> None:
        self.task = asyncio.ensure_future(self.control.run())

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    def _on_orders(self) -> None:
        self.rule.suspend(is_suspended=self.orders.orders.is_down)
        self.control.poke()

    def _on_key(self) -> None:
        self.keys_used.append(self.keys.public)

    def _on_health(self) -> None:
        self.control.poke()

    def _on_rule(self) -> None:
        self.health.set(addressed=self.rule.address is not None, removals_held=self.rule.removals_held)

    def _report(self) -> agent_pb2.ReportRequest:
        assessment = self.health.reported
        return agent_pb2.ReportRequest(
            public_key=self.keys.reported,
            mtu=self.mtu,
            state=f"HOST_STATE_{assessment.state.name}",
            reason=assessment.reason,
            is_down=self.orders.orders.is_down,
            rekeys_done=self.keys.rekeys_done,
        )


async def joined(host: Host) -> None:
    """A host that is a member with two peers."""
    host.give_certificate()
    await host.controller.send(snapshot(HOSTS, cidr=CIDR, revision=5))
    host.start()
    await eventually(lambda: host.situation[0] is HostState.TUNNELING, "tunneling")


def orders(*, down: bool = False, rekeys_requested: int = 0) -> agent_pb2.WatchReply:
    """What a controller sends that orders this."""
    return agent_pb2.WatchReply(orders=agent_pb2.Orders(down=down, rekeys_requested=rekeys_requested))
