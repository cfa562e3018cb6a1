# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The inventory source of examples/awx: AWX's command with the environment of the injected credential."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from lab.tumblebug.answers import Request
from lab.tumblebug.era import INFRA
from tests.integration.awx.configuration import TUMBLEBUG_PASSWORD
from tests.integration.awx.private_data import PrivateData
from tests.integration.modules.simulated_tumblebug import MARKED_KEY, simulators_with_marked_key
from tests.integration.tumblebug_inventory.ansible_inventory import FreeClock
from tests.unit.lab.tumblebug.tumblebug_bench import AUTHORIZED, Bench, machine_keys
from tests.unit.plugins.https_server import HttpsServer, https_server

DEMO_HOSTS = [f"{name}-{n}" for name in ("aws-web", "azure-db", "gcp-app") for n in (1, 2)]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts the simulator of an era with a password of its own; gives its URL."""
    with simulators_with_marked_key(tmp_path, password=TUMBLEBUG_PASSWORD) as start:
        yield start


@pytest.mark.parametrize("era", ["mcis", "mci", "infra"])
def test_inventory_update(era: str, simulator: Callable[[str], str], private_data: PrivateData) -> None:
    private_data.attach("CB-Tumblebug", url=simulator(era), username="default", password=TUMBLEBUG_PASSWORD)
    update = private_data.update_inventory()

    assert update.status == 0, update.output
    assert sorted(update.inventory["_meta"]["hostvars"]) == DEMO_HOSTS
    assert update.inventory["cladnet_controllers"]["hosts"] == ["aws-web-1"]
    assert sorted(update.inventory["cladnet_agents"]["hosts"]) == DEMO_HOSTS
    assert "__ansible_" not in update.text
    for secret in (TUMBLEBUG_PASSWORD, "TOPSECRET"):
        assert secret not in update.text


def test_wrong_password(simulator: Callable[[str], str], private_data: PrivateData) -> None:
    private_data.attach("CB-Tumblebug", url=simulator("infra"), password="s3cret-but-wrong")
    update = private_data.update_inventory()

    assert update.status != 0
    assert update.inventory == {}
    assert "does not accept the login (401 Unauthorized)" in update.words
    assert "TUMBLEBUG_PASSWORD" in update.words
    assert "s3cret-but-wrong" not in update.text


def test_a_job_has_the_ssh_keys_again(simulator: Callable[[str], str], private_data: PrivateData) -> None:
    """The container of the inventory update is gone when the job begins, and its files with it."""
    private_data.attach("CB-Tumblebug", url=simulator("mci"), password=TUMBLEBUG_PASSWORD)
    hostvars = private_data.update_inventory().inventory["_meta"]["hostvars"]
    keys = {Path(variables["ansible_ssh_private_key_file"]) for variables in hostvars.values()}
    shutil.rmtree(private_data.folder / "home")
    (private_data.folder / "home").mkdir()

    job = private_data.run_job("playbooks/ssh_keys.yml", hosts="\n".join(hostvars))

    assert job.status == "successful", job.stdout
    assert {path.read_text() for path in keys} == {MARKED_KEY}
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert "TOPSECRET" not in job.stdout + str(job.events)
    assert TUMBLEBUG_PASSWORD not in job.stdout + str(job.events)


def test_vms_of_a_job_are_in_the_next_inventory(
    simulator: Callable[[str], str], private_data: PrivateData
) -> None:
    """The first jobs of the workflow "CLADNet from nothing", with the groups as a person types them."""
    private_data.attach("CB-Tumblebug", url=simulator("infra"), password=TUMBLEBUG_PASSWORD)
    keys = machine_keys(INFRA)
    answers = {
        "cladnet_infra_name": "fresh",
        "cladnet_infra_namespace": "ns02",
        "cladnet_infra_groups": f"- {{name: new, size: 2, spec: {keys.spec}, image: {keys.image}}}\n",
    }

    made = private_data.run_job("playbooks/create_infra.yml", **answers)
    again = private_data.run_job("playbooks/create_infra.yml", **answers)
    update = private_data.update_inventory()

    assert made.status == "successful", made.stdout
    assert made.changed == {"localhost": 1}
    assert again.changed == {}
    assert update.inventory["tumblebug_infra_ns02_fresh"]["children"] == ["tumblebug_subgroup_ns02_fresh_new"]
    new = update.inventory["tumblebug_subgroup_ns02_fresh_new"]["hosts"]
    assert len(new) == 2
    assert set(new) < set(update.inventory["cladnet_agents"]["hosts"])


class Simulated(dict):  # type: ignore[type-arg]
    """The answers of a simulator, for a server that looks them up by method and path."""

    def __init__(self) -> None:
        self._bench = Bench(INFRA, clock=FreeClock())

    def __missing__(self, asked: tuple[str, str]) -> tuple[int, object]:
        method, target = asked
        url = urlsplit(target)
        path = url.path.removeprefix("/tumblebug")
        answer = self._bench.api.answer(Request(method, path, dict(parse_qsl(url.query)), AUTHORIZED))
        return answer.status, answer.body


@pytest.fixture
def tls_simulator(tmp_path: Path) -> Iterator[HttpsServer]:
    """A simulator behind a certificate that no execution environment knows."""
    with https_server(tmp_path) as server:
        server.answers = Simulated()
        yield server


def test_certificate_authority_of_the_credential(
    tls_simulator: HttpsServer, private_data: PrivateData
) -> None:
    authority = tls_simulator.ca_path.read_text()
    private_data.attach("CB-Tumblebug", url=tls_simulator.url, password="default", ca_cert=authority)
    update = private_data.update_inventory()

    assert update.status == 0, update.output
    assert len(update.inventory["_meta"]["hostvars"]) == 3


def test_unknown_certificate_is_refused_unless_asked_otherwise(
    tls_simulator: HttpsServer, private_data: PrivateData
) -> None:
    """A checkbox that was never seen must be the safe answer."""
    private_data.attach("CB-Tumblebug", url=tls_simulator.url, password="default")
    refused = private_data.update_inventory()
    private_data.attach(
        "CB-Tumblebug", url=tls_simulator.url, password="default", skip_certificate_check=True
    )
    trusted = private_data.update_inventory()

    assert refused.status != 0
    assert "certificate" in refused.words
    assert trusted.status == 0, trusted.output
