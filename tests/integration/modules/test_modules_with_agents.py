# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the modules ask for happens: real ansible, controller, etcd agents, and a real WireGuard client."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.internet import NETWORK, Host, Internet, mesh
from tests.integration.datapath.namespaces import Namespace, eventually
from tests.integration.modules.real_controller import Result, run_module

JOIN_DEADLINE_S = 15.0
LOST_DEADLINE_S = 30.0
COMMAND_DEADLINE_S = 20.0
NEW_ADDRESS = "10.77.0.200"

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    yield from mesh(tmp_path_factory.mktemp("internet"), ("a1", "b1"), JOIN_DEADLINE_S)


@pytest.fixture
def run(world: Internet) -> Run:
    """Runs a module on the controller's host, with the options that a playbook gives there."""
    state = world.folder / "controller"
    connection = {"api_token_file": str(state / "admin.token"), "ca_path": str(state / "pki" / "ca.crt")}

    def run_on_controller(module: str, *flags: str, **options: Any) -> Result:
        return run_module(module, {**connection, "network": NETWORK, **options}, *flags, inside=world.middle)

    return run_on_controller


@pytest.fixture(autouse=True)
def all_is_well(a1: Host, b1: Host) -> Iterator[None]:
    """Each test leaves the network as whole as it found it."""
    yield
    for host in (a1, b1):
        host.until_it_tunnels(JOIN_DEADLINE_S)
    eventually("b1 reaches a1", lambda: b1.namespace.pings(a1.address), JOIN_DEADLINE_S)


def test_host_moves_to_its_fixed_address(run: Run, a1: Host, b1: Host) -> None:
    old_address = a1.address
    moved = run("peer", "--diff", host="a1", address=NEW_ADDRESS)
    assert (moved["changed"], moved["peer"]["address"], moved["peer"]["static"]) == (True, NEW_ADDRESS, True)
    eventually("a1 has moved", lambda: a1.address == NEW_ADDRESS, JOIN_DEADLINE_S)
    eventually("b1 reaches it there", lambda: b1.namespace.pings(NEW_ADDRESS), JOIN_DEADLINE_S)
    assert not b1.namespace.pings(old_address)
    assert run("peer", host="a1", address=NEW_ADDRESS)["changed"] is False
    refused = run("peer", "--check", host="b1", address=NEW_ADDRESS)
    assert refused["error"]["code"] == "conflict"
    assert run("peer", host="a1", static=False)["peer"]["address"] == NEW_ADDRESS


def test_host_goes_down_and_up(run: Run, a1: Host, b1: Host) -> None:
    assert b1.namespace.pings(a1.address)
    down = run("network_control", state="down", hosts=["a1"])
    assert (down["changed"], down["settled"], down["pending"]) == (True, ["a1"], [])
    assert not b1.namespace.pings(a1.address)
    (known,) = run("peer_info", states=["released"], connected=True)["peers"]
    assert (known["host"], known["address"]) == ("a1", a1.address)
    assert run("network_control", state="down", hosts=["a1"])["changed"] is False

    up = run("network_control", state="up")
    assert (up["changed"], up["hosts"], up["settled"]) == (True, ["a1", "b1"], ["a1", "b1"])
    eventually("b1 reaches a1", lambda: b1.namespace.pings(a1.address), JOIN_DEADLINE_S)
    assert run("network_control", state="up")["changed"] is False


def test_host_that_is_away_follows_when_it_is_back(run: Run, world: Internet, b1: Host) -> None:
    b1.agent.kill()
    eventually("b1 is missed", lambda: not world.peer("b1")["connected"], LOST_DEADLINE_S)
    asked = run("network_control", state="down", hosts=["b1"])
    assert (asked["changed"], asked["pending"]) == (True, ["b1"])
    b1.agent.start()
    eventually("b1 is down", lambda: world.peer("b1")["state"] == "released", JOIN_DEADLINE_S)
    assert run("network_control", state="up", hosts=["b1"])["settled"] == ["b1"]


def test_hosts_get_new_keys(run: Run) -> None:
    before = keys(run)
    assert run("network_control", state="rekeyed")["settled"] == ["a1", "b1"]
    after = keys(run)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert run("network_control", "--check", state="rekeyed")["changed"] is True
    assert keys(run) == after


def keys(run: Run) -> dict[str, str]:
    return {peer["host"]: peer["public_key"] for peer in run("peer_info", managed=True)["peers"]}


def test_connectivity_is_what_it_is(run: Run) -> None:
    whole = run("connectivity_test", count=2)
    assert (whole["reachable"], whole["total"], whole["missing"]) == (2, 2, [])
    assert 0 < whole["matrix"]["a1"]["b1"] < 1000

    run("network_control", state="down", hosts=["b1"])
    broken = run("connectivity_test", count=2, wait_timeout=5)
    assert "is not whole" in broken["msg"]
    assert ("a1", "b1") in [(pair["host"], pair["peer"]) for pair in broken["unreachable"]]
    tolerated = run("connectivity_test", hosts=["a1"], count=1, wait_timeout=5, fail_on_unreachable=False)
    assert (tolerated["changed"], tolerated["matrix"]) == (False, {"a1": {"b1": None}})
    run("network_control", state="up", hosts=["b1"])


def test_standard_wireguard_client_works_with_what_it_is_given(
    run: Run, world: Internet, a1: Host, b1: Host, tmp_path: Path
) -> None:
    private = wg("genkey")
    made = run("peer", host="laptop", public_key=wg("pubkey", private))
    namespace = world.add_host("laptop", 99).namespace
    try:
        with wg_quick(namespace, made["wireguard_config"], private, tmp_path):
            for host in (a1, b1):
                assert namespace.ping(host.address)
                assert host.namespace.ping(made["peer"]["address"])
    finally:
        removed = run("peer", host="laptop", state="absent")
    assert removed["changed"] is True
    assert run("peer_info", managed=False)["peers"] == []


@contextmanager
def wg_quick(namespace: Namespace, configuration: str, private: str, folder: Path) -> Iterator[None]:
    """What a person does with the configuration: puts in the private key and brings it up."""
    file = folder / f"lap{os.getpid()}.conf"
    lines = configuration.splitlines()
    (comment,) = [line for line in lines if line.startswith("# PrivateKey")]
    lines[lines.index(comment)] = f"PrivateKey = {private}"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines))
    namespace.run("wg-quick", "up", str(file))
    try:
        yield
    finally:
        namespace.run("wg-quick", "down", str(file))


def wg(command: str, said: str = "") -> str:
    done = subprocess.run(
        ["wg", command], input=said, capture_output=True, text=True, timeout=COMMAND_DEADLINE_S, check=True
    )
    return done.stdout.strip()
