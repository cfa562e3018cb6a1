# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The life with the controllers: one session at a time, with any of them, for ever.

A session reports what this host is whenever that changes, follows the rule, and renews the certificate.
Nothing that goes wrong here touches the tunnel, except a removal of this host that is certain.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable

from cladnet.agent.config import AgentConfig
from cladnet.agent.controller_connection import ControllerConnection, Credentials, connect
from cladnet.agent.enrolment import Enrolment
from cladnet.agent.health import Health
from cladnet.agent.networking_rule import NetworkingRule
from cladnet.agent.order_follower import OrderFollower
from cladnet.agent.wire_messages import read_delta, read_orders, read_snapshot
from cladnet.core.backoff import Backoff
from cladnet.core.endpoint_selection import control_candidates
from cladnet.core.errors import (
    CladnetError,
    Conflict,
    Exhausted,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)
from cladnet.core.removal_doubt import RemovalDoubt
from cladnet.tasks import first_to_end, wait_for_event
from cladnet.wire import agent_pb2

_log = logging.getLogger(__name__)

BACKOFF_FIRST_S = 0.2
BACKOFF_CEILING_S = 3.0
REFUSED_RETRY_S = 5.0
ENROLMENT_RETRY_S = 2.0
REPORT_RETRY_S = 3.0
REPORT_COALESCE_S = 0.1
CERTIFICATE_CHECK_S = 600.0
CLOSING_TIMEOUT_S = 1.0

_REFUSALS = (Conflict, Exhausted, InvalidInput)
_REMOVALS = (NotFound, Unauthorized)


class Control:
    """Keeps a session with one of the controllers.

    Args:
        config: where the controllers are.
        enrolment: gives the credentials.
        rule: follows what the controllers say.
        orders: follows what administrators want of this host.
        health: is told how it goes.
        report: builds the report of what this host is now.
        test: begins a connectivity test.
        rng: shuffles controllers and spreads retries.
    """

    def __init__(
        self,
        config: AgentConfig,
        *,
        enrolment: Enrolment,
        rule: NetworkingRule,
        orders: OrderFollower,
        health: Health,
        report: Callable[[], agent_pb2.ReportRequest],
        test: Callable[[agent_pb2.ConnectivityTest], None],
        rng: random.Random,
    ) -> None:
        self._config = config
        self._enrolment = enrolment
        self._rule = rule
        self._orders = orders
        self._health = health
        self._report = report
        self._test = test
        self._rng = rng
        self._backoff = Backoff(first_s=BACKOFF_FIRST_S, ceiling_s=BACKOFF_CEILING_S, rng=rng)
        self._doubt = RemovalDoubt()
        self._news = asyncio.Event()
        self._connection: ControllerConnection | None = None
        self._sent: agent_pb2.ReportRequest | None = None
        self._is_acknowledged = False
        self._is_leaving = False
        self._interrupted = asyncio.Event()
        self._interruption: CladnetError = Unavailable("interrupted")
        self.connected_to: str | None = None
        self.last_error = ""

    def poke(self) -> None:
        """What this host reports may have changed."""
        self._news.set()

    def reconnect(self, why: str) -> None:
        """Ends the session, if there is one: its connection will not survive what happened."""
        self._interrupt(Unavailable(why))

    async def run(self) -> None:
        """Holds sessions, for ever."""
        while True:
            credentials = await self._enrolment.credentials()
            if credentials is None:
                await asyncio.sleep(ENROLMENT_RETRY_S)
                continue
            await self._try_controllers(credentials)

    async def leave(self) -> None:
        """Takes this host out of its network at the controllers.

        Raises:
            Unavailable: no controller is connected, or it did not answer.
        """
        if self._connection is None:
            raise Unavailable(
                "no controller is connected: the host stays a member.",
                hint="Try again when 'cladnet status' names a controller.",
            )
        self._is_leaving = True  # a report would make this host a member again
        try:
            await self._connection.leave()
        except CladnetError:
            self._is_leaving = False
            raise
        self._enrolment.forget()
        self._orders.forget()
        self._doubt.named()
        self._interrupt(NotFound("it has left"))

    async def finish_test(self, result: agent_pb2.FinishTestRequest) -> None:
        """Tells a controller what came out of a connectivity test.

        Raises:
            Unavailable: no controller is connected, or it did not answer.
            CladnetError: what the controller answered.
        """
        if self._connection is None:
            raise Unavailable("no controller is connected")
        await self._connection.finish_test(result)

    async def say_closing(self) -> None:
        """Reports the state once more before the end, if that is quickly done."""
        if self._connection is None:
            return
        with contextlib.suppress(CladnetError, asyncio.TimeoutError):
            await asyncio.wait_for(self._connection.report(self._report()), CLOSING_TIMEOUT_S)

    async def _try_controllers(self, credentials: Credentials) -> None:
        """One try with each controller, until one held a session."""
        for address in control_candidates(self._config.controllers, self._rule.table, self._rng):
            held_session = await self._try(address, credentials)
            if held_session:
                return

    async def _try(self, address: str, credentials: Credentials) -> bool:
        """One session; whether a controller was reached, after a pause."""
        delay_s = BACKOFF_CEILING_S
        try:
            await self._session(address, credentials)
        except CladnetError as exc:
            delay_s = self._cope_with(address, exc)
        except Exception:  # a fault in here must not take the tunnel down
            _log.exception("session with the controller at %s", address)
        was_connected = self.connected_to is not None
        self.connected_to = self._connection = None
        await self._pause(delay_s)
        return was_connected

    async def _pause(self, delay_s: float) -> None:
        """Waits, but not longer than this host has nothing new to say."""
        end_s = time.monotonic() + delay_s
        while await wait_for_event(self._news, max(0.0, end_s - time.monotonic())):
            if self._sent is not None and self._report() != self._sent:
                return

    async def _session(self, address: str, credentials: Credentials) -> None:
        async with connect(address, self._config.agent_port, credentials) as connection:
            await self._introduce(connection)
            _log.info("connected to the controller at %s", address)
            self._connection, self.connected_to, self.last_error = connection, address, ""
            self._backoff.reset()
            self._health.set(controllers_lost="")
            self._is_leaving = False
            self._interrupted.clear()
            await first_to_end(
                self._follow(connection),
                self._keep_reporting(connection),
                self._keep_certificate(connection),
                self._until_interrupted(),
            )

    def _cope_with(self, address: str, error: CladnetError) -> float:
        """What an ended session means; returns how long to wait before the next, in seconds."""
        self.last_error = f"{address}: {error}"
        if isinstance(error, _REMOVALS):
            self._cope_with_removal(error)
            return REFUSED_RETRY_S
        if isinstance(error, _REFUSALS):
            self._health.set(refused=str(error))
            return REFUSED_RETRY_S
        if self.connected_to is not None:
            _log.warning("lost the controller at %s: %s", address, error)
        return self._backoff.next_s()

    def _cope_with_removal(self, error: CladnetError) -> None:
        if self._doubt.refused(now_s=time.monotonic()):
            self._rule.forget()
            self._orders.forget()
            self._health.set(refused="", removed=f"no member of {self._config.network} any more: {error}")
            return
        self._health.set(refused=f"a controller does not know this host: {error}")

    async def _introduce(self, connection: ControllerConnection) -> None:
        """The first report. A member whose report is not taken now goes on following the rule."""
        try:
            await self._send_report(connection, self._report())
        except (Unavailable, *_REFUSALS):
            if self._rule.address is None:
                raise

    async def _send_report(self, connection: ControllerConnection, request: agent_pb2.ReportRequest) -> None:
        self._sent, self._is_acknowledged = request, False
        try:
            await connection.report(request)
        except _REFUSALS as exc:
            self._health.set(refused=str(exc))
            raise
        self._is_acknowledged = True
        self._orders.taken(request.public_key)
        self._doubt.accepted()
        self._health.set(refused="", removed="")

    async def _keep_reporting(self, connection: ControllerConnection) -> None:
        while True:
            self._orders.make_key()
            request = self._report()
            is_told = self._is_acknowledged and request == self._sent
            if not is_told and not self._is_leaving:
                with contextlib.suppress(Unavailable, *_REFUSALS):
                    await self._send_report(connection, request)
            await wait_for_event(self._news, None if self._is_acknowledged else self._retry_s())
            await asyncio.sleep(REPORT_COALESCE_S)

    def _retry_s(self) -> float:
        return REPORT_RETRY_S * (1 + self._rng.random())

    def _interrupt(self, error: CladnetError) -> None:
        self._interruption = error
        self._interrupted.set()

    async def _until_interrupted(self) -> None:
        await self._interrupted.wait()
        raise self._interruption

    async def _follow(self, connection: ControllerConnection) -> None:
        version = self._rule.resumable.cluster_id, self._rule.resumable.revision
        async with contextlib.aclosing(connection.watch(*version, self._orders.orders)) as replies:
            async for reply in replies:
                self._apply(reply)

    def _apply(self, reply: agent_pb2.WatchReply) -> None:
        try:
            if reply.HasField("snapshot"):
                self._rule.snapshot(read_snapshot(reply.snapshot))
            elif reply.HasField("delta"):
                self._apply_delta(reply.delta)
            elif reply.HasField("orders"):
                self._orders.follow(read_orders(reply.orders))
            elif reply.HasField("test"):
                self._test(reply.test)
        except InvalidInput as exc:
            raise Unavailable(f"the controller sent what makes no sense: {exc}") from exc

    def _apply_delta(self, message: agent_pb2.Delta) -> None:
        delta = read_delta(message)
        own = self._config.host
        if own in delta.removed_hosts and all(peer.host != own for peer in delta.peers):
            self._doubt.named()
            raise NotFound("this host was removed")
        self._rule.delta(delta)

    async def _keep_certificate(self, connection: ControllerConnection) -> None:
        while True:
            try:
                await self._enrolment.renew(connection)
            except CladnetError as exc:
                _log.warning("the certificate could not be renewed, the old one stays: %s", exc)
            await asyncio.sleep(CERTIFICATE_CHECK_S)
