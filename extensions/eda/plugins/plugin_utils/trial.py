# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Runs an event source without ansible-rulebook, to see what it tells."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import Queue
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import CladnetError


class PrintingQueue:
    """A queue that prints each event as a line of JSON."""

    async def put(self, item: dict[str, Any], /) -> None:
        print(json.dumps(item), flush=True)


def run_alone(main: Callable[[Queue, dict[str, Any]], Awaitable[None]]) -> None:
    """Runs with the arguments that stand as a JSON object on standard input, until it is interrupted."""
    logging.basicConfig(level=logging.INFO)

    async def run() -> None:
        await main(PrintingQueue(), json.load(sys.stdin))

    with suppress(KeyboardInterrupt):
        try:
            asyncio.run(run())
        except CladnetError as exc:
            sys.exit(str(exc))
