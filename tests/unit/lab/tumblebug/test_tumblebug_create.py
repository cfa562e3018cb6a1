# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Making infras and machines, and what goes wrong with it."""

from __future__ import annotations

import threading
import time

import pytest

from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS, Era
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, machine_keys, new_group, new_infra

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)


def dynamic(era: Era, namespace: str = "default") -> str:
    return f"/ns/{namespace}/{era.dynamic}"


def statuses(document: dict, era: Era) -> dict[str, str]:
    return {each["id"]: each["status"] for each in document[era.node]}


@ALL
def test_a_new_infra_runs_when_the_answer_comes(era: Era) -> None:
    bench = Bench(era)
    before_s = bench.clock.now_s
    made = bench.post(dynamic(era), new_infra(era, "web", new_group(era, "g1", 2), new_group(era, "g2", 1)))

    assert statuses(made, era) == {"g1-1": "Running", "g1-2": "Running", "g2-1": "Running"}
    assert made["status"] == "Running:3 (R:3/3)"
    assert bench.clock.now_s - before_s >= bench.transition_s
    assert bench.body(f"{bench.infras}/web")["targetAction"] == "None"
    assert bench.body(f"{bench.infras}/web/{era.group_path}") == {"output": ["g1", "g2"]}
    first = made[era.node][0]
    keys = machine_keys(era)
    assert first["publicIP"].startswith("198.51.100.")
    assert first["specId"] == keys.spec
    assert first["imageId"] == keys.image
    assert first[era.user_key] == "cb-user"


@pytest.mark.parametrize(("era", "action"), [(MCIS, "Create"), (MCI, "Create"), (INFRA, "None")])
def test_old_answers_still_show_the_action(era: Era, action: str) -> None:
    made = Bench(era).post(dynamic(era), new_infra(era, "web", new_group(era, "g1", 1)))

    assert made["targetAction"] == action


@pytest.mark.parametrize(
    ("era", "label"), [(MCIS, "tier=web,edge"), (MCI, {"tier": "web"}), (INFRA, {"a": "b"})]
)
def test_labels_of_the_infra_and_its_machines(era: Era, label: object) -> None:
    group = new_group(era, "g1", 1) | {"label": label}
    made = Bench(era).post(dynamic(era), new_infra(era, "web", group) | {"label": label})

    for found in (made["label"], made[era.node][0]["label"]):
        if isinstance(label, str):
            assert found == label
        else:
            assert found.items() >= label.items()


@ALL
def test_a_second_machine_of_a_connection_shares_its_network(era: Era) -> None:
    bench = Bench(era)
    bench.post(dynamic(era, "empty"), new_infra(era, "a", new_group(era, "g1", 1)))
    bench.post(dynamic(era, "empty"), new_infra(era, "b", new_group(era, "g1", 1)))

    word = "shared" if era.has_uid else "systemdefault"
    assert bench.body("/ns/empty/resources/vNet", option="id") == {
        "output": [f"empty-{word}-aws-ap-northeast-2"]
    }
    ips = {bench.body(f"/ns/empty/{era.infra}/{name}")[era.node][0]["privateIP"] for name in "ab"}
    assert len(ips) == 2


@ALL
def test_unnamed_group_gets_a_uid(era: Era) -> None:
    made = Bench(era).post(dynamic(era), new_infra(era, "web", new_group(era, "", 1)))

    (name,) = statuses(made, era)
    assert len(name) == len("0123456789abcdefghij-1")
    assert name.endswith("-1")


@pytest.mark.parametrize(("era", "code"), [(MCIS, 500), (MCI, 400), (INFRA, 400)])
def test_refusals_leave_nothing_behind(era: Era, code: int) -> None:
    bench = Bench(era)
    good = new_group(era, "g1", 1)
    for change, words in (
        ({era.spec_key: "aws+nowhere+t0"}, "spec"),
        ({era.image_key: "plan9"}, "mage"),
        ({"connectionName": "aws-nowhere"}, "Failed to get ConnectionName (aws-nowhere)"),
        ({"name": "-g"}, "The first character of name must be a letter"),
    ):
        answer = bench.ask(dynamic(era), method="POST", send=new_infra(era, "web", good | change))
        assert (answer.status, words in answer.body["message"]) == (code, True), answer
    assert bench.body(bench.infras, option="id") == {"output": ["mix"]}


@pytest.mark.parametrize(("era", "code"), [(MCIS, 500), (MCI, 400), (INFRA, 400)])
def test_names_must_be_free_and_follow_the_rule(era: Era, code: int) -> None:
    bench = Bench(era)
    group = new_group(era, "g1", 1)
    taken = bench.ask(dynamic(era), method="POST", send=new_infra(era, "mix", group))
    odd = bench.ask(dynamic(era), method="POST", send=new_infra(era, "9lives", group))
    twice = bench.ask(dynamic(era), method="POST", send=new_infra(era, "web", group, group))

    assert (taken.status, taken.body) == (code, {"message": f"The {era.infra} mix already exists."})
    assert (odd.status, "9lives: The first character" in odd.body["message"]) == (code, True)
    assert (twice.status, twice.body) == (code, {"message": f"Duplicated {era.group_word} ID"})


def test_missing_namespace() -> None:
    answer = Bench(INFRA).ask("/ns/none/infraDynamic", method="POST", send={})

    assert (answer.status, answer.body) == (404, {"message": "Not valid namespace"})


@pytest.mark.parametrize(
    ("era", "change", "words"),
    [
        (MCIS, {"subGroupSize": 2}, "expected=string, got=number, field=vm.subGroupSize"),
        (MCI, {"label": "text"}, "expected=struct, got=string, field=vm.label"),
        (INFRA, {"nodeGroupSize": "2"}, "expected=int, got=string, field=nodeGroups.nodeGroupSize"),
    ],
)
def test_types_are_those_of_the_era(era: Era, change: dict, words: str) -> None:
    answer = Bench(era).ask(
        dynamic(era), method="POST", send=new_infra(era, "web", new_group(era, "g1", 1) | change)
    )

    assert answer.status == era.client_error_code
    assert words in answer.body["message"]


@ALL
def test_no_groups_and_no_json(era: Era) -> None:
    bench = Bench(era)

    assert bench.ask(dynamic(era), method="POST", send={"name": "web"}).status == era.client_error_code
    assert bench.ask(dynamic(era), method="POST", send="text").status == era.client_error_code
    assert bench.body(bench.infras, option="id") == {"output": ["mix"]}


@ALL
def test_image_must_be_of_the_region(era: Era) -> None:
    foreign = {"mcis": "gcp-asia-northeast3-debian12", "mci": "gcp+asia-northeast3+debian12"}
    image = foreign.get(era.name, machine_keys(era, "us-east-1").image)
    group = new_group(era, "g1", 1) | {era.image_key: image}
    answer = Bench(era).ask(dynamic(era), method="POST", send=new_infra(era, "web", group))

    assert answer.status == era.client_error_code
    assert "aws-ap-northeast-2" in answer.body["message"]


@pytest.mark.parametrize(
    ("era", "status", "target", "address"),
    [
        (MCIS, "Partial-Failed:1 (R:1/2)", "Create", "empty"),
        (MCI, "Partial-Failed:1 (R:1/2)", "Create", "empty"),
        (INFRA, "Partial-Failed:1 (R:1/2)", "None", ""),
    ],
)
def test_a_machine_that_the_cloud_refuses(era: Era, status: str, target: str, address: str) -> None:
    """It is Failed with the reason; up to v0.11 its infra then never becomes idle."""
    bench = Bench(era, capacity={"aws-ap-northeast-2": 1})
    made = bench.post(dynamic(era), new_infra(era, "web", new_group(era, "g1", 2)))
    later = bench.body(f"{bench.infras}/web")
    failed = later[era.node][1]

    assert made["status"] == later["status"] == status
    assert later["targetAction"] == target
    assert (failed["status"], failed["publicIP"]) == ("Failed", address)
    assert "Quota exceeded" in failed["systemMessage"]


@ALL
def test_a_spec_that_is_sold_out(era: Era) -> None:
    bench = Bench(era)
    group = new_group(era, "g1", 1) | {era.spec_key: machine_keys(era, name="t9.none").spec}
    answer = bench.ask(dynamic(era), method="POST", send=new_infra(era, "web", group))

    found = bench.body(f"{bench.infras}/web")
    assert answer.status == (400 if era is INFRA else 200)
    assert found["status"] == "Failed:1 (R:0/1)"
    assert "InsufficientInstanceCapacity" in found[era.node][0]["systemMessage"]


@pytest.mark.parametrize(
    ("policy", "status", "left"),
    [
        ("", 200, {"g1-1": "Running", "g1-2": "Failed"}),
        ("continue", 200, {"g1-1": "Running", "g1-2": "Failed"}),
        ("refine", 200, {"g1-1": "Running"}),
        ("rollback", 400, None),
    ],
)
def test_policy_on_partial_failure(policy: str, status: int, left: dict[str, str] | None) -> None:
    bench = Bench(INFRA, capacity={"aws-ap-northeast-2": 1})
    body = new_infra(INFRA, "web", new_group(INFRA, "g1", 2)) | {"policyOnPartialFailure": policy}
    answer = bench.ask(dynamic(INFRA), method="POST", send=body)

    assert answer.status == status
    if left is None:
        assert "Infra rolled back" in answer.body["message"]
        assert bench.body(bench.infras, option="id") == {"output": ["mix"]}
        return
    assert statuses(bench.body(f"{bench.infras}/web"), INFRA) == left
    assert answer.body["creationErrors"]["failedNodeCount"] == 1
    assert "VM creation failed for 1 out of 2 VMs" in answer.body["systemMessage"]


def test_unknown_policy() -> None:
    body = new_infra(INFRA, "web", new_group(INFRA, "g1", 1)) | {"policyOnPartialFailure": "shrug"}

    assert Bench(INFRA).ask(dynamic(INFRA), method="POST", send=body).status == 400


@ALL
def test_another_group(era: Era) -> None:
    bench = Bench(era)
    path = f"{bench.mix}/{era.add_group_path}"
    grown = bench.post(path, new_group(era, "g9", 2))
    again = bench.ask(path, method="POST", send=new_group(era, "g9", 1))

    assert statuses(grown, era)["g9-2"] == "Running"
    assert grown[f"new{era.node.capitalize()}List"] == ["g9-1", "g9-2"]
    assert again.status == era.client_error_code
    assert again.body["message"] == f"The name for {era.group_word} (prefix of VM Id) g9 already exists."


@pytest.mark.parametrize(("era", "new"), [(MCIS, ["g9-1", "g9-2", "g9-3"]), (INFRA, ["g9-2", "g9-3"])])
def test_scale_out(era: Era, new: list[str]) -> None:
    bench = Bench(era)
    bench.post(f"{bench.mix}/{era.add_group_path}", new_group(era, "g9", 1))
    number = 2 if era is INFRA else "2"
    grown = bench.post(f"{bench.mix}/{era.group_path}/g9", {era.add_key: number})

    assert {"g9-1", "g9-2", "g9-3"} <= statuses(grown, era).keys()
    assert grown[f"new{era.node.capitalize()}List"] == new
    missing = bench.ask(f"{bench.mix}/{era.group_path}/g77", method="POST", send={era.add_key: number})
    assert (missing.status, missing.body) == (500, {"message": "Internal Server Error"})


@pytest.mark.parametrize(("action", "left"), [("continue", ["held", "mix"]), ("withdraw", ["mix"])])
def test_held_creation(action: str, left: list[str]) -> None:
    bench = Bench(INFRA)
    bench.transition_s = 0
    body = new_infra(INFRA, "held", new_group(INFRA, "g1", 1))
    answers = []
    creation = threading.Thread(
        target=lambda: answers.append(bench.ask(dynamic(INFRA), method="POST", send=body, option="hold"))
    )
    creation.start()
    deadline_s = time.monotonic() + 5
    while bench.ask(f"{bench.infras}/held", option="status").status != 200:
        assert time.monotonic() < deadline_s
    assert bench.body(f"{bench.infras}/held", option="status")["status"]["status"] == "Prepared"
    bench.body("/ns/default/control/infra/held", action=action)
    creation.join(5)

    assert answers[0].status == 200
    assert bench.body(bench.infras, option="id") == {"output": left}
