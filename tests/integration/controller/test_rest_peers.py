# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an administrator decides about single hosts, over the REST API of a real controller."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cladnet.wire import agent_pb2
from tests.integration.controller.controller_process import (
    NET,
    Answer,
    ControllerProcess,
    Host,
    Operator,
    Stream,
)

PEERS = f"/networks/{NET}/peers"
ENDPOINT = agent_pb2.Endpoint(address="198.51.100.11", port=8055)


@pytest.fixture
def network_spec() -> dict[str, Any]:
    return {"name": NET, "cidr": "10.99.0.0/24", "quarantine_s": 60}


@contextlib.asynccontextmanager
async def watching(controller: ControllerProcess, host: Host) -> AsyncIterator[Stream]:
    """The stream of a host, with its first snapshot read."""
    async with controller.replies(host) as replies:
        stream = Stream(replies)
        await stream.next()
        yield stream


async def report(controller: ControllerProcess, host: Host, **changes: Any) -> str:
    return (await controller.report(host, **changes)).address


def wireguard_key() -> str:
    return base64.b64encode(X25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


def made(reply: Answer) -> dict[str, Any]:
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def changed(reply: Answer) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def refused(reply: Answer, status: int, *told: str) -> None:
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    for text in told:
        assert text in f"{error['message']} {error['hint']}"


async def test_a_place_kept_before_enrolment_is_what_the_host_gets(
    api: Operator, controller: ControllerProcess
) -> None:
    wish = {"host": "a1", "address": "10.99.0.77", "description": "the first", "details": {"zone": "b"}}
    peer = made(api.post(PEERS, json=wish))
    assert (peer["address"], peer["static"], peer["managed"]) == ("10.99.0.77", True, True)
    assert (peer["state"], peer["public_key"], peer["details"]) == ("configuring", None, {"zone": "b"})
    assert "no agent has enrolled" in peer["reason"]
    assert api.get(f"/networks/{NET}").json()["peers"] == 1
    host = controller.enrol("a1")
    cloud = agent_pb2.Cloud(provider="aws", zone="a")
    assert await report(controller, host, cloud=cloud) == "10.99.0.77"
    peer = api.get(f"{PEERS}/a1").json()
    assert (peer["address"], peer["static"], peer["description"]) == ("10.99.0.77", True, "the first")
    assert (peer["cloud"]["provider"], peer["cloud"]["zone"]) == ("aws", "b"), (
        "the administrator knows better"
    )
    assert changed(api.patch(f"{PEERS}/a1", json={"details": {}}))["cloud"]["zone"] == "a"


async def test_nobody_else_gets_a_kept_address(api: Operator, controller: ControllerProcess) -> None:
    assert api.patch(f"/networks/{NET}", json={"cidr": "10.99.0.0/30"}).status_code == 200
    made(api.post(PEERS, json={"host": "late", "address": "10.99.0.1"}))
    assert await report(controller, controller.enrol("a1")) == "10.99.0.2"
    refused(api.post(PEERS, json={"host": "b1", "public_key": wireguard_key()}), 507, "no free address")
    assert api.delete(f"{PEERS}/late").status_code == 204
    peer = made(api.post(PEERS, json={"host": "b1", "public_key": wireguard_key()}))
    assert peer["address"] == "10.99.0.1", "what was only kept needs no quarantine"


async def test_a_live_host_moves_in_one_step_and_its_old_address_is_kept_from_others(
    api: Operator, controller: ControllerProcess
) -> None:
    host, watcher = controller.enrol("a1"), controller.enrol("w")
    old = await report(controller, host, public_endpoint=ENDPOINT)
    await report(controller, watcher)
    async with watching(controller, watcher) as stream:
        peer = changed(api.patch(f"{PEERS}/a1", json={"address": "10.99.0.200"}))
        assert (peer["address"], peer["static"], peer["endpoint"]) == (
            "10.99.0.200",
            True,
            "198.51.100.11:8055",
        )
        delta = (await stream.next()).delta
        assert [(each.host, each.address) for each in delta.peers] == [("a1", "10.99.0.200")]
    assert await report(controller, host) == "10.99.0.200"
    refused(api.post(PEERS, json={"host": "b1", "address": old}), 409, old, "host a1", "60 s")
    assert changed(api.patch(f"{PEERS}/a1", json={"address": old}))["address"] == old, "its own quarantine"


async def test_unpinning_keeps_the_address(api: Operator, controller: ControllerProcess) -> None:
    made(api.post(PEERS, json={"host": "a1", "address": "10.99.0.5"}))
    host = controller.enrol("a1")
    await report(controller, host)
    peer = changed(api.patch(f"{PEERS}/a1", json={"static": False}))
    assert (peer["address"], peer["static"]) == ("10.99.0.5", False)
    again = changed(api.patch(f"{PEERS}/a1", json={"static": False}))
    assert again == peer, "nothing is written twice"
    peer = changed(api.patch(f"{PEERS}/a1", json={"static": True}))
    assert (peer["address"], peer["static"]) == ("10.99.0.5", True)


async def test_an_equal_change_writes_nothing(api: Operator, controller: ControllerProcess) -> None:
    await report(controller, controller.enrol("a1"))
    before = api.get(f"{PEERS}/a1").json()
    for body in ({}, {"description": ""}, {"details": {}}, {"static": False}):
        assert changed(api.patch(f"{PEERS}/a1", json=body)) == before
    pinned = changed(api.patch(f"{PEERS}/a1", json={"address": before["address"]}))
    assert pinned["static"]
    assert changed(api.patch(f"{PEERS}/a1", json={"address": before["address"]})) == pinned


async def test_a_wireguard_peer_without_agent_stands_in_the_table_of_all(
    api: Operator, controller: ControllerProcess
) -> None:
    watcher, key = controller.enrol("w"), wireguard_key()
    await report(controller, watcher)
    async with watching(controller, watcher) as stream:
        peer = made(api.post(PEERS, json={"host": "laptop", "public_key": key}))
        assert (peer["state"], peer["managed"], peer["static"]) == ("unmanaged", False, False)
        entry = (await stream.next()).delta.peers[0]
        assert (entry.host, entry.address) == ("laptop", peer["address"])
        assert base64.b64encode(entry.public_key).decode() == key
        assert not entry.HasField("endpoint")
        moved = changed(api.patch(f"{PEERS}/laptop", json={"endpoint": "203.0.113.9:51820"}))
        assert moved["endpoint"] == "203.0.113.9:51820"
        assert (await stream.next()).delta.peers[0].endpoint.port == 51820
        newer = wireguard_key()
        changed(api.patch(f"{PEERS}/laptop", json={"public_key": newer, "endpoint": ""}))
        entry = (await stream.next()).delta.peers[0]
        assert (base64.b64encode(entry.public_key).decode(), entry.HasField("endpoint")) == (newer, False)
        assert api.delete(f"{PEERS}/laptop").status_code == 204
        assert list((await stream.next()).delta.removed_hosts) == ["laptop"]
    made(api.post(PEERS, json={"host": "other", "public_key": newer}))


def test_a_wireguard_peer_without_agent_never_gets_a_certificate(
    api: Operator, controller: ControllerProcess
) -> None:
    made(api.post(PEERS, json={"host": "laptop", "public_key": wireguard_key()}))
    refused(
        api.post(f"/networks/{NET}/enrolments", json={"host": "laptop"}), 409, "laptop", "without an agent"
    )


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"host": "b1", "address": "10.99.0.0"}, 400, "10.99.0.1 to 10.99.0.254"),
        ({"host": "b1", "address": "10.99.0.255"}, 400, "10.99.0.255"),
        ({"host": "b1", "address": "10.98.0.7"}, 400, "10.99.0.0/24"),
        ({"host": "b1", "address": "10.99.0.7/24"}, 400, "no IPv4 address"),
        ({"host": "b1", "address": 7}, 400, "address: Input should be a valid string"),
        ({"host": "-"}, 400, "'-'"),
        ({"host": "b1", "details": {"planet": "x"}}, 400, "details.planet"),
        ({"host": "b1", "details": {"zone": "x" * 201}}, 400, "zone"),
        ({"host": "b1", "description": "two\nlines"}, 400, "description"),
        ({"host": "b1", "public_key": "x"}, 400, "wg pubkey"),
        ({"host": "b1", "public_key": base64.b64encode(bytes(32)).decode()}, 400, "No secret"),
        ({"host": "b1", "endpoint": "203.0.113.9:51820"}, 400, "without a public key"),
        ({"host": "b1", "public_key": wireguard_key(), "endpoint": "x"}, 400, "'x' is no endpoint"),
        ({"host": "a1"}, 409, "a1 is in network demo already"),
        ({"host": "b1", "address": "10.99.0.1"}, 409, "10.99.0.1 is reserved for host a1"),
        ({}, 400, "host: Field required"),
    ],
)
def test_places_that_cannot_be(api: Operator, body: dict[str, Any], status: int, told: str) -> None:
    made(api.post(PEERS, json={"host": "a1", "address": "10.99.0.1"}))
    refused(api.post(PEERS, json=body), status, told)
    assert [peer["host"] for peer in api.get(PEERS).json()["peers"]] == ["a1"]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"address": "10.99.1.1"}, 400, "10.99.0.1 to 10.99.0.254"),
        ({"address": "10.99.0.2"}, 409, "host b1"),
        ({"address": "10.99.0.7", "static": False}, 400, "static: false"),
        ({"public_key": wireguard_key()}, 409, "rekey"),
        ({"endpoint": "203.0.113.9:51820"}, 409, "has an agent"),
        ({"host": "b1"}, 400, "host: Extra inputs"),
    ],
)
def test_changes_that_cannot_be(api: Operator, body: dict[str, Any], status: int, told: str) -> None:
    before = made(api.post(PEERS, json={"host": "a1", "address": "10.99.0.1"}))
    made(api.post(PEERS, json={"host": "b1", "address": "10.99.0.2"}))
    refused(api.patch(f"{PEERS}/a1", json=body), status, told)
    assert api.get(f"{PEERS}/a1").json() == before


def test_what_is_not_there_cannot_be_changed(api: Operator) -> None:
    refused(api.patch(f"{PEERS}/a9", json={"description": "x"}), 404, "a9")
    refused(api.patch("/networks/lost/peers/a9", json={}), 404, "lost")
    refused(api.post("/networks/lost/peers", json={"host": "a9"}), 404, "lost")
    made(api.post(PEERS, json={"host": "a1"}))
    refused(api.patch(f"{PEERS}/a1", json={"static": True}), 400, "no address yet")


def test_a_public_key_has_one_peer(api: Operator) -> None:
    key = wireguard_key()
    made(api.post(PEERS, json={"host": "a1", "public_key": key}))
    made(api.post(PEERS, json={"host": "b1", "public_key": wireguard_key()}))
    refused(api.post(PEERS, json={"host": "c1", "public_key": key}), 409, "a1")
    refused(api.patch(f"{PEERS}/b1", json={"public_key": key}), 409, "a1")


def test_a_kept_place_keeps_its_network(api: Operator) -> None:
    made(api.post(PEERS, json={"host": "a1", "address": "10.99.0.1"}))
    refused(api.patch(f"/networks/{NET}", json={"cidr": "10.98.0.0/24"}), 409)
    refused(api.delete(f"/networks/{NET}"), 409, "still has hosts")
    assert api.delete(f"{PEERS}/a1").status_code == 204
    assert api.patch(f"/networks/{NET}", json={"cidr": "10.98.0.0/24"}).status_code == 200


async def test_removal_forgets_all_that_was_decided(api: Operator, controller: ControllerProcess) -> None:
    made(api.post(PEERS, json={"host": "a1", "address": "10.99.0.9", "description": "old"}))
    await report(controller, controller.enrol("a1"))
    assert api.delete(f"{PEERS}/a1").status_code == 204
    assert api.get(PEERS).json() == {"peers": []}
    await report(controller, controller.enrol("a1"))
    peer = api.get(f"{PEERS}/a1").json()
    assert (peer["static"], peer["description"]) == (False, "")
