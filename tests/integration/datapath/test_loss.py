# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A path that loses datagrams at random, both ways: TCP ends, with the right data."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from frame_switch import Frame, Policy
from namespaces import eventually
from switched_tunnels import SwitchedTunnels
from tunnel_pair import transfer


def losing(percent: int) -> Policy:
    """Loses so many of a hundred datagrams."""
    rng = random.Random(percent)  # noqa: S311 - has to be the same every time

    def policy(frame: Frame) -> Iterable[Frame]:
        return () if rng.random() < percent / 100 else (frame,)

    return policy


@pytest.mark.parametrize(
    ("percent", "size_bytes"),
    [
        (1, 2 << 20),
        (5, 256 << 10),
        (20, 16 << 10),
        pytest.param(1, 20 << 20, marks=pytest.mark.long),
        pytest.param(5, 4 << 20, marks=pytest.mark.long),
        pytest.param(20, 256 << 10, marks=pytest.mark.long),
    ],
)
def test_tcp_ends(switched: SwitchedTunnels, percent: int, size_bytes: int):
    switched.switch.policy = losing(percent)
    transfer(switched.first, switched.second, "10.77.0.1", 7401, size_bytes)
    transfer(switched.second, switched.first, "fd77::2", 7402, size_bytes)


def test_handshake_is_repeated_until_it_succeeds(switched: SwitchedTunnels):
    lost: list[Frame] = []

    def lose_handshakes(frame: Frame) -> Iterable[Frame]:
        if frame.datagram[0] in (1, 2) and len(lost) < 2:
            lost.append(frame)
            return ()
        return (frame,)

    switched.us.remove_peer(switched.them.identity.public)
    switched.switch.policy = lose_handshakes
    endpoint = f"{switched.second.outer_ipv4}:{switched.them.port}"
    switched.us.add_peer(switched.them.identity.public, ["10.77.0.2/32"], endpoint=endpoint)
    switched.us.call("connect", public_key=switched.them.identity.public)
    eventually("the tunnel is up again", lambda: switched.first.pings("10.77.0.2"), deadline_s=20)
    assert len(lost) == 2
