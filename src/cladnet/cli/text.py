# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Texts for people: columns, ages and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_SIZE_STEP = 1024


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with left-aligned columns, two spaces apart."""
    lines = [tuple(header), *map(tuple, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    padded = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def age(seconds: float | None) -> str:
    """How long ago: ``never``, ``12 s``, ``3 min``, ``5 h``."""
    if seconds is None:
        return "never"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def size(count_bytes: int) -> str:
    """A number of bytes with a binary unit."""
    value = float(count_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < _SIZE_STEP:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= _SIZE_STEP
    return f"{value:.1f} TiB"
