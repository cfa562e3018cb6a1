# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the forwarding half tells the other half of a device."""

from __future__ import annotations

from dataclasses import dataclass

from cladnet.core.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class NeedSession:
    """A packet waits for a session with this peer."""

    peer: int


@dataclass(frozen=True, slots=True)
class Proven:
    """The first authentic message of an unproven session came."""

    local_index: int
    source: Endpoint


@dataclass(frozen=True, slots=True)
class Roamed:
    """Something authentic and new came from another place than where we send to."""

    peer: int
    source: Endpoint


@dataclass(frozen=True, slots=True)
class Active:
    """There is traffic with a peer whose traffic nobody watches."""

    peer: int


@dataclass(frozen=True, slots=True)
class Foreign:
    """A datagram that is no transport message."""

    datagram: bytes
    source: Endpoint


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """Somebody deleted the TUN device."""


Event = NeedSession | Proven | Roamed | Active | Foreign | DeviceLost
