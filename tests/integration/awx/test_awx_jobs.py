# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Playbooks of the example project under ansible-runner, with injected credentials and answers to surveys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.awx.configuration import AWX, PROJECT, ROOT, Command, run
from tests.integration.awx.private_data import PrivateData, beside_python
from tests.integration.modules.real_controller import RealController, real_controller


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealController]:
    with real_controller(tmp_path_factory.mktemp("controller")) as running:
        yield running


def attach_api(private_data: PrivateData, controller: RealController, token: str) -> None:
    authority = Path(controller.connection["ca_path"]).read_text()
    private_data.attach("CLADNet API", url=controller.url, token=token, ca_cert=authority)


def token_of(controller: RealController) -> str:
    return Path(controller.connection["api_token_file"]).read_text().strip()


def test_create_network(controller: RealController, private_data: PrivateData) -> None:
    token = token_of(controller)
    attach_api(private_data, controller, token)
    answers = {
        "cladnet_network": "blue",
        "cladnet_network_cidr": "10.112.0.0/24",
        "cladnet_network_cipher": "chacha20-poly1305",
    }

    made = private_data.run_job("playbooks/create_network.yml", **answers)
    again = private_data.run_job("playbooks/create_network.yml", **answers)

    assert made.status == "successful", made.stdout
    assert made.changed == {"localhost": 1}
    assert "Network blue is 10.112.0.0/24." in made.stdout
    assert again.status == "successful", again.stdout
    assert again.changed == {}
    for job in (made, again):
        assert token not in job.stdout + str(job.events)


def test_create_network_where_there_is_room(controller: RealController, private_data: PrivateData) -> None:
    """The address space is chosen beside the networks that exist; a second job keeps it."""
    attach_api(private_data, controller, token_of(controller))
    jobs = [
        private_data.run_job(
            "playbooks/create_network.yml", cladnet_network=name, cladnet_network_cidr="auto"
        )
        for name in ("green", "red", "green")
    ]

    assert [job.status for job in jobs] == ["successful"] * 3, jobs[0].stdout
    green, red, same = (job.stdout.rpartition(" is ")[2].split()[0] for job in jobs)
    assert green != red
    assert green == same
    assert jobs[2].changed == {}


def test_wrong_token(controller: RealController, private_data: PrivateData) -> None:
    attach_api(private_data, controller, "s3cret-but-wrong")
    job = private_data.run_job("playbooks/create_network.yml", cladnet_network="blue")

    assert job.status == "failed"
    assert "token" in job.words
    assert "Traceback" not in job.stdout
    assert "s3cret-but-wrong" not in job.stdout + str(job.events)


def test_uninstall_that_is_not_confirmed_touches_nothing(private_data: PrivateData) -> None:
    job = private_data.run_job(
        "playbooks/uninstall.yml",
        hosts="[cladnet_agents]\na1\na2\n",
        cladnet_network="blue",
        cladnet_uninstall_confirm="bleu",
    )

    assert job.status == "failed"
    assert "Nothing was uninstalled: the confirmation is 'bleu', the network 'blue'" in job.words
    assert set(job.tasks) == {"Compare the name of the network with the one in the confirmation"}


@pytest.mark.parametrize("playbook", sorted(path.name for path in (PROJECT / "playbooks").glob("*.yml")))
def test_syntax_of_the_project(playbook: str, private_data: PrivateData) -> None:
    path = private_data.folder / "project" / "playbooks" / playbook
    command: Command = [beside_python("ansible-playbook"), "--syntax-check", path]
    checked = run(command, private_data.environment_of_the_container())
    assert checked.status == 0, checked.output


def test_the_collection_is_installed_from_the_requirements(tmp_path: Path, private_data: PrivateData) -> None:
    """As AWX does before a job, with this clone in place of the public repository."""
    repository = tmp_path / "cladnet.git"
    head = ["git", "-C", repository, "update-ref", "refs/heads/main", "FETCH_HEAD"]
    environment = private_data.environment_of_the_container()
    commands = [
        ["git", "init", "--bare", "--quiet", "--initial-branch=main", repository],
        ["git", "-C", repository, "fetch", "--quiet", ROOT, "HEAD"],
        head,
    ]
    for command in commands:
        assert run(command, environment).status == 0
    redirect = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/cloud-barista/cladnet.git",
    }
    requirements = AWX / "project" / "collections" / "requirements.yml"
    install = [beside_python("ansible-galaxy"), "collection", "install", "-r", requirements, "-p", tmp_path]
    done = run(install, environment | redirect)

    assert done.status == 0, done.output
    assert (tmp_path / "ansible_collections/cloud_barista/cladnet/plugins/inventory/tumblebug.py").is_file()
