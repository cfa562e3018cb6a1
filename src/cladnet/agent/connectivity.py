# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Connectivity tests as a controller asks for them: pings to all peers over the overlay, and the answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from cladnet.core.errors import CladnetError, InvalidInput, NotFound, Unauthorized
from cladnet.core.rule_table import PeerEntry
from cladnet.datapath.echo_socket import EchoSocket
from cladnet.wire import agent_pb2

_log = logging.getLogger(__name__)

MOST_AT_ONCE = 4
INTERVAL_S = 0.2
MOST_PINGS_PER_S = 2000
RETRY_S = 0.5
# What is left of a test's time for the answer to arrive.
SHARE_FOR_PINGS = 0.7
MOST_FOR_ANSWER_S = 1.0
_BURST = 64


class ConnectivityTester:
    """Does the tests of this host, a few at a time.

    Args:
        peers: gives the peers that the tunnel has, by host.
        obstacle: says why nothing can be tested now; empty if it can.
        finish: tells a controller what came out.
    """

    def __init__(
        self,
        *,
        peers: Callable[[], Mapping[str, PeerEntry]],
        obstacle: Callable[[], str],
        finish: Callable[[agent_pb2.FinishTestRequest], Awaitable[None]],
    ) -> None:
        self._peers = peers
        self._obstacle = obstacle
        self._finish = finish
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, test: agent_pb2.ConnectivityTest) -> None:
        """Begins a test, unless it runs already or too many do: they end by their timeouts."""
        if test.id in self._running or len(self._running) >= MOST_AT_ONCE:
            return
        task = asyncio.ensure_future(self._run(test))
        self._running[test.id] = task
        task.add_done_callback(lambda _task: self._running.pop(test.id))

    async def close(self) -> None:
        """Ends all tests without an answer."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, test: agent_pb2.ConnectivityTest) -> None:
        timeout_s = test.timeout_ms / 1000
        end_s = time.monotonic() + timeout_s
        try:
            result = await self._result(test, max(timeout_s * SHARE_FOR_PINGS, timeout_s - MOST_FOR_ANSWER_S))
            await self._tell(result, end_s)
        except Exception:  # a test must not take the tunnel down
            _log.exception("connectivity test %s", test.id)

    async def _result(self, test: agent_pb2.ConnectivityTest, budget_s: float) -> agent_pb2.FinishTestRequest:
        error = self._obstacle()
        if error:
            return agent_pb2.FinishTestRequest(id=test.id, error=error)
        addresses = {host: str(peer.address) for host, peer in self._peers().items()}
        try:
            trips_ms = await ping_all(list(addresses.values()), test.count, budget_s)
        except Unauthorized as exc:
            return agent_pb2.FinishTestRequest(id=test.id, error=str(exc))
        pings = [_ping(host, address, trips_ms.get(address)) for host, address in addresses.items()]
        return agent_pb2.FinishTestRequest(id=test.id, pings=pings)

    async def _tell(self, result: agent_pb2.FinishTestRequest, end_s: float) -> None:
        """Tells it to whichever controller is connected, until the time is over."""
        while time.monotonic() < end_s:
            try:
                return await self._finish(result)
            except (NotFound, InvalidInput) as exc:
                _log.info("nobody wants the result of test %s any more: %s", result.id, exc)
                return None
            except CladnetError as exc:
                _log.info("the result of test %s is not told yet: %s", result.id, exc)
            await asyncio.sleep(RETRY_S)
        return None


async def ping_all(addresses: list[str], count: int, budget_s: float) -> dict[str, float]:
    """Pings each address until it has answered so many times, or the time is over.

    Returns:
        The shortest round trip in milliseconds of each address that has answered at all.

    Raises:
        Unauthorized: pings may not be sent.
    """
    end_s = time.monotonic() + budget_s
    missing = dict.fromkeys(addresses, count)
    best_ms: dict[str, float] = {}
    with EchoSocket() as echo, _readable(echo) as readable:
        while missing and time.monotonic() < end_s:
            began_s = time.monotonic()
            await _send(echo, list(missing), end_s)
            pause_s = max(INTERVAL_S, len(missing) / MOST_PINGS_PER_S)
            await _collect(echo, readable, missing, best_ms, min(end_s, began_s + pause_s))
    return best_ms


async def _send(echo: EchoSocket, addresses: list[str], end_s: float) -> None:
    """Sends in bursts, so that packets of others get their turn."""
    for at in range(0, len(addresses), _BURST):
        if time.monotonic() >= end_s:
            return
        echo.send(addresses[at : at + _BURST])
        await asyncio.sleep(0)


async def _collect(
    echo: EchoSocket,
    readable: asyncio.Event,
    missing: dict[str, int],
    best_ms: dict[str, float],
    until_s: float,
) -> None:
    while missing and (left_s := until_s - time.monotonic()) > 0:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(readable.wait(), left_s)
        readable.clear()
        for address, trip_ms in echo.receive(0).items():
            best_ms[address] = min(trip_ms, best_ms.get(address, trip_ms))
            missing[address] = missing.get(address, 0) - 1
            if missing[address] <= 0:
                del missing[address]


@contextlib.contextmanager
def _readable(echo: EchoSocket) -> Iterator[asyncio.Event]:
    """An event that is set when there is something to receive."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(echo.fileno(), event.set)
    try:
        yield event
    finally:
        loop.remove_reader(echo.fileno())


def _ping(host: str, address: str, trip_ms: float | None) -> agent_pb2.Ping:
    return agent_pb2.Ping(host=host, address=address, reachable=trip_ms is not None, rtt_ms=trip_ms or 0.0)
