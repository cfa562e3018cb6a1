# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""IP packets byte by byte: made to order, and taken apart.

Source: RFC 791, RFC 768, RFC 8200, RFC 9293, RFC 1071.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

ETHERNET_HEADER_SIZE_BYTES = 14
UDP_HEADER_SIZE_BYTES = 8
IPV4_TYPE, IPV6_TYPE = 0x0800, 0x86DD
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
NOT_ECT, ECT_1, ECT_0, CE = range(4)

_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_IPV6 = struct.Struct("!IHBB16s16s")
_CHECKSUM_OFFSET = {socket.IPPROTO_TCP: 16, socket.IPPROTO_UDP: 6, socket.IPPROTO_ICMPV6: 2}


def checksum(data: bytes) -> int:
    """The internet checksum of RFC 1071."""
    padded = data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address_bytes(text: str) -> bytes:
    """4 or 16 bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    tos: int = 0,
    identification: int = 0,
    fragment: int = 0,
    ttl: int = 64,
    options: bytes = b"",
) -> bytes:
    """A packet with a right header checksum.

    Args:
        fragment: flags and offset in units of 8 bytes, as in the header.
        options: a multiple of 4 bytes.
    """
    words = (_IPV4.size + len(options)) // 4
    size_bytes = 4 * words + len(payload)
    ends = address_bytes(source), address_bytes(destination)
    fields = (0x40 | words, tos, size_bytes, identification, fragment, ttl, protocol)
    unsummed = _IPV4.pack(*fields, 0, *ends) + options
    return _IPV4.pack(*fields, checksum(unsummed), *ends) + options + payload


def ipv6(
    source: str,
    destination: str,
    next_header: int,
    payload: bytes,
    *,
    traffic_class: int = 0,
    flow_label: int = 0,
    hop_limit: int = 64,
) -> bytes:
    """A packet; the payload begins with the extension headers, if there are any."""
    first_word = 6 << 28 | traffic_class << 20 | flow_label
    ends = address_bytes(source), address_bytes(destination)
    return _IPV6.pack(first_word, len(payload), next_header, hop_limit, *ends) + payload


def udp(source_port: int, destination_port: int, data: bytes) -> bytes:
    """A datagram without checksum."""
    return struct.pack("!HHHH", source_port, destination_port, UDP_HEADER_SIZE_BYTES + len(data), 0) + data


def tcp(
    source_port: int,
    destination_port: int,
    sequence: int,
    data: bytes,
    *,
    flags: int = ACK,
    acknowledgement: int = 0,
    window: int = 1024,
    urgent: int = 0,
    options: bytes = b"",
) -> bytes:
    """A segment without checksum; options are a multiple of 4 bytes."""
    header = struct.pack(
        "!HHIIBBHHH",
        source_port,
        destination_port,
        sequence % 2**32,
        acknowledgement,
        (20 + len(options)) << 2,
        flags,
        window,
        0,
        urgent,
    )
    return header + options + data


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    """An ICMP message; the rest begins with the four bytes after the checksum."""
    unsummed = struct.pack("!BBH", kind, code, 0) + rest
    return struct.pack("!BBH", kind, code, checksum(unsummed)) + rest


def summed(source: str, destination: str, protocol: int, transport: bytes) -> bytes:
    """The same transport message with its right checksum over the pseudo-header."""
    offset = _CHECKSUM_OFFSET[protocol]
    blank = transport[:offset] + bytes(2) + transport[offset + 2 :]
    pseudo = _pseudo_header(address_bytes(source), address_bytes(destination), protocol, len(transport))
    value = checksum(pseudo + blank)
    if protocol == socket.IPPROTO_UDP:
        value = value or 0xFFFF
    return blank[:offset] + value.to_bytes(2, "big") + blank[offset + 2 :]


@dataclass(frozen=True)
class IpPacket:
    """A received packet, taken apart.

    Args:
        whole: all of it, without padding.
        protocol: of what follows the header.
        transport: what follows the header.
    """

    whole: bytes
    source: bytes
    destination: bytes
    protocol: int
    transport: bytes

    @property
    def is_fragment(self) -> bool:
        if self.whole[0] >> 4 == 6:
            return self.protocol == socket.IPPROTO_FRAGMENT
        return bool(int.from_bytes(self.whole[6:8], "big") & 0x3FFF)

    @property
    def ports(self) -> tuple[int, int]:
        return int.from_bytes(self.transport[:2], "big"), int.from_bytes(self.transport[2:4], "big")


def parse(packet: bytes) -> IpPacket:
    """Takes a packet apart that begins with its IP header; what follows its length is padding."""
    if packet[0] >> 4 == 6:
        whole = packet[: 40 + int.from_bytes(packet[4:6], "big")]
        return IpPacket(whole, whole[8:24], whole[24:40], whole[6], whole[40:])
    whole = packet[: int.from_bytes(packet[2:4], "big")]
    return IpPacket(whole, whole[12:16], whole[16:20], whole[9], whole[(whole[0] & 0x0F) * 4 :])


def is_sound(packet: IpPacket) -> bool:
    """Whether all checksums of a packet are right that can be checked."""
    header_size_bytes = len(packet.whole) - len(packet.transport)
    if packet.whole[0] >> 4 == 4 and checksum(packet.whole[:header_size_bytes]) != 0:
        return False
    if packet.protocol == socket.IPPROTO_ICMP:
        return packet.is_fragment or checksum(packet.transport) == 0
    if packet.protocol not in _CHECKSUM_OFFSET or packet.is_fragment:
        return True
    if packet.protocol == socket.IPPROTO_UDP and packet.transport[6:8] == bytes(2):
        return packet.whole[0] >> 4 == 4
    pseudo = _pseudo_header(packet.source, packet.destination, packet.protocol, len(packet.transport))
    return checksum(pseudo + packet.transport) == 0


def ethernet(source: bytes, destination: bytes, packet: bytes) -> bytes:
    """A frame around an IP packet."""
    kind = IPV6_TYPE if packet[0] >> 4 == 6 else IPV4_TYPE
    return destination + source + kind.to_bytes(2, "big") + packet


def packet_of(frame: bytes) -> IpPacket | None:
    """The IP packet of a frame; None for other frames (ARP)."""
    if int.from_bytes(frame[12:14], "big") not in (IPV4_TYPE, IPV6_TYPE):
        return None
    return parse(frame[ETHERNET_HEADER_SIZE_BYTES:])


def datagram_of(frame: bytes) -> bytes | None:
    """What the UDP datagram of a frame carries; None for everything else, and for fragments."""
    packet = packet_of(frame)
    if packet is None or packet.protocol != socket.IPPROTO_UDP or packet.is_fragment:
        return None
    return packet.transport[UDP_HEADER_SIZE_BYTES:]


def with_datagram(frame: bytes, datagram: bytes) -> bytes:
    """The same frame carrying another UDP datagram, with right lengths and checksums."""
    packet = parse(frame[ETHERNET_HEADER_SIZE_BYTES:])
    return ethernet(frame[6:12], frame[:6], _carrying(packet, datagram))


def _carrying(packet: IpPacket, datagram: bytes) -> bytes:
    ends = (
        socket.inet_ntop(_family(packet), packet.source),
        socket.inet_ntop(_family(packet), packet.destination),
    )
    transport = summed(*ends, socket.IPPROTO_UDP, udp(*packet.ports, datagram))
    if _family(packet) == socket.AF_INET6:
        return ipv6(*ends, socket.IPPROTO_UDP, transport)
    return ipv4(*ends, socket.IPPROTO_UDP, transport)


def _family(packet: IpPacket) -> socket.AddressFamily:
    return socket.AF_INET6 if packet.whole[0] >> 4 == 6 else socket.AF_INET


def _pseudo_header(source: bytes, destination: bytes, protocol: int, size_bytes: int) -> bytes:
    return source + destination + struct.pack("!II", size_bytes, protocol)
