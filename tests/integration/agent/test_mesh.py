# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Real agents with a real controller and a real etcd: what an operator relies on, measured."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.agent.internet import (
    CIDR,
    DEVICE,
    JOIN_DEADLINE_S,
    NETWORK,
    Host,
    Internet,
    seconds_until,
)
from tests.integration.datapath.namespaces import eventually

KILL_DEADLINE_S = 5.0
MOVE_DEADLINE_S = 5.0
REPAIR_DEADLINE_S = 3.0


def reaches(host: Host, other: Host) -> Callable[[], bool]:
    address = other.address
    return lambda: host.namespace.pings(address)


def large_packets_pass(host: Host, address: str) -> Callable[[], bool]:
    return lambda: host.namespace.ping(address, "-M", "do", "-s", str(1420 - 28))


def test_hosts_join_and_all_pairs_are_reachable(world: Internet) -> None:
    addresses = {host.address for host in world.hosts.values()}
    assert len(addresses) == 3
    for host in world.hosts.values():
        status, result = host.cladnet("ping", "--timeout", "10")
        assert (status, result["reachable"], result["total"]) == (0, 2, 2)
        known = world.peer(host.name)
        assert known["endpoint"] == f"{host.namespace.outer_ipv4}:8055"
        assert (known["state"], known["connected"], known["mtu"]) == ("tunneling", True, 1420)
        assert "198.51.100.0/24" in known["occupied_networks"]


def test_large_packets_pass_in_both_directions(a1: Host, b1: Host) -> None:
    for host, other in ((a1, b1), (b1, a1)):
        # The first packets make the agent find out what the path carries.
        assert host.namespace.ping(other.address)
        eventually("the path's MTU is found", large_packets_pass(host, other.address))


def test_killed_agent_is_back(a1: Host, b1: Host) -> None:
    can_reach = reaches(b1, a1)
    a1.agent.kill()
    assert not can_reach()
    a1.agent.start()
    assert seconds_until("b1 reaches a1", can_reach, KILL_DEADLINE_S) < KILL_DEADLINE_S


@pytest.mark.usefixtures("controllers_down")
def test_traffic_goes_on_without_controllers(a1: Host, b1: Host) -> None:
    assert a1.namespace.ping(b1.address)
    eventually("a1 has noticed", lambda: a1.status()["controller"] is None)
    assert a1.namespace.ping(b1.address)
    assert a1.state == "tunneling"


@pytest.mark.usefixtures("controllers_down")
def test_restarted_agent_is_reachable_without_controllers(a1: Host, b1: Host) -> None:
    can_reach = reaches(b1, a1)
    a1.agent.kill()
    a1.agent.start()
    seconds_until("b1 reaches a1", can_reach, KILL_DEADLINE_S)


@pytest.mark.parametrize("with_controllers", [True, False])
def test_host_with_a_new_address_is_reachable_again(
    world: Internet, b1: Host, c1: Host, with_controllers: bool, request: pytest.FixtureRequest
) -> None:
    if not with_controllers:
        request.getfixturevalue("controllers_down")
    can_reach = reaches(b1, c1)
    with moved(c1, "198.51.100.33") as endpoint:
        seconds_until("b1 reaches c1", can_reach, MOVE_DEADLINE_S)
        if with_controllers:
            eventually("the rule follows", lambda: world.peer("c1")["endpoint"] == endpoint, MOVE_DEADLINE_S)
    seconds_until("b1 reaches c1", can_reach, MOVE_DEADLINE_S)


@contextlib.contextmanager
def moved(host: Host, address: str) -> Iterator[str]:
    """Gives a host another public address for a while; the endpoint that it has there."""
    host.take_address(address)
    try:
        yield f"{address}:8055"
    finally:
        host.take_address(host.namespace.outer_ipv4)


def test_suspended_host_wakes_up_at_another_address(b1: Host, c1: Host) -> None:
    can_reach = reaches(b1, c1)
    c1.agent.signal(signal.SIGSTOP)
    with moved(c1, "198.51.100.34"):
        time.sleep(5)  # that it sleeps is the point
        c1.agent.signal(signal.SIGCONT)
        seconds_until("b1 reaches c1", can_reach, MOVE_DEADLINE_S)
    seconds_until("b1 reaches c1", can_reach, MOVE_DEADLINE_S)


@pytest.mark.parametrize(
    "damage",
    [
        ("address", "flush", "dev", DEVICE),
        ("link", "set", DEVICE, "down"),
        ("link", "set", DEVICE, "mtu", "1280"),
        ("link", "delete", DEVICE),
        ("route", "delete", CIDR),
    ],
    ids=" ".join,
)
def test_damaged_device_is_repaired(a1: Host, b1: Host, damage: tuple[str, ...]) -> None:
    can_reach = reaches(b1, a1)
    a1.ip(*damage)
    seconds_until("the device is whole", lambda: "mtu 1420" in shown(a1), REPAIR_DEADLINE_S)
    seconds_until("b1 reaches a1", can_reach, REPAIR_DEADLINE_S)


def shown(host: Host) -> str:
    """The device and its route, if it is up, has its address and the route."""
    if not host.has_device_address() or CIDR not in host.ip("route"):
        return ""
    return host.ip("link", "show", "dev", DEVICE)


def test_overlap_that_comes_later_is_told_and_goes_by_itself(world: Internet, a1: Host, b1: Host) -> None:
    with bridge(a1, "10.77.0.129/25"):
        eventually("a1 is degraded", lambda: a1.state == "degraded", REPAIR_DEADLINE_S)
        assert "10.77.0.128/25 (bridge at docker0)" in a1.status()["reason"]
        assert b1.namespace.ping(a1.address)
    eventually("a1 is well", lambda: a1.state == "tunneling", REPAIR_DEADLINE_S)


@contextlib.contextmanager
def bridge(host: Host, address: str) -> Iterator[None]:
    """A bridge network on a host, as a container runtime makes one."""
    host.ip("link", "add", "docker0", "type", "bridge")
    host.ip("address", "add", address, "dev", "docker0")
    try:
        yield
    finally:
        host.ip("link", "delete", "docker0")


def test_host_that_overlaps_from_the_start_says_why_and_joins_when_it_does_not(world: Internet) -> None:
    host = world.add_host("d1", 14)
    host.enrol(world.token("d1"))
    with bridge(host, "10.77.0.1/16"):
        host.agent.start()
        eventually("d1 has failed", lambda: host.state == "failed", JOIN_DEADLINE_S)
        assert "10.77.0.0/16" in host.status()["reason"]
        assert CIDR in host.status()["reason"]
    eventually("d1 has joined", lambda: host.state == "tunneling", JOIN_DEADLINE_S)


def test_removed_host_is_released_and_comes_back_when_enrolled_again(
    world: Internet, a1: Host, b1: Host
) -> None:
    key = b1.status()["peers"]
    assert world.call("DELETE", f"/v1/networks/{NETWORK}/peers/a1")[0] in (200, 204)
    eventually("a1 is released", lambda: a1.state == "released", JOIN_DEADLINE_S)
    eventually("its address is gone", lambda: not a1.has_device_address(), 2.0)
    eventually("b1 has dropped it", lambda: len(b1.status()["peers"]) == len(key) - 1, 2.0)
    a1.enrol(world.token("a1"))
    eventually("a1 is back", lambda: a1.state == "tunneling", JOIN_DEADLINE_S)


def test_host_leaves_and_comes_back(world: Internet, a1: Host) -> None:
    assert a1.cladnet("leave") == (0, {"left": NETWORK})
    eventually("a1 is released", lambda: a1.state == "released")
    assert world.call("GET", f"/v1/networks/{NETWORK}/peers/a1")[0] == 404
    a1.enrol(world.token("a1"))
    eventually("a1 is back", lambda: a1.state == "tunneling", JOIN_DEADLINE_S)


def test_stopped_agent_leaves_no_device_and_stays_a_member(world: Internet, a1: Host) -> None:
    address = a1.address
    start_s = time.monotonic()
    assert a1.agent.terminate() == 0
    assert time.monotonic() - start_s < 2
    assert DEVICE not in a1.ip("link")
    assert a1.cladnet("status")[0] == 3
    assert world.peer("a1")["state"] == "closing"
    a1.agent.start()
    eventually("a1 is back", lambda: a1.state == "tunneling", JOIN_DEADLINE_S)
    assert a1.address == address


def test_full_disk_stops_no_traffic_and_truncates_no_file(world: Internet, a1: Host, b1: Host) -> None:
    with small_disk(a1):
        eventually("a1 tunnels", lambda: a1.state == "tunneling", JOIN_DEADLINE_S)
        eventually("b1 reaches a1", reaches(b1, a1))
        filler = a1.state_dir / "filler"
        fill(filler)
        with moved(world.hosts["c1"], "198.51.100.35"):
            eventually("a1 complains", lambda: "No space left" in a1.status()["reason"], JOIN_DEADLINE_S)
            assert a1.state == "degraded"
            assert b1.namespace.ping(a1.address)
            assert json.loads((a1.state_dir / "table.json").read_bytes())["peers"]
        filler.unlink()
        eventually("a1 is well", lambda: a1.state == "tunneling", JOIN_DEADLINE_S)


@contextlib.contextmanager
def small_disk(host: Host) -> Iterator[None]:
    """Has the agent's state on a file system of 64 KiB for a while; it is restarted before and after."""
    path, copy = host.state_dir, host.directory / "copy"
    host.agent.kill()
    shutil.copytree(path, copy)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(path)], check=True)
    shutil.copytree(copy, path, dirs_exist_ok=True)
    host.agent.start()
    try:
        yield
    finally:
        host.agent.kill()
        subprocess.run(["umount", str(path)], check=True)
        host.agent.start()


def fill(path: Path) -> None:
    """Leaves no byte free."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_controllers_that_forgot_everything_take_no_tunnel_down(world: Internet, a1: Host, b1: Host) -> None:
    world.kill_controllers()
    shutil.move(world.folder / "etcd", world.folder / "etcd.kept")
    world.start_controllers()
    try:
        eventually("a1 is in doubt", lambda: a1.state == "degraded", JOIN_DEADLINE_S)
        assert b1.namespace.ping(a1.address)
        assert len(a1.status()["peers"]) == len(world.hosts) - 1
    finally:
        world.kill_controllers()
        shutil.rmtree(world.folder / "etcd")
        shutil.move(world.folder / "etcd.kept", world.folder / "etcd")
        world.start_controllers()
