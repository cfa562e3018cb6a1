# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One watch on a prefix: the events of whole revisions, and proof that the member behind it is alive."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from grpc import aio

from cladnet.controller.etcd.client import REQUIRE_LEADER, EtcdClient
from cladnet.controller.etcd.connections import Purpose
from cladnet.controller.etcd.errors import Compacted, error_from
from cladnet.controller.etcd.txn import prefix_end
from cladnet.core.errors import CladnetError, Unavailable
from cladnet.wire import etcd_pb2 as pb
from cladnet.wire import methods

WatchCall = aio.StreamStreamCall[pb.WatchRequest, pb.WatchResponse]


@dataclass(frozen=True, slots=True)
class WatchTiming:
    """When a silent watch is asked for a sign of life, and how long it may take to give one (seconds)."""

    silence_s: float = 10.0
    answer_s: float = 5.0


class Watch:
    """A watch stream that was created and not yet closed; made by ``open_watch``."""

    def __init__(self, client: EtcdClient, call: WatchCall, timing: WatchTiming) -> None:
        self._client = client
        self._call = call
        self._timing = timing
        self._reading: asyncio.Task[Any] | None = None
        self.revision = 0  # of the member, when it created the watch

    async def create(self, prefix: bytes, start_revision: int) -> None:
        """Asks for everything under the prefix from this revision on, and waits until etcd agrees.

        Raises:
            Unavailable: no answer in time, or the member cannot serve it.
            Compacted: the revision is no longer kept.
        """
        await self._write(
            pb.WatchRequest(
                create_request=pb.WatchCreateRequest(
                    key=prefix,
                    range_end=prefix_end(prefix),
                    start_revision=start_revision,
                    progress_notify=True,
                    fragment=True,  # or one large revision exceeds the size limit of a message
                )
            )
        )
        response = await self._read(self._timing.answer_s)
        if response is None:
            raise Unavailable("etcd does not answer (no watch was created in time).")
        self.revision = response.header.revision

    async def events(self, *, until: float) -> AsyncIterator[list[pb.Event]]:
        """The events of one or more whole revisions at a time.

        Args:
            until: when to stop, as time.monotonic() counts; the stream may stop a moment later.

        Raises:
            Unavailable: the stream ended or hangs.
            Compacted: the watch fell behind what etcd keeps.
        """
        events: list[pb.Event] = []
        while events or time.monotonic() < until:
            response = await self._next_response()
            events.extend(response.events)
            if events and not response.fragment:  # a fragment ends in the middle of a revision
                yield events
                events = []

    def close(self) -> None:
        """Ends the stream."""
        if self._reading is not None:
            self._reading.cancel()
        self._call.cancel()

    async def _next_response(self) -> pb.WatchResponse:
        """The next answer; after silence the member is asked for one, so that a hung one is noticed."""
        response = await self._read(self._timing.silence_s)
        if response is not None:
            return response
        await self._write(pb.WatchRequest(progress_request=pb.WatchProgressRequest()))
        response = await self._read(self._timing.answer_s)
        if response is None:
            raise Unavailable("etcd does not answer (the watch is silent even when asked).")
        return response

    async def _read(self, timeout_s: float) -> pb.WatchResponse | None:
        """The next response, or None after the time; a read under way goes on and is not lost."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._call.read())
        done, _unused = await asyncio.wait({self._reading}, timeout=timeout_s)
        if not done:
            return None
        reading, self._reading = self._reading, None
        response = reading.result()
        if not isinstance(response, pb.WatchResponse):
            raise error_from(await self._call.code(), await self._call.details())
        self._check(response)
        return response

    def _check(self, response: pb.WatchResponse) -> None:
        self._client.accept(response.header)
        if response.compact_revision:
            raise Compacted(f"etcd compacted up to revision {response.compact_revision}.")
        if response.canceled:
            raise _cancellation(response.cancel_reason)

    async def _write(self, request: pb.WatchRequest) -> None:
        try:
            await asyncio.wait_for(self._call.write(request), self._timing.answer_s)
        except asyncio.TimeoutError as exc:
            raise Unavailable("etcd does not answer (the watch takes no request).") from exc


@contextlib.asynccontextmanager
async def open_watch(
    client: EtcdClient, prefix: bytes, start_revision: int, timing: WatchTiming
) -> AsyncIterator[Watch]:
    """A watch on the prefix from the revision on; closed at the end of the block.

    Args:
        client: whose endpoint in use serves it.
        prefix: beginning of the keys.
        start_revision: the first revision of interest.
        timing: how a hung member is noticed.

    Raises:
        Unavailable: the member does not serve it.
        Compacted: the revision is no longer kept.
    """
    stream: aio.StreamStreamMultiCallable[pb.WatchRequest, pb.WatchResponse]
    stream = client.connections.channel(Purpose.WATCH).stream_stream(
        methods.ETCD_WATCH,
        request_serializer=pb.WatchRequest.SerializeToString,
        response_deserializer=pb.WatchResponse.FromString,
    )
    watch = Watch(client, stream(metadata=REQUIRE_LEADER), timing)
    try:
        await watch.create(prefix, start_revision)
        yield watch
    except aio.AioRpcError as exc:
        raise error_from(exc.code(), exc.details()) from exc
    except asyncio.InvalidStateError as exc:  # what grpc.aio says to a write on a stream that has ended
        raise Unavailable("etcd does not answer (the watch ended).") from exc
    finally:
        watch.close()


def _cancellation(reason: str) -> CladnetError:
    if "permission denied" in reason:
        return Unavailable(f"etcd does not let this controller watch ({reason}).")
    return Unavailable(f"etcd ended the watch ({reason or 'no reason given'}).")
