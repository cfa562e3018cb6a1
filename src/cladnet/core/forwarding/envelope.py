# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The outside of received datagrams."""

from __future__ import annotations

from dataclasses import dataclass

from cladnet.core.endpoint import Endpoint


@dataclass(frozen=True, eq=False)
class Envelope:
    """The outside of a datagram, or of several of one size that the kernel glued together.

    Args:
        source: where from.
        raw_source: the same, as the kernel writes it.
        ecn: the two bits of the IP header.
        segment_bytes: size of each datagram but the last; 0 if nothing was glued.
    """

    source: Endpoint
    raw_source: bytes
    ecn: int
    segment_bytes: int
