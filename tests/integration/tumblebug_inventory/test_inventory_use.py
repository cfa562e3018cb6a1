# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows works as it is shown, also in ansible-navigator."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.plugins.inventory.tumblebug import EXAMPLES

from lab.tumblebug.era import INFRA, MCI, MCIS, Era
from lab.tumblebug.estate import Estate, Namespace
from tests.integration.tumblebug_inventory.ansible_inventory import ROOT, Ansible, serving
from tests.unit.lab.tumblebug.tumblebug_bench import TOKYO, infra, machine

FILE = ROOT / "examples" / "inventory.tumblebug.yml"


def documented_estate() -> Estate:
    """Two infras in two clouds, to which all examples apply."""
    first = [
        machine("web-1", **{"stage": "prod", "cladnet-role": "controller"}),
        machine("web-2", TOKYO, **{"stage": "prod", "cladnet-role": "controller"}),
    ]
    second = [machine("db-1", stage="prod", tier="db"), machine("api-1", **{"cladnet-role": "controller"})]
    return {"ns01": Namespace("ns01", {"mci01": infra("mci01", first), "mci02": infra("mci02", second)})}


SHOWN = {text.strip().splitlines()[0]: yaml.safe_load(text) for text in EXAMPLES.split("---\n")}

EXPECTED_HOSTS = {"labels": ["web-1.aws", "web-2.gcp"]}
"""Of examples with such an option; all others show every VM."""


@pytest.mark.parametrize("era", [MCIS, MCI, INFRA], ids=lambda era: era.name)
@pytest.mark.parametrize("example", SHOWN.values(), ids=SHOWN)
def test_examples_run(ansible: Ansible, example: dict, era: Era) -> None:
    """Against a server that is there, with a password that is right, and a cache in the test's folder."""
    ansible.environment = {"MY_PASSWORD": "default"}
    with serving(era, documented_estate()) as served:
        there = {"url": served.url, "cache_connection": str(ansible.cache), "ca_path": None}
        changed = {key: value for key, value in there.items() if key in example or key == "url"}
        found = ansible.inventory(**(example | changed))

    expected = next((EXPECTED_HOSTS[key] for key in EXPECTED_HOSTS if key in example), None)
    assert sorted(found.hostvars) == (expected or ["api-1", "db-1", "web-1", "web-2"])
    if "cladnet_controllers" in example:
        assert sorted(found.json["cladnet_controllers"]["hosts"]) == ["api-1", "web-1", "web-2"]
        assert len(found.json["cladnet_agents"]["hosts"]) == 4


def test_comments_of_the_example_file_are_options(ansible: Ansible) -> None:
    """Each line that is commented out works when it is not."""
    lines = FILE.read_text().splitlines()
    offered = [line[2:] for line in lines if line.startswith("# ") and ": " in line and line[2:3].islower()]
    options = [option for option in offered if option.split(":")[0].isidentifier()]
    known = yaml.safe_load("\n".join(line for line in lines if not line.startswith("#")))
    with serving(INFRA, documented_estate()) as served:
        for option in options:
            changed = known | yaml.safe_load(option)
            if "cladnet_controllers_count" in changed:
                changed["cladnet_controllers"] = "all"
            if "cache" in option:
                changed |= {
                    "cache_plugin": "ansible.builtin.jsonfile",
                    "cache_connection": str(ansible.cache),
                }
            found = ansible.inventory(url=served.url, **changed)
            assert found.hostvars, option

    assert len(options) >= 10


def test_navigator_with_the_settings_that_come_with_the_collection(ansible: Ansible) -> None:
    for name in ("ansible.cfg", "ansible-navigator.yml", "inventory.tumblebug.yml"):
        shutil.copy(ROOT / "examples" / name, ansible.folder)
    with serving(INFRA, documented_estate()) as served:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # where it looks for ansible-inventory
        ansible.environment = {"TUMBLEBUG_URL": served.url, "TERM": "dumb", "PATH": path}
        listed = ansible.command("ansible-navigator", "inventory", "--list", "-m", "stdout")
        graph = ansible.command(
            "ansible-navigator", "inventory", "--graph", "cladnet_controllers", "-m", "stdout"
        )

    assert listed.stdout, (listed.status, listed.stderr)
    found = json.loads(listed.stdout)
    assert listed.status == 0, listed.stderr
    assert sorted(found["_meta"]["hostvars"]) == ["api-1", "db-1", "web-1", "web-2"]
    assert "__ansible_unsafe" not in listed.stdout
    assert [line.strip(" |-") for line in graph.stdout.splitlines()[1:]] == ["web-1", "web-2", "api-1"]
