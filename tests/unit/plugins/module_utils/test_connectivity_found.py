# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What is made of a test of connectivity."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils import _connectivity
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._connectivity import (
    complaint,
    spec_of_test,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    InvalidInput,
    Unavailable,
)


def connectivity(test: dict, *ignored_peers: str) -> dict:
    return _connectivity.connectivity(test, ignored_peers=set(ignored_peers))


def result(host: str, error: str = "", **round_trips_ms: float | None) -> dict:
    pairs = [
        {"host": peer, "address": f"of {peer}", "reachable": rtt_ms is not None, "rtt_ms": rtt_ms}
        for peer, rtt_ms in round_trips_ms.items()
    ]
    return {"host": host, "address": f"of {host}", "error": error, "pairs": pairs}


def made(*results: dict, missing: tuple[str, ...] = (), state: str = "done") -> dict:
    pings = [pair for each in results for pair in each["pairs"]]
    return {
        "id": "t1",
        "network": "demo",
        "state": state,
        "hosts": [*missing, *(each["host"] for each in results)],
        "results": list(results),
        "missing": list(missing),
        "reachable": sum(pair["reachable"] for pair in pings),
        "total": len(pings),
    }


def test_whole_network() -> None:
    found = connectivity(made(result("b1", a1=2.0), result("a1", b1=1.5)))
    assert found["matrix"] == {"a1": {"b1": 1.5}, "b1": {"a1": 2.0}}
    assert found["unreachable"] == found["missing"] == []
    assert (found["hosts"], found["reachable"], found["total"]) == (["a1", "b1"], 2, 2)
    assert found["pairs"][0] == {
        "host": "b1",
        "address": "of b1",
        "peer": "a1",
        "peer_address": "of a1",
        "reachable": True,
        "rtt_ms": 2.0,
    }
    assert complaint(found) == ""


def test_everything_that_is_wrong_is_named() -> None:
    found = connectivity(made(result("a1", b1=None, c1=1.0), result("b1", "It is down."), missing=("d1",)))
    assert [(pair["host"], pair["peer"]) for pair in found["unreachable"]] == [("a1", "b1")]
    assert found["errors"] == {"b1": "It is down."}
    said = complaint(found)
    assert "1 of 2 pairs are unreachable: a1 to b1." in said
    assert "did not answer in time: d1." in said
    assert "could not test: b1: It is down." in said


def test_peers_that_do_not_count_are_left_out() -> None:
    test = made(result("a1", b1=1.0, laptop=None))
    found = connectivity(test, "laptop")
    assert (found["reachable"], found["total"], found["matrix"]) == (1, 1, {"a1": {"b1": 1.0}})
    assert complaint(found) == ""
    assert "a1 to laptop" in complaint(connectivity(test))


def test_nobody_who_could_test_is_no_success() -> None:
    assert complaint(connectivity(made())) == "No host has joined that could test."


def test_many_are_counted() -> None:
    dark = {f"h{number}": None for number in range(8)}
    assert "h4 and 3 more." in complaint(connectivity(made(result("a1", **dark))))


def test_test_that_never_ends_is_no_result() -> None:
    with pytest.raises(Unavailable, match="Test t1 of network demo did not end"):
        connectivity(made(state="running"))


@pytest.mark.parametrize(
    ("count", "timeout_s", "told"),
    [
        (0, 10, "count is 0: give 1 to 20"),
        (21, 10, "count is 21"),
        (3, 0, "wait_timeout is 0: give 1 to 60 seconds"),
        (3, 61, "wait_timeout is 61"),
    ],
)
def test_numbers_out_of_range_are_told_by_the_names_of_the_options(count, timeout_s, told) -> None:
    with pytest.raises(InvalidInput, match=told):
        spec_of_test(None, count, timeout_s)
