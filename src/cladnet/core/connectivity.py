# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A connectivity test: who is asked, what each one found, and what that is together. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from cladnet.core.errors import InvalidInput

MOST_COUNT = 20
MOST_TIMEOUT_S = 60
# What is kept of a test is about 40 bytes a pair, for an hour.
MOST_PAIRS = 100_000
MOST_ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class ConnectivityTest:
    """What hosts are asked to do: ping all their peers over the overlay.

    Args:
        hosts: that are asked.
        count: echo requests to each peer.
        timeout_s: when it is over, whoever has not answered.
        is_closed: it is over.

    Raises:
        InvalidInput: a number is out of range.
    """

    hosts: tuple[str, ...]
    count: int = 3
    timeout_s: int = 10
    is_closed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_COUNT:
            raise InvalidInput(f"count {self.count} is out of range: 1 to {MOST_COUNT}.")
        if not 1 <= self.timeout_s <= MOST_TIMEOUT_S:
            raise InvalidInput(f"timeout_s {self.timeout_s} is out of range: 1 to {MOST_TIMEOUT_S} seconds.")

    def is_done(self, answered: Collection[str]) -> bool:
        """Whether nothing more is to come."""
        return self.is_closed or all(host in answered for host in self.hosts)


@dataclass(frozen=True, slots=True)
class Ping:
    """What a host found of one peer; the shortest round trip in milliseconds, None if there was no answer."""

    host: str
    address: str
    rtt_ms: float | None = None

    def __post_init__(self) -> None:
        if self.rtt_ms is not None and not (math.isfinite(self.rtt_ms) and self.rtt_ms >= 0):
            raise InvalidInput(f"A round trip of {self.rtt_ms} ms to {self.host[:80]!r} cannot be.")


@dataclass(frozen=True, slots=True)
class HostResult:
    """What one host found.

    Args:
        address: its own overlay address.
        pings: one for each of its peers.
        error: a sentence, if nothing could be tested.
    """

    address: str
    pings: tuple[Ping, ...] = ()
    error: str = ""

    def __post_init__(self) -> None:
        if len(self.pings) > MOST_PAIRS or len(self.error) > MOST_ERROR_CHARACTERS:
            raise InvalidInput("The result of a connectivity test is too large.")


def check_size(asked: int, peers: int) -> None:
    """Lets pass a test that is not too large to be kept.

    Args:
        asked: number of hosts.
        peers: that each of them has.

    Raises:
        InvalidInput: it is too large.
    """
    if asked * peers > MOST_PAIRS:
        raise InvalidInput(
            f"{asked} hosts with {peers} peers each are too many pairs for one test.",
            hint=f"Name at most {max(1, MOST_PAIRS // peers)} hosts at a time.",
        )
