# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A peer as the forwarding half knows it."""

from __future__ import annotations

from collections import deque
from typing import Any

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.session import ForwardingSession
from cladnet.core.forwarding.traffic import Traffic


class ForwardingPeer:
    """Where a peer is and how to send to it. Compared by identity.

    Args:
        number: by which both halves name it.
        traffic: its share of the memory.

    Attributes:
        endpoint: where to send to; None if nobody knows.
        destination: whatever a sender has prepared for this endpoint; None after it changed.
        origin: the source address, as a receiver got it, of the last authentic datagram; None after the
            endpoint changed.
        sending: the session to send with; None until there is one.
        session_count: how many sessions there are, of all ages, proven or not.
        path_mtu_bytes: the longest inner packet that gets through to it.
        staged: packets that wait for a session, oldest first.
    """

    __slots__ = (
        "destination",
        "endpoint",
        "number",
        "origin",
        "path_mtu_bytes",
        "sending",
        "session_count",
        "staged",
        "traffic",
    )

    def __init__(self, number: int, traffic: Traffic, path_mtu_bytes: int) -> None:
        self.number = number
        self.traffic = traffic
        self.path_mtu_bytes = path_mtu_bytes
        self.endpoint: Endpoint | None = None
        self.destination: Any = None  # the ring of adapters knows what it is
        self.origin: object = None
        self.sending: ForwardingSession | None = None
        self.session_count = 0
        self.staged: deque[bytes] = deque()

    def move_to(self, endpoint: Endpoint | None) -> None:
        """Sends to another place from now on."""
        self.endpoint = endpoint
        self.destination = self.origin = None
