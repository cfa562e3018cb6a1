# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the kernel says beside a received datagram: its source, its ECN, the size of datagrams it glued.

Source: recvmsg(2), cmsg(3), udp(7) (UDP_GRO), ip(7) (IP_RECVTOS), ipv6(7) (IPV6_RECVTCLASS).
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding.envelope import Envelope
from cladnet.core.ip.ecn import ECN_MASK
from cladnet.datapath.udp import endpoint_of

# As much as the kernel writes at most: a source address, then control messages.
SOURCE_BYTES = 32
CONTROL_BYTES = 96

_UDP_GRO = 104
_CONTROL_HEADER = struct.Struct("@Nii")
_CONTROL_ALIGNMENT = struct.calcsize("@N")
_SEGMENT_SIZE = struct.Struct("=H")
_FAMILY = struct.Struct("=H")
_IPV4_SOURCE = struct.Struct("!2xH4s8x")
_IPV6_SOURCE = struct.Struct("!2xH4x16s")
_SCOPE = struct.Struct("=24xI")


def parse_envelope(ancillary: bytes) -> Envelope | None:
    """Reads what the kernel wrote; None if nobody can answer the source (port 0).

    Args:
        ancillary: `SOURCE_BYTES` and `CONTROL_BYTES`, zeros behind what was written.
    """
    raw_source = ancillary[:SOURCE_BYTES]
    source = _source(raw_source)
    if source is None:
        return None
    ecn = segment_bytes = 0
    for level, kind, content in _control_messages(ancillary[SOURCE_BYTES:]):
        if (level, kind) == (socket.IPPROTO_UDP, _UDP_GRO):
            segment_bytes = _SEGMENT_SIZE.unpack_from(content)[0]
        elif (level, kind) in ((socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)):
            # A byte for IPv4, a number in the byte order of the host for IPv6.
            ecn = int.from_bytes(content, sys.byteorder) & ECN_MASK
    return Envelope(source, raw_source, ecn, segment_bytes)


def _source(raw: bytes) -> Endpoint | None:
    if _FAMILY.unpack_from(raw)[0] == socket.AF_INET:
        port, address = _IPV4_SOURCE.unpack_from(raw)
        return endpoint_of((socket.inet_ntop(socket.AF_INET, address), port))
    port, address = _IPV6_SOURCE.unpack_from(raw)
    scope = _SCOPE.unpack_from(raw)[0]
    return endpoint_of((socket.inet_ntop(socket.AF_INET6, address), port, 0, scope))


def _control_messages(control: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + _CONTROL_HEADER.size <= len(control):
        size, level, kind = _CONTROL_HEADER.unpack_from(control, at)
        if size < _CONTROL_HEADER.size:
            return
        yield level, kind, control[at + _CONTROL_HEADER.size : at + size]
        at += -(-size // _CONTROL_ALIGNMENT) * _CONTROL_ALIGNMENT
