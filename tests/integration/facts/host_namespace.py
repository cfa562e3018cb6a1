# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A host of its own in a network namespace, in which the real fact module runs as an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND_TIMEOUT_S = 20.0
ROOT = Path(__file__).resolve().parents[3]
RUN_AS_NOBODY = Path(__file__).with_name("run_facts_as_nobody.py")


@dataclass(frozen=True)
class HostNamespace:
    """One host."""

    name: str

    def ip(self, command: str) -> None:
        """Runs ``ip`` in it, with arguments separated by spaces."""
        subprocess.run(["ip", "-n", self.name, *command.split()], check=True, timeout=COMMAND_TIMEOUT_S)

    def facts(self, **options: Any) -> dict[str, Any]:
        """What the module says there."""
        result = subprocess.run(
            ["ip", "netns", "exec", self.name, sys.executable, RUN_AS_NOBODY, json.dumps(options)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "build" / "collections")},
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)["ansible_facts"]["cladnet_host_cidrs"]


@contextmanager
def host_namespace(name: str) -> Iterator[HostNamespace]:
    """A namespace with loopback, gone afterwards."""
    full_name = f"cladfacts{os.getpid()}{name}"
    subprocess.run(["ip", "netns", "add", full_name], check=True, timeout=COMMAND_TIMEOUT_S)
    try:
        host = HostNamespace(full_name)
        host.ip("link set lo up")
        yield host
    finally:
        subprocess.run(["ip", "netns", "delete", full_name], check=True, timeout=COMMAND_TIMEOUT_S)
