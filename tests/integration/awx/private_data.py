# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The folder in which AWX runs a job or an inventory update, and the two commands that it runs there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner

from tests.integration.awx.configuration import PROJECT, ROOT, credential_type
from tests.integration.awx.credential import Inputs, injected

INVENTORY = "inventories/prod.tumblebug.yml"
DEADLINE_S = 120
AWX_UPDATE_ENVIRONMENT = {
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_INVENTORY_EXPORT": "True",
    "ANSIBLE_VERBOSE_TO_STDERR": "True",
}
"""AWX's STANDARD_INVENTORY_UPDATE_ENV."""


@dataclass(frozen=True)
class Update:
    """How an inventory update ended."""

    status: int
    inventory: dict[str, Any]
    output: str

    @property
    def words(self) -> str:
        """What it said, without line breaks of its own."""
        return " ".join(self.output.split())

    @property
    def text(self) -> str:
        """All that AWX keeps of it."""
        return json.dumps(self.inventory) + self.output


@dataclass(frozen=True)
class Job:
    """How a job ended, and what it said."""

    status: str
    stdout: str
    events: list[dict[str, Any]]

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks that ran on a host."""
        ran = [event for event in self.events if event["event"] in ("runner_on_ok", "runner_on_failed")]
        return [event["event_data"]["task"] for event in ran]

    @property
    def changed(self) -> dict[str, int]:
        """Host -> how many tasks changed it."""
        [stats] = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return stats["event_data"]["changed"]

    @property
    def words(self) -> str:
        return " ".join(self.stdout.split())


@dataclass
class PrivateData:
    """project/, inventory/ and env/ below one folder, as ansible-runner and AWX lay it out."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(PROJECT, self.folder / "project")
        for name in ("env", "inventory", "home"):
            (self.folder / name).mkdir()

    def attach(self, credential_type_name: str, **inputs: str | bool) -> None:
        """Injects a credential of one of our types."""
        values: Inputs = dict(inputs)
        self.environment |= injected(credential_type(credential_type_name), values, self.folder)

    def update_inventory(self) -> Update:
        """What AWX runs for an inventory source of a project, at verbosity 1."""
        produced = self.folder / "output.json"
        command = [beside_python("ansible-inventory"), "--list", "--export", "-i", INVENTORY]
        done = subprocess.run(
            [*command, "--output", str(produced), "-vvv"],
            cwd=self.folder / "project",
            env=self.environment_of_the_container() | AWX_UPDATE_ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        inventory = json.loads(produced.read_text()) if produced.exists() else {}
        return Update(done.returncode, inventory, done.stdout + done.stderr)

    def run_job(self, playbook: str, *, hosts: str = "", **variables: object) -> Job:
        """What AWX runs for a job template with answers to its survey."""
        (self.folder / "inventory" / "hosts").write_text(hosts)
        (self.folder / "env" / "extravars").write_text(json.dumps(variables))
        (self.folder / "env" / "envvars").write_text(json.dumps(self.environment_of_the_container()))
        (self.folder / "env" / "settings").write_text(json.dumps({"job_timeout": DEADLINE_S}))
        runner = ansible_runner.run(private_data_dir=str(self.folder), playbook=playbook, quiet=True)
        with runner.stdout as stdout:
            return Job(runner.status, stdout.read(), list(runner.events))

    def environment_of_the_container(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            **self.environment,
        }


def beside_python(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
