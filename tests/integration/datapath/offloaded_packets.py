# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets of many segments, as a network stack with segmentation offload hands them to a device.

Source: virtio 1.2, section 5.1.6 (struct virtio_net_hdr); Linux Documentation/networking/packet_mmap.rst.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from itertools import product

from ip_packets import (
    ACK,
    CWR,
    DONT_FRAGMENT,
    ECE,
    ETHERNET_HEADER_SIZE_BYTES,
    FIN,
    PSH,
    URG,
    ipv4,
    ipv6,
    summed,
    tcp,
    udp,
)
from packet_kinds import FULL_TCP_BYTES, TCP, TIMESTAMPS, UDP, Maker

_NEEDS_CSUM = 1
_GSO_TCPV4, _GSO_TCPV6, _GSO_UDP_L4, _GSO_ECN = 1, 4, 5, 0x80
_CHECKSUM_OFFSET = {TCP: 16, UDP: 6}
_SIZES_BYTES = (2, 1381, 2 * 1380, 30_000, 60_000)
_SEGMENT_SIZES_BYTES = (1, 536, 1200, FULL_TCP_BYTES - 20, FULL_TCP_BYTES, 1448)
_MAX_SEGMENTS = 120


def super_packets(make: Maker, seed: int) -> list[bytes]:
    """Frames' packets with their virtio_net_hdr in front, for `Chain.send_super_packet`."""
    rng = random.Random(seed)  # noqa: S311 - has to be the same every time
    made = [*_tcp_packets(make, rng), *_udp_packets(make, rng)]
    rng.shuffle(made)
    return made


def _tcp_packets(make: Maker, rng: random.Random) -> Iterator[bytes]:
    for size_bytes, segment_bytes in _sizes():
        flags = rng.choice((ACK, ACK | PSH, ACK | PSH | FIN, ACK | ECE, ACK | URG | PSH, ACK | CWR))
        options = rng.choice((b"", TIMESTAMPS + struct.pack("!II", 7, 8)))
        data = rng.randbytes(size_bytes)
        segment = tcp(6000, 443, rng.choice((1, 2**32 - 5000)), data, flags=flags, urgent=9, options=options)
        ecn = _GSO_ECN if flags & CWR else 0
        fields = {"identification": rng.randrange(2**16), "tos": rng.randrange(256)}
        fragment = rng.choice((0, DONT_FRAGMENT))
        packet = ipv4(*make.ends, TCP, _partly_summed(make.ends, TCP, segment), fragment=fragment, **fields)
        yield _offloaded(packet, _GSO_TCPV4 | ecn, TCP, 20, segment_bytes)
        packet = ipv6(*make.ends_ipv6, TCP, _partly_summed(make.ends_ipv6, TCP, segment), flow_label=99)
        yield _offloaded(packet, _GSO_TCPV6 | ecn, TCP, 40, segment_bytes)


def _udp_packets(make: Maker, rng: random.Random) -> Iterator[bytes]:
    for size_bytes, segment_bytes in _sizes():
        datagram = udp(6001, 4433, rng.randbytes(size_bytes))
        packet = ipv4(
            *make.ends, UDP, _partly_summed(make.ends, UDP, datagram), identification=rng.randrange(2**16)
        )
        yield _offloaded(packet, _GSO_UDP_L4, UDP, 20, segment_bytes)
        packet = ipv6(*make.ends_ipv6, UDP, _partly_summed(make.ends_ipv6, UDP, datagram))
        yield _offloaded(packet, _GSO_UDP_L4, UDP, 40, segment_bytes)


def _sizes() -> Iterator[tuple[int, int]]:
    for size_bytes, segment_bytes in product(_SIZES_BYTES, _SEGMENT_SIZES_BYTES):
        if segment_bytes < size_bytes <= _MAX_SEGMENTS * segment_bytes:
            yield size_bytes, segment_bytes


def _partly_summed(ends: tuple[str, str], protocol: int, transport: bytes) -> bytes:
    """With the sum of the pseudo-header alone, which the device completes."""
    offset = _CHECKSUM_OFFSET[protocol]
    full = ~int.from_bytes(summed(*ends, protocol, transport)[offset : offset + 2], "big") & 0xFFFF
    body = transport[:offset] + bytes(2) + transport[offset + 2 :]
    return transport[:offset] + _less(full, body).to_bytes(2, "big") + transport[offset + 2 :]


def _less(total: int, body: bytes) -> int:
    """What of a one's complement sum is not from the body."""
    padded = body + bytes(len(body) % 2)
    of_body = sum(struct.unpack(f"!{len(padded) // 2}H", padded)) % 0xFFFF
    return (total - of_body) % 0xFFFF


def _offloaded(packet: bytes, gso_type: int, protocol: int, ip_size_bytes: int, segment_bytes: int) -> bytes:
    start = ETHERNET_HEADER_SIZE_BYTES + ip_size_bytes
    transport_size_bytes = (packet[ip_size_bytes + 12] >> 4) * 4 if protocol == socket.IPPROTO_TCP else 8
    fields = (
        _NEEDS_CSUM,
        gso_type,
        start + transport_size_bytes,
        segment_bytes,
        start,
        _CHECKSUM_OFFSET[protocol],
    )
    return struct.pack("=BBHHHH", *fields) + packet
