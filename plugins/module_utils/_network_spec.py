# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a CLADNet is: its name, its address space and its options. Pure; for modules and controllers alike."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError, ip_interface

from ._errors import InvalidInput
from ._names import check_network_name

RULE_TYPES = ("basic",)
AUTO_CIPHER = "auto"
CIPHERS = (AUTO_CIPHER, "chacha20-poly1305", "aes-256-gcm")
MIN_PREFIX, MAX_PREFIX = 8, 30
# IPv4's least, and what fits a UDP datagram with the tunnel's headers
MIN_MTU_BYTES, MAX_MTU_BYTES = 576, 65455
MAX_QUARANTINE_S = 7 * 86400
MAX_DESCRIPTION_CHARACTERS = 500

_PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


@dataclass(frozen=True)
class NetworkSpec:
    """A CLADNet as its operator wants it.

    Args:
        name: see ``check_network_name``.
        cidr: its addresses; RFC 1918, /8 to /30.
        description: for people.
        mtu: of the device on every host, in bytes; 0 lets each host derive it from its underlay.
        rule_type: how a host chooses where to send to.
        quarantine_s: for how long nobody else gets the address of a host that left, in seconds.
        cipher: of the tunnels; ``auto``: of each pair, AES where both CPUs have instructions for it.

    Raises:
        InvalidInput: one of them cannot be right.
    """

    name: str
    cidr: IPv4Network
    description: str = ""
    mtu: int = 0
    rule_type: str = "basic"
    quarantine_s: int = 300
    cipher: str = AUTO_CIPHER

    def __post_init__(self) -> None:
        check_network_name(self.name)
        _check_private(self.cidr)
        if len(self.description) > MAX_DESCRIPTION_CHARACTERS or not self.description.isprintable():
            raise InvalidInput(
                f"The description of network {self.name} is too long or holds control characters.",
                hint=f"Use one line of at most {MAX_DESCRIPTION_CHARACTERS} characters.",
            )
        if self.mtu and not MIN_MTU_BYTES <= self.mtu <= MAX_MTU_BYTES:
            raise InvalidInput(
                f"mtu {self.mtu} is out of range: 0, or {MIN_MTU_BYTES} to {MAX_MTU_BYTES} bytes."
            )
        if self.rule_type not in RULE_TYPES:
            raise InvalidInput(f"rule_type {self.rule_type!r} is unknown: use {' or '.join(RULE_TYPES)}.")
        if not 0 <= self.quarantine_s <= MAX_QUARANTINE_S:
            raise InvalidInput(
                f"quarantine_s {self.quarantine_s} is out of range: 0 to {MAX_QUARANTINE_S} seconds."
            )
        if self.cipher not in CIPHERS:
            raise InvalidInput(f"cipher {self.cipher!r} is unknown: use {' or '.join(CIPHERS)}.")


def parse_cidr(text: str) -> IPv4Network:
    """The address space in CIDR notation.

    Raises:
        InvalidInput: it is none, or has host bits set; the error names the network that was meant.
    """
    try:
        return IPv4Network(text)
    except (AddressValueError, NetmaskValueError) as exc:
        raise InvalidInput(f"{text[:80]!r} is no IPv4 network: {exc}.", hint="Write 10.99.0.0/24.") from exc
    except ValueError as exc:
        raise InvalidInput(
            f"{text!r} has host bits set.", hint=f"The network is {ip_interface(text).network}."
        ) from exc


def _check_private(cidr: IPv4Network) -> None:
    if not MIN_PREFIX <= cidr.prefixlen <= MAX_PREFIX:
        raise InvalidInput(f"{cidr} has a prefix out of range: /{MIN_PREFIX} to /{MAX_PREFIX}.")
    if not any(cidr.subnet_of(space) for space in _PRIVATE):
        spaces = ", ".join(map(str, _PRIVATE))
        raise InvalidInput(f"{cidr} is not within private address space ({spaces}).")
