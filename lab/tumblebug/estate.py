# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What was created with Tumblebug and does not change by itself: the input of the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256


def uid(*path: str) -> str:
    """The 20-character uid that Tumblebug gives to every object; here it follows from the object's path."""
    return "tb" + sha256("/".join(path).encode()).hexdigest()[:18]


@dataclass(frozen=True, slots=True)
class Region:
    """One region of a provider and the connection through which Tumblebug reaches it."""

    provider: str  # lower case: aws, azure, gcp
    region: str
    connection: str  # connectionName
    display: str = ""
    latitude: float = 0.0
    longitude: float = 0.0


@dataclass(frozen=True, slots=True)
class Network:
    """A vNet with its one subnet."""

    vnet_id: str
    subnet_id: str
    csp_vnet_id: str
    csp_subnet_id: str
    vnet_cidr: str
    subnet_cidr: str
    region: Region
    zone: str


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An SSH key resource; ``private_key`` is the PEM text, empty for a registered key."""

    id: str
    region: Region
    private_key: str = field(default="", repr=False)
    public_key: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """One VM (node). ``resource`` is its name at the cloud, for the ``Cloud`` protocol."""

    id: str
    group: str
    resource: str
    network: Network
    key_pair: KeyPair
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = "cb-user"
    created: str = "2026-09-08 08:11:30"


@dataclass(frozen=True, slots=True)
class Infra:
    """One MCIS, MCI or Infra, as the eras call it."""

    id: str
    machines: tuple[Machine, ...]
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace with its infras by id."""

    id: str
    infras: Mapping[str, Infra]
    description: str = ""

    def networks(self) -> dict[str, Network]:
        """Every vNet that a machine of the namespace stands in, by id."""
        return {machine.network.vnet_id: machine.network for machine in self.machines()}

    def key_pairs(self) -> dict[str, KeyPair]:
        """Every key pair that a machine of the namespace uses, by id."""
        return {machine.key_pair.id: machine.key_pair for machine in self.machines()}

    def machines(self) -> Iterator[Machine]:
        """All machines of all infras."""
        for infra in self.infras.values():
            yield from infra.machines


Estate = Mapping[str, Namespace]
