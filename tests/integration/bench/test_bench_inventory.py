# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""scripts/bench inventory, small: every system is measured, with the hosts that it should find."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.inventory.main import CACHED, COLD, KEYED
from bench.inventory.systems import IN_MEMORY, OURS, PLUGINS, STATIC

ROOT = Path(__file__).resolve().parents[3]


def test_every_system_is_measured(tmp_path: Path) -> None:
    output = tmp_path / "rows.json"
    command = [sys.executable, "-m", "bench", "inventory", "--hosts", "20", "--rounds", "1"]
    command += ["--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())
    plugins = {system.name for system in PLUGINS}
    beyond = {f"{OURS.name}, beyond {floor}" for floor in (STATIC, IN_MEMORY)}
    with_floors = plugins | {STATIC, IN_MEMORY} | beyond
    for setup, systems in ((COLD, with_floors), (CACHED, with_floors), (KEYED, plugins)):
        found = {row["system"] for row in rows if (row["setup"], row["unit"]) == (setup.name, "s CPU")}
        assert found == systems
    assert all(row["median"] > 0 for row in rows if "beyond" not in row["system"])
    assert f"| {OURS.name} |" in done.stdout
