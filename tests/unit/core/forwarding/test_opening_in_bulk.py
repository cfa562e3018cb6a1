# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Messages opened in place and in rows against the plain way, one message at a time, with copies."""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from dataclasses import dataclass, replace
from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.envelope import Envelope
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.inner_packets import InnerPackets
from cladnet.core.forwarding.opening import Opening
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.sealed_rows import SealedRows
from cladnet.core.forwarding.session import ForwardingSession, nonce
from cladnet.core.forwarding.traffic import RX_BYTES, Traffic
from cladnet.core.offload.coalescing import Coalescer
from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES, REPLAY_WINDOW_SIZE
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.messages import MIN_TRANSPORT_SIZE_BYTES
from cladnet.core.wireguard.replay import ReplayWindow
from cladnet.core.wireguard.suite import SUITES
from tests.unit.core.offload.coalesced_packets import (
    ACK,
    PSH,
    UDP,
    Packet,
    cut,
    stream,
    without_meaningless_id,
)

NOW_S, MTU_BYTES = 10.0, 1420
MEMORY_BYTES = 1 << 16
# Peer 0 owns all sources of the packets, peer 1 none of them; the last session is over.
SESSIONS = [(0, 100.0), (0, 100.0), (1, 100.0), (0, 9.0)]
FIRST_COUNTERS = [0, REPLAY_WINDOW_SIZE - 3, 2**32 - 2, REJECT_AFTER_MESSAGES - 20]
SOURCES = [Endpoint("192.0.2.1", 1111), Endpoint("2001:db8::1", 2222)]


class Side:
    """A forwarder with the same peers and sessions as any other."""

    def __init__(self, first_counter: int) -> None:
        self.forwarder = Forwarder(MTU_BYTES)
        self.peers = [ForwardingPeer(number, Traffic.private(), MTU_BYTES) for number in range(2)]
        sources = [ip_network("10.0.0.1/32"), ip_network("::1/128")]
        self.forwarder.set_allowed_ips(self.peers[0], sources)
        for number, (peer, expires_s) in enumerate(SESSIONS):
            self.forwarder.add_session(self._session(number, self.peers[peer], expires_s, first_counter))

    def _session(
        self, number: int, peer: ForwardingPeer, expires_s: float, first_counter: int
    ) -> ForwardingSession:
        aead = aead_of(number)
        return ForwardingSession(
            peer,
            local_index=number,
            remote_index=77,
            sending=aead,
            receiving=aead,
            expires_s=expires_s,
            is_proven=False,
            reserve=lambda count: 0,
            window=ReplayWindow([first_counter]),
        )

    def state(self) -> object:
        """All that the other half of a device, and later messages, depend on."""
        forwarder = self.forwarder
        windows = [
            (session.window.greatest, [session.window.is_new(c) for c in around(session.window.greatest)])
            for session in forwarder.sessions.values()
        ]
        return (
            windows,
            {drop: forwarder.drops[drop] for drop in Drop},
            [(peer.endpoint, peer.traffic.counts[RX_BYTES], list(peer.traffic.times)) for peer in self.peers],
            [session.is_proven for session in forwarder.sessions.values()],
            set(forwarder.events),
        )


def around(greatest: int) -> list[int]:
    edges = (0, greatest, greatest - REPLAY_WINDOW_SIZE)
    return [c for edge in edges for c in range(edge - 40, edge + 41) if c >= 0]


def aead_of(number: int):
    return SUITES[number % len(SUITES)].aead(bytes([number]) * 32)


@dataclass(frozen=True)
class Burst:
    """Datagrams of one size that come together.

    Args:
        session: its number; one more than there are is unknown.
        back: how many counters before those that come next it begins.
        count: how many datagrams.
        kind: of what is in them.
        payload_bytes: of each packet.
        broken: which of them are not authentic.
        lost: which of them do not come; the first always does.
        shuffled: whether they come in another order.
        source: where from.
        stride: distance in memory; 0: one right behind the other, as the kernel glues them.
    """

    session: int
    back: int
    count: int
    kind: str
    payload_bytes: int
    broken: frozenset[int]
    lost: frozenset[int]
    shuffled: bool
    source: int
    stride: int


BURST = st.builds(
    Burst,
    session=st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3, 4]),
    back=st.sampled_from([0, 0, 0, 0, 1, 3, 30, -1, -70, -REPLAY_WINDOW_SIZE]),
    count=st.integers(1, 40),
    kind=st.sampled_from(["tcp", "tcp", "udp", "udp6", "marked", "keepalive", "wrong source", "garbage"]),
    payload_bytes=st.sampled_from([1, 15, 16, 100, 333]),
    broken=st.frozensets(st.integers(0, 39), max_size=2),
    lost=st.frozensets(st.integers(1, 39), max_size=4),
    shuffled=st.booleans(),
    source=st.integers(0, len(SOURCES) - 1),
    stride=st.sampled_from([0, 512]),
)


def plaintexts(burst: Burst, first: int) -> list[bytes]:
    """Packets as their sender would have padded them, of one size."""
    if burst.kind == "keepalive":
        return [b""] * burst.count
    if burst.kind == "garbage":
        source = random.Random(f"{first}/{burst}")  # noqa: S311
        return [source.randbytes(burst.payload_bytes) for _unused in range(burst.count)]
    packet = Packet(
        payload=b"x" * burst.payload_bytes, ports=(1000 + burst.session, 2), sequence=first % 2**32
    )
    if burst.kind.startswith("udp"):
        packet = replace(packet, protocol=UDP, version=6 if burst.kind == "udp6" else 4)
    packets = [one.bytes() for one in stream(packet, burst.count)]
    if burst.kind == "marked":
        packets[burst.count // 2] = replace(packet, flags=ACK | PSH).bytes()
    if burst.kind == "wrong source":
        packets[burst.count // 2] = packets[0][:15] + b"\7" + packets[0][16:]
    return [packet + bytes(-len(packet) % 16) for packet in packets]


def datagrams(burst: Burst, first: int) -> list[bytes]:
    made = [message(burst.session, first + n, plain) for n, plain in enumerate(plaintexts(burst, first))]
    for number in burst.broken:
        if number < len(made):
            made[number] = made[number][:-1] + bytes([made[number][-1] ^ 1])
    made = [datagram for number, datagram in enumerate(made) if number not in burst.lost]
    if burst.shuffled:
        random.Random(first).shuffle(made)  # noqa: S311
    return made


def message(session: int, counter: int, plaintext: bytes) -> bytes:
    counter %= 2**64
    return struct.pack("<IIQ", 4, session, counter) + aead_of(session).encrypt(
        nonce(counter), plaintext, None
    )


class InBulk(Side):
    """Opens in place, in rows where there are many."""

    def __init__(self, first_counter: int) -> None:
        super().__init__(first_counter)
        self.memory = memoryview(bytearray(MEMORY_BYTES))
        self.delivered: list[bytes] = []
        self._coalescer = Coalescer(self.memory, lambda parts: self.delivered.append(b"".join(parts)))
        packets = InnerPackets(self.memory, self.forwarder, self._coalescer)
        self._opening = Opening(self.memory, self.forwarder, packets)
        self._opening.now_s = NOW_S

    def take(self, burst: Burst, made: list[bytes]) -> None:
        size = len(made[0])
        stride = max(burst.stride, size)
        for row, datagram in enumerate(made):
            self.memory[row * stride : row * stride + size] = datagram
        envelope = Envelope(SOURCES[burst.source], bytes([burst.source]), 0, 0)
        assert size >= MIN_TRANSPORT_SIZE_BYTES
        rows = SealedRows(self.memory, 0, stride, len(made), size)
        self._opening.take_rows(rows, 0, len(made), envelope)
        self._coalescer.flush()  # before the memory is used again
        self._opening.finish()

    def packets(self) -> list[bytes]:
        return [packet for delivered in self.delivered for packet in cut(delivered)]


class OneByOne(Side):
    """The plain way."""

    def take(self, burst: Burst, made: list[bytes]) -> None:
        for datagram in made:
            self.forwarder.datagram_received(datagram, SOURCES[burst.source], NOW_S)


def by_flow(packets: list[bytes]) -> dict[bytes, list[bytes]]:
    """The order within a flow is kept, that of flows among each other is not."""
    flows = defaultdict(list)
    for packet in packets:
        start = (packet[0] & 0x0F) * 4 if packet[0] >> 4 == 4 else 40
        flows[packet[start : start + 4]].append(without_meaningless_id(packet))
    return flows


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FIRST_COUNTERS), st.lists(BURST, min_size=1, max_size=8))
def test_both_ways_do_the_same(first_counter: int, bursts: list[Burst]) -> None:
    in_bulk, one_by_one = InBulk(first_counter), OneByOne(first_counter)
    following = defaultdict(lambda: first_counter)
    for burst in bursts:
        first = max(0, following[burst.session] - burst.back)
        made = datagrams(burst, first)
        following[burst.session] = max(following[burst.session], first + burst.count)
        in_bulk.take(burst, made)
        one_by_one.take(burst, made)
        assert in_bulk.state() == one_by_one.state()
    assert by_flow(in_bulk.packets()) == by_flow(one_by_one.forwarder.packets)
