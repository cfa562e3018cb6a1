# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Reviews, namespaces, what machines share, and bastions that come and go."""

from __future__ import annotations

import pytest

from lab.tumblebug.era import ERAS, INFRA, Era
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, machine_keys, new_group, new_infra

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)


@ALL
def test_check_request(era: Era) -> None:
    known = machine_keys(era).spec
    found, missing = Bench(era).post(f"/{era.dynamic}CheckRequest", {era.spec_key: [known, "x"]})["reqCheck"]

    assert found["connectionConfigCandidates"] == ["aws-ap-northeast-2"]
    assert missing["systemMessage"] == "//Failed to get the spec x"


def test_review_of_an_infra() -> None:
    bench = Bench(INFRA)
    good, bad = new_group(INFRA, "g1", 2), new_group(INFRA, "g2", 1) | {"imageId": "ami-none"}

    viable = bench.post("/ns/default/infraDynamicReview", new_infra(INFRA, "web", good))
    assert (viable["creationViable"], viable["totalNodeCount"]) == (True, 2)
    assert viable["estimatedCost"] == "$0.0520/hour"
    refused = bench.post("/ns/default/infraDynamicReview", new_infra(INFRA, "web", good, bad))
    assert (refused["creationViable"], refused["overallStatus"]) == (False, "Error")
    assert [each["canCreate"] for each in refused["nodeReviews"]] == [True, False]
    one = bench.post(f"{bench.mix}/nodeGroupDynamicReview", bad)
    assert "ami-none" in one["message"]
    assert bench.body(bench.infras, option="id") == {"output": ["mix"]}


@ALL
def test_life_of_a_namespace(era: Era) -> None:
    bench = Bench(era, transition_s=0)

    assert bench.post("/ns", {"name": "new", "description": "mine"})["description"] == "mine"
    again = bench.ask("/ns", method="POST", send={"name": "new"})
    assert (again.status, again.body["message"]) == (
        era.client_error_code,
        "The namespace new already exists.",
    )
    bench.post(f"/ns/new/{era.dynamic}", new_infra(era, "web", new_group(era, "g1", 1)))
    assert bench.ask(f"/ns/new/{era.shared_path}", method="DELETE").status == 500
    assert bench.ask(f"/ns/new/{era.infra}/web", method="DELETE", option="terminate").status == 200
    assert bench.ask("/ns/new", method="DELETE").status == era.client_error_code
    gone = bench.ask(f"/ns/new/{era.shared_path}", method="DELETE").body["output"]
    assert [line.partition(":")[0] for line in gone] == ["[Done] vNet", "[Done] sshKey"]
    assert bench.ask("/ns/new", method="DELETE").status == 200
    assert bench.ask("/ns/new").status == 404


@ALL
def test_bastion_of_new_machines_goes_with_its_machine(era: Era) -> None:
    bench = Bench(era, transition_s=0)
    bench.post(f"/ns/default/{era.dynamic}", new_infra(era, "web", new_group(era, "g1", 2)))
    machines = f"{bench.infras}/web/{era.node}"

    assert bench.ask(f"{machines}/g1-1/bastion/g1-2", method="PUT").status == 200
    (bastion,) = bench.body(f"{machines}/g1-1/bastion")
    assert bastion[f"{era.node}Id"] == "g1-2"
    assert bench.ask(f"{machines}/g1-2", method="DELETE").status == 200
    assert bench.body(f"{machines}/g1-1/bastion") == []
