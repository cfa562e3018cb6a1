# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Logging in as Ansible and people do."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lab.lab import Lab
from tests.integration.lab.probes import output, public_ip


@pytest.mark.parametrize("host", ["aws-web-1", "azure-db-1", "gcp-app-1"])
def test_the_key_of_the_cloud_opens_the_account_that_may_do_everything(lab: Lab, host: str) -> None:
    command = [*lab.login_command(host), "id -un; sudo -n id -un; hostname"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.split() == ["cb-user", "root", host], done.stderr


def test_the_key_of_another_cloud_does_not(lab: Lab) -> None:
    own, other = str(lab.private_key("aws")), str(lab.private_key("azure"))
    command = [other if word == own else word for word in lab.login_command("aws-web-1")]
    done = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_keys_are_for_root_alone(lab: Lab) -> None:
    assert lab.private_key("aws").stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (lab.folders.state, lab.folders.runtime)} == {0o700}


def test_a_virtual_environment_can_be_made_without_pip(lab: Lab) -> None:
    output(lab, "aws-web-1", "python3", "-m", "venv", "--without-pip", "/tmp/environment")  # noqa: S108
    assert output(lab, "aws-web-1", "/tmp/environment/bin/python", "-c", "print(1)") == "1\n"  # noqa: S108


def test_etcd_is_there_but_does_not_run(lab: Lab) -> None:
    assert "etcd Version: 3.4" in output(lab, "aws-web-1", "etcd", "--version")
    assert lab.exec("aws-web-1", ["systemctl", "is-enabled", "etcd"]).stdout == "disabled\n"
    assert lab.exec("aws-web-1", ["systemctl", "is-active", "etcd"]).stdout == "inactive\n"


def test_ansible_works_and_reboots_a_host(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    address = public_ip(lab, "azure-db-1")
    inventory.write_text(f"azure-db-1 ansible_host={address} ansible_user=cb-user\n", encoding="utf-8")
    ansible = [str(Path(sys.executable).parent / "ansible"), "azure-db-1", "-i", str(inventory), "--become"]
    key = f"--private-key={lab.private_key('azure')}"
    done = subprocess.run(
        [*ansible, key, "-m", "ansible.builtin.reboot", "-a", "reboot_timeout=30"],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_SSH_COMMON_ARGS": lab.ssh_args()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"rebooted": true' in done.stdout


def test_ssh_arguments_are_one_line_for_a_shell(lab: Lab) -> None:
    assert "StrictHostKeyChecking=accept-new" in shlex.split(lab.ssh_args())
