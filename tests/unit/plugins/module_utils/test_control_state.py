# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Who is asked to go up or down or to take new keys, and who has done it."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._control_state import (
    check_settled,
    plan_control,
    split_by_settled,
    unsettled,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    Conflict,
    NotFound,
    Unavailable,
)


def peer(host: str, *, desired: str = "up", settled: bool = True, connected: bool = True, **more) -> dict:
    control = {"desired": desired, "rekeys_requested": 2, "rekeys_done": 2, "settled": settled}
    return {
        "host": host,
        "managed": True,
        "connected": connected,
        "state": "tunneling",
        "control": control,
        **more,
    }


PEERS = [peer("b1"), peer("a1", desired="down"), peer("laptop", managed=False)]


@pytest.mark.parametrize(
    ("state", "hosts", "asked"),
    [
        ("down", None, ["b1"]),
        ("up", None, ["a1"]),
        ("down", ["a1"], []),
        ("rekeyed", None, ["a1", "b1"]),
        ("rekeyed", ["b1", "b1"], ["b1"]),
        ("down", [], []),
    ],
)
def test_only_those_are_asked_who_were_not(state, hosts, asked) -> None:
    plan = plan_control("demo", PEERS, state, hosts)
    assert plan.asked == asked
    assert plan.is_change == bool(asked)
    assert sorted(plan.before) == sorted(plan.after) == asked
    assert plan.hosts == sorted(set(["a1", "b1"] if hosts is None else hosts))


def test_diff_shows_what_was_and_what_will_be_wanted() -> None:
    diff = plan_control("demo", PEERS, "down", None).diff("hosts of network demo")
    assert (diff["before"], diff["after"]) == ({"b1": {"desired": "up"}}, {"b1": {"desired": "down"}})
    rekeyed = plan_control("demo", PEERS, "rekeyed", ["a1"])
    assert rekeyed.before == {"a1": {"rekeys_requested": 2}}
    assert rekeyed.after == {"a1": {"rekeys_requested": 3}}


def test_unknown_hosts_and_peers_without_agent_are_named() -> None:
    with pytest.raises(NotFound, match="Not in network demo: a9, z1"):
        plan_control("demo", PEERS, "up", ["z1", "a1", "a9"])
    with pytest.raises(Conflict, match=r"Without an agent.*laptop"):
        plan_control("demo", PEERS, "up", ["laptop"])


def test_waiting_is_for_hosts_that_hear_it() -> None:
    peers = [peer("a1"), peer("b1", settled=False), peer("c1", settled=False, connected=False)]
    assert [each["host"] for each in unsettled(peers, ["a1", "b1", "c1"])] == ["b1"]
    assert unsettled(peers, ["a1", "c1", "left-meanwhile"]) == []
    assert split_by_settled(peers, ["a1", "c1"]) == (["a1"], ["c1"])


def test_hosts_that_need_too_long_are_named_with_their_states() -> None:
    check_settled("demo", "down", [], 60)
    late = [peer(f"h{number}", settled=False) for number in range(7)]
    with pytest.raises(Unavailable, match=r"After 60 s .* not down: h0 \(tunneling\), .*h4.* and 2 more\."):
        check_settled("demo", "down", late, 60)
