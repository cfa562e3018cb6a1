# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Presence and events of real controllers on one etcd: who is there, what happens, and how readers resume."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cladnet.wire import agent_pb2
from tests.integration.controller.controller_process import NET, ControllerProcess, Host, Operator
from tests.integration.controller.etcd_server import EtcdServer
from tests.integration.controller.event_reader import EventReader, reading
from tests.integration.controller.waiting import until, wait_for

SPEC = {"name": NET, "cidr": "10.99.0.0/16"}
LEASE_S = 10.0


Pair = tuple[ControllerProcess, ControllerProcess]


@contextlib.contextmanager
def two_controllers(folder: Path, etcd: EtcdServer) -> Iterator[Pair]:
    """Two controllers with one CA on one etcd."""
    first = ControllerProcess(folder / "first", etcd.endpoint, "c1")
    first.start()
    second = ControllerProcess(folder / "second", etcd.endpoint, "c2")
    (second.state / "pki").mkdir(mode=0o700)
    for name in ("ca.crt", "ca.key"):
        (second.state / "pki" / name).write_bytes((first.state / "pki" / name).read_bytes())
    second.start()
    for controller in (first, second):
        wait_for(controller.is_healthy, "a controller to be healthy")
    try:
        yield first, second
    finally:
        for controller in (first, second):
            controller.kill()
            controller.notified.close()


@contextlib.contextmanager
def network(controller: ControllerProcess) -> Iterator[None]:
    """The network demo, for as long as the block lasts."""
    with controller.api() as api:
        assert api.post("/networks", json=SPEC).status_code == 201
    try:
        yield
    finally:
        delete_networks(controller)


def delete_networks(controller: ControllerProcess) -> None:
    """All of them, if the controller still lives."""
    with contextlib.suppress(httpx.HTTPError), controller.api() as api:
        for each in api.get("/networks").json()["networks"]:
            api.delete(f"/networks/{each['name']}?force=true")


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory: pytest.TempPathFactory, shared_etcd: EtcdServer) -> Iterator[Pair]:
    """Two controllers for all tests of this file: they leave them running."""
    with two_controllers(tmp_path_factory.mktemp("pair"), shared_etcd) as pair:
        yield pair


@pytest.fixture
def pair(shared_pair: Pair) -> Iterator[Pair]:
    """Two controllers with the network demo."""
    with network(shared_pair[0]):
        yield shared_pair


@pytest.fixture
def mortal_pair(tmp_path: Path, etcd: EtcdServer) -> Iterator[Pair]:
    """Two controllers with the network demo, which the test may kill."""
    with two_controllers(tmp_path, etcd) as pair, network(pair[0]):
        yield pair


@pytest.fixture
def c1(pair: Pair) -> ControllerProcess:
    return pair[0]


@pytest.fixture
def c2(pair: Pair) -> ControllerProcess:
    return pair[1]


@pytest.fixture
def controller(c1: ControllerProcess) -> ControllerProcess:
    """The one whose API the tests use."""
    return c1


@contextlib.asynccontextmanager
async def streaming(controller: ControllerProcess, host: Host) -> AsyncIterator[None]:
    """The host has a stream to this controller."""
    async with controller.replies(host) as replies:
        await asyncio.wait_for(anext(replies), 5.0)
        yield


def is_connected(controller: ControllerProcess, host: str = "a1") -> bool:
    with controller.api() as api:
        return bool(api.get(f"/networks/{NET}/peers/{host}").json()["connected"])


async def test_every_controller_says_the_same_of_who_is_connected(
    c1: ControllerProcess, c2: ControllerProcess
) -> None:
    host = await c1.join("a1")
    async with streaming(c1, host):
        for controller in (c1, c2):
            await until(lambda controller=controller: is_connected(controller), "it is connected")
    for controller in (c1, c2):
        await until(lambda controller=controller: not is_connected(controller), "it is gone")


async def test_a_host_that_changes_controllers_was_never_away(
    c1: ControllerProcess, c2: ControllerProcess
) -> None:
    host = await c1.join("a1")
    with reading(c2) as reader:
        async with streaming(c1, host):
            reader.next("peer_connected")
            async with streaming(c2, host):
                pass
            await until(lambda: is_connected(c2), "it is connected")
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(streaming(c2, host))
                moved = stack.pop_all()
        await asyncio.sleep(4.0)  # longer than what is granted to a host that changes controllers
        assert is_connected(c1)
        assert reader.is_quiet(0.1)
        await moved.aclose()
        assert reader.next().event == "peer_lost"


async def test_a_dead_controller_loses_its_hosts_after_its_lease(mortal_pair: Pair) -> None:
    c1, c2 = mortal_pair
    staying, moving = await c1.join("a1"), await c1.join("b1")
    with reading(c2) as reader:
        with contextlib.suppress(Exception):
            async with streaming(c1, staying), streaming(c1, moving):
                for _unused in range(2):
                    reader.next("peer_connected")
                died_s = time.monotonic()
                c1.kill()
        async with streaming(c2, moving):
            lost = await asyncio.to_thread(reader_next_within, reader, "peer_lost", LEASE_S + 5)
            assert lost["host"] == "a1"
            assert time.monotonic() - died_s > LEASE_S / 2
            assert not is_connected(c2, "a1")
            assert is_connected(c2, "b1")
            assert reader.is_quiet(1.0), "who came back elsewhere was never lost"


def reader_next_within(reader: EventReader, kind: str, deadline_s: float) -> Any:
    end_s = time.monotonic() + deadline_s
    while True:
        with contextlib.suppress(Exception):
            return reader.next(kind)
        assert time.monotonic() < end_s, f"no {kind}"


async def test_a_controller_that_restarts_loses_nobody_who_comes_back(mortal_pair: Pair) -> None:
    c1, _unused = mortal_pair
    host = await c1.join("a1")
    async with streaming(c1, host):
        await until(lambda: is_connected(c1), "it is connected")
        assert c1.terminate() == 0
    c1.start()
    wait_for(c1.is_healthy, "the controller to be healthy")
    with reading(c1) as reader:
        assert reader.next().data["peers"][0]["connected"]
        async with streaming(c1, host):
            await asyncio.sleep(LEASE_S + 2)  # the lease of the first life ends meanwhile
            assert reader.next().data == "alive" or reader.is_quiet(0.1)
            assert is_connected(c1)


async def test_a_reader_hears_what_happens_and_nothing_twice(
    api: Operator, c1: ControllerProcess, c2: ControllerProcess
) -> None:
    with reading(c2) as reader:
        snapshot = reader.next()
        assert snapshot.event == "snapshot"
        assert [network["name"] for network in snapshot["networks"]] == [NET]
        assert snapshot["peers"] == []
        host = await c1.join("a1")
        assert reader.next("peer_joined")["peer"]["host"] == "a1"
        assert reader.next("address_changed")["changed"]["address"][0] is None
        assert api.patch(f"/networks/{NET}/peers/a1", json={"description": "x"}).status_code == 200
        event = reader.next("peer_changed")
        while "description" not in event["changed"]:
            event = reader.next("peer_changed")
        assert event["changed"] == {"description": ["", "x"]}
        assert (event["network"], event["peer"]["description"]) == (NET, "x")
        assert event.id == f"{snapshot['cluster_id']}-{event['revision']}"
        await c1.report(host, state=agent_pb2.HOST_STATE_DEGRADED, reason="because")
        assert reader.next()["changed"] == {
            "reason": ["", "because"],
            "state": ["configuring", "degraded"],
        }
        await c1.report(host, state=agent_pb2.HOST_STATE_DEGRADED, reason="because")
        await c1.report(
            host,
            state=agent_pb2.HOST_STATE_DEGRADED,
            reason="because",
            occupied_networks=["172.17.0.0/16"],
        )
        assert reader.is_quiet(0.5)
        assert api.delete(f"/networks/{NET}/peers/a1").status_code == 204
        assert reader.next().event == "peer_left"
        assert api.delete(f"/networks/{NET}").status_code == 204
        assert reader.next().event == "network_deleted"


def test_a_reader_resumes_at_any_controller_without_a_snapshot(
    api: Operator, c1: ControllerProcess, c2: ControllerProcess
) -> None:
    with reading(c1) as reader:
        last = reader.next().id
    for number in range(3):
        assert api.post(f"/networks/{NET}/peers", json={"host": f"h{number}"}).status_code == 201
    for controller in (c1, c2):
        with reading(controller, last) as reader:
            events = [reader.next() for _unused in range(3)]
            assert [(each.event, each["host"]) for each in events] == [
                ("peer_joined", f"h{number}") for number in range(3)
            ]
    with reading(c2, events[1].id) as reader:
        assert reader.next()["host"] == "h2"


@pytest.mark.parametrize("last", ["0-5", "abc", "{cluster}-0", "{cluster}-99999999", "{cluster}-x"])
def test_an_id_that_cannot_be_resumed_gives_a_snapshot(c1: ControllerProcess, last: str) -> None:
    with c1.api() as api:
        cluster = api.get("/health").json()["etcd"]["cluster_id"]
    with reading(c1, last.format(cluster=cluster)) as reader:
        assert reader.next().event == "snapshot"


def test_a_reader_of_one_network_hears_of_no_other(api: Operator, c1: ControllerProcess) -> None:
    assert api.post("/networks", json={"name": "other", "cidr": "10.98.0.0/24"}).status_code == 201
    with reading(c1, network="other") as reader:
        assert [network["name"] for network in reader.next()["networks"]] == ["other"]
        assert api.post(f"/networks/{NET}/peers", json={"host": "a1"}).status_code == 201
        assert api.post("/networks/other/peers", json={"host": "b1"}).status_code == 201
        assert reader.next()["host"] == "b1"
    refused = api.get("/events", params={"network": "No"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_input")


def test_a_silent_stream_is_kept_alive(c1: ControllerProcess) -> None:
    with reading(c1) as reader:
        reader.next()
        assert not reader.is_quiet(16.0)


async def test_a_reader_that_does_not_read_holds_nobody_up_and_is_cut(
    api: Operator, c1: ControllerProcess
) -> None:
    """Its part of the stream must be more than what the kernel keeps for it (4 MiB)."""
    many = [f"172.16.{number >> 8 & 15}.{number & 255}/32" for number in range(4000)]
    await c1.report(c1.enrol("a1"), occupied_networks=many)
    with lazy_reader(c1), reading(c1) as reader:
        reader.next()
        for number in range(100):
            start_s = time.monotonic()
            change = {"description": str(number)}
            assert api.patch(f"/networks/{NET}/peers/a1", json=change).status_code == 200
            assert reader.next("peer_changed")["host"] == "a1"
            assert time.monotonic() - start_s < 2.0
        wait_for(lambda: "does not read" in c1.log.read_text(), "the lazy reader to be cut", 40.0)
        assert api.patch(f"/networks/{NET}/peers/a1", json={"description": "x"}).status_code == 200
        assert reader.next("peer_changed")["changed"] == {"description": ["99", "x"]}


@contextlib.contextmanager
def lazy_reader(controller: ControllerProcess) -> Iterator[ssl.SSLSocket]:
    """Asks for events and never reads an answer; its buffers are small."""
    context = ssl.create_default_context(cafile=str(controller.ca))
    token = (controller.state / "admin.token").read_text().strip()
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", controller.api_port))
    with context.wrap_socket(plain, server_hostname="localhost") as lazy:
        request = f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        lazy.sendall(request.encode())
        yield lazy


def test_there_is_a_limit_to_readers(c1: ControllerProcess) -> None:
    with contextlib.ExitStack() as stack:
        for _unused in range(64):
            stack.enter_context(reading(c1)).next()
        with c1.api() as api:
            reply = api.get("/events")
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")

    def is_free() -> bool:
        with contextlib.suppress(AssertionError), reading(c1) as reader:
            return reader.next().event == "snapshot"
        return False

    wait_for(is_free, "readers that went to be forgotten")


def test_a_controller_that_stops_ends_its_streams_at_once(mortal_pair: Pair) -> None:
    c1, _unused = mortal_pair
    with reading(c1) as reader:
        reader.next()
        start_s = time.monotonic()
        assert c1.terminate() == 0
        assert time.monotonic() - start_s < 10.0  # a stream that were waited for would last for ever
        assert reader.has_ended()
    assert "Traceback" not in c1.log.read_text()


def test_a_restored_etcd_is_a_new_beginning(mortal_pair: Pair, etcd: EtcdServer) -> None:
    c1, _unused = mortal_pair
    with reading(c1) as reader:
        before = reader.next()
        etcd.kill()
        etcd.wipe()
        etcd.start()
        after = reader.next("snapshot")
        assert after["networks"] == []
        assert after["cluster_id"] != before["cluster_id"] or after["revision"] < before["revision"]
