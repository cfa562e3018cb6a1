# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Reads server-sent events of a controller as a program would, in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.integration.controller.controller_process import ControllerProcess

DEADLINE_S = 10.0


@dataclass(frozen=True)
class Received:
    """One event, or a comment (then it has only data)."""

    id: str
    event: str
    data: Any

    def __getitem__(self, key: str) -> Any:
        return self.data[key]


class EventReader:
    """Events as they come."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Received | None] = queue.Queue()

    def take(self, response: httpx.Response) -> None:
        """Reads until the stream ends."""
        lines: dict[str, str] = {}
        with contextlib.suppress(httpx.HTTPError, httpx.StreamError, OSError):
            for line in response.iter_lines():
                if line:
                    name, _unused, value = line.partition(":")
                    lines[name] = value.strip()
                else:
                    self._put(lines)
                    lines = {}
        self._queue.put(None)

    def next(self, *kinds: str) -> Received:
        """The next event (of one of these kinds); an end of the stream fails."""
        while True:
            received = self._queue.get(timeout=DEADLINE_S)
            assert received is not None, "the stream has ended"
            if not kinds or received.event in kinds:
                return received

    def has_ended(self, deadline_s: float = DEADLINE_S) -> bool:
        """Whether the stream ends in time, whatever comes before."""
        with contextlib.suppress(queue.Empty):
            while self._queue.get(timeout=deadline_s) is not None:
                pass
            return True
        return False

    def is_quiet(self, for_s: float) -> bool:
        """Whether nothing comes for so long."""
        with contextlib.suppress(queue.Empty):
            self._queue.get(timeout=for_s)
            return False
        return True

    def _put(self, lines: dict[str, str]) -> None:
        if "" in lines:
            self._queue.put(Received("", "", lines[""]))
        else:
            self._queue.put(Received(lines["id"], lines["event"], json.loads(lines["data"])))


@contextlib.contextmanager
def reading(
    controller: ControllerProcess, last_event_id: str = "", network: str | None = None
) -> Iterator[EventReader]:
    """A reader for as long as the block lasts."""
    reader = EventReader()
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    params = {} if network is None else {"network": network}
    with controller.api() as api, api.stream("GET", "/events", headers=headers, params=params) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        thread = threading.Thread(target=reader.take, args=(response,), daemon=True)
        thread.start()
        try:
            yield reader
        finally:  # a TLS connection must not be closed while another thread reads it
            with contextlib.suppress(OSError):
                response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE_S)
