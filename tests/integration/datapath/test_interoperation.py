# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Our tunnel and an implementation that we did not write: Debian's wireguard-go, configured with wg."""

from __future__ import annotations

import pytest
from namespaces import Namespace, eventually, kill
from tunnel_pair import Start, count_handshakes, introduce, transfer
from tunnel_process import WireguardGo, preshared_key

Hosts = tuple[Namespace, Namespace]


@pytest.mark.parametrize("psk", ["", preshared_key()], ids=["no-psk", "psk"])
def test_we_initiate(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo, psk: str):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know=f"{hosts[1].outer_ipv4}:{wireguard_go.port}", they_know="", psk=psk)
    assert hosts[0].ping("10.77.0.2")
    assert hosts[1].ping("10.77.0.1")
    transfer(hosts[1], hosts[0], "10.77.0.2", 7001)
    transfer(hosts[0], hosts[1], "10.77.0.1", 7002)


@pytest.mark.parametrize("psk", ["", preshared_key()], ids=["no-psk", "psk"])
def test_wireguard_go_initiates(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo, psk: str):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know="", they_know=f"{hosts[0].outer_ipv4}:{us.port}", psk=psk)
    assert hosts[1].ping("10.77.0.1")
    assert hosts[0].ping("10.77.0.2")
    assert us.endpoint_of(wireguard_go.identity.public) == f"{hosts[1].outer_ipv4}:{wireguard_go.port}"


def test_ipv6_inside_and_outside(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know=f"[{hosts[1].outer_ipv6}]:{wireguard_go.port}", they_know="")
    assert hosts[0].ping("fd77::2")
    assert hosts[1].ping("fd77::1")
    transfer(hosts[1], hosts[0], "fd77::2", 7003)
    assert us.endpoint_of(wireguard_go.identity.public) == f"[{hosts[1].outer_ipv6}]:{wireguard_go.port}"


def test_wrong_preshared_key_carries_nothing(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know=f"{hosts[1].outer_ipv4}:{wireguard_go.port}", they_know="")
    us.add_peer(
        wireguard_go.identity.public,
        ["10.77.0.2/32"],
        endpoint=f"{hosts[1].outer_ipv4}:{wireguard_go.port}",
        preshared_key=preshared_key(),
    )
    us.call("connect", public_key=wireguard_go.identity.public)
    eventually("the response is refused", lambda: us.call("status")["drops"].get("not_authentic"))
    assert not hosts[0].pings("10.77.0.2")


def test_full_size_packets_pass_without_fragments(
    hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo
):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know=f"{hosts[1].outer_ipv4}:{wireguard_go.port}", they_know="")
    assert hosts[0].ping("10.77.0.2", "-M", "do", "-s", "1392")
    assert hosts[1].ping("10.77.0.1", "-M", "do", "-s", "1392")


def test_they_follow_when_our_address_changes(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know=f"{hosts[1].outer_ipv4}:{wireguard_go.port}", they_know="")
    assert hosts[0].ping("10.77.0.2")
    _readdress(hosts[0], "192.0.2.1", "192.0.2.77")
    us.call("connect", public_key=wireguard_go.identity.public)
    eventually(
        "wireguard-go sends to our new address",
        lambda: wireguard_go.endpoint_of(us.identity.public) == f"192.0.2.77:{us.port}",
    )
    assert hosts[1].ping("10.77.0.1")


def test_we_follow_when_their_address_changes(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo):
    us = start_tunnel(hosts[0])
    introduce(us, wireguard_go, we_know="", they_know=f"{hosts[0].outer_ipv4}:{us.port}")
    assert hosts[1].ping("10.77.0.1")
    _readdress(hosts[1], "192.0.2.2", "192.0.2.78")
    wireguard_go.listen_on(51821)  # it sticks to its old source address until its socket is opened anew
    assert hosts[1].ping("10.77.0.1")
    assert us.endpoint_of(wireguard_go.identity.public) == "192.0.2.78:51821"
    assert hosts[0].ping("10.77.0.2")


def test_no_packet_is_lost_while_keys_change(hosts: Hosts, start_tunnel: Start, wireguard_go: WireguardGo):
    us = start_tunnel(hosts[0], rekey_after_s=1.0)
    introduce(us, wireguard_go, we_know=f"{hosts[1].outer_ipv4}:{wireguard_go.port}", they_know="")
    assert hosts[0].ping("10.77.0.2")
    flood = hosts[0].start("ping", "-n", "-q", "-i", "0.01", "-c", "350", "10.77.0.2")
    try:
        handshakes = count_handshakes(us, wireguard_go.identity.public, flood)
        assert flood.stdout is not None
        assert " 0% packet loss" in flood.stdout.read()
        assert handshakes >= 2
    finally:
        kill(flood)


def _readdress(host: Namespace, old: str, new: str) -> None:
    host.run("ip", "address", "delete", f"{old}/24", "dev", host.cable)
    host.run("ip", "address", "add", f"{new}/24", "dev", host.cable)
