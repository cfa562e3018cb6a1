# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The modules for CB-Tumblebug where it gets difficult: the real ansible, simulators of every era."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.modules.real_controller import ANSIBLE_DEADLINE_S, Result, run_module
from tests.integration.modules.simulated_tumblebug import CREDENTIALS, simulated_tumblebug

Group = dict[str, Any]

NAMESPACE = "ns01"
TRANSITION_S, SLOW_TRANSITION_S = 0.4, 8.0
ERAS = ("infra", "mci", "mcis")


@pytest.fixture(scope="module", params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def url(era: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp(era)
    with simulated_tumblebug(era, folder, namespace=NAMESPACE, transition_s=TRANSITION_S) as found:
        yield found


@dataclass(frozen=True)
class Run:
    """Runs modules at one simulator."""

    url: str

    @property
    def connection(self) -> dict[str, str]:
        return {"url": self.url, **CREDENTIALS, "namespace": NAMESPACE}

    def __call__(self, module: str, *flags: str, **options: object) -> Result:
        pace = {"poll_interval": 1} if module == "tumblebug_infra" else {}
        return run_module(module, {**self.connection, **pace, **options}, *flags)


@pytest.fixture
def run(url: str) -> Run:
    return Run(url)


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The modules at the newest era, for what does not depend on it."""
    folder = tmp_path_factory.mktemp("newest")
    with simulated_tumblebug("infra", folder, namespace=NAMESPACE, transition_s=TRANSITION_S) as url:
        yield Run(url)


@pytest.fixture
def web(run: Run) -> Group:
    return small_group(run)


def small_group(run: Run) -> Group:
    """A group of one machine, of what the catalogue offers in Seoul."""
    wish = {"provider": "aws", "region": "ap-northeast-2", "vcpu_min": 2, "memory_gib_min": 2}
    spec = run("tumblebug_spec_info", limit=1, **wish)["specs"][0]["id"]
    images = run("tumblebug_image_info", spec=spec, os="ubuntu 22.04", limit=1)["images"]
    return {"name": "web", "spec": spec, "image": images[0]["id"]}


def ids(result: Result) -> list[str]:
    return [vm["id"] for vm in result["infra"]["vms"]]


def test_reboot_and_what_is_known_after_a_resume(newest: Run) -> None:
    """The rest of the life of an infra is a target of ansible-test, in every era."""
    made = newest("tumblebug_infra", name="life", groups=[small_group(newest)])
    before = {vm["id"]: vm["public_ip"] for vm in made["infra"]["vms"]}
    newest("tumblebug_infra", name="life", state="suspended")
    resumed = newest("tumblebug_infra", name="life", state="running")
    assert (resumed["changed"], resumed["infra"]["power"]) == (True, "running")
    assert all(vm["public_ip"] not in ("", before[vm["id"]]) for vm in resumed["infra"]["vms"])
    assert newest("tumblebug_infra", name="life", state="rebooted")["changed"] is True
    newest("tumblebug_infra", name="life", state="absent")


def test_machines_that_fail(run: Run, web: Group) -> None:
    """The cloud refuses every machine of one spec; the message says which machine, and why."""
    refused = {**web, "name": "bad", "spec": web["spec"].replace("t3", "t9").replace("small", "none")}
    failed = run("tumblebug_infra", name="fails", groups=[web, refused])
    assert "bad-1 (Failed: InsufficientInstanceCapacity" in failed["msg"]
    assert failed["error"]["code"] == "unavailable"
    assert failed["infra"]["failed_vms"] == ["bad-1"]
    assert failed["changed"] is True

    mended = run(
        "tumblebug_infra", name="fails", groups=[web, {**web, "name": "bad"}], on_partial_failure="refine"
    )
    assert (ids(mended), mended["infra"]["failed_vms"]) == (["bad-1", "web-1"], [])
    removed = run("tumblebug_infra", name="rolls", groups=[web, refused], on_partial_failure="rollback")
    assert "The infra is removed again" in removed["msg"]
    assert run("tumblebug_infra_info", name="rolls")["infras"] == []
    run("tumblebug_infra", name="fails", state="absent")


@pytest.mark.parametrize("slow_era", ERAS)
def test_interrupted_run_is_completed(slow_era: str, tmp_path: Path) -> None:
    """A run that gives up leaves its order with the server; the next waits for that and orders nothing."""
    with simulated_tumblebug(slow_era, tmp_path, namespace=NAMESPACE, transition_s=SLOW_TRANSITION_S) as url:
        run = Run(url)
        groups = [{**small_group(run), "size": 2}]
        given_up = run("tumblebug_infra", name="torn", groups=groups, wait_timeout=2)
        assert "Run the task again" in given_up["msg"]
        completed = run("tumblebug_infra", name="torn", groups=groups)
        assert (completed["changed"], ids(completed)) == (False, ["web-1", "web-2"])
        assert completed["infra"]["power"] == "running"


def test_two_runs_at_once_make_one_infra(newest: Run) -> None:
    run, web = newest, small_group(newest)
    results: list[Result] = []

    def make() -> None:
        results.append(run("tumblebug_infra", name="twice", groups=[web]))

    both = [threading.Thread(target=make) for _number in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(ANSIBLE_DEADLINE_S)
    assert any("infra" in result for result in results)
    again = run("tumblebug_infra", name="twice", groups=[web])
    assert (again["changed"], ids(again)) == (False, ["web-1"])
    run("tumblebug_infra", name="twice", state="absent")


def test_namespace_that_does_not_exist(newest: Run) -> None:
    run, web = newest, small_group(newest)
    refused = run("tumblebug_infra", name="first", namespace="fresh", groups=[web])
    assert "no namespace fresh" in refused["msg"]
    planned = run(
        "tumblebug_infra", "--check", name="first", namespace="fresh", groups=[web], create_namespace=True
    )
    assert planned["changed"] is True
    assert "no namespace fresh" in run("tumblebug_infra_info", namespace="fresh")["msg"]
    made = run("tumblebug_infra", name="first", namespace="fresh", groups=[web], create_namespace=True)
    assert ids(made) == ["web-1"]
    run("tumblebug_infra", name="first", namespace="fresh", state="absent")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"namespace": ""}, "Use letters, digits and hyphens"),
        ({"groups": [{"name": "g", "size": "many"}]}, "cannot be converted to an int"),
        (
            {"groups": [{"name": "g", "spec": "no+such", "image": "i"}]},
            "refuses to make infra ns01/bad-input",
        ),
        ({"state": "suspended"}, "does not exist, so it cannot be suspended"),
        ({"url": "nowhere"}, "is not the address of a server"),
        ({"password": "wrong"}, "does not accept the login"),
    ],
)
def test_bad_input_of_an_infra(newest: Run, options: dict[str, Any], words: str) -> None:
    result = newest("tumblebug_infra", **{"name": "bad-input", **options})
    assert words in result["msg"]
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("tumblebug_infra", {"name": "x", "state": "absent"}),
        ("tumblebug_infra_info", {}),
        ("tumblebug_command", {"infra": "x", "commands": ["id"]}),
        ("tumblebug_spec_info", {}),
    ],
)
def test_wrong_era(newest: Run, module: str, options: dict[str, Any]) -> None:
    assert "Is the option era right?" in newest(module, era="mcis", **options)["msg"]


def test_info_about_all_infras(newest: Run) -> None:
    found = newest("tumblebug_infra_info")
    (demo,) = found["infras"]
    assert (found["changed"], demo["name"], demo["power"]) == (False, "demo", "running")
    assert {vm["provider"] for vm in demo["vms"]} == {"aws", "azure", "gcp"}
    assert "PRIVATE KEY" not in found.output


def test_specs(newest: Run) -> None:
    run = newest
    cheapest = run("tumblebug_spec_info", provider="aws", region="us-east-1", cost_per_hour_max=0.05)
    costs = [spec["cost_per_hour"] for spec in cheapest["specs"]]
    assert costs == sorted(costs)
    assert 0 < len(costs) <= 10
    near = run("tumblebug_spec_info", sort="location", near=[{"latitude": 50, "longitude": 8}], limit=1)
    assert near["specs"][0]["region"] == "eu-central-1"
    fast = run("tumblebug_spec_info", sort="performance", limit=2)["specs"]
    assert fast[0]["performance"] >= fast[1]["performance"]
    assert run("tumblebug_spec_info", provider="nobody")["specs"] == []


def test_architecture_of_specs(run: Run, era: str) -> None:
    arm = run("tumblebug_spec_info", architecture="arm64", region="ap-northeast-2")
    if era == "infra":
        assert {spec["architecture"] for spec in arm["specs"]} == {"arm64"}
    else:
        assert "does not tell the architecture" in arm["msg"]


def test_images(newest: Run) -> None:
    run, web = newest, small_group(newest)
    found = run("tumblebug_image_info", provider="aws", region="ap-northeast-2", os="Ubuntu 22.04")["images"]
    assert {image["os"] for image in found} == {"Ubuntu 22.04"}
    assert {region for image in found for region in image["regions"]} == {"ap-northeast-2"}
    fitting = run("tumblebug_image_info", spec=web["spec"], os="debian")["images"]
    assert fitting[0]["provider"] == "aws"
    assert run("tumblebug_image_info", os="templeos")["images"] == []
    assert "nothing" in run("tumblebug_image_info", spec="nothing")["msg"]


def test_commands(newest: Run) -> None:
    run = newest
    said = run("tumblebug_command", infra="demo", commands=["echo hello", "echo to-stderr >&2"])
    assert (said["changed"], said["failed_vms"]) == (True, [])
    assert said["vms"] == [result["vm"] for result in said["results"]]
    assert [result["stdout"][0] for result in said["results"]] == ["hello\n"] * len(said["vms"])
    assert said["results"][0]["stderr"] == ["", "to-stderr\n"]

    one = said["vms"][0]
    failed = run("tumblebug_command", infra="demo", vms=[one], commands=["echo no >&2; exit 3", "echo never"])
    assert failed["failed_vms"] == [one]
    assert f"{one} (" in failed["msg"]
    assert "3" in failed["results"][0]["error"]
    assert failed["results"][0]["stderr"] == ["no\n"]
    tolerated = run("tumblebug_command", infra="demo", vms=[one], commands=["false"], fail_on="never")
    assert (tolerated["changed"], tolerated["failed_vms"]) == (True, [one])

    controllers = run(
        "tumblebug_command", infra="demo", label_selector="cladnet-role=controller", commands=["id"]
    )
    assert 0 < len(controllers["vms"]) < len(said["vms"])
    group = said["results"][0]["group"]
    assert {
        each["group"]
        for each in run("tumblebug_command", infra="demo", groups=[group], commands=["id"])["results"]
    } == {group}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"infra": "nope"}, "no infra ns01/nope"),
        ({"commands": []}, "commands is empty"),
        ({"groups": ["nope"]}, "no group nope. There are:"),
    ],
)
def test_bad_input_of_a_command(newest: Run, options: dict[str, Any], words: str) -> None:
    assert words in newest("tumblebug_command", **{"infra": "demo", "commands": ["id"], **options})["msg"]


def test_connection_from_the_environment(newest: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for option, value in newest.connection.items():
        monkeypatch.setenv(f"TUMBLEBUG_{option.upper()}", value)
    assert [infra["name"] for infra in run_module("tumblebug_infra_info", {})["infras"]] == ["demo"]


def test_password_is_in_no_output(newest: Run) -> None:
    result = newest("tumblebug_infra_info", "-vvv", password="TOPSECRET")
    assert "does not accept the login" in result["msg"]
    assert "TOPSECRET" not in result.output
