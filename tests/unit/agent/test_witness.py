# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Peers tell each other how they see one another; strangers learn nothing."""

from __future__ import annotations

import pytest

from cladnet.agent.witness import MOST_WITNESSES, Witness
from cladnet.core.endpoint import Endpoint
from cladnet.core.stun import binding_request, read_binding_response
from cladnet.core.wireguard.status import PeerStatus, TunnelStatus

TRANSACTION = bytes(range(12))
HEARD = Endpoint("198.51.100.11", 8055)
SILENT = Endpoint("198.51.100.12", 8055)
STRANGER = Endpoint("198.51.100.13", 8055)


def peer(number: int, endpoint: Endpoint | None, age_s: float | None) -> PeerStatus:
    return PeerStatus(
        public_key=bytes([number]) * 32,
        endpoint=endpoint,
        last_handshake_age_s=age_s,
        rx_bytes=0,
        tx_bytes=0,
    )


@pytest.fixture
def sent() -> list[tuple[bytes, Endpoint]]:
    return []


def witness(sent: list[tuple[bytes, Endpoint]], *peers: PeerStatus) -> Witness:
    status = TunnelStatus(peers=list(peers), drops={})
    return Witness(lambda: status, lambda datagram, to: sent.append((datagram, to)))


def test_a_peer_is_told_where_it_is_seen(sent: list[tuple[bytes, Endpoint]]) -> None:
    assert witness(sent, peer(1, HEARD, 3.0)).received(binding_request(TRANSACTION), HEARD)
    ((answer, to),) = sent
    assert to == HEARD
    assert read_binding_response(answer, TRANSACTION) == HEARD


@pytest.mark.parametrize("source", [SILENT, STRANGER, Endpoint("198.51.100.11", 9)])
def test_who_has_proven_nothing_gets_no_answer(sent: list[tuple[bytes, Endpoint]], source: Endpoint) -> None:
    own = witness(sent, peer(1, HEARD, 3.0), peer(2, SILENT, None))
    assert own.received(binding_request(TRANSACTION), source)
    assert sent == []


@pytest.mark.parametrize("datagram", [b"", b"\x04\0\0\0" + bytes(28), b"GET / HTTP/1.1"])
def test_what_is_no_question_is_left_to_others(sent: list[tuple[bytes, Endpoint]], datagram: bytes) -> None:
    assert not witness(sent, peer(1, HEARD, 3.0)).received(datagram, HEARD)


def test_those_heard_last_are_asked_first(sent: list[tuple[bytes, Endpoint]]) -> None:
    endpoints = [Endpoint("198.51.100.20", 8055 + number) for number in range(5)]
    ages = [None, 60.0, 5.0, None, 20.0]
    own = witness(sent, *(peer(n, e, a) for n, (e, a) in enumerate(zip(endpoints, ages, strict=True))))
    assert own.candidates() == [endpoints[2], endpoints[4], endpoints[1]]
    assert len(own.candidates()) == MOST_WITNESSES
