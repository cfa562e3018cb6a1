# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Runs what blocks beside the event loop, in a thread that does not hold up the end of the program.

``asyncio.to_thread`` does: at the end the interpreter waits for its threads, and a request to a server that
hangs may take minutes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_daemon_thread(function: Callable[[], Result]) -> Result:
    """What the function returns or raises. If this is cancelled, the function goes on, and nobody listens."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = function()
        except Exception as exc:  # is raised again where it is awaited
            _tell(loop, future, future.set_exception, exc)
        else:
            _tell(loop, future, future.set_result, result)

    threading.Thread(target=run, daemon=True, name="event source").start()
    return await future


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Result],
    tell: Callable[[Any], None],
    outcome: object,
) -> None:
    def tell_if_awaited() -> None:
        if not future.done():
            tell(outcome)

    with suppress(RuntimeError):  # the loop is closed: the program ends
        loop.call_soon_threadsafe(tell_if_awaited)
