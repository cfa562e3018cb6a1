# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The vNet, subnet and SSH key that Tumblebug makes by itself with the first machine of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from lab.tumblebug.era import Era
from lab.tumblebug.estate import KeyPair, Namespace, Network, Region, Shared


class Sharing:
    """Finds or makes what the machines of a connection share.

    Args:
        era: which names it has.
        places: connection -> what is there already, such as the networks of a lab.
        private_key, public_key: of the key pairs that are made.
    """

    def __init__(
        self, era: Era, places: Mapping[str, Shared], *, private_key: str = "", public_key: str = ""
    ) -> None:
        self._era = era
        self._places = places
        self._private_key = private_key
        self._public_key = public_key

    def of(self, namespace: Namespace, region: Region, zone: str) -> Shared:
        """What the machines of a region share in a namespace; ``zone`` only counts when it is made."""
        connection = region.connection
        known = (place for place in namespace.places() if place.network.region.connection == connection)
        return next(known, None) or self._places.get(connection) or self._made(namespace.id, region, zone)

    def _made(self, namespace: str, region: Region, zone: str) -> Shared:
        word = "shared" if self._era.has_uid else "systemdefault"
        name = f"{namespace}-{word}-{region.connection}"
        digest = sha256(name.encode()).hexdigest()
        octet = int(digest[:2], 16)
        network = Network(
            vnet_id=name,
            subnet_id=name,
            csp_vnet_id=f"vpc-{digest[:17]}",
            csp_subnet_id=f"subnet-{digest[17:34]}",
            vnet_cidr=f"10.{octet}.0.0/16",
            subnet_cidr=f"10.{octet}.0.0/18",
            region=region,
            zone=zone or next(iter(region.zones), ""),
        )
        return Shared(network, KeyPair(name, region, self._private_key, self._public_key))
