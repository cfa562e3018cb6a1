# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition that nobody announces."""

from __future__ import annotations

import time
from collections.abc import Callable

INTERVAL_S = 0.02


def poll_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Asks again and again until the condition holds; False if it did not within ``timeout_s``."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(INTERVAL_S)
    return True
