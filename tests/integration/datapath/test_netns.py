# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the Linux kernel's own test of WireGuard checks, told again for our tunnel and each of two others.

Source: tools/testing/selftests/wireguard/netns.sh in the Linux kernel.
"""

from __future__ import annotations

import base64

import pytest
from many_flows import move
from namespaces import Namespace, eventually
from tunnel_pair import OURS, THEIRS, Device, Start, introduce, transfer
from tunnel_process import Identity, TunnelProcess, preshared_key

Hosts = tuple[Namespace, Namespace]
PING_COUNT = 10
# 84 bytes, padded to 96, with WireGuard's 32.
SEALED_PING_BYTES = 128
INITIATION_BYTES, RESPONSE_BYTES, KEEPALIVE_BYTES = 148, 92, 32
FLOWS = 50
LOW_ORDER_KEYS = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)


@pytest.fixture
def us(hosts: Hosts, start_tunnel: Start) -> TunnelProcess:
    return start_tunnel(hosts[0])


@pytest.fixture(params=["ours", "wireguard-go"])
def them(request: pytest.FixtureRequest, hosts: Hosts, start_tunnel: Start) -> Device:
    if request.param == "ours":
        return start_tunnel(hosts[1])
    return request.getfixturevalue("wireguard_go")


def endpoint(device: Device, *, ipv6: bool = False) -> str:
    address = f"[{device.host.outer_ipv6}]" if ipv6 else device.host.outer_ipv4
    return f"{address}:{device.port}"


def test_every_byte_is_counted(us: TunnelProcess, them: Device):
    introduce(us, them, we_know=endpoint(them), they_know="")
    count = ("ping", "-n", "-q", "-c", str(PING_COUNT), "-i", "0.02", "-W", "2", "10.77.0.2")
    assert " 0% packet loss" in us.host.run(*count).stdout
    pings_bytes = PING_COUNT * SEALED_PING_BYTES
    received, sent = us.traffic_of(them.identity.public)
    assert received == RESPONSE_BYTES + pings_bytes
    assert sent - INITIATION_BYTES - pings_bytes in (0, KEEPALIVE_BYTES)
    assert them.traffic_of(us.identity.public) == (sent, received)


@pytest.mark.parametrize("ipv6", [False, True], ids=["outer-ipv4", "outer-ipv6"])
def test_both_families_inside_and_outside(us: TunnelProcess, them: Device, ipv6: bool):
    introduce(us, them, we_know=endpoint(them, ipv6=ipv6), they_know="")
    for address in ("10.77.0.2", "fd77::2"):
        assert us.host.ping(address)
        transfer(them.host, us.host, address, 7301)
    for address in ("10.77.0.1", "fd77::1"):
        assert them.host.ping(address)
        transfer(us.host, them.host, address, 7302)


def test_many_flows(us: TunnelProcess, them: Device):
    introduce(us, them, we_know=endpoint(them), they_know="")
    move(us.host, them.host, "10.77.0.2", flows=FLOWS, size_bytes=100_000)
    move(them.host, us.host, "fd77::1", flows=FLOWS, size_bytes=100_000)


@pytest.mark.parametrize("address", ["10.77.0.2", "fd77::2"])
def test_fragments_inside(us: TunnelProcess, them: Device, address: str):
    introduce(us, them, we_know=endpoint(them), they_know="")
    for size_bytes in (0, 1, 1391, 1392, 1393, 2763, 5000, 9000, 30_000, 65_000):
        assert us.host.ping(address, "-s", str(size_bytes)), size_bytes


def test_private_keys_change(us: TunnelProcess, them: Device):
    introduce(us, them, we_know=endpoint(them), they_know="")
    assert us.host.ping("10.77.0.2")
    for device, other, networks, address in (
        (us, them, OURS, "10.77.0.1"),
        (them, us, THEIRS, "10.77.0.2"),
    ):
        other.remove_peer(device.identity.public)
        device.use_identity(Identity.generate())
        other.add_peer(device.identity.public, networks, endpoint=endpoint(device))
        assert other.host.ping(address)
        assert device.host.ping("10.77.0.2" if device is us else "10.77.0.1")


def test_preshared_key_changes(us: TunnelProcess, them: Device):
    introduce(us, them, we_know=endpoint(them), they_know="")
    assert us.host.ping("10.77.0.2")
    psk = preshared_key()
    them.add_peer(us.identity.public, OURS, preshared_key=psk)
    us.add_peer(them.identity.public, THEIRS, preshared_key=psk)
    assert us.host.ping("10.77.0.2")  # the session of before lives on
    us.remove_peer(them.identity.public)
    us.add_peer(them.identity.public, THEIRS, preshared_key=psk, endpoint=endpoint(them))
    eventually("there is a session with the new preshared key", lambda: us.host.pings("10.77.0.2"))


def test_what_is_not_theirs_does_not_arrive(us: TunnelProcess, them: Device):
    introduce(us, them, we_know=endpoint(them), they_know=endpoint(us))
    assert them.host.ping("10.77.0.1")
    them.host.run("ip", "address", "add", "10.77.0.5/24", "dev", them.device)
    delivered = us.packets_delivered()
    for _unused in range(2):
        assert not them.host.pings("10.77.0.1", "-I", "10.77.0.5")
    assert us.drops()["wrong_inner_source"] == 2
    assert us.packets_delivered() == delivered
    us.add_peer(them.identity.public, [*THEIRS, "10.77.0.5/32"])
    assert them.host.ping("10.77.0.1", "-I", "10.77.0.5")


def test_low_order_keys_are_refused(us: TunnelProcess):
    us.host.set_up(us.device, "10.77.0.1/24")
    for number, key in enumerate(LOW_ORDER_KEYS, start=10):
        public = base64.b64encode(bytes.fromhex(key)).decode()
        answer = us.call(
            "set_peer", public_key=public, allowed_ips=[f"10.77.0.{number}/32"], endpoint="192.0.2.2:1111"
        )
        assert answer["error"] == "invalid_input"
        assert "is no usable public key" in answer["message"]
        assert not us.call("status")["peers"]


def test_a_tunnel_in_a_tunnel(hosts: Hosts, us: TunnelProcess, them: Device, start_tunnel: Start):
    introduce(us, them, we_know=endpoint(them), they_know="")
    inner = start_tunnel(hosts[0], device="clad1", mtu=1340), start_tunnel(hosts[1], device="clad1", mtu=1340)
    inner[0].add_peer(inner[1].identity.public, ["10.88.0.2/32"], endpoint=f"10.77.0.2:{inner[1].port}")
    inner[1].add_peer(inner[0].identity.public, ["10.88.0.1/32"])
    for number, device in enumerate(inner, start=1):
        device.host.set_up(device.device, f"10.88.0.{number}/24")
    assert hosts[0].ping("10.88.0.2")
    transfer(hosts[0], hosts[1], "10.88.0.1", 7303)
