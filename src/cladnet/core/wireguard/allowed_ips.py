# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Cryptokey routing: which peer an inner address belongs to.

Source: WireGuard whitepaper, section 2.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, TypeVar

Network = IPv4Network | IPv6Network
OwnerT = TypeVar("OwnerT", bound=Hashable)

_SIZE_BYTES = {4: 4, 6: 16}


class AllowedIps(Generic[OwnerT]):
    """A longest-prefix table from networks to owners; a network has one owner, the last that claimed it.

    One dictionary per prefix length: a mesh has nearly only /32 entries, so a look-up is one or two hashes,
    and a change costs what changes.
    """

    def __init__(self) -> None:
        self._networks: dict[OwnerT, set[Network]] = {}
        # address size in bytes -> {bits of the host part: {number of the network: owner}}; the longest
        # prefix comes first.
        self._levels: dict[int, dict[int, dict[int, OwnerT]]] = {4: {}, 16: {}}

    def assign(self, owner: OwnerT, networks: Iterable[Network]) -> None:
        """Gives the owner exactly these networks; those that others had are taken away from them."""
        wanted = set(networks)
        had = self._networks.pop(owner, set())
        for network in had - wanted:
            self._delete(network)
        for network in wanted - had:
            self._insert(network, owner)
        if wanted:
            self._networks[owner] = wanted

    def remove(self, owner: OwnerT) -> None:
        """Takes all networks from the owner."""
        self.assign(owner, ())

    def owner_of(self, address: bytes) -> OwnerT | None:
        """The owner of the longest prefix that contains an address of 4 or 16 bytes."""
        number = int.from_bytes(address, "big")
        for host_bits, owners in self._levels[len(address)].items():
            owner = owners.get(number >> host_bits)
            if owner is not None:
                return owner
        return None

    def _insert(self, network: Network, owner: OwnerT) -> None:
        size_bytes = _SIZE_BYTES[network.version]
        host_bits, number = _position(network)
        if host_bits not in self._levels[size_bytes]:
            self._levels[size_bytes] = dict(sorted({**self._levels[size_bytes], host_bits: {}}.items()))
        level = self._levels[size_bytes][host_bits]
        loser = level.get(number)
        if loser is not None:
            self._networks[loser].discard(network)
        level[number] = owner

    def _delete(self, network: Network) -> None:
        levels = self._levels[_SIZE_BYTES[network.version]]
        host_bits, number = _position(network)
        del levels[host_bits][number]
        if not levels[host_bits]:
            del levels[host_bits]


def _position(network: Network) -> tuple[int, int]:
    host_bits = network.max_prefixlen - network.prefixlen
    return host_bits, int(network.network_address) >> host_bits
