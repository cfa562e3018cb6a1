# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which hosts have a stream to this controller, written to etcd on its lease: all controllers say the same.

The newest stream of a host wins. Who loses a stream takes away only what it wrote itself, and not at once: a
host that changes controllers was never away. What a dead controller wrote ends with its lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from cladnet.controller import keys, records
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.replica import Replica
from cladnet.core.errors import CladnetError
from cladnet.wire import etcd_pb2 as pb

GRACE_S = 2.0
_TICK_S = 1.0
_COALESCE_S = 0.05
_HOSTS_AT_ONCE = 60  # of 128 operations that etcd takes in a transaction

Place = tuple[str, str]


class Presence:
    """Counts the open streams of each host: a new one may open before the old one is known to be dead.

    Args:
        client: connection to etcd.
        replica: says what stands there.
        name: of this controller.
    """

    def __init__(self, client: EtcdClient, replica: Replica, name: str) -> None:
        self._client = client
        self._replica = replica
        self._name = name
        self._value = records.write_seen(name)
        self._lease = 0
        self._streams: Counter[Place] = Counter()
        self._to_write: set[Place] = set()
        self._left_s: dict[Place, float] = {}  # since when a host has no stream any more
        self._wake = asyncio.Event()

    @contextlib.contextmanager
    def of(self, network: str, host: str) -> Iterator[None]:
        """The host (of a network) is present for as long as the block lasts."""
        place = (network, host)
        self._streams[place] += 1
        self._left_s.pop(place, None)
        self._to_write.add(place)
        self._wake.set()
        try:
            yield
        finally:
            self._streams[place] -= 1
            if not self._streams[place]:
                del self._streams[place]
                self._left_s[place] = time.monotonic()

    def use_lease(self, lease: int) -> None:
        """Writes on this lease from now on; 0: there is none now."""
        self._lease = lease
        self._to_write |= {place for place in self._streams if self._holder(place) in ("", self._name)}
        self._wake.set()

    async def run(self) -> None:
        """Keeps etcd up with the streams, for ever, whatever happens to etcd."""
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TICK_S)
            self._wake.clear()
            await asyncio.sleep(_COALESCE_S)
            self._to_write |= {place for place in self._streams if not self._holder(place)}
            with contextlib.suppress(CladnetError):  # the informer says what is wrong with etcd
                await self._write()
                await self._take_away()

    async def _write(self) -> None:
        self._to_write &= self._streams.keys()
        waiting = sorted(self._to_write) if self._lease else []
        for part in _parts(waiting):
            if not await self._put(part):
                for place in part:  # one of them is no member any more
                    await self._put([place])
            self._to_write -= set(part)

    async def _put(self, places: Sequence[Place]) -> bool:
        members = [txn.exists(keys.host(*place)) for place in places]
        writes = [txn.put(keys.seen(*place), self._value, lease=self._lease) for place in places]
        return await self._commit(members, writes)

    async def _take_away(self) -> None:
        due_s = time.monotonic() - GRACE_S
        gone = sorted(place for place, left_s in self._left_s.items() if left_s <= due_s)
        for part in _parts([place for place in gone if place not in self._streams]):
            if not await self._delete(part):
                for place in part:  # one of them has a stream elsewhere
                    await self._delete([place])
            for place in part:
                self._left_s.pop(place, None)

    async def _delete(self, places: Sequence[Place]) -> bool:
        own = [txn.holds(keys.seen(*place), self._value) for place in places]
        return await self._commit(own, [txn.delete(keys.seen(*place)) for place in places])

    async def _commit(self, compares: list[pb.Compare], writes: list[pb.RequestOp]) -> bool:
        return bool((await self._client.txn(compares, writes, repeatable=True)).succeeded)

    def _holder(self, place: Place) -> str:
        """The controller that has the stream of the host, as far as known; empty if none has."""
        network, host = place
        state = self._replica.networks.get(network)
        return "" if state is None else state.seen.get(host, "")


def _parts(places: list[Place]) -> Iterator[list[Place]]:
    for at in range(0, len(places), _HOSTS_AT_ONCE):
        yield places[at : at + _HOSTS_AT_ONCE]
