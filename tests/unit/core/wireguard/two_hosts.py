# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two devices, the datagrams between them, and a clock that only the test moves."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from local_device import LocalDevice

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.load import LoadState
from cladnet.core.wireguard.peer_config import PeerConfig

WALL_TIME_NS = 1_735_689_600 * 10**9
MTU = 1420
Datagram = tuple[bytes, Endpoint]


def ip_packet(source: str, destination: str, payload: bytes) -> bytes:
    """An IP packet, as far as a tunnel looks at it."""
    addresses = ip_address(source).packed + ip_address(destination).packed
    if len(addresses) == 8:
        return struct.pack(">BBH8x", 0x45, 0, 20 + len(payload)) + addresses + payload
    return struct.pack(">IHBB", 6 << 28, len(payload), 59, 64) + addresses + payload


class Calm:
    """Never under load."""

    def handshake_arrived(self, now_s: float) -> bool:
        return False


class Overloaded:
    """Always under load."""

    def handshake_arrived(self, now_s: float) -> bool:
        return True


@dataclass
class Host:
    """A device with its place in the outer and in the inner network."""

    device: LocalDevice
    endpoint: Endpoint
    address: str
    received: list[bytes] = field(default_factory=list)

    @property
    def key(self) -> bytes:
        return self.device.public_key

    def config(self, *, knows_endpoint: bool = True, **options: object) -> PeerConfig:
        """How others know this host."""
        endpoint = self.endpoint if knows_endpoint else None
        return PeerConfig(self.key, (ip_network(self.address),), endpoint, **options)  # type: ignore[arg-type]

    def packet_to(self, other: Host, payload: bytes = b"payload") -> bytes:
        return ip_packet(self.address, other.address, payload)


def make_host(
    number: int,
    *,
    seed: int = 0,
    load: LoadState | None = None,
    private_key: bytes | None = None,
    random_bytes: Callable[[int], bytes] | None = None,
    wall_time_ns: Callable[[], int] = lambda: WALL_TIME_NS,
) -> Host:
    """A host with keys that depend on its number and the seed only, where none are given."""
    source = random.Random(f"{seed}/{number}")  # noqa: S311 - tests want the same keys again
    device = LocalDevice(
        private_key or source.randbytes(32),
        mtu=MTU,
        wall_time_ns=wall_time_ns,
        random_bytes=random_bytes or source.randbytes,
        load=load or Calm(),
    )
    return Host(device, Endpoint(f"192.0.2.{number}", 8000 + number), f"10.0.0.{number}")


class Wire:
    """Everything between two hosts.

    Args:
        hosts: both.
    """

    def __init__(self, *hosts: Host) -> None:
        self.hosts = hosts
        self.now_s = 1000.0
        self.sent: list[tuple[Host, bytes, Endpoint]] = []

    def collect(self) -> list[tuple[Host, bytes, Endpoint]]:
        """Takes what the hosts want to send, with its sender, and what they deliver."""
        fresh = []
        for host in self.hosts:
            host.received += host.device.outbox.take_packets()
            fresh += [(host, datagram, to) for datagram, to in host.device.outbox.take_datagrams()]
        self.sent += fresh
        return fresh

    def deliver(self, sender: Host, datagram: bytes, to: Endpoint) -> None:
        for host in self.hosts:
            if host.endpoint == to:
                host.device.datagram_received(datagram, sender.endpoint, self.now_s)

    def settle(self) -> None:
        """Delivers everything, until nobody has anything to say."""
        while fresh := self.collect():
            for sender, datagram, to in fresh:
                self.deliver(sender, datagram, to)

    def advance_to(self, then_s: float, between: Callable[[], None] | None = None) -> None:
        """Lets time pass: timers fire at their time, and what they send is delivered by `between`."""
        move = between or self.settle
        while (next_s := self._next_timer_s()) is not None and next_s <= then_s:
            self.now_s = max(self.now_s, next_s)
            for host in self.hosts:
                host.device.handle_timers(self.now_s)
            move()
        self.now_s = then_s

    def send(self, sender: Host, receiver: Host, payload: bytes = b"payload") -> None:
        sender.device.packet_from_tun(sender.packet_to(receiver, payload), self.now_s)

    def _next_timer_s(self) -> float | None:
        times = [host.device.next_timer_s() for host in self.hosts]
        return min((time_s for time_s in times if time_s is not None), default=None)


def introduce(first: Host, second: Host, **options: object) -> Wire:
    """Makes two hosts peers of each other that both know where the other is."""
    wire = Wire(first, second)
    first.device.set_peer(second.config(**options), wire.now_s)
    second.device.set_peer(first.config(**options), wire.now_s)
    return wire


def connected(first: Host, second: Host) -> Wire:
    """The same, with a session that the first one initiated, and nothing on the way."""
    wire = introduce(first, second)
    first.device.connect(second.key, wire.now_s)
    wire.settle()
    wire.sent.clear()
    return wire
