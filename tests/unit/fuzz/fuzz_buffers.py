# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Data in the middle of other memory, to see whether a function reads or writes what is not its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MARGIN_BYTES = 256
# Zeros end lists of options; the others look like more of whatever stands before them.
FILLERS = (bytes(MARGIN_BYTES), bytes(range(256)), b"\xff" * MARGIN_BYTES)


def in_foreign_memory(data: bytes, function: Callable[[memoryview], Any]) -> tuple[Any, bytes]:
    """Calls a function with a view of the data, with different bytes around it each time.

    Returns:
        What the function returned, and the data as it left them: the same each time.
    """
    outcomes = [_call(data, function, filler) for filler in FILLERS]
    assert outcomes[0] == outcomes[1] == outcomes[2], "the result depends on foreign memory"
    return outcomes[0]


def _call(data: bytes, function: Callable[[memoryview], Any], filler: bytes) -> tuple[Any, bytes]:
    memory = bytearray(filler + data + filler)
    end = MARGIN_BYTES + len(data)
    result = frozen(function(memoryview(memory)[MARGIN_BYTES:end]))
    assert memory[:MARGIN_BYTES] == memory[end:] == filler, "foreign memory was written"
    return result, bytes(memory[MARGIN_BYTES:end])


def frozen(result: Any) -> Any:
    """The result without views, which would change with the memory."""
    if isinstance(result, memoryview | bytearray):
        return bytes(result)
    if isinstance(result, list | tuple):
        return tuple(frozen(part) for part in result)
    return result
