# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What goes over the REST API, as types: checked on the way in, documented in OpenAPI."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cladnet.controller.networks import NetworkPatch
from cladnet.controller.replica import NetworkState
from cladnet.core import ipam
from cladnet.core.network import AUTO_CIPHER, CIPHERS, NetworkSpec, parse_cidr

_CIPHER = (
    "Of the tunnels: auto (of each pair, AES-256-GCM where both CPUs have instructions for it), "
    "chacha20-poly1305 (plain WireGuard) or aes-256-gcm (no peers without an agent)."
)


class Input(BaseModel):
    """A body that a client sends: a misspelt name or a wrong type is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NetworkIn(Input):
    """A network to be made."""

    name: str = Field(description="1 to 32 of a-z, 0-9 and '-', beginning with a letter.", examples=["demo"])
    cidr: str = Field(description="RFC 1918 address space, /8 to /30.", examples=["10.99.0.0/24"])
    description: str = Field(default="", description="For people.")
    mtu: int = Field(default=0, description="Longest packet, in bytes; 0: each host derives it.")
    rule_type: str = Field(default="basic", description="How a host chooses where to send to.")
    quarantine_s: int = Field(
        default=300, description="How long nobody gets the address of a host that left."
    )
    cipher: str = Field(default=AUTO_CIPHER, description=_CIPHER, examples=list(CIPHERS))

    def spec(self) -> NetworkSpec:
        """The network that is meant.

        Raises:
            InvalidInput: a value that cannot be right.
        """
        return NetworkSpec(
            name=self.name,
            cidr=parse_cidr(self.cidr),
            description=self.description,
            mtu=self.mtu,
            rule_type=self.rule_type,
            quarantine_s=self.quarantine_s,
            cipher=self.cipher,
        )


class NetworkPatchIn(Input):
    """What to change in a network; what is left out (or null) stays."""

    cidr: str | None = Field(default=None, description="Only while no host is in the network.")
    description: str | None = None
    mtu: int | None = None
    quarantine_s: int | None = None
    cipher: str | None = Field(default=None, description=f"{_CIPHER} Only to one that all hosts speak.")

    def patch(self) -> NetworkPatch:
        """The change that is meant.

        Raises:
            InvalidInput: the address space is no CIDR.
        """
        cidr = None if self.cidr is None else parse_cidr(self.cidr)
        return NetworkPatch(cidr, self.description, self.mtu, self.quarantine_s, self.cipher)


class EnrolmentIn(Input):
    """The host that is to get a token."""

    host: str = Field(examples=["a1"])


class EnrolIn(Input):
    """A token and a certificate request."""

    token: str = Field(repr=False)
    csr_pem: str = Field(description="PKCS #10 with an EC P-256 key; its subject does not matter.")


class Network(BaseModel):
    """A network as it is."""

    name: str
    cidr: str
    description: str
    mtu: int
    rule_type: str
    quarantine_s: int
    cipher: str
    peers: int = Field(description="Hosts in the network.")
    addresses_total: int
    addresses_free: int
    revision: int

    @classmethod
    def of(cls, state: NetworkState) -> Network:
        """The network in that state."""
        spec = state.spec
        total = ipam.capacity(spec.cidr)
        return cls(
            name=spec.name,
            cidr=str(spec.cidr),
            description=spec.description,
            mtu=spec.mtu,
            rule_type=spec.rule_type,
            quarantine_s=spec.quarantine_s,
            cipher=spec.cipher,
            peers=len(state.host_names),
            addresses_total=total,
            addresses_free=total - sum(address in spec.cidr for address in state.holders),
            revision=state.revision,
        )


class NetworkList(BaseModel):
    """All networks, by name."""

    networks: list[Network]


class EnrolmentOut(BaseModel):
    """A one-time token for the agent of one host."""

    token: str = Field(repr=False)
    expires_in_s: int
    network: str
    host: str


class EnrolOut(BaseModel):
    """The certificate of a new member."""

    certificate_pem: str
    network: str
    host: str


class EtcdHealth(BaseModel):
    """How etcd looks from here."""

    reachable: bool
    cluster_id: str = Field(description="Hexadecimal; empty while unknown.")
    revision: int = Field(description="The one that this controller has.")


class Health(BaseModel):
    """How this controller is."""

    status: str = Field(examples=["ok", "degraded"])
    name: str
    version: str
    etcd: EtcdHealth


class ErrorDetail(BaseModel):
    """What went wrong, and what to do."""

    code: str = Field(examples=["not_found"])
    message: str
    hint: str


class Error(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorDetail
