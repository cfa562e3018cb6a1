# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Handing events to the rules."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Outlet


async def put(limit: list[str], host: str = "a1", identity: str = "x") -> dict[str, Any]:
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await Outlet(queue, limit).put("cladnet", {"type": "peer_lost"}, host=host, identity=identity)
    return queue.get_nowait()


@pytest.mark.parametrize(
    ("limit", "host", "hosts"),
    [
        (["{host}"], "a1", ["a1"]),
        (["{host}", "cladnet_controllers"], "a1", ["a1", "cladnet_controllers"]),
        ([], "a1", None),
        (["{host}", "localhost"], "", None),
    ],
)
async def test_hosts_are_those_of_the_limit(limit: list[str], host: str, hosts: list[str] | None) -> None:
    event = await put(limit, host)
    assert event["cladnet"] == {"type": "peer_lost"}
    assert event["meta"].get("hosts") == hosts


async def test_uuid_is_that_of_the_identity() -> None:
    uuids = [(await put([], identity=identity))["meta"]["uuid"] for identity in ("x", "x", "y")]
    assert uuids[0] == uuids[1] != uuids[2]


async def test_feedback_is_waited_for() -> None:
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    feedback: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    task = asyncio.create_task(Outlet(queue, [], feedback).put("cladnet", {}, host="", identity="x"))
    event = await asyncio.wait_for(queue.get(), 5)
    await asyncio.sleep(0)
    assert not task.done()
    await feedback.put(event)
    await asyncio.wait_for(task, 5)
