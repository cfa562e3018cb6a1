# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Asks STUN servers, again and again, how they see this host: the client side, without socket and clock.

Retransmission as in RFC 8489, 6.2.1 (0.5 s, doubled each time), cut off where the next poll begins anyway.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cladnet.core.endpoint import Endpoint
from cladnet.core.stun import binding_request, read_binding_response

# A live change of the public address is noticed by nothing else on the host; 28 bytes are a small price.
POLL_INTERVAL_S = 5.0
RETRANSMISSION_TIMEOUT_S = 0.5
MAX_TRANSMISSIONS = 4
FRESH_S = 3 * POLL_INTERVAL_S
_JITTER = 0.1


@dataclass(slots=True)
class _Server:
    """What is under way with one server: at most one transaction."""

    transaction_id: bytes = b""
    transmissions: int = 0
    next_send_s: float = 0.0
    next_poll_s: float = 0.0
    answer: Endpoint | None = None
    answered_s: float = field(default=float("-inf"))


class EndpointDiscovery:
    """The polling of a set of servers. All times are a monotonic clock in seconds, passed in.

    Args:
        new_transaction_id: gives 12 bytes that nobody can guess.
        rng: spreads the polls of many hosts.
    """

    def __init__(self, *, new_transaction_id: Callable[[], bytes], rng: random.Random) -> None:
        self._new_transaction_id = new_transaction_id
        self._rng = rng
        self._servers: dict[Endpoint, _Server] = {}

    def set_servers(self, servers: Iterable[Endpoint], *, now_s: float) -> None:
        """Asks these servers from now on; new ones at once."""
        wanted = dict.fromkeys(servers)
        self._servers = {
            endpoint: self._servers.get(endpoint) or _Server(next_poll_s=now_s) for endpoint in wanted
        }

    def restart(self, *, now_s: float) -> None:
        """Asks all servers now: something about the network changed."""
        for server in self._servers.values():
            server.transaction_id = b""
            server.next_poll_s = now_s

    def due(self, *, now_s: float) -> list[tuple[bytes, Endpoint]]:
        """The datagrams to send now, each with the server it goes to."""
        datagrams = []
        for endpoint, server in self._servers.items():
            self._begin_if_due(server, now_s)
            if self._is_sending(server) and now_s >= server.next_send_s:
                datagrams.append((_transmit(server, now_s), endpoint))
        return datagrams

    def next_due_s(self) -> float | None:
        """When ``due`` has something to give again; None without servers."""
        times = [self._next_s(server) for server in self._servers.values()]
        return min(times, default=None)

    def received(self, datagram: bytes, source: Endpoint, *, now_s: float) -> bool:
        """Takes in a datagram; False if it is no answer of the asked server to the pending question."""
        server = self._servers.get(source)
        if server is None or not server.transaction_id:
            return False
        mapped = read_binding_response(datagram, server.transaction_id)
        if mapped is None:
            return False
        server.transaction_id = b""
        server.answer, server.answered_s = mapped, now_s
        server.next_poll_s = now_s + self._interval_s()
        return True

    def has_fresh_answer(self, servers: Iterable[Endpoint], *, now_s: float) -> bool:
        """Whether one of these servers has answered lately."""
        asked = (self._servers.get(endpoint) for endpoint in servers)
        return any(server is not None and server.answered_s + FRESH_S >= now_s for server in asked)

    def answers(self, *, now_s: float) -> list[Endpoint]:
        """How the servers see this host: the fresh answers; if there is none, the last ones there were."""
        answered = [s for s in self._servers.values() if s.answer is not None]
        fresh = [s for s in answered if s.answered_s + FRESH_S >= now_s]
        return [s.answer for s in fresh or answered if s.answer is not None]

    def _begin_if_due(self, server: _Server, now_s: float) -> None:
        if now_s < server.next_poll_s:
            return
        server.transaction_id = self._new_transaction_id()
        server.transmissions = 0
        server.next_send_s = now_s
        server.next_poll_s = now_s + self._interval_s()

    def _interval_s(self) -> float:
        return POLL_INTERVAL_S * (1 + _JITTER * self._rng.uniform(-1, 1))

    def _is_sending(self, server: _Server) -> bool:
        return bool(server.transaction_id) and server.transmissions < MAX_TRANSMISSIONS

    def _next_s(self, server: _Server) -> float:
        return min(server.next_send_s, server.next_poll_s) if self._is_sending(server) else server.next_poll_s


def _transmit(server: _Server, now_s: float) -> bytes:
    server.next_send_s = now_s + RETRANSMISSION_TIMEOUT_S * 2**server.transmissions
    server.transmissions += 1
    return binding_request(server.transaction_id)
