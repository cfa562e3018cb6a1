# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""configure.yml with the real awx.awx modules: their argument specs, and a whole run against a stand-in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.awx.awx_api import ENCRYPTED, AwxApi, serving
from tests.integration.awx.configuration import (
    ANSIBLE_PACKAGE,
    API_TOKEN,
    AWX,
    PROJECT,
    ROOT,
    TUMBLEBUG_PASSWORD,
    Run,
    configure,
    credential_type,
    person,
    run,
)

WEBHOOK = {"cladnet_awx_webhook_url": "https://chat.example/hook"}


@dataclass
class Configured:
    """An AWX that configure.yml was applied to twice."""

    api: AwxApi
    first: Run
    changes: list[tuple[str, str]]
    second: Run


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    api = AwxApi()
    with serving(api) as url:
        environment = person(tmp_path_factory.mktemp("person"), url)
        first = configure(environment, **WEBHOOK)
        changes = api.changes.copy()
        yield Configured(api, first, changes, configure(environment, **WEBHOOK))


def test_arguments_are_those_of_the_real_modules(tmp_path: Path) -> None:
    script = Path(__file__).with_name("configure_arguments.py")
    extra = json.dumps(WEBHOOK)
    checked = run([ANSIBLE_PACKAGE / "python", script, AWX / "configure.yml", extra], person(tmp_path))

    assert checked.status == 0, checked.output
    calls = json.loads(checked.output)
    assert [call for call in calls if call["errors"]] == []
    modules = set(re.findall(r"awx\.awx\.(\w+):", (AWX / "configure.yml").read_text()))
    assert {call["module"] for call in calls} >= modules


def test_syntax(tmp_path: Path) -> None:
    command = [ANSIBLE_PACKAGE / "ansible-playbook", "--syntax-check", AWX / "configure.yml"]
    checked = run(command, person(tmp_path))
    assert checked.status == 0, checked.output


def test_a_new_awx_is_configured(configured: Configured) -> None:
    assert configured.first.status == 0, configured.first.output
    api = configured.api
    source = api.named("inventory_sources", "CLADNet VMs of CB-Tumblebug")
    assert (source["source"], source["update_on_launch"], source["overwrite"]) == ("scm", True, True)
    assert source["update_cache_timeout"] == 300
    assert source["credential"] == api.named("credentials", "CB-Tumblebug")["id"]
    assert source["source_project"] == api.named("projects", "CLADNet")["id"]
    assert (PROJECT / source["source_path"]).is_file()
    assert api.linked("organizations", "CLADNet", "galaxy_credentials") == ["Ansible Galaxy"]


def test_a_second_run_changes_nothing(configured: Configured) -> None:
    assert configured.second.status == 0, configured.second.output
    assert re.search(r"changed=0 .*failed=0", configured.second.output), configured.second.output
    created = [path for method, path in configured.api.changes if method == "POST"]
    assert created == [path for method, path in configured.changes if method == "POST"]


def test_secrets_are_sent_and_not_shown(configured: Configured) -> None:
    inputs = configured.api.named("credentials", "CB-Tumblebug")["inputs"]
    assert inputs["password"] == ENCRYPTED
    assert "token" not in inputs
    assert configured.api.named("credentials", "CLADNet API")["inputs"]["token"] == ENCRYPTED
    for output in (configured.first.output, configured.second.output):
        assert TUMBLEBUG_PASSWORD not in output
        assert API_TOKEN not in output


def test_workflows_and_where_they_wait_for_an_approval(configured: Configured) -> None:
    api = configured.api
    assert [each["name"] for each in api.objects["workflow_approval_templates"].values()] == [
        "Upgrade the network",
        "Uninstall the network",
    ]
    assert path_through(api, "CLADNet deployment") == ["vms", "deploy", "status"]
    assert path_through(api, "CLADNet recovery") == ["vms", "recover"]
    assert path_through(api, "CLADNet from nothing") == ["create", "vms", "wait", "deploy", "status"]
    assert path_through(api, "CLADNet approved upgrade") == ["vms", "before", "approval", "upgrade", "after"]
    assert path_through(api, "CLADNet approved uninstall") == ["vms", "approval", "uninstall"]


def path_through(api: AwxApi, workflow: str) -> list[str]:
    """Identifiers of the nodes of a workflow, in the order of their links."""
    number = api.named("workflow_job_templates", workflow)["id"]
    nodes = {
        each["id"]: each
        for each in api.objects["workflow_job_template_nodes"].values()
        if each["workflow_job_template"] == number
    }
    after = {number: api.links.get(f"workflow_job_template_nodes/{number}/success_nodes") for number in nodes}
    pointed_to = {each for links in after.values() for each in links or []}
    [at] = set(nodes) - pointed_to
    path = [nodes[at]["identifier"]]
    while after[at]:
        [at] = after[at]
        path.append(nodes[at]["identifier"])
    assert len(path) == len(nodes)
    return path


def test_every_job_template_has_its_playbook_in_the_project(configured: Configured) -> None:
    for template in configured.api.objects["job_templates"].values():
        assert (PROJECT / template["playbook"]).is_file(), template["name"]


def test_every_answer_of_a_survey_is_used(configured: Configured) -> None:
    """A question whose variable no playbook reads would be a promise that nobody keeps."""
    for template in configured.api.objects["job_templates"].values():
        survey = configured.api.surveys.get(f"job_templates/{template['id']}/survey_spec", {"spec": []})
        text = text_of(PROJECT / template["playbook"])
        for question in survey["spec"]:
            assert re.search(rf"\b{question['variable']}\b", text), (template["name"], question["variable"])


def text_of(file: Path) -> str:
    """A playbook, or file of tasks, with all that it imports and includes."""
    text = file.read_text()
    for name in re.findall(r"(?:import_playbook|include_tasks|import_tasks): (\S+)", text):
        own = name.removeprefix("cloud_barista.cladnet.")
        text += text_of(file.parent / name if own == name else ROOT / "playbooks" / f"{own}.yml")
    return text


def test_without_a_controller_yet(tmp_path: Path) -> None:
    """Before the first deployment there is no API: the rest is configured."""
    script = Path(__file__).with_name("configure_arguments.py")
    environment = person(tmp_path) | {"CLADNET_API_URL": ""}
    checked = run([ANSIBLE_PACKAGE / "python", script, AWX / "configure.yml"], environment)

    names = [call["name"] for call in json.loads(checked.output)]
    assert "CLADNet deploy" in names
    assert "CLADNet create network" not in names


def test_missing_secret_is_said_before_anything_is_done(tmp_path: Path) -> None:
    done = configure(person(tmp_path) | {"TUMBLEBUG_PASSWORD": ""})
    assert done.status != 0
    assert "Set TUMBLEBUG_URL, and TUMBLEBUG_PASSWORD or TUMBLEBUG_TOKEN" in " ".join(done.output.split())


@pytest.mark.parametrize("name", ["CB-Tumblebug", "CLADNet API"])
def test_secret_fields_are_marked(name: str) -> None:
    for field in credential_type(name)["inputs"]["fields"]:
        assert field.get("secret", False) is (field["id"] in ("password", "token")), field["id"]


def test_rules_of_events_start_job_templates_that_exist(configured: Configured) -> None:
    rules = (ROOT / "examples" / "eda" / "job_templates.yml").read_text()
    started = re.findall(r"default\('(CLADNet \w+)'\)", rules)
    assert started
    for name in started:
        template = configured.api.named("job_templates", name)
        organization = configured.api.objects["organizations"][template["organization"]]["name"]
        assert f"default('{organization}')" in rules
    assert configured.api.named("job_templates", "CLADNet deploy")["ask_limit_on_launch"] is True
