# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import IPv4Network, ip_network

import pytest

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import Cloud, HostReport
from cladnet.core.network import NetworkSpec, parse_cidr

KEY = bytes(range(32))
DEMO = IPv4Network("10.99.0.0/24")


@pytest.mark.parametrize(
    "cidr", ["10.0.0.0/8", "10.255.255.252/30", "172.16.0.0/12", "192.168.0.0/16", "172.31.5.0/24"]
)
def test_private_address_spaces_are_allowed(cidr: str) -> None:
    assert NetworkSpec("demo", parse_cidr(cidr)).cidr == IPv4Network(cidr)


@pytest.mark.parametrize(
    ("cidr", "told"),
    [
        ("10.99.0.5/24", "10.99.0.0/24"),
        ("10.99.0.0/33", "10.99.0.0/33"),
        ("nonsense", "nonsense"),
        ("", "''"),
        ("2001:db8::/32", "IPv4"),
        ("10.99.0.0/255.255.255.5", "10.99.0.0/255.255.255.5"),
    ],
)
def test_what_is_no_address_space_is_named(cidr: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_cidr(cidr)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "cidr",
    [
        "10.0.0.0/31",
        "10.0.0.1/32",
        "0.0.0.0/0",
        "8.8.8.0/24",
        "172.0.0.0/8",
        "100.64.0.0/10",
        "192.168.0.0/15",
    ],
)
def test_other_address_spaces_are_refused(cidr: str) -> None:
    with pytest.raises(InvalidInput, match=r"range|private|host bits"):
        NetworkSpec("demo", parse_cidr(cidr))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Demo"},
        {"mtu": 575},
        {"mtu": 65456},
        {"mtu": -1},
        {"quarantine_s": -1},
        {"quarantine_s": 10**9},
        {"rule_type": "fastest"},
        {"cipher": "aes"},
        {"cipher": ""},
        {"description": "x" * 501},
        {"description": "two\nlines"},
        {"description": "\x1b[31m"},
    ],
)
def test_wrong_options_of_a_network(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        NetworkSpec(**{"name": "demo", "cidr": DEMO, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"public_key": b""},
        {"public_key": bytes(31)},
        {"public_key": bytes(32)},
        {"mtu": -1},
        {"mtu": 70000},
        {"reason": "x" * 1001},
        {"reason": "\x1b[2J"},
        {"agent_version": "1\n2"},
        {"private_endpoints": (Endpoint("10.0.0.1", 1),) * 65},
        {"occupied_networks": (DEMO,) * 4097},
    ],
)
def test_reports_that_no_agent_would_send(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        HostReport(**{"public_key": KEY, **wrong})  # type: ignore[arg-type]


def test_cloud_details_are_short_lines() -> None:
    with pytest.raises(InvalidInput, match="zone"):
        Cloud(provider="aws", zone="a\tb")


@pytest.mark.parametrize(
    ("occupied", "overlap"),
    [
        ([], None),
        (["10.98.0.0/16", "172.17.0.0/16"], None),
        (["192.168.0.0/24", "10.99.0.128/25"], "10.99.0.128/25"),
        (["10.0.0.0/8"], "10.0.0.0/8"),
        (["10.99.0.7/32"], "10.99.0.7/32"),
        (["0.0.0.0/0"], None),
        (["fd00::/8", "::/0"], None),
    ],
)
def test_the_network_of_a_host_that_overlaps(occupied: list[str], overlap: str | None) -> None:
    report = HostReport(KEY, occupied_networks=tuple(map(ip_network, occupied)))
    found = report.overlap_with(DEMO)
    assert (None if found is None else str(found)) == overlap
