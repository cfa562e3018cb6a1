# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The simulator's behaviour: who may ask, how often, what is missing, what is stale."""

from __future__ import annotations

import json

import httpx
import pytest

from lab.tumblebug.answers import Request
from lab.tumblebug.cloud import Action
from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS, Era
from lab.tumblebug.estate import Namespace
from lab.tumblebug.server import running
from lab.tumblebug.status import composite, refusal
from tests.unit.lab.tumblebug.tumblebug_bench import AUTHORIZED, Bench, Clock, estate, infra, machine

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 401, "Unauthorized"),
        ({"Authorization": "Basic ZGVmYXVsdDp3cm9uZw=="}, 401, "Unauthorized"),
        ({"Authorization": "Bearer abc"}, 401, "Unauthorized"),
        ({"Authorization": "Basic !!"}, 400, "Bad Request"),
        (AUTHORIZED, 404, "Not Found"),
    ],
)
def test_authentication_comes_before_routing(headers: dict[str, str], status: int, message: str) -> None:
    answer = Bench(INFRA).api.answer(Request("GET", "/no/such/route", headers=headers))

    assert (answer.status, answer.body) == (status, {"message": message})
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@ALL
def test_health_needs_no_credentials(era: Era) -> None:
    for path in era.open_paths:
        assert Bench(era).api.answer(Request("GET", path)).status == 200


@pytest.mark.parametrize(
    ("era", "path", "option", "status", "message"),
    [
        (MCIS, "/ns/none/mcis", "id", 404, "Not valid namespace"),
        (INFRA, "/ns/none", "", 404, "Not valid namespace"),
        (INFRA, "/ns/none/mcis", "id", 404, "Not Found"),
        (MCIS, "/ns/default/mcis/x", "", 500, "The mcis x does not exist."),
        (MCIS, "/ns/default/mcis/x", "status", 500, "Not found [/ns/default/mcis/x]"),
        (MCI, "/ns/default/mci/x", "status", 400, "Not found [/ns/default/mci/x]"),
        (INFRA, "/ns/default/infra/x", "status", 400, "Not found [/ns/default/infra/x]"),
        (INFRA, "/ns/default/infra/x", "id", 500, "Not found the Infra: x from the NS: default"),
        (INFRA, "/ns/default/infra/x", "accessinfo", 500, "The infra x does not exist."),
        (MCI, "/ns/default/mci/mix/vm/x", "", 500, "The vm x does not exist."),
        (INFRA, "/ns/default/infra/mix/node/x", "", 500, "no Node found (ID: /ns/default/infra/mix/node/x)"),
        (MCI, "/ns/default/resources/vNet/x", "", 500, "The vNet x does not exist."),
        (INFRA, "/ns/default/resources/vNet/x", "", 404, "The vNet x does not exist."),
        (INFRA, "/ns/default/control/infra/x", "", 500, "The infra x does not exist."),
        (MCI, "/ns/default/resources/node", "", 404, "Not Found"),
    ],
)
def test_missing(era: Era, path: str, option: str, status: int, message: str) -> None:
    answer = Bench(era).ask(path, **({"option": option} if option else {}))

    assert (answer.status, answer.body) == (status, {"message": message})


@pytest.mark.parametrize("path", ["/ns/default/infra", "/ns/default/infra/mix"])
def test_infra_routes_have_a_limit_of_their_own(path: str) -> None:
    bench = Bench(INFRA)
    ask = Request("GET", path, headers=AUTHORIZED)

    assert [bench.api.answer(ask).status for _each in range(3)] == [200, 200, 429]
    assert bench.api.answer(ask).body == {"message": "rate limit exceeded"}
    assert "Retry-After" not in bench.api.answer(ask).headers
    assert bench.api.answer(Request("GET", path, headers=AUTHORIZED, client="192.168.7.7")).status == 200
    bench.clock.now_s += 0.5
    assert [bench.api.answer(ask).status for _each in range(2)] == [200, 429]


@pytest.mark.parametrize(("era", "burst"), [(MCIS, 20), (INFRA, 50)])
def test_all_routes_have_a_common_limit(era: Era, burst: int) -> None:
    bench = Bench(era)
    statuses = [
        bench.api.answer(Request("GET", "/ns", headers=AUTHORIZED)).status for _each in range(burst + 1)
    ]

    assert statuses == [200] * burst + [429]


@ALL
def test_empty_list_of_ids_is_null(era: Era) -> None:
    assert Bench(era).body(f"/ns/empty/{era.infra}", option="id") == {"output": None}


def test_ids_and_filters() -> None:
    bench = Bench(MCI)

    assert bench.body("/ns", option="id") == {"output": ["default", "empty"]}
    assert bench.body(bench.infras, option="id") == {"output": ["mix"]}
    assert bench.body(bench.mix, option="id") == {"output": ["g1-1", "g1-2", "g2-1"]}
    filtered = bench.body(bench.mix, option="id", filterKey="SUBGROUPID", filterVal="G2")
    assert filtered == {"output": ["g2-1"]}
    assert bench.ask(bench.mix, option="id", filterKey="label", filterVal="x").status == 500


def test_machines_are_in_the_order_of_their_ids_as_text() -> None:
    many = infra("mix", [machine(f"g1-{number}") for number in range(1, 12)])
    bench = Bench(INFRA, estate={"default": Namespace("default", {"mix": many})})

    ids = [node["id"] for node in bench.body(bench.mix)["node"]]
    assert ids[:3] == ["g1-1", "g1-10", "g1-11"]


def test_list_of_the_mci_era_shows_the_infra_in_place_of_its_machines() -> None:
    bench = Bench(MCI)
    (listed,) = bench.body(bench.infras)["mci"]
    first = listed["vm"][0]

    assert (first["id"], first["name"], first["publicIP"]) == ("g1-1", "mix", "")
    assert first["label"]["sys.labelType"] == "mci"
    assert bench.body(bench.mix)["vm"][0]["publicIP"] == "198.51.100.10"


@pytest.mark.parametrize(
    ("era", "expected"),
    [
        (MCIS, {"id", "location"}),
        (MCI, {"id", "location"}),
    ],
)
def test_simple_list_has_little_of_each_machine(era: Era, expected: set[str]) -> None:
    bench = Bench(era)
    (listed,) = bench.body(bench.infras, option="simple")[era.infra]

    assert set(listed["vm"][0]) == expected


def test_simple_list_of_the_infra_era_is_full() -> None:
    bench = Bench(INFRA)

    assert bench.body(bench.infras, option="simple") == bench.body(bench.infras)


@pytest.mark.parametrize(
    ("era", "expected"),
    [
        (MCIS, {"sshPort": "22", "vmUserAccount": "cb-user", "label": "tier=web", "subGroupId": "g1"}),
        (MCI, {"sshPort": "22", "vmUserName": "cb-user", "subGroupId": "g1", "cspVNetId": "vpc-aws"}),
        (
            INFRA,
            {"sshPort": 22, "nodeUserName": "cb-user", "nodeGroupId": "g1", "RootDeviceName": "/dev/sda1"},
        ),
    ],
)
def test_machine_in_the_words_of_its_era(era: Era, expected: dict[str, object]) -> None:
    found = Bench(era).body(f"/ns/default/{era.infra}/mix/{era.node}/g1-1")

    assert {key: found.get(key) for key in expected} == expected


def test_private_key_is_shown_only_on_request() -> None:
    bench = Bench(INFRA)
    plain = bench.body(bench.mix, option="accessinfo")
    shown = bench.body(bench.mix, option="accessinfo", accessInfoOption="showSshKey")

    assert "PRIVATE" not in json.dumps(plain)
    assert "PRIVATE aws" in json.dumps(shown)


@ALL
def test_suspend_and_resume(era: Era) -> None:
    """The life of a suspended machine, with the stale address that a client must know of."""
    bench = Bench(era)
    control = f"/ns/default/control/{era.infra}/mix/{era.node}/g1-1"
    machine_path = f"{bench.mix}/{era.node}/g1-1"

    assert bench.body(control, action="suspend") == {"message": "Working on suspend"}
    status = bench.body(bench.mix, option="status")["status"]
    assert (status["targetAction"], status["targetStatus"]) == ("Suspend", "Suspended")
    assert status["status"] == "Partial-Running:2 (R:2/3)"
    bench.clock.now_s += bench.transition_s
    suspended = bench.body(bench.mix, option="status")["status"][era.node][0]
    assert (suspended["status"], suspended["publicIp"]) == ("Suspended", "")

    assert bench.body(control, action="resume") == {"message": "Working on resume"}
    bench.clock.now_s += bench.transition_s
    first = bench.body(bench.mix)[era.node][0]
    assert (first["status"], first["publicIP"]) == ("Running", "")  # read before the poll of the same request
    assert bench.body(machine_path)["publicIP"] == "198.51.100.100"


def test_address_changed_outside_is_seen_only_by_accessinfo() -> None:
    bench = Bench(INFRA)
    bench.cloud.act("i-g1-1", Action.RESUME)
    bench.clock.now_s += 400

    assert bench.body(bench.mix)["node"][0]["publicIP"] == "198.51.100.10"
    assert bench.body(bench.mix)["node"][0]["publicIP"] == "198.51.100.10"
    group = bench.body(bench.mix, option="accessinfo")["InfraNodeGroupAccessInfo"][0]
    assert group["NodeAccessInfo"][0]["publicIP"] == "198.51.100.100"


@pytest.mark.parametrize(("era", "seen"), [(MCI, "Suspending"), (INFRA, "Running")])
def test_newer_tags_cache_statuses(era: Era, seen: str) -> None:
    bench = Bench(era)
    bench.cloud.act("i-g1-1", Action.SUSPEND)

    assert bench.body(bench.mix)[era.node][0]["status"] == seen
    bench.clock.now_s += 301
    assert bench.body(bench.mix)[era.node][0]["status"] == "Suspended"


@pytest.mark.parametrize(
    ("era", "second"),
    [
        (MCI, "Suspend is not allowed for MCI under Suspending:3 (R:0/3)"),
        (INFRA, "Infra mix is under Suspend, please try later"),
    ],
)
def test_infra_under_an_action_refuses_another(era: Era, second: str) -> None:
    bench = Bench(era)
    control = f"/ns/default/control/{era.infra}/mix"

    assert bench.body(control, action="suspend") == {"message": f"Suspending the {era.infra_title}"}
    answer = bench.ask(control, action="suspend")
    assert (answer.status, answer.body) == (500, {"message": second})
    assert bench.ask(control, action="suspend", force="true").status == 200


def test_unknown_action() -> None:
    answer = Bench(INFRA).ask("/ns/default/control/infra/mix", action="explode")

    assert answer.status == 500
    assert answer.body["message"].startswith("'action' should be one of these: suspend")


@pytest.mark.parametrize(
    ("statuses", "failed_first", "expected"),
    [
        (["Running"] * 3, False, "Running:3 (R:3/3)"),
        (["Running", "Running", "Suspended"], False, "Partial-Running:2 (R:2/3)"),
        (["Running", "Running", "Failed"], False, "Partial-Running:2 (R:2/3)"),
        (["Running", "Running", "Failed"], True, "Partial-Failed:1 (R:2/3)"),
        (["Failed", "Failed"], True, "Failed:2 (R:0/2)"),
    ],
)
def test_composite_status(statuses: list[str], failed_first: bool, expected: str) -> None:
    assert composite(statuses, failed_first=failed_first) == expected


@pytest.mark.parametrize(
    ("action", "status", "refused"),
    [
        (Action.SUSPEND, "Running", False),
        (Action.SUSPEND, "Suspended", True),
        (Action.RESUME, "Suspended", False),
        (Action.RESUME, "Running", True),
        (Action.REBOOT, "Rebooting", True),
        (Action.REBOOT, "Terminated", True),
    ],
)
def test_allowed_transitions(action: Action, status: str, refused: bool) -> None:
    assert refusal(action, status) is refused


def test_over_http() -> None:
    with running(Bench(INFRA, clock=Clock()).api) as url:
        response = httpx.get(f"{url}/tumblebug/ns?option=id", auth=("default", "default"))

    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert response.json() == {"output": sorted(estate())}
