# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which address a host is to get, and how the holder of an address is written down. Pure.

For every network these two facts are kept side by side and only ever changed together:
``peer[host] = address``  if and only if  ``addr[address] = "A:host"``. An address that a host left is
``"Q:host"`` (quarantined) for a while: nobody else gets it, so nobody else gets that host's packets. An
address kept for a host that has not come yet is ``"R:host"`` (reserved): ``place[host].address = address``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

_RESERVED_ADDRESSES = 2  # network and broadcast


def held_by(host: str) -> bytes:
    """What stands at an address that the host has."""
    return f"A:{host}".encode()


def quarantined_for(host: str) -> bytes:
    """What stands at an address that the host has left and nobody else may have yet."""
    return f"Q:{host}".encode()


def reserved_for(host: str) -> bytes:
    """What stands at an address that an administrator keeps for a host."""
    return f"R:{host}".encode()


def is_usable(cidr: IPv4Network, address: IPv4Address) -> bool:
    """Whether a host of the network may have the address."""
    return cidr.network_address < address < cidr.broadcast_address


def capacity(cidr: IPv4Network) -> int:
    """How many hosts fit: all addresses but those of the network and of broadcast."""
    return cidr.num_addresses - _RESERVED_ADDRESSES


def choose_address(
    cidr: IPv4Network, host: str, holder: Callable[[IPv4Address], bytes | None]
) -> IPv4Address | None:
    """The address that the host should ask for, or None if none is left.

    The search begins where the host's name says: a host that comes back tends to get its old address, and
    controllers that allocate at the same time rarely choose the same one. A host may take its own address
    out of quarantine.

    Args:
        cidr: the network.
        host: who asks.
        holder: what stands at an address, as far as known; None if it is free.
    """
    size = capacity(cidr)
    start = zlib.crc32(host.encode())
    own_quarantine = quarantined_for(host)
    for step in range(size):
        address = cidr.network_address + 1 + (start + step) % size
        if holder(address) in (None, own_quarantine):
            return address
    return None
