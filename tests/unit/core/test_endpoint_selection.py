# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from collections import Counter
from ipaddress import IPv4Address, IPv4Network

import pytest

from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_selection import (
    EndpointSource,
    PublicEndpoint,
    control_candidates,
    select_public_endpoint,
    stun_servers,
)
from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleTable, by_host

OVERLAY = IPv4Network("10.77.0.0/24")
A, B = Endpoint("198.51.100.1", 8055), Endpoint("198.51.100.2", 8055)
PRIVATE = Endpoint("192.168.2.4", 8055)


@pytest.mark.parametrize(
    ("answers", "hint", "current", "expected", "source"),
    [
        ([], None, None, None, None),
        ([], B, None, B, EndpointSource.HINT),
        ([A], B, None, A, EndpointSource.STUN),
        ([A, B, B], None, A, B, EndpointSource.STUN),
        ([A, B], None, B, B, EndpointSource.STUN),  # a tie keeps what is announced
        ([A, B], None, None, A, EndpointSource.STUN),
        ([PRIVATE], None, None, PRIVATE, EndpointSource.STUN),  # a network without NAT
        ([PRIVATE], B, None, B, EndpointSource.HINT),
        ([PRIVATE, PRIVATE, A], None, PRIVATE, A, EndpointSource.STUN),
        ([Endpoint("127.0.0.1", 8055)], None, None, None, None),  # a controller on this very host
        ([Endpoint("10.77.0.5", 8055)], None, None, None, None),  # asked through the overlay
        ([Endpoint("2001:db8::1", 8055), A], None, None, A, EndpointSource.STUN),
        ([Endpoint("2001:db8::1", 8055)], None, None, Endpoint("2001:db8::1", 8055), EndpointSource.STUN),
    ],
)
def test_which_endpoint_is_announced(
    answers: list[Endpoint],
    hint: Endpoint | None,
    current: Endpoint | None,
    expected: Endpoint | None,
    source: EndpointSource | None,
) -> None:
    selected = select_public_endpoint(answers, hint=hint, current=current, overlay=OVERLAY)
    wanted = None if expected is None or source is None else PublicEndpoint(expected, source)
    assert selected == wanted


def fixed_rng() -> random.Random:
    return random.Random(1)  # noqa: S311  (nothing secret, only repeatable)


def table_with_controllers() -> RuleTable:
    return RuleTable(
        network=NetworkRule("demo", OVERLAY),
        peers=by_host([PeerEntry("c1", IPv4Address("10.77.0.2"), bytes(32))]),
        controllers=(ControllerEntry("c1", ("198.51.100.11",)), ControllerEntry("c2", ("198.51.100.12",))),
    )


def test_controllers_are_tried_outside_first_and_each_once() -> None:
    candidates = control_candidates(["198.51.100.11", "ctl.example"], table_with_controllers(), fixed_rng())
    assert candidates[-1] == "10.77.0.2"
    assert sorted(candidates[:-1]) == ["198.51.100.11", "198.51.100.12", "ctl.example"]


def test_hosts_spread_over_the_controllers() -> None:
    rng = fixed_rng()
    first = Counter(
        control_candidates(["198.51.100.11"], table_with_controllers(), rng)[0] for _unused in range(100)
    )
    assert len(first) == 2
    assert min(first.values()) > 20


def test_nobody_is_asked_through_the_overlay() -> None:
    assert stun_servers(["10.77.0.2", "ctl.example"], table_with_controllers()) == (
        "ctl.example",
        "198.51.100.11",
        "198.51.100.12",
    )
