# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What links, addresses and routes say about a host: the cases that a namespace cannot show."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._host_cidrs import (
    IFA_F_DEPRECATED,
    IFA_F_SECONDARY,
    IFA_F_TENTATIVE,
    RT_TABLE_MAIN,
    RTN_BLACKHOLE,
    RTN_LOCAL,
    RTN_UNICAST,
    Address,
    HostNetwork,
    Link,
    OccupiedNetwork,
    Route,
)

OWN = frozenset({"cladnet*"})
UPLINK = Link(index=2, name="ens5", kind="", mtu=1460, is_loopback=False)


def address(local: str, network: str, flags: int = 0, link_index: int = 2) -> Address:
    return Address(local=local, network=ip_network(network), link_index=link_index, flags=flags)


def route(network: str, kind: int = RTN_UNICAST, **fields) -> Route:
    defaults = {"table": RT_TABLE_MAIN, "priority": 0, "gateway": "", "source": "", "link_indexes": (2,)}
    return Route(network=ip_network(network), kind=kind, **{**defaults, **fields})


def host(addresses=(), routes=(), links=(UPLINK,)) -> HostNetwork:
    return HostNetwork({link.index: link for link in links}, tuple(addresses), tuple(routes))


@pytest.mark.parametrize(
    ("network", "kind", "expected"),
    [
        ("10.5.0.0/16", RTN_UNICAST, True),
        ("10.5.0.0/16", RTN_LOCAL, True),  # AnyIP
        ("10.5.0.1/32", RTN_LOCAL, False),
        ("10.5.0.0/26", RTN_BLACKHOLE, True),
        ("192.168.0.0/16", RTN_BLACKHOLE, False),
        ("0.0.0.0/0", RTN_UNICAST, False),
        ("128.0.0.0/1", RTN_UNICAST, False),
        ("::/0", RTN_BLACKHOLE, False),
        ("10.5.0.0/16", 7, False),  # unreachable
        ("10.1.0.255/32", 3, False),  # broadcast
    ],
)
def test_which_routes_occupy(network, kind, expected) -> None:
    assert route(network, kind).is_occupied is expected


def test_network_of_an_interface_and_its_connected_route_stand_once() -> None:
    seen = host([address("10.1.0.11", "10.1.0.0/24")], [route("10.1.0.0/24"), route("10.1.0.0/24", table=7)])
    assert seen.occupied_networks(OWN) == [OccupiedNetwork("10.1.0.0/24", "ipv4", "interface", "ens5")]


def test_networks_are_in_order_of_family_and_number() -> None:
    texts = ["fd00::/64", "192.168.0.0/24", "10.10.0.0/16", "10.9.0.0/16", "9.0.0.0/8", "10.9.0.0/24"]
    ordered = ["9.0.0.0/8", "10.9.0.0/16", "10.9.0.0/24", "10.10.0.0/16", "192.168.0.0/24", "fd00::/64"]
    assert [each.cidr for each in host(routes=map(route, texts)).occupied_networks(OWN)] == ordered


def test_interface_that_went_between_two_readings_is_left_out() -> None:
    seen = host([address("10.1.0.11", "10.1.0.0/24", link_index=9)], [route("0.0.0.0/0", link_indexes=(9,))])
    assert seen.occupied_networks(OWN) == []
    assert seen.default_interface(OWN) is None


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(IFA_F_DEPRECATED, ""), (IFA_F_TENTATIVE, ""), (IFA_F_SECONDARY, "fd00::1"), (0, "fd00::1")],
)
def test_main_address_is_one_that_can_be_used(flags, expected) -> None:
    default = host([address("fd00::1", "fd00::/64", flags)], [route("0.0.0.0/0")]).default_interface(OWN)
    assert default is not None
    assert default.ipv6 == expected


def test_primary_address_wins_over_secondary() -> None:
    addresses = [address("10.1.0.12", "10.1.0.0/24", IFA_F_SECONDARY), address("10.1.0.11", "10.1.0.0/24")]
    default = host(addresses, [route("0.0.0.0/0")]).default_interface(OWN)
    assert default is not None
    assert default.ipv4 == "10.1.0.11"


def test_default_route_of_another_table_is_not_the_default() -> None:
    assert host(routes=[route("0.0.0.0/0", table=100)]).default_interface(OWN) is None
