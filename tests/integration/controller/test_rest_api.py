# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The REST API of a real controller over TLS: what it does, and each way in which it says no."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate

from cladnet.agent.identity import certificate_request, new_identity_key
from cladnet.core.identity import SpiffeId
from tests.integration.controller.controller_process import NET, ControllerProcess

SPEC = {"name": NET, "cidr": "10.99.0.0/24"}


@pytest.fixture
def api(shared_controller: ControllerProcess) -> Iterator[httpx.Client]:
    """The API for an administrator; networks that a test leaves are deleted."""
    with shared_controller.api() as api:
        yield api
        for network in api.get("/networks").json()["networks"]:
            assert api.delete(f"/networks/{network['name']}?force=true").status_code == 204


@pytest.fixture
def demo(api: httpx.Client) -> httpx.Client:
    """The API with a network in it."""
    assert api.post("/networks", json=SPEC).status_code == 201
    return api


def error(reply: httpx.Response, status: int, code: str) -> str:
    """Checks an error and returns what a person reads."""
    assert reply.status_code == status, reply.text
    assert set(reply.json()) == {"error"}
    assert set(reply.json()["error"]) == {"code", "message", "hint"}
    assert reply.json()["error"]["code"] == code
    return f"{reply.json()['error']['message']} {reply.json()['error']['hint']}"


def csr(host: str = "a1", key: bytes | None = None) -> str:
    return certificate_request(key or new_identity_key(), SpiffeId(NET, host)).decode()


def token(api: httpx.Client, host: str = "a1") -> str:
    reply = api.post(f"/networks/{NET}/enrolments", json={"host": host})
    assert reply.status_code == 201, reply.text
    assert reply.json() == {"token": reply.json()["token"], "expires_in_s": 600, "network": NET, "host": host}
    return str(reply.json()["token"])


def test_health_needs_no_token(shared_controller: ControllerProcess) -> None:
    with shared_controller.api("") as stranger:
        reply = stranger.get("/health")
    assert reply.status_code == 200
    health = reply.json()
    assert (health["status"], health["name"], health["etcd"]["reachable"]) == ("ok", "c1", True)
    assert int(health["etcd"]["cluster_id"], 16) > 0


def test_the_life_of_a_network(api: httpx.Client) -> None:
    made = api.post("/networks", json={**SPEC, "description": "erstes"})
    assert made.status_code == 201
    expected = {
        "name": NET,
        "cidr": "10.99.0.0/24",
        "description": "erstes",
        "mtu": 0,
        "rule_type": "basic",
        "quarantine_s": 300,
        "cipher": "auto",
        "peers": 0,
        "addresses_total": 254,
        "addresses_free": 254,
        "revision": made.json()["revision"],
    }
    assert made.json() == expected
    assert api.get(f"/networks/{NET}").json() == expected
    assert api.get("/networks").json() == {"networks": [expected]}
    changed = api.patch(f"/networks/{NET}", json={"mtu": 1300, "cidr": "10.98.0.0/16"}).json()
    assert (changed["mtu"], changed["cidr"], changed["description"]) == (1300, "10.98.0.0/16", "erstes")
    assert changed["revision"] > expected["revision"]
    assert api.patch(f"/networks/{NET}", json={}).json() == changed
    assert api.delete(f"/networks/{NET}").status_code == 204
    error(api.get(f"/networks/{NET}"), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "name: Field required"),
        ({"name": NET}, "cidr: Field required"),
        ({**SPEC, "name": "Demo"}, "'Demo'"),
        ({**SPEC, "name": 7}, "name: Input should be a valid string"),
        ({**SPEC, "cidr": "10.99.0.5/24"}, "The network is 10.99.0.0/24"),
        ({**SPEC, "cidr": "8.8.8.0/24"}, "private address space"),
        ({**SPEC, "cidr": "10.0.0.0/31"}, "/8 to /30"),
        ({**SPEC, "cidr": "2001:db8::/64"}, "no IPv4 network"),
        ({**SPEC, "cidr": "x"}, "'x'"),
        ({**SPEC, "mtu": 100}, "mtu 100"),
        ({**SPEC, "mtu": "1400"}, "mtu: Input should be a valid integer"),
        ({**SPEC, "mtu": True}, "mtu: Input should be a valid integer"),
        ({**SPEC, "rule_type": "fast"}, "'fast'"),
        ({**SPEC, "quarantine_s": -1}, "quarantine_s -1"),
        ({**SPEC, "cipher": "rot13"}, "use auto or chacha20-poly1305 or aes-256-gcm"),
        ({**SPEC, "descripton": "misspelt"}, "descripton: Extra inputs are not permitted"),
    ],
)
def test_networks_that_cannot_be(api: httpx.Client, body: dict[str, Any], told: str) -> None:
    assert told in error(api.post("/networks", json=body), 400, "invalid_input")
    assert api.get("/networks").json() == {"networks": []}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name":' * 1000])
def test_bodies_that_are_no_sense(api: httpx.Client, content: bytes) -> None:
    reply = api.post("/networks", content=content, headers={"Content-Type": "application/json"})
    error(reply, 400, "invalid_input")


def test_a_body_without_end_is_cut(api: httpx.Client) -> None:
    announced = api.post("/networks", content=b"x" * (2 << 20))
    assert "larger than" in error(announced, 400, "invalid_input")

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with contextlib.suppress(httpx.WriteError):  # the controller may end the connection while we still send
        error(api.post("/networks", content=endless()), 413, "invalid_input")


def test_a_second_network_of_one_name(demo: httpx.Client) -> None:
    assert NET in error(demo.post("/networks", json=SPEC), 409, "conflict")
    assert NET in error(demo.post("/networks", json={**SPEC, "cidr": "10.1.0.0/24"}), 409, "conflict")


def test_what_is_not_there(demo: httpx.Client) -> None:
    assert "lost" in error(demo.get("/networks/lost"), 404, "not_found")
    assert "lost" in error(demo.patch("/networks/lost", json={"mtu": 1400}), 404, "not_found")
    assert "lost" in error(demo.delete("/networks/lost"), 404, "not_found")
    assert "lost" in error(demo.get("/networks/lost/peers"), 404, "not_found")
    assert "lost" in error(demo.post("/networks/lost/enrolments", json={"host": "a1"}), 404, "not_found")
    assert "a9" in error(demo.get(f"/networks/{NET}/peers/a9"), 404, "not_found")
    assert "a9" in error(demo.delete(f"/networks/{NET}/peers/a9"), 404, "not_found")
    error(demo.get("/nothing"), 404, "not_found")
    error(demo.put("/networks", json={}), 405, "invalid_input")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/events"),
        ("GET", "/networks"),
        ("POST", "/networks"),
        ("GET", f"/networks/{NET}"),
        ("PATCH", f"/networks/{NET}"),
        ("DELETE", f"/networks/{NET}"),
        ("GET", f"/networks/{NET}/peers"),
        ("GET", f"/networks/{NET}/peers/a1"),
        ("POST", f"/networks/{NET}/peers"),
        ("PATCH", f"/networks/{NET}/peers/a1"),
        ("DELETE", f"/networks/{NET}/peers/a1"),
        ("POST", f"/networks/{NET}/enrolments"),
        ("POST", f"/networks/{NET}/control"),
        ("POST", f"/networks/{NET}/tests"),
        ("GET", f"/networks/{NET}/tests/0000"),
    ],
)
@pytest.mark.parametrize("shown", ["", "wrong"])
def test_nothing_without_the_token(
    shared_controller: ControllerProcess, method: str, path: str, shown: str
) -> None:
    with shared_controller.api(shown) as stranger:
        reply = stranger.request(method, path, json={} if method in {"POST", "PATCH"} else None)
    assert "token" in error(reply, 401, "unauthorized")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_every_operation_of_the_description_is_known_here(api: httpx.Client) -> None:
    """A new operation must be added to the list of what needs the token."""
    description = api.get("/openapi.json").json()
    validate(description)
    operations = {
        (method.upper(), path) for path, methods in description["paths"].items() for method in methods
    }
    assert operations == {
        ("GET", "/v1/health"),
        ("GET", "/v1/events"),
        ("POST", "/v1/enrol"),
        ("GET", "/v1/networks"),
        ("POST", "/v1/networks"),
        ("GET", "/v1/networks/{name}"),
        ("PATCH", "/v1/networks/{name}"),
        ("DELETE", "/v1/networks/{name}"),
        ("GET", "/v1/networks/{name}/peers"),
        ("POST", "/v1/networks/{name}/peers"),
        ("GET", "/v1/networks/{name}/peers/{host}"),
        ("PATCH", "/v1/networks/{name}/peers/{host}"),
        ("DELETE", "/v1/networks/{name}/peers/{host}"),
        ("POST", "/v1/networks/{name}/enrolments"),
        ("POST", "/v1/networks/{name}/control"),
        ("POST", "/v1/networks/{name}/tests"),
        ("GET", "/v1/networks/{name}/tests/{test_id}"),
    }


def test_an_enrolled_host_is_shown_before_its_first_report(demo: httpx.Client) -> None:
    reply = demo.post("/enrol", json={"token": token(demo), "csr_pem": csr()})
    assert reply.status_code == 200
    assert (reply.json()["network"], reply.json()["host"]) == (NET, "a1")
    (peer,) = demo.get(f"/networks/{NET}/peers").json()["peers"]
    assert (peer["host"], peer["address"], peer["state"]) == ("a1", None, "configuring")
    assert "has not reported" in peer["reason"]
    assert demo.get(f"/networks/{NET}/peers/a1").json() == peer
    assert demo.get(f"/networks/{NET}").json()["peers"] == 1
    assert "force" in error(demo.delete(f"/networks/{NET}"), 409, "conflict")
    error(demo.patch(f"/networks/{NET}", json={"cidr": "10.1.0.0/24"}), 409, "conflict")
    assert demo.delete(f"/networks/{NET}/peers/a1").status_code == 204
    assert demo.get(f"/networks/{NET}/peers").json() == {"peers": []}


@pytest.mark.parametrize("host", ["", "../x", "a b", "x" * 65, "-a"])
def test_hosts_that_cannot_be(demo: httpx.Client, host: str) -> None:
    error(demo.post(f"/networks/{NET}/enrolments", json={"host": host}), 400, "invalid_input")


async def test_of_many_who_have_the_token_one_gets_in(
    demo: httpx.Client, shared_controller: ControllerProcess
) -> None:
    secret = token(demo)
    requests = [csr() for _unused in range(20)]
    verify = ssl.create_default_context(cafile=str(shared_controller.ca))
    base = f"https://localhost:{shared_controller.api_port}/v1"
    async with httpx.AsyncClient(base_url=base, verify=verify, timeout=30.0, trust_env=False) as hosts:
        bodies = [{"token": secret, "csr_pem": request} for request in requests]
        replies = await asyncio.gather(*(hosts.post("/enrol", json=body) for body in bodies))
    assert Counter(reply.status_code for reply in replies) == {200: 1, 401: 19}
    refusals = {error(reply, 401, "unauthorized") for reply in replies if reply.status_code == 401}
    assert all("used already" in refusal for refusal in refusals)


def test_who_lost_the_answer_may_ask_again_with_the_same_key(demo: httpx.Client) -> None:
    secret, request = token(demo), csr()
    first = demo.post("/enrol", json={"token": secret, "csr_pem": request})
    second = demo.post("/enrol", json={"token": secret, "csr_pem": request})
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["certificate_pem"] != second.json()["certificate_pem"]


def test_a_token_dies_with_its_network(demo: httpx.Client) -> None:
    secret = token(demo)
    assert demo.delete(f"/networks/{NET}").status_code == 204
    error(demo.post("/enrol", json={"token": secret, "csr_pem": csr()}), 404, "not_found")
    assert demo.post("/networks", json=SPEC).status_code == 201
    again = demo.post("/enrol", json={"token": secret, "csr_pem": csr()})
    assert "deleted" in error(again, 404, "not_found")


@pytest.mark.parametrize("wrong", ["", "x" * 43, "x" * 10_000, "\u00e4", "../../net/demo/cfg"])
def test_tokens_that_are_none(api: httpx.Client, wrong: str) -> None:
    error(api.post("/enrol", json={"token": wrong, "csr_pem": csr()}), 401, "unauthorized")


def test_a_request_that_proves_nothing_does_not_use_the_token_up(demo: httpx.Client) -> None:
    secret = token(demo)
    error(demo.post("/enrol", json={"token": secret, "csr_pem": "nonsense"}), 400, "invalid_input")
    assert demo.post("/enrol", json={"token": secret, "csr_pem": csr()}).status_code == 200


def test_only_tls_and_only_new_tls(shared_controller: ControllerProcess) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://localhost:{shared_controller.api_port}/v1/health", trust_env=False)
    old = ssl.create_default_context(cafile=str(shared_controller.ca))
    with pytest.deprecated_call():
        old.minimum_version, old.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    address = ("localhost", shared_controller.api_port)
    with socket.create_connection(address) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname="localhost")


def test_the_log_tells_who_changed_what_and_no_secret(
    demo: httpx.Client, shared_controller: ControllerProcess
) -> None:
    secret, key = token(demo), new_identity_key()
    assert demo.post("/enrol", json={"token": secret, "csr_pem": csr(key=key)}).status_code == 200
    log = shared_controller.log.read_text()
    assert f"audit: POST '/v1/networks/{NET}/enrolments' from 127.0.0.1: 201" in log
    assert f"audit: spiffe://cladnet/{NET}/a1 enrolled" in log
    admin = (shared_controller.state / "admin.token").read_text().strip()
    for private in (secret, admin, "PRIVATE KEY", "BEGIN CERT"):
        assert private not in log
    assert "Traceback" not in log
