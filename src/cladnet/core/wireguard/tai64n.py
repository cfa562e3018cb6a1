# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Time stamps of handshake initiations: a responder accepts only one that is greater than the last.

Source: WireGuard whitepaper, section 5.1; https://cr.yp.to/libtai/tai64.html
"""

from __future__ import annotations

import struct

TIMESTAMP_SIZE_BYTES = 12
NO_TIMESTAMP = bytes(TIMESTAMP_SIZE_BYTES)
# 2^62 marks TAI64; TAI was 10 s ahead of UTC in 1970. Leap seconds do not matter for an order.
_TAI64_BASE = 2**62 + 10
_NANOSECONDS_PER_SECOND = 10**9
# Coarse on purpose, as in other implementations: a fine clock on the wire helps timing attacks.
_GRANULARITY_NS = 2**24


class Tai64nClock:
    """Makes time stamps that never go back, whatever the wall clock does."""

    def __init__(self) -> None:
        self._latest_ns = 0

    def stamp(self, wall_time_ns: int, after: bytes = NO_TIMESTAMP) -> bytes:
        """Gives a time stamp.

        Args:
            wall_time_ns: nanoseconds since 1970, UTC.
            after: the last time stamp that the same receiver got; the new one is greater.

        Returns:
            12 bytes that compare as the times do. Not smaller than any earlier one of this clock, and not
            further ahead of the wall clock than it must be: a restarted device begins at the wall clock, and
            its peers would refuse it until that had caught up.
        """
        whole_ns = max(wall_time_ns - wall_time_ns % _GRANULARITY_NS, self._latest_ns)
        stamp = _encode(whole_ns)
        if stamp <= after:
            whole_ns = _decode(after) + _GRANULARITY_NS
            stamp = _encode(whole_ns)
        self._latest_ns = whole_ns
        return stamp


def _encode(time_ns: int) -> bytes:
    seconds, nanoseconds = divmod(time_ns, _NANOSECONDS_PER_SECOND)
    return struct.pack(">QI", _TAI64_BASE + seconds, nanoseconds)


def _decode(stamp: bytes) -> int:
    seconds, nanoseconds = struct.unpack(">QI", stamp)
    return (int(seconds) - _TAI64_BASE) * _NANOSECONDS_PER_SECOND + int(nanoseconds)
