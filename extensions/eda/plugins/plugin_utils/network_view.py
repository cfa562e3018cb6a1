# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What is known of networks and peers from a controller's event stream, and what a message changes. Pure.

While the stream can be resumed, its events are handed on as they are. Where it cannot, the controller sends a
snapshot, and what was missed is found out by comparing it with what is known, as controllers do themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._events import (
    Event,
    EventType,
    network_events,
    peer_events,
)

Document = Mapping[str, Any]
PeerName = tuple[str, str]  # network, host

SNAPSHOT = "snapshot"
TYPES = tuple(kind.value for kind in EventType)
"""What can happen; a newer controller may tell more."""


@dataclass(frozen=True)
class Update:
    """A message of the stream: an event with its ``fields``, or a snapshot of ``networks`` and ``peers``."""

    id: str
    type: str
    revision: int
    name: PeerName = ("", "")
    fields: Document = field(default_factory=dict)
    networks: Mapping[str, Document] = field(default_factory=dict)
    peers: Mapping[PeerName, Document] = field(default_factory=dict)

    @classmethod
    def of_json(cls, event_id: str, text: str) -> Update:
        """What a controller sent; raises ValueError if it is something else."""
        try:
            document = json.loads(text)
            kind, revision = str(document["type"]), int(document["revision"])
            if kind == SNAPSHOT:
                networks, peers = _networks(document["networks"]), _peers(document["peers"])
                return cls(event_id, kind, revision, networks=networks, peers=peers)
            name = (str(document["network"] or ""), str(document["host"] or ""))
            return cls(event_id, kind, revision, name, _checked(document))
        except (KeyError, TypeError, AttributeError, RecursionError) as exc:
            raise ValueError(f"{type(exc).__name__}: {exc}") from exc


@dataclass(frozen=True)
class Change:
    """One thing that happened.

    Args:
        fields: as a controller tells them.
        event_id: of the message that told it.
        missed: whether it was found out by comparing.
    """

    fields: Document
    event_id: str
    missed: bool = False

    @property
    def type(self) -> str:
        return str(self.fields["type"])

    @property
    def host(self) -> str:
        """Empty if it is about a network."""
        return str(self.fields["host"] or "")

    @property
    def identity(self) -> str:
        """The same whenever the same change is told again."""
        parts = (str(self.fields[key]) for key in ("revision", "type", "network", "host"))
        return "/".join([_cluster(self.event_id), *parts])


class NetworkView:
    """Networks and peers as they were last told, and where in the stream that was."""

    def __init__(self) -> None:
        self.last_id = ""  # after which the stream can be resumed
        self._revision = 0  # of the last event
        self._told: set[tuple[str, PeerName]] = set()  # events of that revision
        self._networks: dict[str, Document] = {}
        self._peers: dict[PeerName, Document] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever told."""
        return not self.last_id

    def is_behind(self, update: Update) -> bool:
        """Whether a snapshot is older than what is known of the same cluster."""
        same_cluster = _cluster(update.id) == _cluster(self.last_id)
        return same_cluster and _revision(update.id) < _revision(self.last_id)

    def changes(self, update: Update) -> list[Change]:
        """What a message tells that is not known; nothing is taken over yet."""
        if update.type == SNAPSHOT:
            return [Change(event.document(), update.id, missed=True) for event in self._missed(update)]
        if update.revision == self._revision and (update.type, update.name) in self._told:
            return []
        return [Change(update.fields, update.id)]

    def apply(self, update: Update) -> None:
        """Takes over what a message tells."""
        if update.type == SNAPSHOT:
            self._networks, self._peers = dict(update.networks), dict(update.peers)
        elif update.type.startswith("network_"):
            self._apply_network(update)
        else:
            self._apply_peer(update)
        if update.revision != self._revision:
            self._revision, self._told = update.revision, set()
        self._told.add((update.type, update.name))
        self.last_id = update.id

    def to_document(self) -> dict[str, Any]:
        """For a state file."""
        return {
            "last_id": self.last_id,
            "networks": list(self._networks.values()),
            "peers": [{"network": network, **peer} for (network, _host), peer in self._peers.items()],
        }

    @classmethod
    def of_document(cls, document: Document) -> NetworkView:
        """From a state file; raises KeyError, TypeError or AttributeError if it holds something else."""
        view = cls()
        view.last_id = str(document["last_id"])
        view._networks = _networks(document["networks"])
        view._peers = _peers(document["peers"])
        return view

    # --- one event ---

    def _apply_network(self, update: Update) -> None:
        network, _host = update.name
        if update.type == EventType.NETWORK_DELETED.value:
            self._networks.pop(network, None)
            self._peers = {name: peer for name, peer in self._peers.items() if name[0] != network}
            return
        after = {key: pair[1] for key, pair in update.fields["changed"].items()}
        self._networks[network] = {"name": network, **self._networks.get(network, {}), **after}

    def _apply_peer(self, update: Update) -> None:
        if update.type == EventType.PEER_LEFT.value:
            self._peers.pop(update.name, None)
        elif update.fields["peer"] is not None:
            self._peers[update.name] = update.fields["peer"]

    # --- a snapshot ---

    def _missed(self, update: Update) -> Iterator[Event]:
        for network in sorted(self._networks.keys() | update.networks.keys()):
            before, after = self._networks.get(network), update.networks.get(network)
            yield from network_events(network, before, _known_fields(before, after), update.revision)
        for name in sorted(self._peers.keys() | update.peers.keys()):
            if name[0] in update.networks:  # else its end is told by that of its network
                yield from _peer_missed(name, self._peers.get(name), update.peers.get(name), update.revision)


def _peer_missed(
    name: PeerName, before: Document | None, after: Document | None, revision: int
) -> Iterator[Event]:
    if before is None and after is not None:  # it joined, and may have connected since
        before = {**after, "connected": False}
        yield from peer_events(*name, None, before, revision)
    for event in peer_events(*name, before, _known_fields(before, after), revision):
        yield replace(event, peer=after)


def _known_fields(before: Document | None, after: Document | None) -> Document | None:
    """What is now, without fields that a newer controller added: that they are there is no change."""
    if before is None or after is None:
        return after
    return {key: value for key, value in after.items() if key in before}


def _networks(documents: Iterable[Document]) -> dict[str, Document]:
    return {str(network["name"]): dict(network) for network in documents}


def _peers(documents: Iterable[Document]) -> dict[PeerName, Document]:
    return {
        (str(peer["network"]), str(peer["host"])): {
            key: value for key, value in peer.items() if key != "network"
        }
        for peer in documents
    }


def _checked(document: dict[str, Any]) -> Document:
    """The fields of an event; raises KeyError, TypeError or ValueError if it is none."""
    changed = {key: [before, after] for key, (before, after) in dict(document["changed"]).items()}
    peer = None if document["peer"] is None else dict(document["peer"])
    return {**document, "changed": changed, "peer": peer}


def _cluster(event_id: str) -> str:
    return event_id.partition("-")[0]


def _revision(event_id: str) -> int:
    digits = event_id.partition("-")[2]
    return int(digits) if digits.isdecimal() else 0
