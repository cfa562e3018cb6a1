# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What controllers and agents tell each other about ciphers, also those of other releases."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv4Network
from itertools import permutations

import pytest

from cladnet.agent.wire_messages import read_delta, read_snapshot
from cladnet.controller.agent_messages import delta_message, read_report, snapshot_message
from cladnet.core.network import CIPHERS
from cladnet.core.rule_table import NetworkRule, PeerEntry, RuleDelta, RuleTable, by_host
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, SUITES, Suite
from cladnet.wire import agent_pb2 as pb
from cladnet.wire.suites import read_suites, suite_values

KEY = bytes(range(32))
LISTS = [(suite,) for suite in SUITES] + list(permutations(SUITES))


@pytest.mark.parametrize("suites", LISTS, ids=lambda suites: " ".join(suite.name for suite in suites))
def test_suites_of_a_host_survive_the_wire_in_their_order(suites: tuple[Suite, ...]) -> None:
    peer = PeerEntry("a1", IPv4Address("10.99.0.1"), KEY, suites=suites)
    message = pb.WatchReply.FromString(delta_message(RuleDelta(2, peers=(peer,))))
    assert read_delta(message.delta).peers == (peer,)
    assert read_report(pb.ReportRequest(public_key=KEY, suites=suite_values(suites))).suites == suites


@pytest.mark.parametrize("cipher", CIPHERS)
def test_the_cipher_of_a_network_survives_the_wire(cipher: str) -> None:
    network = NetworkRule("demo", IPv4Network("10.99.0.0/24"), 1300, cipher=cipher)
    table = RuleTable(7, 2, network, by_host([PeerEntry("a1", IPv4Address("10.99.0.1"), KEY)]))
    message = pb.WatchReply.FromString(snapshot_message(table))
    assert read_snapshot(message.snapshot) == table


def test_a_controller_of_the_release_before_means_what_it_did() -> None:
    network = pb.Network(name="demo", cidr="10.99.0.0/24")
    peer = pb.Peer(host="a1", address="10.99.0.1", public_key=KEY)
    table = read_snapshot(pb.Snapshot(network=network, peers=[peer]))
    assert table.network == NetworkRule("demo", IPv4Network("10.99.0.0/24"), rule_type="")
    assert table.peers["a1"].suites == (CHACHA20_POLY1305,)


def test_an_agent_of_the_release_before_speaks_wireguard() -> None:
    assert read_report(pb.ReportRequest(public_key=KEY)).suites == (CHACHA20_POLY1305,)


def test_what_a_later_release_adds_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert read_suites([99, pb.SUITE_AES_256_GCM]) == read_suites([pb.SUITE_AES_256_GCM])  # type: ignore[list-item]
    network = pb.Network(name="demo", cidr="10.99.0.0/24", cipher="post-quantum")
    with caplog.at_level(logging.WARNING):
        table = read_snapshot(pb.Snapshot(network=network))
    assert table.network is not None
    assert table.network.cipher == "auto"
    assert "post-quantum" in caplog.text
