# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Short tables of many rows: a line for each system, a column for each figure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.datapath.works import (
    CPU_S_PER_GB,
    CPU_US_PER_PACKET,
    GBIT_PER_S,
    MIB_PSS,
    P50_US,
    P99_US,
    PACKETS_PER_S,
)
from bench.rows import Row

_UNITS = {
    "TCP without loss": (GBIT_PER_S, CPU_S_PER_GB),
    "TCP with loss": (GBIT_PER_S,),
    "Small packets, idle ping, memory of one host": (
        PACKETS_PER_S,
        CPU_US_PER_PACKET,
        P50_US,
        P99_US,
        MIB_PSS,
    ),
}


def overview(rows: Sequence[Row]) -> str:
    """Markdown: medians, with the least and the most in brackets where there were several runs."""
    tables = [_table(title, _of(title, rows)) for title in _UNITS]
    return "\n\n".join(filter(None, tables))


def _of(title: str, rows: Sequence[Row]) -> list[Row]:
    lossy = title == "TCP with loss"
    return [row for row in rows if row.unit in _UNITS[title] and ("-loss-" in row.work) == lossy]


def _table(title: str, rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys((row.work, row.setup, row.unit) for row in rows))
    if not columns:
        return ""
    cells = {(row.system, row.work, row.setup, row.unit): _cell(row) for row in rows}
    heads = [f"{work}, {setup}, {unit}" for work, setup, unit in columns]
    lines = [f"### {title}", f"| | {' | '.join(heads)} |", f"|---|{'--:|' * len(columns)}"]
    for system in dict.fromkeys(row.system for row in rows):
        line = [cells.get((system, *column), "") for column in columns]
        lines.append(f"| {system} | {' | '.join(line)} |")
    return "\n".join(lines)


def _cell(row: Row) -> str:
    if row.runs == 1:
        return _text(row.median)
    return f"{_text(row.median)} ({_text(row.min)} to {_text(row.max)})"


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
