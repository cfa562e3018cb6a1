# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A host behind NAT with a short memory: it is reachable as long as it speaks, and not by others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from namespaces import eventually
from natted_hosts import NattedHosts, natted_hosts
from tunnel_pair import introduce
from tunnel_process import TunnelProcess

KEEPALIVE_S = 1
WAITED_ROUNDS = 5


@pytest.fixture
def natted(tun_driver: None) -> Iterator[NattedHosts]:
    for program in ("nft", "conntrack"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (apt install nftables conntrack)")
    with natted_hosts() as hosts:
        yield hosts


@pytest.fixture
def tunnels(natted: NattedHosts) -> Iterator[tuple[TunnelProcess, TunnelProcess]]:
    with ExitStack() as stack:
        hidden, in_the_open = TunnelProcess(natted.hidden), TunnelProcess(natted.open)
        stack.callback(hidden.stop)
        stack.callback(in_the_open.stop)
        introduce(hidden, in_the_open, we_know=f"192.0.2.2:{in_the_open.port}", they_know="")
        yield hidden, in_the_open


def test_the_outside_comes_in_only_while_the_inside_speaks(natted: NattedHosts, tunnels):
    hidden, in_the_open = tunnels
    assert natted.hidden.ping("10.77.0.2")
    assert in_the_open.endpoint_of(hidden.identity.public).startswith("192.0.2.9:")
    assert natted.open.ping("10.77.0.1")
    natted.wait_until_forgotten()
    assert not natted.open.pings("10.77.0.1")
    assert natted.hidden.ping("10.77.0.2")
    assert natted.open.ping("10.77.0.1")


def test_keepalives_keep_the_way_open(natted: NattedHosts, tunnels):
    hidden, in_the_open = tunnels
    hidden.add_peer(
        in_the_open.identity.public,
        ["10.77.0.2/32"],
        endpoint=f"192.0.2.2:{in_the_open.port}",
        persistent_keepalive_s=KEEPALIVE_S,
    )
    received_bytes = _received(in_the_open, hidden)
    eventually(
        "keepalives come by themselves",
        lambda: _received(in_the_open, hidden) >= received_bytes + 32 * WAITED_ROUNDS,
    )
    assert natted.mappings() > 0
    assert natted.open.ping("10.77.0.1")


def test_a_new_mapping_is_followed(natted: NattedHosts, tunnels):
    hidden, in_the_open = tunnels
    assert natted.hidden.ping("10.77.0.2")
    before = in_the_open.endpoint_of(hidden.identity.public)
    natted.router.run(
        "nft", "flush chain ip nat out; add rule ip nat out meta l4proto udp masquerade to :40000-40010"
    )
    natted.wait_until_forgotten()
    assert natted.hidden.ping("10.77.0.2")
    assert natted.open.ping("10.77.0.1")
    assert before != in_the_open.endpoint_of(hidden.identity.public)


def _received(tunnel: TunnelProcess, peer: TunnelProcess) -> int:
    return tunnel.traffic_of(peer.identity.public)[0]
