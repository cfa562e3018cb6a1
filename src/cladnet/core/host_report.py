# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a host tells the controllers about itself, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.host_state import HostState
from cladnet.core.network import MAX_MTU_BYTES
from cladnet.core.pair_suites import DEFAULT_SUITES
from cladnet.core.wireguard.suite import Suite

KEY_BYTES = 32
MAX_PRIVATE_ENDPOINTS = 64
MAX_OCCUPIED_NETWORKS = 4096
MAX_TEXT_CHARACTERS = 200
MAX_REASON_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where in a provider's network a host lies; empty where nobody knows."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    vnet: str = ""
    subnet: str = ""

    def __post_init__(self) -> None:
        for name in ("provider", "region", "zone", "vnet", "subnet"):
            _check_text(name, getattr(self, name), MAX_TEXT_CHARACTERS)


@dataclass(frozen=True, slots=True)
class HostReport:
    """One report; equal reports mean that nothing has changed.

    Args:
        public_key: WireGuard, X25519, 32 bytes.
        public_endpoint: as seen from outside; None while unknown.
        private_endpoints: on the host's own interfaces.
        occupied_networks: every network that the host's routes and interfaces use, but the CLADNet's own.
        mtu: of the tunnel device, in bytes; 0 while unknown.
        cloud: from the inventory.
        state: what the host does in its network.
        reason: a sentence, when the state is degraded or failed.
        agent_version: of the software.
        is_down: the tunnel device is down because that is ordered.
        rekeys_done: so many of the ordered new keys it has made; ``public_key`` is the last of them.
        suites: cryptographic suites that its agent speaks, the fastest on its CPU first.

    Raises:
        InvalidInput: a value that no agent would send.
    """

    public_key: bytes
    public_endpoint: Endpoint | None = None
    private_endpoints: tuple[Endpoint, ...] = ()
    occupied_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    mtu: int = 0
    cloud: Cloud = field(default_factory=Cloud)
    state: HostState = HostState.CONFIGURING
    reason: str = ""
    agent_version: str = ""
    is_down: bool = False
    rekeys_done: int = 0
    suites: tuple[Suite, ...] = DEFAULT_SUITES

    def __post_init__(self) -> None:
        if len(self.public_key) != KEY_BYTES or not any(self.public_key):
            raise InvalidInput(f"The public key must be {KEY_BYTES} bytes and not all zero.")
        if not 0 <= self.mtu <= MAX_MTU_BYTES:
            raise InvalidInput(f"mtu {self.mtu} is out of range: 0 to {MAX_MTU_BYTES} bytes.")
        _check_number("private endpoints", len(self.private_endpoints), MAX_PRIVATE_ENDPOINTS)
        _check_number("occupied networks", len(self.occupied_networks), MAX_OCCUPIED_NETWORKS)
        _check_text("reason", self.reason, MAX_REASON_CHARACTERS)
        _check_text("agent_version", self.agent_version, MAX_TEXT_CHARACTERS)

    def overlap_with(self, cidr: IPv4Network) -> IPv4Network | None:
        """The first network of the host that shares an address with ``cidr``; the default route is none."""
        return next(
            (
                network
                for network in self.occupied_networks
                if isinstance(network, IPv4Network) and network.prefixlen and network.overlaps(cidr)
            ),
            None,
        )


def _check_number(what: str, number: int, most: int) -> None:
    if number > most:
        raise InvalidInput(f"{number} {what} are too many: at most {most}.")


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most or not text.isprintable():
        raise InvalidInput(f"{name} is longer than {most} characters or holds control characters.")
