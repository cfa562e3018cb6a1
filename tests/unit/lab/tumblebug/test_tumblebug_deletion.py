# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Terminating, refining and deleting."""

from __future__ import annotations

import pytest

from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS, Era
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, new_group, new_infra

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)


def control(era: Era, machine: str = "") -> str:
    path = f"/ns/default/control/{era.infra}/mix"
    return f"{path}/{era.node}/{machine}" if machine else path


@ALL
def test_terminate_one_machine(era: Era) -> None:
    bench = Bench(era)

    assert bench.body(control(era, "g1-1"), action="terminate") == {"message": "Working on terminate"}
    now = bench.body(bench.mix, option="status")["status"]
    assert now[era.node][0]["status"] == "Terminating"
    assert (now["targetAction"], now["targetStatus"]) == ("Terminate", "Terminated")
    bench.clock.now_s += bench.transition_s
    then = bench.body(bench.mix, option="status")["status"]
    assert (then[era.node][0]["status"], then[era.node][0]["publicIp"]) == ("Terminated", "")
    assert then["targetAction"] == "None"
    access = bench.body(bench.mix, option="accessinfo")
    assert "g1-1" not in str(access)


@pytest.mark.parametrize(("era", "status"), [(MCIS, 500), (MCI, 500), (INFRA, 200)])
def test_terminated_machine_is_only_deleted(era: Era, status: int) -> None:
    bench = Bench(era)
    bench.body(control(era, "g1-1"), action="terminate")
    bench.clock.now_s += bench.transition_s

    assert bench.ask(control(era, "g1-1"), action="resume").status == 500
    assert bench.ask(control(era, "g1-1"), action="terminate").status == status


def test_suspended_machine_can_be_terminated() -> None:
    bench = Bench(INFRA)
    bench.body(control(INFRA, "g1-1"), action="suspend")
    bench.clock.now_s += bench.transition_s

    assert bench.body(control(INFRA, "g1-1"), action="terminate") == {"message": "Working on terminate"}


@ALL
def test_terminate_all(era: Era) -> None:
    bench = Bench(era)

    assert bench.body(control(era), action="terminate") == {"message": f"Terminated the {era.infra_title}"}
    bench.clock.now_s += bench.transition_s
    status = bench.body(bench.mix, option="status")["status"]
    assert status["status"] == "Terminated:3 (R:0/3)"
    assert bench.ask(bench.mix, method="DELETE").status == 200
    assert bench.body(bench.infras, option="id") == {"output": None}


@pytest.mark.parametrize(
    ("era", "message"),
    [
        (MCIS, "MCIS mix is Running:3 (R:3/3) and not Terminated/Undefined/Failed, Deletion is not allowed "),
        (MCI, "MCI mix is Running:3 (R:3/3) and not Terminated/Undefined/Failed, Deletion is not allowed "),
    ],
)
def test_running_infra_is_not_deleted(era: Era, message: str) -> None:
    answer = Bench(era).ask(Bench(era).mix, method="DELETE")

    assert answer.status == 500
    assert answer.body == {"message": f"{message}(use option=force for force deletion)"}


def test_newest_tag_terminates_before_it_deletes() -> None:
    bench = Bench(INFRA)

    assert bench.ask(bench.mix, method="DELETE").status == 200
    assert bench.cloud.instance("i-g1-1").status == "Terminated"


@pytest.mark.parametrize(
    ("era", "lines"),
    [
        (MCIS, ["VM: g1-1 [Done]", "VM: g1-2 [Done]", "VM: g2-1 [Done]", "SubGroup: g1 [Done]"]),
        (MCI, ["[Done] VM: g1-1", "[Done] VM: g1-2", "[Done] VM: g2-1", "[Done] SubGroup: g1"]),
        (INFRA, ["[Done] Node: g1-1", "[Done] Node: g1-2", "[Done] Node: g2-1", "[Done] NodeGroup: g1"]),
    ],
)
def test_deletion_with_termination(era: Era, lines: list[str]) -> None:
    bench = Bench(era, transition_s=2)
    answer = bench.ask(bench.mix, method="DELETE", option="terminate")

    assert (answer.status, answer.body["output"][:4]) == (200, lines)
    assert bench.ask(bench.mix).status == 500
    assert bench.cloud.instance("i-g1-1").status == "Terminated"


def test_old_tags_wait_only_five_seconds_for_the_clouds() -> None:
    bench = Bench(MCIS, transition_s=30)
    answer = bench.ask(bench.mix, method="DELETE", option="terminate")

    assert (answer.status, "MCIS mix is Terminating:3" in answer.body["message"]) == (500, True)
    bench.clock.now_s += 30
    assert bench.ask(bench.mix, method="DELETE", option="terminate").status == 200


@ALL
def test_forced_deletion_orphans(era: Era) -> None:
    bench = Bench(era)
    answer = bench.ask(bench.mix, method="DELETE", option="force")

    assert answer.status == 200
    assert bench.cloud.instance("i-g1-1").status == "Running"
    assert ("[WARNING] 3 node(s) may remain" in answer.body["output"][0]) == (era is INFRA)


@pytest.mark.parametrize(("era", "status"), [(MCIS, 500), (MCI, 400), (INFRA, 400)])
def test_delete_one_machine(era: Era, status: int) -> None:
    bench = Bench(era, transition_s=2)
    path = f"{bench.mix}/{era.node}"
    title = era.node_title

    assert bench.ask(f"{path}/g2-1", method="DELETE").body == {"message": f"Deleted the {title} info"}
    assert bench.body(bench.mix, option="id") == {"output": ["g1-1", "g1-2"]}
    assert bench.body(f"{bench.mix}/{era.group_path}") == {"output": ["g1"]}
    again = bench.ask(f"{path}/g2-1", method="DELETE")
    assert (again.status, again.body) == (status, {"message": f"Failed to delete the {title} info"})


def test_newest_tag_deletes_no_machine_that_is_not_yet_terminated() -> None:
    bench = Bench(INFRA, transition_s=60)

    assert bench.ask(f"{bench.mix}/node/g2-1", method="DELETE").status == 400
    assert bench.ask(f"{bench.mix}/node/g2-1", method="DELETE", option="force").status == 200


@ALL
def test_refine_drops_failed_machines(era: Era) -> None:
    bench = Bench(era, capacity={"aws-ap-northeast-2": 1}, transition_s=0)
    bench.post(f"/ns/default/{era.dynamic}", new_infra(era, "web", new_group(era, "g1", 2)))
    refine = f"/ns/default/control/{era.infra}/web"

    assert bench.body(refine, action="refine") == {"message": f"Refined the {era.infra_title}"}
    found = bench.body(f"{bench.infras}/web")
    assert ([each["id"] for each in found[era.node]], found["targetAction"]) == (["g1-1"], "None")


@ALL
def test_terminated_machines_free_their_place(era: Era) -> None:
    bench = Bench(era, capacity={"aws-ap-northeast-2": 1}, transition_s=0)
    body = new_infra(era, "web", new_group(era, "g1", 1))
    for _each in range(2):
        made = bench.post(f"/ns/default/{era.dynamic}", body)
        assert made["status"] == "Running:1 (R:1/1)"
        assert bench.ask(f"{bench.infras}/web", method="DELETE", option="terminate").status == 200


def test_infra_without_machines() -> None:
    bench = Bench(INFRA, transition_s=0)
    for machine in ("g1-1", "g1-2", "g2-1"):
        assert bench.ask(f"{bench.mix}/node/{machine}", method="DELETE").status == 200

    found = bench.body(bench.mix)
    assert (found["status"], found["node"]) == ("Empty", [])
    assert bench.body(control(INFRA), action="terminate") == {"message": "No Node to terminate in the Infra"}
    assert bench.ask(bench.mix, method="DELETE").body == {"output": ["[Done] Infra: mix"]}


@ALL
def test_delete_all(era: Era) -> None:
    bench = Bench(era, transition_s=0)
    answer = bench.ask(bench.infras, method="DELETE", option="terminate")
    again = bench.ask(bench.infras, method="DELETE", option="terminate")

    assert answer.body == {"message": f"All {era.infra_title}s has been deleted"}
    assert again.body == {"message": f"No {era.infra_title} to delete"}
