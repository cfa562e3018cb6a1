# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``cladnet ping``: is every peer of the network reachable over the overlay?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cladnet.agent.config import AgentConfig
from cladnet.cli.status import STATE_DOWN, read_status
from cladnet.cli.text import columns
from cladnet.datapath.echo_socket import EchoSocket

RETRY_S = 0.5
DEFAULT_TIMEOUT_S = 5.0


def ping(
    config: AgentConfig, timeout_s: float, at_least: int = 0, clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Pings all peers in parallel until each has answered, or the time is over.

    The peers are read anew from the agent all the while, so that it may be asked while a host still joins.

    Args:
        config: of the network.
        timeout_s: how long to try at most.
        at_least: so many peers there must be; hosts that still join are waited for.
        clock: seconds.

    Raises:
        CladnetError: the agent may not be asked, or pings may not be sent.
    """
    end_s = clock() + timeout_s
    trips_ms: dict[str, float] = {}
    with EchoSocket(clock) as echo:
        status = read_status(config)
        while not _is_done(status, trips_ms, at_least) and clock() < end_s:
            echo.send(_silent(status, trips_ms))
            _collect(echo, trips_ms, status, min(clock() + RETRY_S, end_s), at_least, clock)
            status = read_status(config)
    return _result(status, trips_ms)


def format_ping(result: dict[str, Any]) -> str:
    """The result for people."""
    rows = [
        (pair["host"], pair["address"], f"{pair['rtt_ms']:.2f} ms" if pair["reachable"] else "no answer")
        for pair in result["pairs"]
    ]
    summary = f"{result['reachable']} of {result['total']} peers reachable from {result['host']}"
    return f"{columns(('PEER', 'ADDRESS', 'ROUND TRIP'), rows)}\n\n{summary}" if rows else summary


def _collect(
    echo: EchoSocket,
    trips_ms: dict[str, float],
    status: dict[str, Any],
    until_s: float,
    at_least: int,
    clock: Callable[[], float],
) -> None:
    while clock() < until_s and not _is_done(status, trips_ms, at_least):
        for address, trip_ms in echo.receive(until_s - clock()).items():
            trips_ms.setdefault(address, trip_ms)


def _silent(status: dict[str, Any], trips_ms: dict[str, float]) -> list[str]:
    return [peer["address"] for peer in status["peers"] if peer["address"] not in trips_ms]


def _is_done(status: dict[str, Any], trips_ms: dict[str, float], at_least: int) -> bool:
    is_settled = status["address"] is not None or status["state"] == STATE_DOWN
    return is_settled and len(status["peers"]) >= at_least and not _silent(status, trips_ms)


def _result(status: dict[str, Any], trips_ms: dict[str, float]) -> dict[str, Any]:
    pairs = [_pair(peer, trips_ms.get(peer["address"])) for peer in status["peers"]]
    return {
        "host": status["host"],
        "address": status["address"],
        "pairs": pairs,
        "reachable": sum(pair["reachable"] for pair in pairs),
        "total": len(pairs),
    }


def _pair(peer: dict[str, Any], trip_ms: float | None) -> dict[str, Any]:
    return {
        "host": peer["host"],
        "address": peer["address"],
        "reachable": trip_ms is not None,
        "rtt_ms": None if trip_ms is None else round(trip_ms, 3),
    }
