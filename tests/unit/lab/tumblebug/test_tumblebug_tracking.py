# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The x-request-id of each era, and what it is good for."""

from __future__ import annotations

import json

import pytest

from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS, Era
from tests.unit.lab.tumblebug.tumblebug_bench import AUTHORIZED, Bench, new_group, new_infra

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)


def post_with_id(bench: Bench, request_id: str) -> Answer:
    body = json.dumps({"command": ["x"]}).encode()
    headers = AUTHORIZED | {"x-request-id": request_id}
    path = f"/ns/default/cmd/{bench.era.infra}/mix"
    return bench.api.answer(Request("POST", path, headers=headers, body=body))


@ALL
def test_creation_can_be_asked_for_by_its_id(era: Era) -> None:
    bench = Bench(era)
    body = new_infra(era, "web", new_group(era, "g1", 1))
    answer = bench.ask(f"/ns/default/{era.dynamic}", method="POST", send=body)
    found = bench.body(f"/request/{answer.headers['X-Request-Id']}")

    assert (found["status"], found["responseData"]) == ("Success", answer.body)
    assert found["requestInfo"]["body"] == body
    assert "Authorization" not in found["requestInfo"]["header"]


@ALL
def test_failed_request(era: Era) -> None:
    bench = Bench(era)
    answer = bench.ask(f"/ns/default/control/{era.infra}/x", action="suspend")
    found = bench.body(f"/request/{answer.headers['X-Request-Id']}")

    assert (found["status"], found["errorResponse"]) == ("Error", f"The {era.infra} x does not exist.")


@pytest.mark.parametrize(("era", "statuses", "is_kept"), [(MCIS, [200, 200], False), (MCI, [200, 500], True)])
def test_id_of_the_client(era: Era, statuses: list[int], is_kept: bool) -> None:
    """Ignored in v0.8.0; later it must be new."""
    bench = Bench(era)
    answers = [post_with_id(bench, "mine") for _each in range(2)]

    assert [each.status for each in answers] == statuses
    assert (answers[0].headers["X-Request-Id"] == "mine") is is_kept


def test_reads_that_newer_tags_do_not_track() -> None:
    bench = Bench(INFRA)

    assert "X-Request-Id" not in bench.ask(bench.mix).headers
    assert "X-Request-Id" in bench.ask(f"{bench.mix}/node/g1-1").headers
    assert "X-Request-Id" in Bench(MCI).ask(Bench(MCI).mix).headers


def test_list_and_removal() -> None:
    bench = Bench(INFRA)
    bench.ask("/ns/default/control/infra/x", action="suspend")
    post_with_id(bench, "mine")

    (failed,) = bench.body("/requests", status="Error")["requests"]
    query = {"method": "POST", "brief": "true"}
    (sent,) = bench.api.answer(Request("GET", "/requests", query, AUTHORIZED)).body["requests"]
    assert "/control/" in failed["requestInfo"]["url"]
    assert (sent["status"], sent["responseData"]) == ("Success", None)
    assert bench.ask("/request/mine", method="DELETE").status == 200
    assert bench.ask("/request/mine").body == {"message": "Request ID not found"}
    assert bench.ask("/requests", method="DELETE").status == 200
    assert bench.body("/requests") == {"requests": []}
