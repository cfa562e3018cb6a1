# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The recent events of all networks, encoded once for all who read them; made of what the replica takes in.

Memory is bounded by the log, not by its readers: a reader is a cursor, and one that the log has overtaken has
lost its place. The id of an event is the cluster and a revision after which a reader may resume at any
controller; of events of one revision only the last one has that revision, so that none is lost in between.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cladnet.controller.replica import NetworkState, Replica, Touched
from cladnet.core.events import Event, EventType, View, network_events, peer_events

MOST_EVENTS = 20_000
MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Views:
    """How networks and hosts look to readers."""

    network: Callable[[NetworkState], dict[str, Any]]
    peer: Callable[[NetworkState, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as readers get it."""

    revision: int
    network: str
    encoded: bytes


class EventLog:
    """Makes events of changes of the replica, and keeps the last ones.

    Args:
        replica: whose changes; it tells the log of each revision.
        views: how networks and hosts look.
        cluster_id: of etcd, as it is known now.
        most_events: so many are kept.
        most_bytes: they have together.
    """

    def __init__(
        self,
        replica: Replica,
        views: Views,
        cluster_id: Callable[[], int],
        *,
        most_events: int = MOST_EVENTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._replica = replica
        self._views = views
        self._cluster_id = cluster_id
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._news = asyncio.Event()
        self.is_closed = False
        self.readers = 0
        self._is_primed = False
        self.epoch = 0  # another one: another history of etcd, all cursors are void
        self.head = 0  # the cursor of who has read everything
        self._forget()

    def reset(self) -> None:
        """etcd has another history: the next revision is a beginning."""
        self.epoch += 1
        self._forget()

    def take_in(self, revision: int, touched: Touched) -> None:
        """The replica has come to a revision."""
        events = [
            *(event for name in sorted(touched.networks) for event in self._network_events(name, revision)),
            *(event for place in sorted(touched.hosts) for event in self._peer_events(*place, revision)),
            *(event for place in sorted(touched.tests) for event in self._test_events(*place, revision)),
        ]
        if self._is_primed:
            self._append(revision, events)
        else:
            self._is_primed, self._floor = True, revision
        if events:
            self._wake()

    def close(self) -> None:
        """Lets all readers end."""
        self.is_closed = True
        self._wake()

    def cursor_after(self, event_id: str) -> int | None:
        """The cursor of a reader whose last event had that id; None if the log does not reach there."""
        cluster, _unused, number = event_id.partition("-")
        if cluster != f"{self._cluster_id():x}" or not (number.isascii() and number.isdigit()):
            return None
        revision = int(number[:20])
        if not self._floor <= revision <= self._replica.revision:
            return None
        return self._first + bisect_right(self._revisions, revision)

    def since(self, cursor: int) -> list[LoggedEvent] | None:
        """What happened after a cursor; None if the log has overtaken the reader."""
        if cursor < self._first:
            return None
        return self._events[cursor - self._first :]

    async def wait(self, cursor: int, epoch: int, timeout_s: float) -> bool:
        """Waits for something after the cursor; False if the time was over first."""
        if cursor < self.head or epoch != self.epoch or self.is_closed:
            return True
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True

    def snapshot(self, network: str | None) -> bytes:
        """Everything as it is now, as an event."""
        states = [
            self._replica.networks[name] for name in sorted(self._replica.networks) if network in (None, name)
        ]
        document = {
            "type": "snapshot",
            "revision": self._replica.revision,
            "cluster_id": f"{self._cluster_id():x}",
            "networks": [self._views.network(state) for state in states],
            "peers": [
                {"network": state.spec.name, **self._views.peer(state, host)}
                for state in states
                for host in sorted(state.host_names)
            ],
        }
        return self._encode("snapshot", self._replica.revision, document)

    def _forget(self) -> None:
        self._is_primed = False
        self._networks: dict[str, tuple[int, View]] = {}
        self._peers: dict[str, dict[str, View]] = {}
        self._done: set[tuple[str, str]] = set()
        self._drop_all()
        self._wake()

    def _drop_all(self) -> None:
        self._first = self.head
        self._floor = 0  # every event after this revision is in the log
        self._revisions: list[int] = []
        self._events: list[LoggedEvent] = []
        self._bytes = 0

    def _network_events(self, name: str, revision: int) -> Iterable[Event]:
        state = self._replica.networks.get(name)
        created, before = self._networks.pop(name, (0, None))
        if state is None or state.created != created:
            self._peers.pop(name, None)  # that hosts go with their network needs no event of its own
        if state is None:
            return network_events(name, before, None, revision)
        after = self._views.network(state)
        self._networks[name] = (state.created, after)
        if before is not None and state.created != created:
            return [
                *network_events(name, before, None, revision),
                *network_events(name, None, after, revision),
            ]
        return network_events(name, before, after, revision)

    def _peer_events(self, network: str, host: str, revision: int) -> Iterable[Event]:
        state = self._replica.networks.get(network)
        if state is None:
            return []
        views = self._peers.setdefault(network, {})
        before = views.pop(host, None)
        after = self._views.peer(state, host) if host in state.host_names else None
        if after is not None:
            views[host] = after
        return peer_events(network, host, before, after, revision)

    def _test_events(self, network: str, test_id: str, revision: int) -> Iterable[Event]:
        state = self._replica.networks.get(network)
        each = None if state is None else state.tests.get(test_id)
        if each is None:
            self._done.discard((network, test_id))
            return []
        if (network, test_id) in self._done or not each.test.is_done(each.answered):
            return []
        self._done.add((network, test_id))
        missing = [host for host in each.test.hosts if host not in each.answered]
        more = {"test": {"id": test_id, "hosts": list(each.test.hosts), "missing": missing}}
        changed = {"state": ["running", "done"]}
        return [Event(EventType.TEST_DONE, network, None, revision, changed=changed, more=more)]

    def _append(self, revision: int, events: list[Event]) -> None:
        for event in events:
            at = revision if event is events[-1] else revision - 1
            encoded = self._encode(event.type.value, at, event.document())
            self._events.append(LoggedEvent(revision, event.network, encoded))
            self._revisions.append(revision)
            self._bytes += len(encoded)
        self.head += len(events)
        if len(self._events) > self._most_events or self._bytes > self._most_bytes:
            self._trim()

    def _trim(self) -> None:
        """Keeps the newer half; never the half of a revision."""
        middle = self._revisions[len(self._events) // 2]
        keep_from = bisect_right(self._revisions, middle)
        self._floor = middle
        self._bytes -= sum(len(event.encoded) for event in self._events[:keep_from])
        del self._events[:keep_from], self._revisions[:keep_from]
        self._first += keep_from

    def _encode(self, name: str, revision: int, document: View) -> bytes:
        data = json.dumps(document, separators=(",", ":"))  # ASCII: nothing that some take for a new line
        return f"id: {self._cluster_id():x}-{revision}\nevent: {name}\ndata: {data}\n\n".encode()

    def _wake(self) -> None:
        ended, self._news = self._news, asyncio.Event()
        ended.set()
