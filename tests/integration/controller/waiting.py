# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, deadline_s: float = 15.0) -> None:
    """Waits until the condition holds; fails the test after the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        result = condition()
        if await result if isinstance(result, Awaitable) else result:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {deadline_s} s: {what}")


def wait_for(condition: Callable[[], bool], what: str, deadline_s: float = 15.0) -> None:
    """Like ``until``, for tests that do nothing meanwhile."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"not within {deadline_s} s: {what}")
