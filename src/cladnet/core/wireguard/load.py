# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Protection from handshake floods: when to ask for cookies, and how much each source may cost then.

Source: WireGuard whitepaper, section 5.3; the figures per source are wireguard-go's.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from math import inf
from typing import Protocol

from cladnet.core.endpoint import Endpoint

SOURCE_RATE_PER_S = 20.0
SOURCE_BURST = 5.0
MAX_SOURCES = 8192
SWEEP_INTERVAL_S = 1.0
# A handshake costs about 0.3 ms in Python: at this rate it takes 15 % of a CPU; the burst is a whole network
# that comes back at once.
HANDSHAKE_RATE_PER_S = 500.0
HANDSHAKE_BURST = 1000.0
LOAD_REMEMBERED_S = 1.0


class TokenBucket:
    """Lets `rate_per_s` things pass in the long run, and `burst` at once."""

    __slots__ = ("_burst", "_filled_s", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: float, now_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._filled_s = now_s

    def take(self, now_s: float) -> bool:
        """Takes a token if there is one."""
        self._fill(now_s)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def is_full(self, now_s: float) -> bool:
        """Whether it is as good as new."""
        self._fill(now_s)
        return self._tokens >= self._burst

    def _fill(self, now_s: float) -> None:
        elapsed_s = max(0.0, now_s - self._filled_s)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._rate_per_s)
        self._filled_s = now_s


class LoadState(Protocol):
    """Tells a device whether it has too much to do to answer strangers."""

    def handshake_arrived(self, now_s: float) -> bool:
        """Counts a handshake message and says whether the device is under load."""


class HandshakeLoad:
    """Under load when handshake messages come faster than we want to pay for, and a second longer."""

    def __init__(self) -> None:
        self._bucket = TokenBucket(HANDSHAKE_RATE_PER_S, HANDSHAKE_BURST, -inf)
        self._loaded_until_s = -inf

    def handshake_arrived(self, now_s: float) -> bool:
        """See `LoadState`."""
        if not self._bucket.take(now_s):
            self._loaded_until_s = now_s + LOAD_REMEMBERED_S
        return now_s < self._loaded_until_s


class SourceLimiter:
    """Limits handshakes per source: an IPv4 address, or the /64 that one IPv6 host has for itself.

    Only sources that have proven their address with a cookie come here, so the table cannot be filled by
    forgery; it is bounded all the same.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, TokenBucket] = {}
        self._swept_s = -inf

    def allows(self, source: Endpoint, now_s: float) -> bool:
        """Whether one more handshake of this source may be answered."""
        key = _source_key(source)
        bucket = self._buckets.get(key)
        if bucket is None:
            if not self._has_room(now_s):
                return False
            bucket = self._buckets[key] = TokenBucket(SOURCE_RATE_PER_S, SOURCE_BURST, now_s)
        return bucket.take(now_s)

    def _has_room(self, now_s: float) -> bool:
        if len(self._buckets) >= MAX_SOURCES and now_s - self._swept_s >= SWEEP_INTERVAL_S:
            self._swept_s = now_s
            used = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now_s)}
            self._buckets = used
        return len(self._buckets) < MAX_SOURCES


def _source_key(source: Endpoint) -> str:
    if ip_address(source.address).version == 4:
        return source.address
    address = source.address.partition("%")[0]
    return str(ip_network(f"{address}/64", strict=False))
