# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What happens, as a stream of server-sent events that a reader can resume at any controller.

Source: HTML Living Standard, section 9.2 (server-sent events).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from cladnet.controller.event_log import EventLog
from cladnet.controller.rest.backend import Backend, BackendOf, administrator
from cladnet.controller.rest.errors import documented
from cladnet.core.errors import InvalidInput, Unauthorized, Unavailable
from cladnet.core.identity import check_network_name
from cladnet.tasks import first_to_end

log = logging.getLogger(__name__)

MOST_READERS = 64
KEEPALIVE_S = 15.0
MOST_SEND_S = 20.0
_ALIVE = b": alive\n\n"
_CHUNK_EVENTS = 200
_DESCRIPTION = (
    "Server-sent events. Each has an id (cluster and revision of etcd), a name and one line of JSON: "
    '{"type", "network", "host", "revision", "peer", "changed": {field: [before, after]}}. '
    "A reader without Last-Event-ID, or with one that cannot be resumed, gets first an event named snapshot: "
    '{"type", "revision", "cluster_id", "networks", "peers"}.'
)

router = APIRouter(prefix="/v1", tags=["events"], dependencies=[Depends(administrator)])


class EventStream(StreamingResponse):
    """A response that gives up on a reader who does not read.

    Args:
        events: encoded.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (of ASGI)
        """Sends until the events end or the reader goes, which is noticed at once."""
        await first_to_end(self.stream_response(send), self.listen_for_disconnect(receive))

    async def stream_response(self, send: Send) -> None:
        """Sends all that comes, each part within ``MOST_SEND_S`` seconds."""

        async def send_in_time(message: Message) -> None:
            await asyncio.wait_for(send(message), MOST_SEND_S)

        try:
            await super().stream_response(send_in_time)
        except asyncio.TimeoutError:
            log.warning("A reader of events does not read; it is cut off.")
        finally:
            await self.events.aclose()


@router.get(
    "/events",
    status_code=200,
    response_class=EventStream,
    responses={
        200: {"description": _DESCRIPTION, "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **documented(InvalidInput, Unauthorized, Unavailable),
    },
)
async def events(
    backend: BackendOf,
    network: str | None = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """All that happens from now on, or since the event that the reader had last."""
    if network is not None:
        check_network_name(network)
    backend.follower.networks()  # or the first snapshot would be one of nothing
    if backend.events.readers >= MOST_READERS:
        raise Unavailable(f"This controller has {MOST_READERS} readers of events already.")
    return EventStream(_counted(backend, network, last_event_id or ""))


async def _counted(backend: Backend, network: str | None, last_event_id: str) -> AsyncGenerator[bytes, None]:
    backend.events.readers += 1
    try:
        await _wait_until_known(backend, last_event_id)
        async for part in _parts(backend.events, network, last_event_id):
            yield part
    finally:
        backend.events.readers -= 1


async def _wait_until_known(backend: Backend, last_event_id: str) -> None:
    """A reader that comes from another controller may be a moment ahead of this one."""
    number = last_event_id.rpartition("-")[2]
    if number.isascii() and number.isdigit():
        await backend.follower.reached(int(number[:20]))


async def _parts(events: EventLog, network: str | None, last_event_id: str) -> AsyncGenerator[bytes, None]:
    cursor, epoch = events.cursor_after(last_event_id), events.epoch
    while not events.is_closed:
        if cursor is None or epoch != events.epoch:
            cursor, epoch = events.head, events.epoch
            yield events.snapshot(network)
        news = events.since(cursor)
        if news is None:
            log.warning("A reader of events was overtaken; it has to begin anew.")
            return
        for at in range(0, len(news), _CHUNK_EVENTS):
            part = news[at : at + _CHUNK_EVENTS]
            yield b"".join(each.encoded for each in part if network in (None, each.network))
        cursor += len(news)
        if not await events.wait(cursor, epoch, KEEPALIVE_S):
            yield _ALIVE
