# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Orders for hosts: over the REST API in, over the agent stream out, and what a host makes of them back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cladnet.core.orders import Orders
from cladnet.wire import agent_pb2
from tests.integration.controller.controller_process import NET, Answer, ControllerProcess, Operator

CONTROL = f"/networks/{NET}/control"
DOWN = agent_pb2.Orders(down=True)


async def soon(stream: AsyncIterator[agent_pb2.WatchReply]) -> agent_pb2.WatchReply:
    return await asyncio.wait_for(anext(stream), 5.0)


def ordered(api: Operator, action: str, hosts: list[str] | None) -> dict[str, Any]:
    reply = api.post(CONTROL, json={"action": action, "hosts": hosts})
    assert reply.status_code == 202, reply.text
    return dict(reply.json())


def control(api: Operator, host: str) -> dict[str, Any]:
    return dict(api.get(f"/networks/{NET}/peers/{host}").json()["control"])


def refused(reply: Answer, status: int, told: str) -> None:
    assert reply.status_code == status, reply.text
    assert told in reply.json()["error"]["message"]


async def test_an_order_comes_at_once_and_is_settled_when_the_host_says_so(
    api: Operator, controller: ControllerProcess
) -> None:
    host = controller.enrol("a1")
    await controller.report(host)
    async with controller.replies(host) as stream:
        assert (await soon(stream)).HasField("snapshot")
        answer = ordered(api, "down", ["a1"])
        assert (answer["action"], answer["hosts"]) == ("down", ["a1"])
        assert (await soon(stream)).orders == DOWN
        assert control(api, "a1") == {
            "desired": "down",
            "rekeys_requested": 0,
            "rekeys_done": 0,
            "settled": False,
        }
        await controller.report(host, is_down=True, state=agent_pb2.HOST_STATE_RELEASED)
        assert control(api, "a1")["settled"]
        assert ordered(api, "down", None)["revision"] >= answer["revision"]
        ordered(api, "up", ["a1"])
        assert (await soon(stream)).orders == agent_pb2.Orders()
        assert not control(api, "a1")["settled"]


async def test_what_is_ordered_already_writes_nothing(api: Operator, controller: ControllerProcess) -> None:
    await controller.report(controller.enrol("a1"))
    assert ordered(api, "up", None)["hosts"] == ["a1"]
    first = ordered(api, "down", ["a1", "a1"])
    assert first["hosts"] == ["a1"]
    assert ordered(api, "down", ["a1"])["revision"] == first["revision"]


async def test_a_host_that_comes_back_hears_first_what_it_does_not_follow(
    api: Operator, controller: ControllerProcess
) -> None:
    host = controller.enrol("a1")
    await controller.report(host)
    ordered(api, "down", ["a1"])
    ordered(api, "rekey", ["a1"])
    async with controller.replies(host) as stream:
        assert (await soon(stream)).orders == agent_pb2.Orders(down=True, rekeys_requested=1)
        assert (await soon(stream)).HasField("snapshot")
    async with controller.replies(host, known=Orders(is_down=True, rekeys_requested=1)) as stream:
        assert (await soon(stream)).HasField("snapshot"), "it follows them already"


async def test_a_new_key_is_one_more_each_time(api: Operator, controller: ControllerProcess) -> None:
    host = controller.enrol("a1")
    await controller.report(host)
    ordered(api, "rekey", ["a1"])
    ordered(api, "rekey", None)
    assert control(api, "a1")["rekeys_requested"] == 2
    await controller.report(host, public_key=b"n" * 32, rekeys_done=2)
    assert control(api, "a1") == {
        "desired": "up",
        "rekeys_requested": 2,
        "rekeys_done": 2,
        "settled": True,
    }


async def test_an_agent_of_the_release_before_goes_on_as_ever(
    api: Operator, controller: ControllerProcess
) -> None:
    """It knows neither orders in requests and replies, nor the fields of the report."""
    host = controller.enrol("a1")
    old = host.report(state=agent_pb2.HOST_STATE_TUNNELING)
    async with controller.connect(host.credentials) as connection:
        await connection.report(old)
        ordered(api, "down", ["a1"])
        async with contextlib.aclosing(connection.watch(0, 0)) as stream:
            heard = [await soon(stream), await soon(stream)]
    old_reply = agent_pb2.WatchReply.FromString(heard[0].SerializeToString())
    assert old_reply.WhichOneof("update") not in ("snapshot", "delta"), "to it this says nothing"
    assert heard[1].HasField("snapshot")
    peer = api.get(f"/networks/{NET}/peers/a1").json()
    assert (peer["state"], peer["control"]["settled"]) == ("tunneling", False)


def test_an_order_to_a_host_that_was_never_there_is_kept_for_it(api: Operator) -> None:
    assert api.post(f"/networks/{NET}/peers", json={"host": "late"}).status_code == 201
    assert ordered(api, "down", None)["hosts"] == ["late"]
    assert not control(api, "late")["settled"]


def test_many_hosts_are_ordered_at_once(api: Operator) -> None:
    names = [f"h{number:03}" for number in range(90)]
    for name in names:
        assert api.post(f"/networks/{NET}/peers", json={"host": name}).status_code == 201
    assert ordered(api, "rekey", None)["hosts"] == names
    requested = {p["control"]["rekeys_requested"] for p in api.get(f"/networks/{NET}/peers").json()["peers"]}
    assert requested == {1}


async def test_removal_forgets_orders(api: Operator, controller: ControllerProcess) -> None:
    await controller.report(controller.enrol("a1"))
    ordered(api, "down", ["a1"])
    assert api.delete(f"/networks/{NET}/peers/a1").status_code == 204
    await controller.report(controller.enrol("a1"))
    assert control(api, "a1")["desired"] == "up"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"action": "sleep"}, 400, "action"),
        ({"action": "up", "hosts": "a1"}, 400, "hosts"),
        ({"action": "up", "host": ["a1"]}, 400, "host: Extra"),
        ({"action": "down", "hosts": ["a1", "a9"]}, 404, "'a9' is not in network demo"),
        ({"action": "down", "hosts": ["a1", "laptop"]}, 409, "laptop"),
    ],
)
def test_orders_that_cannot_be(api: Operator, body: dict[str, Any], status: int, told: str) -> None:
    key = "aGVsbG8gdGhpcyBpcyBhIHB1YmxpYyBrZXkgb2YgMzI="
    assert api.post(f"/networks/{NET}/peers", json={"host": "a1"}).status_code == 201
    laptop = {"host": "laptop", "public_key": key}
    assert api.post(f"/networks/{NET}/peers", json=laptop).status_code == 201
    refused(api.post(CONTROL, json=body), status, told)
    assert control(api, "a1")["desired"] == "up", "nobody is ordered anything then"
    assert ordered(api, "down", None)["hosts"] == ["a1"]


def test_orders_in_a_network_that_is_not_there(api: Operator) -> None:
    refused(api.post("/networks/lost/control", json={"action": "up"}), 404, "lost")
