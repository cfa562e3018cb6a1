# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The commands that make the network of the demo, literally."""

from __future__ import annotations

from lab import network_plan as plan
from lab import situation as situations
from lab import topology as topologies

DEMO = topologies.load("demo")
START = situations.initial(DEMO, "/image")


def test_namespaces_carry_the_lab_name_and_hosts_come_first() -> None:
    assert plan.namespaces(DEMO)[0] == "demo-aws-web-1"
    assert plan.namespaces(DEMO)[-4:] == ["demo-aws", "demo-azure", "demo-gcp", "demo-inet"]


def test_mac_addresses_are_fixed_local_and_different_in_each_lab() -> None:
    first, again = plan.mac_address(DEMO, "aws"), plan.mac_address(DEMO, "aws")
    other = plan.mac_address(topologies.load("demo", name="other"), "aws")
    assert first == again != other
    assert first.startswith("02:")
    assert len(first) == len("02:00:00:00:00:00")


def test_the_internet_routes_each_pool_to_its_cloud() -> None:
    assert plan.internet_links(DEMO, DEMO.clouds["aws"]) == [
        "link set lo up",
        "link add aws type veth peer name wan netns demo-aws",
        "addr add 198.51.100.254 peer 198.51.100.1/32 dev aws",
        "link set aws up",
        "route add 198.51.100.16/28 via 198.51.100.1",
    ]


def test_a_router_has_the_gateway_and_no_public_address() -> None:
    assert plan.router_links(DEMO, DEMO.clouds["gcp"]) == [
        "link set lo up",
        "addr add 198.51.100.3 peer 198.51.100.254/32 dev wan",
        "link set wan up",
        f"link add lan address {plan.mac_address(DEMO, 'gcp')} mtu 1460 type bridge",
        "addr add 10.178.0.1/20 dev lan",
        "link set lan up",
        "route add default via 198.51.100.254",
        "route add blackhole 198.51.100.48/28",
    ]


def test_only_gcp_answers_for_neighbours_and_isolates_them() -> None:
    assert set(plan.GCP_SYSCTLS) <= set(plan.router_sysctls(DEMO.clouds["gcp"]))
    assert not set(plan.GCP_SYSCTLS) & set(plan.router_sysctls(DEMO.clouds["aws"]))
    assert plan.host_port(DEMO, "gcp-app-1")[-2:] == ["isolated", "on"]
    assert plan.host_port(DEMO, "aws-web-1")[-2:] == ["isolated", "off"]


def test_a_host_with_docker() -> None:
    assert plan.host_links(DEMO, START, "azure-db-2") == [
        "link set lo up",
        f"link set eth0 address {plan.mac_address(DEMO, 'azure-db-2')} mtu 1500 up",
        "link add docker0 type bridge",
        "addr add 172.17.0.1/16 dev docker0",
        "link set docker0 up",
        "addr flush dev eth0 scope global",
        "addr add 192.168.2.12/24 dev eth0",
        "route replace default via 192.168.2.1 dev eth0",
    ]


def test_a_gcp_guest_with_a_routed_network() -> None:
    assert plan.host_addresses(DEMO, START, "gcp-app-2") == [
        "addr flush dev eth0 scope global",
        "addr add 10.178.0.3/32 dev eth0",
        "route replace 10.178.0.1 dev eth0 scope link",
        "route replace default via 10.178.0.1 dev eth0",
        "route replace 10.20.0.0/16 via 10.178.0.1 dev eth0",
    ]


def test_no_command_gives_a_host_its_public_address() -> None:
    for host, addresses in START.addresses.items():
        assert str(addresses.public_ip) not in " ".join(plan.host_links(DEMO, START, host))
