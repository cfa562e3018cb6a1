# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Inner packets of every kind: each alone, and runs of them in which a mistake of an offload would show."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator

from forwarding_chain import END_ADDRESSES, END_ADDRESSES_IPV6
from ip_packets import (
    ACK,
    CWR,
    DONT_FRAGMENT,
    ECE,
    FIN,
    MORE_FRAGMENTS,
    PSH,
    RST,
    SYN,
    URG,
    icmp,
    ipv4,
    ipv6,
    summed,
    tcp,
    udp,
)
from tunnel_process import MTU

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
UDP_LITE, SCTP, GRE, ESP, OSPF, UNASSIGNED = 136, 132, 47, 50, 89, 200
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
FULL_TCP_BYTES = MTU - 20 - 20
TIMESTAMPS = b"\x01\x01\x08\x0a"
_SACK = bytes.fromhex("0101050a0000100000002000")
_ROUTER_ALERT = bytes.fromhex("94040000")
_RECORD_ROUTE = bytes.fromhex("0707040000000000")
_NOP_OPTIONS = bytes.fromhex("01010100")


class Maker:
    """Makes packets from one end to the other.

    Args:
        sender: number of the end.
    """

    def __init__(self, sender: int) -> None:
        self.ends = END_ADDRESSES[sender], END_ADDRESSES[1 - sender]
        self.ends_ipv6 = END_ADDRESSES_IPV6[sender], END_ADDRESSES_IPV6[1 - sender]

    def v4(self, protocol: int, transport: bytes, **fields: int | bytes) -> bytes:
        return ipv4(*self.ends, protocol, transport, **fields)  # type: ignore[arg-type]

    def v6(self, next_header: int, transport: bytes, **fields: int) -> bytes:
        return ipv6(*self.ends_ipv6, next_header, transport, **fields)

    def summed4(self, protocol: int, transport: bytes, **fields: int | bytes) -> bytes:
        return self.v4(protocol, summed(*self.ends, protocol, transport), **fields)

    def summed6(self, protocol: int, transport: bytes, **fields: int) -> bytes:
        return self.v6(protocol, summed(*self.ends_ipv6, protocol, transport), **fields)

    def both(self, protocol: int, transport: bytes) -> Iterator[bytes]:
        yield self.summed4(protocol, transport, fragment=DONT_FRAGMENT)
        yield self.summed4(protocol, transport, identification=77)
        yield self.summed6(protocol, transport)


def singles(make: Maker) -> list[bytes]:
    """One packet of every kind."""
    return [
        packet
        for kinds in (
            _tcp,
            _udp,
            _icmp,
            _ip_fields,
            _other_protocols,
            _fragments,
            _extension_headers,
            _too_big,
        )
        for packet in kinds(make)
    ]


def _tcp(make: Maker) -> Iterator[bytes]:
    for flags in (
        SYN,
        SYN | ECE | CWR,
        SYN | ACK,
        ACK,
        ACK | PSH,
        ACK | URG,
        ACK | FIN,
        RST,
        RST | ACK,
        0,
        0xFF,
        CWR | ACK,
    ):
        for size_bytes in (0, 1, 2, 535, FULL_TCP_BYTES - 20):
            yield from make.both(TCP, tcp(1000, 2000, 7, bytes(size_bytes), flags=flags, urgent=1))
    for options in (TIMESTAMPS + bytes(8), _SACK, b"\x02\x04\x05\xb4", b"\x01" * 40):
        yield from make.both(TCP, tcp(1000, 2000, 7, b"with options", options=options))
    yield from make.both(
        TCP, tcp(0, 65535, 2**32 - 1, b"at the edge", acknowledgement=2**32 - 1, window=65535)
    )
    yield make.v4(TCP, tcp(1000, 2000, 7, b"a wrong checksum is not made right"))
    yield make.v6(TCP, tcp(1000, 2000, 7, b"a wrong checksum is not made right"))
    yield make.v4(TCP, b"short")
    yield make.v6(TCP, tcp(1000, 2000, 7, b"")[:12])
    yield make.v4(TCP, tcp(1, 2, 3, b"data offset beyond the end")[:12] + b"\xf0" + bytes(12))


def _udp(make: Maker) -> Iterator[bytes]:
    for size_bytes in (0, 1, 2, 512, 1000, MTU - 48):
        yield from make.both(UDP, udp(3000, 4000, bytes(size_bytes)))
        yield make.v4(UDP, udp(3000, 4000, bytes(size_bytes)))  # zero: no checksum
    yield make.v4(UDP, struct.pack("!HHHH", 3000, 4000, 20, 0xBAD) + b"wrong sum..!")
    yield make.v6(UDP, struct.pack("!HHHH", 3000, 4000, 20, 0xBAD) + b"wrong sum..!")
    yield make.v4(UDP, struct.pack("!HHHH", 3000, 4000, 200, 0) + b"says to be longer than it is")
    yield make.v4(UDP, struct.pack("!HHHH", 3000, 4000, 10, 0) + b"says to be shorter than it is")
    yield make.v4(UDP, b"short")
    yield make.v6(UDP, b"")
    # A sum of zero is sent as 0xFFFF, and stays what it is.
    zero_sum = summed(*make.ends, UDP, udp(3000, 4000, bytes(2)))
    filler = struct.pack("!H", 0xFFFF - (~int.from_bytes(zero_sum[6:8], "big") & 0xFFFF))
    yield make.summed4(UDP, udp(3000, 4000, filler))


def _icmp(make: Maker) -> Iterator[bytes]:
    inner = make.summed4(UDP, udp(5, 6, b"what was sent"))
    yield make.v4(1, icmp(8, 0, struct.pack("!HH", 1, 1) + bytes(56)))
    yield make.v4(1, icmp(0, 0, struct.pack("!HH", 1, 1) + bytes(1000)))
    for code, rest in ((0, 0), (1, 0), (3, 0), (4, 1280), (13, 0)):
        yield make.v4(1, icmp(3, code, struct.pack("!I", rest) + inner))
    yield make.v4(1, icmp(11, 0, bytes(4) + inner))
    yield make.v4(1, icmp(8, 0, bytes(4))[:2] + b"\xba\xd0" + bytes(4))
    for kind, code, rest in ((1, 4, 0), (2, 0, 1280), (3, 0, 0), (4, 1, 40), (128, 0, 1), (129, 0, 1)):
        message = bytes([kind, code, 0, 0]) + struct.pack("!I", rest) + make.summed6(UDP, udp(5, 6, b"sent"))
        yield make.summed6(socket.IPPROTO_ICMPV6, message)


def _ip_fields(make: Maker) -> Iterator[bytes]:
    datagram = udp(7000, 8000, b"fields")
    for tos in (*range(8), 0x2E << 2, 0x2E << 2 | 1, 0xFC, 0xFF):
        yield make.summed4(UDP, datagram, tos=tos)
        yield make.summed6(UDP, datagram, traffic_class=tos)
    for ttl in (3, 64, 255):
        yield make.summed4(UDP, datagram, ttl=ttl)
        yield make.summed6(UDP, datagram, hop_limit=ttl)
    for ttl in (1, 2):  # dies at one of the routers, which says so
        yield make.summed4(UDP, datagram, ttl=ttl)
        yield make.summed6(UDP, datagram, hop_limit=ttl)
    for options in (_NOP_OPTIONS, _ROUTER_ALERT, _RECORD_ROUTE, b"\x01" * 40):
        yield make.summed4(UDP, datagram, options=options)
        yield make.summed4(TCP, tcp(7000, 8000, 1, b"options"), options=options, fragment=DONT_FRAGMENT)
    for identification in (0, 1, 0xFFFF):
        yield make.summed4(UDP, datagram, identification=identification)
    yield make.summed4(UDP, datagram, fragment=0x8000)  # the reserved bit
    for flow_label in (0, 1, 0xFFFFF):
        yield make.summed6(UDP, datagram, flow_label=flow_label)


def _other_protocols(make: Maker) -> Iterator[bytes]:
    filler = bytes(range(256)) * 6
    for protocol in (UDP_LITE, SCTP, GRE, ESP, OSPF, UNASSIGNED, 2, 4, 41, 51, 59, 255):
        for size_bytes in (0, 1, 40, MTU - 40):
            yield make.v4(protocol, filler[:size_bytes])
            yield make.v6(protocol, filler[:size_bytes])


def _fragments(make: Maker) -> Iterator[bytes]:
    whole = summed(*make.ends, UDP, udp(9000, 9001, bytes(range(256)) * 8))
    pieces = [(start, whole[start : start + 800]) for start in range(0, len(whole), 800)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 0, 1), (2,)):
        for start, piece in (pieces[number] for number in order):
            more = MORE_FRAGMENTS if start + len(piece) < len(whole) else 0
            yield make.v4(
                UDP, piece, fragment=more | start // 8, identification=sum(order) + len(order) * 100
            )
            header = struct.pack("!BBHI", UDP, 0, start | bool(more), 4711 + sum(order))
            yield make.v6(FRAGMENT, header + piece)
    yield make.v6(FRAGMENT, struct.pack("!BBHI", UDP, 0, 0, 1) + udp(9000, 9001, b"atomic"))
    # TCP in fragments: there is no TCP header in the second.
    segment = summed(*make.ends, TCP, tcp(9000, 9001, 1, bytes(1000)))
    yield make.v4(TCP, segment[:504], fragment=MORE_FRAGMENTS, identification=5)
    yield make.v4(TCP, segment[504:], fragment=504 // 8, identification=5)


def _extension_headers(make: Maker) -> Iterator[bytes]:
    datagram = summed(*make.ends_ipv6, UDP, udp(9100, 9101, b"behind extension headers"))
    segment = summed(*make.ends_ipv6, TCP, tcp(9100, 9101, 1, b"behind extension headers"))
    padding = bytes([1, 4, 0, 0, 0, 0])
    for kind in (HOP_BY_HOP, DESTINATION_OPTIONS):
        yield make.v6(kind, bytes([UDP, 0]) + padding + datagram)
        yield make.v6(kind, bytes([TCP, 0]) + padding + segment)
    chained = bytes([DESTINATION_OPTIONS, 0]) + padding + bytes([UDP, 0]) + padding + datagram
    yield make.v6(HOP_BY_HOP, chained)
    yield make.v6(ROUTING, bytes([UDP, 0, 4, 0]) + bytes(4) + datagram)


def _too_big(make: Maker) -> Iterator[bytes]:
    """Exactly the MTU, and more: the first router answers or cuts."""
    for size_bytes in (MTU - 28, MTU - 27, 1472):
        yield make.summed4(UDP, udp(9200, 9201, bytes(size_bytes)), fragment=DONT_FRAGMENT)
        yield make.summed4(UDP, udp(9200, 9201, bytes(size_bytes)), identification=size_bytes)
    for size_bytes in (MTU - 48, MTU - 47, 1452):
        yield make.summed6(UDP, udp(9200, 9201, bytes(size_bytes)))


def random_runs(make: Maker, seed: int, count: int) -> list[bytes]:
    """Packets of a few flows, mixed: long runs that may be joined, and everything that must break a run."""
    rng = random.Random(seed)  # noqa: S311 - has to be the same every time
    flows = [_Flow(make, rng, port) for port in range(20_000, 20_006)]
    packets: list[bytes] = []
    while len(packets) < count:
        packets += rng.choice(flows).run(rng.choice((1, 2, 3, 10, 45)))
    return packets[:count]


class _Flow:
    """One flow whose packets mostly continue one another."""

    def __init__(self, make: Maker, rng: random.Random, port: int) -> None:
        self._make = make
        self._rng = rng
        self._port = port
        self._ipv6 = rng.random() < 0.4
        self._is_tcp = rng.random() < 0.6
        self._fragment = rng.choice((0, DONT_FRAGMENT))
        self._identification = rng.randrange(2**16)
        self._sequence = rng.choice((1, 2**32 - 20_000))
        self._clock = 1
        self._tos = rng.choice((0, 1, 2, 0xB8))

    def run(self, length: int) -> list[bytes]:
        size_bytes = self._rng.choice((1, 100, 536, 1300, FULL_TCP_BYTES - 20 - 20))
        return [self._next(size_bytes, last=number == length - 1) for number in range(length)]

    def _next(self, size_bytes: int, *, last: bool) -> bytes:
        if last:
            size_bytes = self._rng.choice((size_bytes, self._rng.randrange(size_bytes + 1)))
        transport = (
            self._segment(size_bytes, last) if self._is_tcp else udp(self._port, 443, self._data(size_bytes))
        )
        packet = self._wrapped(transport)
        return self._spoilt(packet) if self._rng.random() < 0.02 else packet

    def _segment(self, size_bytes: int, last: bool) -> bytes:
        rare = self._rng.random()
        flags = (
            ACK
            | (PSH if last and rare < 0.5 else 0)
            | (FIN if rare < 0.01 else 0)
            | (URG if rare > 0.99 else 0)
        )
        flags |= CWR if 0.5 < rare < 0.52 else ECE if 0.52 < rare < 0.54 else 0
        self._clock += rare < 0.05
        if rare > 0.97:
            self._sequence += self._rng.choice((-3000, 1, 3000))
        segment = tcp(
            self._port,
            443,
            self._sequence,
            self._data(size_bytes),
            flags=flags,
            acknowledgement=self._clock * 100,
            window=500 + (rare < 0.03),
            options=TIMESTAMPS + struct.pack("!II", self._clock, 1) if self._port % 2 else b"",
        )
        self._sequence += size_bytes
        return segment

    def _wrapped(self, transport: bytes) -> bytes:
        protocol = TCP if self._is_tcp else UDP
        tos = self._tos | (3 if self._rng.random() < 0.03 else 0)
        if self._ipv6:
            return self._make.summed6(protocol, transport, traffic_class=tos, flow_label=self._port)
        self._identification = (self._identification + (1 if self._rng.random() < 0.95 else 7)) % 2**16
        fields = {"tos": tos, "fragment": self._fragment, "identification": self._identification}
        if not self._is_tcp and self._port % 3 == 0:
            return self._make.v4(UDP, transport, **fields)
        return self._make.summed4(protocol, transport, **fields, ttl=64 - (self._rng.random() < 0.02))

    def _spoilt(self, packet: bytes) -> bytes:
        """With a wrong checksum: changed in its last byte."""
        return packet[:-1] + bytes([packet[-1] ^ 1])

    def _data(self, size_bytes: int) -> bytes:
        return self._rng.randbytes(size_bytes)
