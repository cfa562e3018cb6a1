# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machines a command reaches, by which requests, and what is made of the results."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.command import (
    chosen,
    command_body,
    results_of,
    selections,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.dialect import dialect_of
from hypothesis import given, settings
from hypothesis import strategies as st

INFRA, MCI, MCIS = (dialect_of(era) for era in ("infra", "mci", "mcis"))


def vm(vm_id: str, status: str = "Running", **labels: str) -> dict[str, Any]:
    group = vm_id.rpartition("-")[0]
    return {
        "id": vm_id,
        "group": group,
        "status": status,
        "labels": labels,
        "public_ip": "198.51.100.1",
        "private_ip": "10.0.0.1",
    }


def infra(*vms: dict[str, Any]) -> dict[str, Any]:
    return {"name": "shop", "vms": list(vms), "groups": {each["group"]: {} for each in vms}}


SHOP = infra(vm("web-1", role="a"), vm("web-2", role="b"), vm("db-1", role="b"))


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, ["web-1", "web-2", "db-1"]),
        ({"groups": ["web"]}, ["web-1", "web-2"]),
        ({"vms": ["db-1"]}, ["db-1"]),
        ({"label_selector": "role=b"}, ["web-2", "db-1"]),
        ({"groups": ["web"], "label_selector": "role in (b,c)"}, ["web-2"]),
    ],
)
def test_chosen(wish: dict[str, Any], expected: list[str]) -> None:
    assert [each["id"] for each in chosen(SHOP, wish)] == expected


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ({"groups": ["nope"]}, NotFound, "no group nope. There are: db, web"),
        ({"vms": ["nope", "web-1"]}, NotFound, "no VM nope. There are: db-1, web-1, web-2"),
        ({"label_selector": "role=z"}, InvalidInput, "No VM of infra shop is meant"),
        ({"label_selector": "role=(z"}, InvalidInput, "label_selector holds"),
        ({"vms": ["db-1"], "groups": ["web"]}, InvalidInput, "No VM"),
    ],
)
def test_nothing_chosen(wish: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        chosen(SHOP, wish)


@pytest.mark.parametrize(
    ("dialect", "vms", "expected"),
    [
        (INFRA, ["web-1", "web-2", "db-1"], [""]),
        (INFRA, ["web-1", "web-2"], ["?nodeGroupId=web"]),
        (MCIS, ["web-1", "web-2"], ["?subGroupId=web"]),
        (MCI, ["web-1", "db-1"], ["?subGroupId=db", "?vmId=web-1"]),
        (INFRA, ["web-2"], ["?nodeId=web-2"]),
    ],
)
def test_selections(dialect: Any, vms: list[str], expected: list[str]) -> None:
    wanted = [each for each in SHOP["vms"] if each["id"] in vms]
    assert selections(dialect, SHOP, wanted) == expected


ids = st.sets(
    st.builds(lambda group, number: f"{group}-{number}", st.sampled_from("abc"), st.integers(1, 4)),
    min_size=1,
)


@settings(max_examples=80)
@given(ids, st.data())
def test_requests_reach_exactly_the_wanted(all_ids: set[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sets(st.sampled_from(sorted(all_ids)), min_size=1))
    shop = infra(*(vm(each) for each in sorted(all_ids)))
    queries = selections(INFRA, shop, [each for each in shop["vms"] if each["id"] in wanted])
    reached = [each["id"] for query in queries for each in shop["vms"] if is_reached(each, query)]
    assert sorted(reached) == sorted(wanted)


def is_reached(machine: dict[str, Any], query: str) -> bool:
    key, _sign, value = query.removeprefix("?").partition("=")
    return {"": True, "nodeGroupId": machine["group"] == value, "nodeId": machine["id"] == value}[key]


@pytest.mark.parametrize(
    ("dialect", "timeout_s", "body"),
    [
        (INFRA, 90, {"command": ["id"], "userName": "me", "timeoutMinutes": 2}),
        (INFRA, 1, {"command": ["id"], "userName": "me", "timeoutMinutes": 1}),
        (INFRA, 99999, {"command": ["id"], "userName": "me", "timeoutMinutes": 120}),
        (MCI, 90, {"command": ["id"], "userName": "me"}),
    ],
)
def test_body(dialect: Any, timeout_s: float, body: dict[str, Any]) -> None:
    assert command_body(dialect, ["id"], "me", timeout_s) == body


def test_user_is_left_to_tumblebug() -> None:
    assert "userName" not in command_body(MCI, ["id"], None, 60)


def entry(**fields: Any) -> dict[str, Any]:
    found = {"nodeId": "web-1", "nodeIp": "198.51.100.9", "command": {"0": "a", "10": "c", "2": "b"}}
    return (
        found | {"stdout": {"0": "A", "10": "C", "2": "B"}, "stderr": {"0": "", "2": "", "10": ""}} | fields
    )


WRAPPED = "(Process exited with status 1)\nStderr: cat: nothing there\n"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"error": ""}, ""),
        ({"error": None}, ""),
        ({"err": None}, ""),
        ({}, ""),
        ({"error": "ssh: timeout"}, "ssh: timeout"),
        ({"err": {}}, "CB-Tumblebug gives no reason"),
        ({"err": {}, "stderr": {"0": "no route"}}, "CB-Tumblebug gives no reason: no route"),
        ({"err": None, "stderr": {"0": WRAPPED}}, "Process exited with status 1: cat: nothing there"),
        ({"error": "Process exited with status 1", "stderr": {"0": WRAPPED}},
         "Process exited with status 1: cat: nothing there"),
        ({"stderr": {"0": "(a note)\n"}}, ""),
    ],
)  # fmt: skip
def test_errors_of_every_era(fields: dict[str, Any], error: str) -> None:
    (result,) = results_of({"results": [entry(**fields)]}, [vm("web-1")])
    assert (result["error"], result["failed"]) == (error, bool(error))


def test_result_in_order_and_unwrapped() -> None:
    (result,) = results_of({"results": [entry(stderr={"0": "", "2": "", "10": WRAPPED})]}, [vm("web-1")])
    assert (result["commands"], result["stdout"]) == (["a", "b", "c"], ["A", "B", "C"])
    assert result["stderr"][2] == "cat: nothing there\n"
    assert (result["vm"], result["group"], result["ip"]) == ("web-1", "web", "198.51.100.9")


def test_older_keys() -> None:
    old = {"mcisId": "shop", "vmId": "web-1", "vmIp": "198.51.100.8", "command": {"0": "a"}, "err": None}
    (result,) = results_of({"results": [old]}, [vm("web-1")])
    assert (result["ip"], result["stdout"], result["failed"]) == ("198.51.100.8", [], False)


@pytest.mark.parametrize("answer", [None, [], {"results": None}, {"results": ["x"]}, {"message": "?"}])
def test_missing_result_is_a_failure(answer: object) -> None:
    (result,) = results_of(answer, [vm("web-1")])
    assert (result["failed"], result["error"]) == (True, "CB-Tumblebug gave no result for it.")
