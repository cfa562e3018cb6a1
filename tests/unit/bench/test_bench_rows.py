# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What all measurements share: rows, turns, the cost of a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.__main__ import main, subjects
from bench.child import CommandError, cost_of
from bench.rounds import in_turns
from bench.rows import Row, table, write


def test_row_has_the_median_and_the_extremes() -> None:
    row = Row.of("5 hosts", "cold", "ours", [3.0, 1.0, 2.0], "s CPU")
    assert (row.median, row.min, row.max, row.runs) == (2.0, 1.0, 3.0, 3)


def test_rows_are_written_as_a_list_of_objects(tmp_path: Path) -> None:
    file = tmp_path / "new" / "rows.json"
    write([Row.of("w", "s", "x", [1.0], "s")], file)
    keys = {"work", "setup", "system", "median", "min", "max", "unit", "runs"}
    assert [set(row) for row in json.loads(file.read_text())] == [keys]


def test_table_compares_with_the_first_of_the_same_work() -> None:
    rows = [
        Row.of("w", "cold", "ours", [2.0], "s CPU"),
        Row.of("w", "cold", "theirs", [3.0], "s CPU"),
        Row.of("w", "cold", "ours", [0.0], "s wall"),
    ]
    assert [line.split(" | ")[-1] for line in table(rows).splitlines()[2:]] == ["1.00 |", "1.50 |", " |"]


def test_systems_are_measured_in_turns() -> None:
    order: list[str] = []

    def measured(system: str) -> int:
        order.append(system)
        return len(order)

    results = in_turns({"a": lambda: measured("a"), "b": lambda: measured("b")}, 2)
    assert order == ["a", "b", "a", "b"]
    assert results == {"a": [1, 3], "b": [2, 4]}


def test_cost_is_of_the_command_and_its_children(tmp_path: Path) -> None:
    """A shell that only waits costs what its child burns."""
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    command = ["/bin/sh", "-c", '"$0" -c "$1"; :', sys.executable, burn]
    cost = cost_of(command, {"HOME": str(tmp_path)})
    assert 0.2 <= cost.cpu_s <= cost.wall_s + 0.2
    assert cost.wall_s >= 0.2


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="status 3: broken"):
        cost_of(["/bin/sh", "-c", "printf broken >&2; exit 3"], {"HOME": str(tmp_path)})


def test_subjects_are_the_folders_that_can_be_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert "inventory" in subjects()
    assert main(["nothing"]) == 2
    assert "name one of: " in capsys.readouterr().err
