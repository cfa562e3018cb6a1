# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Packets with which agents find out what a path carries: ICMP echo requests with a mark, and the replies.

The data path sends them as they are: it neither refuses those that are longer than what it knows of the path
nor pads them, since their exact size is what is to be found out.
"""

from __future__ import annotations

from cladnet.core.icmp import ECHO_REPLY, ECHO_REQUEST
from cladnet.core.ip.headers import ICMP, IPV4_HEADER_BYTES, Packet

ICMP_HEADER_BYTES = 8
HEADERS_BYTES = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES
_MARK = b"cladnet path MTU"
_WITHOUT_OPTIONS = 0x45
_KINDS = (ECHO_REQUEST, ECHO_REPLY)
_MARKED = slice(HEADERS_BYTES, HEADERS_BYTES + len(_MARK))


def probe_payload(nonce: bytes, size_bytes: int) -> bytes:
    """What an echo request carries so that the whole IPv4 packet has a size.

    Args:
        nonce: tells our own probes from those of others.
        size_bytes: of the packet; one too small for mark and nonce becomes longer.
    """
    return (_MARK + nonce).ljust(size_bytes - HEADERS_BYTES, b"\0")


def is_path_probe(packet: Packet) -> bool:
    """Whether an inner packet is a probe or its reply. Anybody may send one; it is a ping and no more."""
    return (
        len(packet) >= _MARKED.stop
        and packet[0] == _WITHOUT_OPTIONS
        and packet[9] == ICMP
        and packet[IPV4_HEADER_BYTES] in _KINDS
        and not (packet[6] & 0x1F or packet[7])
        and packet[_MARKED] == _MARK
    )
