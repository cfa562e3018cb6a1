# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a controller does while etcd or it itself is away, and afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cladnet.controller import keys
from cladnet.controller.etcd.client import EtcdClient
from cladnet.core import stun
from cladnet.core.errors import Unauthorized, Unavailable
from cladnet.wire import agent_pb2
from tests.integration.controller.controller_process import (
    NET,
    ControllerProcess,
    Host,
    Stream,
    running_controller,
)
from tests.integration.controller.etcd_server import EtcdServer
from tests.integration.controller.waiting import until, wait_for

SPEC = {"name": NET, "cidr": "10.99.0.0/24"}
ENDPOINT = agent_pb2.Endpoint(address="198.51.100.11", port=8055)
MOVED = agent_pb2.Endpoint(address="198.51.100.99", port=8055)


@pytest.fixture
def controller(tmp_path: Path, etcd: EtcdServer) -> Iterator[ControllerProcess]:
    """A fresh controller on the test's own etcd, which the test may kill and start again."""
    yield from running_controller(tmp_path / "controller", etcd.endpoint)


def make_network(controller: ControllerProcess) -> None:
    with controller.api() as api:
        assert api.post("/networks", json=SPEC).status_code == 201


async def member(controller: ControllerProcess, name: str) -> Host:
    """A host with an address."""
    host = await asyncio.to_thread(controller.enrol, name)
    async with controller.connect(host.credentials) as connection:
        await connection.report(host.report())
    return host


async def soon(stream: Stream, deadline_s: float = 10.0) -> agent_pb2.WatchReply:
    return await asyncio.wait_for(stream.next(), deadline_s)


def test_a_controller_starts_without_etcd_and_says_what_it_waits_for(
    etcd: EtcdServer, tmp_path: Path
) -> None:
    etcd.kill()
    controller = ControllerProcess(tmp_path / "controller", etcd.endpoint)
    controller.start()
    try:
        wait_for(lambda: controller.notified.hears("STATUS=Waiting for etcd at"), "the status")
        with controller.api() as api:
            health = api.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "degraded")
            reply = api.get("/networks")
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")
            etcd.start()
            wait_for(controller.is_healthy, "the controller to be healthy")
            assert api.post("/networks", json=SPEC).status_code == 201
        wait_for(lambda: controller.notified.hears("STATUS=Serving"), "the status")
    finally:
        controller.kill()
        controller.notified.close()


async def test_without_etcd_what_is_known_is_served_and_changes_are_refused(
    etcd: EtcdServer, controller: ControllerProcess
) -> None:
    make_network(controller)
    a, b = await member(controller, "a"), await member(controller, "b")
    async with controller.connect(a.credentials) as connection:
        replies = connection.watch(0, 0)
        async with contextlib.aclosing(replies):
            stream = Stream(replies)
            await soon(stream)
            etcd.kill()
            with controller.api() as api:
                await until(lambda: api.get("/health").status_code == 503, "the loss to be noticed")
                assert len(api.get(f"/networks/{NET}/peers").json()["peers"]) == 2
                began = time.monotonic()
                reply = api.delete(f"/networks/{NET}/peers/a")
                assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")
                assert time.monotonic() - began < 5.0
            await serves_hosts_without_etcd(controller, b)
            etcd.start()
            await until(controller.is_healthy, "the controller to be healthy")
            async with controller.connect(b.credentials) as other:
                await other.report(b.report(public_endpoint=MOVED))
            assert (await soon(stream)).delta.peers[0].endpoint == MOVED, "the stream was never cut"


async def serves_hosts_without_etcd(controller: ControllerProcess, host: Host) -> None:
    async with controller.connect(host.credentials) as connection:
        assert (await connection.report(host.report())).address, "an equal report needs no etcd"
        with pytest.raises(Unavailable):
            await connection.report(host.report(public_endpoint=MOVED))
        replies = connection.watch(0, 0)
        async with contextlib.aclosing(replies):
            assert len((await soon(Stream(replies))).snapshot.peers) == 2


async def test_a_hung_etcd_holds_nobody_up_for_long(etcd: EtcdServer, controller: ControllerProcess) -> None:
    make_network(controller)
    etcd.stop()
    try:
        with controller.api() as api:
            began = time.monotonic()
            assert api.get("/health").status_code == 503
            assert api.get(f"/networks/{NET}").status_code == 200
            assert time.monotonic() - began < 3.5
    finally:
        etcd.resume()
    await until(controller.is_healthy, "the controller to be healthy")


async def test_a_killed_controller_comes_back_with_everything(controller: ControllerProcess) -> None:
    make_network(controller)
    a = await member(controller, "a")
    with controller.api() as api:
        before = api.get(f"/networks/{NET}/peers").json()
    async with controller.connect(a.credentials) as connection:
        replies = connection.watch(0, 0)
        async with contextlib.aclosing(replies):
            stream = Stream(replies)
            await soon(stream)
            controller.kill()
            with pytest.raises(Unavailable):
                await soon(stream)
    controller.start()
    await until(controller.is_healthy, "the controller to be healthy")
    with controller.api() as api:
        assert api.get(f"/networks/{NET}/peers").json() == before
    async with controller.connect(a.credentials) as connection:
        replies = connection.watch(stream.cluster_id, stream.revision)
        async with contextlib.aclosing(replies):
            stream.follow(replies)
            b = await member(controller, "b")
            await until(lambda: heard(stream, b.name), "the new host, after what was missed")
            assert sorted(stream.peers) == ["a", "b"]


async def heard(stream: Stream, host: str) -> bool:
    await soon(stream)
    return host in stream.peers


async def test_an_orderly_end_is_quick_and_tells_everybody(
    controller: ControllerProcess, client: EtcdClient
) -> None:
    make_network(controller)
    a = await member(controller, "a")
    assert await client.get(keys.member("c1")) is not None
    async with controller.connect(a.credentials) as connection:
        replies = connection.watch(0, 0)
        async with contextlib.aclosing(replies):
            stream = Stream(replies)
            await soon(stream)
            began = time.monotonic()
            ending = asyncio.create_task(asyncio.to_thread(controller.terminate))
            with pytest.raises(Unavailable):
                await soon(stream)
            assert await ending == 0
    assert time.monotonic() - began < 5.0
    assert controller.notified.hears("STOPPING=1")
    assert await client.get(keys.member("c1")) is None
    assert "Traceback" not in controller.log.read_text()


async def test_an_etcd_made_anew_is_noticed_and_works(
    etcd: EtcdServer, controller: ControllerProcess
) -> None:
    make_network(controller)
    a = await member(controller, "a")
    etcd.kill()
    etcd.wipe()
    etcd.start()
    await until(controller.is_healthy, "the controller to be healthy")
    with controller.api() as api:
        await until(lambda: api.get("/networks").json() == {"networks": []}, "the empty etcd to be read")
        make_network(controller)
    async with controller.connect(a.credentials) as connection:
        with pytest.raises(Unauthorized, match="not a member"):
            await connection.report(a.report())
    assert (await member(controller, "a")).name == "a"


async def test_a_backup_that_is_restored_is_told_as_a_whole(
    etcd: EtcdServer, controller: ControllerProcess
) -> None:
    make_network(controller)
    a, b = await member(controller, "a"), await member(controller, "b")
    etcd.kill()
    etcd.back_up()
    etcd.start()
    await until(controller.is_healthy, "the controller to be healthy")
    async with controller.connect(a.credentials) as connection, controller.connect(b.credentials) as other:
        replies = connection.watch(0, 0)
        async with contextlib.aclosing(replies):
            stream = Stream(replies)
            await soon(stream)
            for endpoint in (ENDPOINT, MOVED):
                await other.report(b.report(public_endpoint=endpoint))
                await soon(stream)
            etcd.kill()
            etcd.restore()
            etcd.start()
            snapshot = (await soon(stream, 20.0)).snapshot
            assert {peer.host: peer.HasField("endpoint") for peer in snapshot.peers} == {
                "a": False,
                "b": False,
            }


async def test_a_port_in_use_is_named(
    controller: ControllerProcess, etcd: EtcdServer, tmp_path: Path
) -> None:
    for key in ("api_listen", "agent_listen", "stun_listen"):
        second = ControllerProcess(tmp_path / key, etcd.endpoint, "c2")
        (line,) = [line for line in controller.config.read_text().splitlines() if line.startswith(key)]
        own = [line for line in second.config.read_text().splitlines() if not line.startswith(key)]
        second.config.write_text("\n".join([*own, line]))
        with pytest.raises(AssertionError, match=key):
            await asyncio.to_thread(second.start)
        assert "Traceback" not in second.log.read_text()
        second.notified.close()


def test_stun_tells_the_sender_its_endpoint_and_answers_nothing_else(controller: ControllerProcess) -> None:
    transaction_id = bytes(range(12))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(5.0)
        server = ("127.0.0.1", controller.stun_port)
        for junk in (b"", b"x" * 1400, stun.binding_request(transaction_id)[:-1], bytes(20)):
            asker.sendto(junk, server)
        asker.sendto(stun.binding_request(transaction_id), server)
        answer, source = asker.recvfrom(2048)
        assert source == server
        seen = stun.read_binding_response(answer, transaction_id)
        assert str(seen) == "{}:{}".format(*asker.getsockname())
        asker.settimeout(0.2)
        with pytest.raises(TimeoutError):
            asker.recvfrom(2048)
