# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A playbook that has nobody to work on, or is not told what to do, says so and fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
INVENTORY = """\
cladnet_controllers: {hosts: {ctl: }}
cladnet_agents: {hosts: {web: }}
others: {hosts: {db: }}
"""


def play(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a playbook by its full name; none of its tasks gets to a host."""
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), f"cloud_barista.cladnet.{name}", *arguments],
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("TUMBLEBUG")},
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", [name for name in PLAYBOOKS if name != "create_infra_and_site"])
def test_an_empty_group_is_named(name: str) -> None:
    done = play(name, "--inventory", "nobody,")
    assert done.returncode == 2
    assert "The group cladnet_agents has no hosts in this inventory (nobody,)" in done.stdout


@pytest.mark.parametrize("name", [name for name in PLAYBOOKS if name != "create_infra_and_site"])
def test_a_limit_that_leaves_nobody_is_named(name: str, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(INVENTORY)
    done = play(name, "--inventory", str(inventory), "--limit", "db")
    assert done.returncode == 2
    assert "The limit db leaves no host of the groups cladnet_controllers and cladnet_agents" in done.stdout
    assert "ctl, web" in done.stdout


def test_an_infra_must_be_described() -> None:
    done = play("create_infra_and_site", "--inventory", "localhost,")
    assert done.returncode == 2
    assert "Set cladnet_infra_name, and cladnet_infra_groups" in done.stdout


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_playbook_is_known_by_its_full_name(name: str) -> None:
    done = play(name, "--inventory", "localhost,", "--syntax-check")
    assert done.returncode == 0, done.stderr
