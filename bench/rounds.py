# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Measuring in turns, A B C A B C, so that what disturbs the machine disturbs all systems alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Measured = TypeVar("Measured")


def in_turns(measures: Mapping[str, Callable[[], Measured]], rounds: int) -> dict[str, list[Measured]]:
    """Calls every system's measure once a round; gives each system's results in the order of the rounds."""
    results: dict[str, list[Measured]] = {system: [] for system in measures}
    for _round in range(rounds):
        for system, measure in measures.items():
            results[system].append(measure())
    return results
