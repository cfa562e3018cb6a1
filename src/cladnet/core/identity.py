# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Names of networks and hosts, and the identity that a certificate gives to a host."""

from __future__ import annotations

from dataclasses import dataclass

from cladnet.core._names import check_host_name, check_network_name
from cladnet.core.errors import InvalidInput

__all__ = ["CONTROLLER_NAME", "TRUST_DOMAIN", "SpiffeId", "check_host_name", "check_network_name"]

TRUST_DOMAIN = "cladnet"
CONTROLLER_NAME = (
    "cladnet-controller"  # what agents expect in a controller's certificate, whatever its address
)


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
