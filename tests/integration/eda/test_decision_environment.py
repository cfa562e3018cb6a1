# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The real ansible-builder takes the definition of the decision environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_builder_takes_the_definition(tmp_path: Path) -> None:
    definition = ROOT / "examples" / "eda" / "decision-environment.yml"
    command = [Path(sys.executable).with_name("ansible-builder"), "create", "--file", definition]
    created = subprocess.run(
        [*command, "--context", tmp_path, "--output-filename", "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert created.returncode == 0, created.stdout + created.stderr
    recipe = (tmp_path / "Containerfile").read_text()
    assert 'ARG EE_BASE_IMAGE="fedora:42"' in recipe
    assert recipe.index("git-core") < recipe.index("ansible-galaxy collection install")
    assert "ansible-rulebook" in (tmp_path / "_build" / "requirements.txt").read_text()
    assert "java-" in (tmp_path / "_build" / "bindep.txt").read_text()
