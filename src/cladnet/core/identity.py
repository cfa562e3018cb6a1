# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Names of networks and hosts, and the identity that a certificate gives to a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cladnet.core.errors import InvalidInput

TRUST_DOMAIN = "cladnet"
CONTROLLER_NAME = (
    "cladnet-controller"  # what agents expect in a controller's certificate, whatever its address
)

_NETWORK_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_HOST_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?", re.ASCII)


def check_network_name(name: str) -> str:
    """Returns the name if a CLADNet may have it.

    Raises:
        InvalidInput: it is not 1-32 of a-z, 0-9 and '-', from a letter to a letter or digit.
    """
    if not _NETWORK_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot be the name of a network.",
            hint="Use 1 to 32 of a-z, 0-9 and '-'; begin with a letter, end with a letter or digit.",
        )
    return name


def check_host_name(name: str) -> str:
    """Returns the name if a host may have it.

    Raises:
        InvalidInput: it is not 1-64 of letters, digits, '.', '_' and '-', letter or digit at both ends.
    """
    if not _HOST_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot be the name of a host.",
            hint="Use 1 to 64 letters, digits, '.', '_' and '-'; begin and end with a letter or digit.",
        )
    return name


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """One host in one network, as its certificate names it: spiffe://cladnet/<network>/<host>."""

    network: str
    host: str

    def __post_init__(self) -> None:
        check_network_name(self.network)
        check_host_name(self.host)

    def __str__(self) -> str:
        return f"spiffe://{TRUST_DOMAIN}/{self.network}/{self.host}"

    @classmethod
    def parse(cls, uri: str) -> SpiffeId:
        """Reads an identity from its URI.

        Raises:
            InvalidInput: it is not of the form spiffe://cladnet/<network>/<host>.
        """
        head, _unused, path = uri.partition(f"://{TRUST_DOMAIN}/")
        parts = path.split("/")
        if head != "spiffe" or len(parts) != 2:
            raise InvalidInput(
                f"{uri[:200]!r} is not the identity of a host.",
                hint=f"Expected spiffe://{TRUST_DOMAIN}/<network>/<host>.",
            )
        return cls(network=parts[0], host=parts[1])
