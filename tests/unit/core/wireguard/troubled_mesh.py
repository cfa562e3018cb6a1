# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Three hosts on a network that does to datagrams whatever it likes, and what must be true all the same."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from recorded_aead import recorded_nonces
from two_hosts import WALL_TIME_NS, Host, Wire, make_host

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.constants import (
    ERASE_KEYS_AFTER_S,
    KEEPALIVE_TIMEOUT_S,
    REKEY_ATTEMPT_TIME_S,
    REKEY_TIMEOUT_JITTER_S,
    REKEY_TIMEOUT_S,
)
from cladnet.core.wireguard.messages import (
    MessageType,
    message_type,
    parse_response,
    parse_transport,
)
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, Suite

HOST_COUNT = 3
NOWHERE = Endpoint("203.0.113.99", 9999)
BOTH_SUITES = (CHACHA20_POLY1305, AES_256_GCM)
# A session whose other end is gone is noticed after the first two, an initiation that was lost just before is
# repeated after the third; the rest is for the steps of the test's clock.
HEALING_S = KEEPALIVE_TIMEOUT_S + 2 * (REKEY_TIMEOUT_S + REKEY_TIMEOUT_JITTER_S) + 2.0
# Per peer: three sessions and an unanswered initiation.
NUMBERS_PER_PEER = 4
FALLS_ASLEEP_AFTER_S = ERASE_KEYS_AFTER_S + REKEY_ATTEMPT_TIME_S + 2 * REKEY_TIMEOUT_S + ERASE_KEYS_AFTER_S


class InFlight(NamedTuple):
    """A datagram on its way."""

    datagram: bytes
    source: Endpoint
    to: Endpoint


@dataclass
class Node:
    """A host, what lives longer than its process, and what its process may do by what it has seen."""

    number: int
    host: Host
    private_key: bytes
    wall_offset_ns: int = 0
    starts: int = 0
    psk_epoch: int = 0
    suites: tuple[Suite, ...] = BOTH_SUITES
    proof_wanted: dict[int, int] = field(default_factory=dict)
    """The peer's number of each session that this process responded to -> its own number."""
    seen: set[int] = field(default_factory=set)
    """Own numbers for which a genuine transport message came."""
    offered: set[bytes] = field(default_factory=set)
    """Datagrams that this host had the chance to take, so that they are new no more."""


class TroubledMesh:
    """Three hosts that are all peers of each other. Use it as a context; leaving it checks the nonces.

    Attributes:
        in_flight: what is on its way.
        history: everything that ever was.
    """

    def __init__(self) -> None:
        self.in_flight: list[InFlight] = []
        self.history: list[InFlight] = []
        self._exit = ExitStack()
        self._nonces = self._exit.enter_context(recorded_nonces())
        self._wire = Wire()
        self._packets: dict[bytes, int] = {}
        self._delivered: Counter[bytes] = Counter()
        self._real_endpoints: dict[int, set[Endpoint]] = {number: set() for number in range(HOST_COUNT)}
        self._roamed = False
        self.nodes = [self._new_node(number) for number in range(HOST_COUNT)]
        self._wire.hosts = tuple(node.host for node in self.nodes)
        for node in self.nodes:
            self.introduce_others(node)

    def close(self) -> None:
        """Stops recording."""
        self._exit.close()

    @property
    def now_s(self) -> float:
        """The monotonic clock of all hosts."""
        return self._wire.now_s

    # What happens to the network.

    def move(self, fate: str, position: int) -> None:
        """Does something to one datagram in flight: deliver, lose, double, flip."""
        if not self.in_flight:
            return
        position %= len(self.in_flight)
        flight = self.in_flight[position]
        if fate != "double":
            del self.in_flight[position]
        if fate == "flip":
            flight = flight._replace(datagram=_flipped(flight.datagram, position))
        if fate != "lose":
            self._deliver(flight)

    def deliver_all(self) -> None:
        """Everything arrives, in order, and so do the answers."""
        self.collect()
        while self.in_flight:
            self._deliver(self.in_flight.pop(0))

    def replay(self, position: int, victim: int, source: Endpoint) -> None:
        """Gives a host a datagram that was on the network before, for it or for another, from anywhere."""
        if not self.history:
            return
        flight, node = self.history[position % len(self.history)], self.nodes[victim]
        if flight.to in self._real_endpoints[victim] and flight.datagram not in node.offered:
            # Who holds back a new datagram and sends it from elsewhere does move the endpoint, as a NAT may.
            source = flight.source
        self._receive(node, flight.datagram, source)

    # What happens to the hosts.

    def send(self, sender: int, receiver: int) -> bytes:
        """One host has a packet for another; no two packets are equal."""
        ours, theirs = self.nodes[sender].host, self.nodes[receiver].host
        payload = f"packet {len(self._packets)}".encode()
        packet = ours.packet_to(theirs, payload)
        self._packets[packet] = receiver
        self._wire.send(ours, theirs, payload)
        self.collect()
        return packet

    def lie(self, sender: int, receiver: int) -> None:
        """One host sends with the inner address of the third: nobody may ever get that."""
        [third] = [node for node in self.nodes if node.number not in (sender, receiver)]
        packet = third.host.packet_to(self.nodes[receiver].host, b"lie")
        self.nodes[sender].host.device.packet_from_tun(packet, self.now_s)
        self.collect()

    def advance(self, seconds: float, *, deliver: bool = False) -> None:
        """Time passes, and timers fire; what they send stays in flight unless it is to be delivered."""
        self._wire.advance_to(self.now_s + seconds, between=self.deliver_all if deliver else self.collect)
        self.collect()

    def step_wall_clock(self, number: int, seconds: int) -> None:
        self.nodes[number].wall_offset_ns += seconds * 10**9

    def restart(self, number: int) -> None:
        """The process loses all that it knew; the configuration and the clocks stay."""
        node = self.nodes[number]
        node.starts += 1
        node.proof_wanted.clear()
        node.seen.clear()
        self._use(node, self._start(node))
        self.introduce_others(node)

    def restart_data_path(self, number: int) -> None:
        """The process that moves packets dies, with what it staged; the next one gets all sessions again."""
        self.nodes[number].host.device.restart_forwarder()
        self.collect()

    def change_key(self, number: int) -> None:
        """A host gets a new identity, of which the others do not know yet."""
        node = self.nodes[number]
        node.private_key = random.Random(node.private_key).randbytes(32)  # noqa: S311
        node.host.device.set_private_key(node.private_key)
        self.collect()

    def roam(self, number: int) -> None:
        """A host moves; what is in flight to its old place is lost."""
        node = self.nodes[number]
        node.host.endpoint = self._endpoint(number)
        self._roamed = True

    def forget(self, number: int, other: int) -> None:
        """One host removes another from its table."""
        self.nodes[number].host.device.remove_peer(self.nodes[other].host.key)

    def change_preshared_key(self, number: int) -> None:
        """One host uses other preshared keys with everybody."""
        self.nodes[number].psk_epoch += 1
        self.introduce_others(self.nodes[number])

    def use_suites(self, number: int, suites: tuple[Suite, ...]) -> None:
        node = self.nodes[number]
        node.suites = suites
        node.offered.clear()  # what was refused for its suite may be welcome now
        self.introduce_others(node)

    def introduce_others(self, node: Node) -> None:
        """Configures all peers of a host as they are now."""
        device, known = node.host.device, set()
        for other in self.nodes:
            if other is not node:
                known.add(other.host.key)
                device.set_peer(
                    other.host.config(preshared_key=self._preshared(node), suites=node.suites), self.now_s
                )
        for peer in device.status(self.now_s).peers:
            if peer.public_key not in known:
                device.remove_peer(peer.public_key)
        self.collect()

    def heal(self) -> None:
        """The network is good from now on, and all hosts are configured as they are."""
        epoch = max(node.psk_epoch for node in self.nodes)
        self.in_flight.clear()
        for node in self.nodes:
            node.psk_epoch = epoch
            if len(node.suites) < len(BOTH_SUITES):
                node.suites = BOTH_SUITES
            if self._roamed:
                # Two hosts that both moved at once know wrong places of each other, whatever they were told
                # before: only a new place makes a configured endpoint count again.
                node.host.endpoint = self._endpoint(node.number)
        self._roamed = False
        for node in self.nodes:
            self.introduce_others(node)

    # What must be true.

    def check(self) -> None:
        """Holds at any time."""
        self.collect()
        for node in self.nodes:
            self._check_deliveries(node)
            self._check_memory(node)
            self._check_endpoints(node)
        twice = [use for use, count in self._nonces.items() if count > 1]
        assert not twice, "a nonce was used twice under one key"

    def check_traffic_flows_again(self) -> None:
        """After it was healed, every host reaches every other within the time that the protocol needs."""
        end_s = self.now_s + HEALING_S
        while self.now_s < end_s:
            self._everybody_sends()
            self.advance(1.0, deliver=True)
        packets = self._everybody_sends()
        lost = [packet for packet in packets if not self._delivered[packet]]
        assert not lost, f"{len(lost)} of {len(packets)} ways are still closed after {HEALING_S} s"

    def check_falls_asleep(self) -> None:
        """When nobody has anything to say, everything is forgotten, and nobody ever wakes up again."""
        self.deliver_all()
        self.advance(FALLS_ASLEEP_AFTER_S)
        self.in_flight.clear()
        for node in self.nodes:
            assert node.host.device.next_timer_s() is None
            assert len(node.host.device._indices) == 0

    def collect(self) -> None:
        """Takes what the hosts want to send, and looks whether they may."""
        for sender, datagram, to in self._wire.collect():
            [node] = [node for node in self.nodes if node.host is sender]
            self._check_proof(node, datagram)
            flight = InFlight(datagram, sender.endpoint, to)
            self.in_flight.append(flight)
            self.history.append(flight)

    def _check_deliveries(self, node: Node) -> None:
        for packet in node.host.received:
            assert self._packets.get(packet) == node.number, "a packet that nobody sent to this host"
            self._delivered[packet] += 1
            assert self._delivered[packet] == 1, "a packet was delivered twice"
        node.host.received.clear()

    def _check_memory(self, node: Node) -> None:
        assert len(node.host.device._indices) <= NUMBERS_PER_PEER * (HOST_COUNT - 1)

    def _check_endpoints(self, node: Node) -> None:
        real = set().union(*self._real_endpoints.values())
        for peer in node.host.device.status(self.now_s).peers:
            assert peer.endpoint in real, "a host was moved by something that was not new"

    def _check_proof(self, node: Node, datagram: bytes) -> None:
        """A responder says nothing in a session before something came in it."""
        kind = message_type(datagram)
        if kind is MessageType.RESPONSE:
            response = parse_response(datagram)
            node.proof_wanted[response.receiver_index] = response.sender_index
        elif kind is MessageType.TRANSPORT:
            number = node.proof_wanted.get(parse_transport(datagram).receiver_index)
            assert number is None or number in node.seen, "a session was used before it was proven"

    def _deliver(self, flight: InFlight) -> None:
        for node in self.nodes:
            if node.host.endpoint == flight.to:
                self._receive(node, flight.datagram, flight.source)

    def _receive(self, node: Node, datagram: bytes, source: Endpoint) -> None:
        is_genuine = any(flight.datagram == datagram for flight in self.history)
        if is_genuine and message_type(datagram) is MessageType.TRANSPORT:
            node.seen.add(parse_transport(datagram).receiver_index)
        node.offered.add(datagram)
        node.host.device.datagram_received(datagram, source, self.now_s)
        self.collect()

    def _everybody_sends(self) -> list[bytes]:
        pairs = [(a, b) for a in range(HOST_COUNT) for b in range(HOST_COUNT) if a != b]
        packets = [self.send(sender, receiver) for sender, receiver in pairs]
        self.deliver_all()
        self.check()
        return packets

    def _new_node(self, number: int) -> Node:
        private_key = random.Random(number).randbytes(32)  # noqa: S311
        node = Node(number, make_host(number), private_key)
        node.host.endpoint = self._endpoint(number)
        node.host.device = self._start(node).device
        return node

    def _start(self, node: Node) -> Host:
        return make_host(
            node.number,
            seed=1000 + node.starts,
            private_key=node.private_key,
            wall_time_ns=lambda: WALL_TIME_NS + int(self.now_s * 1e9) + node.wall_offset_ns,
        )

    def _use(self, node: Node, started: Host) -> None:
        started.endpoint = node.host.endpoint
        node.host = started
        self._wire.hosts = tuple(node.host for node in self.nodes)

    def _endpoint(self, number: int) -> Endpoint:
        """A place where nobody was before."""
        used = self._real_endpoints[number]
        endpoint = Endpoint(f"192.0.2.{1 + number}", 8000 + len(used))
        used.add(endpoint)
        return endpoint

    def _preshared(self, node: Node) -> bytes:
        return bytes([node.psk_epoch % 256]) * 32


def _flipped(datagram: bytes, position: int) -> bytes:
    bit = position * 37 % (8 * len(datagram))
    changed = bytearray(datagram)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
