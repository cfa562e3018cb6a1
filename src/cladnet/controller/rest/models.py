# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What goes over the REST API, as types: checked on the way in, documented in OpenAPI."""

from __future__ import annotations

import base64
from dataclasses import asdict

from pydantic import BaseModel, ConfigDict, Field

from cladnet.controller.networks import NetworkPatch
from cladnet.controller.replica import NetworkState
from cladnet.core import ipam
from cladnet.core.host_state import HostState
from cladnet.core.network import NetworkSpec, parse_cidr

_NOT_REPORTED = "Enrolled; its agent has not reported yet."


class _Input(BaseModel):
    """A body that a client sends: a misspelt name or a wrong type is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NetworkIn(_Input):
    """A network to be made."""

    name: str = Field(description="1 to 32 of a-z, 0-9 and '-', beginning with a letter.", examples=["demo"])
    cidr: str = Field(description="RFC 1918 address space, /8 to /30.", examples=["10.99.0.0/24"])
    description: str = Field(default="", description="For people.")
    mtu: int = Field(default=0, description="Of the device on every host, in bytes; 0: each host derives it.")
    rule_type: str = Field(default="basic", description="How a host chooses where to send to.")
    quarantine_s: int = Field(
        default=300, description="How long nobody gets the address of a host that left."
    )

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
        )


class NetworkPatchIn(_Input):
    """What to change in a network; what is left out (or null) stays."""

    cidr: str | None = Field(default=None, description="Only while no host is in the network.")
    description: str | None = None
    mtu: int | None = None
    quarantine_s: int | None = None

    def patch(self) -> NetworkPatch:
        """The change that is meant.

        Raises:
            InvalidInput: the address space is no CIDR.
        """
        cidr = None if self.cidr is None else parse_cidr(self.cidr)
        return NetworkPatch(cidr, self.description, self.mtu, self.quarantine_s)


class EnrolmentIn(_Input):
    """The host that is to get a token."""

    host: str = Field(examples=["a1"])


class EnrolIn(_Input):
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
            peers=len(state.hosts),
            addresses_total=total,
            addresses_free=total - sum(address in spec.cidr for address in state.holders),
            revision=state.revision,
        )


class NetworkList(BaseModel):
    """All networks, by name."""

    networks: list[Network]


class Cloud(BaseModel):
    """Where in a provider's network a host lies."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    vnet: str = ""
    subnet: str = ""


class Peer(BaseModel):
    """A host of a network as it is; address and public_key are null until its agent has reported."""

    host: str
    address: str | None = None
    public_key: str | None = Field(default=None, description="WireGuard public key, base64.")
    endpoint: str | None = Field(
        default=None, description="Where other hosts send to.", examples=["198.51.100.11:8055"]
    )
    private_endpoints: list[str] = []
    state: str = Field(default=HostState.CONFIGURING.value, examples=["tunneling"])
    reason: str
    connected: bool = Field(description="Whether its agent has a stream to this controller.")
    mtu: int = 0
    agent_version: str = ""
    cloud: Cloud = Field(default_factory=Cloud)
    occupied_networks: list[str] = []
    revision: int

    @classmethod
    def of(cls, state: NetworkState, host: str, *, connected: bool) -> Peer:
        """The host of that name in the network in that state."""
        member, entry = state.hosts[host], state.table.peers.get(host)
        report = member.record.report
        if entry is None or report is None:
            return cls(host=host, connected=connected, reason=_NOT_REPORTED, revision=member.revision)
        return cls(
            host=host,
            address=str(entry.address),
            public_key=base64.b64encode(entry.public_key).decode(),
            endpoint=None if entry.endpoint is None else str(entry.endpoint),
            private_endpoints=list(map(str, report.private_endpoints)),
            state=report.state.value,
            reason=report.reason,
            connected=connected,
            mtu=report.mtu,
            agent_version=report.agent_version,
            cloud=Cloud(**asdict(report.cloud)),
            occupied_networks=list(map(str, report.occupied_networks)),
            revision=max(member.revision, entry.revision),
        )


class PeerList(BaseModel):
    """All hosts of a network, by name."""

    peers: list[Peer]


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
