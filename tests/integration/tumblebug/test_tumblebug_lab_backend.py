# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""From nothing to machines one can log in to, and back: the simulator over a lab of its own. Needs root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lab.lab import HostState, Lab

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TOPOLOGY = HERE / "two_clouds.yml"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLADNET_LAB_STATE", str(tmp_path_factory.mktemp("lab")))
        lab = Lab.load(TOPOLOGY)
        lab.down()
        lab.up()
        yield lab
        lab.down()


@pytest.fixture(scope="module")
def tumblebug(lab: Lab) -> Iterator[httpx.Client]:
    """A client of a simulator that begins with empty clouds."""
    command = [sys.executable, "-m", "lab.tumblebug", "--topology", str(TOPOLOGY), "--estate", "empty"]
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = f"{process.stdout.readline().split()[-1]}/"
        with httpx.Client(base_url=url, auth=("default", "default"), timeout=120) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=10)


def group(tumblebug: httpx.Client, name: str, size: int, spec: str) -> dict:
    search = {"matchedSpecId": spec, "osType": "debian 12"}
    found = tumblebug.post("ns/system/resources/searchImage", json=search).json()
    image = found["imageList"][0]["cspImageName"]
    return {"name": name, "nodeGroupSize": size, "specId": spec, "imageId": image}


def create(tumblebug: httpx.Client, **sizes: int) -> dict:
    """An infra with so many machines in each cloud."""
    specs = {"aws": "aws+us-east-1+t3.small", "gcp": "gcp+us-central1+e2-medium"}
    groups = [group(tumblebug, name, size, specs[name]) for name, size in sizes.items()]
    answer = tumblebug.post("ns/default/infraDynamic", json={"name": "net", "nodeGroups": groups})
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(tumblebug: httpx.Client, command: str, user: str = "cb-user") -> dict[str, dict]:
    answer = tumblebug.post("ns/default/cmd/infra/net", json={"userName": user, "command": [command]})
    return {each["nodeId"]: each for each in answer.json()["results"]}


def terminate(tumblebug: httpx.Client) -> None:
    answer = tumblebug.delete("ns/default/infra/net", params={"option": "terminate"})
    assert answer.status_code == 200, answer.text


def test_clouds_are_empty_at_first(lab: Lab, tumblebug: httpx.Client) -> None:
    assert tumblebug.get("ns/default/infra?option=id").json() == {"output": None}
    assert {host.state for host in lab.hosts.values()} == {HostState.SUSPENDED}


def test_machines_are_bought_used_and_given_back(lab: Lab, tumblebug: httpx.Client) -> None:
    made = create(tumblebug, aws=1, gcp=1)

    assert made["status"] == "Running:2 (R:2/2)"
    addresses = {node["id"]: node["publicIP"] for node in made["node"]}
    running = {name: host for name, host in lab.hosts.items() if host.state is HostState.RUNNING}
    assert sorted(addresses.values()) == sorted(str(host.public_ip) for host in running.values())
    ran = run(tumblebug, "id -un; sudo touch /etc/mark")
    assert {each["stdout"]["0"] for each in ran.values()} == {"cb-user\n"}
    nodes = tumblebug.get("ns/default/infra/net").json()["node"]
    keys = {f"{node['sshHostKeyInfo']['keyType']} {node['sshHostKeyInfo']['hostKey']}" for node in nodes}
    assert keys == {lab.host_key(name) for name in running}
    terminate(tumblebug)
    assert {host.state for host in lab.hosts.values()} == {HostState.SUSPENDED}
    assert not keys & {lab.host_key(name) for name in lab.hosts}


def test_a_terminated_machine_leaves_nothing(tumblebug: httpx.Client) -> None:
    create(tumblebug, aws=2, gcp=1)

    ran = run(tumblebug, "test ! -e /etc/mark")
    assert [each["error"] for each in ran.values()] == ["", "", ""]
    terminate(tumblebug)


def test_commands_fail_as_over_ssh(tumblebug: httpx.Client) -> None:
    create(tumblebug, gcp=1)

    assert run(tumblebug, "exit 7")["gcp-1"]["error"] == "Process exited with status 7"
    assert "user 'ubuntu' exists on target" in run(tumblebug, "true", user="ubuntu")["gcp-1"]["error"]
    terminate(tumblebug)


def test_a_full_cloud_refuses(tumblebug: httpx.Client) -> None:
    made = create(tumblebug, aws=3, gcp=1)

    assert made["status"] == "Partial-Running:3 (R:3/4)"
    failed = next(node for node in made["node"] if node["status"] == "Failed")
    assert failed["systemMessage"] == (
        "InsufficientInstanceCapacity: no host of the lab is free in aws-us-east-1"
    )
    terminate(tumblebug)
