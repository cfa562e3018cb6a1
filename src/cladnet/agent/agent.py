# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One agent: the parts, how they hear of each other, and the order in which they start and stop.

The tunnel comes first and from the disk: it forwards before any controller has been asked, and whatever
happens to the control plane. Only then is the host's endpoint found out and a controller called.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cladnet.agent.announcer import Announcer
from cladnet.agent.config import AgentConfig
from cladnet.agent.connectivity import ConnectivityTester
from cladnet.agent.control import Control
from cladnet.agent.cpu import suites_of_this_cpu
from cladnet.agent.discovery import Discovery
from cladnet.agent.enrolment import Enrolment
from cladnet.agent.health import Health
from cladnet.agent.host_watch import HostWatch
from cladnet.agent.netlink import Netlink
from cladnet.agent.networking_rule import NetworkingRule
from cladnet.agent.order_follower import OrderFollower
from cladnet.agent.path_mtu import PathMtuProber
from cladnet.agent.report import build_report
from cladnet.agent.state import StateDirectory
from cladnet.agent.status_document import full_status, status_without_tunnel
from cladnet.agent.status_server import status_server
from cladnet.agent.table_writer import TableWriter
from cladnet.agent.tunnel_keys import TunnelKeys
from cladnet.agent.witness import Witness
from cladnet.core.device_plan import tunnel_mtu
from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_selection import EndpointSource, PublicEndpoint
from cladnet.core.errors import CladnetError, Unavailable
from cladnet.core.host_state import ORDERED_DOWN
from cladnet.datapath.tunnel import Tunnel
from cladnet.tasks import first_to_end, wait_for_event
from cladnet.wire import agent_pb2

_log = logging.getLogger(__name__)

TICK_S = 1.0
# A tick that comes so much later than asked for means that the host, or this process, was suspended.
SLEPT_S = 3.0
TUNNEL_RETRY_S = 2.0
FIRST_ANSWER_TIMEOUT_S = 1.5
CONTROLLERS_LOST_AFTER_S = 30.0
NOT_FOUND_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class _Parts:
    """What exists once there is a tunnel."""

    tunnel: Tunnel
    rule: NetworkingRule
    announcer: Announcer
    writer: TableWriter
    witness: Witness
    discovery: Discovery
    host: HostWatch
    prober: PathMtuProber
    enrolment: Enrolment
    tester: ConnectivityTester
    control: Control


class Agent:
    """The agent of one network on this host.

    Args:
        config: what it is told.
        notify: tells systemd about readiness, status and the watchdog (sd_notify).
    """

    def __init__(self, config: AgentConfig, *, notify: Callable[[str], None]) -> None:
        self._config = config
        self._notify = notify
        self._state = StateDirectory(config.state_dir)
        self._keys = TunnelKeys(self._state)
        self._table = self._state.load_table()
        self._use_key_of_table()
        self._suites = suites_of_this_cpu()
        self._netlink = Netlink(config.device)
        self._parts: _Parts | None = None
        self._health = Health(self._on_health)
        self._orders = OrderFollower(
            self._state, self._keys, health=self._health, on_orders=self._on_orders, on_key=self._on_key
        )

    def _use_key_of_table(self) -> None:
        """A new key that the controllers had taken when this host died is the one that the peers know."""
        own = self._table.peers.get(self._config.host)
        if own is not None:
            with contextlib.suppress(Unavailable):  # a full disk: the first report leads to it, too
                self._keys.taken(own.public_key)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set.

        Raises:
            Unavailable: the status socket cannot be made.
        """
        commands = {"status": self._status, "leave": self._leave}
        try:
            async with status_server(self._config.socket_path, commands):
                tunnel = await self._open_tunnel(stop)
                if tunnel is not None:
                    await self._run_with(tunnel, stop)
        finally:
            self._netlink.close()

    async def _open_tunnel(self, stop: asyncio.Event) -> Tunnel | None:
        """Opens the tunnel, trying until it can be opened; None if the agent is to stop meanwhile."""
        while not stop.is_set():
            try:
                return await self._tunnel()
            except CladnetError as exc:
                self._health.set(tunnel_problem=str(exc))
                self._notify("READY=1")  # what is wrong is in the status; starting again would not help
            self._notify("WATCHDOG=1")
            await _wait(stop, TUNNEL_RETRY_S)
        return None

    async def _tunnel(self) -> Tunnel:
        interface = (await self._netlink.observe()).default_interface
        network = self._table.network
        tunnel = await Tunnel.open(
            device=self._config.device,
            private_key=self._keys.private,
            listen_port=self._config.listen_port,
            mtu=tunnel_mtu(
                configured=self._config.mtu,
                network=0 if network is None else network.mtu,
                underlay=None if interface is None else interface.mtu,
            ),
            workers=self._config.workers_for(len(os.sched_getaffinity(0))),
            copy_dscp=self._config.copy_dscp,
        )
        self._health.set(tunnel_problem="")
        return tunnel

    async def _run_with(self, tunnel: Tunnel, stop: asyncio.Event) -> None:
        parts = self._parts = self._assemble(tunnel)
        tunnel.on_foreign = lambda datagram, source: self._on_foreign(parts, datagram, source)
        tunnel.on_device_recreated = parts.host.poke
        try:
            parts.rule.program()
            parts.enrolment.check()
            await parts.host.look()
            self._notify("READY=1")
            await first_to_end(
                self._until_stopped(stop, parts),
                self._tick(parts),
                parts.announcer.run(),
                parts.writer.run(),
                parts.discovery.run(),
                parts.host.run(),
                parts.prober.run(),
                self._control(parts),
            )
        finally:
            self._parts = None
            await parts.tester.close()
            await tunnel.close()

    async def _control(self, parts: _Parts) -> None:
        """A first report that names the public endpoint spares everybody a second one."""
        await parts.discovery.wait_for_answer(FIRST_ANSWER_TIMEOUT_S)
        await parts.control.run()

    async def _until_stopped(self, stop: asyncio.Event, parts: _Parts) -> None:
        await stop.wait()
        self._notify("STOPPING=1")
        self._health.set(stopping=True)
        await parts.control.say_closing()
        await parts.writer.flush()

    async def _tick(self, parts: _Parts) -> None:
        """What has to be looked at from time to time because no event tells."""
        connected_s = before_s = _boot_time_s()
        while True:
            self._notify("WATCHDOG=1")
            await asyncio.sleep(TICK_S)
            now_s = _boot_time_s()
            if now_s - before_s > TICK_S + SLEPT_S:
                self._on_wake_up(now_s - before_s)
            before_s = now_s
            if parts.control.connected_to is not None:
                connected_s = now_s
                parts.rule.confirm()
            elif now_s - connected_s > self._patience_s():
                self._health.set(controllers_lost=_lost(parts.control))

    def _patience_s(self) -> float:
        """How long no controller may answer before it is told; sooner on a host that waits for one."""
        return CONTROLLERS_LOST_AFTER_S if self._health.conditions.addressed else NOT_FOUND_AFTER_S

    def _assemble(self, tunnel: Tunnel) -> _Parts:
        config, health, rng = self._config, self._health, random.SystemRandom()
        announcer = Announcer(tunnel.connect)
        rule = self._rule(tunnel, announcer)
        enrolment = Enrolment(config, self._state, health, rng)
        witness = Witness(tunnel.status, tunnel.send_foreign)
        return _Parts(
            tunnel=tunnel,
            rule=rule,
            announcer=announcer,
            writer=TableWriter(self._state, health),
            witness=witness,
            discovery=Discovery(
                config,
                send=tunnel.send_foreign,
                rule=lambda: rule.table,
                witnesses=witness.candidates,
                on_change=self._on_public_endpoint,
            ),
            host=self._host_watch(rule),
            prober=self._prober(tunnel, rule),
            enrolment=enrolment,
            tester=ConnectivityTester(
                peers=lambda: rule.peers, obstacle=self._obstacle, finish=self._finish_test
            ),
            control=Control(
                config,
                enrolment=enrolment,
                rule=rule,
                orders=self._orders,
                health=health,
                report=self._report,
                test=self._start_test,
                rng=rng,
            ),
        )

    def _prober(self, tunnel: Tunnel, rule: NetworkingRule) -> PathMtuProber:
        return PathMtuProber(
            tunnel=tunnel,
            peers=lambda: rule.peers,
            bounds=lambda: self._require_parts().host.path_mtu_bounds,
            on_change=self._poke_host,
        )

    def _rule(self, tunnel: Tunnel, announcer: Announcer) -> NetworkingRule:
        return NetworkingRule(
            host=self._config.host,
            public_key=self._keys.public,
            table=self._table,
            tunnel=tunnel,
            announce=announcer.announce,
            on_change=self._on_rule,
            clock=time.monotonic,
            is_suspended=self._orders.orders.is_down,
        )

    def _host_watch(self, rule: NetworkingRule) -> HostWatch:
        return HostWatch(
            self._config,
            netlink=self._netlink,
            health=self._health,
            rule=lambda: rule.table,
            address=lambda: rule.address,
            is_up=lambda: not self._orders.orders.is_down,
            path_mtus=lambda: self._require_parts().prober.path_mtus,
            on_underlay_change=self._on_underlay,
            on_observation=self._on_report_input,
        )

    def _report(self) -> agent_pb2.ReportRequest:
        parts = self._require_parts()
        return build_report(
            self._config,
            public_key=self._keys.reported,
            observation=parts.host.observation,
            public_endpoint=parts.discovery.public_endpoint,
            mtu_bytes=parts.host.mtu_bytes,
            assessment=self._health.reported,
            is_down=self._health.conditions.is_down,
            rekeys_done=self._keys.rekeys_done,
            suites=self._suites,
        )

    @staticmethod
    def _on_foreign(parts: _Parts, datagram: bytes, source: Endpoint) -> None:
        if not parts.witness.received(datagram, source):
            parts.discovery.received(datagram, source)

    def _poke_host(self) -> None:
        self._require_parts().host.poke()

    def _require_parts(self) -> _Parts:
        if self._parts is None:
            raise RuntimeError("no tunnel is open")
        return self._parts

    def _on_health(self) -> None:
        assessment = self._health.assessment
        self._notify(f"STATUS={' '.join([assessment.state.value, *assessment.reason.split()])}")  # one line
        self._on_report_input()

    def _on_report_input(self) -> None:
        if self._parts is not None:
            self._parts.control.poke()

    def _on_rule(self) -> None:
        parts = self._require_parts()
        parts.writer.put(parts.rule.resumable)
        parts.host.poke()
        self._health.set(removals_held=parts.rule.removals_held)
        own = parts.rule.table.peers.get(self._config.host)
        if own is not None:
            self._orders.taken(own.public_key)

    def _on_orders(self) -> None:
        parts = self._require_parts()
        parts.rule.suspend(is_suspended=self._orders.orders.is_down)
        parts.host.poke()
        parts.control.poke()

    def _obstacle(self) -> str:
        """Why no peer can be pinged now; empty if they can be."""
        if self._orders.orders.is_down:
            return ORDERED_DOWN
        return "" if self._health.conditions.addressed else "this host has no overlay address yet"

    def _start_test(self, test: agent_pb2.ConnectivityTest) -> None:
        self._require_parts().tester.start(test)

    async def _finish_test(self, result: agent_pb2.FinishTestRequest) -> None:
        await self._require_parts().control.finish_test(result)

    def _on_key(self) -> None:
        parts = self._require_parts()
        parts.tunnel.set_private_key(self._keys.private)
        parts.rule.use_key(self._keys.public)

    def _on_public_endpoint(self, before: PublicEndpoint | None) -> None:
        self._on_report_input()
        if before is not None and before.source is EndpointSource.STUN:
            self._on_moved("the public endpoint of this host changed")

    def _on_underlay(self) -> None:
        if self._parts is not None:
            self._parts.discovery.restart()
            self._parts.prober.restart()
        self._on_moved("the network of this host changed")

    def _on_wake_up(self, gap_s: float) -> None:
        _log.info("awake again after %.0f s", gap_s)
        self._on_underlay()

    def _on_moved(self, why: str) -> None:
        """Peers learn the new endpoint from this host itself, even if no controller can be reached."""
        if self._parts is not None:
            self._parts.rule.announce_all()
            self._parts.control.reconnect(why)

    async def _status(self) -> dict[str, Any]:
        parts, assessment = self._parts, self._health.assessment
        if parts is None:
            return status_without_tunnel(self._config, state=assessment.state.value, reason=assessment.reason)
        return full_status(
            self._config,
            assessment=assessment,
            table=parts.rule.table,
            peers=parts.rule.peers,
            tunnel=parts.tunnel.status(),
            path_of=parts.prober.path_of,
            public_endpoint=parts.discovery.public_endpoint,
            mtu_bytes=parts.host.mtu_bytes,
            controller=parts.control.connected_to,
            controller_error=parts.control.last_error,
            orders=self._orders.orders,
            rekeys_done=self._keys.rekeys_done,
        )

    async def _leave(self) -> dict[str, Any]:
        await self._require_parts().control.leave()
        return {"left": self._config.network}


async def _wait(stop: asyncio.Event, timeout_s: float) -> None:
    if await wait_for_event(stop, timeout_s):
        stop.set()


def _boot_time_s() -> float:
    """A clock that goes on while the machine sleeps, unlike the monotonic one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _lost(control: Control) -> str:
    last = f" (last: {control.last_error})" if control.last_error else ""
    return f"no controller answers; what is known of the network stays in force{last}"
