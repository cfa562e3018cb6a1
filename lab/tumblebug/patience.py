# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How a request waits for what takes time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Patience:
    """Looks again and again until something is so.

    Args:
        now: clock in seconds.
        wait: lets so many seconds pass.
    """

    now: Callable[[], float]
    wait: Callable[[float], None]

    def until(self, is_so: Callable[[], bool], deadline_s: float = math.inf) -> bool:
        """Whether it became so before the clock showed the deadline."""
        while not is_so():
            if self.now() >= deadline_s:
                return False
            self.wait(POLL_S)
        return True
