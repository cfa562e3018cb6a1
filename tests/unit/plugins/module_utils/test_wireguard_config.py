# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The configuration that a standard WireGuard client gets, literally."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import Conflict
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._wireguard_config import wireguard_config

NETWORK = {"name": "demo", "mtu": 0}
LAPTOP = {
    "host": "laptop",
    "managed": False,
    "address": "10.112.0.9",
    "public_key": "LAPTOP=",
    "endpoint": None,
    "mtu": 0,
}


def host(name: str, number: int, **changes) -> dict:
    return {
        "host": name,
        "managed": True,
        "address": f"10.112.0.{number}",
        "public_key": f"{name.upper()}=",
        "endpoint": f"198.51.100.{number}:8055",
        "mtu": 1420,
        **changes,
    }


def test_laptop_gets_every_host_that_can_be_reached() -> None:
    peers = [
        host("b1", 2, endpoint=None, mtu=1380),
        host("a1", 1),
        host("new", 3, public_key=None, address=None, mtu=0),
        LAPTOP,
        {**LAPTOP, "host": "phone"},
    ]
    assert (
        wireguard_config(NETWORK, LAPTOP, peers)
        == """[Interface]
# laptop in network demo
# PrivateKey = the one that belongs to LAPTOP=
Address = 10.112.0.9/32
MTU = 1380

[Peer]
# a1
PublicKey = A1=
AllowedIPs = 10.112.0.1/32
Endpoint = 198.51.100.1:8055
PersistentKeepalive = 25

[Peer]
# b1
PublicKey = B1=
AllowedIPs = 10.112.0.2/32
PersistentKeepalive = 25
"""
    )


def test_server_with_an_endpoint_listens_there_and_needs_no_keepalive() -> None:
    server = {**LAPTOP, "endpoint": "198.51.100.9:51820"}
    configuration = wireguard_config({**NETWORK, "mtu": 1300}, server, [host("a1", 1), server])
    assert "ListenPort = 51820\nMTU = 1300\n" in configuration
    assert "PersistentKeepalive" not in configuration


def test_client_gets_no_jumbo_frames() -> None:
    hosts = [host("a1", 1, mtu=8921), host("b1", 2, mtu=8921)]
    assert "MTU = 1420\n" in wireguard_config(NETWORK, LAPTOP, [*hosts, LAPTOP])


def test_network_without_hosts_leaves_the_mtu_to_wireguard() -> None:
    assert wireguard_config(NETWORK, LAPTOP, [LAPTOP]).endswith("Address = 10.112.0.9/32\n")


def test_host_with_an_agent_needs_none() -> None:
    with pytest.raises(Conflict, match="Host a1 of network demo has an agent"):
        wireguard_config(NETWORK, host("a1", 1), [])
