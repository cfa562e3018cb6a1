# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""examples/awx, and how a person applies it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader

from tests.integration.awx.awx_api import TOKEN

ROOT = Path(__file__).resolve().parents[3]
AWX = ROOT / "examples" / "awx"
PROJECT = AWX / "project"
ANSIBLE_PACKAGE = ROOT / "build" / "ansible" / "bin"
"""Where the PyPI package ``ansible`` is, with awx.awx; scripts/test installs it."""

TUMBLEBUG_PASSWORD = "s3cret-of-tumblebug"
API_TOKEN = "s3cret-of-cladnet"
DEADLINE_S = 400

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    status: int
    output: str


def credential_type(name: str) -> dict[str, Any]:
    """A credential type of examples/awx as data."""
    data = DataLoader().load_from_file(str(AWX / "group_vars" / "all" / "credential_types.yml"))
    [found] = [each for each in data["controller_credential_types"] if each["name"] == name]
    return found


def person(folder: Path, awx_url: str = "http://127.0.0.1:1") -> dict[str, str]:
    """The environment of somebody who configures AWX."""
    authority = folder / "ca.crt"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    return {
        "PATH": f"{ANSIBLE_PACKAGE}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "ANSIBLE_NOCOLOR": "1",
        "CONTROLLER_HOST": awx_url,
        "CONTROLLER_OAUTH_TOKEN": TOKEN,
        "TUMBLEBUG_URL": "http://tumblebug.example:1323",
        "TUMBLEBUG_PASSWORD": TUMBLEBUG_PASSWORD,
        "CLADNET_API_URL": "https://203.0.113.10:8053",
        "CLADNET_API_TOKEN": API_TOKEN,
        "CLADNET_CA_PATH": str(authority),
    }


def run(command: Command, environment: dict[str, str]) -> Run:
    """Runs a command and waits for it."""
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return Run(done.returncode, done.stdout + done.stderr)


def configure(environment: dict[str, str], **variables: str) -> Run:
    """Applies the configuration, with extra variables."""
    extra = [f"--extra-vars={name}={value}" for name, value in variables.items()]
    return run([ANSIBLE_PACKAGE / "ansible-playbook", AWX / "configure.yml", *extra], environment)
