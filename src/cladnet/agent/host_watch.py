# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Watches the host and keeps the tunnel device in shape: address, MTU, link and route."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Interface

from cladnet.agent.config import AgentConfig
from cladnet.agent.health import Health
from cladnet.agent.netlink import ChangeMonitor, Netlink
from cladnet.agent.observation import HostObservation, overlap_with
from cladnet.core.device_plan import DesiredDevice, DeviceAction, path_mtu_bounds, plan_device
from cladnet.core.errors import CladnetError
from cladnet.core.path_mtu import PathMtuBounds
from cladnet.core.rule_table import RuleTable

_log = logging.getLogger(__name__)

# Events tell at once; this is for what no event tells.
RESYNC_S = 30.0
# A container runtime makes dozens of changes in a burst.
MIN_INTERVAL_S = 0.2
# A host with a thousand routes to peers is looked at less often: reading them takes a quarter of a second.
REST_PER_LOOK = 5.0
MOST_LOGGED = 5


class HostWatch:
    """Observes the host at each change and brings the tunnel device to what the rule wants.

    Args:
        config: device and MTU.
        netlink: how the kernel is asked.
        health: is told about overlaps and a device that cannot be brought into shape.
        rule: gives the rule as it is now.
        address: gives this host's overlay address as it is now.
        is_up: says whether the device is to be up.
        path_mtus: gives what is known of paths, by overlay address.
        on_underlay_change: called when the default interface or its addresses have changed.
        on_observation: called when anything observed has changed.
    """

    def __init__(
        self,
        config: AgentConfig,
        *,
        netlink: Netlink,
        health: Health,
        rule: Callable[[], RuleTable],
        address: Callable[[], IPv4Interface | None],
        is_up: Callable[[], bool],
        path_mtus: Callable[[], Mapping[IPv4Address, int]],
        on_underlay_change: Callable[[], None],
        on_observation: Callable[[], None],
    ) -> None:
        self._config = config
        self._netlink = netlink
        self._health = health
        self._rule = rule
        self._address = address
        self._is_up = is_up
        self._path_mtus = path_mtus
        self._on_underlay_change = on_underlay_change
        self._on_observation = on_observation
        self._wake = asyncio.Event()
        self.observation = HostObservation()

    @property
    def mtu_bytes(self) -> int:
        """The MTU that the tunnel device should have now."""
        return self.path_mtu_bounds.most_bytes

    @property
    def path_mtu_bounds(self) -> PathMtuBounds:
        """What the device and the options allow paths to have."""
        interface, network = self.observation.default_interface, self._rule().network
        return path_mtu_bounds(
            configured=self._config.mtu,
            network=0 if network is None else network.mtu,
            underlay=None if interface is None else interface.mtu,
        )

    def poke(self) -> None:
        """Look again, soon: something changed."""
        self._wake.set()

    async def look(self) -> None:
        """Observes the host, and sets the device right if it is there."""
        before = self.observation
        try:
            self.observation = await self._netlink.observe()
            await self._set_right()
        except CladnetError as exc:
            self._health.set(device_problem=str(exc))
        self._tell(before)

    async def run(self) -> None:
        """Looks after each change, for ever."""
        monitor, clock = ChangeMonitor(self.poke), asyncio.get_running_loop().time
        try:
            while True:
                began_s = clock()
                await self.look()
                await asyncio.sleep(max(MIN_INTERVAL_S, REST_PER_LOOK * (clock() - began_s)))
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), RESYNC_S)
                self._wake.clear()
        finally:
            monitor.close()

    async def _set_right(self) -> None:
        device, address, is_up = self.observation.device, self._address(), self._is_up()
        if device is None:
            self._health.set(device_problem=f"the device {self._config.device} is gone", addressed=False)
            return
        actions = plan_device(device, self._desired(address, is_up))
        if actions:
            _log.info("%s: %s", self._config.device, _in_words(actions))
            await self._netlink.apply(device.index, actions)
        self._health.set(device_problem="", addressed=is_up and address is not None, is_down=not is_up)

    def _desired(self, address: IPv4Interface | None, is_up: bool) -> DesiredDevice:
        bounds = self.path_mtu_bounds
        return DesiredDevice(address, bounds.most_bytes, bounds.initial_bytes, self._path_mtus(), is_up)

    def _tell(self, before: HostObservation) -> None:
        now, network = self.observation, self._rule().network
        self._health.set(overlap="" if network is None else overlap_with(now, network.cidr))
        if now.default_interface != before.default_interface:
            self._on_underlay_change()
        if now != before:
            self._on_observation()


def _in_words(actions: tuple[DeviceAction, ...]) -> str:
    """A host that comes up again can have a route to each of a thousand peers."""
    more = f", and {len(actions) - MOST_LOGGED} more" if len(actions) > MOST_LOGGED else ""
    return ", ".join(map(str, actions[:MOST_LOGGED])) + more
