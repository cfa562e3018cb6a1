# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs a step again whose write may or may not have been applied."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cladnet.controller.etcd.errors import Ambiguous
from cladnet.core.backoff import Backoff

T = TypeVar("T")

_BUDGET_S = 3.0  # an election of etcd takes 1 to 2 s


async def until_settled(step: Callable[[], Awaitable[T]]) -> T:
    """The result of the step, run again for as long as its outcome is unknown.

    Args:
        step: reads how things are before it writes, and takes its own earlier write for the wanted state.

    Raises:
        Ambiguous: the outcome stays unknown for too long.
    """
    end = time.monotonic() + _BUDGET_S
    backoff = Backoff(first_s=0.05, ceiling_s=1.0, rng=random.SystemRandom())
    while True:
        try:
            return await step()
        except Ambiguous:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(backoff.next_s())
