# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Valid packets and datagrams of all kinds, and what an adversary would make of them."""

from __future__ import annotations

import struct
from collections.abc import Callable

from hypothesis import strategies as st

from cladnet.core import stun
from cladnet.core.endpoint import Endpoint
from cladnet.core.icmp import echo_request
from cladnet.core.offload.virtio_net import GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, VnetHeader
from tests.unit.core.offload.coalesced_packets import Packet

ICMP, TCP, UDP, ICMPV6, NO_NEXT_HEADER = 1, 6, 17, 58, 59
SYN, ACK = 0x02, 0x10
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS = 0, 43, 44, 51, 60
Extension = tuple[int, bytes, int]
PROTOCOLS = st.sampled_from([ICMP, TCP, UDP, ICMPV6, NO_NEXT_HEADER, 0, 4, 41, 44, 50, 51, 60, 132, 255])
# Lengths and offsets at which headers end, and those that no field should have.
EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 19, 20, 21, 28, 39, 40, 41, 48, 59, 60, 61, 80, 127, 128, 255, 256, 536]
EDGES += [1279, 1280, 1420, 1500, 0x1FFF, 0x2000, 0x3FFF, 0x4000, 0x7FFF, 0x8000, 0xFFDF, 0xFFFE, 0xFFFF]
NUMBERS = st.one_of(st.sampled_from(EDGES), st.integers(0, 0xFFFF))
# An option's kind and length; lengths of 0 and 1, and too long ones, are those that parsers stumble over.
OPTION = st.builds(
    lambda kind, length, body: bytes([kind, length]) + body,
    st.sampled_from([0, 1, 2, 3, 4, 5, 7, 8, 68, 130, 131, 136, 148, 255]),
    st.sampled_from([0, 1, 2, 3, 4, 8, 10, 40, 255]),
    st.binary(max_size=12),
)
# Lists that end within an option, as no sender would make them.
RAW_OPTIONS = st.builds(
    lambda numbers, tail: bytes(numbers + tail)[(len(numbers) + len(tail)) % 4 :],
    st.lists(st.sampled_from([0, 1, 1, 2, 3, 4, 5, 8, 20, 68, 130, 255]), max_size=36),
    st.sampled_from([[], [2], [2, 4], [2, 4, 5], [68], [130], [3, 0]]),
)
OPTIONS = st.one_of(
    RAW_OPTIONS,
    st.lists(st.one_of(OPTION, st.just(b"\x02\x04\x05\xb4"), st.just(b"\x01")), max_size=5).map(b"".join),
)


def padded(options: bytes) -> bytes:
    """At most 40 bytes, a multiple of 4: what fits behind a header of IPv4 or TCP."""
    cut = options[:40]
    return cut + bytes(-len(cut) % 4)


def tcp(options: bytes, flags: int, payload: bytes) -> bytes:
    size = 20 + len(padded(options))
    return (
        struct.pack("!HHIIBBHHH", 40000, 443, 1, 2, size << 2, flags, 65535, 0, 0) + padded(options) + payload
    )


def udp(payload: bytes) -> bytes:
    return struct.pack("!HHHH", 5000, 53, 8 + len(payload), 0) + payload


def ipv4(protocol: int, options: bytes, fragment: int, payload: bytes) -> bytes:
    header_bytes = 20 + len(padded(options))
    total = min(0xFFFF, header_bytes + len(payload))
    first = 0x40 | header_bytes >> 2
    fields = struct.pack("!BBHHHBBH", first, 0, total, 7, fragment, 64, protocol, 0)
    return fields + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + padded(options) + payload


def ipv6(chain: list[Extension], protocol: int, payload: bytes) -> bytes:
    """With extension headers, each of them as (type, body, what is added to its length field).

    Bodies are padded to whole headers.
    """
    types = [kind for kind, _unused, _unused in chain] + [protocol]
    rest = b"".join(_extension(*extension, types[at + 1]) for at, extension in enumerate(chain)) + payload
    addresses = bytes.fromhex("fd" + 14 * "00" + "01" + "fd" + 14 * "00" + "02")
    return struct.pack("!IHBB", 6 << 28, min(0xFFFF, len(rest)), types[0], 64) + addresses + rest


def _extension(kind: int, body: bytes, lie: int, following: int) -> bytes:
    if kind == FRAGMENT:
        return bytes([following, 0]) + body[:6].ljust(6, b"\0")
    unit = 4 if kind == AUTHENTICATION else 8
    whole = body + bytes(-(len(body) + 2) % 8 if len(body) > 6 else 6 - len(body))
    length = (len(whole) + 2) // unit - (2 if kind == AUTHENTICATION else 1)
    return bytes([following, length + lie & 0xFF]) + whole


TCP_FLAGS = st.one_of(st.sampled_from([SYN, SYN | ACK, ACK]), st.integers(0, 255))
PAYLOADS = st.one_of(
    st.builds(tcp, OPTIONS, TCP_FLAGS, st.binary(max_size=64)),
    st.builds(udp, st.binary(max_size=64)),
    st.builds(echo_request, NUMBERS, NUMBERS, st.binary(max_size=64)),
    st.binary(max_size=120),
    st.integers(1200, 1600).map(bytes),
)
FRAGMENTS = st.sampled_from(
    [0, 0, 0, 0, 0x4000, 0x4000, 0x2000, 0x6000, 1, 0x2001, 0x1FFF, 0x3FFF, 0x8000, 0xFFFF]
)
EXTENSIONS = st.lists(
    st.tuples(
        st.sampled_from([HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS]),
        st.binary(max_size=30),
        st.sampled_from([0, 0, 0, 0, 1, 2, -1, 255]),
    ),
    max_size=5,
)
IPV4 = st.builds(ipv4, PROTOCOLS, OPTIONS, FRAGMENTS, PAYLOADS)
IPV6 = st.builds(ipv6, EXTENSIONS, PROTOCOLS, PAYLOADS)
Mutation = Callable[[bytes], bytes]
POSITIONS = st.one_of(st.integers(0, 40), st.integers(0, 80), st.integers(0, 2000))


def _put(at: int, replacement: bytes) -> Mutation:
    """Overwrites bytes; without making the data longer."""
    return lambda data: data[:at] + replacement[: max(0, len(data) - at)] + data[at + len(replacement) :]


MUTATION = st.one_of(
    st.builds(lambda at, byte: _put(at, bytes([byte])), POSITIONS, st.integers(0, 255)),
    st.builds(lambda at, number: _put(at, struct.pack("!H", number)), POSITIONS, NUMBERS),
    st.builds(lambda at: lambda data: data[:at], POSITIONS),
    st.builds(lambda at: lambda data: data[at:], st.integers(0, 60)),
    st.builds(lambda more: lambda data: data + more, st.binary(max_size=64)),
    st.builds(lambda at, more: lambda data: data[:at] + more + data[at:], POSITIONS, st.binary(max_size=16)),
)


def mutated(valid: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Valid data, or such with a few changes."""
    return st.builds(_changed, valid, st.lists(MUTATION, max_size=4))


def _changed(data: bytes, mutations: list[Mutation]) -> bytes:
    for mutation in mutations:
        data = mutation(data)
    return data


# Whole by its IP header, which says what follows, but that may be cut or changed.
TCP_SEGMENTS = mutated(st.builds(tcp, OPTIONS, TCP_FLAGS, st.binary(max_size=64)))
MATCHING = st.one_of(
    st.builds(lambda options, of, segment: ipv4(TCP, options, of, segment), OPTIONS, FRAGMENTS, TCP_SEGMENTS),
    st.builds(lambda segment: ipv4(TCP, b"", 0x4000, segment), TCP_SEGMENTS),
    st.builds(lambda chain, segment: ipv6(chain, TCP, segment), EXTENSIONS, TCP_SEGMENTS),
    st.builds(lambda of, datagram: ipv4(UDP, b"", of, datagram), FRAGMENTS, st.binary(max_size=64).map(udp)),
    st.builds(lambda of, message: ipv4(ICMP, b"", of, message), FRAGMENTS, st.binary(max_size=9)),
    st.builds(lambda chain, message: ipv6(chain, ICMPV6, message), EXTENSIONS, st.binary(max_size=9)),
)
SUPER_PAYLOADS = st.one_of(st.binary(min_size=1, max_size=300), st.integers(500, 6000).map(bytes))


def _super_packet(payload: bytes, gso_size: int, is_tcp: bool, is_ipv4: bool) -> bytes:
    """As the kernel hands it over, with a number of segments that is not absurd."""
    transport = tcp(b"", ACK | gso_size & 0x89, payload) if is_tcp else udp(payload)
    protocol = TCP if is_tcp else UDP
    packet = ipv4(protocol, b"", 0x4000, transport) if is_ipv4 else ipv6([], protocol, transport)
    kind = (GSO_TCPV4 if is_ipv4 else GSO_TCPV6) if is_tcp else GSO_UDP_L4
    size = max(1, gso_size % 1400, len(payload) // 200)
    return VnetHeader(1, kind, 0, size, 20 if is_ipv4 else 40, 16 if is_tcp else 6).pack() + packet


TRANSACTION_ID = b"transaction!"
STUN = st.one_of(
    st.builds(
        lambda kind, rest: struct.pack("!HHI", kind, len(rest), 0x2112A442) + TRANSACTION_ID + rest,
        st.sampled_from([0x0001, 0x0101]),
        st.lists(
            st.one_of(
                st.sampled_from([b"\0\x20\0\x08", b"\x80\x28\0\x04", b"\0\x06\0\x05"]), st.binary(max_size=9)
            ),
            max_size=5,
        ).map(b"".join),
    ),
    st.just(stun.binding_request(TRANSACTION_ID)),
    st.just(stun.binding_response(TRANSACTION_ID, Endpoint("192.0.2.1", 1234))),
    st.just(stun.binding_response(TRANSACTION_ID, Endpoint("2001:db8::1", 1234))),
)
WIREGUARD = st.builds(
    lambda kind, rest, size: (bytes([kind, 0, 0, 0]) + rest).ljust(size, b"x"),
    st.integers(0, 5),
    st.binary(max_size=160),
    st.sampled_from([4, 15, 16, 31, 32, 33, 63, 64, 65, 91, 92, 93, 147, 148, 149, 1452]),
)
ECHO_REPLIES = st.builds(
    lambda number, payload, in_ip: ipv4(ICMP, b"", 0, payload) if in_ip else payload,
    NUMBERS,
    st.builds(echo_request, NUMBERS, NUMBERS, st.binary(max_size=40)).map(lambda echo: b"\0" + echo[1:]),
    st.booleans(),
)

VALID_IP = st.one_of(MATCHING, IPV4, IPV6)
IP_PACKETS = st.one_of(VALID_IP, mutated(VALID_IP))
SYN_SEGMENTS = st.builds(tcp, OPTIONS, st.sampled_from([SYN, SYN | ACK]), st.binary(max_size=9))
SYN_PACKETS = st.one_of(
    st.builds(lambda segment: ipv4(TCP, b"", 0x4000, segment), SYN_SEGMENTS),
    st.builds(lambda segment: ipv6([], TCP, segment), SYN_SEGMENTS),
    st.builds(lambda options, segment: ipv4(TCP, options, 0, segment), OPTIONS, mutated(SYN_SEGMENTS)),
)
FRAGMENTABLE = st.builds(
    lambda options, of, size: ipv4(UDP, options, of, bytes(size)), OPTIONS, FRAGMENTS, st.integers(0, 200)
)
VNET_HEADERS = st.builds(
    lambda flags, kind, size, start, offset, hint: VnetHeader(flags, kind, hint, size, start, offset).pack(),
    st.sampled_from([0, 1, 1, 1, 2, 3, 255]),
    st.sampled_from([0, 1, 4, 5, 0x81, 0x84, 3, 255]),
    st.one_of(st.sampled_from([1, 7, 16, 33, 500]), NUMBERS),
    st.one_of(st.sampled_from([20, 40, 24]), NUMBERS),
    st.one_of(st.sampled_from([6, 16]), NUMBERS),
    NUMBERS,
)
READS = st.builds(lambda vnet, packet: vnet + packet, VNET_HEADERS, IP_PACKETS)
SUPER_READS = st.builds(_super_packet, SUPER_PAYLOADS, NUMBERS, st.booleans(), st.booleans())
SUPER_PACKETS = st.one_of(SUPER_READS, mutated(SUPER_READS))
# With right checksums, so that they may be joined with others of their flow.
SEGMENTS = st.builds(
    lambda version, protocol, payload, flags, options, tos, fragment: Packet(
        payload=payload,
        version=version,
        protocol=protocol,
        flags=flags,
        options=options if protocol == TCP else b"",
        tos=tos,
        fragment=fragment,
    ).bytes(),
    st.sampled_from([4, 6]),
    st.sampled_from([TCP, UDP]),
    st.binary(max_size=100),
    TCP_FLAGS,
    st.sampled_from([b"", bytes(4), bytes(12)]),
    st.integers(0, 255),
    FRAGMENTS,
)
SEGMENT_PACKETS = st.one_of(SEGMENTS, mutated(SEGMENTS))
STUN_MESSAGES = st.one_of(STUN, mutated(STUN))
WIREGUARD_DATAGRAMS = st.one_of(WIREGUARD, mutated(WIREGUARD))
TUN_READS = st.one_of(READS, SUPER_PACKETS)
ICMP_ECHOES = st.one_of(ECHO_REPLIES, mutated(ECHO_REPLIES))
ANYTHING = st.one_of(st.binary(max_size=200), IP_PACKETS, WIREGUARD_DATAGRAMS, STUN_MESSAGES, ICMP_ECHOES)


def mostly(likely: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """What a function is there for in three of four cases, else anything."""
    return st.integers(0, 3).flatmap(lambda case: likely if case else ANYTHING)
