# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The processes that move packets: several of them, their death, and that nobody waits for them."""

from __future__ import annotations

import base64
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from namespaces import Namespace, eventually, kill
from tunnel_pair import Start, introduce, transfer
from tunnel_process import TunnelProcess

Hosts = tuple[Namespace, Namespace]
PORTS = range(7201, 7205)


def join(hosts: Hosts, start_tunnel: Start, **options: object) -> tuple[TunnelProcess, TunnelProcess]:
    us, them = start_tunnel(hosts[0], **options), start_tunnel(hosts[1], **options)
    introduce(
        us, them, we_know=f"{hosts[1].outer_ipv4}:{them.port}", they_know=f"{hosts[0].outer_ipv4}:{us.port}"
    )
    eventually("packets pass", lambda: hosts[0].ping("10.77.0.2"))
    return us, them


def workers_of(tunnel: TunnelProcess) -> list[int]:
    """Process numbers of the workers of a tunnel, in the order in which they were started."""
    children = Path(f"/proc/{tunnel.pid}/task/{tunnel.pid}/children").read_text().split()
    return [int(child) for child in children]


def wait_for_another(tunnel: TunnelProcess, dead: int, *, workers: int = 1) -> None:
    eventually("another worker runs", lambda: len(set(workers_of(tunnel)) - {dead}) == workers)


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_share_flows_and_lose_nothing(hosts: Hosts, start_tunnel: Start, workers: int):
    us, them = join(hosts, start_tunnel, workers=workers)
    assert len(workers_of(us)) == workers
    with ThreadPoolExecutor() as pool:
        for transferred in [
            pool.submit(transfer, hosts[number % 2], hosts[1 - number % 2], address, port)
            for number, (address, port) in enumerate(zip(("10.77.0.1", "10.77.0.2") * 2, PORTS, strict=True))
        ]:
            transferred.result()
    assert "replayed" not in them.call("status")["drops"]
    assert "not_authentic" not in us.call("status")["drops"]


def test_worker_that_dies_is_started_again_with_the_session(hosts: Hosts, start_tunnel: Start):
    us, them = join(hosts, start_tunnel)
    age_s = us.call("status")["peers"][them.identity.public]["last_handshake_age_s"]
    for _unused in range(3):
        [worker] = workers_of(us)
        os.kill(worker, signal.SIGKILL)
        wait_for_another(us, worker)
        eventually("packets pass again", lambda: hosts[0].pings("10.77.0.2"))
    status = us.call("status")
    assert status["peers"][them.identity.public]["last_handshake_age_s"] > age_s, "it made a new session"
    assert status["recreated"] == 0, "the device went away"
    assert "replayed" not in them.call("status")["drops"], "a counter came twice"


def test_transfer_goes_on_when_a_worker_dies(hosts: Hosts, start_tunnel: Start):
    us, _them = join(hosts, start_tunnel)
    with ThreadPoolExecutor() as pool:
        transferred = pool.submit(transfer, hosts[0], hosts[1], "10.77.0.1", 7210)
        os.kill(workers_of(us)[0], signal.SIGKILL)
        transferred.result()


def test_dead_worker_of_several_takes_no_other_with_it(hosts: Hosts, start_tunnel: Start):
    us, _them = join(hosts, start_tunnel, workers=3)
    first, second, third = workers_of(us)
    os.kill(second, signal.SIGKILL)
    wait_for_another(us, second, workers=3)
    assert {first, third} < set(workers_of(us))
    eventually("packets pass again", lambda: hosts[0].ping("10.77.0.2"))


def test_control_answers_while_a_worker_hangs(hosts: Hosts, start_tunnel: Start):
    us, _them = join(hosts, start_tunnel)
    [worker] = workers_of(us)
    os.kill(worker, signal.SIGSTOP)
    try:
        assert not hosts[0].pings("10.77.0.2")
        for number in range(3, 200):
            us.add_peer(us_key(number), [f"10.77.1.{number}/32"])
        assert len(us.call("status")["peers"]) == 198
    finally:
        os.kill(worker, signal.SIGCONT)
    eventually("packets pass again", lambda: hosts[0].pings("10.77.0.2"))


def test_packets_pass_while_control_hangs(hosts: Hosts, start_tunnel: Start):
    us, _them = join(hosts, start_tunnel)
    os.kill(us.pid, signal.SIGSTOP)
    try:
        assert hosts[0].ping("10.77.0.2")
        transfer(hosts[1], hosts[0], "10.77.0.2", 7220)
    finally:
        os.kill(us.pid, signal.SIGCONT)


def test_workers_end_with_a_tunnel_that_was_killed(hosts: Hosts, start_tunnel: Start):
    us, _them = join(hosts, start_tunnel, workers=2)
    workers = workers_of(us)
    os.kill(us.pid, signal.SIGKILL)
    eventually(
        "the workers have ended", lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers)
    )
    eventually("the device is gone", lambda: not device_exists(hosts[0], us.device))


def test_device_that_was_deleted_is_used_again_by_all_workers(hosts: Hosts, start_tunnel: Start):
    us, _them = join(hosts, start_tunnel, workers=2)
    hosts[0].run("ip", "link", "delete", us.device)
    eventually("the device is there again", lambda: us.call("status")["recreated"] == 1)
    hosts[0].set_up(us.device, "10.77.0.1/24")
    eventually("packets pass again", lambda: hosts[0].ping("10.77.0.2"))


def test_flood_of_handshakes_does_not_reach_the_workers(hosts: Hosts, start_tunnel: Start):
    us, them = join(hosts, start_tunnel)
    [worker] = workers_of(them)
    before = cpu_ticks(worker)
    script = "import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
    script += "for n in range(20000): s.sendto(b'\\1\\0\\0\\0'+bytes(144),(sys.argv[1],int(sys.argv[2])))"
    flood = hosts[0].start(sys.executable, "-c", script, hosts[1].outer_ipv4, str(them.port))
    try:
        assert hosts[0].ping("10.77.0.2")
        assert flood.wait(20) == 0
    finally:
        kill(flood)
    eventually("the flood was looked at", lambda: them.call("status")["drops"].get("wrong_mac", 0) > 0)
    assert cpu_ticks(worker) - before < 20
    assert us.call("status")["peers"]


def us_key(number: int) -> str:
    """Some public key."""
    return base64.b64encode(bytes([9, number, 7]) + bytes([number]) * 29).decode()


def device_exists(host: Namespace, device: str) -> bool:
    return host.run("ip", "link", "show", device, check=False).returncode == 0


def cpu_ticks(pid: int) -> int:
    """Processor time of a process, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
