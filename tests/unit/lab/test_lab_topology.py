# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Topology files: what ships is right, and every mistake is named by its field."""

from __future__ import annotations

import copy
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import topology as topologies
from lab.errors import TopologyError, UnknownHostError
from lab.topology import FOLDER, Bridge, CloudMode, Route

DEMO = yaml.safe_load((FOLDER / "demo.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_shipped_topologies_hold_every_difficulty(path: Path) -> None:
    topology = topologies.load(path.stem)

    hosts, clouds = topology.hosts.values(), topology.clouds.values()
    flat = [cloud.lan for cloud in clouds if cloud.mode is CloudMode.SUBNET]
    assert topology.name == path.stem
    assert len(clouds) == 3
    assert len(set(flat)) < len(flat), "two clouds use one subnet"
    assert len({host.private_ip for host in hosts}) < len(hosts), "two hosts use one address"
    assert any(cloud.mode is CloudMode.GCP and cloud.mtu == 1460 for cloud in clouds)
    assert any(bridge.name == "docker0" for host in hosts for bridge in host.bridges)
    assert any(host.routes for host in hosts)
    assert any(host.labels.get("cladnet-role") == "controller" for host in hosts)


def test_reads_every_field() -> None:
    topology = topologies.load("demo")

    gcp, docker, routed = topology.clouds["gcp"], topology.host("azure-db-2"), topology.host("gcp-app-2")
    assert gcp.connection == "gcp-asia-northeast3"
    assert gcp.vnet_id == gcp.subnet_id == gcp.ssh_key_id == "default-shared-gcp-asia-northeast3"
    assert gcp.gateway == IPv4Address("10.178.0.1")
    assert docker.bridges == (Bridge("docker0", IPv4Interface("172.17.0.1/16")),)
    assert docker.group == "azure-db"
    assert routed.routes == (Route(IPv4Network("10.20.0.0/16"), IPv4Address("10.178.0.1")),)
    assert topology.hosts_of("aws") == ("aws-web-1", "aws-web-2")


def test_another_name_replaces_that_of_the_file() -> None:
    assert topologies.load("demo", name="mine").name == "mine"


WRONG = [
    ("name", None, "name: is missing"),
    ("name", "Demo Lab", "name: 'Demo Lab' must be 1 to 15"),
    ("name", "rootfs", "the name rootfs is taken"),
    ("clouds", {}, "clouds: at least one is needed"),
    ("hosts", ["a"], "hosts: names with values are needed"),
    ("host", {}, "host: no such field here; the fields are clouds, hosts, internet, name"),
    ("internet.operator", "198.51.100.300", "internet.operator: '198.51.100.300' is not an IPv4 address"),
    ("internet.operator", "192.0.2.1", "internet.operator: 192.0.2.1 is not in 198.51.100.0/24"),
    (
        "internet.operator",
        "198.51.100.20",
        "clouds.aws.public_pool: contains 198.51.100.20 (internet.operator)",
    ),
    ("internet.operator", "198.51.100.1", "is given to both internet.operator and clouds.aws.wan"),
    ("clouds.aws.lan", "192.168.2.1/24", "clouds.aws.lan: '192.168.2.1/24' is not an IPv4 network"),
    ("clouds.aws.mode", "vlan", "clouds.aws.mode: 'vlan' is not one of subnet, gcp"),
    ("clouds.aws.mtu", "1500", "clouds.aws.mtu: '1500' is not a whole number"),
    ("clouds.aws.zone", 7, "clouds.aws.zone: 7 is not text"),
    ("clouds.aws.gateway", "192.168.3.1", "clouds.aws.gateway: 192.168.3.1 is not in 192.168.2.0/24"),
    ("clouds.aws.public_pool", "192.0.2.0/28", "clouds.aws.public_pool: is not in 198.51.100.0/24"),
    ("clouds.aws.public_pool", "198.51.100.32/29", "clouds.aws.public_pool: overlaps that of cloud azure"),
    ("hosts.aws-web-1.cloud", "ibm", "hosts.aws-web-1.cloud: no cloud 'ibm'; there are aws, azure, gcp"),
    ("hosts.aws-web-1.private_ip", "192.168.2.10", "is not an IPv4 address with its prefix length"),
    ("hosts.aws-web-1.private_ip", "192.168.2.10/25", "192.168.2.10/25 in cloud aws must end in /24"),
    ("hosts.gcp-app-1.private_ip", "10.178.0.2/20", "10.178.0.2/20 in cloud gcp must end in /32"),
    ("hosts.aws-web-1.private_ip", "192.168.2.1/24", "192.168.2.1 is no address for a host"),
    ("hosts.aws-web-1.private_ip", "192.168.2.255/24", "192.168.2.255 is no address for a host"),
    ("hosts.aws-web-1.private_ip", "192.168.2.11/24", "is given to both aws-web-1 and aws-web-2"),
    ("hosts.aws-web-1.public_ip", "198.51.100.40", "198.51.100.40 is not in the public pool"),
    ("hosts.aws-web-1.public_ip", "198.51.100.18", "is given to both aws-web-1 and aws-web-2"),
    (
        "hosts.aws-web-1.bridges",
        {"docker0": "172.17.0.1"},
        "hosts.aws-web-1.bridges.docker0: '172.17.0.1' is not",
    ),
    (
        "hosts.aws-web-1.routes",
        {"10.0.0.0": "x"},
        "hosts.aws-web-1.routes.10.0.0.0: 'x' is not an IPv4 address",
    ),
    (
        "hosts.aws-web-1.routes",
        {"ten": "192.168.2.1"},
        "hosts.aws-web-1.routes.ten: 'ten' is not an IPv4 network",
    ),
    ("hosts.aws-web-1.routes", {"10.0.0.0/8": "10.0.0.1"}, "gateway 10.0.0.1 is not in 192.168.2.0/24"),
    ("hosts.much-too-long-name-1", {}, "hosts.much-too-long-name-1.cloud: is missing"),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG, ids=[f"{case[0]}={case[1]}" for case in WRONG])
def test_a_mistake_is_named(field: str, value: object, message: str) -> None:
    with pytest.raises(TopologyError) as caught:
        topologies.parse(_demo_with(field, value))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["much-too-long-name-1", "aws", "wan", "operator", "-a", "Web"])
def test_a_host_must_be_able_to_name_an_interface(name: str) -> None:
    document = copy.deepcopy(DEMO)
    document["hosts"][name] = document["hosts"].pop("aws-web-1")
    with pytest.raises(TopologyError, match=f"hosts.{name}"):
        topologies.parse(document)


def test_an_unknown_host_is_told_with_those_that_exist() -> None:
    with pytest.raises(
        UnknownHostError, match="no host 'web' in lab demo; its hosts are aws-web-1, aws-web-2"
    ):
        topologies.load("demo").host("web")


def test_an_unknown_topology_is_told_with_those_that_exist() -> None:
    with pytest.raises(TopologyError, match="no topology nope; there are demo, e2e, molecule, or give"):
        topologies.load("nope")


@pytest.mark.parametrize("text", ["a: [", "- a", "\x00", "name: x"])
def test_a_file_that_is_no_topology_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TopologyError, match=r"mine\.yml"):
        topologies.load(path)


def _demo_with(field: str, value: object) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(DEMO)
    *parents, last = field.split(".", 2)
    target = document
    for parent in parents:
        target = target[parent]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return document
