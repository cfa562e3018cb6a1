# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Real agents over a path that carries less than their interfaces, whose routers keep silent about it."""

from __future__ import annotations

from itertools import count

import pytest

from tests.integration.agent.internet import Host, seconds_until
from tests.integration.path_mtu.narrow_path import (
    EDGE_MTU,
    FIRST,
    SECOND,
    NarrowPath,
    Overlay,
    path_of,
    transfer,
)

IPV4_OVERHEAD, IPV6_OVERHEAD = 60, 80
DEVICE_MTU = EDGE_MTU - IPV6_OVERHEAD
SAFE = 1280
FOUND_DEADLINE_S, START_DEADLINE_S, REPAIR_DEADLINE_S = 10.0, 20.0, 5.0
# A black hole is looked for every ten seconds while there is traffic.
NOTICED_DEADLINE_S = 20.0
PORTS = count(20000)


def started(path: NarrowPath, overlay: Overlay = FIRST, options: str = "") -> tuple[Host, Host]:
    """Agents that have their addresses, and no traffic yet."""
    hosts = path.start_agents(overlay, options)
    for host, number in zip(hosts, (2, 3), strict=True):
        has_address = f"inet {overlay.address(number)}/"
        seconds_until(
            f"{host.name} has its address",
            lambda host=host, text=has_address: text in shown(host, "address", "show", overlay.device),
            START_DEADLINE_S,
        )
    return hosts


def shown(host: Host, *words: str) -> str:
    return host.namespace.run("ip", "-4", *words, check=False).stdout


def session_age_s(host: Host) -> float:
    return float(host.status()["peers"][0]["last_handshake_age_s"] or 0.0)


def send_both_ways(hosts: tuple[Host, Host], overlay: Overlay = FIRST) -> None:
    a, b = hosts
    transfer(a, b, overlay.address(2), next(PORTS))
    transfer(b, a, overlay.address(3), next(PORTS))


def until_found(hosts: tuple[Host, Host], mtu_bytes: int, deadline_s: float = FOUND_DEADLINE_S) -> None:
    for host in hosts:
        seconds_until(
            f"{host.name} finds {mtu_bytes}: {path_of(host)}",
            lambda host=host: path_of(host) == (mtu_bytes, "found"),
            deadline_s,
        )


@pytest.mark.parametrize("middle_mtu", [1280, 1400, 1413, 1460, 1500, 9001])
def test_true_value_is_found_and_tcp_gets_through(path: NarrowPath, middle_mtu: int) -> None:
    path.narrow(middle_mtu)
    hosts = started(path)
    send_both_ways(hosts)
    until_found(hosts, min(middle_mtu - IPV4_OVERHEAD, DEVICE_MTU))
    send_both_ways(hosts)
    route = shown(hosts[0], "route", "get", str(FIRST.address(3)))
    assert f"mtu {min(middle_mtu - IPV4_OVERHEAD, DEVICE_MTU)}" in route


def test_peer_to_which_nothing_is_sent_is_not_probed(path: NarrowPath) -> None:
    hosts = started(path)
    seconds_until(
        "a session, long enough for three looks", lambda: session_age_s(hosts[0]) > 3, START_DEADLINE_S
    )
    assert path_of(hosts[0]) == (None, "unknown")
    assert f"mtu {SAFE}" in shown(hosts[0], "route", "get", str(FIRST.address(3)))


def test_path_that_gets_narrower_under_traffic_is_noticed(path: NarrowPath) -> None:
    path.narrow(1500)
    hosts = started(path)
    send_both_ways(hosts)
    until_found(hosts, 1500 - IPV4_OVERHEAD)
    path.narrow(1300)
    send_both_ways(hosts)
    until_found(hosts, 1300 - IPV4_OVERHEAD, NOTICED_DEADLINE_S)


def test_option_is_used_until_the_path_turns_out_to_carry_less(path: NarrowPath) -> None:
    path.narrow(1400)
    hosts = started(path, options="mtu = 1380")
    assert "mtu 1380" in shown(hosts[0], "route", "get", str(FIRST.address(3)))
    send_both_ways(hosts)
    until_found(hosts, 1400 - IPV4_OVERHEAD)


def test_two_networks_of_a_host_find_the_same(path: NarrowPath) -> None:
    path.narrow(1400)
    first, second = started(path, FIRST), started(path, SECOND)
    send_both_ways(first, FIRST)
    send_both_ways(second, SECOND)
    until_found(first, 1400 - IPV4_OVERHEAD)
    until_found(second, 1400 - IPV4_OVERHEAD)


def test_peer_that_answers_no_ping_gets_what_is_safe(path: NarrowPath) -> None:
    path.narrow(1360)
    hosts = started(path)
    silence = (
        "add table ip pings; add chain ip pings in { type filter hook input priority 0; }; "
        "add rule ip pings in icmp type echo-request drop"
    )
    hosts[1].namespace.run("nft", silence)
    send_both_ways(hosts)
    seconds_until("a gives up", lambda: path_of(hosts[0]) == (SAFE, "unanswered"), FOUND_DEADLINE_S)
    until_found((hosts[1], hosts[1]), 1360 - IPV4_OVERHEAD)
    explanation = hosts[0].cladnet("explain", "b")[1]
    assert (explanation["path_mtu_bytes"], explanation["path_mtu_phase"]) == (SAFE, "unanswered")


@pytest.mark.parametrize(
    "harm",
    [
        ("link", "set", FIRST.device, "down"),
        ("route", "flush", "dev", FIRST.device),
        ("route", "replace", f"{FIRST.address(3)}/32", "dev", FIRST.device, "proto", "77", "mtu", "9000"),
        ("address", "flush", "dev", FIRST.device),
    ],
)
def test_routes_are_repaired_and_gone_with_the_agent(path: NarrowPath, harm: tuple[str, ...]) -> None:
    path.narrow(1400)
    hosts = started(path)
    before = shown(hosts[0], "route"), shown(hosts[0], "rule")
    send_both_ways(hosts)
    until_found(hosts, 1400 - IPV4_OVERHEAD)
    host, mtu = hosts[0], f"mtu {1400 - IPV4_OVERHEAD} advmss {DEVICE_MTU - 40}"
    peer_route = (f"{FIRST.address(3)} dev {FIRST.device}", mtu)
    host.namespace.run("ip", *harm)
    for words in (peer_route, (f"{FIRST.cidr} dev {FIRST.device}", f"mtu {SAFE} advmss")):
        seconds_until(
            f"the route {words} is back",
            lambda words=words: any(
                all(word in line for word in words) for line in shown(host, "route").splitlines()
            ),
            REPAIR_DEADLINE_S,
        )
    send_both_ways(hosts)
    assert host.agent.terminate() == 0
    assert FIRST.device not in shown(host, "route")
    assert FIRST.device in before[0]
