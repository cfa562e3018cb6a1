# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Orders and events as text, for the way between the processes of a host: a JSON list, first the name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, cast

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding import events, orders
from cladnet.core.forwarding.events import Event
from cladnet.core.forwarding.orders import Order
from cladnet.core.wireguard.suite import Suite, suite_named

_MESSAGES: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        orders.SetPeer,
        orders.MovePeer,
        orders.ForgetPeer,
        orders.InstallSession,
        orders.UseSession,
        orders.ForgetSession,
        orders.SendKeepalive,
        orders.DropStaged,
        orders.Receive,
        events.NeedSession,
        events.Proven,
        events.Roamed,
        events.Active,
        events.Foreign,
        events.DeviceLost,
    )
}


def encode(message: Order | Event) -> bytes:
    """The text of an order or an event."""
    values = [_plain(getattr(message, field.name)) for field in fields(message)]
    return json.dumps([type(message).__name__, *values]).encode()


def decode_order(text: bytes) -> Order:
    """The order of a text that `encode` gave."""
    return cast(Order, _decode(text))


def decode_event(text: bytes) -> Event:
    """The event of a text that `encode` gave."""
    return cast(Event, _decode(text))


def _decode(text: bytes) -> object:
    name, *values = json.loads(text)
    kind = _MESSAGES[name]
    readers = [_READERS.get(str(field.type), _as_it_is) for field in fields(kind)]
    return kind(*[reader(value) for reader, value in zip(readers, values, strict=True)])


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Suite):
        return value.name
    if isinstance(value, tuple):
        return [str(network) for network in value]
    return str(value) if isinstance(value, Endpoint) else value


def _as_it_is(value: object) -> object:
    return value


def _networks(texts: list[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)


# By the annotations of the fields.
_READERS: dict[str, Callable[[Any], object]] = {
    "bytes": bytes.fromhex,
    "Suite": suite_named,
    "Endpoint": Endpoint.parse,
    "tuple[IPv4Network | IPv6Network, ...]": _networks,
}
