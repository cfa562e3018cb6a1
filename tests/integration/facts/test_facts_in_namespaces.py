# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The fact module in real network namespaces, as an ordinary user: what counts as occupied, what does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.facts.host_namespace import HostNamespace, host_namespace


@pytest.fixture
def host() -> Iterator[HostNamespace]:
    """A VM in a cloud: an uplink with private addresses and a default route."""
    with host_namespace("vm") as vm:
        vm.ip("link add uplink type veth peer name cable")
        vm.ip("link set cable up")
        vm.ip("link set uplink mtu 1460 up")
        vm.ip("address add 10.1.0.11/24 dev uplink")
        vm.ip("address add 2001:db8:1::11/64 dev uplink nodad")
        vm.ip("route add default via 10.1.0.1")
        vm.ip("route add default via 2001:db8:1::1")
        yield vm


def origins(facts: dict[str, Any]) -> dict[str, str]:
    """Where each network comes from, as ``cidr -> origin interface``."""
    return {each["cidr"]: f"{each['origin']} {each['interface']}".strip() for each in facts["networks"]}


def test_plain_vm(host: HostNamespace) -> None:
    facts = host.facts()
    assert facts == {
        "ipv4": ["10.1.0.0/24"],
        "ipv6": ["2001:db8:1::/64"],
        "networks": [
            {"cidr": "10.1.0.0/24", "family": "ipv4", "origin": "interface", "interface": "uplink"},
            {"cidr": "2001:db8:1::/64", "family": "ipv6", "origin": "interface", "interface": "uplink"},
        ],
        "default_interface": {
            "name": "uplink",
            "mtu": 1460,
            "ipv4": "10.1.0.11",
            "ipv6": "2001:db8:1::11",
            "gateway": "10.1.0.1",
        },
        "cladnet_interfaces": [],
    }


def test_host_without_any_network() -> None:
    with host_namespace("bare") as bare:
        facts = bare.facts()
    assert facts["networks"] == []
    assert facts["default_interface"] == {}


def test_bridges_of_containers_are_named_as_bridges_even_when_down(host: HostNamespace) -> None:
    host.ip("link add docker0 type bridge")
    host.ip("address add 172.17.0.1/16 dev docker0")
    assert origins(host.facts())["172.17.0.0/16"] == "bridge docker0"


@pytest.mark.parametrize("table", ["main", "100", "4321"])
def test_routes_of_every_table_count(host: HostNamespace, table: str) -> None:
    host.ip(f"route add 10.50.0.0/16 via 10.1.0.1 table {table}")
    host.ip(f"-6 route add fd50::/48 via 2001:db8:1::1 table {table}")
    assert (
        origins(host.facts()).items() >= {"10.50.0.0/16": "route uplink", "fd50::/48": "route uplink"}.items()
    )


def test_guest_with_an_address_of_one_bit_length_as_on_google_cloud() -> None:
    with host_namespace("gcp") as guest:
        guest.ip("link add uplink type veth peer name cable")
        guest.ip("link set cable up")
        guest.ip("link set uplink up")
        guest.ip("address add 10.128.0.5/32 dev uplink")
        guest.ip("route add 10.128.0.1/32 dev uplink")
        guest.ip("route add default via 10.128.0.1 dev uplink")
        facts = guest.facts()
    assert facts["ipv4"] == ["10.128.0.1/32", "10.128.0.5/32"]
    assert facts["default_interface"]["ipv4"] == "10.128.0.5"
    assert facts["default_interface"]["gateway"] == "10.128.0.1"


def test_point_to_point_link_occupies_both_ends(host: HostNamespace) -> None:
    host.ip("tuntap add dev office mode tun")
    host.ip("address add 10.8.0.6 peer 10.9.0.0/24 dev office")
    assert (
        origins(host.facts()).items()
        >= {"10.8.0.6/32": "interface office", "10.9.0.0/24": "interface office"}.items()
    )


def test_address_on_loopback_counts_and_loopback_itself_does_not(host: HostNamespace) -> None:
    host.ip("address add 10.255.0.9/32 dev lo")
    found = origins(host.facts())
    assert found["10.255.0.9/32"] == "interface lo"
    assert not any(cidr.startswith(("127.", "::1")) for cidr in found)


def test_pod_network_behind_a_blackhole_counts_and_a_fence_of_a_whole_block_does_not(
    host: HostNamespace,
) -> None:
    host.ip("route add blackhole 10.77.0.0/26")
    host.ip("route add blackhole 10.0.0.0/8")
    host.ip("route add unreachable 172.30.0.0/16")
    host.ip("route add prohibit 172.29.0.0/16")
    assert origins(host.facts())["10.77.0.0/26"] == "route"
    assert set(host.facts()["ipv4"]) == {"10.1.0.0/24", "10.77.0.0/26"}


def test_halves_of_a_default_route_occupy_nothing(host: HostNamespace) -> None:
    host.ip("tuntap add dev vpn0 mode tun")
    host.ip("link set vpn0 up")
    host.ip("route add 0.0.0.0/1 dev vpn0")
    host.ip("route add 128.0.0.0/1 dev vpn0")
    host.ip("-6 route add 2000::/3 dev vpn0")
    facts = host.facts()
    assert facts["ipv4"] == ["10.1.0.0/24"]
    assert facts["ipv6"] == ["2001:db8:1::/64"]


def test_own_interface_is_excluded_with_its_routes_and_named(host: HostNamespace) -> None:
    host.ip("tuntap add dev cladnet0 mode tun")
    host.ip("address add 10.112.0.1/24 dev cladnet0")
    host.ip("link set cladnet0 up")
    host.ip("route add 10.113.0.0/24 dev cladnet0")
    facts = host.facts()
    assert facts["ipv4"] == ["10.1.0.0/24"]
    assert facts["cladnet_interfaces"] == ["cladnet0"]
    assert host.facts(exclude_interfaces=[])["ipv4"] == ["10.1.0.0/24", "10.112.0.0/24", "10.113.0.0/24"]
    assert host.facts(exclude_interfaces=["clad?et0", "nothing"])["cladnet_interfaces"] == ["cladnet0"]


def test_default_route_through_the_own_interface_is_not_the_default_interface(host: HostNamespace) -> None:
    host.ip("tuntap add dev cladnet0 mode tun")
    host.ip("link set cladnet0 up")
    host.ip("route del default via 10.1.0.1")
    host.ip("route add default dev cladnet0")
    host.ip("route add default via 10.1.0.1 metric 200")
    assert host.facts()["default_interface"]["name"] == "uplink"


def test_default_interface_is_that_of_the_lowest_metric(host: HostNamespace) -> None:
    host.ip("link add second type veth peer name cable2")
    host.ip("link set cable2 up")
    host.ip("link set second up")
    host.ip("address add 10.2.0.11/24 dev second")
    host.ip("route del default via 10.1.0.1")
    host.ip("route add default via 10.1.0.1 metric 100")
    host.ip("route add default via 10.2.0.1 metric 50")
    assert host.facts()["default_interface"]["ipv4"] == "10.2.0.11"


def test_default_interface_takes_the_source_address_of_the_route(host: HostNamespace) -> None:
    host.ip("address add 10.1.0.12/24 dev uplink")
    host.ip("route replace default via 10.1.0.1 src 10.1.0.12")
    assert host.facts()["default_interface"]["ipv4"] == "10.1.0.12"


def test_route_over_two_links_names_one_outside_the_own_network(host: HostNamespace) -> None:
    host.ip("tuntap add dev cladnet0 mode tun")
    host.ip("address add 10.112.0.1/24 dev cladnet0")
    host.ip("link set cladnet0 up")
    host.ip("route add 10.60.0.0/16 nexthop via 10.112.0.2 nexthop via 10.1.0.1")
    assert origins(host.facts())["10.60.0.0/16"] == "route uplink"


def test_ipv4_route_through_an_ipv6_neighbour(host: HostNamespace) -> None:
    host.ip("route del default via 10.1.0.1")
    host.ip("-4 route add default via inet6 fe80::1 dev uplink")
    assert host.facts()["default_interface"]["gateway"] == "fe80::1"


def test_ipv6_only_host() -> None:
    with host_namespace("v6") as vm:
        vm.ip("link add uplink type veth peer name cable")
        vm.ip("link set cable up")
        vm.ip("link set uplink up")
        vm.ip("address add 2001:db8::5/64 dev uplink nodad")
        vm.ip("route add default via fe80::1 dev uplink")
        facts = vm.facts()
    assert facts["default_interface"] == {
        "name": "uplink",
        "mtu": 1500,
        "ipv4": "",
        "ipv6": "2001:db8::5",
        "gateway": "fe80::1",
    }
