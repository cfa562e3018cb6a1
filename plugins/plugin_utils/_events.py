# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What happened between two views of a network or a host, as people and programs want to be told of it. Pure;
for controllers, and for the event source that finds out what it missed.

A view is what the API shows: a JSON object. An event names what changed, with the values before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

View = Mapping[str, Any]
Changed = dict[str, list[Any]]


class EventType(Enum):
    """The values are the words that users meet."""

    NETWORK_CREATED = "network_created"
    NETWORK_CHANGED = "network_changed"
    NETWORK_DELETED = "network_deleted"
    PEER_JOINED = "peer_joined"
    PEER_LEFT = "peer_left"
    PEER_CONNECTED = "peer_connected"
    PEER_LOST = "peer_lost"
    PEER_CHANGED = "peer_changed"
    ENDPOINT_CHANGED = "endpoint_changed"
    ADDRESS_CHANGED = "address_changed"
    KEY_CHANGED = "key_changed"
    STATE_CHANGED = "state_changed"
    TEST_DONE = "test_done"


_TYPE_OF_FIELD = {
    "address": EventType.ADDRESS_CHANGED,
    "endpoint": EventType.ENDPOINT_CHANGED,
    "public_key": EventType.KEY_CHANGED,
    "state": EventType.STATE_CHANGED,
    "reason": EventType.STATE_CHANGED,
}
# What changes with every container that a host starts is no news, and a revision is none by itself.
_SILENT_OF_PEER = frozenset({"revision", "occupied_networks"})
_SILENT_OF_NETWORK = frozenset({"revision", "peers", "addresses_free", "addresses_total"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Args:
        type: what kind of thing.
        network: where.
        host: to whom; None if to the network.
        revision: of etcd, as of which it is so.
        peer: the host's view afterwards; None if there is none.
        changed: values before and after, by field.
        more: what only this type has.
    """

    type: EventType
    network: str
    host: str | None
    revision: int
    peer: View | None = None
    changed: Changed = field(default_factory=dict)
    more: View = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The event as JSON types."""
        return {
            "type": self.type.value,
            "network": self.network,
            "host": self.host,
            "revision": self.revision,
            "peer": self.peer,
            "changed": self.changed,
            **self.more,
        }


def network_events(network: str, before: View | None, after: View | None, revision: int) -> list[Event]:
    """What happened to a network; None stands for a network that is not there."""
    if before is None and after is None:
        return []
    if after is None:
        return [Event(EventType.NETWORK_DELETED, network, None, revision)]
    if before is None:
        return [Event(EventType.NETWORK_CREATED, network, None, revision)]
    changed = _differences(before, after, _SILENT_OF_NETWORK)
    return [Event(EventType.NETWORK_CHANGED, network, None, revision, changed=changed)] if changed else []


def peer_events(
    network: str, host: str, before: View | None, after: View | None, revision: int
) -> list[Event]:
    """What happened to a host: one event for each kind of change; None is a host that is not there."""
    if before is None and after is None:
        return []
    if after is None:
        return [Event(EventType.PEER_LEFT, network, host, revision)]
    if before is None:
        return [Event(EventType.PEER_JOINED, network, host, revision, after)]
    by_type: dict[EventType, Changed] = {}
    for name, values in _differences(before, after, _SILENT_OF_PEER).items():
        by_type.setdefault(_type_of(name, values[1]), {})[name] = values
    return [Event(type_, network, host, revision, after, changed) for type_, changed in by_type.items()]


def _type_of(name: str, after: object) -> EventType:
    if name == "connected":
        return EventType.PEER_CONNECTED if after else EventType.PEER_LOST
    return _TYPE_OF_FIELD.get(name, EventType.PEER_CHANGED)


def _differences(before: View, after: View, silent: frozenset[str]) -> Changed:
    names = sorted((before.keys() | after.keys()) - silent)
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
