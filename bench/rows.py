# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Rows of results: medians of runs, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure: how a system did a work in a setup, over several runs."""

    work: str
    setup: str
    system: str
    median: float
    min: float
    max: float
    unit: str
    runs: int

    @classmethod
    def of(cls, work: str, setup: str, system: str, values: Sequence[float], unit: str) -> Row:
        """Summarizes at least one measured value."""
        low, middle, high = (round(figure, 4) for figure in (min(values), median(values), max(values)))
        return cls(work, setup, system, middle, low, high, unit, len(values))


def write(rows: Iterable[Row], path: Path) -> None:
    """Writes the rows as a list of objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown; the last column compares with the first of the same work, setup and unit."""
    lines = [
        "| work | setup | system | median | min | max | unit | to first |",
        "|---|---|---|--:|--:|--:|---|--:|",
    ]
    firsts: dict[tuple[str, str, str], float] = {}
    for row in rows:
        first = firsts.setdefault((row.work, row.setup, row.unit), row.median)
        ratio = f"{row.median / first:.2f}" if first > 0 else ""
        figures = " | ".join(f"{figure:.2f}" for figure in (row.median, row.min, row.max))
        lines.append(f"| {row.work} | {row.setup} | {row.system} | {figures} | {row.unit} | {ratio} |")
    return "\n".join(lines)
