# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where a UDP datagram comes from or goes to: an IP address and a port."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from ._errors import InvalidInput

MAX_PORT = 65535


@dataclass(frozen=True)
class Endpoint:
    """An outer address of a host, in canonical form, so that equal endpoints compare equal.

    Args:
        address: IPv4 or IPv6 address as text; an IPv4-mapped IPv6 address becomes IPv4.
        port: UDP port, 1..65535.

    Raises:
        InvalidInput: the address is no IP address, or the port is out of range.
    """

    address: str
    port: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", canonical_address(self.address))
        if not 1 <= self.port <= MAX_PORT:
            raise InvalidInput(f"Endpoint port {self.port} is out of range: give 1 to {MAX_PORT}.")

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Reads ``198.51.100.11:8055`` or ``[2001:db8::1]:8055``.

        Raises:
            InvalidInput: the text has another form.
        """
        address, separator, port = text.rpartition(":")
        bracketed = address.startswith("[") and address.endswith("]")
        if not separator or bracketed != (":" in address) or not (port.isascii() and port.isdigit()):
            raise InvalidInput(f"'{text}' is no endpoint: write 198.51.100.11:8055 or [2001:db8::1]:8055.")
        return cls(address[1:-1] if bracketed else address, int(port))

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def canonical_address(text: str) -> str:
    """Gives the one spelling of an IP address.

    Raises:
        InvalidInput: the text is no IP address.
    """
    try:
        address = ip_address(text)
    except ValueError as exc:
        raise InvalidInput(f"'{text}' is no IP address.") from exc
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
