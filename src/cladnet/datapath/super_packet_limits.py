# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How much a network device takes at once when the kernel leaves the segmentation to it.

One netlink message, written by hand: pyroute2 has an event loop of its own and cannot be used inside another.
Source: rtnetlink(7); linux/if_link.h.
"""

from __future__ import annotations

import os
import socket
import struct

from cladnet.core.wireguard.messages import MIN_TRANSPORT_SIZE_BYTES

# Datagrams in one send with UDP_SEGMENT (linux/udp.h, UDP_MAX_SEGMENTS, before it was raised).
MAX_SEGMENTS = 64
_MAX_DATAGRAMS_BYTES = 65507
_LEAST_HEADERS_BYTES = 40
_MAX_PACKET_BYTES = 65535
# TCP leaves so much of the limit unused (linux/net/core/sock.c, sk_dst_gso_max_size; MAX_TCP_HEADER + 1).
_RESERVE_OF_TCP_BYTES = 321

_RTM_NEWLINK = 16
_NLM_F_REQUEST, _NLM_F_ACK = 1, 4
_NLMSG_ERROR = 2
_IFLA_GSO_MAX_SEGS, _IFLA_GSO_MAX_SIZE = 40, 41
_MESSAGE_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ATTRIBUTE = struct.Struct("=HHI")
_ERROR = struct.Struct("=i")
_TIMEOUT_S = 2.0


def limit_super_packets(name: str, mtu: int) -> None:
    """Makes what the device takes at once fit into one super-datagram of the tunnel, as far as that can be.

    Segments may be much shorter than the device's MTU, as those for a narrower path are: their number is
    limited only by what one send may carry.

    Args:
        name: of the device.
        mtu: of the device, in bytes.

    Raises:
        OSError: the kernel refuses.
    """
    segments = max(1, min(MAX_SEGMENTS, _MAX_DATAGRAMS_BYTES // (mtu + MIN_TRANSPORT_SIZE_BYTES)))
    size_bytes = segments * (mtu - _LEAST_HEADERS_BYTES) + _LEAST_HEADERS_BYTES + _RESERVE_OF_TCP_BYTES
    _exchange(
        _request(socket.if_nametoindex(name), MAX_SEGMENTS, min(max(size_bytes, mtu), _MAX_PACKET_BYTES))
    )


def _request(index: int, segments: int, size_bytes: int) -> bytes:
    body = (
        _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)
        + _ATTRIBUTE.pack(_ATTRIBUTE.size, _IFLA_GSO_MAX_SEGS, segments)
        + _ATTRIBUTE.pack(_ATTRIBUTE.size, _IFLA_GSO_MAX_SIZE, size_bytes)
    )
    length = _MESSAGE_HEADER.size + len(body)
    return _MESSAGE_HEADER.pack(length, _RTM_NEWLINK, _NLM_F_REQUEST | _NLM_F_ACK, 1, 0) + body


def _exchange(request: bytes) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(_TIMEOUT_S)
        netlink.sendto(request, (0, 0))
        answer = netlink.recv(4096)
    _length, kind, _flags, _sequence, _port = _MESSAGE_HEADER.unpack_from(answer)
    (error,) = _ERROR.unpack_from(answer, _MESSAGE_HEADER.size)
    if kind == _NLMSG_ERROR and error:
        raise OSError(-error, os.strerror(-error))
