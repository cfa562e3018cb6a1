# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The clouds behave as clouds do: 1:1 NAT, overlapping subnets, GCP's /32 guests."""

from __future__ import annotations

from itertools import permutations

import pytest

from lab.lab import HostState, Lab
from tests.integration.lab.probes import output, private_ip, public_ip, reaches, seen_as


def test_all_hosts_run_without_a_failed_unit(lab: Lab) -> None:
    assert {host.state for host in lab.hosts.values()} == {HostState.RUNNING}
    for host in lab.hosts:
        assert output(lab, host, "systemctl", "is-system-running") == "running\n"


def test_every_host_reaches_every_other_by_its_public_address(lab: Lab) -> None:
    for one, other in permutations(lab.hosts, 2):
        assert reaches(lab, one, public_ip(lab, other)), f"{one} -> {other}"


@pytest.mark.parametrize(
    ("asker", "listener"),
    [
        ("aws-web-1", "azure-db-1"),
        ("gcp-app-1", "aws-web-2"),
        ("aws-web-1", "aws-web-2"),
        ("gcp-app-1", "gcp-app-2"),
    ],
    ids=["same private address", "GCP", "hairpin", "hairpin in GCP"],
)
def test_both_sides_see_public_addresses_only(lab: Lab, asker: str, listener: str) -> None:
    assert seen_as(lab, asker, listener) == (public_ip(lab, asker), public_ip(lab, listener))


def test_no_host_has_its_public_address(lab: Lab) -> None:
    for host in lab.hosts:
        assert public_ip(lab, host) not in output(lab, host, "ip", "-4", "address")


def test_overlapping_clouds_are_apart(lab: Lab) -> None:
    assert private_ip(lab, "aws-web-1") == private_ip(lab, "azure-db-1")
    assert reaches(lab, "aws-web-1", private_ip(lab, "aws-web-2"))
    assert not reaches(lab, "aws-web-1", private_ip(lab, "azure-db-2"))


def test_gcp_guests_reach_each_other_only_through_the_gateway(lab: Lab) -> None:
    neighbour = private_ip(lab, "gcp-app-2")
    assert "ttl=63" in output(lab, "gcp-app-1", "ping", "-c1", "-W1", neighbour)
    assert f"{neighbour} " not in output(lab, "gcp-app-1", "ip", "neighbour")
    assert "inet 10.178.0.2/32" in output(lab, "gcp-app-1", "ip", "-4", "address", "show", "eth0")


def test_the_mtu_of_gcp_is_told_to_the_sender(lab: Lab) -> None:
    assert "mtu 1460" in output(lab, "gcp-app-1", "ip", "link", "show", "eth0")
    full_size = ["ping", "-c1", "-W1", "-Mdo", "-s1472", public_ip(lab, "gcp-app-1")]
    done = lab.exec("aws-web-2", full_size, timeout_s=10)
    assert "mtu = 1460" in done.stdout or "mtu=1460" in done.stderr


def test_conflicting_networks_are_real(lab: Lab) -> None:
    assert "172.17.0.0/16 dev docker0" in output(lab, "azure-db-2", "ip", "route")
    assert "10.20.0.0/16 via 10.178.0.1" in output(lab, "gcp-app-2", "ip", "route")


def test_there_is_no_way_out(lab: Lab) -> None:
    assert not reaches(lab, "aws-web-1", "9.9.9.9")
