# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The header in front of every packet of a TUN device with IFF_VNET_HDR.

Source: Linux include/uapi/linux/virtio_net.h and Documentation/networking/tuntap.rst; Virtual I/O Device
(VIRTIO) version 1.2, section 5.1.6. Numbers are in the byte order of the host.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER = struct.Struct("=BBHHHH")
HEADER_BYTES = HEADER.size
NO_OFFLOAD = bytes(HEADER_BYTES)  # in front of an ordinary, complete packet

# flags
NEEDS_CSUM = 1  # the transport checksum holds the sum of the pseudo-header only
DATA_VALID = 2  # the checksum was checked

# gso_type
GSO_NONE = 0
GSO_TCPV4 = 1
GSO_TCPV6 = 4
GSO_UDP_L4 = 5
GSO_ECN = 0x80  # with one of TCP: the first segment alone has CWR

# TUNSETOFFLOAD: what the reader of a device can take (linux/if_tun.h)
TUN_F_CSUM = 0x01
TUN_F_TSO4 = 0x02
TUN_F_TSO6 = 0x04
TUN_F_TSO_ECN = 0x08
TUN_F_USO4 = 0x20
TUN_F_USO6 = 0x40


class VnetHeader(NamedTuple):
    """One such header.

    Args:
        flags: `NEEDS_CSUM`, `DATA_VALID` or 0.
        gso_type: `GSO_NONE`, or of which kind the segments of a super-packet are.
        hdr_len: bytes before the payload. A hint: as read from a TUN device it may be wrong.
        gso_size: payload bytes of each segment but the last.
        csum_start: offset of the transport header, with `NEEDS_CSUM`.
        csum_offset: offset of the checksum in the transport header, with `NEEDS_CSUM`.
    """

    flags: int
    gso_type: int
    hdr_len: int
    gso_size: int
    csum_start: int
    csum_offset: int

    def pack(self) -> bytes:
        """10 bytes."""
        return HEADER.pack(*self)

    @classmethod
    def unpack(cls, buffer: bytes | bytearray | memoryview, offset: int = 0) -> VnetHeader:
        """Reads 10 bytes at an offset."""
        return cls._make(HEADER.unpack_from(buffer, offset))
