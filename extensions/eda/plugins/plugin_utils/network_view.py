# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What is known of networks and peers from a controller's event stream, and what a message changes. Pure.

While the stream can be resumed, its events are handed on as they are. Where it cannot, the controller sends a
snapshot, and what was missed is found out by comparing it with what is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
PeerName = tuple[str, str]  # network, host

SNAPSHOT = "snapshot"
TYPES = (
    "network_created",
    "network_changed",
    "network_deleted",
    "peer_joined",
    "peer_left",
    "peer_connected",
    "peer_lost",
    "peer_changed",
    "endpoint_changed",
    "address_changed",
    "key_changed",
    "state_changed",
    "test_done",
)
"""What can happen; a newer controller may tell more."""

_TYPE_OF_FIELD = {
    "endpoint": "endpoint_changed",
    "address": "address_changed",
    "public_key": "key_changed",
    "state": "state_changed",
}
_COUNTED = {"revision", "peers", "addresses_total", "addresses_free"}  # follow from what else is told


@dataclass(frozen=True)
class Change:
    """One thing that happened.

    ``event_id`` and ``missed`` say which message told it, and whether it was found out by comparison.
    """

    type: str
    network: str
    host: str
    revision: int
    event_id: str
    peer: Document | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    missed: bool = False

    @property
    def identity(self) -> str:
        """The same whenever the same change is told again."""
        return f"{self.event_id}/{self.type}/{self.network}/{self.host}"


@dataclass(frozen=True)
class Update:
    """A message of the stream: an event, or a snapshot of all ``networks`` and ``peers``."""

    id: str
    type: str
    revision: int
    name: PeerName = ("", "")
    peer: Document | None = None
    changed: Mapping[str, list[Any]] = field(default_factory=dict)
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
            changed = {key: [before, after] for key, (before, after) in dict(document["changed"]).items()}
            peer = None if document["peer"] is None else dict(document["peer"])
        except (KeyError, TypeError, AttributeError, RecursionError) as exc:
            raise ValueError(f"{type(exc).__name__}: {exc}") from exc
        return cls(event_id, kind, revision, name, peer, changed)


class NetworkView:
    """Networks and peers as they were last told, and where in the stream that was."""

    def __init__(self) -> None:
        self.resume_id = ""  # the last id of which every event was told
        self._current_id = ""  # the id of the last event; another event may have the same
        self._told: set[tuple[str, PeerName]] = set()  # events of the current id
        self._networks: dict[str, Document] = {}
        self._peers: dict[PeerName, Document] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever told."""
        return not self._current_id

    def is_behind(self, update: Update) -> bool:
        """Whether a snapshot is older than what is known of the same cluster."""
        same_cluster = _cluster(update.id) == _cluster(self._current_id)
        return same_cluster and _place(update.id) < _place(self._current_id)

    def changes(self, update: Update) -> list[Change]:
        """What a message tells that is not known; nothing is taken over yet."""
        if update.type == SNAPSHOT:
            return list(self._differences(update))
        if update.id == self._current_id and (update.type, update.name) in self._told:
            return []
        place = (update.revision, update.id)
        return [Change(update.type, *update.name, *place, update.peer, update.changed)]

    def apply(self, update: Update) -> None:
        """Takes over what a message tells."""
        if update.type == SNAPSHOT:
            self._networks, self._peers = dict(update.networks), dict(update.peers)
            self.resume_id = self._current_id = update.id
            self._told = set()
            return
        if update.id != self._current_id:
            self.resume_id, self._current_id, self._told = self._current_id, update.id, set()
        self._told.add((update.type, update.name))
        take_over = self._apply_network if update.type.startswith("network_") else self._apply_peer
        take_over(update)

    def settle(self) -> None:
        """Every event of the last id was told: the server has nothing to say just now."""
        self.resume_id = self._current_id

    def to_document(self) -> dict[str, Any]:
        """For a state file."""
        return {
            "resume_id": self.resume_id,
            "networks": dict(self._networks),
            "peers": [{"network": network, **peer} for (network, _host), peer in self._peers.items()],
        }

    @classmethod
    def of_document(cls, document: Document) -> NetworkView:
        """From a state file; raises KeyError, TypeError or ValueError if it holds something else."""
        view = cls()
        view.resume_id = view._current_id = str(document["resume_id"])
        view._networks = dict(document["networks"])
        view._peers = _peers(document["peers"])
        return view

    # --- one event ---

    def _apply_network(self, update: Update) -> None:
        network, _host = update.name
        if update.type == "network_deleted":
            self._networks.pop(network, None)
            return
        after = {key: pair[1] for key, pair in update.changed.items()}
        self._networks[network] = {**self._networks.get(network, {}), **after}

    def _apply_peer(self, update: Update) -> None:
        if update.type == "peer_left":
            self._peers.pop(update.name, None)
        elif update.peer is not None:
            self._peers[update.name] = update.peer

    # --- a snapshot ---

    def _differences(self, update: Update) -> Iterator[Change]:
        yield from self._network_differences(update)
        for name, peer in update.peers.items():
            yield from _peer_differences(update, name, self._peers.get(name), peer)
        for name in self._peers.keys() - update.peers.keys():
            yield _missed(update, "peer_left", *name)
        for network in self._networks.keys() - update.networks.keys():
            yield _missed(update, "network_deleted", network)

    def _network_differences(self, update: Update) -> Iterator[Change]:
        for name, after in update.networks.items():
            if name not in self._networks:
                yield _missed(update, "network_created", name)
            elif changed := _changed(self._networks[name], after):
                yield _missed(update, "network_changed", name, changed=changed)


def _networks(documents: Iterable[Document]) -> dict[str, Document]:
    return {str(network["name"]): dict(network) for network in documents}


def _peers(documents: Iterable[Document]) -> dict[PeerName, Document]:
    return {
        (str(peer["network"]), str(peer["host"])): {
            key: value for key, value in peer.items() if key != "network"
        }
        for peer in documents
    }


def _peer_differences(
    update: Update, name: PeerName, before: Document | None, after: Document
) -> Iterator[Change]:
    if before is None:
        yield _missed(update, "peer_joined", *name, peer=after)
    changed = _changed(before or {"connected": False}, after)
    connected = changed.pop("connected", None)
    if connected:
        kind = "peer_connected" if connected[1] else "peer_lost"
        yield _missed(update, kind, *name, peer=after, changed={"connected": connected})
    if before is not None:
        for kind, fields in _by_type(changed).items():
            yield _missed(update, kind, *name, peer=after, changed=fields)


def _changed(before: Document, after: Document) -> dict[str, list[Any]]:
    """Fields that both know and that differ; a field that a newer controller adds is no change."""
    common = (before.keys() & after.keys()) - _COUNTED
    return {key: [before[key], after[key]] for key in sorted(common) if before[key] != after[key]}


def _by_type(changed: Mapping[str, list[Any]]) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = {}
    for key, pair in changed.items():
        found.setdefault(_TYPE_OF_FIELD.get(key, "peer_changed"), {})[key] = pair
    return found


def _missed(
    update: Update,
    kind: str,
    network: str,
    host: str = "",
    *,
    peer: Document | None = None,
    changed: Mapping[str, Any] | None = None,
) -> Change:
    return Change(kind, network, host, update.revision, update.id, peer, changed or {}, missed=True)


def _cluster(event_id: str) -> str:
    return event_id.partition("-")[0]


def _place(event_id: str) -> int:
    digits = event_id.partition("-")[2]
    return int(digits) if digits.isdecimal() else 0
