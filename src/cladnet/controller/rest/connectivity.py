# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Operations that let hosts ping each other over the overlay, and tell what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from cladnet.controller.connectivity_tests import GRACE_S, no_such_test
from cladnet.controller.replica import NetworkState, TestState
from cladnet.controller.rest.backend import Backend, BackendOf, administrator
from cladnet.controller.rest.control import managed_hosts
from cladnet.controller.rest.errors import documented
from cladnet.controller.rest.models import Input
from cladnet.core import connectivity
from cladnet.core.connectivity import HostResult, Ping
from cladnet.core.errors import Conflict, InvalidInput, NotFound, Unauthorized, Unavailable

router = APIRouter(
    prefix="/v1/networks/{name}",
    tags=["connectivity"],
    dependencies=[Depends(administrator)],
    responses=documented(Unauthorized, NotFound, Unavailable),
)


class ConnectivityTestIn(Input):
    """Who is to ping all its peers."""

    hosts: list[str] | None = Field(default=None, description="null: all that have an agent and an address.")
    count: int = Field(default=3, description="Pings to each peer.", ge=1, le=connectivity.MOST_COUNT)
    timeout_s: int = Field(default=10, ge=1, le=connectivity.MOST_TIMEOUT_S)


class Pair(BaseModel):
    """What one host found of one peer."""

    host: str
    address: str
    reachable: bool
    rtt_ms: float | None = Field(description="The shortest round trip, if reachable.")

    @classmethod
    def of(cls, ping: Ping) -> Pair:
        """What was found."""
        reachable = ping.rtt_ms is not None
        return cls(host=ping.host, address=ping.address, reachable=reachable, rtt_ms=ping.rtt_ms)


class TestResult(BaseModel):
    """What one host found."""

    host: str
    address: str
    error: str = Field(description="Why nothing could be tested; empty if it could.")
    pairs: list[Pair]


class ConnectivityTestOut(BaseModel):
    """A test as it is."""

    id: str
    network: str
    state: str = Field(examples=["running", "done"])
    hosts: list[str] = Field(description="Who is asked.")
    results: list[TestResult]
    missing: list[str] = Field(description="Who has not answered.")
    reachable: int = Field(description="Pairs with an answer.")
    total: int = Field(description="Pairs that were tried.")


@router.post("/tests", status_code=202, responses=documented(InvalidInput, Conflict))
async def start_test(name: str, body: ConnectivityTestIn, backend: BackendOf) -> ConnectivityTestOut:
    """Asks hosts to ping all their peers over the overlay; the test is kept for an hour."""
    state = backend.follower.network(name)
    hosts = _present(state) if body.hosts is None else _named(state, body.hosts)
    test = connectivity.ConnectivityTest(tuple(hosts), body.count, body.timeout_s)
    test_id, revision = await backend.tests.create(state, test)
    await backend.follower.reached(revision)
    return _document(name, test_id, TestState(test, revision, set()), {}, is_over=False)


@router.get("/tests/{test_id}")
async def get_test(name: str, test_id: str, backend: BackendOf) -> ConnectivityTestOut:
    """A connectivity test with what was found so far; done when all have answered or the time is over."""
    test = backend.follower.network(name).tests.get(test_id)
    if test is None:
        raise no_such_test(name, test_id)
    is_over = _is_over(backend, name, test_id, test)
    return _document(name, test_id, test, await backend.tests.results(name, test_id), is_over=is_over)


def _is_over(backend: Backend, name: str, test_id: str, state: TestState) -> bool:
    return backend.tests.remaining_s(name, test_id, state.test) < -2 * GRACE_S


def _present(state: NetworkState) -> list[str]:
    return [host for host in managed_hosts(state) if host in state.table.peers]


def _named(state: NetworkState, hosts: list[str]) -> list[str]:
    for host in hosts:
        if host not in state.host_names:
            raise NotFound(f"Host {host[:80]!r} is not in network {state.spec.name}.")
        if not state.place(host).is_managed:
            raise Conflict(f"Host {host} of network {state.spec.name} has no agent that could be asked.")
    return sorted(set(hosts))


def _document(
    name: str, test_id: str, state: TestState, results: Mapping[str, HostResult], *, is_over: bool
) -> ConnectivityTestOut:
    shown = [_result(host, results[host]) for host in state.test.hosts if host in results]
    pairs = [pair for result in shown for pair in result.pairs]
    return ConnectivityTestOut(
        id=test_id,
        network=name,
        state="done" if is_over or state.test.is_done(results) else "running",
        hosts=list(state.test.hosts),
        results=shown,
        missing=[host for host in state.test.hosts if host not in results],
        reachable=sum(pair.reachable for pair in pairs),
        total=len(pairs),
    )


def _result(host: str, result: HostResult) -> TestResult:
    pairs = [Pair.of(ping) for ping in result.pings]
    return TestResult(host=host, address=result.address, error=result.error, pairs=pairs)
