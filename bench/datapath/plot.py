# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Draws rows as horizontal bars in panels, one for each work, setup and unit: an SVG without a library."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from xml.sax.saxutils import escape

from bench.rows import Row

_COLUMNS = 3
_PANEL_WIDTH = 430
_LABEL_WIDTH = 190
_BAR_WIDTH = 170
_LINE_HEIGHT = 17
_TITLE_HEIGHT = 34
_MARGIN = 16
_BAR_HEIGHT = 11
_HEAD_HEIGHT = 40
_SUBTITLE_CHARACTERS = 190
_OURS, _MIXED, _OTHERS = "#0b6e4f", "#7fb69e", "#9aa5b1"
_STYLE = "font-family:'DejaVu Sans',Arial,sans-serif;font-size:11px;fill:#1f2933"


def svg(rows: Sequence[Row], title: str, subtitle: str, limits: Collection[str] = ()) -> str:
    """The picture, as text.

    Args:
        rows: each panel is scaled to its own greatest value; rows of one panel come in their order.
        title: in the first line.
        subtitle: below it; folded where it is too long.
        limits: systems whose bars are cut off where they are longer than all others.
    """
    panels = _panels(rows)
    lines = textwrap.wrap(subtitle, _SUBTITLE_CHARACTERS)
    parts, top = [_head(title, lines)], _HEAD_HEIGHT + _LINE_HEIGHT * len(lines)
    for start in range(0, len(panels), _COLUMNS):
        line = list(panels.items())[start : start + _COLUMNS]
        for column, (name, members) in enumerate(line):
            parts.append(_panel(name, members, limits, _MARGIN + column * _PANEL_WIDTH, top))
        top += _TITLE_HEIGHT + _LINE_HEIGHT * max(len(members) for _name, members in line) + _MARGIN
    width = 2 * _MARGIN + _PANEL_WIDTH * min(_COLUMNS, max(1, len(panels)))
    open_tag = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" style="{_STYLE}">'
    return "\n".join([open_tag, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"])


def _panels(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    panels: dict[str, list[Row]] = {}
    for row in rows:
        panels.setdefault(f"{row.work}, {row.setup}: {row.unit}", []).append(row)
    return panels


def _head(title: str, lines: Sequence[str]) -> str:
    texts = [f'<text x="{_MARGIN}" y="22" style="font-size:16px;font-weight:bold">{escape(title)}</text>']
    texts += [
        f'<text x="{_MARGIN}" y="{40 + number * _LINE_HEIGHT}" style="fill:#52606d">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return "\n".join(texts)


def _panel(name: str, rows: Sequence[Row], limits: Collection[str], left: int, top: int) -> str:
    scaled_by = [row for row in rows if row.system not in limits] or rows
    greatest = max(row.max for row in scaled_by) or 1.0
    heading = f'<text x="{left}" y="{top + 20}" style="font-weight:bold">{escape(name)}</text>'
    lines = [
        _bar(row, greatest, left, top + _TITLE_HEIGHT + number * _LINE_HEIGHT)
        for number, row in enumerate(rows)
    ]
    return "\n".join([heading, *lines])


def _bar(row: Row, greatest: float, left: int, top: int) -> str:
    """Label, bar up to the median, whisker from least to most, and the figure."""
    zero, middle = left + _LABEL_WIDTH, top + _BAR_HEIGHT / 2
    at_min, at_median, at_max = (
        zero + _BAR_WIDTH * min(1.0, value / greatest) for value in (row.min, row.median, row.max)
    )
    cut_off = " \N{RIGHTWARDS ARROW}" if row.median > greatest else ""
    label = f'<text x="{zero - 6}" y="{top + 10}" text-anchor="end">{escape(row.system)}</text>'
    box = (
        f'<rect x="{zero}" y="{top}" width="{at_median - zero:.1f}" height="{_BAR_HEIGHT}"'
        f' fill="{_color(row.system)}"/>'
    )
    whisker = f'<path d="M{at_min:.1f} {middle}H{at_max:.1f}" stroke="#1f2933"/>'
    figure = f'<text x="{max(at_median, at_max) + 5:.1f}" y="{top + 10}">{_text(row.median)}{cut_off}</text>'
    return "".join([label, box, whisker, figure])


def _color(system: str) -> str:
    if "-to-" in system:
        return _MIXED
    return _OURS if system.startswith("ours") or "peers" in system or system == "agent" else _OTHERS


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
