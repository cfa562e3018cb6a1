# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Rules fire under the real ansible-rulebook when something happens in a network of a real controller."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.controller.controller_process import NET, ControllerProcess
from tests.integration.controller.etcd_server import EtcdServer
from tests.integration.controller.waiting import until, wait_for
from tests.integration.eda.rulebook_run import RulebookRun, ansible_rulebook, shipped

UNREACHABLE = """
[cladnet_controllers]
a1 ansible_host=127.0.0.1 ansible_port=1
[cladnet_agents]
a1
b1 ansible_host=127.0.0.1 ansible_port=1
"""


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControllerProcess]:
    """A controller with an empty network; every test leaves it running."""
    folder = tmp_path_factory.mktemp("controller")
    (folder / "etcd").mkdir()
    etcd = EtcdServer(folder / "etcd")
    etcd.start()
    controller = ControllerProcess(folder / "c1", etcd.endpoint)
    controller.start()
    with controller.api() as api:
        assert api.post("/networks", json={"name": NET, "cidr": "10.99.0.0/24"}).status_code == 201
    yield controller
    controller.kill()
    controller.notified.close()
    etcd.kill()
    shutil.rmtree(folder / "etcd")  # 128 MiB of preallocated log


def rule_sets() -> list[dict[str, Any]]:
    """The rulebook of the collection; quicker, with a rule that tells what it leaves."""
    (rule_set,) = shipped("peer_lost")
    del rule_set["sources"][0]["cloud_barista.cladnet.cladnet_events"]["types"]
    rule_set["rules"][0]["throttle"]["once_after"] = "1 second"
    told = "told {{ event.cladnet.type }} of {{ event.cladnet.host }}."
    tell = {"name": "Tell", "condition": "event.cladnet is defined", "action": {"debug": {"msg": told}}}
    rule_set["rules"].append(tell)
    return [{**rule_set, "execution_strategy": "parallel"}]  # what is told does not wait for the playbook


def variables(controller: ControllerProcess, state_file: Path) -> dict[str, Any]:
    """Those of the rulebook. The first address is one where nobody answers."""
    return {
        "cladnet_urls": ["https://127.0.0.1:1", f"https://127.0.0.1:{controller.api_port}"],
        "cladnet_api_token_file": str(controller.state / "admin.token"),
        "cladnet_ca_path": str(controller.ca),
        "cladnet_server_name": "cladnet-controller",
        "cladnet_network": NET,
        "cladnet_state_file": str(state_file),
    }


def told(run: RulebookRun) -> list[str]:
    """Every event that a rule told, in order."""
    return re.findall(r"told (\w+ of \w+)\.", run.output)


def known(state_file: Path) -> dict[str, Any]:
    """What the source remembers; nothing before its first snapshot."""
    return json.loads(state_file.read_text())["state"] if state_file.exists() else {"last_id": ""}


async def connect_and_leave(controller: ControllerProcess, host: str, run: RulebookRun) -> None:
    """An agent joins, connects, and loses its connection when that was told."""
    member = controller.enrol(host)
    async with controller.connect(member.credentials) as connection:
        await connection.report(member.report())
        replies = connection.watch(0, 0)
        async with contextlib.aclosing(replies):
            assert (await anext(replies)).HasField("snapshot")
            await until(lambda: f"told peer_connected of {host}." in run.output, "told of the connection")


async def test_loss_of_a_host_starts_the_status_playbook_and_no_restart_loses_an_event(
    controller: ControllerProcess, tmp_path: Path
) -> None:
    state_file = tmp_path / "state.json"
    folder, given = tmp_path / "rulebook", variables(controller, state_file)
    with ansible_rulebook(folder, rule_sets(), given, UNREACHABLE) as run:
        run.until(lambda: bool(known(state_file)["last_id"]), "a snapshot")
        await connect_and_leave(controller, "a1", run)
        run.wait_for("TASK [Ask the agent]")

        controller.kill()
        controller.start()
        wait_for(controller.is_healthy, "the controller to be healthy")
        controller.enrol("b1")
        run.wait_for("told peer_joined of b1.")
        run.until(lambda: "b1" in {peer["host"] for peer in known(state_file)["peers"]}, "b1 remembered")
    before = told(run)
    assert len(before) == len(set(before)), before
    assert next(event for event in before if event.endswith("a1")) == "peer_joined of a1"

    with controller.api() as api:
        assert api.delete(f"/networks/{NET}/peers/b1").status_code == 204
    with ansible_rulebook(folder, rule_sets(), given, UNREACHABLE) as run:
        run.wait_for("told peer_left of b1.")
    assert "peer_joined of a1" not in told(run)
    assert (controller.state / "admin.token").read_text().strip() not in run.output


def test_wrong_token_ends_the_rulebook_with_a_sentence(controller: ControllerProcess, tmp_path: Path) -> None:
    given = variables(controller, tmp_path / "state.json")
    given |= {"cladnet_api_token": "not-the-token", "cladnet_api_token_file": ""}
    given["cladnet_urls"] = given["cladnet_urls"][1:]
    with ansible_rulebook(tmp_path / "rulebook", shipped("peer_lost"), given) as run:
        assert run.exit_status() != 0
    assert "The administrator's token is missing or wrong." in run.output
    assert "not-the-token" not in run.output
