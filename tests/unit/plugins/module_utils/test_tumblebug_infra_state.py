# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what an infra is, in any era's words, to what has to be done."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._declarative import Action
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.infra_state import (
    infra_document,
    larger_than_wanted,
    plan_infra,
    surplus,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SPEC = "aws+ap-northeast-2+t3.small"


def vm(vm_id: str, status: str = "Running", **fields: Any) -> dict[str, Any]:
    group = vm_id.rpartition("-")[0]
    return {
        "id": vm_id,
        "status": status,
        "nodeGroupId": group,
        "specId": SPEC,
        "targetAction": "None",
    } | fields


def infra(*vms: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return infra_document("infra", "ns01", {"id": "shop", "status": "x", "node": list(vms)} | fields)


def group(name: str, size: int = 1, **fields: Any) -> dict[str, Any]:
    return {"name": name, "size": size, "spec": SPEC, "image": "i"} | fields


def plan(
    before: dict[str, Any] | None, *groups: dict[str, Any], state: str = "present", **options: bool
) -> Any:
    return plan_infra(before, {"name": "shop", "groups": list(groups)}, state=state, **options)


def test_document() -> None:
    found = infra(
        vm("web-10"),
        vm(
            "web-2",
            "Failed",
            systemMessage="no capacity",
            nodeUserPassword="TOPSECRET",
            privateKey="TOPSECRET",
        ),
        vm("db-1", "Creating", targetAction="Create"),
        label={"stage": "test"},
        systemMessage=["one", "two"],
        nodeUserPassword="TOPSECRET",
    )
    assert [each["id"] for each in found["vms"]] == ["db-1", "web-2", "web-10"]
    assert found["groups"] == {"db": {"size": 1, "spec": SPEC}, "web": {"size": 1, "spec": SPEC}}
    assert (found["labels"], found["message"]) == ({"stage": "test"}, "one; two")
    assert (found["failed_vms"], found["power"]) == (["web-2"], "mixed")
    assert found["vms"][1]["message"] == "no capacity"
    assert found["vms"][0]["action"] == "Create"
    assert "TOPSECRET" not in str(found)


def test_document_of_other_eras_reads_alike() -> None:
    old = {"id": "shop", "status": "Running:1 (R:1/1)", "label": "stage=test", "vm": [
        {"id": "web-1", "status": "Running", "subGroupId": "web", "specId": SPEC, "publicIP": "empty"}
    ]}  # fmt: skip
    found = infra_document("mcis", "ns01", old)
    assert (found["labels"], found["power"], found["vms"][0]["public_ip"]) == (
        {"stage": "test"},
        "running",
        "",
    )


def test_reasons_of_machines_that_could_not_be_made() -> None:
    errors = {
        "nodeCreationErrors": [{"nodeName": "web-1", "error": "quota"}],
        "nodeObjectCreationErrors": None,
    }
    assert infra(vm("web-1", "Failed"), creationErrors=errors)["vms"][0]["message"] == "quota"


@pytest.mark.parametrize("machine", [None, "x", {"id": ""}, {"id": "a", "publicIP": "nowhere"}])
def test_damaged_machine(machine: object) -> None:
    with pytest.raises(Unavailable, match="ns01/shop"):
        infra_document("infra", "ns01", {"id": "shop", "node": [machine]})


@pytest.mark.parametrize(
    ("before", "groups", "state", "action", "changes"),
    [
        (infra(vm("web-1")), [group("web")], "present", Action.NOTHING, {}),
        (infra(vm("web-1", "Suspended")), [group("web")], "present", Action.NOTHING, {}),
        (infra(vm("web-1", "Suspended")), [], "running", Action.UPDATE, {"power": "running"}),
        (infra(vm("web-1")), [], "running", Action.NOTHING, {}),
        (infra(vm("web-1")), [], "suspended", Action.UPDATE, {"power": "suspended"}),
        (infra(vm("web-1", "Suspended")), [], "suspended", Action.NOTHING, {}),
        (infra(vm("web-1")), [], "rebooted", Action.UPDATE, {"power": "rebooted"}),
        (infra(vm("web-1")), [], "absent", Action.DELETE, {}),
        (None, [], "absent", Action.NOTHING, {}),
        (infra(vm("web-1"), vm("web-2")), [group("web", 1)], "present", Action.NOTHING, {}),
    ],
)
def test_plans(
    before: dict[str, Any] | None,
    groups: list[dict[str, Any]],
    state: str,
    action: Action,
    changes: dict[str, Any],
) -> None:
    found = plan(before, *groups, state=state)
    assert (found.action, found.changes) == (action, changes)


def test_group_is_enlarged_and_others_stay() -> None:
    found = plan(infra(vm("web-1"), vm("db-1")), group("web", 3))
    assert found.changes["groups"]["web"]["size"] == 3
    assert found.changes["groups"]["db"]["size"] == 1


def test_failed_machines_are_replaced() -> None:
    found = plan(infra(vm("web-1"), vm("web-2", "Failed"), vm("web-3", "Terminated")), group("web", 2))
    assert found.changes == {"groups": {"web": {"size": 2, "spec": SPEC}}}


def test_machines_of_unknown_status_are_not_replaced() -> None:
    assert not plan(infra(vm("web-1", "Undefined")), group("web", 1)).is_change


def test_group_is_made_smaller_only_when_told() -> None:
    before = infra(vm("web-1"), vm("web-2"), vm("web-10"))
    assert not plan(before, group("web", 1)).is_change
    assert larger_than_wanted(before, [group("web", 1)]) == [
        "Group web has 3 VMs and shall have 1: none is removed without scale_in."
    ]
    assert plan(before, group("web", 1), scale_in=True).changes["groups"]["web"]["size"] == 1
    assert surplus(before["vms"], "web", 1) == ["web-10", "web-2"]


def test_refinement_makes_room_for_another_spec() -> None:
    before = infra(vm("web-1", "Failed"))
    wanted = group("web", 1, spec="another")
    with pytest.raises(Conflict, match=r"has the spec .* on_partial_failure=refine"):
        plan(before, wanted)
    found = plan(before, wanted, refine=True)
    assert found.changes["failed_vms"] == []
    assert found.changes["groups"]["web"]["spec"] == "another"
    assert not plan(infra(vm("web-1")), group("web"), refine=True).is_change


def test_nothing_is_refined_while_a_status_is_unknown() -> None:
    before = infra(vm("web-1", "Failed"), vm("db-1", "Undefined"))
    assert "failed_vms" not in plan(before, group("web"), refine=True).changes


def test_description_and_labels_belong_to_the_creation() -> None:
    desired = {"name": "shop", "description": "new", "labels": {"a": "b"}, "groups": [group("web")]}
    assert not plan_infra(infra(vm("web-1")), desired, state="present").is_change
    made = plan_infra(None, desired, state="running")
    assert (made.action, made.changes["description"]) == (Action.CREATE, "new")


def test_unset_options_of_groups_are_left_out() -> None:
    made = plan(None, group("web", zone=None, labels={}))
    assert made.changes["groups"] == {"web": {"name": "web", "size": 1, "spec": SPEC, "image": "i"}}


@pytest.mark.parametrize(
    ("before", "groups", "state", "error", "words"),
    [
        (None, [], "present", InvalidInput, "without groups"),
        (None, [{"name": "web", "size": 1}], "present", InvalidInput, "no spec and no image"),
        (None, [group("web", 0)], "present", InvalidInput, "size 0"),
        (None, [group("web"), group("web")], "present", InvalidInput, "given twice"),
        (None, [group("wéb")], "present", InvalidInput, "letters, digits and hyphens"),
        (None, [group("web-")], "present", InvalidInput, "hyphen"),
        (None, [], "suspended", NotFound, "cannot be suspended"),
        (None, [], "rebooted", NotFound, "state=present"),
        (infra(vm("web-1", "Suspended")), [], "rebooted", Conflict, "No VM of infra shop is running"),
        (infra(vm("web-1")), [group("web", spec="x")], "present", Conflict, "cannot change to x"),
        (infra(vm("web-1")), [{"name": "db", "size": 1}], "present", InvalidInput, "Group db has to be made"),
    ],
)
def test_refusals(
    before: dict[str, Any] | None,
    groups: list[dict[str, Any]],
    state: str,
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        plan(before, *groups, state=state)


@pytest.mark.parametrize("name", ["", " ", "-a", "a b", "infra/../x", "ä", "1a"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidInput, match="letters, digits and hyphens"):
        plan_infra(None, {"name": name, "groups": []}, state="absent")


statuses = st.sampled_from(["Running", "Suspended", "Failed", "Terminated", "Undefined", "Creating"])


@settings(max_examples=60)
@given(st.lists(statuses, min_size=1, max_size=8), st.integers(1, 8), st.booleans())
def test_plan_reaches_its_size_and_never_removes_unasked(found: list[str], size: int, scale_in: bool) -> None:
    before = infra(*(vm(f"web-{number}", status) for number, status in enumerate(found, 1)))
    living = before["groups"]["web"]["size"]
    after = (plan(before, group("web", size), scale_in=scale_in).after or {})["groups"]["web"]["size"]
    assert after == (size if scale_in else max(size, living))
    assert len(surplus(before["vms"], "web", after)) == max(0, living - after)
