# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random

from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_discovery import FRESH_S, MAX_TRANSMISSIONS, POLL_INTERVAL_S, EndpointDiscovery
from cladnet.core.stun import binding_response, read_binding_request

A, B = Endpoint("198.51.100.1", 8055), Endpoint("198.51.100.2", 8055)
SERVER, OTHER = Endpoint("198.51.100.11", 3478), Endpoint("198.51.100.12", 3478)


def fixed_rng() -> random.Random:
    return random.Random(1)  # noqa: S311  (nothing secret, only repeatable)


class Polling:
    """A discovery with a clock and servers that answer when told."""

    def __init__(self, *servers: Endpoint) -> None:
        self._number = 0
        self.discovery = EndpointDiscovery(new_transaction_id=self._new_id, rng=fixed_rng())
        self.discovery.set_servers(servers, now_s=0.0)

    def _new_id(self) -> bytes:
        self._number += 1
        return self._number.to_bytes(12, "big")

    def run(self, until_s: float) -> list[tuple[float, bytes, Endpoint]]:
        """Everything that is sent up to a time when nobody answers."""
        sent = []
        due_s = self.discovery.next_due_s()
        while due_s is not None and due_s <= until_s:
            sent += [(due_s, datagram, to) for datagram, to in self.discovery.due(now_s=due_s)]
            due_s = self.discovery.next_due_s()
        return sent


def answer(datagram: bytes, mapped: Endpoint) -> bytes:
    transaction_id = read_binding_request(datagram)
    assert transaction_id is not None
    return binding_response(transaction_id, mapped)


def test_retransmissions_double_and_then_a_new_poll_begins() -> None:
    sent = Polling(SERVER).run(until_s=POLL_INTERVAL_S * 1.2)
    assert [time_s for time_s, _unused, _unused in sent[:MAX_TRANSMISSIONS]] == [0.0, 0.5, 1.5, 3.5]
    assert len({datagram for _unused, datagram, _unused in sent[:MAX_TRANSMISSIONS]}) == 1
    assert sent[MAX_TRANSMISSIONS][1] != sent[0][1]


def test_answer_ends_retransmission_until_the_next_poll() -> None:
    polling = Polling(SERVER)
    ((_unused, datagram, _unused),) = polling.run(until_s=0)
    assert polling.discovery.received(answer(datagram, A), SERVER, now_s=0.1)
    assert polling.discovery.answers(now_s=0.1) == [A]
    due_s = polling.discovery.next_due_s()
    assert due_s is not None
    assert 0.9 * POLL_INTERVAL_S <= due_s - 0.1 <= 1.1 * POLL_INTERVAL_S


def test_only_the_asked_server_answers_only_once_and_only_what_was_asked() -> None:
    polling = Polling(SERVER, OTHER)
    (_unused, to_server, _unused), (_unused, to_other, _unused) = polling.run(until_s=0)
    stranger = Endpoint("198.51.100.66", 3478)
    for datagram, source in [
        (answer(to_server, B), stranger),
        (answer(to_server, B), OTHER),
        (answer(to_other, B), SERVER),
        (answer(to_server, B), Endpoint(SERVER.address, 3479)),
        (b"\0" * 20, SERVER),
        (binding_response(bytes(12), B), SERVER),
    ]:
        assert not polling.discovery.received(datagram, source, now_s=0.1)
    assert polling.discovery.received(answer(to_server, A), SERVER, now_s=0.1)
    assert not polling.discovery.received(answer(to_server, B), SERVER, now_s=0.2)
    assert polling.discovery.answers(now_s=0.2) == [A]


def test_restart_asks_everybody_at_once_and_forgets_the_old_question() -> None:
    polling = Polling(SERVER)
    ((_unused, old, _unused),) = polling.run(until_s=0)
    polling.discovery.restart(now_s=0.2)
    ((new, _unused),) = polling.discovery.due(now_s=0.2)
    assert not polling.discovery.received(answer(old, A), SERVER, now_s=0.3)
    assert polling.discovery.received(answer(new, B), SERVER, now_s=0.3)


def test_stale_answers_count_only_while_nobody_has_a_fresh_one() -> None:
    polling = Polling(SERVER, OTHER)
    (_unused, to_server, _unused), (_unused, to_other, _unused) = polling.run(until_s=0)
    polling.discovery.received(answer(to_server, A), SERVER, now_s=0.0)
    late_s = FRESH_S + 1
    assert polling.discovery.answers(now_s=late_s) == [A]
    polling.discovery.received(answer(to_other, B), OTHER, now_s=late_s)
    assert polling.discovery.answers(now_s=late_s) == [B]


def test_server_that_stays_keeps_its_answer_and_a_removed_one_loses_it() -> None:
    polling = Polling(SERVER)
    ((_unused, datagram, _unused),) = polling.run(until_s=0)
    polling.discovery.received(answer(datagram, A), SERVER, now_s=0)
    polling.discovery.set_servers([SERVER, OTHER], now_s=1)
    assert [to for _unused, to in polling.discovery.due(now_s=1)] == [OTHER]
    assert polling.discovery.answers(now_s=1) == [A]
    polling.discovery.set_servers([OTHER], now_s=1)
    assert polling.discovery.answers(now_s=1) == []
    polling.discovery.set_servers([], now_s=1)
    assert polling.discovery.next_due_s() is None
