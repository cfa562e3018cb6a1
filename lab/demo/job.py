# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The main job on a lab: simulator, inventory, collection and playbook, wired as a user would wire them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.demo import collection, playbook
from lab.demo.simulator import Simulator
from lab.folders import ROOT
from lab.lab import Lab

INVENTORY = """\
# the VMs of the lab, from the simulator of CB-Tumblebug
plugin: cloud_barista.cladnet.tumblebug
namespaces: [default]
ssh_key_directory: {keys}
groups:
  cladnet_agents: true
  cladnet_controllers: tumblebug_labels['cladnet-role'] | default('') == 'controller'
"""


@dataclass(frozen=True)
class Job:
    """Everything between a lab that is up and its network.

    Args:
        lab: the lab, up.
        folder: for what the job makes: inventory, SSH keys, collection, logs, report.
        port: TCP port of the simulator on the loopback interface.
        estate: what CB-Tumblebug has at first: ``topology``, one infra of all hosts, or ``empty``.
    """

    lab: Lab
    folder: Path
    port: int = 1323
    estate: str = "topology"
    simulator: Simulator = field(init=False)

    def __post_init__(self) -> None:
        topology = self.lab.topology.name
        object.__setattr__(self, "simulator", Simulator(self.folder, topology, self.port, self.estate))

    @property
    def inventory(self) -> Path:
        return self.folder / "lab.tumblebug.yml"

    @property
    def report_file(self) -> Path:
        return self.folder / "report.json"

    @property
    def report_page(self) -> Path:
        return self.folder / "report.html"

    @property
    def log(self) -> Path:
        return self.folder / "ansible.log"

    @property
    def environment(self) -> dict[str, str]:
        """Of the Ansible commands: where the collection, the VMs and the way into the lab are."""
        return {
            "ANSIBLE_CONFIG": str(ROOT / "examples" / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            # the inventory says something in ansible_ssh_common_args, which comes before that variable
            **dict.fromkeys(
                (f"ANSIBLE_{kind}_EXTRA_ARGS" for kind in ("SSH", "SFTP", "SCP")), self.lab.ssh_args()
            ),
            "ANSIBLE_NOCOWS": "1",
            "XDG_CACHE_HOME": str(ROOT / "build" / "cache"),
            **self.simulator.environment,
        }

    def prepare(self) -> None:
        """Starts the simulator, and writes the inventory that asks it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        keys = json.dumps(str(self.folder / "ssh-keys"))
        self.inventory.write_text(INVENTORY.format(keys=keys), encoding="utf-8")
        self.simulator.start()

    def install_collection(self) -> None:
        """Builds the archive of the collection and installs it for this job alone."""
        collection.install(self.folder / "collections")

    def play(
        self, name: str, *, tell: Callable[[str], None], limit: str = "", **variables: object
    ) -> playbook.Run:
        """Runs a playbook of the collection; raises LabError if it fails."""
        return playbook.run(
            f"cloud_barista.cladnet.{name}",
            inventory=[self.inventory],
            environment=self.environment,
            variables={"cladnet_report": [str(self.report_file), str(self.report_page)], **variables},
            limit=limit,
            log=self.log,
            tell=tell,
        )

    def report(self) -> dict[str, Any]:
        """What the last playbook that verified the network has found."""
        found: dict[str, Any] = json.loads(self.report_file.read_text(encoding="utf-8"))
        return found

    def remove(self) -> None:
        """Ends the simulator and removes the job's files."""
        self.simulator.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
