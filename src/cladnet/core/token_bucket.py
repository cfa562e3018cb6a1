# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Lets through so much per second on average, and a burst now and then. Pure."""

from __future__ import annotations


class TokenBucket:
    """A bucket that may be overdrawn once, by what is only known afterwards.

    Args:
        rate_per_s: tokens that come back.
        size: of a burst, in tokens.
    """

    def __init__(self, rate_per_s: float, size: float) -> None:
        self._rate_per_s = rate_per_s
        self._size = size
        self._level = size
        self._filled_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """How long until there is a token; 0 if there is one."""
        if now_s > self._filled_s:
            self._level = min(self._size, self._level + (now_s - self._filled_s) * self._rate_per_s)
            self._filled_s = now_s
        return max(0.0, -self._level / self._rate_per_s)

    def spend(self, tokens: float) -> None:
        """Takes tokens, even more than there are: the next ones come later then."""
        self._level -= tokens
