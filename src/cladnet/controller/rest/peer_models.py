# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What goes over the REST API about the hosts of a network."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict
from ipaddress import AddressValueError, IPv4Address

from pydantic import BaseModel, Field

from cladnet.controller.places import NewPlace, PlacePatch
from cladnet.controller.replica import NetworkState
from cladnet.controller.rest.models import Input
from cladnet.core import host_report
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import HostReport
from cladnet.core.host_state import HostState
from cladnet.core.orders import Action, Orders, are_settled
from cladnet.core.wireguard.handshake import HandshakeError, KeyPair
from cladnet.core.wireguard.peer_config import KEY_SIZE_BYTES

_EXPECTED = "Expected; no agent has enrolled as this host yet."
_NOT_REPORTED = "Enrolled; its agent has not reported yet."
_UNMANAGED = "A WireGuard peer without an agent."
UNMANAGED_STATE = "unmanaged"
_ANY_KEY = KeyPair.from_private_bytes(bytes(range(KEY_SIZE_BYTES)))


class Cloud(BaseModel):
    """Where in a provider's network a host lies."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    vnet: str = ""
    subnet: str = ""


class Details(Input):
    """What an administrator knows better than the host; what is left out or empty is as the host reports."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    vnet: str = ""
    subnet: str = ""

    def cloud(self) -> host_report.Cloud:
        """The details that are meant; raises InvalidInput for a text that cannot be right."""
        return host_report.Cloud(**self.model_dump())


class PeerIn(Input):
    """A host that is to be expected, or with a public key a WireGuard peer without an agent."""

    host: str = Field(examples=["a1"])
    address: str | None = Field(default=None, description="Fixed; without it the host gets a free one.")
    description: str = Field(default="", description="For people.")
    details: Details = Field(default_factory=Details)
    public_key: str | None = Field(
        default=None, description="WireGuard public key, base64: there is no agent."
    )
    endpoint: str | None = Field(
        default=None, description="Where to send to; learned from the peer if unset."
    )

    def place(self) -> NewPlace:
        """The place that is meant.

        Raises:
            InvalidInput: a value that cannot be right.
        """
        return NewPlace(
            address=None if self.address is None else _address(self.address),
            description=self.description,
            details=self.details.cloud(),
            public_key=None if self.public_key is None else _public_key(self.public_key),
            endpoint=Endpoint.parse(self.endpoint) if self.endpoint else None,
        )


class PeerPatchIn(Input):
    """What to change about a host; what is left out (or null) stays."""

    address: str | None = Field(default=None, description="Fixes the address; the host moves to it at once.")
    static: bool | None = Field(default=None, description="false keeps the address, but not fixed any more.")
    description: str | None = None
    details: Details | None = Field(default=None, description="Replaces all details.")
    public_key: str | None = Field(default=None, description="Only of a peer without an agent.")
    endpoint: str | None = Field(default=None, description='Only of a peer without an agent; "" forgets it.')

    def patch(self) -> PlacePatch:
        """The change that is meant.

        Raises:
            InvalidInput: a value that cannot be right.
        """
        return PlacePatch(
            address=None if self.address is None else _address(self.address),
            is_static=self.static,
            description=self.description,
            details=None if self.details is None else self.details.cloud(),
            public_key=None if self.public_key is None else _public_key(self.public_key),
            endpoint=Endpoint.parse(self.endpoint) if self.endpoint else None,
            forgets_endpoint=self.endpoint == "",
        )


class PeerControl(BaseModel):
    """What is ordered of a host, and how far it is."""

    desired: str = Field(default=Action.UP.value, examples=["up", "down"])
    rekeys_requested: int = 0
    rekeys_done: int = 0
    settled: bool = Field(default=True, description="The host has done all that is ordered.")

    @classmethod
    def of(cls, orders: Orders, report: HostReport | None) -> PeerControl:
        """For a host that last reported this."""
        is_down, rekeys_done = (False, 0) if report is None else (report.is_down, report.rekeys_done)
        return cls(
            desired=(Action.DOWN if orders.is_down else Action.UP).value,
            rekeys_requested=orders.rekeys_requested,
            rekeys_done=rekeys_done,
            settled=are_settled(orders, is_down=is_down, rekeys_done=rekeys_done),
        )


class Peer(BaseModel):
    """A host of a network as it is; what is not known yet is null."""

    host: str
    address: str | None = Field(default=None, description="Also one that is only kept for the host so far.")
    static: bool = Field(default=False, description="An administrator fixed the address.")
    managed: bool = Field(default=True, description="false: a WireGuard peer without an agent.")
    description: str = ""
    public_key: str | None = Field(default=None, description="WireGuard public key, base64.")
    endpoint: str | None = Field(
        default=None, description="Where other hosts send to.", examples=["198.51.100.11:8055"]
    )
    private_endpoints: list[str] = []
    state: str = Field(default=HostState.CONFIGURING.value, examples=["tunneling"])
    reason: str
    connected: bool = Field(description="Its agent has a stream to a controller.")
    mtu: int = 0
    agent_version: str = ""
    ciphers: list[str] = Field(
        default_factory=list,
        description="What it speaks, the fastest on its CPU first; empty before its first report.",
        examples=[["aes-256-gcm", "chacha20-poly1305"]],
    )
    cloud: Cloud = Field(default_factory=Cloud)
    details: dict[str, str] = Field(
        default_factory=dict, description="What of cloud an administrator set.", examples=[{"zone": "a"}]
    )
    occupied_networks: list[str] = []
    control: PeerControl = Field(default_factory=PeerControl)
    revision: int

    @classmethod
    def of(cls, state: NetworkState, host: str) -> Peer:
        """The host of that name in the network in that state."""
        place, entry, member = state.place(host), state.table.peers.get(host), state.hosts.get(host)
        address = place.address if entry is None else entry.address
        peer = cls(
            host=host,
            address=None if address is None else str(address),
            static=place.is_static,
            managed=place.is_managed,
            description=place.description,
            cloud=Cloud(**asdict(place.cloud(host_report.Cloud()))),
            details=place.details_given,
            reason=_EXPECTED if member is None else _NOT_REPORTED,
            connected=host in state.seen,
            control=PeerControl.of(
                state.orders.get(host, Orders()), None if member is None else member.record.report
            ),
            revision=_revision(state, host),
        )
        if entry is not None:
            peer.public_key = base64.b64encode(entry.public_key).decode()
            peer.endpoint = None if entry.endpoint is None else str(entry.endpoint)
            peer.ciphers = [suite.name for suite in entry.suites]
        if not place.is_managed:
            peer.state, peer.reason = UNMANAGED_STATE, _UNMANAGED
        if member is not None and member.record.report is not None:
            peer._take_in(member.record.report, place.cloud(member.record.report.cloud))
        return peer

    def _take_in(self, report: HostReport, cloud: host_report.Cloud) -> None:
        """What the agent says of its host."""
        self.private_endpoints = list(map(str, report.private_endpoints))
        self.state, self.reason = report.state.value, report.reason
        self.mtu, self.agent_version = report.mtu, report.agent_version
        self.cloud = Cloud(**asdict(cloud))
        self.occupied_networks = list(map(str, report.occupied_networks))


class PeerList(BaseModel):
    """All hosts of a network, by name."""

    peers: list[Peer]


def _revision(state: NetworkState, host: str) -> int:
    """At which anything of the host was last written."""
    parts = (state.hosts.get(host), state.places.get(host), state.table.peers.get(host))
    return max(part.revision for part in parts if part is not None)


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError as exc:
        raise InvalidInput(f"{text[:80]!r} is no IPv4 address.", hint="Write 10.99.0.7.") from exc


def _public_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_SIZE_BYTES:
        raise InvalidInput(
            f"{text[:80]!r} is no WireGuard public key.", hint="Give what wg pubkey prints: 44 characters."
        )
    try:
        _ANY_KEY.shared_secret(key)
    except HandshakeError as exc:
        raise InvalidInput("No secret can be agreed with this public key.", hint="Make a new one.") from exc
    return key
