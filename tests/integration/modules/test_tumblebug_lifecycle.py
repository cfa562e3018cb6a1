# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Infras of the simulator get to where they shall, also when answers are lost and clouds refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._declarative import Document
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    CladnetError,
    Conflict,
    NotFound,
    Unavailable,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.infra_state import plan_infra
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.lifecycle import (
    InfraIncomplete,
    InfraResource,
    Policy,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.operator import (
    Operator,
    Place,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import NoReply, Reply
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.watch import Patience, Watch

from lab.tumblebug.answers import Request
from lab.tumblebug.era import INFRA, MCI, MCIS, Era
from tests.unit.lab.tumblebug.tumblebug_bench import AUTHORIZED, Bench, machine_keys

ERAS = [INFRA, MCI, MCIS]
SEOUL = "aws-ap-northeast-2"
REFUSED = "t9.none"
ROOM_FOR_ONE = 1


@dataclass
class Wire:
    """Carries requests to the simulator, and loses what it is told to; the clock is the simulator's."""

    bench: Bench
    base: str = "http://tb/tumblebug"
    orders: list[str] = field(default_factory=list)
    losses: dict[str, str] = field(default_factory=dict)  # end of a path -> where it is lost: there or back
    before: Callable[[str], None] = lambda _path: None  # called before every request

    def get(self, path: str) -> Reply:
        self.before(path)
        return self._delivered("GET", path, None)

    def send(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Reply:
        assert timeout_s is None or timeout_s > 0
        self.orders.append(f"{method} {path}")
        lost = next((where for end, where in self.losses.items() if path.endswith(end)), "")
        if lost != "there":
            reply = self._delivered(method, path, body)
        if lost:
            raise NoReply("The connection broke.")
        return reply

    def _delivered(self, method: str, path: str, body: object) -> Reply:
        url = urlsplit(path)
        sent = b"" if body is None else json.dumps(body).encode()
        request = Request(method, url.path, dict(parse_qsl(url.query)), AUTHORIZED, body=sent)
        self.bench.clock.now_s += 0.6
        answer = self.bench.api.answer(request)
        return Reply(answer.status, json.dumps(answer.body).encode())


@dataclass
class Run:
    """One run of the module on the simulator, without the module."""

    wire: Wire
    warnings: list[str] = field(default_factory=list)
    name: str = "shop"
    timeout_s: float = 600.0

    def to(
        self,
        *groups: Document,
        state: str = "present",
        wait: bool = True,
        scale_in: bool = False,
        policy: str = "keep",
    ) -> Document | None:
        clock, era = self.wire.bench.clock, self.wire.bench.era
        client = Operator(self.wire, now=clock, sleep=clock.wait)
        place = Place(client.dialect(era.name), "default", self.name)
        watch = Watch(client, place, Patience(self.timeout_s, 2.0, clock, clock.wait))
        before = watch.read_settled(wait=wait)
        plan = plan_infra(
            before,
            {"name": self.name, "groups": list(groups)},
            state=state,
            scale_in=scale_in,
            refine=policy == "refine",
        )
        resource = InfraResource(client, watch, place, before, Policy(policy, self.warnings.append, wait))
        return plan.apply(resource)


def bench(era: Era, **options: object) -> Bench:
    return Bench(era, **options)  # type: ignore[arg-type]


def start(era: Era, **options: object) -> Run:
    return Run(Wire(bench(era, **options)))


def group(era: Era, name: str, size: int = 1, spec: str = "t3.small") -> Document:
    keys = machine_keys(era, name=spec)
    return {
        "name": name,
        "size": size,
        "spec": keys.spec,
        "image": keys.image if era is INFRA else "ubuntu22.04",
    }


def infras(run: Run) -> list[str]:
    bench = run.wire.bench
    return bench.body(bench.infras, option="id")["output"]


def running(infra: Document | None) -> list[str]:
    assert infra is not None
    assert all(vm["public_ip"] for vm in infra["vms"] if vm["status"] == "Running")
    return [vm["id"] for vm in infra["vms"] if vm["status"] == "Running"]


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_life(era: Era) -> None:
    run = start(era)
    web = group(era, "web", 2)
    assert running(run.to(web)) == ["web-1", "web-2"]
    run.wire.orders.clear()
    assert running(run.to(web)) == ["web-1", "web-2"]
    assert run.wire.orders == []
    assert running(run.to({**web, "size": 3}, group(era, "db"))) == ["db-1", "web-1", "web-2", "web-3"]
    assert running(run.to({**web, "size": 1})) == ["db-1", "web-1", "web-2", "web-3"]
    assert running(run.to({**web, "size": 1}, scale_in=True)) == ["db-1", "web-1"]
    assert running(run.to(state="suspended")) == []
    assert running(run.to(web, state="running")) == ["db-1", "web-1", "web-2"]
    assert running(run.to(state="rebooted")) == ["db-1", "web-1", "web-2"]
    assert run.to(state="absent") is None
    assert run.to(state="absent") is None
    assert "shop" not in infras(run)
    assert run.warnings == []


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_answer_of_creation_that_is_lost(era: Era) -> None:
    """The machines are made nevertheless, and no second time."""
    run = start(era)
    run.wire.losses["Dynamic"] = "back"
    assert running(run.to(group(era, "web", 2))) == ["web-1", "web-2"]
    assert sum(order.startswith("POST") for order in run.wire.orders) == 1


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_creation_that_never_arrives(era: Era) -> None:
    """The server remembers its requests, so this is known long before patience ends."""
    run = start(era)
    run.wire.losses["Dynamic"] = "there"
    began_s = run.wire.bench.clock.now_s
    with pytest.raises(NoReply, match="connection broke"):
        run.to(group(era, "web", 2))
    assert run.wire.bench.clock.now_s - began_s < 60
    run.wire.losses.clear()
    assert running(run.to(group(era, "web", 2))) == ["web-1", "web-2"]


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_lost_answers_of_all_other_orders(era: Era) -> None:
    run = start(era)
    web = group(era, "web")
    run.to(web)
    run.wire.losses = dict.fromkeys(
        ("/web", "Dynamic", "option=terminate", "/web-2", "suspend", "resume"), "back"
    )
    assert running(run.to({**web, "size": 2})) == ["web-1", "web-2"]
    assert running(run.to({**web, "size": 2}, group(era, "db"))) == ["db-1", "web-1", "web-2"]
    assert running(run.to({**web, "size": 1}, scale_in=True)) == ["db-1", "web-1"]
    assert running(run.to(state="suspended")) == []
    assert running(run.to(state="running")) == ["db-1", "web-1"]
    assert run.to(state="absent") is None
    assert "shop" not in infras(run)


def test_enlargement_that_never_arrives() -> None:
    run = start(INFRA)
    web = group(INFRA, "web")
    run.to(web)
    run.wire.losses["/web"] = "there"
    with pytest.raises(NoReply):
        run.to({**web, "size": 2})
    run.wire.losses.clear()
    assert running(run.to({**web, "size": 2})) == ["web-1", "web-2"]


def test_creation_that_an_interrupted_run_has_ordered() -> None:
    """While the first order is handled and nothing can be seen of it yet, no second one is given."""
    run = start(INFRA)
    web = group(INFRA, "web")
    handled = {"requestInfo": {"url": "/tumblebug/ns/default/infraDynamic", "body": {"name": "shop"}}}
    client_requests = [handled, handled]

    def requests(_client: Operator, status: str, _path: str) -> list[Document]:
        if status == "Error":
            return []
        if client_requests:
            client_requests.pop()
            return [handled]
        return []

    def make_meanwhile(path: str) -> None:
        if path == "/ns/default/infra/shop" and not client_requests and "shop" not in infras(run):
            keys = machine_keys(INFRA)
            body = {"name": "shop", "nodeGroups": [
                {"name": "web", "nodeGroupSize": 1, "specId": keys.spec, "imageId": keys.image}
            ]}  # fmt: skip
            run.wire.bench.post("/ns/default/infraDynamic", body)

    run.wire.before = make_meanwhile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Operator, "requests", requests)
        assert running(run.to(web)) == ["web-1"]
    assert run.wire.orders == []


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_machines_that_cannot_be_made(era: Era) -> None:
    run = start(era)
    bad = group(era, "bad", 2, REFUSED)
    with pytest.raises(
        InfraIncomplete, match=r"bad-1, bad-2 \(Failed: InsufficientInstanceCapacity: .*\) failed"
    ) as kept:
        run.to(group(era, "web"), bad)
    assert kept.value.infra is not None
    assert running(kept.value.infra) == ["web-1"]
    assert kept.value.infra["failed_vms"] == ["bad-1", "bad-2"]


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_room_for_some_machines_only(era: Era) -> None:
    """The next run makes others when there is room again."""
    run = start(era, capacity={SEOUL: ROOM_FOR_ONE})
    with pytest.raises(InfraIncomplete, match="web-2"):
        run.to(group(era, "web", 2))
    run.wire.bench.cloud._capacity.clear()
    assert len(running(run.to(group(era, "web", 2)))) == 2


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_rollback(era: Era) -> None:
    run = start(era)
    bad = group(era, "bad", 1, REFUSED)
    with pytest.raises(InfraIncomplete, match="The infra is removed again") as raised:
        run.to(group(era, "web"), bad, policy="rollback")
    assert raised.value.infra is None
    assert "shop" not in infras(run)
    run.to(group(era, "web"))
    with pytest.raises(InfraIncomplete, match=r"Removed again: bad-1\.") as raised:
        run.to(bad, policy="rollback")
    assert raised.value.infra is not None
    assert [vm["id"] for vm in raised.value.infra["vms"]] == ["web-1"]


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_refinement(era: Era) -> None:
    run = start(era, capacity={SEOUL: ROOM_FOR_ONE})
    assert running(run.to(group(era, "web", 2), policy="refine")) == ["web-1"]
    assert "web-2" in run.warnings[0]
    bad = group(era, "bad", 1, REFUSED)
    with pytest.raises(InfraIncomplete, match="bad-1"):
        run.to(bad, policy="refine")
    run.wire.bench.cloud._capacity.clear()
    found = run.to(group(era, "bad"), policy="refine")
    assert running(found) == ["bad-1", "web-1"]
    assert found is not None
    assert found["failed_vms"] == []


@pytest.mark.parametrize("era", ERAS, ids=lambda era: era.name)
def test_refused_creation_is_no_infra(era: Era) -> None:
    run = start(era)
    with pytest.raises(CladnetError, match="refuses to make infra default/shop") as raised:
        run.to({**group(era, "web"), "spec": "no+such+spec"})
    assert isinstance(raised.value, (Conflict, NotFound))
    assert "shop" not in infras(run)


def test_patience_ends_with_the_state_of_each_machine() -> None:
    run = start(INFRA, transition_s=1000.0)
    run.to(group(INFRA, "web"), wait=False)
    run.timeout_s = 30
    with pytest.raises(Unavailable, match=r"not done after 30 s: web-1 \(Suspending, action Suspend\)"):
        run.to(state="suspended")


def test_wait_is_not_needed() -> None:
    run = start(INFRA, transition_s=20.0)
    run.wire.losses["Dynamic"] = "back"
    assert run.to(group(INFRA, "web"), wait=False) is not None
    assert run.to(state="suspended", wait=False) is not None


def test_running_machine_without_public_address_is_not_waited_for_for_ever() -> None:
    run = Run(Wire(bench(MCI, unaddressed=frozenset({"i-g1-1"}))), name="mix")
    began_s = run.wire.bench.clock.now_s
    found = run.to(state="rebooted")
    assert found is not None
    assert run.wire.bench.clock.now_s - began_s < 180
