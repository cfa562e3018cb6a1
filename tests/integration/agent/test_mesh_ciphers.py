# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which cipher real agents use with each other, and that a network may change it while they talk."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cladnet.core.network import CIPHERS
from tests.integration.agent.internet import (
    JOIN_DEADLINE_S,
    NETWORK,
    SOURCE,
    START_DEADLINE_S,
    Daemon,
    Host,
    Internet,
    internet,
)
from tests.integration.datapath.namespaces import eventually

PATH = f"/v1/networks/{NETWORK}"
AES, CHACHA = "aes-256-gcm", "chacha20-poly1305"
CPUS = {
    "a1": "flags\t\t: fpu aes pclmulqdq\n",
    "b1": "Features\t: fp asimd aes pmull\n",
    "c1": "Features\t: fp asimd crc32\n",
}
CHANGE_DEADLINE_S = 10.0
PING_INTERVAL_S = 0.02
# Answers that come while the agents shall not be cut: none may be missing, but for the last one on its way.
MOST_MISSING = 1


def use_cpu(host: Host, cpuinfo: Path) -> None:
    """Has the agent see another CPU than that of this machine."""
    argv = [sys.executable, "-m", "cladnet.agent.main", "--config", str(host.configuration)]
    script = 'mount --bind "$0" /proc/cpuinfo && exec "$@"'
    command = ("unshare", "--mount", "sh", "-c", script, str(cpuinfo), *argv)
    host.agent = Daemon(host.namespace, host.directory.with_suffix(".log"), *command)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Two hosts whose CPUs have AES instructions, and one whose CPU has none."""
    folder = tmp_path_factory.mktemp("internet")
    with internet(folder) as world:
        for number, (name, cpu) in enumerate(CPUS.items(), start=11):
            host = world.add_host(name, number)
            (folder / f"{name}.cpuinfo").write_text(cpu)
            use_cpu(host, folder / f"{name}.cpuinfo")
            host.enrol(world.token(name))
            host.agent.start()
        for host in world.hosts.values():
            host.until_it_tunnels(START_DEADLINE_S)
        yield world
    shutil.rmtree(folder / "etcd", ignore_errors=True)


def set_cipher(world: Internet, cipher: str) -> None:
    status, reply = world.call("PATCH", PATH, {"cipher": cipher})
    assert status == 200, reply
    assert reply["cipher"] == cipher


def peer(host: Host, other: Host) -> dict[str, Any]:
    return next(dict(each) for each in host.status()["peers"] if each["host"] == other.name)


def session_cipher(host: Host, other: Host) -> str | None:
    return peer(host, other)["session_cipher"]


@contextlib.contextmanager
def answered(host: Host, other: Host) -> Iterator[None]:
    """Pings all the while, and lets no answer be missing."""
    process = host.namespace.start("ping", "-n", "-q", "-i", str(PING_INTERVAL_S), other.address)
    time.sleep(5 * PING_INTERVAL_S)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        output, _unused = process.communicate(timeout=10)
    sent, received = map(int, re.findall(r"(\d+) packets transmitted, (\d+) received", output)[0])
    assert sent - received <= MOST_MISSING, output


@pytest.fixture(autouse=True)
def auto(world: Internet) -> Iterator[None]:
    yield
    set_cipher(world, "auto")


def test_auto_is_what_suits_both_cpus(world: Internet, a1: Host, b1: Host, c1: Host) -> None:
    expected = {("a1", "b1"): AES, ("a1", "c1"): CHACHA, ("b1", "c1"): CHACHA}
    for (one, other), cipher in expected.items():
        for host, peer_host in (
            (world.hosts[one], world.hosts[other]),
            (world.hosts[other], world.hosts[one]),
        ):
            assert host.namespace.ping(peer_host.address)
            assert session_cipher(host, peer_host) == peer(host, peer_host)["cipher"] == cipher
    assert world.peer("a1")["ciphers"] == [AES, CHACHA]
    assert world.peer("c1")["ciphers"] == [CHACHA, AES]
    choices = [host.cladnet("explain", "c1")[1]["cipher_choice"] for host in (a1, b1)]
    assert choices == ["no AES instructions in the CPU of c1"] * 2
    assert a1.cladnet("explain", "b1")[1]["cipher_choice"] == "both CPUs have AES instructions"


@pytest.mark.parametrize("before", CIPHERS)
@pytest.mark.parametrize("after", CIPHERS)
def test_no_answer_is_missing_while_the_cipher_changes(
    world: Internet, a1: Host, b1: Host, c1: Host, before: str, after: str
) -> None:
    set_cipher(world, before)
    eventually("a1 has the option of before", lambda: a1.status()["cipher"] == before, CHANGE_DEADLINE_S)
    with answered(a1, b1), answered(c1, a1), answered(b1, c1):
        set_cipher(world, after)
        for host, other in ((a1, b1), (b1, a1), (a1, c1), (c1, b1)):
            eventually(
                f"{host.name} and {other.name} have changed",
                lambda host=host, other=other: after in ("auto", session_cipher(host, other)),
                CHANGE_DEADLINE_S,
            )


def cipher_on_disk(host: Host) -> str:
    return str(json.loads((host.state_dir / "table.json").read_text())["network"]["cipher"])


def restart_without_controllers(world: Internet, host: Host) -> None:
    world.kill_controllers()
    host.agent.kill()
    host.agent.start()


def test_a_named_cipher_holds_after_a_start_without_controllers(world: Internet, a1: Host, b1: Host) -> None:
    set_cipher(world, CHACHA)
    for host in (a1, b1):
        eventually("it is on the disk", lambda host=host: cipher_on_disk(host) == CHACHA, CHANGE_DEADLINE_S)
    restart_without_controllers(world, a1)
    try:
        eventually("b1 reaches a1", lambda: b1.namespace.pings(a1.address), JOIN_DEADLINE_S)
        assert session_cipher(a1, b1) == session_cipher(b1, a1) == CHACHA
    finally:
        world.start_controllers()


def test_a_host_that_has_missed_a_stricter_cipher_is_not_cut_off(world: Internet, a1: Host, b1: Host) -> None:
    """It starts with the rule of before, so it begins with another cipher, and accepts what a1 wants."""
    eventually("b1 has auto on its disk", lambda: cipher_on_disk(b1) == "auto", CHANGE_DEADLINE_S)
    b1.agent.kill()
    set_cipher(world, CHACHA)
    eventually("a1 has heard of it", lambda: a1.status()["cipher"] == CHACHA, CHANGE_DEADLINE_S)
    restart_without_controllers(world, b1)
    try:
        eventually("b1 reaches a1", lambda: b1.namespace.pings(a1.address), JOIN_DEADLINE_S)
        assert b1.status()["cipher"] == "auto"
        assert session_cipher(a1, b1) == session_cipher(b1, a1) == CHACHA
    finally:
        world.start_controllers()
    eventually("b1 has caught up", lambda: b1.status()["cipher"] == CHACHA, JOIN_DEADLINE_S)


def test_plain_wireguard_stays_out_of_a_network_of_aes(world: Internet, a1: Host) -> None:
    key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    laptop = {"host": "laptop", "public_key": base64.b64encode(key).decode()}
    set_cipher(world, AES)
    assert world.call("POST", f"{PATH}/peers", laptop)[0] == 409
    set_cipher(world, "auto")
    assert world.call("POST", f"{PATH}/peers", laptop)[0] == 201
    try:
        eventually("a1 knows it", lambda: "laptop" in [each["host"] for each in a1.status()["peers"]])
        shown = next(each for each in a1.status()["peers"] if each["host"] == "laptop")
        assert (shown["cipher"], shown["ciphers"]) == (CHACHA, [CHACHA])
        status, reply = world.call("PATCH", PATH, {"cipher": AES})
        assert (status, "laptop" in reply["error"]["message"]) == (409, True)
    finally:
        assert world.call("DELETE", f"{PATH}/peers/laptop")[0] == 204


def test_prometheus_is_told_what_the_tunnel_counts(world: Internet, a1: Host, b1: Host) -> None:
    assert a1.namespace.ping(b1.address)
    argv = [sys.executable, "-m", "cladnet.cli.main", "metrics", "--config-dir", str(a1.configuration.parent)]
    text = a1.namespace.run("env", f"PYTHONPATH={SOURCE}", *argv).stdout
    labels = f'{{network="{NETWORK}",host="a1",peer="b1"}}'
    found = re.search(rf"^cladnet_peer_receive_bytes_total{re.escape(labels)} (\d+)$", text, re.MULTILINE)
    assert found
    assert int(found[1]) >= 3 * (84 + 32)
    assert f'cladnet_agent_up{{network="{NETWORK}",host="a1"}} 1\n' in text
    now = session_cipher(a1, b1)
    assert f'cladnet_peer_session_cipher{labels[:-1]},cipher="{now}"}} 1\n' in text
