# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The cipher of a network with a real controller: who is told what, and who cannot be in it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cladnet.controller import keys, records
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient, Listing
from cladnet.controller.networks import NetworkPatch, Networks
from cladnet.core.errors import Conflict
from cladnet.core.network import NetworkSpec
from cladnet.core.rule_table import PeerEntry
from cladnet.wire import agent_pb2 as pb
from tests.integration.controller.controller_process import (
    NET,
    Answer,
    ControllerProcess,
    Host,
    Operator,
    Stream,
)
from tests.integration.controller.etcd_server import EtcdServer

FAST = [pb.SUITE_AES_256_GCM, pb.SUITE_CHACHA20_POLY1305]
SLOW = [pb.SUITE_CHACHA20_POLY1305, pb.SUITE_AES_256_GCM]
NETWORK, PEERS = f"/networks/{NET}", f"/networks/{NET}/peers"


def wireguard_peer(host: str) -> dict[str, str]:
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    return {"host": host, "public_key": base64.b64encode(key).decode()}


async def join(controller: ControllerProcess, name: str, suites: list[pb.Suite]) -> Host:
    host = controller.enrol(name)
    await controller.report(host, suites=suites)
    return host


def refused(reply: Answer, *told: str) -> None:
    assert reply.status_code == 409, reply.text
    error = reply.json()["error"]
    for text in told:
        assert text in f"{error['message']} {error['hint']}"


def cipher(api: Operator) -> str:
    return str(api.get(NETWORK).json()["cipher"])


async def test_hosts_are_told_what_the_others_speak(api: Operator, controller: ControllerProcess) -> None:
    a = await join(controller, "a1", FAST)
    await join(controller, "b1", SLOW)
    await join(controller, "of-the-release-before", [])
    assert api.post(PEERS, json=wireguard_peer("laptop")).status_code == 201
    async with controller.replies(a) as replies:
        stream = Stream(replies)
        await stream.next()
    assert {host: list(peer.suites) for host, peer in stream.peers.items()} == {
        "a1": FAST,
        "b1": SLOW,
        "of-the-release-before": [pb.SUITE_CHACHA20_POLY1305],
        "laptop": [pb.SUITE_CHACHA20_POLY1305],
    }
    assert {peer["host"]: peer["ciphers"] for peer in api.get(PEERS).json()["peers"]} == {
        "a1": ["aes-256-gcm", "chacha20-poly1305"],
        "b1": ["chacha20-poly1305", "aes-256-gcm"],
        "of-the-release-before": ["chacha20-poly1305"],
        "laptop": ["chacha20-poly1305"],
    }


async def test_a_host_on_another_machine_or_release_is_one_small_message(
    api: Operator, controller: ControllerProcess
) -> None:
    watcher, a = await join(controller, "w", FAST), await join(controller, "a1", [])
    async with controller.replies(watcher) as replies:
        stream = Stream(replies)
        await stream.next()
        await controller.report(a, suites=FAST)
        delta = (await stream.next()).delta
    assert [(peer.host, list(peer.suites)) for peer in delta.peers] == [("a1", FAST)]


async def test_a_changed_cipher_is_told_to_the_hosts(api: Operator, controller: ControllerProcess) -> None:
    a = await join(controller, "a1", FAST)
    assert cipher(api) == "auto"
    async with controller.replies(a) as replies:
        stream = Stream(replies)
        assert (await stream.next()).snapshot.network.cipher == "auto"
        for wanted in ("aes-256-gcm", "chacha20-poly1305", "auto"):
            assert api.patch(NETWORK, json={"cipher": wanted}).json()["cipher"] == wanted
            assert (await stream.next()).delta.network.cipher == wanted
            assert cipher(api) == wanted


async def test_aes_needs_hosts_that_speak_it(api: Operator, controller: ControllerProcess) -> None:
    await join(controller, "a1", SLOW)
    await join(controller, "old", [])
    assert api.post(PEERS, json=wireguard_peer("laptop")).status_code == 201
    refused(
        api.patch(NETWORK, json={"cipher": "aes-256-gcm", "mtu": 1300}), "laptop, old in network", "upgrade"
    )
    assert (cipher(api), api.get(NETWORK).json()["mtu"]) == ("auto", 0)
    assert api.patch(NETWORK, json={"cipher": "chacha20-poly1305"}).status_code == 200
    assert api.delete(f"{PEERS}/laptop").status_code == 204
    refused(api.patch(NETWORK, json={"cipher": "aes-256-gcm"}), "old in network")
    assert api.delete(f"{PEERS}/old").status_code == 204
    assert api.patch(NETWORK, json={"cipher": "aes-256-gcm"}).status_code == 200


async def test_a_network_of_aes_takes_nobody_else_in(api: Operator, controller: ControllerProcess) -> None:
    assert api.patch(NETWORK, json={"cipher": "aes-256-gcm"}).status_code == 200
    await join(controller, "a1", SLOW)
    refused(api.post(PEERS, json=wireguard_peer("laptop")), "laptop", "aes-256-gcm", "auto")
    with pytest.raises(Conflict, match=r"agent of host old does not speak aes-256-gcm.*Upgrade"):
        await join(controller, "old", [])
    assert [peer["host"] for peer in api.get(PEERS).json()["peers"] if peer["address"]] == ["a1"]
    assert api.patch(NETWORK, json={"cipher": "auto"}).status_code == 200
    assert api.post(PEERS, json=wireguard_peer("laptop")).status_code == 201


async def test_a_member_that_went_back_to_the_release_before_is_told_why_it_is_refused(
    api: Operator, controller: ControllerProcess
) -> None:
    a = await join(controller, "a1", FAST)
    assert api.patch(NETWORK, json={"cipher": "aes-256-gcm"}).status_code == 200
    with pytest.raises(Conflict, match="aes-256-gcm"):
        await controller.report(a)


@pytest.mark.parametrize("wrong", ["aes", "", "AUTO", "none", 7])
def test_ciphers_that_do_not_exist(api: Operator, wrong: Any) -> None:
    reply = api.patch(NETWORK, json={"cipher": wrong})
    assert reply.status_code == 400
    assert "cipher" in reply.json()["error"]["message"]
    assert cipher(api) == "auto"


class Overtaken(EtcdClient):
    """Somebody adds a WireGuard peer just when the peers have been listed."""

    async def list(self, prefix: bytes) -> Listing:
        listing = await super().list(prefix)
        laptop = PeerEntry("laptop", IPv4Address("10.99.0.9"), bytes(range(32)))
        await self.txn([], [txn.put(keys.peer(NET, "laptop"), records.write_peer(laptop))])
        return listing


@pytest_asyncio.fixture
async def overtaken(etcd: EtcdServer) -> AsyncIterator[EtcdClient]:
    client = Overtaken([etcd.endpoint])
    yield client
    await client.close()


async def test_nobody_slips_in_while_the_cipher_changes(overtaken: EtcdClient) -> None:
    networks = Networks(overtaken)
    await networks.create(NetworkSpec(NET, IPv4Network("10.99.0.0/24")))
    with pytest.raises(Conflict, match="somebody else changes it or its hosts"):
        await networks.change(NET, NetworkPatch(cipher="aes-256-gcm"))
    with pytest.raises(Conflict, match="laptop in network demo cannot speak aes-256-gcm"):
        await networks.change(NET, NetworkPatch(cipher="aes-256-gcm"))


def many(count: int) -> Iterator[tuple[bytes, bytes]]:
    for number in range(count):
        entry = PeerEntry(f"h{number}", IPv4Address(f"10.99.0.{number + 1}"), bytes([number + 1]) * 32)
        yield keys.peer(NET, entry.host), records.write_peer(entry)


async def test_of_many_hosts_a_few_are_named(client: EtcdClient) -> None:
    networks = Networks(client)
    await networks.create(NetworkSpec(NET, IPv4Network("10.99.0.0/24")))
    await client.txn([], [txn.put(key, value) for key, value in many(9)])
    with pytest.raises(Conflict, match=r"h0, h1, h2, h3, h4 and 4 more hosts in network demo"):
        await networks.change(NET, NetworkPatch(cipher="aes-256-gcm"))
