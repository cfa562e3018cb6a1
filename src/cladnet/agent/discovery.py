# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Finds out how this host is seen from outside: STUN through the tunnel's own socket.

All controllers are asked; while none of them answers, a few peers are asked too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network

from cladnet.agent.config import AgentConfig
from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_discovery import POLL_INTERVAL_S, EndpointDiscovery
from cladnet.core.endpoint_selection import PublicEndpoint, select_public_endpoint, stun_servers
from cladnet.core.errors import InvalidInput
from cladnet.core.rule_table import RuleTable
from cladnet.core.stun import TRANSACTION_ID_BYTES

_log = logging.getLogger(__name__)


class Discovery:
    """Keeps asking, and tells when the public endpoint of this host has changed.

    Args:
        config: names the controllers and the hint.
        send: sends a datagram through the tunnel's socket.
        rule: gives the rule as it is now: more controllers, and the overlay's own space.
        witnesses: gives peers to ask while no controller answers.
        on_change: called when ``public_endpoint`` has changed, with what it was before.
    """

    def __init__(
        self,
        config: AgentConfig,
        *,
        send: Callable[[bytes, Endpoint], None],
        rule: Callable[[], RuleTable],
        witnesses: Callable[[], Iterable[Endpoint]],
        on_change: Callable[[PublicEndpoint | None], None],
    ) -> None:
        self._config = config
        self._send = send
        self._rule = rule
        self._witnesses = witnesses
        self._on_change = on_change
        self._hint = Endpoint(config.public_address, config.listen_port) if config.public_address else None
        self._polling = EndpointDiscovery(
            new_transaction_id=lambda: os.urandom(TRANSACTION_ID_BYTES), rng=random.SystemRandom()
        )
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self.public_endpoint: PublicEndpoint | None = None
        self.public_endpoint = self._select()

    def restart(self) -> None:
        """Asks everybody now: the network of this host changed, or it slept."""
        self._polling.restart(now_s=time.monotonic())
        self._wake.set()

    def received(self, datagram: bytes, source: Endpoint) -> None:
        """Takes in a datagram that is not WireGuard."""
        if not self._polling.received(datagram, source, now_s=time.monotonic()):
            return
        self._answered.set()
        self._update()

    async def wait_for_answer(self, timeout_s: float) -> None:
        """Returns when some controller has answered, or the time is over."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._answered.wait(), timeout_s)

    async def run(self) -> None:
        """Asks, for ever."""
        while True:
            await self._refresh_servers()
            now_s = time.monotonic()
            for datagram, server in self._polling.due(now_s=now_s):
                self._send(datagram, server)
            await self._sleep_until(self._polling.next_due_s())

    async def _sleep_until(self, due_s: float | None) -> None:
        delay_s = POLL_INTERVAL_S if due_s is None else max(0.0, due_s - time.monotonic())
        try:
            await asyncio.wait_for(self._wake.wait(), delay_s)
        except asyncio.TimeoutError:
            return
        self._wake.clear()

    async def _refresh_servers(self) -> None:
        addresses = stun_servers(self._config.controllers, self._rule())
        servers = await _resolve(addresses, self._config.stun_port)
        now_s = time.monotonic()
        if not self._polling.has_fresh_answer(servers, now_s=now_s):
            servers.extend(self._witnesses())
        self._polling.set_servers(servers, now_s=now_s)

    def _update(self) -> None:
        selected = self._select()
        if selected == self.public_endpoint:
            return
        _log.info("public endpoint: %s", _describe(selected))
        before, self.public_endpoint = self.public_endpoint, selected
        self._on_change(before)

    def _select(self) -> PublicEndpoint | None:
        current = self.public_endpoint
        return select_public_endpoint(
            self._polling.answers(now_s=time.monotonic()),
            hint=self._hint,
            current=None if current is None else current.endpoint,
            overlay=self._overlay(),
        )

    def _overlay(self) -> IPv4Network | None:
        network = self._rule().network
        return None if network is None else network.cidr


async def _resolve(addresses: Iterable[str], port: int) -> list[Endpoint]:
    """The endpoints of addresses and names; a name without an address is left out until it has one."""
    endpoints: list[Endpoint] = []
    for address in addresses:
        try:
            endpoints.append(Endpoint(address, port))
        except InvalidInput:
            endpoints.extend(await _look_up(address, port))
    return endpoints


async def _look_up(name: str, port: int) -> list[Endpoint]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(name, port, type=socket.SOCK_DGRAM)
    except OSError as exc:
        _log.debug("no address for the controller %s: %s", name, exc)
        return []
    return [Endpoint(str(address[4][0]), port) for address in found]


def _describe(selected: PublicEndpoint | None) -> str:
    return "unknown" if selected is None else f"{selected.endpoint} (from {selected.source.value})"
