# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Greets peers one after the other: a handshake each, paced, so that 10,000 of them are no flood."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from cladnet.core.errors import NotFound

GREETINGS_PER_S = 50
_BATCH = 5


class Announcer:
    """Tells peers where this host is now.

    Args:
        connect: starts a handshake with the peer of a public key; raises NotFound if it has gone.
    """

    def __init__(self, connect: Callable[[bytes], None]) -> None:
        self._connect = connect
        self._waiting: dict[bytes, None] = {}
        self._wake = asyncio.Event()

    def announce(self, public_keys: Iterable[bytes]) -> None:
        """Queues peers; one that waits already is greeted once."""
        self._waiting.update(dict.fromkeys(public_keys))
        self._wake.set()

    async def run(self) -> None:
        """Works off the queue, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._greet_some()
                await asyncio.sleep(_BATCH / GREETINGS_PER_S)

    def _greet_some(self) -> None:
        for public_key in list(self._waiting)[:_BATCH]:
            del self._waiting[public_key]
            with contextlib.suppress(NotFound):
                self._connect(public_key)
