# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The modules that talk to a controller, run whole against an HTTPS server that speaks its API."""

from __future__ import annotations

import json

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.modules import (
    connectivity_test,
    enrolment_token,
    network,
    network_control,
    network_info,
    peer,
    peer_info,
)

DEMO = {"name": "demo", "cidr": "10.112.0.0/24", "description": "", "mtu": 0, "quarantine_s": 300, "peers": 0}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch) -> None:
    for name in ("API_URL", "API_TOKEN", "API_TOKEN_FILE", "CA_PATH", "VALIDATE_CERTS", "TIMEOUT"):
        monkeypatch.delenv(f"CLADNET_{name}", raising=False)


def requested(server) -> list[str]:
    return [f"{request['method']} {request['path']}" for request in server.requests]


@pytest.mark.parametrize("check", [True, False])
def test_network_is_made(server, run, check) -> None:
    server.answers["GET", "/v1/networks/demo"] = (404, {"error": {"code": "not_found", "message": "No."}})
    server.answers["POST", "/v1/networks"] = (201, DEMO)
    result = run(network, check=check, name="demo", cidr="10.112.0.0/24")
    assert result["changed"] is True
    assert result["network"]["cidr"] == "10.112.0.0/24"
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"] == {"name": "demo", "cidr": "10.112.0.0/24"}
    assert ("POST /v1/networks" in requested(server)) is not check


def test_network_that_is_as_wanted_stays(server, run) -> None:
    server.answers["GET", "/v1/networks/demo"] = (200, DEMO)
    result = run(network, name="demo", cidr="10.112.0.0/24", disjoint_from=["10.1.0.0/16"])
    assert (result["changed"], result["network"]) == (False, DEMO)
    assert requested(server) == ["GET /v1/networks/demo"]


@pytest.mark.parametrize("check", [True, False])
def test_network_is_changed(server, run, check) -> None:
    server.answers["GET", "/v1/networks/demo"] = (200, DEMO)
    server.answers["PATCH", "/v1/networks/demo"] = (200, {**DEMO, "mtu": 1300})
    result = run(network, check=check, name="demo", mtu=1300)
    assert (result["changed"], result["network"]["mtu"]) == (True, 1300)
    assert (result["diff"]["before"], result["diff"]["after"]) == ({"mtu": 0}, {"mtu": 1300})
    assert ("PATCH /v1/networks/demo" in requested(server)) is not check


@pytest.mark.parametrize("check", [True, False])
def test_network_is_removed(server, run, check) -> None:
    server.answers["GET", "/v1/networks/demo"] = (200, {**DEMO, "peers": 2})
    server.answers["DELETE", "/v1/networks/demo?force=true"] = (204, b"")
    result = run(network, check=check, name="demo", state="absent", force=True)
    assert result["changed"] is True
    assert "network" not in result
    assert ("DELETE /v1/networks/demo?force=true" in requested(server)) is not check


@pytest.mark.parametrize("check", [True, False])
def test_refused_removal_says_what_to_do(server, run, check) -> None:
    server.answers["GET", "/v1/networks/demo"] = (200, {**DEMO, "peers": 2})
    result = run(network, check=check, name="demo", state="absent")
    assert result["failed"] is True
    assert result["error"]["code"] == "conflict"
    assert "still has 2 peers" in result["msg"]
    assert "set force" in result["msg"]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (network, {"name": "demo"}),
        (network_info, {"name": "demo"}),
        (enrolment_token, {"network": "demo", "host": "a1"}),
        (peer, {"network": "demo", "host": "a1"}),
        (peer_info, {"network": "demo"}),
        (network_control, {"network": "demo", "state": "up"}),
        (connectivity_test, {"network": "demo"}),
    ],
)
def test_missing_token_is_said_before_anything_is_asked(server, run, module, options) -> None:
    result = run(module, connection={"api_url": server.url}, **options)
    assert "api_token, api_token_file" in result["msg"]
    assert server.requests == []


def test_one_of_two_tokens_is_needed(server, run) -> None:
    result = run(network_info, connection={"api_url": server.url})
    assert "api_token, api_token_file" in result["msg"]


def test_connection_from_the_environment(server, run, monkeypatch, tmp_path) -> None:
    token_file = tmp_path / "admin.token"
    token_file.write_text("from-environment\n")
    monkeypatch.setenv("CLADNET_API_URL", server.url)
    monkeypatch.setenv("CLADNET_API_TOKEN_FILE", str(token_file))
    monkeypatch.setenv("CLADNET_CA_PATH", str(server.ca_path))
    server.answers["GET", "/v1/networks"] = (200, {"networks": []})
    assert run(network_info, connection={})["networks"] == []
    assert server.requests[0]["authorization"] == "Bearer from-environment"


def test_trust_and_patience_from_the_environment(server, run, monkeypatch) -> None:
    server.answers["GET", "/v1/networks"] = (200, {"networks": []})
    untrusted = {"api_url": server.url, "api_token": "secret"}
    assert "not trusted" in run(network_info, connection=untrusted)["msg"]
    monkeypatch.setenv("CLADNET_VALIDATE_CERTS", "false")
    assert run(network_info, connection=untrusted)["networks"] == []
    monkeypatch.setenv("CLADNET_TIMEOUT", "soon")
    assert "soon" in run(network_info, connection=untrusted)["msg"]


def test_info_about_all_networks_and_their_peers_in_order(server, run) -> None:
    server.answers["GET", "/v1/networks"] = (200, {"networks": [{"name": "b"}, {"name": "a"}]})
    server.answers["GET", "/v1/networks/a/peers"] = (200, {"peers": [{"host": "y"}, {"host": "x"}]})
    server.answers["GET", "/v1/networks/b/peers"] = (200, {"peers": []})
    result = run(network_info, peers=True)
    assert result["changed"] is False
    assert result["networks"] == [{"name": "a"}, {"name": "b"}]
    assert result["peers"] == [{"network": "a", "host": "x"}, {"network": "a", "host": "y"}]
    assert "peers" not in run(network_info)


def test_info_about_a_network_that_does_not_exist_is_empty(server, run) -> None:
    server.answers["GET", "/v1/networks/demo"] = (404, {"error": {"code": "not_found", "message": "No."}})
    result = run(network_info, name="demo", peers=True)
    assert (result["networks"], result["peers"]) == ([], [])


def test_enrolment_token(server, run) -> None:
    made = {"token": "once", "expires_in_s": 600, "network": "demo", "host": "a1"}
    server.answers["POST", "/v1/networks/demo/enrolments"] = (201, made)
    result = run(enrolment_token, network="demo", host="a1")
    assert {key: result[key] for key in made} == made
    assert result["changed"] is True


def test_enrolment_token_in_check_mode_is_none(server, run) -> None:
    result = run(enrolment_token, check=True, network="demo", host="a1")
    assert (result["changed"], "token" in result) == (True, False)
    assert server.requests == []


def test_token_of_the_api_is_in_no_result(server, run) -> None:
    server.answers["GET", "/v1/networks"] = (
        401,
        {"error": {"code": "unauthorized", "message": "Unknown: secret."}},
    )
    assert "secret" not in json.dumps(run(network_info))
