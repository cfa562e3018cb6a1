# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network, ip_network
from pathlib import Path

import pytest

from cladnet import __version__
from cladnet.agent.config import AgentConfig
from cladnet.agent.host_cidrs import RT_TABLE_MAIN, Address, HostNetwork, Link, Route
from cladnet.agent.observation import PEER_ROUTE_PROTOCOL, HostObservation, observe, overlap_with
from cladnet.agent.report import build_report
from cladnet.core.device_plan import DeviceRoute
from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_selection import EndpointSource, PublicEndpoint
from cladnet.core.host_report import Cloud
from cladnet.core.host_state import Assessment, HostState
from cladnet.core.pair_suites import DEFAULT_SUITES
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305
from cladnet.wire import agent_pb2

ETH0, DOCKER0, DEVICE = 2, 3, 4


def address(local: str, link_index: int) -> Address:
    network = ip_network(local, strict=False)
    return Address(local=local.partition("/")[0], network=network, link_index=link_index, flags=0)


def route(network: str, link_index: int, gateway: str = "") -> Route:
    return Route(ip_network(network), 1, RT_TABLE_MAIN, 0, gateway, "", (link_index,))


HOST = HostNetwork(
    links={
        ETH0: Link(ETH0, "eth0", "", 1460, is_loopback=False),
        DOCKER0: Link(DOCKER0, "docker0", "bridge", 1500, is_loopback=False),
        DEVICE: Link(DEVICE, "cladnet0", "tun", 1380, is_loopback=False),
    },
    addresses=(
        address("192.168.2.4/24", ETH0),
        address("172.17.0.1/16", DOCKER0),
        address("10.77.0.2/24", DEVICE),
    ),
    routes=(
        route("0.0.0.0/0", ETH0, "192.168.2.1"),
        route("192.168.2.0/24", ETH0),
        route("172.17.0.0/16", DOCKER0),
        replace(route("10.77.0.0/24", DEVICE), mtu=1200, advertised_mss=1340, protocol=2),
        replace(route("10.77.0.3/32", DEVICE), mtu=1300, advertised_mss=1340, protocol=PEER_ROUTE_PROTOCOL),
        replace(route("10.77.0.4/32", DEVICE), table=255),
    ),
)
OBSERVATION = observe(HOST, device="cladnet0", is_up=True)


def test_tunnel_device_is_seen_but_neither_occupied_nor_default() -> None:
    device = OBSERVATION.device
    assert device is not None
    assert (device.index, device.is_up, device.mtu_bytes) == (DEVICE, True, 1380)
    assert device.addresses == {IPv4Interface("10.77.0.2/24")}
    assert device.routes == {
        DeviceRoute(IPv4Network("10.77.0.0/24"), 1200, 1340),
        DeviceRoute(IPv4Network("10.77.0.3/32"), 1300, 1340, is_ours=True),
    }
    assert OBSERVATION.occupied_cidrs == ("172.17.0.0/16", "192.168.2.0/24")
    assert OBSERVATION.private_addresses == ("192.168.2.4",)


def test_missing_device_is_none() -> None:
    assert observe(HOST, device="cladnet7", is_up=False).device is None


@pytest.mark.parametrize(
    ("cidr", "words"),
    [
        ("10.77.0.0/24", []),
        ("172.17.8.0/24", ["172.17.0.0/16", "bridge at docker0", "172.17.8.0/24"]),
        ("192.168.0.0/16", ["192.168.2.0/24", "eth0"]),
    ],
)
def test_overlap_is_a_sentence_that_names_both_networks(cidr: str, words: list[str]) -> None:
    sentence = overlap_with(OBSERVATION, IPv4Network(cidr))
    assert bool(sentence) == bool(words)
    for word in words:
        assert word in sentence


def config(**changes: object) -> AgentConfig:
    paths = {"ca_file": Path("/c"), "state_dir": Path("/s"), "runtime_dir": Path("/r")}
    return AgentConfig("demo", "a1", ("198.51.100.1",), **paths, **changes)  # type: ignore[arg-type]


def test_report_says_all_that_a_controller_wants_to_know() -> None:
    report = build_report(
        config(cloud=Cloud("aws", "r", "z", "v", "s")),
        public_key=b"k" * 32,
        observation=OBSERVATION,
        public_endpoint=PublicEndpoint(Endpoint("198.51.100.7", 1234), EndpointSource.STUN),
        mtu_bytes=1380,
        assessment=Assessment(HostState.DEGRADED, "because"),
        is_down=True,
        rekeys_done=3,
        suites=(AES_256_GCM, CHACHA20_POLY1305),
    )
    assert report == agent_pb2.ReportRequest(
        public_key=b"k" * 32,
        public_endpoint=agent_pb2.Endpoint(address="198.51.100.7", port=1234),
        private_endpoints=[agent_pb2.Endpoint(address="192.168.2.4", port=8055)],
        occupied_networks=["172.17.0.0/16", "192.168.2.0/24"],
        mtu=1380,
        cloud=agent_pb2.Cloud(provider="aws", region="r", zone="z", vnet="v", subnet="s"),
        state="HOST_STATE_DEGRADED",
        reason="because",
        agent_version=__version__,
        is_down=True,
        rekeys_done=3,
        suites=[agent_pb2.SUITE_AES_256_GCM, agent_pb2.SUITE_CHACHA20_POLY1305],
    )


@pytest.mark.parametrize("state", HostState)
def test_every_state_has_its_name_on_the_wire(state: HostState) -> None:
    report = build_report(
        config(),
        public_key=b"k" * 32,
        observation=HostObservation(),
        public_endpoint=None,
        mtu_bytes=1420,
        assessment=Assessment(state),
        suites=DEFAULT_SUITES,
    )
    assert agent_pb2.HostState.Name(report.state) == f"HOST_STATE_{state.name}"
    assert not report.HasField("public_endpoint")
