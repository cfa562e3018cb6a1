# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The tester of an agent, with the loopback as its overlay: it answers in time, whatever goes wrong."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address

import pytest

from cladnet.agent import connectivity
from cladnet.agent.connectivity import ConnectivityTester, ping_all
from cladnet.core.errors import CladnetError, NotFound, Unauthorized, Unavailable
from cladnet.core.rule_table import PeerEntry
from cladnet.datapath.echo_socket import EchoSocket
from cladnet.wire import agent_pb2

HERE, SILENT = "127.0.0.1", "240.0.0.1"  # the second is reserved: nobody is there, whatever the network


@pytest.fixture(autouse=True)
def may_ping() -> None:
    try:
        EchoSocket().__exit__(None, None, None)
    except Unauthorized:
        pytest.skip("this user may not send pings")


class Bench:
    """A tester with its peers, and what it has told."""

    def __init__(self, *addresses: str, obstacle: str = "", failures: tuple[CladnetError, ...] = ()) -> None:
        self.told: list[agent_pb2.FinishTestRequest] = []
        self.failures = list(failures)
        peers = {f"h{i}": PeerEntry(f"h{i}", IPv4Address(a), bytes(32)) for i, a in enumerate(addresses)}
        self.tester = ConnectivityTester(peers=lambda: peers, obstacle=lambda: obstacle, finish=self._finish)

    async def run(self, timeout_ms: int = 2000) -> None:
        """One test to its end."""
        self.tester.start(agent_pb2.ConnectivityTest(id="00ff", count=3, timeout_ms=timeout_ms))
        await asyncio.gather(*self.tester._running.values())

    async def _finish(self, result: agent_pb2.FinishTestRequest) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(result)


async def test_who_answers_is_reachable_and_who_does_not_is_not() -> None:
    bench = Bench(HERE, SILENT)
    start_s = time.monotonic()
    await bench.run(1000)
    assert time.monotonic() - start_s < 1.0
    (result,) = bench.told
    assert [(ping.host, ping.address, ping.reachable) for ping in result.pings] == [
        ("h0", HERE, True),
        ("h1", SILENT, False),
    ]
    assert 0 < result.pings[0].rtt_ms < 500


async def test_who_has_all_answers_does_not_wait() -> None:
    start_s = time.monotonic()
    assert await ping_all([HERE], 3, 30.0)
    assert time.monotonic() - start_s < 5.0
    assert await ping_all([], 3, 30.0) == {}


async def test_an_obstacle_is_told_at_once() -> None:
    bench = Bench(HERE, obstacle="down")
    await bench.run()
    assert [(result.error, len(result.pings)) for result in bench.told] == [("down", 0)]


async def test_who_may_not_ping_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> EchoSocket:
        raise Unauthorized("no pings")

    monkeypatch.setattr(connectivity, "EchoSocket", refuse)
    bench = Bench(HERE)
    await bench.run()
    assert bench.told[0].error == "no pings"


async def test_a_result_is_told_again_until_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectivity, "RETRY_S", 0.01)
    bench = Bench(HERE, failures=(Unavailable("lost"), Unavailable("lost")))
    await bench.run()
    assert len(bench.told) == 1


async def test_a_result_that_nobody_wants_is_dropped() -> None:
    bench = Bench(HERE, failures=(NotFound("gone"),))
    await bench.run()
    assert bench.told == []


async def test_one_test_runs_once_and_few_at_a_time() -> None:
    bench = Bench(SILENT)
    for test_id in ("a", "a", "b", "c", "d", "e"):
        bench.tester.start(agent_pb2.ConnectivityTest(id=test_id, count=1, timeout_ms=60_000))
    assert sorted(bench.tester._running) == ["a", "b", "c", "d"]
    await asyncio.wait_for(bench.tester.close(), 1.0)
    await asyncio.sleep(0)
    assert not bench.tester._running
    assert bench.told == []
