# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Follows the events of controllers, one after another, and tells the rules what happened."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils import sse
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.controller_stream import (
    Read,
    StreamOptions,
    event_stream,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.network_view import (
    SNAPSHOT,
    Change,
    NetworkView,
    Update,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Outlet
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.state_file import (
    SAVE_EVERY_S,
    StateFile,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._backoff import Backoff
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_api import Connection
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    NotFound,
    Unauthorized,
    Unavailable,
)

LOG = logging.getLogger("cloud_barista.cladnet.cladnet_events")

_LASTED_S = 10.0
_MOST_SNAPSHOTS_BEHIND = 5


@dataclass(frozen=True)
class Interest:
    """What the rules want to be told.

    Args:
        types: of events; empty for all.
        emit_existing: whether networks and peers that are there at the very beginning are told as new.
    """

    types: Collection[str] = ()
    emit_existing: bool = False


class Follower:
    """Keeps a stream open to one of the controllers, and goes on where it was.

    Args:
        connections: to the controllers; each is tried in turn before it waits.
        options: of the stream.
        interest: what the rules want.
        outlet: where events go.
        state_file: remembers what is known.
        backoff: how long to wait when no controller answered.
        now: clock in seconds.
    """

    def __init__(
        self,
        connections: Sequence[Connection],
        options: StreamOptions,
        interest: Interest,
        *,
        outlet: Outlet,
        state_file: StateFile,
        backoff: Backoff,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connections = connections
        self._options = options
        self._interest = interest
        self._outlet = outlet
        self._state_file = state_file
        self._backoff = backoff
        self._now = now
        self._view = NetworkView()
        self._failures = 0
        self._snapshots_behind = 0
        self._refused_by: set[str] = set()  # controllers that did not accept the token

    async def run(self) -> None:
        """Goes on until it is cancelled.

        Raises:
            Unauthorized: no controller accepts the token.
            InvalidInput: an argument is wrong in a way that only shows when it is used.
        """
        self._view = await self._state_file.load(NetworkView.of_document) or self._view
        await self._save()  # a file that cannot be written shows now
        try:
            for connection in itertools.cycle(self._connections):
                await self._try(connection)
                await asyncio.sleep(self._delay_s())
        finally:
            await self._save()

    async def _try(self, connection: Connection) -> None:
        began_at_s = self._now()
        try:
            await self._follow(connection)
        except Unauthorized as exc:
            self._refused_by.add(connection.url)
            if self._refused_by >= {each.url for each in self._connections}:
                raise
            LOG.warning("%s", exc)
        except (Unavailable, NotFound) as exc:
            LOG.warning("%s", exc)
        if self._now() > began_at_s + _LASTED_S:
            self._failures = 0
            self._backoff.reset()
        self._failures += 1

    def _delay_s(self) -> float:
        """Nothing while there is a controller that was not tried."""
        return self._backoff.next_s() if self._failures % len(self._connections) == 0 else 0.0

    async def _follow(self, connection: Connection) -> None:
        last_id = self._view.last_id
        parser = sse.Parser(last_id)
        async with event_stream(connection, self._options, last_id) as read:
            self._refused_by.discard(connection.url)
            LOG.info("Following the events of %s after %s.", connection.url, last_id or "nothing")
            while chunk := await self._next_chunk(read):
                for message in parser.feed(chunk):
                    await self._take(message)
                if self._state_file.is_due:
                    await self._save()
        raise Unavailable(f"{connection.url} ended the stream.")

    async def _next_chunk(self, read: Read) -> bytes:
        """What comes next. When it is quiet, what came last is saved."""
        reading = asyncio.create_task(read())
        try:
            done, _pending = await asyncio.wait({reading}, timeout=SAVE_EVERY_S)
            if not done:
                await self._save()
            return await reading
        finally:
            reading.cancel()

    async def _save(self) -> None:
        await self._state_file.save(self._view.to_document())

    async def _take(self, message: sse.Message) -> None:
        update = _update(message)
        if update.type == SNAPSHOT:
            self._check_place(update)
        for change in self._changes(update):
            await self._put(change)
        self._view.apply(update)

    def _changes(self, update: Update) -> list[Change]:
        if self._view.is_empty and update.type == SNAPSHOT and not self._interest.emit_existing:
            return []
        wanted = self._interest.types
        return [change for change in self._view.changes(update) if not wanted or change.type in wanted]

    def _check_place(self, update: Update) -> None:
        """A controller that lags behind the last one would make what happened look undone: it gets time."""
        if not self._view.is_behind(update):
            self._snapshots_behind = 0
            return
        self._snapshots_behind += 1
        if self._snapshots_behind <= _MOST_SNAPSHOTS_BEHIND:
            raise Unavailable(f"The controller is at {update.id}, which is before {self._view.last_id}.")

    async def _put(self, change: Change) -> None:
        fields = {**change.fields, "missed": change.missed}
        await self._outlet.put("cladnet", fields, host=change.host, identity=change.identity)


def _update(message: sse.Message) -> Update:
    try:
        return Update.of_json(message.id, message.data)
    except ValueError as exc:
        raise Unavailable(f"The event stream has something that is no event ({exc}).") from exc
