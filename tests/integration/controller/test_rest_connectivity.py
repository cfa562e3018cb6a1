# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Connectivity tests: asked over the REST API, told on the agent stream, answered, kept, ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cladnet.core.errors import InvalidInput, NotFound
from cladnet.wire import agent_pb2
from tests.integration.controller.controller_process import (
    NET,
    Answer,
    ControllerProcess,
    Host,
    Operator,
)
from tests.integration.controller.waiting import until

TESTS = f"/networks/{NET}/tests"


@pytest.fixture
def network_spec() -> dict[str, Any]:
    return {"name": NET, "cidr": "10.99.0.0/16"}


async def asked_on(stream: AsyncIterator[agent_pb2.WatchReply]) -> agent_pb2.ConnectivityTest:
    """The next test that the host is asked to do."""
    while True:
        reply = await asyncio.wait_for(anext(stream), 5.0)
        if reply.HasField("test"):
            return reply.test


async def answer(controller: ControllerProcess, host: Host, test_id: str, **result: Any) -> None:
    async with controller.connect(host.credentials) as connection:
        await connection.finish_test(agent_pb2.FinishTestRequest(id=test_id, **result))


def started(api: Operator, **body: Any) -> dict[str, Any]:
    reply = api.post(TESTS, json=body)
    assert reply.status_code == 202, reply.text
    return dict(reply.json())


def shown(api: Operator, test_id: str) -> dict[str, Any]:
    reply = api.get(f"{TESTS}/{test_id}")
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def refused(reply: Answer, status: int, told: str) -> None:
    assert reply.status_code == status, reply.text
    assert told in f"{reply.json()['error']['message']} {reply.json()['error']['hint']}"


async def test_a_test_is_asked_answered_and_shown(api: Operator, controller: ControllerProcess) -> None:
    a, b = await controller.join("a"), await controller.join("b")
    addresses = {host: api.get(f"/networks/{NET}/peers/{host}").json()["address"] for host in "ab"}
    async with controller.replies(a) as stream:
        test = started(api, count=2, timeout_s=20)
        assert (test["state"], test["hosts"], test["missing"], test["total"]) == (
            "running",
            ["a", "b"],
            ["a", "b"],
            0,
        )
        asked = await asked_on(stream)
        assert (asked.id, asked.count) == (test["id"], 2)
        assert 15_000 < asked.timeout_ms <= 20_000
        pings = [agent_pb2.Ping(host="b", address=addresses["b"], reachable=True, rtt_ms=0.5)]
        await answer(controller, a, test["id"], pings=pings)
        half = shown(api, test["id"])
        assert (half["state"], half["missing"], half["reachable"]) == ("running", ["b"], 1)
    async with controller.replies(b) as stream:
        assert (await asked_on(stream)).id == test["id"], "who comes later is asked, too"
        pings = [agent_pb2.Ping(host="a", address=addresses["a"], reachable=False)]
        await answer(controller, b, test["id"], pings=pings)
    done = shown(api, test["id"])
    assert (done["state"], done["missing"], done["reachable"], done["total"]) == ("done", [], 1, 2)
    assert done["results"] == [
        {
            "host": "a",
            "address": addresses["a"],
            "error": "",
            "pairs": [{"host": "b", "address": addresses["b"], "reachable": True, "rtt_ms": 0.5}],
        },
        {
            "host": "b",
            "address": addresses["b"],
            "error": "",
            "pairs": [{"host": "a", "address": addresses["a"], "reachable": False, "rtt_ms": None}],
        },
    ]


async def test_a_test_ends_without_those_who_do_not_answer(
    api: Operator, controller: ControllerProcess
) -> None:
    await controller.join("a")
    test = started(api, timeout_s=1)
    await until(lambda: shown(api, test["id"])["state"] == "done", "the end of the test", 5.0)
    assert shown(api, test["id"])["missing"] == ["a"]


async def test_a_host_that_cannot_test_says_why(api: Operator, controller: ControllerProcess) -> None:
    host = await controller.join("a")
    test = started(api, hosts=["a", "a"])
    assert test["hosts"] == ["a"]
    await answer(controller, host, test["id"], error="This host is down.")
    done = shown(api, test["id"])
    assert (done["state"], done["results"][0]["error"], done["total"]) == ("done", "This host is down.", 0)


async def test_nobody_answers_who_was_not_asked(api: Operator, controller: ControllerProcess) -> None:
    await controller.join("a")
    b = await controller.join("b")
    test = started(api, hosts=["a"])
    with pytest.raises(InvalidInput, match="not asked"):
        await answer(controller, b, test["id"])
    with pytest.raises(NotFound, match="0000"):
        await answer(controller, b, "0000")
    nan = [agent_pb2.Ping(host="a", reachable=True, rtt_ms=float("nan"))]
    with pytest.raises(InvalidInput, match="nan"):
        await answer(controller, b, test["id"], pings=nan)


async def test_only_the_last_tests_are_kept(api: Operator, controller: ControllerProcess) -> None:
    host = await controller.join("a")
    first = started(api)
    await answer(controller, host, first["id"])
    for _unused in range(16):
        last = started(api)
    refused(api.get(f"{TESTS}/{first['id']}"), 404, first["id"])
    assert shown(api, last["id"])["state"] == "running"


def test_a_network_without_hosts_has_nothing_to_test(api: Operator) -> None:
    test = started(api)
    assert (test["state"], test["hosts"], test["total"]) == ("done", [], 0)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"count": 0}, 400, "count"),
        ({"count": 21}, 400, "count"),
        ({"timeout_s": 61}, 400, "timeout_s"),
        ({"timeout_s": 1.5}, 400, "timeout_s"),
        ({"host": "a"}, 400, "host: Extra"),
        ({"hosts": ["a9"]}, 404, "a9"),
        ({"hosts": ["laptop"]}, 409, "no agent"),
    ],
)
def test_tests_that_cannot_be(api: Operator, body: dict[str, Any], status: int, told: str) -> None:
    key = "aGVsbG8gdGhpcyBpcyBhIHB1YmxpYyBrZXkgb2YgMzI="
    laptop = {"host": "laptop", "public_key": key}
    assert api.post(f"/networks/{NET}/peers", json=laptop).status_code == 201
    refused(api.post(TESTS, json=body), status, told)


def test_tests_that_are_not_there(api: Operator) -> None:
    refused(api.get(f"{TESTS}/0000"), 404, "kept for 1 h")
    refused(api.get("/networks/lost/tests/0000"), 404, "lost")
    refused(api.post("/networks/lost/tests", json={}), 404, "lost")


async def test_results_go_with_their_network(api: Operator, controller: ControllerProcess) -> None:
    host = await controller.join("a")
    test = started(api)
    await answer(controller, host, test["id"])
    assert api.delete(f"/networks/{NET}?force=true").status_code == 204
    assert api.post("/networks", json={"name": NET, "cidr": "10.99.0.0/16"}).status_code == 201
    refused(api.get(f"{TESTS}/{test['id']}"), 404, test["id"])
