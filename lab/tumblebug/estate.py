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
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A size of machine that a cloud sells in a region."""

    region: Region
    name: str  # the cloud's: t3.small
    cpus: int
    memory_gib: float
    cost_per_hour: float  # US dollars
    architecture: str = "x86_64"
    refused: str = ""  # why the cloud refuses every order; empty: it does not


@dataclass(frozen=True, slots=True)
class Image:
    """An image of an operating system in a region."""

    region: Region
    name: str  # the cloud's: ami-...
    os: str  # short: ubuntu22.04
    distribution: str
    words: str  # what a search by keywords looks at
    architecture: str = "x86_64"


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
    """One VM (node). ``resource`` is its name for the ``Cloud`` protocol; empty if no cloud has made it."""

    id: str
    group: str
    resource: str
    network: Network
    key_pair: KeyPair
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = "cb-user"
    created: str = "2026-09-08 08:11:30"
    description: str = ""
    spec: Spec | None = None
    image: Image | None = None
    root_disk_type: str = "ssd"
    root_disk_gb: int = 30


@dataclass(frozen=True, slots=True)
class Infra:
    """One MCIS, MCI or Infra, as the eras call it."""

    id: str
    machines: tuple[Machine, ...]
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()  # systemMessage
    phase: str = ""  # Preparing, Prepared: the status while there are no machines yet


@dataclass(frozen=True, slots=True)
class Shared:
    """What Tumblebug makes by itself in a namespace for a connection, and all machines there share."""

    network: Network
    key_pair: KeyPair
    user: str = "cb-user"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace with its infras by id; ``shared`` outlives the machines it was made for."""

    id: str
    infras: Mapping[str, Infra]
    description: str = ""
    shared: tuple[Shared, ...] = ()

    def networks(self) -> dict[str, Network]:
        """Every vNet of the namespace, by id."""
        return {place.network.vnet_id: place.network for place in self.places()}

    def key_pairs(self) -> dict[str, KeyPair]:
        """Every key pair of the namespace, by id."""
        return {place.key_pair.id: place.key_pair for place in self.places()}

    def places(self) -> Iterator[Shared]:
        """Where the machines of the namespace are or were: every network with its key pair."""
        yield from self.shared
        for machine in self.machines():
            yield Shared(machine.network, machine.key_pair, machine.user)

    def machines(self) -> Iterator[Machine]:
        """All machines of all infras."""
        for infra in self.infras.values():
            yield from infra.machines


Estate = Mapping[str, Namespace]
