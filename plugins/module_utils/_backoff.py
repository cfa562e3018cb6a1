# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How long to wait before the next try: growing, with a ceiling, and never in step with other hosts."""

from __future__ import annotations

import random


class Backoff:
    """Exponential backoff with equal jitter: half of each delay is fixed, half is random.

    Args:
        first_s: upper end of the first delay.
        ceiling_s: upper end of all later ones.
        rng: where the jitter comes from.
    """

    def __init__(self, *, first_s: float, ceiling_s: float, rng: random.Random) -> None:
        self._first_s = first_s
        self._ceiling_s = ceiling_s
        self._rng = rng
        self._next_s = first_s

    def next_s(self) -> float:
        """The delay before the next try, in seconds."""
        upper_s = self._next_s
        self._next_s = min(2 * upper_s, self._ceiling_s)
        return upper_s / 2 + self._rng.random() * upper_s / 2

    def reset(self) -> None:
        """A try succeeded: the next delay is a first one again."""
        self._next_s = self._first_s
