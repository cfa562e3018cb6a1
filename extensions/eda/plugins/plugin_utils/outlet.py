# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Hands events to the rules."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

HOST = "{host}"
"""In ``limit``, stands for the name of the event's host."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/cloud-barista/cladnet")


class Queue(Protocol):
    """What ansible-rulebook gives a source: an asyncio.Queue, or what filters events before one."""

    async def put(self, item: dict[str, Any], /) -> None:
        """Waits until there is room."""


class Outlet:
    """Puts events in the queue of the rules.

    Args:
        queue: of the rules.
        limit: patterns of hosts for ``meta.hosts``, to which playbooks and job templates are limited.
        feedback: where the rules say that they have an event; then each is waited for.
    """

    def __init__(
        self, queue: Queue, limit: Sequence[str], feedback: asyncio.Queue[dict[str, Any]] | None = None
    ) -> None:
        self._queue = queue
        self._limit = limit
        self._feedback = feedback

    async def put(self, kind: str, fields: Mapping[str, Any], *, host: str, identity: str) -> None:
        """Waits until the rules have room for the event.

        Args:
            kind: key below which the fields stand.
            fields: what the rules see.
            host: name of the host concerned, or empty.
            identity: text that is the same whenever the same event is handed over again.
        """
        meta: dict[str, Any] = {"uuid": str(uuid.uuid5(_NAMESPACE, identity))}
        hosts = self._hosts(host)
        if hosts:
            meta["hosts"] = hosts
        await self._queue.put({kind: dict(fields), "meta": meta})
        if self._feedback is not None:
            await self._feedback.get()

    def _hosts(self, host: str) -> list[str]:
        if not host:
            return []
        return [pattern.replace(HOST, host) for pattern in self._limit]
