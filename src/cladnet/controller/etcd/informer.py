# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Follows a prefix of etcd for ever: a full listing, then every change, with nothing lost in between.

Whatever happens to connections, members, compaction or the cluster itself, the consumer sees batches that
bring its copy from one consistent state to the next.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from cladnet.controller.etcd.client import EtcdClient, Listing
from cladnet.controller.etcd.errors import Compacted, HistoryChanged
from cladnet.controller.etcd.watch import WatchTiming, open_watch
from cladnet.core.backoff import Backoff
from cladnet.core.errors import CladnetError
from cladnet.wire import etcd_pb2 as pb

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.5


@dataclass(frozen=True, slots=True)
class Change:
    """One key, written or deleted.

    Args:
        key: the whole key.
        value: None if it was deleted.
        revision: of the write; for a deletion found only by listing, that of the listing.
        create_revision: when the key came into being; 0 for a deletion.
    """

    key: bytes
    value: bytes | None
    revision: int
    create_revision: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes after which a copy equals etcd as of ``revision``.

    Args:
        revision: of the state after the changes.
        changes: in the order in which they happened.
        listed: they come from a full listing; the revisions between are not known one by one.
        new_history: etcd is another cluster or was restored from a backup: older revisions mean nothing now.
    """

    revision: int
    changes: tuple[Change, ...]
    listed: bool = False
    new_history: bool = False


class Informer:
    """Follows everything under a prefix.

    Args:
        client: connection to etcd; its endpoint is changed when a member fails.
        prefix: beginning of the keys of interest.
        timing: how a hung member is noticed.
        resync_s: after so many seconds everything is listed again: some releases of etcd lose events.
    """

    def __init__(
        self,
        client: EtcdClient,
        prefix: bytes,
        *,
        timing: WatchTiming | None = None,
        resync_s: float = 450.0,
    ) -> None:
        self.connected = False
        self._client = client
        self._prefix = prefix
        self._timing = timing or WatchTiming()
        self._resync_s = resync_s
        self._known: dict[bytes, int] = {}
        self._revision = 0
        self._new_history = False
        self._backoff = Backoff(first_s=_FIRST_PAUSE_S, ceiling_s=_LONGEST_PAUSE_S, rng=random.SystemRandom())

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Batches for ever; the first one is a full listing."""
        relist = True
        while True:
            turn = self._client.connections.turn
            try:
                if relist:
                    yield self._diff(await self._client.list(self._prefix))
                    relist = False
                async for batch in self._watch():
                    yield batch
                relist = True
            except CladnetError as exc:
                relist |= isinstance(exc, Compacted | HistoryChanged)
                if isinstance(exc, HistoryChanged):
                    self._new_history = True
                    self._client.forget_cluster()
                await self._pause(exc, turn)

    async def _watch(self) -> AsyncGenerator[Batch, None]:
        """Every change from the known revision on, until it is time to list again."""
        end = time.monotonic() + self._resync_s * random.SystemRandom().uniform(0.8, 1.2)
        async with open_watch(self._client, self._prefix, self._revision + 1, self._timing) as watch:
            if watch.revision < self._revision:
                raise Compacted(f"etcd is at revision {watch.revision}, behind the known {self._revision}.")
            self._recovered()
            async for events in watch.events(until=end):
                yield self._apply(events)

    def _apply(self, events: list[pb.Event]) -> Batch:
        for event in events:
            if event.type == pb.Event.PUT:
                self._known[event.kv.key] = event.kv.mod_revision
            else:
                self._known.pop(event.kv.key, None)
        # Only events move the revision on: a requested progress may run ahead of them (etcd issue 15220).
        self._revision = events[-1].kv.mod_revision
        return Batch(self._revision, tuple(map(_change, events)))

    def _diff(self, listing: Listing) -> Batch:
        """What a full listing changes in what is known."""
        new_history = self._new_history or listing.revision < self._revision
        if new_history:
            log.error("etcd has another history now (restored or made anew); revision %d.", listing.revision)
            self._known = {}
        fresh = {kv.key: kv.mod_revision for kv in listing.kvs}
        written = [kv for kv in listing.kvs if self._known.get(kv.key) != kv.mod_revision]
        self._report_lost_events(written)
        gone = self._known.keys() - fresh.keys()
        changes = [Change(key, None, listing.revision) for key in sorted(gone)]
        changes += [Change(kv.key, kv.value, kv.mod_revision, kv.create_revision) for kv in written]
        self._known, self._revision, self._new_history = fresh, listing.revision, False
        return Batch(listing.revision, tuple(changes), listed=True, new_history=new_history)

    def _report_lost_events(self, written: list[pb.KeyValue]) -> None:
        lost = [kv.key for kv in written if self._known and kv.mod_revision <= self._revision]
        if lost:
            log.warning(
                "etcd lost %d watch events, %r among them; now repaired. Upgrade etcd.", len(lost), lost[0]
            )

    def _recovered(self) -> None:
        self._backoff.reset()
        if not self.connected:
            log.info(
                "Following etcd at %s from revision %d.", self._client.connections.endpoint, self._revision
            )
        self.connected = True

    async def _pause(self, error: CladnetError, turn: int) -> None:
        if self.connected or not self._revision:
            log.warning("%s Endpoint %s; trying again.", error, self._client.connections.endpoint)
        self.connected = False
        self._client.connections.rotate(turn)
        await asyncio.sleep(self._backoff.next_s())


def _change(event: pb.Event) -> Change:
    kv = event.kv
    if event.type == pb.Event.PUT:
        return Change(kv.key, kv.value, kv.mod_revision, kv.create_revision)
    return Change(kv.key, None, kv.mod_revision)
