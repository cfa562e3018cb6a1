# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The layout of the header."""

from __future__ import annotations

import sys

from cladnet.core.offload.virtio_net import GSO_TCPV4, HEADER_BYTES, NEEDS_CSUM, VnetHeader


def test_layout() -> None:
    header = VnetHeader(NEEDS_CSUM, GSO_TCPV4, 52, 1368, 20, 16)
    numbers = b"".join(number.to_bytes(2, sys.byteorder) for number in (52, 1368, 20, 16))
    assert header.pack() == b"\1\1" + numbers
    assert len(header.pack()) == HEADER_BYTES
    assert VnetHeader.unpack(b"xyz" + header.pack(), 3) == header
