# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Real ssh through real bastions: hosts of a lab, of which two have the same private address. Needs root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.lab import Lab
from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.api import Api
from lab.tumblebug.era import INFRA
from lab.tumblebug.from_topology import Keys, estate, places
from lab.tumblebug.gate import Credentials
from lab.tumblebug.lab_cloud import LabCloud
from lab.tumblebug.server import running
from tests.integration.tumblebug_inventory.ansible_inventory import Ansible, FreeClock

HIDDEN = ("aws-web-1", "azure-db-1")
"""Hosts of which Tumblebug knows no public address; their private one is the same."""

Edit = Callable[[dict], None]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLADNET_LAB_STATE", str(tmp_path_factory.mktemp("lab")))
        lab = Lab.load("demo", name="inventory")
        lab.down()
        lab.up()
        yield lab
        lab.down()


@dataclass
class LabTumblebug:
    """A simulator of the lab whose machines a test may change before they are told."""

    lab: Lab
    edit: Edit

    def __post_init__(self) -> None:
        topology = self.lab.topology
        where = places(
            topology, user="cb-user", keys=lambda cloud: Keys(self.lab.private_key(cloud).read_text())
        )
        objects = estate(topology, where, namespace="ns01", infra="mix", hosts=topology.hosts)
        cloud = LabCloud(self.lab)
        self.api = Api(INFRA, objects, cloud, credentials=Credentials(), now=FreeClock())

    def answer(self, request: Request) -> Answer:
        answer = self.api.answer(request)
        if not isinstance(answer.body, dict) or "node" not in answer.body:
            return answer
        body = json.loads(json.dumps(answer.body))
        for machine in body["node"]:
            key_type, key = self.lab.host_key(machine["id"]).split()
            machine["sshHostKeyInfo"] = {"keyType": key_type, "hostKey": key}
            machine["publicIP"] = "" if machine["id"] in HIDDEN else machine["publicIP"]
            self.edit(machine)
        return replace(answer, body=body)

    def register(self, target: str, bastion: str) -> None:
        """Makes a machine the bastion of another one's subnet."""
        headers = {"Authorization": "Basic " + b64encode(b"default:default").decode()}
        path = f"/ns/ns01/infra/mix/node/{target}/bastion/{bastion}"
        assert self.api.answer(Request("PUT", path, {}, headers)).status == 200


@contextmanager
def tumblebug(lab: Lab, edit: Edit = lambda machine: None) -> Iterator[tuple[str, LabTumblebug]]:
    served = LabTumblebug(lab, edit)
    with running(served) as url:
        yield url, served


class Operator:
    """Someone in the lab's internet, with the settings that come with the collection."""

    def __init__(self, lab: Lab, ansible: Ansible, sockets: str) -> None:
        self._ansible = ansible
        self._settings = ansible.folder / "ssh_config"  # ssh finds a home by user, whatever HOME says
        self._settings.write_text(f"UserKnownHostsFile {ansible.folder}/known_hosts\nIdentityFile none\n")
        tools = ansible.folder / "bin"
        tools.mkdir()
        shim = tools / "ssh"  # the real ssh, where the lab's public addresses are
        inet = f"ip netns exec {lab.topology.name}-inet"
        shim.write_text(f'#!/bin/sh\nexec {inet} /usr/bin/ssh -F {self._settings} "$@"\n')
        shim.chmod(0o755)
        ansible.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
            "ANSIBLE_SSH_VERBOSITY": "1",  # else ssh keeps to itself what the bastion says
            "ANSIBLE_TIMEOUT": "10",
        }

    def trust(self, address: str, key: Path) -> None:
        """Settings for a machine of one's own."""
        host = f"Host {address}\nIdentityFile {key}\nStrictHostKeyChecking accept-new\n"
        self._settings.write_text(host + "Host *\n" + self._settings.read_text())

    def names(self, pattern: str = "all", **options: object) -> dict[str, str]:
        """What the hosts say when they are asked for their names; why not, of those that cannot be asked."""
        self._ansible.write(**options)
        ask = ("-m", "ansible.builtin.raw", "-a", "hostname")
        said = self._ansible.command("ansible", pattern, "-i", str(self._ansible.file), *ask)
        self.shared = said.stdout.count("Shared connection to")
        answers = dict(re.findall(r"^(\S+) \| (.*?)(?=^\S+ \| |\Z)", said.stdout, re.DOTALL | re.MULTILINE))
        assert answers, said.stderr
        return {host: _answer(text) for host, text in answers.items()}

    def hostvars(self, **options: object) -> dict[str, dict]:
        return self._ansible.inventory(**options).hostvars


def _answer(text: str) -> str:
    said = re.match(r"CHANGED \| rc=0 >>\s+([\w-]+)", text)
    return said[1] if said else text


@pytest.fixture
def operator(lab: Lab, ansible: Ansible) -> Iterator[Operator]:
    sockets = tempfile.mkdtemp(prefix="cp-")  # short: the path of a socket may have 107 letters
    yield Operator(lab, ansible, sockets)
    for socket in Path(sockets).iterdir():
        subprocess.run(
            ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "x"], capture_output=True, check=False
        )
    shutil.rmtree(sockets, ignore_errors=True)  # each ssh removes its own socket, at a time of its own


def test_every_host_is_itself_also_where_two_have_one_private_address(lab: Lab, operator: Operator) -> None:
    """Twice: the second time over the connections that are open."""
    with tumblebug(lab) as (url, _served):
        hostvars = operator.hostvars(url=url)
        said = [operator.names(url=url) for _time in range(2)]

    assert {hostvars[name]["ansible_host"] for name in HIDDEN} == {"192.168.2.10"}
    assert all("ProxyCommand" in hostvars[name]["ansible_ssh_common_args"] for name in HIDDEN)
    assert said == [{name: name for name in lab.topology.hosts}] * 2
    assert operator.shared == len(lab.topology.hosts)


def test_without_a_bastion_they_are_out_of_reach(lab: Lab, operator: Operator) -> None:
    """The proof that it was the bastions."""
    with tumblebug(lab) as (url, _served):
        said = operator.names("aws-web-1", url=url, bastion="none")

    assert "UNREACHABLE" in said["aws-web-1"]


def test_host_keys_that_nobody_knows_are_learnt_by_name(lab: Lab, operator: Operator) -> None:
    with tumblebug(lab, lambda machine: machine.pop("sshHostKeyInfo")) as (url, _served):
        said = operator.names(url=url)

    assert said == {name: name for name in lab.topology.hosts}


OTHER_KEY = {
    "keyType": "ssh-ed25519",
    "hostKey": "AAAAC3NzaC1lZDI1NTE5AAAAIIoMjHTnJvPpSHlMnq9wVbqXpyWPMcTxBdXeTGN7kEWW",
}


@pytest.mark.parametrize("impostor", ["aws-web-1", "aws-web-2"], ids=["host", "bastion"])
def test_impostors_are_refused(lab: Lab, operator: Operator, impostor: str) -> None:
    """Another host key than CB-Tumblebug knows, of the host or of its bastion."""

    def forge(machine: dict) -> None:
        if machine["id"] == impostor:
            machine["sshHostKeyInfo"] = OTHER_KEY

    with tumblebug(lab, forge) as (url, _served):
        said = operator.names("aws-web-1:azure-db-1", url=url)

    assert said["azure-db-1"] == "azure-db-1"
    assert "Host key verification failed" in said["aws-web-1"], said


def test_registered_bastion_and_everything_private(lab: Lab, operator: Operator) -> None:
    with tumblebug(lab) as (url, served):
        served.register("gcp-app-1", "gcp-app-2")
        options = {"url": url, "connect_with": "private"}
        hostvars = operator.hostvars(**options)
        said = operator.names("gcp-app-1:gcp-app-2", **options)

    assert hostvars["gcp-app-1"]["ansible_host"] == "10.178.0.2"
    assert " 198.51.100.50 " in hostvars["gcp-app-1"]["ansible_ssh_common_args"]
    assert hostvars["gcp-app-2"]["ansible_host"] == "198.51.100.50"
    assert said == {name: name for name in ("gcp-app-1", "gcp-app-2")}


@pytest.mark.parametrize("bastion", ["aws-web-2", "aws-web-2.mix.ns01"])
def test_one_bastion_for_all(lab: Lab, operator: Operator, bastion: str) -> None:
    """It reaches the hosts of its own network privately, and those of other clouds publicly."""
    with tumblebug(lab) as (url, _served):
        said = operator.names("aws-web-1:aws-web-2:gcp-app-1", url=url, bastion=bastion)

    assert said == {name: name for name in ("aws-web-1", "aws-web-2", "gcp-app-1")}


def test_jump_host_that_is_no_machine_of_tumblebug(lab: Lab, operator: Operator) -> None:
    """Its keys come from ssh's own settings; without them it is refused, and nothing waits for an answer."""
    options = {"bastion": "ssh://cb-user@198.51.100.18:22"}
    with tumblebug(lab) as (url, _served):
        refused = operator.names("aws-web-1", url=url, **options)
        operator.trust("198.51.100.18", lab.private_key("aws"))
        said = operator.names("aws-web-1", url=url, **options)

    assert "Host key verification failed" in refused["aws-web-1"]
    assert said == {"aws-web-1": "aws-web-1"}
