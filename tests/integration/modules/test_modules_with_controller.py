# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The modules in the rhythm of their life, by the real ansible against a real controller over a real etcd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils import _connectivity

from cladnet.core import connectivity
from tests.integration.modules.real_controller import RealController, Result, real_controller, run_module

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealController]:
    with real_controller(tmp_path_factory.mktemp("controller")) as running:
        yield running


@pytest.fixture
def run(controller: RealController) -> Run:
    def run_with_connection(module: str, *flags: str, **options: object) -> Result:
        return run_module(module, {**controller.connection, **options}, *flags)

    return run_with_connection


def test_life_of_a_network(run: Run) -> None:
    wanted = {"name": "life", "cidr": "10.112.0.0/24"}

    missing = run("network", cidr="10.112.0.0/24")
    assert "missing required arguments: name" in missing["msg"]
    without_space = run("network", name="life")
    assert without_space["error"]["code"] == "invalid_input"

    planned = run("network", "--check", "--diff", **wanted)
    assert planned["changed"] is True
    assert "+++ after: network life" in planned.output
    assert '+    "cidr": "10.112.0.0/24"' in planned.output
    assert run("network_info", name="life")["networks"] == []

    made = run("network", **wanted)
    assert made["changed"] is True
    assert made["network"]["addresses_free"] == made["network"]["addresses_total"] == 254

    again = run("network", **wanted)
    assert (again["changed"], again["network"]) == (False, made["network"])

    changed = run(
        "network",
        "--diff",
        name="life",
        description="for tests",
        mtu=1300,
        quarantine_s=1,
        cipher="aes-256-gcm",
    )
    assert changed["changed"] is True
    assert '-    "mtu": 0' in changed.output
    assert '+    "mtu": 1300' in changed.output
    assert '+    "cipher": "aes-256-gcm"' in changed.output
    assert (changed["network"]["mtu"], changed["network"]["cipher"]) == (1300, "aes-256-gcm")
    assert run("network", name="life", description="for tests", mtu=1300)["changed"] is False

    moved = run("network", name="life", cidr="10.48.0.0/23")
    assert moved["network"]["cidr"] == "10.48.0.0/23"

    removal = run("network", "--check", name="life", state="absent")
    assert removal["changed"] is True
    assert [network["name"] for network in run("network_info")["networks"]] == ["life"]
    assert run("network", name="life", state="absent")["changed"] is True
    assert run("network", name="life", state="absent")["changed"] is False


def test_network_with_a_peer(run: Run, controller: RealController) -> None:
    run("network", name="peers", cidr="10.113.0.0/24")

    planned = run("enrolment_token", "--check", network="peers", host="a1")
    assert planned["changed"] is True
    assert "token" not in planned
    token = run("enrolment_token", network="peers", host="a1")
    assert token["expires_in_s"] == 600
    controller.enrol(token["token"])

    info = run("network_info", name="peers", peers=True)
    assert info["networks"][0]["peers"] == 1
    assert [(peer["network"], peer["host"], peer["connected"]) for peer in info["peers"]] == [
        ("peers", "a1", False)
    ]

    for flags in ([], ["--check"]):
        assert "1 peers" in run("network", *flags, name="peers", cidr="10.114.0.0/24")["msg"]
        refused = run("network", *flags, name="peers", state="absent")
        assert refused["error"]["code"] == "conflict"
    assert run("network", name="peers", state="absent", force=True)["changed"] is True
    assert run("network_info", name="peers", peers=True)["peers"] == []


def test_what_the_controller_refuses_is_told_in_its_words(run: Run) -> None:
    host_bits = run("network", name="bits", cidr="10.112.0.5/24")
    assert "10.112.0.0/24" in host_bits["msg"]
    assert host_bits["error"]["code"] == "invalid_input"
    assert run("network", name="Bad Name", cidr="10.112.0.0/24")["error"]["code"] == "invalid_input"
    assert run("enrolment_token", network="nowhere", host="a1")["error"]["code"] == "not_found"


def test_overlap_with_a_host_is_told_before_anything_is_made(run: Run) -> None:
    refused = run(
        "network", name="overlap", cidr="10.112.0.0/24", disjoint_from=["10.1.0.0/16", "10.112.0.9"]
    )
    assert "overlaps 10.112.0.9." in refused["msg"]
    assert run("network_info", name="overlap")["networks"] == []


def test_wrong_token_and_wrong_authority(controller: RealController, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("wrong-token")
    unknown = run_module("network_info", {**controller.connection, "api_token_file": str(wrong)})
    assert unknown["error"]["code"] == "unauthorized"
    assert "wrong-token" not in unknown.output
    without_ca = {key: value for key, value in controller.connection.items() if key != "ca_path"}
    untrusted = run_module("network_info", without_ca)
    assert untrusted["error"]["code"] == "unavailable"
    assert "Give ca_path" in untrusted["msg"]
    nothing = run_module("network_info", {})
    assert "api_token" in nothing["msg"]


def test_administrators_token_is_never_shown(controller: RealController) -> None:
    token = Path(controller.connection["api_token_file"]).read_text().strip()
    options = {**controller.connection, "api_token": token, "name": "shown", "cidr": "10.115.0.0/24"}
    assert token not in run_module("network", options, "-vvv", "--diff").output


def test_limits_of_a_test_are_those_of_the_controller() -> None:
    assert (_connectivity.MAX_COUNT, _connectivity.MAX_TIMEOUT_S) == (
        connectivity.MOST_COUNT,
        connectivity.MOST_TIMEOUT_S,
    )
