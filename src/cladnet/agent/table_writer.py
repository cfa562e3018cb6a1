# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Keeps the last-good rule on disk without holding anything up: debounced, in a thread."""

from __future__ import annotations

import asyncio

from cladnet.agent.health import Health
from cladnet.agent.state import StateDirectory
from cladnet.core.errors import Unavailable
from cladnet.core.rule_table import RuleTable

DEBOUNCE_S = 0.5
RETRY_S = 5.0


class TableWriter:
    """Writes the newest table that it was given.

    Args:
        state: where to.
        health: is told while the disk takes nothing.
    """

    def __init__(self, state: StateDirectory, health: Health) -> None:
        self._state = state
        self._health = health
        self._newest: RuleTable | None = None
        self._wake = asyncio.Event()

    def put(self, table: RuleTable) -> None:
        """Takes a table over; it is on disk about ``DEBOUNCE_S`` later."""
        self._newest = table
        self._wake.set()

    async def run(self) -> None:
        """Writes, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(DEBOUNCE_S)
            if not await self.flush():
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def flush(self) -> bool:
        """Writes now what is not on disk yet; a failure is a condition of the host, not an error."""
        table = self._newest
        if table is None:
            return True
        try:
            await asyncio.to_thread(self._state.store_table, table)
        except Unavailable as exc:
            self._health.set(storage_problem=f"the rule cannot be kept for the next start: {exc}")
            return False
        self._health.set(storage_problem="")
        if self._newest is table:
            self._newest = None
        return True
