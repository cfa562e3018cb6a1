# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the forwarding half of a device is told to do. An order that comes again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.suite import Suite


@dataclass(frozen=True, slots=True)
class SetPeer:
    """There is such a peer, and these inner networks are its own."""

    peer: int
    allowed_ips: tuple[IPv4Network | IPv6Network, ...]
    path_mtu_bytes: int


@dataclass(frozen=True, slots=True)
class MovePeer:
    """Datagrams to the peer go there from now on."""

    peer: int
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class ForgetPeer:
    """There is no such peer any more, nor sessions with it."""

    peer: int


@dataclass(frozen=True, slots=True)
class InstallSession:
    """A handshake has made a session; `is_proven` says whether it may be used for sending.

    Args:
        slot: place of the session's counters in the shared memory.
        sending: key, 32 bytes.
        receiving: key, 32 bytes.
    """

    peer: int
    slot: int
    local_index: int
    remote_index: int
    suite: Suite
    sending: bytes = field(repr=False)
    receiving: bytes = field(repr=False)
    expires_s: float
    is_proven: bool


@dataclass(frozen=True, slots=True)
class UseSession:
    """Packets to the session's peer go with it from now on; the peer may wait for a sign of that."""

    local_index: int
    announce: bool


@dataclass(frozen=True, slots=True)
class ForgetSession:
    """The session is over."""

    local_index: int


@dataclass(frozen=True, slots=True)
class SendKeepalive:
    """The peer wants to hear from us."""

    peer: int


@dataclass(frozen=True, slots=True)
class DropStaged:
    """There will be no session for what waits for one."""

    peer: int


@dataclass(frozen=True, slots=True)
class Receive:
    """A transport message that came to the wrong place."""

    datagram: bytes
    source: Endpoint


Order = (
    SetPeer
    | MovePeer
    | ForgetPeer
    | InstallSession
    | UseSession
    | ForgetSession
    | SendKeepalive
    | DropStaged
    | Receive
)
