# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Rules fire under the real ansible-rulebook when the simulator of CB-Tumblebug stops and resumes a VM."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.integration.eda.rulebook_run import ansible_rulebook, shipped
from tests.integration.modules.simulated_tumblebug import simulated_tumblebug

NOTE = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.debug": {"msg": "would deploy {{ ansible_play_hosts | sort }}"}}],
    }
]
INVENTORY = """
[cladnet_controllers]
c1 ansible_connection=local
[cladnet_agents]
aws-web-1 ansible_connection=local
a2 ansible_connection=local
b1 ansible_connection=local
"""


@pytest.fixture
def tumblebug(tmp_path: Path) -> Iterator[str]:
    with simulated_tumblebug("infra", tmp_path) as url:
        yield url


def control(url: str, action: str, machine: str) -> None:
    """Has CB-Tumblebug act on a VM."""
    login = base64.b64encode(b"default:default").decode()
    path = f"{url}/ns/default/control/infra/demo/node/{machine}?action={action}"
    urlopen(Request(path, headers={"Authorization": f"Basic {login}"}), timeout=10).close()  # noqa: S310


def rule_sets(folder: Path) -> list[dict[str, Any]]:
    """The rulebooks of the collection; quicker, and with a harmless playbook in place of the deployment."""
    (folder / "note.yml").write_text(yaml.safe_dump(NOTE))
    deploy, moved = shipped("deploy_new_vm"), shipped("public_ip_changed")
    for rule_set in [*deploy, *moved]:
        for source in rule_set["sources"]:
            source["cloud_barista.cladnet.tumblebug_vms"]["interval"] = 10
    moved[0]["sources"][0]["cloud_barista.cladnet.tumblebug_vms"]["state_file"] = str(folder / "moved.json")
    (rule,) = deploy[0]["rules"]
    rule["throttle"]["once_after"] = "1 second"
    rule["action"]["run_playbook"]["name"] = "note.yml"
    return [*deploy, *moved]


def test_vm_that_runs_again_is_deployed_and_its_new_address_is_told(tumblebug: str, tmp_path: Path) -> None:
    folder = tmp_path / "rulebook"
    folder.mkdir()
    states = [folder / "vms.json", folder / "moved.json"]
    variables = {"tumblebug_url": tumblebug, "tumblebug_password": "default"}
    variables |= {"tumblebug_infras": ["demo"], "tumblebug_state_file": str(states[0])}

    with ansible_rulebook(folder, rule_sets(folder), variables, INVENTORY) as run:
        run.until(lambda: all(state.exists() for state in states), "a first look")
    assert "would deploy" not in run.output
    (known,) = [
        vm for vm in json.loads(states[0].read_text())["state"]["vms"] if vm["fields"]["id"] == "aws-web-1"
    ]
    control(tumblebug, "suspend", "aws-web-1")

    with ansible_rulebook(folder, rule_sets(folder), variables, INVENTORY) as run:
        stopped = '"status": "Suspended"'
        run.until(lambda: all(stopped in state.read_text() for state in states), "a second look")
        control(tumblebug, "resume", "aws-web-1")
        run.wait_for(f"aws-web-1 of demo moved from {known['public_ip']} to ")
        output = run.wait_for("would deploy")
    assert "would deploy ['aws-web-1', 'c1']" in output.replace('"', "'")
