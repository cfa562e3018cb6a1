# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The endpoint of a peer inside the overlay: what is sent to it comes back to be sent to it, and must end."""

from __future__ import annotations

from itertools import product

import pytest
from namespaces import Namespace
from tunnel_pair import THEIRS, Start, introduce
from tunnel_process import TunnelProcess

Hosts = tuple[Namespace, Namespace]
LIMIT_BYTES = 70_000


@pytest.fixture
def tunnels(hosts: Hosts, start_tunnel: Start) -> tuple[TunnelProcess, TunnelProcess]:
    us, them = start_tunnel(hosts[0]), start_tunnel(hosts[1])
    introduce(us, them, we_know="", they_know=f"{hosts[0].outer_ipv4}:{us.port}")
    assert hosts[1].ping("10.77.0.1")
    return us, them


def test_a_loop_ends(tunnels: tuple[TunnelProcess, TunnelProcess]):
    """Of a peer with a session, so that nothing but the tunnel itself can end it."""
    us, them = tunnels
    for address, size_bytes in product(("10.77.0.2", "[fd77::2]"), (56, 1392, 8000)):
        us.add_peer(them.identity.public, THEIRS, endpoint=f"{address}:{them.port}")
        before_bytes = us.traffic_of(them.identity.public)[1]
        ping = ("ping", "-n", "-c", "1", "-W", "1", "-s", str(size_bytes), "10.77.0.2")
        us.host.run(*ping, check=False)
        assert us.traffic_of(them.identity.public)[1] - before_bytes < LIMIT_BYTES


def test_a_loop_of_two_peers_ends(tunnels: tuple[TunnelProcess, TunnelProcess]):
    """A peer is said to be behind another one, and that one behind it."""
    us, them = tunnels
    stranger = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEA="
    us.add_peer(stranger, ["10.77.0.3/32"], endpoint=f"10.77.0.2:{them.port}")
    us.add_peer(them.identity.public, THEIRS, endpoint="10.77.0.3:9")
    us.host.run("ping", "-n", "-c", "1", "-W", "1", "10.77.0.2", check=False)
    assert us.traffic_of(them.identity.public)[1] < LIMIT_BYTES


def test_the_tunnel_lives_on(tunnels: tuple[TunnelProcess, TunnelProcess]):
    us, them = tunnels
    us.add_peer(them.identity.public, THEIRS, endpoint=f"10.77.0.2:{them.port}")
    us.host.run("ping", "-n", "-c", "1", "-W", "1", "10.77.0.2", check=False)
    us.add_peer(them.identity.public, THEIRS, endpoint=f"{them.host.outer_ipv4}:{them.port}")
    assert us.host.ping("10.77.0.2")
