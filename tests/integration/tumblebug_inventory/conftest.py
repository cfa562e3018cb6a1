# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Real ansible-inventory against the simulator of CB-Tumblebug."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.tumblebug_inventory.ansible_inventory import ROOT, Ansible


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts ``python -m lab.tumblebug`` of an era on the demo topology, in memory; gives its URL."""
    key = tmp_path / "id_ed25519"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nTOPSECRET\n-----END OPENSSH PRIVATE KEY-----\n")
    processes: list[subprocess.Popen[str]] = []

    def start(era: str) -> str:
        command = [sys.executable, "-m", "lab.tumblebug", "--backend", "static", "--era", era]
        process = subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0", "--ssh-key", str(key)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process.stdout.readline().split()[-1]

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=10)
