# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a WireGuard device is told about one peer."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, Suite

KEY_SIZE_BYTES = 32
MAX_PERSISTENT_KEEPALIVE_S = 65535


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """One peer of a device.

    Args:
        public_key: 32 bytes, the peer's identity.
        allowed_ips: inner networks that belong to this peer, both as destination and as source.
        endpoint: where to send to; None: wait until the peer comes by itself.
        preshared_key: 32 bytes; zeros mean none.
        persistent_keepalive_s: send something at least this often; 0 means never for its own sake.
        suites: cryptographic suites that the peer may use; the first one is ours when we initiate.

    Raises:
        InvalidInput: a key has not 32 bytes, the interval is out of range, or there is no suite.
    """

    public_key: bytes
    allowed_ips: tuple[IPv4Network | IPv6Network, ...]
    endpoint: Endpoint | None = None
    preshared_key: bytes = field(default=bytes(KEY_SIZE_BYTES), repr=False)
    persistent_keepalive_s: int = 0
    suites: tuple[Suite, ...] = (CHACHA20_POLY1305,)

    def __post_init__(self) -> None:
        for name, key in (("public", self.public_key), ("preshared", self.preshared_key)):
            if len(key) != KEY_SIZE_BYTES:
                raise InvalidInput(f"The peer's {name} key has {len(key)} bytes; it needs {KEY_SIZE_BYTES}.")
        if not 0 <= self.persistent_keepalive_s <= MAX_PERSISTENT_KEEPALIVE_S:
            raise InvalidInput(
                f"A persistent keepalive of {self.persistent_keepalive_s} s is out of range:"
                f" give 0 (off) to {MAX_PERSISTENT_KEEPALIVE_S}."
            )
        if not self.suites:
            raise InvalidInput("The peer has no cryptographic suite: give at least one.")
