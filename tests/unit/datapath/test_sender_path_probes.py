# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Probes of a path's MTU have to leave as they are: their length is what is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cladnet.core.icmp import echo_request
from cladnet.core.ip.path_probe import probe_payload
from cladnet.core.wireguard.drops import Drop
from tests.unit.core.ip.inner_packets import ipv4
from tests.unit.datapath.sending_end import SendingEnd

ICMP, DF = 1, 0x4000
# As a search sends them: longest first, many of one size class, most of them no multiple of 16.
SIZES = (1420, 1419, 1413, 1405, 1390, 1341, 1340, 1337, 1200, 576)


def probe(size_bytes: int, kind: int = 8) -> bytes:
    message = echo_request(1, size_bytes, probe_payload(bytes(16), size_bytes))
    made = ipv4(bytes([kind]) + message[1:], protocol=ICMP, flags_and_offset=DF, destination="10.0.0.2")
    assert len(made) == size_bytes
    return made


@pytest.fixture(params=[False, True], ids=["together", "one-by-one"])
def end(request: pytest.FixtureRequest) -> Iterator[SendingEnd]:
    opened = SendingEnd(one_by_one=request.param)
    yield opened
    opened.close()


@pytest.mark.parametrize("path_mtu", [576, 1340, 1420])
@pytest.mark.parametrize("kind", [8, 0])
def test_probes_leave_without_padding_however_long_they_are(
    end: SendingEnd, path_mtu: int, kind: int
) -> None:
    end.peer.path_mtu_bytes = path_mtu
    end.queue(*(probe(size, kind) for size in SIZES))
    end.run()
    opened = end.remote.opened()
    assert [one.packet for one in opened] == [probe(size, kind) for size in SIZES]
    assert {one.padding for one in opened} == {b""}
    assert (end.drops(), end.told()) == ({}, [])


def test_other_pings_must_fit(end: SendingEnd) -> None:
    end.peer.path_mtu_bytes = 1340
    ping = ipv4(
        echo_request(1, 1, bytes(1400 - 28)), protocol=ICMP, flags_and_offset=DF, destination="10.0.0.2"
    )
    end.queue(ping)
    end.run()
    assert end.remote.packets() == []
    assert end.drops() == {Drop.PACKET_TOO_BIG: 1}
