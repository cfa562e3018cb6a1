# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Finds the greatest rate that a system carries with little loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.datapath.iperf import Datagrams

MAX_LOSS = 0.01
_RESOLUTION = 1.04
_TRIALS = 14
_CONFIRMATIONS = 12
_CONCESSION = 1.05
_GENERATOR_LIMIT = 0.95  # sent less than this part of what was asked: more cannot be sent


@dataclass
class RateSearch:
    """Steps up or down until the rate is bracketed, then halves the bracket.

    Args:
        rate: packets per second to begin with.
        step: factor until there is a bracket.
    """

    rate: float
    step: float = 1.5
    passed: float = 0.0
    failed: float = 0.0
    is_done: bool = False

    def record(self, trial: Datagrams) -> None:
        """Takes the result at the present rate and chooses the next one."""
        if trial.loss > MAX_LOSS:
            self.failed = self.rate
        else:
            self.passed = self.rate
            self.is_done = trial.sent_per_s < _GENERATOR_LIMIT * self.rate
        self.is_done = self.is_done or 0 < self.failed < self.passed * _RESOLUTION
        self.rate = self._next_rate()

    def _next_rate(self) -> float:
        if not self.failed:
            return self.passed * self.step
        if not self.passed:
            return self.failed / self.step
        return math.sqrt(self.passed * self.failed)


def greatest_rate(measure: Callable[[float], Datagrams], rate: float, step: float) -> float:
    """Searches from a rate on; gives the greatest one that passed, or 0."""
    search = RateSearch(rate, step)
    for _trial in range(_TRIALS):
        search.record(measure(search.rate))
        if search.is_done:
            break
    return search.passed


def confirmed(measure: Callable[[float], Datagrams], rate: float) -> Datagrams | None:
    """Measures at a rate, and at a little less until the loss is small; None if it never is."""
    for _confirmation in range(_CONFIRMATIONS):
        result = measure(rate)
        if result.loss <= MAX_LOSS:
            return result
        rate /= _CONCESSION
    return None
