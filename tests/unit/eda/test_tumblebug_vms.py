# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The event source for CB-Tumblebug against the simulator of every era."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.event_source import tumblebug_vms
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.daemon_thread import (
    in_daemon_thread,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.fleet_poller import (
    Fleet,
    FleetPoller,
    Interest,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Outlet
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.state_file import StateFile
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._backoff import Backoff
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput, Unauthorized
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import (
    Connection,
    OpenUrlTransport,
    Reply,
)

from lab.tumblebug.era import ERAS, Era
from lab.tumblebug.server import running
from tests.unit.lab.tumblebug.tumblebug_bench import Bench

DEADLINE_S = 10.0


class Switch(OpenUrlTransport):
    """The real transport, with a switch that makes Tumblebug answer something else."""

    reply: Reply | None = None

    def get(self, path: str) -> Reply:
        return self.reply or super().get(path)


@dataclass
class World:
    """A simulator and the means to look at it."""

    bench: Bench
    transport: Switch

    def control(self, action: str, machine: str = "g1-1") -> None:
        era = self.bench.era
        self.bench.body(f"/ns/default/control/{era.infra}/mix/{era.node}/{machine}", action=action)
        self.bench.clock.now_s += 60  # what takes time is over

    def poller(
        self,
        queue: asyncio.Queue[dict[str, Any]],
        state: str = "",
        infras: tuple[str, ...] = ("mix",),
        **interest: Any,
    ) -> FleetPoller:
        clock = self.bench.clock
        return FleetPoller(
            Client(self.transport, now=clock, sleep=clock.wait, patience_s=1.0),
            Fleet(namespaces=("default",), infras=infras),
            Interest(interval_s=0.01, **interest),
            outlet=Outlet(queue, ["{host}", "cladnet_controllers"]),
            state_file=StateFile(state, {}),
            backoff=Backoff(first_s=0.01, ceiling_s=0.02, rng=random.Random(1)),  # noqa: S311
        )


@pytest.fixture(params=ERAS.values(), ids=lambda era: era.name)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with simulated(request.param) as found:
        yield found


@pytest.fixture
def newest() -> Iterator[World]:
    with simulated(ERAS["infra"]) as found:
        yield found


@contextmanager
def simulated(era: Era) -> Iterator[World]:
    bench = Bench(era)
    with running(bench.api) as url:
        yield World(bench, Switch(url, Connection("default", "default", timeout_s=5)))


class Source:
    """A poller that runs; waits for its looks and events."""

    def __init__(self, world: World, state: str = "", **options: Any) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.create_task(world.poller(self.queue, state, **options).run())

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.queue.get(), DEADLINE_S)

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, DEADLINE_S)


async def test_life_of_a_vm_is_told(world: World) -> None:
    source = Source(world, emit_existing=True)
    began = [await source.next() for _vm in range(3)]
    assert [event["tumblebug"]["host"] for event in began] == ["g1-1", "g1-2", "g2-1"]
    assert {event["tumblebug"]["type"] for event in began} == {"vm_running"}
    address = began[0]["tumblebug"]["public_ip"]

    world.control("suspend")
    stopped = await source.next()
    assert (stopped["tumblebug"]["type"], stopped["tumblebug"]["host"]) == ("vm_stopped", "g1-1")

    world.control("resume")
    running_again, moved = await source.next(), await source.next()
    assert running_again["tumblebug"]["type"] == "vm_running"
    assert running_again["meta"]["hosts"] == ["g1-1", "cladnet_controllers"]
    assert moved["tumblebug"]["type"] == "public_ip_changed"
    assert moved["tumblebug"]["previous_public_ip"] == address
    assert moved["tumblebug"]["public_ip"] not in ("", address)
    assert running_again["tumblebug"]["public_ip"] == moved["tumblebug"]["public_ip"]
    await source.stop()


async def test_first_look_only_learns(newest: World) -> None:
    source = Source(newest, types=("vm_stopped",))
    await until(lambda: newest.bench.clock.now_s > 1001)  # it has looked more than once, and paused for it
    newest.control("suspend")
    assert (await source.next())["tumblebug"]["type"] == "vm_stopped"
    assert source.queue.empty()
    await source.stop()


async def test_what_happened_while_nobody_looked_is_told(newest: World, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    source = Source(newest, str(state))
    await until(state.exists)
    await source.stop()
    newest.control("suspend", "g2-1")
    source = Source(newest, str(state))
    assert (await source.next())["tumblebug"]["host"] == "g2-1"
    await source.stop()


async def test_failing_tumblebug_terminates_no_vm(newest: World, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(newest, emit_existing=True)
    for _vm in range(3):
        await source.next()
    newest.transport.reply = Reply(500, b'{"message":"etcd is down"}')
    await until(lambda: "etcd is down" in caplog.text)
    newest.transport.reply = None
    newest.control("suspend")
    assert (await source.next())["tumblebug"]["type"] == "vm_stopped"
    await source.stop()


async def test_wrong_login_stops_the_source(newest: World) -> None:
    newest.transport.reply = Reply(401, b"{}")
    with pytest.raises(Unauthorized, match="does not accept the login"):
        await asyncio.wait_for(Source(newest).task, DEADLINE_S)


async def test_infra_that_is_not_there_is_waited_for(newest: World, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(newest, infras=("default/other",), emit_existing=True)
    await until(lambda: newest.bench.clock.now_s > 1002)  # it has looked several times, and paused for it
    assert not source.task.done()
    assert source.queue.empty()
    assert caplog.text.count("has no infra default/other") == 1
    await source.stop()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "url is missing"),
        ({"url": "tumblebug"}, "url is 'tumblebug'"),
        ({"url": "http://t:1323", "interval": 5}, "interval is 5. Give a number, 10 or more"),
        ({"url": "http://t:1323", "era": "vm"}, "era is 'vm'"),
        ({"url": "http://t:1323", "types": "vm_lost"}, "types has vm_lost"),
        ({"url": "http://t:1323", "backoff_max": 20}, "backoff_max is 20"),
        ({"url": "http://t:1323", "namespace": "ns01"}, "no argument namespace"),
    ],
)
async def test_wrong_argument_stops_the_source_with_a_sentence(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        await tumblebug_vms.main(asyncio.Queue(), args)


@pytest.mark.parametrize(
    ("infras", "namespace", "infra", "holds"),
    [
        ((), "ns", "i", True),
        (("i",), "ns", "i", True),
        (("ns/i",), "ns", "i", True),
        (("other/i",), "ns", "i", False),
        (("j",), "ns", "i", False),
    ],
)
def test_infras_are_meant_by_id_or_with_their_namespace(
    infras: tuple[str, ...], namespace: str, infra: str, holds: bool
) -> None:
    assert Fleet(infras=infras).holds(namespace, infra) is holds


async def test_what_hangs_does_not_hold_up_the_end() -> None:
    release = threading.Event()
    task = asyncio.create_task(in_daemon_thread(release.wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()


async def test_thread_hands_over_results_and_errors() -> None:
    assert await in_daemon_thread(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        await in_daemon_thread(lambda: 1 // 0)


async def until(condition: Any) -> None:
    async def wait() -> None:
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of it
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), DEADLINE_S)
