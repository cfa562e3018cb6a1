# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What administrators do to real agents from afar: down, up, new keys, other addresses, a foreign peer."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.integration.agent.internet import DEVICE, JOIN_DEADLINE_S, NETWORK, Host, Internet
from tests.integration.datapath.namespaces import Namespace, eventually

PEERS = f"/v1/networks/{NETWORK}/peers"
ORDER_DEADLINE_S = 5.0
PING_INTERVAL_S = 0.02
MOST_LOST_AT_REKEY_S = 0.5


def order(world: Internet, action: str, *hosts: Host) -> dict[str, Any]:
    names = [host.name for host in hosts]
    status, reply = world.call("POST", f"/v1/networks/{NETWORK}/control", {"action": action, "hosts": names})
    assert status == 202, reply
    return dict(reply)


def is_settled(world: Internet, host: Host) -> bool:
    return bool(world.peer(host.name)["control"]["settled"])


def settle(world: Internet, host: Host) -> None:
    eventually(f"{host.name} is settled", lambda: is_settled(world, host), ORDER_DEADLINE_S)


def link_is_up(host: Host) -> bool:
    return "UP" in host.ip("-br", "link", "show", "dev", DEVICE).split("<")[1]


def patch(world: Internet, host: str, **changes: object) -> dict[str, Any]:
    status, reply = world.call("PATCH", f"{PEERS}/{host}", changes)
    assert status == 200, reply
    return dict(reply)


@contextlib.contextmanager
def taken_down(world: Internet, host: Host) -> Iterator[None]:
    order(world, "down", host)
    settle(world, host)
    try:
        yield
    finally:
        order(world, "up", host)
        settle(world, host)


def test_a_host_goes_down_and_comes_up_as_ordered(world: Internet, a1: Host, b1: Host) -> None:
    address = a1.address
    with taken_down(world, a1):
        assert not link_is_up(a1)
        assert not b1.namespace.pings(address)
        peer = world.peer("a1")
        assert (peer["state"], peer["connected"], peer["address"]) == ("released", True, address)
        assert peer["control"] == {
            "desired": "down",
            "rekeys_requested": peer["control"]["rekeys_requested"],
            "rekeys_done": peer["control"]["rekeys_done"],
            "settled": True,
        }
        status = a1.status()
        assert (status["state"], status["control"]["desired"], status["address"]) == (
            "released",
            "down",
            address,
        )
        assert status["peers"] == []
        again = order(world, "down", a1)
        assert again["revision"] == order(world, "down", a1)["revision"], "nothing is written twice"
    eventually("b1 reaches a1", lambda: b1.namespace.pings(address), ORDER_DEADLINE_S)


def test_a_host_that_is_down_stays_down_through_a_start_without_controllers(
    world: Internet, a1: Host, b1: Host
) -> None:
    address = a1.address
    with taken_down(world, a1):
        world.kill_controllers()
        try:
            a1.agent.kill()
            a1.agent.start()
            eventually("a1 runs", lambda: a1.status()["state"] == "released", ORDER_DEADLINE_S)
            assert not link_is_up(a1)
            assert not b1.namespace.pings(address)
        finally:
            world.start_controllers()


def test_an_order_reaches_a_host_that_was_away(world: Internet, a1: Host) -> None:
    key = world.peer("a1")["public_key"]
    a1.agent.kill()
    order(world, "rekey", a1)
    order(world, "down", a1)
    assert not is_settled(world, a1)
    a1.agent.start()
    settle(world, a1)
    assert world.peer("a1")["public_key"] != key
    assert a1.state == "released"
    order(world, "up", a1)
    settle(world, a1)


def test_a_new_key_interrupts_traffic_for_a_moment_only(world: Internet, a1: Host, b1: Host) -> None:
    before = world.peer("a1")
    with pinging(b1, a1.address) as lost_s, pinging(a1, b1.address) as lost_back_s:
        order(world, "rekey", a1)
        settle(world, a1)
        eventually("b1 has the new key", lambda: key_at(b1, "a1") == world.peer("a1")["public_key"])
        eventually("b1 reaches a1", lambda: b1.namespace.pings(a1.address), ORDER_DEADLINE_S)
    after = world.peer("a1")
    assert after["public_key"] != before["public_key"]
    assert after["control"]["rekeys_done"] == before["control"]["rekeys_done"] + 1
    assert (after["address"], after["state"]) == (before["address"], "tunneling")
    assert max(lost_s[0], lost_back_s[0]) < MOST_LOST_AT_REKEY_S


def key_at(host: Host, peer: str) -> str:
    return next(str(each["public_key"]) for each in host.status()["peers"] if each["host"] == peer)


@contextlib.contextmanager
def pinging(host: Host, address: str) -> Iterator[list[float]]:
    """Pings all the while; gives afterwards how long no answer came in all, in seconds."""
    argv = ("ping", "-n", "-q", "-i", str(PING_INTERVAL_S), address)
    process = host.namespace.start(*argv)
    lost_s: list[float] = []
    time.sleep(5 * PING_INTERVAL_S)
    try:
        yield lost_s
    finally:
        process.send_signal(signal.SIGINT)
        output, _unused = process.communicate(timeout=10)
        sent, received = map(int, re.findall(r"(\d+) packets transmitted, (\d+) received", output)[0])
        lost_s.append((sent - received) * PING_INTERVAL_S)


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.03, 0.1])
def test_an_agent_that_dies_while_it_changes_its_key_heals(
    world: Internet, a1: Host, b1: Host, moment: float
) -> None:
    requested = world.peer("a1")["control"]["rekeys_requested"]
    key = world.peer("a1")["public_key"]
    order(world, "rekey", a1)
    time.sleep(moment)  # to hit it at its work: the moment is what is tested, no condition is waited for
    a1.agent.kill()
    a1.agent.start()
    settle(world, a1)
    peer = world.peer("a1")
    assert peer["control"]["rekeys_done"] == requested + 1
    assert peer["public_key"] != key
    own = base64.b64encode(public_key(a1.state_dir / "wireguard.key")).decode()
    eventually("the host uses what the controllers know", lambda: own == world.peer("a1")["public_key"])
    eventually("b1 reaches a1", lambda: b1.namespace.pings(a1.address), JOIN_DEADLINE_S)


def public_key(file: Path) -> bytes:
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(file.read_bytes()))
    return private.public_key().public_bytes_raw()


def test_a_host_takes_its_new_address_while_it_runs(world: Internet, a1: Host, b1: Host, c1: Host) -> None:
    old, pid = a1.address, a1.agent.pid
    new = str(ip_interface(f"{old}/24").network.network_address + 200)
    peer = patch(world, "a1", address=new)
    assert (peer["address"], peer["static"]) == (new, True)
    for host in (b1, c1):
        eventually(
            f"{host.name} reaches {new}", lambda host=host: host.namespace.pings(new), ORDER_DEADLINE_S
        )
        assert not host.namespace.pings(old)
    assert (a1.address, a1.agent.pid) == (new, pid)
    assert re.findall(r"inet (\S+)/24", a1.ip("-4", "address", "show", "dev", DEVICE)) == [new]
    status, reply = world.call("POST", PEERS, {"host": "other", "address": old})
    assert status == 409, "the old address is in quarantine"
    assert "a1" in reply["error"]["message"]
    patch(world, "a1", static=False)


def test_a_place_kept_for_a_host_is_what_it_gets(world: Internet) -> None:
    wish = {"host": "d1", "address": "10.77.0.77", "description": "late"}
    assert world.call("POST", PEERS, wish)[0] == 201
    host = world.join("d1", 14)
    eventually("d1 has joined", lambda: host.state == "tunneling", JOIN_DEADLINE_S)
    assert host.address == "10.77.0.77"
    assert world.peer("d1")["description"] == "late"


def test_a_standard_wireguard_client_joins_and_roams(
    world: Internet, a1: Host, b1: Host, tmp_path: Path
) -> None:
    """Debian's wireguard-go behind no agent: it knows all peers, they learn where it is by themselves."""
    for program in ("wireguard-go", "wg"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (apt install wireguard-go wireguard-tools)")
    with wireguard_client(world, tmp_path) as laptop:
        for host in (a1, b1):
            assert laptop.ping(host.address)
            assert host.namespace.ping(str(world.peer("laptop")["address"]))
        laptop.run("wg", "set", "wg0", "listen-port", "51999")  # as a NAT does to it
        for host in (a1, b1):
            eventually("it roams", lambda host=host: laptop.pings(host.address), ORDER_DEADLINE_S)
        peer = next(each for each in a1.status()["peers"] if each["host"] == "laptop")
        assert peer["endpoint"] == "198.51.100.90:51999"
    eventually("a1 has dropped it", lambda: all(p["host"] != "laptop" for p in a1.status()["peers"]))


@contextlib.contextmanager
def wireguard_client(world: Internet, folder: Path) -> Iterator[Namespace]:
    """A host with wireguard-go, made a peer by its public key, that knows the others from the controller."""
    private = folder / "private.key"
    private.write_text(subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout)
    public = base64.b64encode(public_key(private)).decode()
    laptop = world.add_namespace("laptop", "198.51.100.90")
    process = laptop.start("wireguard-go", "--foreground", "wg0")
    try:
        status, own = world.call("POST", PEERS, {"host": "laptop", "public_key": public})
        assert status == 201, own
        eventually("wireguard-go runs", lambda: Path("/run/wireguard/wg0.sock").exists())
        peers = [world.peer(name) for name in world.hosts]
        laptop.run("wg", "set", "wg0", "private-key", str(private), *wireguard_peers(peers))
        laptop.set_up("wg0", f"{own['address']}/24")
        yield laptop
    finally:
        process.kill()
        process.communicate()
        assert world.call("DELETE", f"{PEERS}/laptop")[0] == 204


def wireguard_peers(peers: list[dict[str, Any]]) -> list[str]:
    return [
        word
        for peer in peers
        for word in (
            *("peer", peer["public_key"]),
            *("endpoint", peer["endpoint"]),
            *("allowed-ips", f"{peer['address']}/32"),
        )
    ]
