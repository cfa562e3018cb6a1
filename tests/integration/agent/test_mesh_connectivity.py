# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Connectivity tests done by real agents over the real overlay."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.integration.agent.internet import NETWORK, Host, Internet
from tests.integration.datapath.namespaces import eventually

TESTS = f"/v1/networks/{NETWORK}/tests"


def run_test(world: Internet, **body: Any) -> dict[str, Any]:
    """A test from beginning to end."""
    status, test = world.call("POST", TESTS, body)
    assert status == 202, test

    def is_done() -> bool:
        test.update(world.call("GET", f"{TESTS}/{test['id']}")[1])
        return bool(test["state"] == "done")

    eventually("the test is done", is_done, body.get("timeout_s", 10) + 5.0)
    return dict(test)


def test_all_reach_all(world: Internet) -> None:
    start_s = time.monotonic()
    test = run_test(world, timeout_s=20)
    assert time.monotonic() - start_s < 5, "who has all answers does not wait for the time to be over"
    assert (test["reachable"], test["total"], test["missing"]) == (6, 6, [])
    for result in test["results"]:
        assert result["error"] == ""
        assert result["address"] == world.hosts[result["host"]].address
        assert all(0 < pair["rtt_ms"] < 1000 for pair in result["pairs"])


@pytest.fixture
def a1_down(world: Internet, a1: Host) -> Any:
    control = f"/v1/networks/{NETWORK}/control"
    world.call("POST", control, {"action": "down", "hosts": ["a1"]})
    eventually("a1 is down", lambda: world.peer("a1")["control"]["settled"])
    yield
    world.call("POST", control, {"action": "up", "hosts": ["a1"]})
    eventually("a1 is up", lambda: world.peer("a1")["control"]["settled"])


@pytest.mark.usefixtures("a1_down")
def test_who_is_down_says_so_and_is_not_reached(world: Internet) -> None:
    test = run_test(world, timeout_s=5)
    errors = {result["host"]: result["error"] for result in test["results"]}
    assert "action up" in errors["a1"]
    assert (errors["b1"], errors["c1"]) == ("", "")
    assert (test["reachable"], test["total"]) == (2, 4)
    unreached = {p["host"] for r in test["results"] for p in r["pairs"] if not p["reachable"]}
    assert unreached == {"a1"}


def test_who_is_dead_is_missing_and_holds_nobody_up(world: Internet, a1: Host) -> None:
    a1.agent.kill()
    try:
        test = run_test(world, timeout_s=2)
        assert test["missing"] == ["a1"]
        assert (test["reachable"], test["total"]) == (2, 4)
    finally:
        a1.agent.start()
