# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The nft rulesets of NAT and faults, literally."""

from __future__ import annotations

import pytest

from lab import nft_plan
from lab import situation as situations
from lab import topology as topologies
from lab.network_plan import mac_address
from lab.situation import Situation

DEMO = topologies.load("demo")
START = situations.initial(DEMO, "/image")
AWS = DEMO.clouds["aws"]


def test_a_suspended_host_is_not_translated() -> None:
    situation = situations.released(START, "aws-web-2")
    assert nft_plan.nat_maps(DEMO, situation, AWS).splitlines() == [
        "flush map ip nat public_to_private",
        "flush map ip nat private_to_public",
        "add element ip nat public_to_private { 198.51.100.17 : 192.168.2.10 }",
        "add element ip nat private_to_public { 192.168.2.10 : 198.51.100.17 }",
    ]


def test_without_faults_the_chains_are_empty() -> None:
    rules = nft_plan.internet_faults(DEMO, START) + nft_plan.router_faults(DEMO, START, AWS)
    assert "drop" not in rules


def test_each_ruleset_replaces_the_one_before() -> None:
    rules = nft_plan.internet_faults(DEMO, START)
    assert rules.startswith("table ip faults\ndelete table ip faults\ntable ip faults {\n")


def test_a_partition_of_clouds_is_by_their_public_addresses_at_that_time() -> None:
    situation = situations.with_partition(DEMO, START, "aws", ("gcp-app-1",))
    moved = situations.with_new_public_ip(DEMO, situation, "gcp-app-1")
    expected = "ip saddr { 198.51.100.17, 198.51.100.18 } ip daddr { 198.51.100.51 } drop"
    assert _rules(nft_plan.internet_faults(DEMO, moved)).count(expected) == 3
    assert not _rules(nft_plan.router_faults(DEMO, moved, AWS)), "nothing inside aws is cut"


def test_a_partition_inside_a_cloud_is_made_by_its_router() -> None:
    situation = situations.with_partition(DEMO, START, "aws-web-1", ("aws-web-2",))
    one, other = mac_address(DEMO, "aws-web-1"), mac_address(DEMO, "aws-web-2")
    assert _rules(nft_plan.router_faults(DEMO, situation, AWS)) == [
        f"ether saddr {{ {one} }} ether daddr {{ {other} }} drop",
        f"ether saddr {{ {other} }} ether daddr {{ {one} }} drop",
        'iifname "lan" oifname "lan" ip saddr { 192.168.2.10 } ip daddr { 192.168.2.11 } drop',
        'iifname "lan" oifname "lan" ip saddr { 192.168.2.11 } ip daddr { 192.168.2.10 } drop',
    ]


def test_the_operator_can_be_cut_off_too() -> None:
    situation = situations.with_partition(DEMO, START, "gcp-app-1", ("operator",))
    rules = _rules(nft_plan.internet_faults(DEMO, situation))
    assert "ip saddr { 198.51.100.49 } ip daddr { 198.51.100.254 } drop" in rules


def test_a_suspended_host_leaves_no_half_rule() -> None:
    situation = situations.with_partition(DEMO, START, "aws-web-1", ("gcp-app-1",))
    assert not _rules(nft_plan.internet_faults(DEMO, situations.released(situation, "gcp-app-1")))


@pytest.mark.parametrize(
    ("ruleset", "times"),
    [(nft_plan.internet_faults, 1), (lambda lab, now: nft_plan.router_faults(lab, now, AWS), 2)],
)
def test_loss_meets_each_packet_once_and_never_the_operator(ruleset, times: int) -> None:
    situation: Situation = situations.with_loss(START, 20)
    assert (
        sum("numgen random mod 100 < 20 drop" in rule for rule in _rules(ruleset(DEMO, situation))) == times
    )


def _rules(ruleset: str) -> list[str]:
    return [line.strip() for line in ruleset.splitlines() if line.endswith(" drop")]
