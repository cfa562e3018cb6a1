# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a device wants done: datagrams to send, packets to deliver, and what it dropped."""

from __future__ import annotations

from collections import Counter

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.drops import Drop


class Outbox:
    """Collects the results of one or more events until the shell takes them."""

    def __init__(self) -> None:
        self._datagrams: list[tuple[bytes, Endpoint]] = []
        self._packets: list[bytes] = []
        self._drops: Counter[Drop] = Counter()

    def send(self, datagram: bytes, to: Endpoint) -> None:
        """A datagram for the UDP socket."""
        self._datagrams.append((datagram, to))

    def deliver(self, packet: bytes) -> None:
        """A packet for the TUN device."""
        self._packets.append(packet)

    def drop(self, reason: Drop) -> None:
        """Something that goes no further."""
        self._drops[reason] += 1

    def take_datagrams(self) -> list[tuple[bytes, Endpoint]]:
        """Hands over the datagrams, in order."""
        taken, self._datagrams = self._datagrams, []
        return taken

    def take_packets(self) -> list[bytes]:
        """Hands over the packets, in order."""
        taken, self._packets = self._packets, []
        return taken

    def drop_counts(self) -> dict[str, int]:
        """All drops so far, by reason."""
        return {reason.value: count for reason, count in self._drops.items()}
