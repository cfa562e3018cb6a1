# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a device says about data and keepalives that it sent."""

from __future__ import annotations

from two_hosts import Host, Wire, connected, make_host

AGE_S = 3.0


def data_sent_age_s(host: Host, wire: Wire) -> float | None:
    return host.device.status(wire.now_s).peers[0].last_data_sent_age_s


def test_only_data_counts_as_sent() -> None:
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    before = data_sent_age_s(theirs, wire)
    wire.send(ours, theirs)
    wire.settle()
    wire.now_s += AGE_S
    assert data_sent_age_s(ours, wire) == AGE_S
    assert data_sent_age_s(theirs, wire) is before is None
    ours.device.connect(theirs.key, wire.now_s)  # a keepalive, since there is a fresh session
    wire.settle()
    assert data_sent_age_s(ours, wire) == AGE_S
