# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""New keys under load, again and again: no packet is lost."""

from __future__ import annotations

import pytest
from namespaces import Namespace, kill
from tunnel_pair import Start, count_handshakes, introduce

Hosts = tuple[Namespace, Namespace]
PINGS_PER_S = 500


@pytest.mark.parametrize(
    ("rekey_after_s", "duration_s"),
    [(1.0, 10), pytest.param(5.0, 600, marks=pytest.mark.long)],
)
def test_no_packet_is_lost(hosts: Hosts, start_tunnel: Start, rekey_after_s: float, duration_s: int):
    us = start_tunnel(hosts[0], rekey_after_s=rekey_after_s)
    them = start_tunnel(hosts[1], rekey_after_s=rekey_after_s)
    introduce(us, them, we_know=f"{hosts[1].outer_ipv4}:{them.port}", they_know="")
    assert hosts[0].ping("10.77.0.2")
    count = duration_s * PINGS_PER_S
    flood = hosts[0].start("ping", "-n", "-q", "-i", str(1 / PINGS_PER_S), "-c", str(count), "10.77.0.2")
    try:
        handshakes = count_handshakes(us, them.identity.public, flood)
        assert flood.stdout is not None
        assert f"{count} packets transmitted, {count} received" in flood.stdout.read()
    finally:
        kill(flood)
    assert handshakes >= duration_s / rekey_after_s / 2
