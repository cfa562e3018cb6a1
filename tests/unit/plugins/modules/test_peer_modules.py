# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The modules about the peers of a network, run whole against an HTTPS server that speaks the API."""

from __future__ import annotations

from functools import partial

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.modules import (
    connectivity_test,
    network_control,
    peer,
    peer_info,
)
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins import peer_documents
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.peer_documents import KEY, OTHER_KEY

NETWORK = {"name": "demo", "cidr": "10.112.0.0/24", "mtu": 0}
A1 = {
    **peer_documents.A1,
    "state": "tunneling",
    "connected": True,
    "mtu": 1420,
    "cloud": {"provider": "aws"},
    "control": {"desired": "up", "rekeys_requested": 0, "rekeys_done": 0, "settled": True},
}
B1 = {**A1, "host": "b1", "state": "failed", "connected": False, "cloud": {"provider": "gcp"}}
LAPTOP = {
    **A1,
    "host": "laptop",
    "managed": False,
    "address": "10.112.0.9",
    "public_key": KEY,
    "endpoint": None,
    "state": "unmanaged",
    "connected": False,
    "cloud": {"provider": ""},
}
ABSENT = (404, {"error": {"code": "not_found", "message": "It is not there."}})
PEERS = "/v1/networks/demo/peers"


@pytest.fixture
def run(run):
    """Runs a module on the network; returns its result."""
    return partial(run, network="demo")


@pytest.fixture(autouse=True)
def demo(server) -> None:
    server.answers["GET", "/v1/networks/demo"] = (200, NETWORK)
    server.answers["GET", PEERS] = (200, {"peers": [LAPTOP, B1, A1]})
    for each in (A1, B1, LAPTOP):
        server.answers["GET", f"{PEERS}/{each['host']}"] = (200, each)


def written(server) -> list[tuple[str, str, object]]:
    return [
        (request["method"], request["path"], request["body"])
        for request in server.requests
        if request["method"] != "GET"
    ]


@pytest.mark.parametrize("check", [True, False])
def test_place_is_kept_for_a_host(server, run, check) -> None:
    server.answers["GET", f"{PEERS}/db1"] = ABSENT
    server.answers["POST", PEERS] = (201, {**A1, "host": "db1", "address": "10.112.0.7", "static": True})
    options = {"host": "db1", "address": "10.112.0.7", "details": {"zone": "a"}}
    result = run(peer, check=check, **options)
    assert result["changed"] is True
    assert (result["peer"]["address"], result["peer"]["static"]) == ("10.112.0.7", True)
    assert result["diff"]["after"] == {**options, "static": True}
    assert written(server) == ([] if check else [("POST", PEERS, options)])
    assert "wireguard_config" not in result


def test_unmanaged_peer_is_made_fixed_and_gets_its_configuration(server, run) -> None:
    server.answers["GET", f"{PEERS}/laptop"] = ABSENT
    server.answers["GET", PEERS] = (200, {"peers": [A1]})
    server.answers["POST", PEERS] = (201, LAPTOP)
    server.answers["PATCH", f"{PEERS}/laptop"] = (200, {**LAPTOP, "static": True})
    result = run(peer, host="laptop", public_key=KEY, static=True)
    assert written(server) == [
        ("POST", PEERS, {"host": "laptop", "public_key": KEY}),
        ("PATCH", f"{PEERS}/laptop", {"static": True}),
    ]
    assert "Address = 10.112.0.9/32" in result["wireguard_config"]
    assert f"PublicKey = {OTHER_KEY}" in result["wireguard_config"]


def test_unmanaged_peer_that_is_as_wanted_gets_its_configuration_in_check_mode_too(server, run) -> None:
    result = run(peer, check=True, host="laptop", public_key=KEY)
    assert result["changed"] is False
    assert "AllowedIPs = 10.112.0.1/32" in result["wireguard_config"]


@pytest.mark.parametrize("check", [True, False])
def test_host_moves(server, run, check) -> None:
    server.answers["PATCH", f"{PEERS}/a1"] = (200, {**A1, "address": "10.112.0.7", "static": True})
    result = run(peer, check=check, host="a1", address="10.112.0.7")
    assert (result["changed"], result["peer"]["address"]) == (True, "10.112.0.7")
    assert result["diff"]["before"] == {"address": "10.112.0.1", "static": False}
    moved = {"address": "10.112.0.7", "static": True}
    assert written(server) == ([] if check else [("PATCH", f"{PEERS}/a1", moved)])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"host": "a1", "address": "10.112.0.9"}, "conflict"),
        ({"host": "a1", "address": "10.112.1.9"}, "invalid_input"),
        ({"host": "a1", "public_key": KEY}, "conflict"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_be_is_refused_before_anything_is_written(server, run, options, code, check) -> None:
    assert run(peer, check=check, **options)["error"]["code"] == code
    assert written(server) == []


def test_peer_of_a_network_that_does_not_exist_is_refused_in_check_mode(server, run) -> None:
    server.answers["GET", "/v1/networks/demo"] = server.answers["GET", f"{PEERS}/db1"] = ABSENT
    assert run(peer, check=True, host="db1")["error"]["code"] == "not_found"


@pytest.mark.parametrize("check", [True, False])
def test_peer_is_taken_out(server, run, check) -> None:
    server.answers["DELETE", f"{PEERS}/a1"] = (204, b"")
    result = run(peer, check=check, host="a1", state="absent")
    assert (result["changed"], "peer" in result) == (True, False)
    assert written(server) == ([] if check else [("DELETE", f"{PEERS}/a1", None)])


def test_peer_that_is_not_there_is_absent(server, run) -> None:
    server.answers["GET", f"{PEERS}/a1"] = ABSENT
    assert run(peer, host="a1", state="absent")["changed"] is False


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({}, ["a1", "b1", "laptop"]),
        ({"host": "b1"}, ["b1"]),
        ({"states": ["failed", "unmanaged"]}, ["b1", "laptop"]),
        ({"connected": False}, ["b1", "laptop"]),
        ({"connected": False, "managed": True}, ["b1"]),
        ({"providers": ["aws", "azure"]}, ["a1"]),
        ({"host": "b1", "connected": True}, []),
        ({"states": []}, []),
    ],
)
def test_peers_that_pass_the_filters(run, options, hosts) -> None:
    result = run(peer_info, **options)
    assert [each["host"] for each in result["peers"]] == hosts
    assert result["changed"] is False


def test_peer_that_does_not_exist_is_no_error_but_its_network_is(server, run) -> None:
    server.answers["GET", f"{PEERS}/z1"] = ABSENT
    assert run(peer_info, host="z1")["peers"] == []
    assert run(peer_info, host="z1", wireguard_config=True)["error"]["code"] == "not_found"
    server.answers["GET", "/v1/networks/demo"] = ABSENT
    assert run(peer_info, host="z1")["error"]["code"] == "not_found"


def test_configuration_of_an_unmanaged_peer(run) -> None:
    assert (
        "Address = 10.112.0.9/32" in run(peer_info, host="laptop", wireguard_config=True)["wireguard_config"]
    )
    assert run(peer_info, host="a1", wireguard_config=True)["error"]["code"] == "conflict"
    assert "wireguard_config" not in run(peer_info, host="laptop")
    assert "host" in run(peer_info, wireguard_config=True)["msg"]


def test_hosts_that_are_wanted_down_already_are_not_asked(server, run) -> None:
    down = {**A1, "control": {**A1["control"], "desired": "down"}}
    server.answers["GET", PEERS] = (200, {"peers": [down, LAPTOP]})
    result = run(network_control, state="down")
    assert (result["changed"], result["hosts"], result["settled"]) == (False, ["a1"], ["a1"])
    assert written(server) == []


@pytest.mark.parametrize(
    ("state", "action", "hosts"),
    [("down", "down", ["a1"]), ("rekeyed", "rekey", ["a1"]), ("down", "down", None)],
)
def test_hosts_are_asked_and_those_away_are_named(server, run, state, action, hosts) -> None:
    server.answers["POST", "/v1/networks/demo/control"] = (
        202,
        {"action": action, "hosts": [], "revision": 7},
    )
    away = {**B1, "control": {**B1["control"], "settled": False}}
    server.answers["GET", PEERS] = (200, {"peers": [A1, away]})
    result = run(network_control, state=state, hosts=hosts)
    assert written(server) == [("POST", "/v1/networks/demo/control", {"action": action, "hosts": hosts})]
    assert (result["changed"], result["settled"]) == (True, ["a1"])
    assert result["pending"] == ([] if hosts else ["b1"])


def test_hosts_that_need_too_long_are_a_failure(server, run) -> None:
    late = {**A1, "control": {**A1["control"], "desired": "down", "settled": False}}
    server.answers["GET", PEERS] = (200, {"peers": [late]})
    result = run(network_control, state="down", wait_timeout=0)
    assert result["error"]["code"] == "unavailable"
    assert "a1 (tunneling)" in result["msg"]
    unwaited = run(network_control, state="down", wait=False)
    assert (unwaited["changed"], unwaited["pending"]) == (False, ["a1"])


def test_control_in_check_mode_asks_nobody(server, run) -> None:
    result = run(network_control, check=True, state="down", hosts=["a1"])
    assert result["changed"] is True
    assert result["diff"]["after"] == {"a1": {"desired": "down"}}
    assert written(server) == []
    assert run(network_control, check=True, state="down", hosts=["z1"])["error"]["code"] == "not_found"


def made_test(**changes) -> dict:
    pair = {"host": "b1", "address": "10.112.0.2", "reachable": False, "rtt_ms": None}
    results = [{"host": "a1", "address": "10.112.0.1", "error": "", "pairs": [pair]}]
    return {
        "id": "t1",
        "network": "demo",
        "state": "done",
        "hosts": ["a1"],
        "results": results,
        "missing": [],
        "reachable": 0,
        "total": 1,
        **changes,
    }


@pytest.mark.parametrize("check", [True, False])
def test_unreachable_hosts_fail_and_are_named(server, run, check) -> None:
    server.answers["POST", "/v1/networks/demo/tests"] = (202, made_test(state="running"))
    server.answers["GET", "/v1/networks/demo/tests/t1"] = (200, made_test())
    result = run(connectivity_test, check=check, hosts=["a1"], count=5, wait_timeout=20)
    spec = {"hosts": ["a1"], "count": 5, "timeout_s": 20}
    assert written(server) == [("POST", "/v1/networks/demo/tests", spec)]
    assert result["failed"] is True
    assert result["changed"] is False
    assert "1 of 1 pairs are unreachable: a1 to b1." in result["msg"]
    assert result["matrix"] == {"a1": {"b1": None}}
    tolerant = run(connectivity_test, check=check, fail_on_unreachable=False)
    assert "failed" not in tolerant
    assert tolerant["unreachable"] == result["unreachable"] != []


def test_laptop_that_sleeps_is_no_failure_unless_it_counts(server, run) -> None:
    pair = {"host": "laptop", "address": "10.112.0.9", "reachable": False, "rtt_ms": None}
    results = [{"host": "a1", "address": "10.112.0.1", "error": "", "pairs": [pair]}]
    server.answers["POST", "/v1/networks/demo/tests"] = (202, made_test(state="running"))
    server.answers["GET", "/v1/networks/demo/tests/t1"] = (200, made_test(results=results))
    assert (run(connectivity_test)["total"], "failed" in run(connectivity_test)) == (0, False)
    assert "a1 to laptop" in run(connectivity_test, include_unmanaged=True)["msg"]
